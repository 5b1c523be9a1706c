"""From the text of a stream's files to its entries, in order of time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, chain, repeat
from operator import itemgetter
from typing import NamedTuple, cast

from trueup.logs.kinds import OTHER, TIMESTAMP, UNREADABLE, Markers, entry_pattern, other_kind
from trueup.logs.lambda_json import convert, lines_of
from trueup.logs.rows import Rows

MOST_OF_ENTRY = 4 * 2**20
"""Bytes that are read of one entry; CloudWatch takes none that is longer than a quarter of it."""


class Source(NamedTuple):
    """The text of one file of a stream: its place in `Rows.files`, its bytes as UTF-8.

    The text begins with a newline that is not the file's: every entry then stands behind one.
    """

    file: int
    text: bytes
    export: str = ""
    """Files of one export continue one another; what two exports both have counts once."""
    piece_of: str = ""
    """The stream whose pieces it is one of, though its export is its own; it may go on with another."""


Entry = tuple[bytes, str, re.Match[bytes], int, int, int]
"""One entry: its time, its kind, the match of its opening, the end of its text, its file and line.

A plain tuple: making a hundred thousand of anything else costs more than finding them. An entry of
Lambda's JSON format has its match and end in the classic text that was made of it
(`lambda_json.convert`); its file and line are those of the log.
"""


def entry_text(entry: Entry) -> bytes:
    """Return the entry's text from its opening on, without time, request id and level."""
    _, kind, match, end, _, _ = entry
    return match.string[match.start(kind) : end]


def last_line(entry: Entry) -> int:
    """Return the last line of the entry that is not empty."""
    _, _, match, end, _, line = entry
    text = match.string
    if lines := lines_of(match):
        return line + lines - 1
    # Two newlines end an entry of an export; any other end takes a copy to find.
    if text.endswith(b"}\n\n", match.end(), end):
        return line + text.count(b"\n", match.end(), end) - 2
    return line + text[match.end() : end].rstrip().count(b"\n")


def read_entries(
    sources: Sequence[Source], rows: Rows, markers: Markers = (), most: int = MOST_OF_ENTRY
) -> list[Entry]:
    """Find the entries of a stream's files and put them in order of time; ties as they stand.

    Counts every entry by kind in `rows`, and keeps each file's count and first and last time. Of
    an entry, `most` bytes are read. What several exports of the stream have counts once: the files
    come in order of their exports (`pieces.in_order`).
    """
    pattern = entry_pattern(markers)
    by_export: Sequence[Sequence[Source]] = [sources]
    if any(source.export != sources[0].export for source in sources):
        from trueup.logs.pieces import exports_of

        by_export = exports_of(sources, pattern)
    exports = [
        _in_sequence(
            [_frame(source, rows, pattern, most=most) for source in _mended(export, rows, pattern)]
        )
        for export in by_export
    ]
    exports = [parts for parts in exports if parts]
    if len(exports) > 1:
        spans = [whole_span([span(part) for part in parts]) for parts in exports]
        exports = [exports[place] for place in sequence(spans)]
    parts = [part for parts in exports for part in parts]
    entries = parts[0] if len(parts) == 1 else list(chain(*parts))
    times = [entry[0] for entry in entries]
    if times != sorted(times):
        entries.sort(key=itemgetter(0))
    if len(exports) > 1:
        from trueup.logs.repeats import Repeats

        repeats = Repeats(
            rows,
            {part[0][4]: rank for rank, parts in enumerate(exports) for part in parts},
            {part[-1][4]: last_of(part) for part in parts},
        )
        entries = list(repeats.left_out(entries))
        repeats.say()
    return entries


Last = tuple[int, bool]
"""Of a file's last entry, which may be cut off, the line, and whether no newline ends it."""


def last_of(part: Sequence[Entry]) -> Last:
    """Return what there is to know of the last of a file's entries."""
    _, _, match, end, _, line = part[-1]
    return line, not match.string.endswith(b"\n", match.start(), end)


