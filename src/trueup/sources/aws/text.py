"""Bytes as text in pieces: UTF-8, or UTF-16 as PowerShell writes what it is told to save."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from trueup.sources.aws.events import Note

PIECE = 2**18
"""Bytes read at a time: a few hundred events."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(head: bytes) -> str:
    """Tell a text's encoding by the mark that it begins with."""
    return "utf-16" if head.startswith(_UTF16) else "utf-8-sig"


def blocks_of(opened: BinaryIO) -> Iterator[bytes]:
    """Yield the stream's bytes in pieces."""
    while block := opened.read(PIECE):
        yield block


def pieces_of(blocks: Iterable[bytes], note: Note) -> Iterator[str]:
    """Yield the text of the bytes; what is none becomes U+FFFD and is noted once."""
    rest = iter(blocks)
    head = b""
    while len(head) < len(codecs.BOM_UTF8) and (block := next(rest, b"")):
        head += block
    decoder = codecs.getincrementaldecoder(encoding_of(head))()
    yield _decoded(decoder, head, note)
    for block in rest:
        yield _decoded(decoder, block, note)
    yield _decoded(decoder, b"", note, is_end=True)


def _decoded(
    decoder: codecs.IncrementalDecoder, block: bytes, note: Note, *, is_end: bool = False
) -> str:
    before = decoder.getstate()
    try:
        return decoder.decode(block, is_end)
    except UnicodeDecodeError:
        if not is_end:  # a character that is cut off with its file is no news beside the cut
            note("some bytes are not UTF-8 and were replaced")
        decoder.errors = "replace"
        decoder.setstate(before)
        return decoder.decode(block, is_end)
