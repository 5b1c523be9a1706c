"""Load a file's text: unpacked, as UTF-8, with plain newlines; whole, or piece by piece."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from trueup.sources import packing as packings
from trueup.sources.decoding import MARK, decoded
from trueup.sources.limits import Limits
from trueup.sources.logfile import LogFile
from trueup.sources.packing import PIECE, packing_of

__all__ = ["GZIP", "MARK", "Loaded", "TextFile", "beginning", "load", "unpack"]

GZIP = b"\x1f\x8b"

_ENOUGH = 6  # bytes that tell a packing


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's text as UTF-8, its sha256 as found, and what was wrong with it.

    A file that cannot be opened has `unread:<name>` for its id.
    """

    file_id: str
    size: int
    text: bytes
    problems: tuple[str, ...] = ()
    is_whole: bool = True


class TextFile:
    """A file's text, piece by piece; whatever else there is to know is known behind its end."""

    def __init__(self, file: LogFile, limits: Limits | None = None) -> None:
        self._file = file
        self._limits = limits or Limits()
        self._digest = hashlib.sha256()
        self.file_id = f"unread:{file.name}"
        self.size = 0
        """Bytes read, as found; of a file that cannot be opened, its size."""
        self.problems: list[str] = []
        self.is_whole = True

    def __iter__(self) -> Iterator[bytes]:
        """Yield the text as UTF-8 with plain newlines, in pieces of any length."""
        try:
            opened = open(self._file.path, "rb", buffering=0)  # noqa: SIM115  (closed below)
        except OSError as error:
            self.size = self._file.size
            self._damage(f"the file cannot be opened: {_reason(error)}")
            return
        with opened:
            before = os.fstat(opened.fileno())
            start = b""
            if self._file.offset:
                opened.seek(self._file.offset)
            if 0 < self._file.size < PIECE:
                # One byte more shows whether a file has grown; behind a part stands another one.
                start = self._read(opened, self._file.size + (not self._file.is_inner))
                if (
                    self.size == self._file.size
                    and (text := at_once(start)) is not None
                    and not self._has_changed(opened, before)
                ):
                    self.file_id = self._digest.hexdigest()
                    yield text
                    return
            rest = self._found(opened) if self.is_whole else iter(())
            found = chain((start,) if start else (), rest)
            yield from decoded(self._unpacked(found, 0), self.problems.append)
            for _ in found:  # what stands behind a damage is a part of the file's id
                pass
            if self.is_whole and self._has_changed(opened, before):
                self._damage(
                    "the file changed while it was read: audit again when nobody writes to it"
                )
        self.file_id = self._digest.hexdigest()

    def _has_changed(self, opened: BinaryIO, before: os.stat_result) -> bool:
        """Tell whether somebody wrote to the file since it was found; what is in a spool is ours."""
        if self._file.is_inner:
            return False
        now = os.fstat(opened.fileno())
        return now.st_mtime_ns != before.st_mtime_ns or now.st_size != self._file.size

    def _read(self, opened: BinaryIO, most: int) -> bytes:
        try:
            piece = opened.read(most)
        except OSError as error:
            self._damage(f"the file cannot be read to its end: {_reason(error)}")
            return b""
        self.size += len(piece)
        self._digest.update(piece)
        return piece

    def _found(self, opened: BinaryIO) -> Iterator[bytes]:
        """Yield the file's bytes as found."""
        end = self._file.size if self._file.is_inner else None
        while end is None or self.size < end:
            piece = self._read(opened, PIECE if end is None else min(end - self.size, PIECE))
            if not piece:
                if end is not None:
                    self._damage("its end is missing where it was unpacked to")
                return
            yield piece

    def _unpacked(self, pieces: Iterator[bytes], depth: int) -> Iterator[bytes]:
        """Unpack what the bytes say is packed, as often as it is; anything else stays."""
        start = b""
        while len(start) < _ENOUGH and (piece := next(pieces, b"")):
            start = start + piece if start else piece
        pieces = chain((start,), pieces) if start else pieces
        packing = packing_of(start)
        if packing is None:
            return pieces
        if depth == self._limits.nesting:
            self._damage(f"packed more than {depth} times over: not unpacked any further")
            return iter(())
        text = self._bounded(packings.unpack(pieces, packing, self._damage))
        return self._unpacked(text, depth + 1)

    def _bounded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Stop where a file unpacks to more than any log does."""
        size = 0
        limits = self._limits
        for piece in pieces:
            most = max(limits.expansion_from, limits.expansion * self.size)
            if size + len(piece) > most:
                self._damage(
                    f"it unpacks to more than {limits.expansion} times its size: "
                    f"reading stopped after {most // 10**6:,} MB"
                )
                yield piece[: most - size]
                return
            size += len(piece)
            yield piece

    def _damage(self, problem: str) -> None:
        self.problems.append(problem)
        self.is_whole = False


def at_once(found: bytes) -> bytes | None:
    """Return the text of a file that is as nearly all are: small, whole, in ASCII.

    None where it takes more than a look: the layers for anything else take half as long again.
    """
    text = found
    if found.startswith(GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            text = member.decompress(found, PIECE)
        except zlib.error:
            return None
        if not member.eof or member.unused_data:
            return None
    is_plain = text.isascii() and b"\r" not in text
    return text if is_plain and packing_of(text) is None else None


def _reason(error: OSError) -> str:
    return (error.strerror or "unreadable").lower()


def load(file: LogFile, limits: Limits | None = None) -> Loaded:
    """Read a file's whole text, unpacked if its bytes say so, as UTF-8 with plain newlines."""
    read = TextFile(file, limits)
    text = b"".join(read)
    return Loaded(read.file_id, read.size, text, tuple(read.problems), read.is_whole)


def beginning(file: LogFile, size: int = 64) -> bytes:
    """Return the first bytes of a file's text; of a file of any size, a piece is read."""
    start = b""
    for piece in TextFile(file):
        start += piece[:size]
        if len(start) >= size:
            break
    return start[:size]


def unpack(packed: bytes) -> tuple[bytes, str | None]:
    """Unpack a file of one or several members; its bytes tell what it is packed with.

    Returns all text before the first damage, and what the damage is (None: there is none).
    """
    damages: list[str] = []
    packing = packing_of(packed)
    if packing is None:
        return packed, None
    text = b"".join(packings.unpack([packed], packing, damages.append))
    return text, damages[0] if damages else None
