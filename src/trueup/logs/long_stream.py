"""Read a stream that is too long for memory, with the same result as any other.

Its files are cut into entries as their text comes; runs of them are put in order of time and
written to a spool, which is merged: a state machine reads the entries in the order in which they
happened, and hands on the rows of what is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from trueup.logs.bounds import Bounds
from trueup.logs.cutting import Cutter
from trueup.logs.entries import Entry, Source, Span, sequence, time_before, whole_span
from trueup.logs.kinds import Markers
from trueup.logs.pieces import may_join
from trueup.logs.repeats import Repeats
from trueup.logs.rows import Rows
from trueup.logs.spool import Spool
from trueup.logs.stream import _Stream


class LongSource(NamedTuple):
    """A file of a long stream: what a `Source` has, and its text in pieces."""

    source: Source
    pieces: Iterable[bytes]


def read_long_stream(  # noqa: PLR0913
    name: str,
    files: Iterable[LongSource],
    exports: Sequence[str],
    opened: BinaryIO,
    rows: Rows,
    markers: Markers = (),
    bounds: Bounds | None = None,
) -> Iterator[Rows]:
    """Read the files of one stream into rows; yield those of what is over, for memory's sake.

    The files come by export and name; `exports` names the export of each. `opened` is an empty
    file to write to and read from. What is left at the end stays in `rows`.
    """
    bounds = bounds or Bounds()
    spool = Spool(opened, markers, bounds)
    groups = _cut(files, exports, rows, markers, bounds, spool)
    ordered = _in_sequence(groups, spool.spans)
    entries = spool.merged([file for export in ordered for file in export])
    repeats = None
    if len(ordered) > 1:
        rank = {file: place for place, export in enumerate(ordered) for file in export}
        repeats = Repeats(rows, rank, spool.last, bounds.compared)
        entries = repeats.left_out(entries)
    yield from _rows_of(_Stream(name, rows), entries, bounds)
    if repeats:
        repeats.say()


def _in_sequence(groups: Sequence[Sequence[int]], spans: Mapping[int, Span]) -> list[list[int]]:
    """Put the exports, and the files of each, in the order in which they were written.

    Files without entries go.
    """
    exports: list[list[int]] = []
    for group in groups:
        found = [file for file in group if file in spans]
        if found:
            exports.append([found[place] for place in sequence([spans[file] for file in found])])
    whole = [whole_span([spans[file] for file in export]) for export in exports]
    return [exports[place] for place in sequence(whole)]


def _cut(  # noqa: PLR0913
    files: Iterable[LongSource],
    exports: Sequence[str],
    rows: Rows,
    markers: Markers,
    bounds: Bounds,
    spool: Spool,
) -> list[list[int]]:
    """Put all entries into the spool; return the files of each export."""
    cutter = Cutter(rows, markers, bounds, spool.take)
    sizes = Counter(exports)
    groups: list[list[int]] = []
    before: Source | None = None
    for file in files:
        source, pieces = file
        is_same = before is not None and before.export == source.export
        joins = before is not None and not is_same and may_join(before, source, sizes)
        if joins:
            pieces, first = cutter.first_entry(pieces)
            # Of what `exports_of` looks at, only this is at hand.
            joins = not (first and (cutter.holds(first) or spool.holds(groups[-1], first)))
        continues = cutter.read(source.file, pieces, continues=is_same, may_join=joins)
        if groups and (is_same or continues):
            groups[-1].append(source.file)
        else:
            groups.append([source.file])
        before = source
    cutter.finish()
    cutter.say()
    return groups


def _rows_of(stream: _Stream, entries: Iterator[Entry], bounds: Bounds) -> Iterator[Rows]:
    seen: dict[bytes, bytes] = {}
    taken = 0
    for portion, size in _portions(entries, bounds.block // 4):
        stream.read(portion)
        for entry in portion:
            match = entry[2]
            request = match[2] or match["started"] or match["ended"] or match["reported"]
            if request:
                seen[request] = entry[0]
        taken += size
        if taken >= bounds.part:
            yield stream.hand_on(_over(stream, seen, portion[-1][0], bounds))
            seen = {request: seen[request] for request in stream.invocations}
            taken = 0
    stream.close()


def _portions(entries: Iterator[Entry], size: int) -> Iterator[tuple[list[Entry], int]]:
    """Yield some entries at a time, which hold the text around them, with the size of theirs."""
    portion: list[Entry] = []
    taken = 0
    for entry in entries:
        portion.append(entry)
        taken += entry[3] - entry[2].start()
        if taken >= size:
            yield portion, taken
            portion, taken = [], 0
    yield portion, taken


def _over(stream: _Stream, seen: dict[bytes, bytes], now: bytes, bounds: Bounds) -> list[bytes]:
    """Return the invocations of which nothing more will be said."""
    early = time_before(now, bounds.idle)
    over = [request for request in stream.invocations if seen[request] < early]
    too_many = len(stream.invocations) - len(over) - bounds.invocations
    if too_many > 0:
        late = [request for request in stream.invocations if seen[request] >= early]
        late.sort(key=lambda request: (not stream.invocations[request].ended_at, seen[request]))
        over += late[:too_many]
        for request in late[:too_many]:
            invocation = stream.invocations[request]
            if not invocation.ended_at:
                stream.rows.add_problem(invocation.file, invocation.line, _TOO_MANY)
    return over


_TOO_MANY = "too many invocations at a time: what the logs say of this one may be in two parts"
