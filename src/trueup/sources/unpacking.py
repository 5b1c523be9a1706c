"""From a file of any shape to files of logs: archives, documents and AWS's exports, nested or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, NamedTuple

from trueup.sources.archives import DamagedArchive, members, zip_names
from trueup.sources.aws import read_events
from trueup.sources.documents import UnreadableDocument, read_document
from trueup.sources.exports import stream_files
from trueup.sources.limits import Guard, Limits, TooMuch
from trueup.sources.logfile import LogFile
from trueup.sources.packing import Packing, packing_of, unpack
from trueup.sources.shapes import (
    ARCHIVES,
    AWS,
    DOCUMENTS,
    FOREIGN,
    HEAD,
    LOG,
    PACKED,
    is_plain,
    shape_of,
)
from trueup.sources.slices import CHUNK, Slice, Spool
from trueup.sources.streams import export_of, is_export, stream_of

SUFFIXES = (".gz", ".log", ".txt")
"""Endings that mark a file as a log; any other file is looked at, and taken if its bytes say so."""

_TELLING = re.compile(r"\.(zip|tar|tgz|docx?|rtf|pdf|bz2|xz|zst|7z|rar)$", re.IGNORECASE)
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONGEST_NAME = 300


@dataclass(slots=True)
class Unpacked:
    """What came out of files: logs, what is no log, and what cannot be read."""

    files: list[LogFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


class _Item(NamedTuple):
    """A file on its way down to its logs."""

    name: str
    content: Slice
    path: str
    """Tells the stream of a log."""
    problem: str = ""
    """What went wrong when it came out of its archive."""
    depth: int = 0
    is_log: bool = False
    """Whether it is to be taken for a log if its bytes do not say what it is."""


class Unpacker:
    """Takes one file apart, down to its logs; what comes out of it goes to the spool."""

    def __init__(self, spool: Spool, limits: Limits, size: int) -> None:
        self._spool = spool
        self._guard = Guard(limits, size, spool.size)
        self._found = Unpacked()

    def unpack(self, name: str, content: Slice, path: str, *, is_log: bool = False) -> Unpacked:
        """Take the file apart; what cannot be read becomes a problem, and the rest is read.

        `path` tells the stream of a log that stands alone; `is_log` that the file is to be taken
        for one where its bytes do not say what it is. Raises OSError where it cannot be opened.
        """
        try:
            self._take(_Item(name, content, path, is_log=is_log))
        except TooMuch as limit:
            self._note(name, str(limit))
        return self._found

    def _take(self, item: _Item) -> None:
        """Open a file that holds others, note one that is a log, pass over any other."""
        self._guard.check_depth(item.depth)
        item, shape = self._look_into(item)
        name = item.name
        if shape in ARCHIVES:
            self._note(name, item.problem)
            self._open_archive(item, shape)
        elif shape in DOCUMENTS:
            self._read_document(item, shape)
        elif shape in AWS:
            self._read_events(item, shape)
        elif shape in FOREIGN:
            self._note(name, FOREIGN[shape])
        elif shape in {"log", *PACKED} or item.is_log or name.lower().endswith(SUFFIXES):
            self._found.files.append(self._log_file(item))
        elif _TELLING.search(name) and item.content.size:
            self._note(name, "its bytes are not what its ending says: nothing of it was read")
        else:
            self._found.ignored.append(name)

    def _look_into(self, item: _Item) -> tuple[_Item, str | None]:
        """Tell a file's shape; one that is packed is unpacked, unless a plain log is in it."""
        if is_export(item.path) and is_plain(item.content):
            return item, "log"
        head = item.content.head(HEAD)
        shape = shape_of(head)
        if shape in PACKED:
            with item.content.open() as opened:
                layers: list[Packing] = []
                while packing := packing_of(head):
                    layers.append(packing)
                    self._guard.check_depth(item.depth + len(layers))
                    head = next(_under(layers, opened, lambda _: None), b"")[:HEAD]
                inside = shape_of(head)
                if inside not in {None, "log"}:
                    note = partial(self._note, item.name)
                    content = self._spool.add(_under(layers, opened, note), self._guard)
                    item, shape = item._replace(content=content), inside
        return item, _kind_of_zip(item.content) if shape == "zip" else shape

    def _open_archive(self, item: _Item, shape: str) -> None:
        litter = count = 0
        try:
            for member in members(shape, item.content, self._spool, self._guard):
                count += 1
                name = f"{item.name}!{shown(member.name)}"
                if member.is_litter:
                    litter += 1
                elif member.content is None:
                    self._note(name, member.problem)
                else:
                    inner = _Item(name, member.content, name, member.problem, item.depth + 1)
                    self._take(inner)
        except DamagedArchive as damage:
            self._note(item.name, str(damage))
        else:
            self._note(item.name, "" if count else "an archive with nothing in it")
        if litter:
            self._found.ignored.append(f"{item.name}!__MACOSX ({litter:,} files that macOS adds)")

    def _read_document(self, item: _Item, shape: str) -> None:
        """Take the text out of a document."""
        try:
            with self._spool.own_file(item.content) as path:
                document = read_document(shape, path, most=self._guard.limits.expansion_from)
        except UnreadableDocument as problem:
            self._note(item.name, item.problem, str(problem))
            return
        if not LOG.search(document.text):
            self._found.ignored.append(item.name)
            return
        text = self._spool.add([document.text], self._guard)
        file = self._log_file(item._replace(content=text))
        is_whole = file.is_whole and document.is_whole
        notes = (*file.notes, *document.notes)
        self._found.files.append(replace(file, notes=notes, is_whole=is_whole))

    def _read_events(self, item: _Item, shape: str) -> None:
        """Take an export of AWS's apart into its streams."""
        notes: list[str] = []
        with item.content.open() as opened:
            events = read_events(shape, opened, note=notes.append)
            stream = stream_of(item.path, item.name)
            files, limit = stream_files(item.name, stream, events, self._spool, self._guard)
        if not files and not notes:
            notes = ["no log event in it"]
        self._note(item.name, item.problem, *notes)
        self._found.files += files
        if limit:
            raise TooMuch(limit)

    def _log_file(self, item: _Item) -> LogFile:
        return LogFile(
            item.name,
            item.content.path,
            stream_of(item.path, item.name),
            item.content.size,
            offset=item.content.offset,
            export=export_of(item.name),
            notes=(item.problem,) if item.problem else (),
            is_whole=not item.problem,
            is_inner=item.depth > 0 or self._spool.holds(item.content),
        )

    def _note(self, name: str, *problems: str) -> None:
        self._found.problems += [(name, problem) for problem in problems if problem]


def _kind_of_zip(content: Slice) -> str | None:
    """Tell an archive from what office programs keep in one."""
    names = zip_names(content)
    if "word/document.xml" in names:
        return "docx"
    return None if "[Content_Types].xml" in names or "mimetype" in names else "zip"


def _under(
    layers: list[Packing], opened: BinaryIO, note: Callable[[str], object]
) -> Iterator[bytes]:
    """Yield what lies under the layers of packing."""
    opened.seek(0)
    pieces: Iterator[bytes] = iter(lambda: opened.read(CHUNK), b"")
    for packing in layers:
        pieces = unpack(pieces, packing, note)
    return pieces


def shown(name: str) -> str:
    """Return a name from an archive as it can be shown: on one line, and not too long."""
    plain = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name)
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:150]}…{plain[-100:]} ({len(plain):,} characters)"
