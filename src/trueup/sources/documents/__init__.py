"""Logs that somebody pasted into a document: its text, with what a word processor does to it healed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from trueup.sources.decoding import decoded
from trueup.sources.documents.unreadable import UnreadableDocument

__all__ = ["SHAPES", "Document", "UnreadableDocument", "read_document"]

SHAPES = ("docx", "doc", "rtf", "pdf", "pasted")
"""Shapes of documents; a PDF is one only to say what to do instead, `pasted` is plain text."""

_MAGIC = (
    (b"PK\x03\x04", "docx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"{\\rtf", "rtf"),
    (b"%PDF", "pdf"),
)
_PDF = (
    "a PDF holds printed lines, wrapped and without their tabs, not the log's: "
    "save the log itself as text, or the document as .docx"
)  # fmt: skip

_LINE_ENDS = re.compile(r"\r\n?|[\n\v\f\x85\u2028\u2029]")
_LEAST = 16
"""Bytes that a line counts for at least: memory holds lines, and a hostile text only ends them."""


class Document(NamedTuple):
    """A document's text as UTF-8 with plain newlines, and what was healed or lost."""

    text: bytes
    notes: tuple[str, ...]
    is_whole: bool = True


def read_document(shape: str, path: str, *, most: int) -> Document:
    """Read the text of a document of one of SHAPES.

    `path` is a file on disk; its name is passed to other programs, so it is to be one of ours.
    The bytes decide between shapes: a `.doc` is often another shape under an old name. `most` is
    how many bytes of text are read: what is beyond is left, and noted.
    Raises UnreadableDocument.
    """
    from trueup.sources.documents.healing import heal

    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise UnreadableDocument(f"the document cannot be opened: {reason}") from None
    found = next((known for magic, known in _MAGIC if start.startswith(magic)), shape)
    lines, remarks = _lines(found, path, most)
    bounded = _Bounded(chain.from_iterable(_parts(line) for line in lines), most)
    text, healed = heal(bounded)
    notes = (*remarks, *healed)
    if bounded.is_cut:
        notes = (*notes, f"only the first {most} bytes of the document's text were read")
    return Document(text.encode("utf-8", "replace"), notes, not bounded.is_cut)


def _lines(shape: str, path: str, most: int) -> tuple[Iterable[str], tuple[str, ...]]:
    """Return the lines of a document, and what there is to say of how they were read."""
    if shape == "docx":
        from trueup.sources.documents.docx_text import docx_lines

        return docx_lines(path, most), ()
    if shape == "doc":
        from trueup.sources.documents.doc_text import doc_lines

        return doc_lines(path, most)
    if shape == "rtf":
        from trueup.sources.documents.rtf_text import rtf_lines

        return rtf_lines(path, most), ()
    if shape == "pasted":
        notes: list[str] = []
        with open(path, "rb") as file:
            text = b"".join(decoded((file.read(most + 1),), notes.append))
        return (line.removesuffix("\n") for line in io.StringIO(text.decode())), tuple(notes)
    raise UnreadableDocument(
        _PDF if shape == "pdf" else f"documents of the shape {shape} are not read"
    )


def _parts(line: str) -> Iterator[str]:
    """Yield the lines that a line turns out to be, one by one: there may be millions."""
    start = 0
    for end in _LINE_ENDS.finditer(line):
        yield line[start : end.start()]
        start = end.end()
    yield line[start:]


class _Bounded:
    """Lines up to a number of bytes, which short ones take more of; whether there were more."""

    def __init__(self, lines: Iterable[str], most: int) -> None:
        self.lines = lines
        self.rest = most
        self.is_cut = False

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.rest -= max(len(line.encode("utf-8", "replace")) + 1, _LEAST)
            if self.rest < 0:
                self.is_cut = True
                return
            yield line
