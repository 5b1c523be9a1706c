"""From the text of a stream's files to its entries, in order of time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, chain, repeat
from operator import itemgetter
from typing import NamedTuple, cast

from trueup.logs.kinds import UNREADABLE, Markers, entry_pattern, other_kind
from trueup.logs.lambda_json import convert, lines_of
from trueup.logs.rows import Rows


class Source(NamedTuple):
    """The text of one file of a stream: its place in `Rows.files`, its bytes as UTF-8.

    The text begins with a newline that is not the file's: every entry then stands behind one.
    """

    file: int
    text: bytes


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


def read_entries(sources: Sequence[Source], rows: Rows, markers: Markers = ()) -> list[Entry]:
    """Find the entries of a stream's files and put them in order of time; ties as they stand.

    Counts every entry by kind in `rows`, and keeps each file's count and first and last time.
    """
    pattern = entry_pattern(markers)
    framed = [_frame(source, rows, pattern) for source in _mended(sources, rows, pattern)]
    entries = framed[0] if len(framed) == 1 else list(chain(*_in_sequence(framed)))
    times = [entry[0] for entry in entries]
    if times != sorted(times):
        entries.sort(key=itemgetter(0))
    return entries


def _mended(sources: Sequence[Source], rows: Rows, pattern: re.Pattern[bytes]) -> list[Source]:
    """Give a file's text before its first entry back to the file before it, whose end it is."""
    mended: list[Source] = []
    for source in sources:
        first = pattern.search(source.text)
        head = source.text[1 : first.start() if first else len(source.text)]
        if head.strip() and mended:
            mended[-1] = mended[-1]._replace(text=mended[-1].text + head)
            rows.files[source.file].continues = True
            problem = "text before the first entry was read as the end of the file before"
            rows.add_problem(source.file, 1, problem)
            if not first:
                continue
        elif head.strip() and first:
            rows.add_problem(source.file, 1, "text before the first entry belongs to none")
        mended.append(source)
    return mended


def _frame(source: Source, rows: Rows, pattern: re.Pattern[bytes]) -> list[Entry]:
    text, file = source.text, source.file
    matches = list(pattern.finditer(text))
    if not matches:
        return []
    times = [match[1] for match in matches]
    kinds: list[str | None] = [match.lastgroup for match in matches]
    starts = [match.start() + 1 for match in matches]
    newlines = map(text.count, repeat(b"\n"), (0, *starts), starts)
    ends = [*starts[1:], len(text)]
    if None in kinds:
        _name_others(kinds, matches, ends, pattern)
    entries = zip(times, kinds, matches, ends, repeat(file), accumulate(newlines))
    known = cast("list[Entry]", list(entries))
    rows.files[file].entries = len(known)
    times.sort()
    if impossible := _impossible_hours(times):
        known = _without(impossible, known, rows)
        times = sorted(entry[0] for entry in known)
    if known:
        rows.files[file].first_at, rows.files[file].last_at = times[0], times[-1]
    for kind, count in Counter(map(itemgetter(1), known)).items():
        rows.kinds[file, kind] += count
    return known


def _name_others(
    kinds: list[str | None],
    matches: list[re.Match[bytes]],
    ends: list[int],
    pattern: re.Pattern[bytes],
) -> None:
    """Name the entries that the pattern gives no kind; those in JSON get one by what they say."""
    for place, kind in enumerate(kinds):
        if kind is not None:
            continue
        match = matches[place]
        if match[2] is None and (converted := convert(match, ends[place], pattern)):
            match = matches[place] = converted
            ends[place] = len(match.string)
        start = match.end()
        kinds[place] = match.lastgroup or other_kind(match.string[start : start + 120])


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
    """Put the files of a stream in the order in which they were written.

    Names give it, except where a name contradicts the times at a cut: if one file ends in the
    millisecond in which another begins, and all of it is earlier, the second follows the first,
    whatever they are called. Only at such a cut does the order decide anything: entries of other
    milliseconds are sorted by time.
    """
    parts = [part for part in parts if part]
    if len(parts) < 2:  # noqa: PLR2004
        return parts
    ordered: list[list[Entry]] = []
    for part in parts:
        last = max(map(itemgetter(0), part))
        place = next(
            (
                place
                for place, other in enumerate(ordered)
                if part[-1][0] == last == other[0][0] == min(map(itemgetter(0), other))
                and part[0][0] < last
            ),
            len(ordered),
        )
        ordered.insert(place, part)
    return ordered