def time_before(time: bytes, span: timedelta) -> bytes:
    """Return the time that lies so long before, as the logs print it."""
    try:
        early = datetime.fromisoformat(time[:-1].decode()) - span
    except (ValueError, OverflowError):
        return b""
    return f"{early.isoformat(timespec='milliseconds')}Z".encode()


CONTINUES = "text before the first entry was read as the end of the file before"
BELONGS_TO_NONE = "text before the first entry belongs to none"


def _mended(sources: Sequence[Source], rows: Rows, pattern: re.Pattern[bytes]) -> list[Source]:
    """Give a file's text before its first entry back to the file before it, whose end it is."""
    mended: list[Source] = []
    for source in sources:
        first = pattern.search(source.text)
        head = source.text[1 : first.start() if first else len(source.text)]
        if head.strip() and mended:
            mended[-1] = mended[-1]._replace(text=mended[-1].text + head)
            rows.files[source.file].continues = True
            rows.add_problem(source.file, 1, CONTINUES)
            if not first:
                continue
        elif head.strip() and first:
            rows.add_problem(source.file, 1, BELONGS_TO_NONE)
        elif not head.strip() and not first:
            continue
        mended.append(source)
    return mended


def _frame(
    source: Source,
    rows: Rows,
    pattern: re.Pattern[bytes],
    before: int = 0,
    most: int = MOST_OF_ENTRY,
) -> list[Entry]:
    """Find the entries of a text that stands behind `before` newlines of its file."""
    text, file = source.text, source.file
    matches = list(pattern.finditer(text))
    if not matches:
        return []
    times = [match[1] for match in matches]
    kinds: list[str | None] = [match.lastgroup for match in matches]
    starts = [match.start() + 1 for match in matches]
    newlines = map(text.count, repeat(b"\n"), (0, *starts), starts)
    ends = [*starts[1:], len(text)]
    without_tabs = _name_others(kinds, matches, ends, pattern) if None in kinds else []
    lines: Iterable[int] = accumulate(newlines)
    if before:
        lines = map(before.__add__, lines)
    entries = zip(times, kinds, matches, ends, repeat(file), lines)
    known = cast("list[Entry]", list(entries))
    if without_tabs:
        many = f"{len(without_tabs):,} such entries, of which this is the first"
        problem = f"the tabs are lost, so that it is not understood: copy the log's file ({many})"
        rows.add_problem(file, known[without_tabs[0]][5], problem)
    if len(text) > most:
        known = [_within(entry, most, rows) for entry in known]
    facts = rows.files[file]
    facts.entries += len(known)
    times.sort()
    if impossible := _impossible_hours(times):
        known = _without(impossible, known, rows)
        times = sorted(entry[0] for entry in known)
    if known:
        facts.first_at = min(facts.first_at or times[0], times[0])
        facts.last_at = max(facts.last_at or times[-1], times[-1])
    for kind, count in Counter(map(itemgetter(1), known)).items():
        rows.kinds[file, kind if len(rows.kinds) < _MOST_KINDS else _common(kind)] += count
    return known


def _within(entry: Entry, most: int, rows: Rows) -> Entry:
    """Cut an entry that is too long, and say so."""
    time, kind, match, found, file, line = entry
    end = end_within(match.string, match.start() + 1, found, most)
    if end < found:
        rows.add_problem(file, line, too_long(most))
    return time, kind, match, end, file, line


def too_long(most: int) -> str:
    """Say that an entry is longer than what is read of one."""
    size = f"{most // 2**20} MB" if most >= 2**20 else f"{most} bytes"
    return f"the entry is longer than {size}: what stands behind its first {size} was not read"


