"""The lines of the logs that prove a finding, read again from their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from trueup.logs.kinds import Markers, entry_pattern
from trueup.reports.log_text import LogText, Place, lines_of, tells
from trueup.reports.log_window import window
from trueup.sources.loading import TextFile
from trueup.sources.logfile import LogFile

MOST_LINES = 60
"""Lines that are shown of one place; a dump of an object can have thousands."""

MOST_TEXT = 32 * 2**20
"""Bytes of a file's text that are held at a time; of a longer one, what stands around a place."""

WITHHELD = "lines of the logs are not shown: they hold the ids that pseudonyms stand for"
"""What is said in the place of a log's lines, where the books hold pseudonyms."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log as it stands there."""

    number: int
    text: str
    matters: bool
    """Whether it tells a balance, an amount, an outcome or an error."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of one place; where the numbers skip, lines are left out."""

    title: str
    file: str
    first_line: int
    last_line: int
    request_id: str | None
    lines: tuple[Line, ...]
    problem: str = ""
    """Why these may not be the lines that the audit read, or why there are none."""


class Logs:
    """The files of an audit, each read again when a place in it is asked for."""

    def __init__(
        self, files: Sequence[LogFile], markers: Markers = (), most: int = MOST_TEXT
    ) -> None:
        self._files = files
        self._most = most
        self._pattern = entry_pattern(markers)
        self._latest: tuple[str, LogText, str] | None = None

    def excerpts(self, place: Place) -> Iterator[Excerpt]:
        """Yield the lines of a place, and those of the file that its last entry goes on in."""
        text, problem = self._text(place)
        yield _excerpt(place, text, lines_of(text, place), problem)
        beyond = place.last_line - len(text.lines)
        follower = self._follower(place.file) if beyond > 0 and not problem else None
        if follower:
            title = f"{place.title}: what the next file has of it"
            # Lines of the second file count on from those of the first, its last newline included.
            rest = Place(title, "", follower.name, 1, beyond + 1, place.request_id)
            text, _ = self._load(follower, rest)
            yield _excerpt(rest, text, set(range(min(beyond + 1, text.end_of_head()))), "")

    def _text(self, place: Place) -> tuple[LogText, str]:
        if self._latest and self._latest[0] == place.file_id:
            return self._latest[1:]
        text, problem = LogText([], self._pattern), "the file is not there any more"
        for file in self._files:
            if file.name == place.file:
                text, read = self._load(file, place)
                if read.file_id == place.file_id:
                    # A long one is read again for another place.
                    self._latest = None if text.is_window else (read.file_id, text, "")
                    return text, ""
                unread = read.file_id.startswith("unread:")
                problem = read.problems[0] if unread else "the file has changed since it was read"
        return text, problem

    def _load(self, file: LogFile, place: Place) -> tuple[LogText, TextFile]:
        """Read a file: all its lines, or those around the place if it is long."""
        read = TextFile(file)
        pieces = iter(read)
        held: list[bytes] = []
        size = 0
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size > self._most:
                lines = window(chain(held, pieces), place)
                return LogText(lines, self._pattern, lines.holds), read
        text = b"".join(held)
        lines_of_text = text.removesuffix(b"\n").split(b"\n") if text else []
        return LogText(lines_of_text, self._pattern), read

    def _follower(self, name: str) -> LogFile | None:
        named = [file for file in self._files if file.name == name]
        later = (
            file
            for file in self._files
            if file.name > name and any(_may_continue(file, before) for before in named)
        )
        return min(later, key=lambda file: file.name, default=None)


def _may_continue(file: LogFile, before: LogFile) -> bool:
    """Tell whether a file can go on with another: of one export, or pieces without a number."""
    is_piece = file.export == file.name and before.export == before.name
    return file.stream == before.stream and (file.export == before.export or is_piece)


def withheld(place: Place) -> Excerpt:
    """Return where the lines of a place stand, without the lines."""
    _, _, file, first, last, request, *_ = place
    return Excerpt(place.title, file, first, last, request, (), WITHHELD)


def _excerpt(place: Place, text: LogText, chosen: set[int], problem: str) -> Excerpt:
    lines = [
        Line(line + 1, text.lines[line].decode(errors="replace"), tells(text, line, place))
        for line in _without_empty_ends(text, sorted(chosen))
    ]
    _, _, file, first, last, request, *_ = place
    return Excerpt(place.title, file, first, last, request, _most_telling(lines), problem)


def _most_telling(lines: list[Line]) -> tuple[Line, ...]:
    """Leave out what is too much: first of the lines that tell nothing, from the middle."""
    order = sorted(
        enumerate(lines), key=lambda one: (not one[1].matters, min(one[0], len(lines) - one[0]))
    )
    return tuple(line for _, line in sorted(order[:MOST_LINES]))


def _without_empty_ends(text: LogText, lines: list[int]) -> list[int]:
    """Leave out the empty lines that an export puts behind an entry, where nothing follows."""
    kept: set[int] = set()
    for line in reversed(lines):
        if text.lines[line].strip() or line + 1 in kept:
            kept.add(line)
    return sorted(kept)
