"""Find log files under the paths that were given, in whatever they are packed."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from trueup.errors import BadUse
from trueup.sources import cloudwatch, s3
from trueup.sources.aws import Event
from trueup.sources.exports import stream_files
from trueup.sources.limits import Guard, Limits, TooMuch
from trueup.sources.loading import beginning
from trueup.sources.logfile import Found, LogFile, Original
from trueup.sources.shapes import LOG
from trueup.sources.slices import CHUNK, Slice, Spool
from trueup.sources.streams import is_part, without_endings
from trueup.sources.unpacking import Unpacker, shown

STDIN = "-"
"""Stands for what comes through standard input."""


def find_logs(
    paths: Sequence[str | Path], limits: Limits | None = None, endpoint: str | None = None
) -> Found:
    """List the log files under the paths, each file once, in order of name.

    Archives are opened, within the limits, and what lies in AWS (at `endpoint`, if it is another)
    is fetched. Raises BadUse where a path does not exist or no log is found under any of them.
    """
    search = _Search(limits or Limits(), endpoint)
    for given in sorted({os.fspath(path) for path in paths}):
        search.look_at(given)
    return search.found(paths)


class _Search:
    """What was found so far."""

    def __init__(self, limits: Limits, endpoint: str | None) -> None:
        self._limits = limits
        self._endpoint = endpoint
        self._spool = Spool()
        self._files: dict[str, tuple[str, int, bool]] = {}
        """By real path: name, size, and whether it was given itself."""
        self._found = Found([], spool=self._spool)

    def look_at(self, given: str) -> None:
        """Note the files under a path that was given."""
        if given == STDIN:
            self._take_in("stdin", sys.stdin.buffer)
        elif s3.is_s3(given):
            self._fetch(given)
        elif cloudwatch.is_cloudwatch(given):
            self._ask(given)
        elif not os.path.exists(given):
            raise BadUse(f"no such path: {given} (name a log file or a folder of logs)")
        elif os.path.isdir(given):
            self._walk(given)
        elif os.path.isfile(given):
            path = os.path.realpath(given)
            self._meet(os.path.basename(path), path, os.stat(path).st_size, is_given=True)
        elif stat.S_ISFIFO(os.stat(given).st_mode):
            # A pipe has no path that outlives a look at it: `trueup audit <(zcat x.gz)`.
            with open(given, "rb") as pipe:
                self._take_in(os.path.basename(given), pipe)
        else:
            self._note(given, "a device, which is not read")

    def found(self, paths: Sequence[str | Path]) -> Found:
        """Open what was met, and return all that came of it."""
        names = _told_apart({path: name for path, (name, _, _) in self._files.items()})
        for path, (_, size, is_given) in self._files.items():
            self._open(names[path], Slice(path, 0, size), path, is_given=is_given)
        found = self._found
        if not found.files:
            raise BadUse(_nothing(paths, found.problems))
        found.files.sort(key=lambda file: (file.name, file.path, file.offset))
        files, repeated = _without_repeats(_in_exports(found.files))
        return Found(
            files,
            sorted(set(found.ignored)),
            repeated,
            sorted(set(found.problems)),
            sorted(found.originals, key=lambda original: (original.name, original.sha256)),
            self._spool,
        )

    def _meet(self, name: str, path: str, size: int, *, is_given: bool = False) -> None:
        # A name that is no UTF-8 is shown with question marks; the path stays as it is.
        name = _plain(name)
        before = self._files.get(path)
        if before is None or name < before[0]:
            self._files[path] = name, size, is_given or (before is not None and before[2])

    def _open(self, name: str, content: Slice, path: str, *, is_given: bool) -> None:
        unpacker = Unpacker(self._spool, self._limits, content.size)
        try:
            came = unpacker.unpack(name, content, path, is_log=is_given)
            if any(file.content != content for file in came.files):
                self._found.originals.append(Original(name, content.size, content.sha256()))
        except OSError as error:
            self._note(name, _unseen(error))
            return
        self._found.files.extend(_with_origin(file, path) for file in came.files)
        self._found.ignored.extend(came.ignored)
        self._found.problems.extend(came.problems)

    def _take_in(self, name: str, opened: BinaryIO) -> None:
        """Put what comes through a pipe into the spool, and open it there."""
        guard = Guard(self._limits, self._limits.total, self._spool.size)
        try:
            content = self._spool.add(iter(lambda: opened.read(CHUNK), b""), guard)
        except TooMuch as limit:
            self._note(name, str(limit))
            return
        self._open(name, content, name, is_given=True)

    def _fetch(self, url: str) -> None:
        """Put the objects of a bucket into the spool, and open them there."""
        with self._spool.appended() as target:
            path, most = self._spool.path, self._limits.total - self._spool.size
            objects = [
                (_plain(one.name), Slice(path, offset, one.size))
                for one, offset in s3.fetch(
                    url, target, endpoint=self._endpoint, most=most, on_problem=self._note
                )
            ]
        for name, content in objects:
            self._open(name, content, name, is_given=False)

    def _ask(self, url: str) -> None:
        """Put the streams of a log group into the spool."""
        name = url.partition("?")[0]
        guard = Guard(self._limits, self._limits.total, self._spool.size)
        asked = cloudwatch.events(url, endpoint=self._endpoint, on_problem=self._note)
        events = (Event(*event) for event in asked)
        files, limit = stream_files(name, name, events, self._spool, guard)
        self._found.files.extend(files)
        if limit:
            self._note(name, limit)
        elif not files:
            self._note(name, "no log event in that time")

    def _note(self, name: str, problem: str) -> None:
        self._found.problems.append((_plain(name), problem))

    def _walk(self, given: str) -> None:
        """Meet what stands in the folder and below it; names begin with the folder's last part."""
        root = os.path.realpath(given)
        pending = [(os.path.basename(root) or root, root)]
        while pending:
            prefix, folder = pending.pop()
            try:
                with os.scandir(folder) as listed:
                    entries = list(listed)
            except OSError as error:
                self._note(prefix, _unseen(error))
                continue
            for entry in entries:
                name = f"{prefix}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append((name, entry.path))
                    continue
                try:
                    self._meet_entry(name, entry)
                except OSError as error:
                    self._note(name, _unseen(error))

    def _meet_entry(self, name: str, entry: os.DirEntry[str]) -> None:
        if entry.is_file():
            path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            self._meet(name, path, entry.stat().st_size)
        elif entry.is_symlink():
            self._note(name, "a link, which is not followed: name what it leads to")
        else:
            self._note(name, "a device or a pipe, which is not read")


