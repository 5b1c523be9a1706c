"""The lines of an `.rtf`: one pass over its control words, in time and memory of its own size.

Written here, because striprtf adds a link's address to its text (and Word makes links of e-mails by
itself), keeps tracked deletions and leaves text boxes out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trueup.sources.documents.unreadable import UnreadableDocument

RTF_PER_TEXT = 40
"""Bytes of RTF that a byte of text may take: formats and pictures, two digits a byte, are most of it."""
LEAST_SUSPECT = 16 << 20
"""Bytes that any document may have."""

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_CHARACTERS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"cell": "\n",
    b"nestcell": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
    b"emspace": "\u2003", b"enspace": "\u2002", b"qmspace": "\u2005", b"zwj": "\u200d",
    b"zwnj": "\u200c", b"ltrmark": "\u200e", b"rtlmark": "\u200f",
}  # fmt: skip
_SYMBOLS = {
    b"~": "\u00a0", b"-": "\u00ad", b"_": "\u2011", b"\n": "\n", b"\r": "\n", b"\t": "\t",
    b"\\": "\\", b"{": "{", b"}": "}",
}  # fmt: skip
_LEFT_OUT = frozenset(
    b"fonttbl colortbl stylesheet listtable listoverridetable info pict objdata object header headerf"
    b" headerl headerr footer footerf footerl footerr footnote annotation fldinst themedata revtbl"
    b" colorschememapping datastore latentstyles generator bkmkstart bkmkend pntext listtext xe tc"
    b" sp shprslt nonshppict nonesttables filetbl rsidtbl mmathPr xmlnstbl atnid atnauthor".split()
)
_READ_THOUGH_OPTIONAL = frozenset((b"shpinst", b"shptxt", b"nesttableprops", b"ud", b"shppict"))
_CODE_PAGES = {b"ansi": "cp1252", b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds between two braces."""

    is_left_out: bool = False
    is_deleted: bool = False
    skip: int = 1
    """How many characters after a Unicode one stand in for it."""


def rtf_lines(path: str, most: int) -> Iterator[str]:
    """Yield the document's lines; raises UnreadableDocument if it is none."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        if size > max(LEAST_SUSPECT, most * RTF_PER_TEXT):
            raise UnreadableDocument(
                f"the document is {size} bytes long, too much to read: save it as text"
            )
        file.seek(0)
        data = file.read()
    if not data.startswith(b"{\\rtf"):
        raise UnreadableDocument("the document is no RTF: save it again, or save it as text")
    return _lines(data)


def _lines(data: bytes) -> Iterator[str]:
    line: list[str] = []
    for text in _texts(data):
        if text != "\n":
            line.append(text)
            continue
        yield "".join(line)
        line.clear()
    if line:
        yield "".join(line)


def _texts(data: bytes) -> Iterator[str]:
    """Yield the text between the control words, halves of a surrogate pair put together."""
    reader, high = _Reader(), ""
    for text in reader.read(data):
        if high:
            text = (high + text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # noqa: PLW2901
            high = ""
        if len(text) == 1 and "\ud800" <= text < "\udc00":
            high = text
        else:
            yield text


class _Reader:
    def __init__(self) -> None:
        self.group = _Group()
        self.outer: list[_Group] = []
        self.decode = codecs.getincrementaldecoder("cp1252")("replace").decode
        self.to_skip = 0
        self.is_optional = False  # after `\*`: a destination that a reader may not know

    def read(self, data: bytes) -> Iterator[str]:
        position = 0
        while match := _TOKEN.match(data, position):
            position = match.end()
            word, number, code, symbol, brace, plain = match.groups()
            text = ""
            if brace:
                self._step(brace)
            elif word == b"bin":
                position += max(int(number or 0), 0)
            elif word:
                text = self._obey(word, None if number is None else int(number))
            elif symbol == b"*":
                self.is_optional = True
            elif symbol:
                text = self._counted(_SYMBOLS.get(symbol, ""))
            elif code:
                text = self._counted(self.decode(bytes.fromhex(code.decode())))
            elif plain:
                text = self._plain(plain)
            if text and not (self.group.is_left_out or self.group.is_deleted):
                yield text

    def _step(self, brace: bytes) -> None:
        self.to_skip = 0
        self.is_optional = False
        if brace == b"{":
            self.outer.append(self.group)
        elif self.outer:
            self.group = self.outer.pop()

    def _obey(self, word: bytes, number: int | None) -> str:
        is_unknown = self.is_optional and word not in _READ_THOUGH_OPTIONAL
        self.is_optional = False
        if is_unknown or word in _LEFT_OUT:
            self.group = replace(self.group, is_left_out=True)
        elif word == b"deleted":
            self.group = replace(self.group, is_deleted=number != 0)
        elif word == b"plain":
            self.group = replace(self.group, is_deleted=False)
        elif word == b"uc":
            self.group = replace(self.group, skip=min(number or 0, 8))
        elif word == b"u" and number is not None:
            self.to_skip = self.group.skip
            return chr(number & 0xFFFF)
        elif word in _CODE_PAGES or word == b"ansicpg":
            self._take_code_page(_CODE_PAGES.get(word) or f"cp{number}")
        return self._counted(_CHARACTERS.get(word, ""))

    def _take_code_page(self, name: str) -> None:
        name = "utf-8" if name == "cp65001" else name
        try:
            self.decode = codecs.getincrementaldecoder(name)("replace").decode
        except LookupError:
            return

    def _counted(self, text: str) -> str:
        if text and self.to_skip:
            self.to_skip -= 1
            return ""
        return text

    def _plain(self, plain: bytes) -> str:
        skipped = min(self.to_skip, len(plain))
        self.to_skip -= skipped
        return self.decode(plain[skipped:])
