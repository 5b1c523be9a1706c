"""From the text of a stream's files to its entries, in order of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from trueup.logs.kinds import UNREADABLE, entry_pattern, other_kind
from trueup.logs.rows import Rows


class Source(NamedTuple):
    """The text of one file of a stream: its place in `Rows.files`, its bytes as UTF-8.

    The text begins with a newline that is not the file's: every entry then stands behind one.
    """

    file: int
    text: bytes


class Entry(NamedTuple):
    """One entry: where it stands, what kind it is, and the match of its opening."""

    time: bytes
    kind: str
    match: re.Match[bytes]
    end: int
    file: int
    line: int

    @property
    def last_line(self) -> int:
        """The last line of the entry that is not empty."""
        behind = self.match.end()
        return self.line + self.match.string[behind : self.end].rstrip().count(b"\n")


def read_entries(sources: Sequence[Source], rows: Rows) -> list[Entry]:
    """Find the entries of a stream's files and put them in order of time; ties as they stand.

    Counts every entry by kind in `rows`, and keeps each file's count and first and last time.
    """
    framed = [_frame(source, rows) for source in _mended(sources, rows)]
    entries = [entry for part in _in_sequence(framed) for entry in part]
    times = [entry.time for entry in entries]
    if any(later < earlier for earlier, later in zip(times, times[1:], strict=False)):
        entries.sort(key=lambda entry: entry.time)
    return entries


def _mended(sources: Sequence[Source], rows: Rows) -> list[Source]:
    """Give a file's text before its first entry back to the file before it, whose end it is."""
    mended: list[Source] = []
    for source in sources:
        first = entry_pattern().search(source.text)
        head = source.text[: first.start() if first else len(source.text)]
        if head.strip():
            if mended:
                mended[-1] = mended[-1]._replace(text=mended[-1].text + head)
            elif first:
                rows.add_problem(source.file, 1, "text before the first entry belongs to none")
        mended.append(source)
    return mended


def _frame(source: Source, rows: Rows) -> list[Entry]:
    text, file = source.text, source.file
    facts = rows.files[file]
    matches = list(entry_pattern().finditer(text))
    ends = [match.start() for match in matches[1:]]
    ends.append(len(text))
    entries: list[Entry] = []
    line = 0
    position = 0
    impossible = _impossible_minutes(matches)
    for match, end in zip(matches, ends, strict=True):
        start = match.start()
        line += text.count(b"\n", position, start + 1)
        position = start + 1
        kind = match.lastgroup or other_kind(text[match.end() : match.end() + 120])
        time = match[1]
        if time[:16] in impossible:
            rows.add_problem(file, line, "the entry's time is impossible", time.decode())
            rows.kinds[file, UNREADABLE] += 1
            continue
        rows.kinds[file, kind] += 1
        entries.append(Entry(time, kind, match, end, file, line))
    facts.entries = len(matches)
    if entries:
        times = [entry.time for entry in entries]
        facts.first_at, facts.last_at = min(times), max(times)
    return entries


def _impossible_minutes(matches: list[re.Match[bytes]]) -> set[bytes]:
    minutes = {match[1][:16] for match in matches}
    return {minute for minute in minutes if not _is_minute(minute)}


def _is_minute(minute: bytes) -> bool:
    try:
        datetime.fromisoformat(minute.decode())
    except ValueError:
        return False
    return True


def _in_sequence(parts: list[list[Entry]]) -> list[list[Entry]]:
    """Put the files of a stream in the order in which they were written.

    Names give it, except where a name contradicts the times at a cut: if one file ends in the
    millisecond in which another begins, the second follows the first, whatever they are called.
    Only then does the order decide anything: entries of other milliseconds are sorted by time.
    """
    parts = [part for part in parts if part]
    if len(parts) < 2:  # noqa: PLR2004
        return parts
    ordered: list[list[Entry]] = []
    for part in parts:
        place = next(
            (
                place
                for place, other in enumerate(ordered)
                if part[-1].time == other[0].time and other[-1].time != part[0].time
            ),
            len(ordered),
        )
        ordered.insert(place, part)
    return ordered
