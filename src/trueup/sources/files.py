"""Find log files under the paths that were given, and load their text."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from trueup.errors import BadUse

SUFFIXES = (".gz", ".log", ".txt")
"""Endings that mark a file as a log; any other file is looked at, and taken if its bytes say so."""

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"  # what Windows tools put before UTF-8
_LOOKS_LIKE_LOG = re.compile(rb"(?:%s)?\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z " % _MARK)
_STREAM_FOLDER = re.compile(r"\d{4}-\d\d-\d\d-\[[^\]]+\][0-9a-f]{32}")
_STREAM_TAIL = re.compile(r"\[[^\]]+\][0-9a-f]{32}")
_EXPORT_NUMBER = re.compile(r"\d{6}(?:\..*)?")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file to read: its name in reports, where it is, and the stream that it is a part of."""

    name: str
    path: str
    stream: str
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under the paths: files to read, in order of name, and what was passed over."""

    files: list[LogFile]
    ignored: list[str] = field(default_factory=list)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """Names of files whose bytes another file has too, each with the name that is read."""
    closed: list[tuple[str, str]] = field(default_factory=list)
    """What cannot be looked at, each with the reason."""


def find_logs(paths: Sequence[str | Path]) -> Found:
    """List the log files under the paths, each file once, in order of name.

    Raises BadUse where a path does not exist or no log is found under any of them.
    """
    seen: dict[str, LogFile] = {}
    ignored: set[str] = set()
    closed: dict[str, str] = {}
    for given in sorted({os.fspath(path) for path in paths}):
        if not os.path.exists(given):
            raise BadUse(f"no such path: {given} (name a log file or a folder of logs)")
        is_folder = os.path.isdir(given)
        for found_name, path, size in _walk(given, closed) if is_folder else _alone(given):
            # A name that is no UTF-8 is shown with question marks; the path stays as it is.
            name = found_name.encode("utf-8", "replace").decode()
            if size is None or (is_folder and not _is_log(path)):
                ignored.add(name)
                continue
            file = LogFile(name, path, stream_of(path, name), size)
            if path not in seen or name < seen[path].name:
                seen[path] = file
    if not seen:
        raise BadUse(
            f"no logs in {', '.join(map(str, paths))}: "
            "trueup reads .gz, .log and .txt files of balance-sync logs"
        )
    files = sorted(seen.values(), key=lambda file: (file.name, file.path))
    files, repeated = _without_repeats(files)
    return Found(files, sorted(ignored), repeated, sorted(closed.items()))


_Place = tuple[str, str, int | None]
"""Name, path and size of something found; no size for what is no file, as a link to a folder."""


def _alone(given: str) -> list[_Place]:
    # A pipe has no path that outlives a look at it: `trueup audit <(zcat x.gz)`.
    path = os.path.realpath(given) if os.path.isfile(given) else given
    return [(os.path.basename(path), path, os.stat(given).st_size)]


def _walk(given: str, closed: dict[str, str]) -> Iterator[_Place]:
    """Yield what stands in the folder and below it; names begin with the folder's last part.

    What cannot be looked at goes into `closed`, with the reason.
    """
    root = os.path.realpath(given)
    pending = [(os.path.basename(root) or root, root)]
    while pending:
        prefix, folder = pending.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            closed[prefix] = (error.strerror or "unreadable").lower()
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
                closed[name] = (error.strerror or "unreadable").lower()


def _is_log(path: str) -> bool:
    if path.lower().endswith(SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.startswith(_GZIP) or bool(_LOOKS_LIKE_LOG.match(start))


def stream_of(path: str, name: str) -> str:
    """Return the log stream that the file is a part of.

    It is the name of its folder, where the folder is a stream's (`2024-01-31-[$LATEST]<hex>`, or
    `2024/01/31/[$LATEST]<hex>` as in CloudWatch, which is the same stream) or the file has an
    export's number for its name; the file's own name otherwise.
    """
    *folders, file = path.split(os.sep)
    folder = folders[-1] if folders else ""
    if _STREAM_FOLDER.fullmatch(folder):
        return folder
    if _STREAM_TAIL.fullmatch(folder) and "".join(folders[-4:-1]).isdigit():
        return "-".join(folders[-4:])
    return folder if folder and _EXPORT_NUMBER.fullmatch(file) else name


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


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's text as UTF-8, its sha256 as found, and what was wrong with it.

    A file that cannot be opened has `unread:<name>` for its id.
    """

    file_id: str
    size: int
    text: bytes
    problems: tuple[str, ...] = ()
    is_whole: bool = True


def load(file: LogFile) -> Loaded:
    """Read a file, unpack it if its bytes say gzip, and make its text UTF-8 with plain newlines."""
    try:
        with open(file.path, "rb", buffering=0) as opened:
            found = opened.read()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        problem = f"the file cannot be opened: {reason}"
        return Loaded(f"unread:{file.name}", file.size, b"", (problem,), is_whole=False)
    problems: list[str] = []
    text, damage = unpack(found) if found.startswith(_GZIP) else (found, None)
    if damage:
        problems.append(damage)
    text = text.removeprefix(_MARK)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            problems.append("some bytes are not UTF-8 and were replaced")
            text = text.decode(errors="replace").encode()
    digest = hashlib.sha256(found).hexdigest()
    return Loaded(digest, len(found), text, tuple(problems), is_whole=damage is None)


def unpack(packed: bytes) -> tuple[bytes, str | None]:
    """Unpack a gzip file of one or several members.

    Returns all text before the first damage, and what the damage is (None: there is none).
    """
    parts: list[bytes] = []
    rest = packed
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest))
        except zlib.error as error:
            parts.append(b"".join(_before_damage(rest)))
            return b"".join(parts), f"damaged gzip data ({str(error).partition(': ')[2]})"
        if not member.eof:
            return b"".join(parts), "the gzip data is cut off"
        rest = member.unused_data
        if rest and not rest.startswith(_GZIP):
            damage = None if not rest.strip(b"\0") else "bytes after the end of the gzip data"
            return b"".join(parts), damage
    return b"".join(parts), None


def _before_damage(packed: bytes, step: int = 512) -> Iterable[bytes]:
    """Yield what can be unpacked of a damaged member, to the last byte before the damage."""
    member = zlib.decompressobj(wbits=31)
    for start in range(0, len(packed), step):
        before = member.copy()
        try:
            yield member.decompress(packed[start : start + step])
        except zlib.error:
            for place in range(start, start + step):
                try:
                    yield before.decompress(packed[place : place + 1])
                except zlib.error:
                    return
