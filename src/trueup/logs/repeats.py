"""What several exports of a stream all contain is counted once.

Two entries are the same if their time and text are. Equal entries within one export stay: of those
that an export has n times, a later export adds only what it has beyond n.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import itemgetter

from trueup.logs.entries import Entry
from trueup.logs.kinds import OTHER, other_kind
from trueup.logs.rows import Rows

MOST_COMPARED = 32 * 2**20
"""Bytes of text of one millisecond that are compared at a time."""

# How a line begins that was cut within its time, with the rest of a time to complete it.
_ANY_TIME = b"2000-01-01T00:00:00.000Z "
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


class Repeats:
    """Leaves out of a stream's entries what an earlier export has, and counts it.

    `rank` gives each file's export its place in the order of names; `cut` holds file and line of
    last entries of files that may be cut off, which another export may have whole.
    """

    def __init__(
        self,
        rows: Rows,
        rank: Mapping[int, int],
        cut: AbstractSet[tuple[int, int]],
        most: int = MOST_COMPARED,
    ) -> None:
        self._rows = rows
        self._rank = rank
        self._cut = cut
        self._most = most
        self._counts: Counter[tuple[int, int]] = Counter()

    def left_out(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries without repeats; they come in order of time, ties by export."""
        rank = self._rank
        for _, of_time in groupby(entries, key=itemgetter(0)):
            for together in self._portions(of_time):
                exports = [
                    list(of_export)
                    for _, of_export in groupby(together, key=lambda entry: rank[entry[4]])
                ]
                kept = exports[0]
                for later in exports[1:]:
                    kept = self._joined(kept, later)
                yield from kept

    def _portions(self, of_time: Iterable[Entry]) -> Iterator[list[Entry]]:
        portion: list[Entry] = []
        size = 0
        for entry in of_time:
            portion.append(entry)
            size += entry[3] - entry[2].start()
            if size > self._most:
                problem = "too much of one millisecond to find what exports repeat of it"
                self._rows.add_problem(entry[4], entry[5], problem)
                yield portion
                portion, size = [], 0
        if portion:
            yield portion

    def _joined(self, kept: list[Entry], later: list[Entry]) -> list[Entry]:
        """Join entries of one time: what both have keeps its place, the rest stands around it."""
        partners = self._partners(kept, later)
        added: dict[int, list[Entry]] = defaultdict(list)
        waiting: list[Entry] = []
        after = -1
        for entry, partner in zip(later, partners, strict=True):
            if partner is not None:
                added[partner - 1] += waiting
                waiting = []
                after = partner
            elif after < 0:
                waiting.append(entry)
            else:
                added[after].append(entry)
        joined = added[-1]
        for place, entry in enumerate(kept):
            joined.append(entry)
            joined += added[place]
        return joined + waiting

    def _partners(self, kept: list[Entry], later: list[Entry]) -> list[int | None]:
        """Return for each later entry the place of the one that it repeats, if it does.

        Where the one that is kept was cut off, the whole one takes its place.
        """
        places: dict[bytes, deque[int]] = defaultdict(deque)
        for place, entry in enumerate(kept):
            places[_text(entry)].append(place)
        partners: list[int | None] = []
        for entry in later:
            same = places.get(_text(entry))
            partners.append(same.popleft() if same else None)
        if self._cut:
            self._find_cut(kept, later, partners)
        for entry, partner in zip(later, partners, strict=True):
            if partner is not None and kept[partner] is not entry:
                self._leave_out(entry, kept[partner])
        return partners

    def _find_cut(self, kept: list[Entry], later: list[Entry], partners: list[int | None]) -> None:
        free = set(range(len(kept))).difference(place for place in partners if place is not None)
        for number, entry in enumerate(later):
            if partners[number] is None and self._is_cut(entry):
                start = _without_begun_time(_text(entry))
                for place in sorted(free):
                    if _text(kept[place]).startswith(start):
                        partners[number] = place
                        free.discard(place)
                        break
        for place in sorted(free):
            if self._is_cut(kept[place]):
                start = _without_begun_time(_text(kept[place]))
                for number, entry in enumerate(later):
                    if partners[number] is None and _text(entry).startswith(start):
                        self._leave_out(kept[place], entry)
                        kept[place] = entry
                        partners[number] = place
                        break

    def _is_cut(self, entry: Entry) -> bool:
        return (entry[4], entry[5]) in self._cut

    def _leave_out(self, entry: Entry, kept: Entry) -> None:
        _, kind, match, _, file, _ = entry
        # Entries that come out of a spool have no name yet where their kind is not known.
        kind = kind or other_kind(match.string[match.end() : match.end() + 120])
        kinds = self._rows.kinds
        kinds[file, kind if kinds[file, kind] else OTHER] -= 1
        facts = self._rows.files[file]
        facts.entries -= 1
        facts.is_repeated = True
        self._counts[file, kept[4]] += 1

    def say(self) -> None:
        """Add a problem to each file that repeats another: how much of it, and which one."""
        for (file, other), count in sorted(self._counts.items()):
            entries = "1 entry is" if count == 1 else f"{count:,} entries are"
            counts = "counts" if count == 1 else "count"
            name = self._rows.files[other].name
            self._rows.add_problem(file, 0, f"{entries} in {name} too, and {counts} once")


def _text(entry: Entry) -> bytes:
    _, _, match, end, _, _ = entry
    return match.string[match.start() + 1 : end].rstrip()


def _without_begun_time(text: bytes) -> bytes:
    """Return the text of a cut entry without the beginning of the next one's time."""
    before, newline, last = text.rpartition(b"\n")
    if newline and len(last) < len(_ANY_TIME) and _TIME.match(last + _ANY_TIME[len(last) :]):
        return before.rstrip()
    return text
