"""Make text UTF-8 with plain newlines, piece by piece.

The rules, the first that holds:

- A byte order mark says UTF-8 or UTF-16, and is no part of the text.
- Text that is valid UTF-8 is UTF-8.
- Where bytes are not, but other characters beyond ASCII are, it is damaged UTF-8: what is none is
  replaced by U+FFFD, and that is said.
- Where no character beyond ASCII is valid, it is Latin-1, and that is said.

The 16 MB from the first byte beyond ASCII on decide between the last two: almost always the
whole file. CRLF becomes LF; a lone CR does where no LF stands in the text's first piece.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from trueup.sources.packing import PIECE

MARK = b"\xef\xbb\xbf"
"""What Windows tools put before UTF-8."""

UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
"""What they put before UTF-16."""

DECIDING = 16 * 2**20
"""Bytes from the first one beyond ASCII on that decide what a text is."""

_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    rb"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}"
)
_LONGEST = 4

Say = Callable[[str], object]


def decoded(pieces: Iterable[bytes], say: Say) -> Iterator[bytes]:
    """Yield a file's text as UTF-8 with plain newlines; `say` is told what is wrong with it."""
    gathered = _gathered(pieces)
    first = next(gathered, b"")
    if encoding := UTF16.get(first[:2]):
        text = _from_utf16(chain((first[2:],), gathered), encoding, say)
    else:
        text = _as_utf8(chain((first.removeprefix(MARK),), gathered), say)
    return _with_plain_newlines(text)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces until each is as long as most are, so that what follows has little to join."""
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _from_utf16(pieces: Iterable[bytes], encoding: str, say: Say) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    is_said = False
    for piece in chain(pieces, (None,)):
        text = decoder.decode(piece) if piece is not None else decoder.decode(b"", final=True)
        if not is_said and "\ufffd" in text:
            say("some bytes are not UTF-16 and were replaced")
            is_said = True
        yield text.encode("utf-8", "replace")


def _as_utf8(pieces: Iterator[bytes], say: Say) -> Iterator[bytes]:
    for piece in pieces:
        if piece.isascii():
            yield piece
            continue
        window = [piece]
        size = len(piece)
        while size < DECIDING and (more := next(pieces, b"")):
            window.append(more)
            size += len(more)
        deciding = b"".join(window)
        if not _is_utf8(deciding) and not _CHARACTER.search(deciding):
            say("not UTF-8: read as Latin-1")
            for one in chain((deciding,), pieces):
                yield one.decode("latin-1").encode()
        else:
            yield from _mended(chain((deciding,), pieces), say)
        return


def _is_utf8(text: bytes) -> bool:
    """Tell whether the text is UTF-8, but for a character that its end may cut."""
    return _decodes(text[: _end_of_characters(text)])


def _decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _end_of_characters(text: bytes) -> int:
    """Return where the last whole character ends: a few bytes may begin one that goes on."""
    for back in range(1, min(_LONGEST, len(text) + 1)):
        byte = text[-back]
        if byte >= 0xC0:  # noqa: PLR2004  (it begins a character)
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else _LONGEST  # noqa: PLR2004
            return len(text) - back if back < length else len(text)
        if byte < 0x80:  # noqa: PLR2004
            break
    return len(text)


def _mended(pieces: Iterable[bytes], say: Say) -> Iterator[bytes]:
    """Yield UTF-8 as it is, and U+FFFD where it is none."""
    rest = b""
    is_said = False
    for piece in chain(pieces, (None,)):
        text = rest + (piece or b"")
        end = len(text) if piece is None else _end_of_characters(text)
        text, rest = text[:end], text[end:]
        if not text.isascii() and not _decodes(text):
            if not is_said:
                say("some bytes are not UTF-8 and were replaced")
                is_said = True
            text = text.decode(errors="replace").encode()
        yield text


def _with_plain_newlines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    is_first, is_lone, rest = True, False, b""
    for piece in pieces:
        text = rest + piece if rest else piece
        rest = b""
        if is_first and text:
            is_lone, is_first = b"\r" in text and b"\n" not in text, False
        if b"\r" in text:
            if text.endswith(b"\r"):
                text, rest = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n")
            if is_lone:
                text = text.replace(b"\r", b"\n")
        yield text
    if rest:
        yield b"\n" if is_lone else rest
