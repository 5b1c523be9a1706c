"""Find log files under the paths that were given."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from trueup.errors import BadUse
from trueup.sources.loading import GZIP, MARK, load, stem
from trueup.sources.logfile import Found, LogFile

SUFFIXES = (".gz", ".log", ".txt")
"""Endings that mark a file as a log; any other file is looked at, and taken if its bytes say so."""

_LOOKS_LIKE_LOG = re.compile(rb"(?:%s)?\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z " % MARK)
_STREAM_FOLDER = re.compile(r"\d{4}-\d\d-\d\d-\[[^\]]+\][0-9a-f]{32}")
_STREAM_TAIL = re.compile(r"\[[^\]]+\][0-9a-f]{32}")
_EXPORT_NUMBER = re.compile(r"\d{6}(?:\..*)?")


def find_logs(paths: Sequence[str | Path]) -> Found:
    """List the log files under the paths, each file once, in order of name.

    Raises BadUse where a path does not exist or no log is found under any of them.
    """
    seen: dict[str, LogFile] = {}
    ignored: set[str] = set()
    problems: dict[str, str] = {}
    for given in sorted({os.fspath(path) for path in paths}):
        if not os.path.exists(given):
            raise BadUse(f"no such path: {given} (name a log file or a folder of logs)")
        is_folder = os.path.isdir(given)
        for found_name, path, size in _walk(given, problems) if is_folder else _alone(given):
            # A name that is no UTF-8 is shown with question marks; the path stays as it is.
            name = found_name.encode("utf-8", "replace").decode()
            if size is None or (is_folder and not _is_log(path)):
                ignored.add(name)
                continue
            file = _log_file(name, path, size)
            if path not in seen or name < seen[path].name:
                seen[path] = file
    if not seen:
        raise BadUse(
            f"no logs in {', '.join(map(str, paths))}: "
            "trueup reads .gz, .log and .txt files of balance-sync logs"
        )
    files = sorted(seen.values(), key=lambda file: (file.name, file.path))
    files, repeated = _without_repeats(files)
    return Found(files, sorted(ignored), repeated, sorted(problems.items()))


def _log_file(name: str, path: str, size: int) -> LogFile:
    stream = stream_of(path, name)
    is_part = bool(_EXPORT_NUMBER.fullmatch(os.path.basename(name)))
    return LogFile(name, path, stream, size, export=os.path.dirname(name) if is_part else name)


_Place = tuple[str, str, int | None]
"""Name, path and size of something found; no size for what is no file, as a link to a folder."""


def _alone(given: str) -> list[_Place]:
    # A pipe has no path that outlives a look at it: `trueup audit <(zcat x.gz)`.
    path = os.path.realpath(given) if os.path.isfile(given) else given
    return [(os.path.basename(path), path, os.stat(given).st_size)]


def _walk(given: str, problems: dict[str, str]) -> Iterator[_Place]:
    """Yield what stands in the folder and below it; names begin with the folder's last part.

    What cannot be looked at goes into `problems`.
    """
    root = os.path.realpath(given)
    pending = [(os.path.basename(root) or root, root)]
    while pending:
        prefix, folder = pending.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            problems[prefix] = _unseen(error)
            continue
        for entry in entries:
            name = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append((name, entry.path))
                continue
            path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            try:
                yield name, path, entry.stat().st_size if entry.is_file() else None
            except OSError as error:
                problems[name] = _unseen(error)


def _unseen(error: OSError) -> str:
    return f"it cannot be looked at: {(error.strerror or 'unreadable').lower()}"


def _is_log(path: str) -> bool:
    if path.lower().endswith(SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.startswith(GZIP) or bool(_LOOKS_LIKE_LOG.match(start))


def stream_of(path: str, name: str) -> str:
    """Return the log stream that the file is a part of.

    It is the name of its folder, where the folder is a stream's (`2024-01-31-[$LATEST]<hex>`, or
    `2024/01/31/[$LATEST]<hex>` as in CloudWatch, which is the same stream) or the file has an
    export's number for its name; the file's own name, without its
    endings, otherwise: `x.log` and `x.log.gz` are one stream.
    """
    *folders, file = path.split(os.sep)
    folder = folders[-1] if folders else ""
    if _STREAM_FOLDER.fullmatch(folder):
        return folder
    if _STREAM_TAIL.fullmatch(folder) and "".join(folders[-4:-1]).isdigit():
        return "-".join(folders[-4:])
    return folder if folder and _EXPORT_NUMBER.fullmatch(file) else stem(name)


def _without_repeats(files: list[LogFile]) -> tuple[list[LogFile], list[tuple[str, str]]]:
    """Leave out files with the same bytes as one before; only equal sizes need a look inside."""
    first_name: dict[tuple[int, str], str] = {}
    repeated: dict[str, str] = {}
    by_size = sorted(files, key=lambda file: file.size)
    for size, group in groupby(by_size, key=lambda file: file.size):
        same_size = list(group)
        if len(same_size) == 1 or size == 0:
            continue
        for file in same_size:
            digest = _digest(file.path)
            if digest is None:
                continue
            kept = first_name.setdefault((size, digest), file.path)
            # Pieces of a stream that begin no entry may well be the same.
            if kept != file.path and _LOOKS_LIKE_LOG.match(load(file).text):
                repeated[file.path] = kept
    names = {file.path: file.name for file in files}
    return (
        [file for file in files if file.path not in repeated],
        [(names[path], names[kept]) for path, kept in sorted(repeated.items())],
    )


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
