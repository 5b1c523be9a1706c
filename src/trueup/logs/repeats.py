"""What several exports of a stream all contain is counted once.

Two entries are the same if their time and text are; white space is none of the text, since copies
by hand lose it. So are two transactions of one request, time and id, and two beginnings or ends of
one request, whatever else a damaged copy makes of them. Equal entries within one export stay: of
those that an export has n times, a later export adds only what it has beyond n.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, groupby, takewhile
from operator import itemgetter

from trueup.logs.entries import Entry, Last
from trueup.logs.kinds import OTHER, other_kind
from trueup.logs.layouts import TRANSACTION_FIELDS, Transaction, read_transaction
from trueup.logs.rows import Rows

MOST_COMPARED = 32 * 2**20
"""Bytes of text of one millisecond that are compared at a time."""

# How a line begins that was cut within its time, with the rest of a time to complete it.
_ANY_TIME = b"2000-01-01T00:00:00.000Z "
_REPLACED = "\ufffd".encode()
_ONCE = frozenset({"start", "end", "report"})
_TRANSACTION = "start_syncing"
_NOTHING: Transaction = (b"",) * len(TRANSACTION_FIELDS)
_BALANCES = tuple(map(TRANSACTION_FIELDS.index, ("old_balance", "new_balance")))
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


_Identity = tuple[str, bytes]
"""Kind and name of what there is once in a millisecond."""


class Repeats:
    """Leaves out of a stream's entries what an earlier export has, and counts it.

    `rank` gives each file's export its place in the order of names; `last` the last entry of each
    file, which another export may have whole.
    """

    def __init__(
        self,
        rows: Rows,
        rank: Mapping[int, int],
        last: Mapping[int, Last],
        most: int = MOST_COMPARED,
    ) -> None:
        self._rows = rows
        self._rank = rank
        self._last = last
        self._most = most
        self._counts: dict[int, Counter[int]] = defaultdict(Counter)
        self._unlike: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        # Each entry of one time is compared with those of all exports.
        self._text = cache(_text)
        self._start = cache(_start)
        self._identity = cache(_identity)

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
                if len(exports) > 1:
                    for cached in (self._text, self._start, self._identity):
                        cached.cache_clear()

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
            places[self._text(entry)].append(place)
        partners: list[int | None] = []
        for entry in later:
            same = places.get(self._text(entry))
            partners.append(same.popleft() if same else None)
        # Nearly always that was all.
        if None in partners:
            self._find_cut(kept, later, partners)
        if None in partners:
            self._find_damaged(kept, later, partners)
        for entry, partner in zip(later, partners, strict=True):
            if partner is not None and kept[partner] is not entry:
                self._leave_out(entry, kept[partner])
        return partners

    def _find_cut(self, kept: list[Entry], later: list[Entry], partners: list[int | None]) -> None:
        free = _free(kept, partners)
        for number, entry in enumerate(later):
            if partners[number] is None and self._is_last(entry):
                for place in sorted(free):
                    if self._goes_on(entry, kept[place]):
                        partners[number] = place
                        free.discard(place)
                        break
        for place in sorted(free):
            if self._is_last(kept[place]):
                for number, entry in enumerate(later):
                    if partners[number] is None and self._goes_on(kept[place], entry):
                        self._leave_out(kept[place], entry)
                        kept[place] = entry
                        partners[number] = place
                        break

    def _is_last(self, entry: Entry) -> bool:
        line, _ = self._last[entry[4]]
        return entry[5] == line

    def _goes_on(self, entry: Entry, longer: Entry) -> bool:
        """Tell whether an entry is the beginning of another; one that ends a line ends a word."""
        start = self._start(entry)
        if not self._text(longer).startswith(start):
            return False
        _, is_open = self._last[entry[4]]
        if is_open:
            return True
        _, _, match, end, _, _ = longer
        ends = accumulate(map(len, match.string[match.start() + 1 : end].split()))
        return len(start) in takewhile(len(start).__ge__, ends)

    def _find_damaged(
        self, kept: list[Entry], later: list[Entry], partners: list[int | None]
    ) -> None:
        """Find entries that are one, though their texts differ; the one with less amiss counts."""
        places: dict[_Identity, list[int]] = defaultdict(list)
        for free in sorted(_free(kept, partners)):
            if identity := self._identity(kept[free]):
                places[identity].append(free)
        for number, entry in enumerate(later):
            identity = self._identity(entry) if partners[number] is None else None
            same = places[identity] if identity else []
            place = next((one for one in same if _are_one(kept[one], entry)), None)
            if place is None:
                continue
            same.remove(place)
            partners[number] = place
            better, other = sorted((kept[place], entry), key=_amiss)
            if better is entry:
                self._leave_out(other, better)
                kept[place] = better
            self._unlike[other[4]].append((other[5], *better[4:6]))

    def _leave_out(self, entry: Entry, kept: Entry) -> None:
        _, kind, match, _, file, _ = entry
        # Entries that come out of a spool have no name yet where their kind is not known.
        kind = kind or other_kind(match.string[match.end() : match.end() + 120])
        kinds = self._rows.kinds
        kinds[file, kind if kinds[file, kind] else OTHER] -= 1
        facts = self._rows.files[file]
        facts.entries -= 1
        facts.is_repeated = True
        self._counts[file][kept[4]] += 1

    def say(self) -> None:
        """Add problems to each file that repeats others: how much of it, and which ones."""
        for file, counts in sorted(self._counts.items()):
            count, most = counts.total(), min(counts, key=lambda other: (-counts[other], other))
            name = self._rows.files[most].name
            if more := len(counts) - 1:
                name += f" and {more:,} more file{'s' if more > 1 else ''}"
            entries = "1 entry is" if count == 1 else f"{count:,} entries are"
            once = "counts once" if count == 1 else "count once"
            self._rows.add_problem(file, 0, f"{entries} in {name} too, and {once}")
        for file, unlike in sorted(self._unlike.items()):
            line, other, other_line = min(unlike)
            rest = f"; so are {len(unlike) - 1:,} more" if len(unlike) > 1 else ""
            problem = (
                f"this entry is in {self._rows.files[other].name}, line {other_line}, with another "
                f"text, which counts{rest}"
            )
            self._rows.add_problem(file, line, problem)


def _free(kept: Sequence[Entry], partners: Sequence[int | None]) -> set[int]:
    return set(range(len(kept))).difference(place for place in partners if place is not None)


def _text(entry: Entry) -> bytes:
    """Return the text without white space."""
    _, _, match, end, _, _ = entry
    return b"".join(match.string[match.start() + 1 : end].split())


def _start(entry: Entry) -> bytes:
    """Return the text, without white space, of an entry that may be cut off.

    What it ends with may be the beginning of the next entry's time, or of a character.
    """
    _, _, match, end, _, _ = entry
    text = match.string[match.start() + 1 : end].rstrip().removesuffix(_REPLACED)
    before, newline, last = text.rpartition(b"\n")
    if newline and len(last) < len(_ANY_TIME) and _TIME.match(last + _ANY_TIME[len(last) :]):
        text = before
    return b"".join(text.split())


def _identity(entry: Entry) -> _Identity | None:
    """Return what a request's start or end, or its transaction of an id, is known by."""
    _, kind, match, _, _, _ = entry
    if kind in _ONCE:
        return kind, match["started"] or match["ended"] or match["reported"]
    if kind == _TRANSACTION and (identity := _read(entry)[0][0]):
        return kind, match[2] + b" " + identity
    return None


def _read(entry: Entry) -> tuple[Transaction, int]:
    """Return the transaction, and how much of it cannot be read."""
    _, _, match, end, _, _ = entry
    fields, problems = read_transaction(match.string, match.end(), end)
    return fields or _NOTHING, len(problems) + (fields is None)


def _are_one(entry: Entry, other: Entry) -> bool:
    """Tell whether entries of one identity are one: whole attempts that agree in no balance are two."""
    if entry[1] != _TRANSACTION or _amiss(entry) or _amiss(other):
        return True
    one, two = _read(entry)[0], _read(other)[0]
    return any(_shortest(one[balance]) == _shortest(two[balance]) for balance in _BALANCES)


def _shortest(number: bytes) -> bytes:
    return number.rstrip(b"0").rstrip(b".") if b"." in number else number


def _amiss(entry: Entry) -> int:
    """Return how much is wrong with an entry's text."""
    _, kind, match, end, _, _ = entry
    wrong = match.string.count(_REPLACED, match.start(), end)
    if kind == _TRANSACTION:
        wrong += 100 * _read(entry)[1]
    return wrong
