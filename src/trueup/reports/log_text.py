"""A log's text by lines, and which of them belong to a place in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from trueup.logs.lambda_json import convert

MOST_SEARCHED = 500
"""Lines within which an outcome or the end of an invocation is looked for."""

_OUTCOMES = {"applied", "already_synced", "skipped", "blocked", "failed"}
_CAUSES_OF_CRASH = {"uncaught_exception", "init_report"}
_TELLING = _OUTCOMES | _CAUSES_OF_CRASH | {"sync_error", "crash"}
_NEXT_ATTEMPT = {"processing_message", "start_syncing", "end"}
_FIELD = re.compile(
    rb"(?:^\s*|[{,] |\\n *)(?:message|oldBalance|newBalance|amount|vat|paymentBalance|subscriptionBalance"
    rb"|currentBalance|type): "
)


class Place(NamedTuple):
    """Where something stands in the logs, and what of its message stands elsewhere."""

    title: str
    file_id: str
    file: str
    first_line: int
    last_line: int
    request_id: str | None
    message_lines: tuple[int, int] | None = None
    """First and last line of its message, in the same file."""
    sync_error_line: int | None = None
    wallet_matters: bool = False
    """Whether the wallet's entry and the delivery, in the metadata, are a part of the proof."""


class LogText:
    """A log's lines, counted from 0, and where its entries begin."""

    def __init__(
        self,
        lines: Sequence[bytes],
        pattern: re.Pattern[bytes],
        holds: Callable[[int], bool] | None = None,
    ) -> None:
        self.lines = lines
        self._pattern = pattern
        self._holds = holds

    @property
    def is_window(self) -> bool:
        """Whether only some lines are held."""
        return self._holds is not None

    def entry(self, place: int) -> tuple[str, str] | None:
        """Return kind and request id of the entry that begins at the line; None: none does.

        Both are empty where a long log's line is not held: no entry that is looked for goes on there.
        """
        if self._holds and not self._holds(place):
            return "", ""
        # The opening of some kinds reaches into the next line.
        match = self._pattern.match(b"\n" + b"\n".join(self.lines[place : place + 2]))
        if not match:
            return None
        if match.lastgroup is None and match[2] is None:
            match = convert(match, 1 + len(self.lines[place]), self._pattern) or match
        kind = match.lastgroup or ""
        request = match[2] or match["started"] or match["ended"] or b""
        return kind, request.decode(errors="replace")

    def end(self, place: int) -> int:
        """Return where the entry that holds the line ends: the line after it."""
        later = range(place + 1, len(self.lines))
        return next((line for line in later if self.entry(line)), len(self.lines))

    def end_of_head(self) -> int:
        """Return where the first entry begins; what stands before it is another file's."""
        lines = range(len(self.lines))
        return next((line for line in lines if self.entry(line)), len(self.lines))


def lines_of(text: LogText, place: Place) -> set[int]:
    """Choose the lines of the place, and of what its message says besides."""
    first, last = place.first_line - 1, min(place.last_line, len(text.lines)) - 1
    if not 0 <= first <= last:
        return set()
    chosen = set(range(first, text.end(last)))
    if place.message_lines:
        chosen |= _of_message(text, place, place.message_lines, last)
    if place.sync_error_line is not None and place.sync_error_line <= len(text.lines):
        chosen |= _entry(text, place.sync_error_line - 1)
    return chosen | _of_invocation(text, first)


def _entry(text: LogText, line: int) -> set[int]:
    return set(range(line, text.end(line)))


def _of_message(text: LogText, place: Place, lines: tuple[int, int], last: int) -> set[int]:
    """Choose what the message's request says within its lines, or up to its outcome."""
    begins, ends = lines
    chosen: set[int] = set()
    has_outcome = False
    for line in range(begins - 1, len(text.lines)):
        if line >= ends and (has_outcome or line > last + MOST_SEARCHED):
            break
        entry = text.entry(line)
        if not entry or entry[1] != place.request_id:
            continue
        if line >= ends and entry[0] in _NEXT_ATTEMPT:
            break
        has_outcome |= entry[0] in _OUTCOMES
        chosen |= _entry(text, line)
    return chosen


def _of_invocation(text: LogText, first: int) -> set[int]:
    """Choose the rest of an invocation, and the error that stands before a crash."""
    entry = text.entry(first)
    if not entry or entry[0] not in {"start", "init_report"}:
        return set()
    chosen: set[int] = set()
    kind, request = entry
    if kind == "start":
        for line in range(first, min(first + MOST_SEARCHED, len(text.lines))):
            if text.entry(line) == ("end", request):
                chosen |= set(range(first, text.end(line)))
                break
    begins = first
    for line in range(first - 1, max(-1, first - MOST_SEARCHED), -1):
        before = text.entry(line)
        if before and before[0] not in _CAUSES_OF_CRASH:
            break
        begins = line if before else begins
    return chosen | set(range(begins, first))


def tells(text: LogText, line: int, place: Place) -> bool:
    """Tell whether a line holds a balance, an amount, an outcome or an error."""
    entry = text.entry(line)
    return (
        bool(entry and entry[0] in _TELLING)
        or bool(_FIELD.search(text.lines[line]))
        or (place.wallet_matters and text.lines[line].lstrip().startswith(b"metadata: "))
    )