def _told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Put folders of their paths before names that several files have, until they differ."""
    told = dict(names)
    parts = {path: name.count("/") + 1 for path, name in names.items()}
    while True:
        counts = Counter(told.values())
        shared = [
            path
            for path, name in told.items()
            if counts[name] > 1 and parts[path] <= path.count(os.sep)
        ]
        if not shared:
            return told
        for path in shared:
            parts[path] += 1
            told[path] = _plain("/".join(path.split(os.sep)[-parts[path] :]))


def _with_origin(file: LogFile, path: str) -> LogFile:
    """Make its export one of the file that it came out of: two of one name are two exports."""
    origin = path if file.is_inner or not is_part(file.name.rpartition("/")[2]) else ""
    return replace(file, export=f"{file.export}\0{origin or os.path.dirname(path)}")


def _in_exports(files: Sequence[LogFile]) -> list[LogFile]:
    """Part what has the same place in one export, as `000000.gz` and its unpacked copy."""
    seen: Counter[tuple[str, str]] = Counter()
    parted: list[LogFile] = []
    for file in files:
        last = file.name.replace("!", "/").rpartition("/")[2]
        place = file.export, last[:6] if is_part(last) else file.name
        parted.append(
            replace(file, export=f"{file.export}\0{seen[place]}") if seen[place] else file
        )
        seen[place] += 1
    return parted


def _plain(name: str) -> str:
    return shown(name.encode("utf-8", "replace").decode())


def _nothing(paths: Sequence[str | Path], problems: Sequence[tuple[str, str]]) -> str:
    """Say that there is no log, and why, if that is known."""
    given = ", ".join(map(str, paths))
    if problems:
        name, problem = problems[0]
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        return f"nothing could be read in {given}: {name}: {problem}{more}"
    return (
        f"no logs in {given}: trueup reads logs of the balance sync as files, archives, documents "
        "and AWS's exports (docs/inputs.md lists them)"
    )


def _unseen(error: OSError) -> str:
    return f"it cannot be looked at: {(error.strerror or 'unreadable').lower()}"


def _without_repeats(files: list[LogFile]) -> tuple[list[LogFile], list[tuple[str, str]]]:
    """Leave out files with the same bytes as one before; only equal sizes need a look inside."""
    first: dict[tuple[int, str], LogFile] = {}
    kept_for: dict[LogFile, LogFile] = {}
    # Of equal files, the one whose place tells its stream is kept.
    by_size = sorted(files, key=lambda file: (file.size, file.stream == without_endings(file.name)))
    for size, group in groupby(by_size, key=lambda file: file.size):
        same_size = list(group)
        if len(same_size) == 1 or size == 0:
            continue
        for file in same_size:
            digest = _digest(file)
            if digest is None:
                continue
            kept = first.setdefault((size, digest), file)
            # Pieces of a stream that begin no entry may well be the same.
            if kept is not file and LOG.match(beginning(file)):
                kept_for[file] = kept
    repeated = [(file.name, kept.name) for file, kept in kept_for.items()]
    return [file for file in files if file not in kept_for], sorted(repeated)


def _digest(file: LogFile) -> str | None:
    try:
        return file.content.sha256()
    except OSError:
        return None
