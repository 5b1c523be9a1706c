"""Write report files so that nobody ever sees half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trueup.errors import BadUse


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a path beside the target, which takes the target's place once all is written.

    On any exception, an interrupt included, the half-written file goes and the target stays.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        yield beside
        os.replace(beside, target)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make the folder for reports and see that it can be written to; BadUse if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise BadUse(
            f"cannot write reports to {folder}: {reason} (choose another folder with --out)"
        ) from error
