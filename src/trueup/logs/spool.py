"""Runs of entries in order of time, kept in a file and merged again: what memory cannot hold."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import repeat
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from trueup.logs.bounds import Bounds
from trueup.logs.entries import Entry, Last, Span, last_of
from trueup.logs.kinds import Markers, entry_pattern


class Segment(NamedTuple):
    """A part of a run: where it lies in the spool, the bytes of its text, its entries."""

    offset: int
    size: int
    entries: int


class Run(NamedTuple):
    """Entries of one file in order of time, from the first time to the last."""

    file: int
    first: bytes
    last: bytes
    segments: list[Segment]


_Turn = tuple[bytes, int, Entry | None, Iterator[Entry]]
"""A run's turn: at which time, its place, the entry of that time if it was read, those behind it."""


class Spool:
    """Takes the entries of files as they stand, and yields them in order of time."""

    def __init__(self, opened: BinaryIO, markers: Markers, bounds: Bounds) -> None:
        self._opened = opened
        self._pattern = entry_pattern(markers)
        self._bounds = bounds
        self._end = 0
        self._runs: list[Run] = []
        self._pending: list[tuple[bytes, int, bytes]] = []
        self._size = 0
        self._file = -1
        self.spans: dict[int, Span] = {}
        """Of each file with entries, their span."""
        self.last: dict[int, Last] = {}
        """Of each file with entries, the last as it stands."""

    def take(self, entries: list[Entry]) -> None:
        """Take entries of one file that follow each other."""
        file = entries[0][4]
        if file != self._file:
            self.flush()
            self._file = file
        for time, _, match, end, _, line in entries:
            text = match.string[match.start() + 1 : end]
            self._pending.append((time, line, text if text.endswith(b"\n") else text + b"\n"))
            self._size += len(text)
        times = [entry[0] for entry in entries]
        first, _, greatest = self.spans.get(file, (times[0],) * 3)
        self.spans[file] = first, times[-1], max(greatest, *times)
        self.last[file] = last_of(entries)
        if self._size >= self._bounds.run:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken since the last time as a run."""
        if not self._pending:
            return
        self._pending.sort(key=itemgetter(0))
        run = Run(self._file, self._pending[0][0], self._pending[-1][0], [])
        texts: list[bytes] = []
        lines = array("q")
        size = 0
        for _, line, text in self._pending:
            texts.append(text)
            lines.append(line)
            size += len(text)
            if size >= self._bounds.segment:
                run.segments.append(self._write(texts, lines))
                texts, lines, size = [], array("q"), 0
        if texts:
            run.segments.append(self._write(texts, lines))
        self._runs.append(run)
        self._pending, self._size = [], 0

    def _write(self, texts: list[bytes], lines: array[int]) -> Segment:
        text = b"".join(texts)
        segment = Segment(self._end, len(text), len(lines))
        data = text + lines.tobytes()
        self._opened.write(data)
        self._end += len(data)
        return segment

    def holds(self, files: Sequence[int], entry: bytes) -> bool:
        """Tell whether one of the files has an entry that is, or begins with, this text."""
        self.flush()
        time = entry.partition(b" ")[0]
        found = any(
            entry in self._read(segment)[: segment.size]
            for run in self._runs
            if run.file in files and run.first <= time <= run.last
            for segment in run.segments
        )
        self._opened.seek(self._end)
        return found

    def merged(self, files: Sequence[int]) -> Iterator[Entry]:
        """Yield all entries in order of time; ties by the order of their files, then as they stand.

        A run is opened when its first entry's turn comes, so that few are held at a time.
        """
        self.flush()
        order = {file: place for place, file in enumerate(files)}
        # Within a file, runs stand in the order in which they were written.
        runs = sorted(self._runs, key=lambda run: order[run.file])
        waiting: list[_Turn] = [
            (run.first, place, None, self._entries(run)) for place, run in enumerate(runs)
        ]
        heapify(waiting)
        while waiting:
            _, place, first, entries = heappop(waiting)
            if first:
                yield first
            if not waiting:
                yield from entries
                return
            time, other = waiting[0][:2]
            for entry in entries:
                if entry[0] > time or (entry[0] == time and place > other):
                    heappush(waiting, (entry[0], place, entry, entries))
                    break
                yield entry

    def _entries(self, run: Run) -> Iterator[Entry]:
        for segment in run.segments:
            data = self._read(segment)
            lines = array("q", data[segment.size :])
            text = b"\n" + data[: segment.size]
            matches = list(self._pattern.finditer(text))
            starts = [match.start() + 1 for match in matches]
            yield from zip(
                [match[1] for match in matches],
                [match.lastgroup or "" for match in matches],
                matches,
                (*starts[1:], len(text)),
                repeat(run.file, segment.entries),
                lines,
                strict=True,
            )

    def _read(self, segment: Segment) -> bytes:
        self._opened.seek(segment.offset)
        size = segment.size + 8 * segment.entries
        data = self._opened.read(size)
        while len(data) < size and (more := self._opened.read(size - len(data))):
            data += more
        return data