def end_within(text: bytes, start: int, end: int, most: int) -> int:
    """Return where an entry's text ends, or its first `most` bytes of whole characters."""
    if end - start <= most:
        return end
    end = start + most
    while end > start and text[end] & 0xC0 == 0x80:  # noqa: PLR2004  (a character goes on)
        end -= 1
    return end


# Kinds and files; the logs have dozens. Text that makes up words for each entry makes no more.
_MOST_KINDS = 100_000


def _common(kind: str) -> str:
    return OTHER if kind.startswith(OTHER) else kind


def _name_others(
    kinds: list[str | None],
    matches: list[re.Match[bytes]],
    ends: list[int],
    pattern: re.Pattern[bytes],
) -> list[int]:
    """Name the entries that the pattern gives no kind; those in JSON get one by what they say.

    Returns the places of those that are the application's, but lost their tabs.
    """
    without_tabs: list[int] = []
    for place, kind in enumerate(kinds):
        if kind is not None:
            continue
        match = matches[place]
        if match[2] is None and (converted := convert(match, ends[place], pattern)):
            match = matches[place] = converted
            ends[place] = len(match.string)
        start = match.end()
        kinds[place] = match.lastgroup or other_kind(match.string[start : start + 120])
        if match[2] is None and _WITHOUT_TABS.match(match.string, match.start() + 1):
            without_tabs.append(place)
    return without_tabs


_WITHOUT_TABS = re.compile(
    rb"%s\s{1,20}%s\s{1,20}\S{1,40}\s{1,20}[A-Z]{4,5}\b" % (TIMESTAMP, TIMESTAMP)
)


def _impossible_hours(times: list[bytes]) -> set[bytes]:
    """Return the hours (as `2024-02-30T21`) among the sorted times that no calendar has."""
    impossible: set[bytes] = set()
    place = 0
    while place < len(times):
        hour = times[place][:13]
        try:
            datetime.fromisoformat(hour.decode())
        except ValueError:
            impossible.add(hour)
        place = bisect_right(times, hour + b"~", place)
    return impossible


def _without(impossible: set[bytes], entries: list[Entry], rows: Rows) -> list[Entry]:
    """Leave out the entries of impossible hours, as unreadable."""
    known: list[Entry] = []
    for entry in entries:
        time, _, _, _, file, line = entry
        if time[:13] in impossible:
            rows.add_problem(file, line, "the entry's time is impossible", time.decode())
            rows.kinds[file, UNREADABLE] += 1
        else:
            known.append(entry)
    return known


def _in_sequence(parts: list[list[Entry]]) -> list[list[Entry]]:
    """Put the files of an export in the order in which they were written; empty ones go."""
    parts = [part for part in parts if part]
    if len(parts) < 2:  # noqa: PLR2004
        return parts
    return [parts[place] for place in sequence([span(part) for part in parts])]


Span = tuple[bytes, bytes, bytes]
"""Of a file's entries, the times of the first and the last as they stand, and the greatest."""


def span(part: Sequence[Entry]) -> Span:
    """Return the span of a file's entries."""
    times = [entry[0] for entry in part]
    return times[0], times[-1], max(times)


def whole_span(spans: Sequence[Span]) -> Span:
    """Return the span of an export of those of its files."""
    return spans[0][0], spans[-1][1], max(greatest for _, _, greatest in spans)


def sequence(spans: Sequence[Span]) -> list[int]:
    """Return the places of an export's files, or of a stream's exports, as they were written.

    Names give it, except where a name contradicts the times at a cut: if one file ends, with its
    latest entry, in the millisecond in which another begins, the second follows the first,
    whatever they are called. Only at such a cut does the order decide anything: entries of other
    milliseconds are sorted by time.
    """
    ordered: list[int] = []
    for this, (first, last, greatest) in enumerate(spans):
        place = next(
            (
                place
                for place, other in enumerate(ordered)
                if last == greatest == spans[other][0] and first < spans[other][2]
            ),
            len(ordered),
        )
        ordered.insert(place, this)
    return ordered
