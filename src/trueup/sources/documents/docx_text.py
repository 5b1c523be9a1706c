"""The lines of a `.docx`: paragraphs, cells of tables and text boxes, in the order of the document.

The file is taken for hostile. Its parts are measured before anything is unpacked: the sizes in
the zip's directory are the most that Python unpacks of each. python-docx parses XML without
expanding entities and without depth or text beyond libxml2's limits, and nothing that a
relationship names outside the file is ever opened.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trueup.sources.documents.unreadable import UnreadableDocument

if TYPE_CHECKING:
    from lxml.etree import _Element

LEAST_SUSPECT = 16 << 20
"""Bytes that any document may unpack to, however well they were packed."""
MOST_RATIO = 200
"""A larger one may not unpack to more than so many times its size: a pasted log reached 27."""
XML_PER_TEXT = 20
"""Bytes of XML that a byte of text may take: with a run for every dozen characters it took 15."""
MOST_XML = 128 << 20
"""No more is parsed in any case: as a tree it takes some fifteen times its size in memory."""

_DAMAGED = "the document is damaged: open it in Word, save it again, or save it as text"
_ENCRYPTED = "the document is protected by a password: save it without one"

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_PARAGRAPH, _RUN, _TEXT = f"{_W}p", f"{_W}r", f"{_W}t"
_CHARACTERS = {
    f"{_W}tab": "\t",
    f"{_W}ptab": "\t",
    f"{_W}br": "\n",
    f"{_W}cr": "\n",
    f"{_W}noBreakHyphen": "\u2011",
    f"{_W}softHyphen": "\u00ad",
}
_LEFT_OUT = {f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr"}
_DELETED_MARKS = (f"{_W}pPr/{_W}rPr/{_W}del", f"{_W}pPr/{_W}rPr/{_W}moveFrom")


def docx_lines(path: str, most: int) -> Iterator[str]:
    """Yield the document's lines; raises UnreadableDocument for what is damaged or a bomb."""
    _measure(path, most)
    import docx

    try:
        with open(path, "rb") as file:
            body = docx.Document(file).element.body
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes a library raise
        raise UnreadableDocument(f"{_DAMAGED} ({type(error).__name__})") from None
    return _walk(body)


def _measure(path: str, most: int) -> None:
    try:
        with zipfile.ZipFile(path) as parts:
            entries = parts.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RecursionError):
        raise UnreadableDocument(_DAMAGED) from None
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(_ENCRYPTED)
    size = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if size > max(LEAST_SUSPECT, packed * MOST_RATIO):
        raise UnreadableDocument(
            f"the document unpacks to {size} bytes, {size // max(packed, 1)} times its size, as no "
            "document does: it was not read"
        )
    xml = sum(e.file_size for e in entries if e.filename.endswith((".xml", ".rels")))
    if xml > min(MOST_XML, max(LEAST_SUSPECT, most * XML_PER_TEXT)):
        raise UnreadableDocument(
            f"the document holds {xml} bytes of XML, too much to read: save it as text"
        )


class _Paragraph:
    """A paragraph on its way: its text so far, and the lines of text boxes that hang on it."""

    def __init__(self, begun: str = "") -> None:
        self.parts = [begun]
        self.boxes: list[str] = []

    def lines(self) -> list[str]:
        return ["".join(self.parts), *self.boxes]


def _walk(body: _Element) -> Iterator[str]:
    """Yield lines; a text box stands behind the paragraph that it hangs on."""
    from lxml import etree

    open_paragraphs: list[_Paragraph] = []
    begun = _Paragraph()  # what a paragraph whose mark was deleted leaves to the next
    walk = etree.iterwalk(body, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            if _is_left_out(element):
                walk.skip_subtree()
            elif tag == _PARAGRAPH:
                open_paragraphs.append(begun if not open_paragraphs else _Paragraph())
            elif open_paragraphs and (text := _text_of(element)):
                open_paragraphs[-1].parts.append(text)
        elif tag == _PARAGRAPH:
            done = open_paragraphs.pop()
            if open_paragraphs:
                open_paragraphs[-1].boxes.extend(done.lines())
            elif not _has_deleted_mark(element):
                yield from done.lines()
                begun = _Paragraph()
            element.clear()
    if any(begun.lines()):
        yield from begun.lines()


def _is_left_out(element: _Element) -> bool:
    """Tell whether an element is a deletion, a format, or the second telling of a text box."""
    if element.tag in _LEFT_OUT:
        return True
    parent = element.getparent()
    if parent is None or parent.tag != f"{_MC}AlternateContent":
        return False
    return element.getprevious() is not None


def _text_of(element: _Element) -> str:
    if element.tag == _TEXT:
        return element.text or ""
    parent = element.getparent()
    # A tab in the format of a paragraph is a tab stop; those are skipped, and this is for the rest.
    if parent is not None and parent.tag == _RUN:
        return _CHARACTERS.get(str(element.tag), "")
    return ""


def _has_deleted_mark(paragraph: _Element) -> bool:
    return any(paragraph.find(mark) is not None for mark in _DELETED_MARKS)
