"""Bad use: exceptions whose message names the way out.

Bad *data* is never an exception here: it becomes a row in `problems`.
"""


class TrueupError(Exception):
    """Base of everything that trueup raises on purpose; one line, fit to be shown as it is."""

    exit_code = 2
    http_status = 400


class BadUse(TrueupError):  # noqa: N818  (the house's word for it)
    """A path, option or setting that cannot work: the message says what and what to do."""
