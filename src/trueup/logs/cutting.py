"""Cut the text of files, which comes piece by piece, into entries; hold one of them at most."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain, islice

from trueup.logs.bounds import Bounds
from trueup.logs.entries import (
    BELONGS_TO_NONE,
    CONTINUES,
    Entry,
    Source,
    _frame,
    end_within,
    too_long,
)
from trueup.logs.kinds import TIMESTAMP, Markers, entry_pattern
from trueup.logs.rows import Rows

_BEGIN = re.compile(rb"\n%s " % TIMESTAMP)
_OPENING = 32
"""Bytes that may be the beginning of an entry's first ones, which are 26."""

_TELLING = 200
"""Bytes of an entry, whose time and request take 90, that tell it from any other."""

_LOOKED_AT = 64 * 1024


class Cutter:
    """Finds the entries of one file after the other, and gives them away as they stand.

    It counts them as `read_entries` does; an entry that is too long for memory is read as far as
    the bounds say, and the rest of it is passed over.
    """

    def __init__(
        self, rows: Rows, markers: Markers, bounds: Bounds, take: Callable[[list[Entry]], object]
    ) -> None:
        self._rows = rows
        self._pattern = entry_pattern(markers)
        self._bounds = bounds
        self._take = take
        self._file = -1
        self._has_before = False
        self._held = b""  # from the newline before an entry on; its end is not known yet
        self._before = 0  # newlines of the file before what is held
        self._passed: int | None = None  # newlines passed over since the entry was cut
        self._tail = b""  # the end of what was passed over: it may begin an entry
        self._problems: dict[int, int] = {}

    def read(self, file: int, pieces: Iterable[bytes], *, continues: bool, may_join: bool) -> bool:
        """Read a file; return whether it continues the one before.

        It does if it is of the same export, and it may be a piece of the one before if its text
        before the first entry says so.
        """
        joins = continues or may_join
        if not joins:
            self.finish()
        source = iter(pieces)
        text, passed, is_blank = b"\n", 0, True
        begins = 1  # the first newline is none of the file's
        first = None
        for piece in source:
            text += piece
            first = _BEGIN.search(text)
            if first:
                break
            end = len(text) - _OPENING
            if end > 0:
                is_blank = is_blank and not text[begins:end].strip()
                if joins:
                    self._go_on(text[begins:end])
                passed += text.count(b"\n", 0, end)
                text, begins = text[end:], 0
        end = first.start() if first else len(text)
        head = text[min(begins, end) : end]
        is_blank = is_blank and not head.strip()
        if joins:
            self._go_on(head)
        has_before = self._has_before and (continues or (may_join and not is_blank))
        self._note_head(file, is_blank=is_blank, has_before=has_before, has_entry=bool(first))
        self._has_before = has_before or bool(first) or not is_blank
        if first:
            self.finish()
            self._file, self._before = file, passed + text.count(b"\n", 0, end)
            self._held = text[end:]
            self._cut_off()
            for piece in source:
                self._go_on(piece)
        elif not has_before and not is_blank:
            # Nothing but the beginning of an entry, perhaps, that the next file goes on with.
            self._file, self._before, self._passed, self._tail = file, 0, passed, text
        return has_before

    def first_entry(self, pieces: Iterable[bytes]) -> tuple[Iterable[bytes], bytes]:
        """Return the pieces of a file, and its first entry's text: with a newline, if it is whole.

        It is looked for in so much text as two entries may take. Of one that is cut, nothing is
        returned if it is too short to tell it from others.
        """
        source = iter(pieces)
        text = b"\n"
        begins: list[int] = []
        looked_at = 0
        while (
            len(begins) < 2  # noqa: PLR2004  (where the second begins, the first ends)
            and len(text) < 2 * self._bounds.entry
            and (piece := next(source, b""))
        ):
            text += piece
            found = islice(_BEGIN.finditer(text, looked_at), 2 - len(begins))
            begins += [match.start() for match in found]
            looked_at = max(len(text) - _OPENING, begins[-1] + 1 if begins else 0)
        first = b""
        if begins:
            end = begins[1] if len(begins) > 1 else len(text)
            first = text[begins[0] + 1 : end].rstrip() + b"\n" * (len(begins) > 1)
        is_telling = len(begins) > 1 or len(first) >= _TELLING
        return chain((text[1:],), source), first if is_telling else b""

    def holds(self, entry: bytes) -> bool:
        """Tell whether the entry is the last one of the file before."""
        return self._held.startswith(entry, 1)

    def _note_head(self, file: int, *, is_blank: bool, has_before: bool, has_entry: bool) -> None:
        if is_blank:
            return
        if has_before:
            self._rows.files[file].continues = True
            self._rows.add_problem(file, 1, CONTINUES)
        elif has_entry:
            self._rows.add_problem(file, 1, BELONGS_TO_NONE)

    def _go_on(self, text: bytes) -> None:
        """Take text of the entry that is held and of those after it."""
        if self._passed is not None:
            text = self._tail + text
            first = _BEGIN.search(text)
            end = first.start() if first else max(len(text) - _OPENING, 0)
            self._passed += text.count(b"\n", 0, end)
            self._tail = text[end:]
            if not first:
                return
            newlines = self._held.count(b"\n") + self._passed
            self._give(self._held)
            self._before += newlines
            self._held, self._tail, self._passed = self._tail, b"", None
        elif self._held:
            self._held += text
        self._cut_off()

    def _cut_off(self) -> None:
        """Give away all entries but the last, whose end is not known; cut that if it is too long."""
        if len(self._held) < min(self._bounds.block, self._bounds.entry):
            return
        last = self._last_begin()
        if last:
            text, self._held = self._held[:last], self._held[last:]
            self._give(text)
            self._before += text.count(b"\n")
        most = self._bounds.entry
        # What is held may end with the beginning of the next entry.
        if len(self._held) - 1 > most + _OPENING:
            end = end_within(self._held, 1, len(self._held), most)
            held = self._held
            self._rows.add_problem(self._file, self._before + 1, too_long(most))
            self._held = held[:end]
            self._tail = held[max(end, len(held) - _OPENING) :]
            self._passed = held.count(b"\n", end, len(held) - len(self._tail))

    def _last_begin(self) -> int:
        """Return where the last entry in what is held begins."""
        looked_at = _LOOKED_AT
        while True:
            start = max(len(self._held) - looked_at, 0)
            begins = [match.start() for match in _BEGIN.finditer(self._held, start)]
            if begins or not start:
                return begins[-1] if begins else 0
            looked_at *= 4

    def _give(self, text: bytes) -> None:
        if not text:
            return
        source = Source(self._file, text)
        entries = _frame(source, self._rows, self._pattern, self._before, self._bounds.entry)
        if entries:
            self._take(entries)
        self._limit_problems()

    def _limit_problems(self) -> None:
        """Leave out problems beyond those that anybody reads, and count them."""
        problems = self._rows.tables["problems"]
        if len(problems) > self._bounds.problems:
            for file, *_ in problems[self._bounds.problems :]:
                self._problems[file] = self._problems.get(file, 0) + 1
            del problems[self._bounds.problems :]

    def finish(self) -> None:
        """Give away what is held: its file has ended."""
        if self._held:
            self._give(self._held)
        self._held, self._tail, self._passed = b"", b"", None

    def say(self) -> None:
        """Say how many problems are not listed."""
        for file, count in self._problems.items():
            self._rows.add_problem(file, 0, f"{count:,} more problems of this file are not listed")
