"""Tell whether a folder of reports, and the logs, are still what their manifest says.

The manifest is input like any other, perhaps made by somebody who wants files of this machine
looked at: it names nothing outside its folder, and no link is followed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trueup.errors import BadUse
from trueup.reports.manifest import MANIFEST
from trueup.reports.manifest_file import Listed, Manifest, read_manifest
from trueup.sources.finding import find_logs
from trueup.sources.logfile import LogFile

What = Literal["missing", "changed", "extra", "not a file", "unreadable"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not as the manifest says."""

    what: What
    name: str
    is_input: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the files of a manifest."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    checks_inputs: bool

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was written."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, as `trueup verify --json` prints it."""
        manifest = self.manifest
        return {
            "schema": "trueup.verification/1",
            "is_intact": self.is_intact,
            "manifest_sha256": manifest.sha256,
            "trueup_version": manifest.trueup_version,
            "generated_at": manifest.generated_at,
            "outputs": len(manifest.outputs),
            "inputs": len(manifest.inputs) if self.checks_inputs else None,
            "problems": [
                {
                    "what": one.what,
                    "of": "inputs" if one.is_input else "outputs",
                    "name": one.name,
                }
                for one in self.problems
            ],
        }


def verify(folder: str | Path, inputs: Sequence[str | Path] = ()) -> Verification:
    """Compare the folder's files with its manifest, and the logs under `inputs`, if given.

    Raises BadUse where the folder has no manifest, or one that cannot be used.
    """
    root = Path(folder)
    manifest = read_manifest(root / MANIFEST)
    problems = [*_outputs(root, manifest.outputs)]
    if inputs:
        problems += _inputs(manifest.inputs, inputs)
    return Verification(manifest, tuple(problems), checks_inputs=bool(inputs))


def _outputs(root: Path, listed: Sequence[Listed]) -> Iterator[Problem]:
    for one in listed:
        if what := _difference(root, one):
            yield Problem(what, one.name)
    known = {one.name for one in listed} | {MANIFEST}
    yield from sorted(_extra(root, known), key=lambda one: one.name)


def _difference(root: Path, listed: Listed) -> What | None:
    """Return what is wrong with a listed file; None if nothing is."""
    path = root
    try:
        for part in listed.name.split("/"):
            path /= part
            if path.is_symlink():
                return "not a file"
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return "not a file"
        is_same = found.st_size == listed.size and _sha256(path) == listed.sha256
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError:
        return "unreadable"
    return None if is_same else "changed"


def _sha256(path: Path) -> str:
    # Should a link or a pipe have taken the file's place by now, it is not followed or waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extra(root: Path, known: set[str]) -> Iterator[Problem]:
    """Yield what lies in the folder and is not known, links to folders among it."""
    closed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=closed.append):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            relative = Path(folder, name).relative_to(root).as_posix()
            if relative not in known:
                yield Problem("extra", _shown(relative))
    for error in closed:
        yield Problem("unreadable", _shown(Path(str(error.filename)).relative_to(root).as_posix()))


def _shown(name: str) -> str:
    # A name that is no UTF-8 gets question marks, as the names of logs do.
    return name.encode("utf-8", "replace").decode()


def _inputs(listed: Sequence[Listed], paths: Sequence[str | Path]) -> Iterator[Problem]:
    """Compare logs by their bytes: they may have another name by now, or lie elsewhere."""
    try:
        logs = find_logs(list(paths))
    except BadUse as error:
        raise BadUse(f"inputs: {error}") from error
    # What could not be opened at the time has no sha256: nothing is known of it but its name.
    unread = {one.name for one in listed if not one.sha256}
    found: dict[str, list[str]] = {}
    for file in logs.files:
        if file.name not in unread:
            found.setdefault(_input_sha256(file), []).append(file.name)
    lost = {one.name for one in listed if one.sha256 and not _take(found, one.sha256)}
    for name in sorted(found.pop("", [])):
        yield Problem("unreadable", name, is_input=True)
    more = {name for names in found.values() for name in names}
    for name in sorted(lost):
        yield Problem("changed" if name in more else "missing", name, is_input=True)
    for name in sorted(more - lost):
        yield Problem("extra", name, is_input=True)


def _input_sha256(file: LogFile) -> str:
    try:
        return file.content.sha256()
    except OSError:
        return ""


def _take(found: dict[str, list[str]], sha256: str) -> bool:
    """Take one of the files with these bytes out of those that were found; tell if there was one."""
    names = found.get(sha256, [])
    was_there = bool(names)
    del names[-1:]
    return was_there
