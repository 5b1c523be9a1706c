"""A copy of a folder of logs, in which some files are others."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from trueup.errors import BadUse


def make_folder(logs: Path, folder: Path) -> None:
    """Make the copy's folder. Raises BadUse if it cannot be used, or is a part of the logs."""
    if not logs.is_dir():
        raise BadUse(f"{logs} is no folder: name a folder of logs to inject faults into")
    if folder.resolve().is_relative_to(logs.resolve()):
        raise BadUse(f"{folder} lies in the logs themselves: give a folder beside {logs}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadUse(f"{folder} is not empty: give a new or empty folder for the copy")
    except OSError as error:
        raise _unusable(folder, error) from None


def copy_logs(logs: Path, folder: Path, edited: Mapping[str, bytes], without: str) -> int:
    """Copy all files but the one named `without` in the top folder; return how many.

    `edited` holds new bytes by the sha256 of the old ones, so that a file that stands there twice
    is edited twice. What is no file (a pipe, a link to a folder) is left out, as the reader does.
    """
    files = 0
    try:
        for name in _names(logs):
            if name == without:
                continue
            found = (logs / name).read_bytes()
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(edited.get(hashlib.sha256(found).hexdigest(), found))
            files += 1
    except OSError as error:
        raise _unusable(folder, error) from None
    return files


def _names(logs: Path) -> Iterator[str]:
    """Yield the names of all files in the folder and below, in order."""
    for parent, folders, files in os.walk(logs):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(parent, file)
            if os.path.exists(path) and stat.S_ISREG(os.stat(path).st_mode):
                yield os.path.relpath(path, logs)


def _unusable(folder: Path, error: OSError) -> BadUse:
    what = f" of {error.filename}" if error.filename else ""
    return BadUse(
        f"cannot write the copy{what} to {folder} ({error.strerror or error}): give another folder"
    )
