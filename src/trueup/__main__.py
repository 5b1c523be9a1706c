"""The entry point of the command `trueup`.

It stays light: reading processes import it again.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line: exit 0 done, 2 bad use with one line on stderr, 130 interrupted."""
    # Arrow loads NumPy wherever it is installed, 0.15 s of each start; `extras` lets it back in.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # None: no import
    interrupts: list[int] = []

    def interrupt(number: int, _: object) -> NoReturn:
        interrupts.append(number)
        raise KeyboardInterrupt

    # A container that stops sends SIGTERM: what is temporary goes then as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    code = 0
    try:
        code = _run()
    except BaseException:
        # A library may have turned the interrupt into an error of its own, as DuckDB does.
        if not interrupts:
            raise
    sys.exit(128 + interrupts[0] if interrupts else code)


def _run() -> int:
    from typer.exceptions import TyperException

    from trueup.cli import app
    from trueup.errors import TrueupError

    try:
        return app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except TrueupError as error:
        print(f"trueup: {_one_line(str(error))}", file=sys.stderr)
        return error.exit_code
    except TyperException as error:
        message = _one_line(error.format_message())
        print(f"trueup: {message} (see trueup --help)", file=sys.stderr)
        return error.exit_code


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()


if __name__ == "__main__":
    main()
