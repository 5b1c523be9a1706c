"""The entry point of the command `trueup`.

It stays light: reading processes import it again.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn


def main() -> None:
    """Run the command line: exit 0 done, 2 bad use with one line on stderr, 130 interrupted."""
    # Arrow loads NumPy wherever it is installed, 0.15 s of each start; `extras` lets it back in.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # None: no import
    interrupts: list[int] = []

    def note(number: int, _: object) -> None:
        interrupts.append(number)

    def interrupt(number: int, _: object) -> NoReturn:
        interrupts.append(number)
        raise KeyboardInterrupt

    def again(ignored: sys.UnraisableHookArgs) -> None:
        # One that came where nothing can be raised, as in a finalizer, comes once more.
        if ignored.exc_type is KeyboardInterrupt:
            timer = threading.Timer(0.05, os.kill, (os.getpid(), interrupts[0]))
            timer.daemon = True
            timer.start()
        else:
            sys.__unraisablehook__(ignored)

    code = 0
    sys.unraisablehook = again
    _on_stop(note)
    with _own_temporary_folder():
        try:
            _on_stop(interrupt)
            code = 0 if interrupts else _run()
            _on_stop(note)
        except BaseException:
            # Its folder is removed whole, however often it is told to stop.
            _on_stop(note)
            # A library may have turned the interrupt into an error of its own, as DuckDB does.
            if not interrupts:
                raise
    sys.exit(128 + interrupts[0] if interrupts else code)


def _on_stop(handle: Callable[[int, object], None]) -> None:
    """Handle an interrupt, and a SIGTERM as a container that stops sends it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


@contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Put whatever a run, its processes and its libraries lay down for a while into one folder.

    It goes at the end, however the run ends. Where none can be made, as on a disk that may only
    be read, whoever needs one says so.
    """
    try:
        folder = tempfile.mkdtemp(prefix="trueup-")
    except OSError:
        yield
        return
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
