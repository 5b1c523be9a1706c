"""Files that are one file, compressed: gzip, bzip2, xz and zstd, piece by piece."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

MAGIC = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
}
"""How a file of each shape begins, and each of its members."""

PIECE = 1 << 18
"""Bytes that are unpacked at a time, at most."""

_STEP = 1 << 14
"""Bytes that go in at a time: what they unpack to is lost where the data is damaged."""


class _Member(Protocol):
    """What unpacks one member, as the standard library has it for bzip2, xz and zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's way of unpacking with the words of the others; damage costs no byte before it."""

    def __init__(self) -> None:
        self._member: Any = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return bool(self._member.eof)

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail and not self._error

    @property
    def unused_data(self) -> bytes:
        return bytes(self._member.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._error:
            raise self._error
        data = self._member.unconsumed_tail + data
        before = self._member.copy()
        try:
            return bytes(self._member.decompress(data, max_length))
        except zlib.error as error:
            # What comes before the damage, byte by byte; the damage itself shows at the next call.
            self._error = error
            return b"".join(_before_damage(before, data))


def _before_damage(member: Any, data: bytes) -> Iterator[bytes]:  # noqa: ANN401
    for place in range(len(data)):
        try:
            yield member.decompress(data[place : place + 1])
        except zlib.error:
            return


def _zstd() -> _Member:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from backports import zstd  # type: ignore[no-redef,unused-ignore]
    member: _Member = zstd.ZstdDecompressor()
    return member


_MEMBERS: dict[str, Callable[[], _Member]] = {
    "gzip": _Gzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
    "zstd": _zstd,
}


def unpacked(shape: str, chunks: Iterable[bytes], damage: list[str]) -> Iterator[bytes]:
    """Yield what a file of one or several members unpacks to, in pieces.

    All that comes before the first damage; what the damage is goes into `damage`.
    """
    magic, data = MAGIC[shape], b""
    member = _MEMBERS[shape]()
    steps = _in_steps(chunks)
    for step in steps:
        data += step
        while data or not member.needs_input:
            if member.eof:
                if magic.startswith(data):
                    break  # perhaps the beginning of another member
                if not data.startswith(magic):
                    if any(rest.strip(b"\0") for rest in (data, *steps)):
                        damage.append(f"bytes after the end of the {shape} data")
                    return
                member = _MEMBERS[shape]()
            try:
                piece = member.decompress(data, PIECE)
            except Exception as error:  # noqa: BLE001  (each library has errors of its own)
                damage.append(f"damaged {shape} data ({_reason(error)})")
                return
            data = member.unused_data if member.eof else b""
            yield from [piece] if piece else ()
    if not member.eof:
        damage.append(f"the {shape} data is cut off")
    elif data:
        damage.append(f"bytes after the end of the {shape} data")


def _in_steps(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for place in range(0, len(chunk), _STEP):
            yield chunk[place : place + _STEP]


def _reason(error: Exception) -> str:
    """Return what a library says of the damage, without what it says of itself."""
    words = str(error)
    return words.partition(": ")[2] or words
