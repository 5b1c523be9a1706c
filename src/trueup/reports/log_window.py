"""The lines of a long log around a place in it: what else it holds stays on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from trueup.reports.log_text import MOST_SEARCHED, Place

LONGEST_LINE = 2**20
"""Bytes that are held of one line."""

MOST_HELD = 32 * 2**20
"""Bytes of lines that are held in all."""


class Window(Sequence[bytes]):
    """The lines of a text, of which only some are held; the others are empty."""

    def __init__(self) -> None:
        self._held: dict[int, bytes] = {}
        self._room = MOST_HELD
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self._held.get(line, b"") for line in range(*place.indices(self._count))]
        return self._held.get(place, b"")

    def holds(self, line: int) -> bool:
        """Tell whether the line is held."""
        return line in self._held

    def hold(self, line: int, text: bytes) -> None:
        """Hold a line, if there is room for it."""
        if self._room > 0:
            self._held[line] = text[:LONGEST_LINE]
            self._room -= len(self._held[line])

    def end(self, count: int) -> None:
        """Note how many lines there are."""
        self._count = count


def window(pieces: Iterable[bytes], place: Place) -> Window:
    """Hold the lines of a text that may belong to a place: those around, and its request's."""
    held = Window()
    wanted = _wanted(place)
    request = (place.request_id or "").encode()
    begins, ends = place.message_lines or (place.first_line, place.last_line)
    message = range(begins - 1, ends + MOST_SEARCHED)
    line, rest, follows = 0, b"", -1  # the line under way, its beginning, how far its request goes
    for piece in pieces:
        newlines = piece.count(b"\n")
        here = range(line, line + newlines + 1)
        names_request = bool(request) and (request in rest or request in rest[-40:] + piece)
        if (
            (names_request and _meet(here, message))
            or follows >= line
            or any(_meet(here, lines) for lines in wanted)
        ):
            lines = piece.split(b"\n")
            lines[0] = rest + lines[0]
            for number, text in enumerate(lines[:-1], line):
                if request and number in message and request in text:
                    follows = number + MOST_SEARCHED
                if number <= follows or any(number in lines for lines in wanted):
                    held.hold(number, text)
            rest = lines[-1][:LONGEST_LINE]
        elif newlines:
            last = piece.rindex(b"\n") + 1
            rest = piece[last : last + LONGEST_LINE]
        else:
            rest += piece[: LONGEST_LINE - len(rest)]
        line += newlines
    if rest and (line <= follows or any(line in lines for lines in wanted)):
        held.hold(line, rest)
    held.end(line + bool(rest))
    return held


def _wanted(place: Place) -> list[range]:
    around = [(place.first_line, place.last_line)]
    if place.message_lines:
        around += [(line, line) for line in place.message_lines]
    if place.sync_error_line is not None:
        around.append((place.sync_error_line, place.sync_error_line))
    return [range(first - 1 - MOST_SEARCHED, last + MOST_SEARCHED) for first, last in around]


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
