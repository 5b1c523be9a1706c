"""Lines of a log in a terminal: numbered, harmless, cut to its width, the telling ones marked."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from trueup.reports.evidence import WITHHELD, Excerpt, Line
from trueup.reports.terminal import WIDTH, _clean, _styled, plural

CUT = "…"
"""Stands for what is cut from a line."""

_MOST_ROWS = 4  # of a telling line that is longer than the terminal is wide
_LONGEST = 4_000  # characters of a line that are looked at, more than any terminal shows of it
# What stands before the words of an application's line: two times, request id, level.
_BEFORE_THE_WORDS = re.compile(r"\S+Z \S+Z\t[^\t]+\t[A-Z]+\t")
_SHORTEST_START = 4


def excerpt_lines(excerpt: Excerpt, width: int = WIDTH, *, colour: bool = False) -> list[str]:
    """Return where the lines stand, and the lines; `>` marks those that tell something."""
    return [*_where(excerpt), *_numbered(excerpt, max(width, 40), colour)]


def path_lines(text: str, indent: int) -> list[str]:
    """Return text that ends with a path in lines that break behind a slash, where they can."""
    breakable = _clean(text).replace("/", "/\v")
    lines = textwrap.wrap(
        breakable, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent,
        break_on_hyphens=False, replace_whitespace=False,
    )  # fmt: skip
    return [line.replace("\v", "") for line in lines]


def _where(excerpt: Excerpt) -> list[str]:
    first, last = excerpt.first_line, excerpt.last_line
    shown = [line.number for line in excerpt.lines]
    words = f"line {first:,}" if first == last else f"lines {first:,} to {last:,}"
    if shown and (shown[0] < first or shown[-1] > last):
        words += " and what belongs to them" if first < last else " and what belongs to it"
    lines = [*path_lines(excerpt.file, 2), f"  {words}"]
    if excerpt.problem == WITHHELD:
        lines += textwrap.wrap(f"{WITHHELD.capitalize()}.", WIDTH, initial_indent="  ")
    elif excerpt.problem:
        warning = f"Beware: {excerpt.problem}; these may not be the lines that were audited."
        lines += textwrap.wrap(_clean(warning), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines


def _numbered(excerpt: Excerpt, width: int, colour: bool) -> Iterator[str]:  # noqa: FBT001
    """Yield the lines with their numbers, and for each gap how many are left out."""
    of_number = max((len(str(line.number)) for line in excerpt.lines), default=0)
    previous = excerpt.lines[0].number - 1 if excerpt.lines else 0
    for line in excerpt.lines:
        if left_out := line.number - previous - 1:
            yield f"  {'':{of_number}}  ({plural(left_out, 'line')} left out)"
        previous = line.number
        start = f"{'>' if line.matters else ' '} {line.number:>{of_number}}  "
        for row in _rows(line, width - len(start)):
            text = f"{start}{row}".rstrip()
            yield _styled(text, "head" if line.matters else "info", colour)
            start = " " * len(start)


def _rows(line: Line, room: int) -> list[str]:
    """Cut a line to the room: in the middle, or at the end; one that tells may take some rows."""
    long = len(line.text) > _LONGEST
    text = line.text[:_LONGEST]
    before = _BEFORE_THE_WORDS.match(text)
    start = _printable(before[0]) if before else ""
    words = _printable(text[before.end() if before else 0 :])
    if len(start) + len(words) <= room and not long:
        return [start + words]
    if start and len(words) <= room - _SHORTEST_START and not long:
        return [start[: room - len(words) - 2] + f"{CUT} {words}"]
    if not line.matters:
        return [f"{(start + words)[: room - 1]}{CUT}"]
    rows = textwrap.wrap(start + words, room, break_on_hyphens=False)
    if len(rows) <= _MOST_ROWS and not long:
        return rows
    return [*rows[: _MOST_ROWS - 1], f"{rows[_MOST_ROWS - 1][: room - 1]}{CUT}"]


def _printable(text: str) -> str:
    return _clean(text.replace("\t", " "))
