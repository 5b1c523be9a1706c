"""Unpack gzip, bzip2, xz and zstd piece by piece; what stands before a damage is kept."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

PIECE = 4 * 2**20
"""Bytes that are read, or unpacked, at a time."""

_LONGEST_MAGIC = 6
# A decoder without copies loses what it unpacked in the call that meets the damage: small calls.
_STEP = 1024
_WINDOW = 128 * 2**20
"""Memory that a file may ask its decoder to take; the highest usual settings need half of it."""


class Damage(Exception):  # noqa: N818  (what befell the data, no failure of the program)
    """Packed data that cannot be unpacked any further."""

    def __init__(self, before: bytes, reason: str) -> None:
        super().__init__(reason)
        self.before = before


class Member(Protocol):
    """One member, or frame, of a packed file, which is unpacked from its beginning to its end."""

    @property
    def is_over(self) -> bool:
        """Whether its end was reached."""

    @property
    def is_hungry(self) -> bool:
        """Whether it needs more input to go on."""

    @property
    def rest(self) -> bytes:
        """Return the input behind its end."""

    def unpack(self, packed: bytes) -> bytes:
        """Take input and return some text, about a PIECE at most. Raises Damage."""


@dataclass(frozen=True, slots=True)
class Packing:
    """A way of packing: its name, the bytes that begin a member, and its decoder."""

    name: str
    begins: Callable[[bytes], bool]
    member: Callable[[], Member]


class _Gzip:
    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self._tail = b""
        self._is_fresh = True

    @property
    def is_over(self) -> bool:
        return self._decoder.eof

    @property
    def is_hungry(self) -> bool:
        return not self._tail

    @property
    def rest(self) -> bytes:
        return self._decoder.unused_data

    def unpack(self, packed: bytes) -> bytes:
        if self._tail:
            packed = self._tail + packed
        before = None if self._is_fresh else self._decoder.copy()
        self._is_fresh = False
        try:
            text = self._decoder.decompress(packed, PIECE)
        except zlib.error as error:
            kept = b"".join(_before_damage(before or zlib.decompressobj(wbits=31), packed))
            raise Damage(kept, str(error).partition(": ")[2]) from None
        self._tail = self._decoder.unconsumed_tail
        return text


def _before_damage(member: Any, packed: bytes, step: int = 512) -> Iterable[bytes]:  # noqa: ANN401  (zlib does not name the type of its decoders)
    """Yield what can be unpacked of a damaged member, to the last byte before the damage."""
    for start in range(0, len(packed), step):
        before = member.copy()
        try:
            yield member.decompress(packed[start : start + step])
        except zlib.error:
            for place in range(start, start + step):
                try:
                    yield before.decompress(packed[place : place + 1])
                except zlib.error:
                    return


class _Blocks:
    """A member of bzip2 or xz."""

    def __init__(self, decoder: Any, errors: tuple[type[Exception], ...]) -> None:  # noqa: ANN401
        self._decoder = decoder
        self._errors = errors

    @property
    def is_over(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def is_hungry(self) -> bool:
        return bool(self._decoder.needs_input)

    @property
    def rest(self) -> bytes:
        return bytes(self._decoder.unused_data)

    def unpack(self, packed: bytes) -> bytes:
        parts: list[bytes] = []
        try:
            for _ in range(PIECE // _STEP):
                parts.append(self._decoder.decompress(packed, _STEP))
                packed = b""
                if self.is_over or self.is_hungry:
                    break
        except self._errors as error:
            raise Damage(b"".join(parts), str(error)[:80].lower()) from None
        return b"".join(parts)


def _bzip2() -> Member:
    import bz2

    return _Blocks(bz2.BZ2Decompressor(), (OSError, ValueError))


def _xz() -> Member:
    import lzma

    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW)
    return _Blocks(decoder, (lzma.LZMAError, ValueError))


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._tail = b""

    @property
    def is_over(self) -> bool:
        return self._decoder.eof

    @property
    def is_hungry(self) -> bool:
        return not self._tail

    @property
    def rest(self) -> bytes:
        return self._decoder.unused_data + self._tail

    def unpack(self, packed: bytes) -> bytes:
        packed = self._tail + packed
        parts: list[bytes] = []
        size = start = 0
        while start < len(packed) and size < PIECE and not self._decoder.eof:
            try:
                # One call has no bound but its input: four bytes can stand for 128 KB.
                parts.append(self._decoder.decompress(packed[start : start + _STEP]))
            except self._error as error:
                reason = str(error).rpartition(": ")[2].lower()
                raise Damage(b"".join(parts), reason) from None
            size += len(parts[-1])
            start += _STEP
        self._tail = packed[start:]
        return b"".join(parts)


def _begins_zstd(start: bytes) -> bool:
    # A frame, or one to skip over, as the parallel packers write.
    return start.startswith(b"\x28\xb5\x2f\xfd") or (
        start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50  # noqa: PLR2004
    )


PACKINGS = (
    Packing("gzip", lambda start: start.startswith(b"\x1f\x8b"), _Gzip),
    Packing("bzip2", lambda start: start.startswith(b"BZh") and start[3:4].isdigit(), _bzip2),
    Packing("xz", lambda start: start.startswith(b"\xfd7zXZ\0"), _xz),
    Packing("zstd", _begins_zstd, _Zstd),
)
"""What single files are packed with; their bytes tell, never their names."""


def packing_of(start: bytes) -> Packing | None:
    """Return what the first bytes of a file say that it is packed with; None: with nothing."""
    if start[:1].isdigit():  # as a log begins
        return None
    return next((packing for packing in PACKINGS if packing.begins(start)), None)


def unpack(
    pieces: Iterable[bytes], packing: Packing, say: Callable[[str], object]
) -> Iterator[bytes]:
    """Yield the text of a packed file of one or several members.

    All text before the first damage is yielded, and `say` is told what the damage is.
    """
    source = iter(pieces)
    packed = b""
    while True:
        while len(packed) < _LONGEST_MAGIC and (more := next(source, b"")):
            packed += more
        if not packed:
            return
        if not packing.begins(packed):
            if _holds_more_than_zeros(packed, source):
                say(f"bytes after the end of the {packing.name} data")
            return
        member = packing.member()
        yield from _unpack_member(member, packed, source, packing.name, say)
        if not member.is_over:
            return
        packed = member.rest


def _unpack_member(
    member: Member,
    packed: bytes,
    source: Iterator[bytes],
    name: str,
    say: Callable[[str], object],
) -> Iterator[bytes]:
    """Yield the text of a member to its end, or to where it is damaged."""
    try:
        while True:
            if text := member.unpack(packed):
                yield text
            if member.is_over:
                return
            packed = next(source, b"") if member.is_hungry else b""
            if not packed and member.is_hungry:
                say(f"the {name} data is cut off")
                return
    except Damage as damage:
        yield damage.before
        say(f"damaged {name} data ({damage})")


def _holds_more_than_zeros(packed: bytes, source: Iterator[bytes]) -> bool:
    """Tell whether anything but the zeros that some tools pad with stands there."""
    return bool(packed.strip(b"\0")) or any(piece.strip(b"\0") for piece in source)
