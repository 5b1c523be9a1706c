"""Load a file's text: unpacked, as UTF-8, with plain newlines."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from trueup.sources.logfile import LogFile

GZIP = b"\x1f\x8b"
MARK = b"\xef\xbb\xbf"  # what Windows tools put before UTF-8


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


def load(file: LogFile) -> Loaded:
    """Read a file, unpack it if its bytes say gzip, and make its text UTF-8 with plain newlines."""
    try:
        with open(file.path, "rb", buffering=0) as opened:
            if file.offset:
                opened.seek(file.offset)
            found = opened.read(file.size) if file.is_inner or file.offset else opened.read()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        problem = f"the file cannot be opened: {reason}"
        return Loaded(f"unread:{file.name}", file.size, b"", (problem,), is_whole=False)
    problems: list[str] = []
    text, damage = unpack(found) if found.startswith(GZIP) else (found, None)
    if damage:
        problems.append(damage)
    text = text.removeprefix(MARK)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            problems.append("some bytes are not UTF-8 and were replaced")
            text = text.decode(errors="replace").encode()
    digest = hashlib.sha256(found).hexdigest()
    return Loaded(digest, len(found), text, tuple(problems), is_whole=damage is None)


def unpack(packed: bytes) -> tuple[bytes, str | None]:
    """Unpack a gzip file of one or several members.

    Returns all text before the first damage, and what the damage is (None: there is none).
    """
    parts: list[bytes] = []
    rest = packed
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest))
        except zlib.error as error:
            parts.append(b"".join(_before_damage(rest)))
            return b"".join(parts), f"damaged gzip data ({str(error).partition(': ')[2]})"
        if not member.eof:
            return b"".join(parts), "the gzip data is cut off"
        rest = member.unused_data
        if rest and not rest.startswith(GZIP):
            damage = None if not rest.strip(b"\0") else "bytes after the end of the gzip data"
            return b"".join(parts), damage
    return b"".join(parts), None


def _before_damage(packed: bytes, step: int = 512) -> Iterable[bytes]:
    """Yield what can be unpacked of a damaged member, to the last byte before the damage."""
    member = zlib.decompressobj(wbits=31)
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
