"""What a file is, told by its first bytes, never by its name."""

from __future__ import annotations

import re
import zlib

from trueup.sources import aws
from trueup.sources.packing import PACKINGS, packing_of
from trueup.sources.slices import Slice

HEAD = 1 << 16
"""Bytes that tell what a file is."""

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"{\\rtf", "rtf"),
    (b"%PDF-", "pdf"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)

AWS = {str(shape) for shape in aws.Shape}
"""Exports of log events."""

PACKED = {packing.name for packing in PACKINGS}
"""One file, packed."""

ARCHIVES = {"zip", "tar"}

DOCUMENTS = {"docx", "doc", "rtf", "pdf", "pasted"}
"""What a log was pasted into; `pasted`: text that lost the log's tabs on its way."""

FOREIGN = {
    "7z": "a 7-Zip archive, which trueup does not read: unpack it, or pack it as .zip",
    "rar": "a RAR archive, which trueup does not read: unpack it, or pack it as .zip",
}
"""Shapes that are known and not read, each with what to do."""

_UTF16 = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_MARK = b"\xef\xbb\xbf"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LOG = re.compile(rb"\s*%s " % _TIME)
"""How the text of an export begins."""

_USTAR = slice(257, 262)

_BLANK = rb"(?:\s|\xc2?\xa0){1,20}"
_PASTED = re.compile(
    rb"(?:\A|[\r\n])[ \t]{0,20}%s%s%s%s(?:[0-9a-f]{8}-[0-9a-f-]{27}|undefined)%s[A-Z]{4,5}\b"
    % (_TIME, _BLANK, _TIME, _BLANK, _BLANK)
)
_WITH_TABS = re.compile(rb"%s %s\t" % (_TIME, _TIME))


def shape_of(head: bytes) -> str | None:
    """Return what a file is by its first HEAD bytes: a key of the above, `log`, or None: unknown."""
    if packing := packing_of(head):
        return packing.name
    for magic, shape in _MAGIC:
        if head.startswith(magic):
            return shape
    if head[_USTAR] == b"ustar":
        return "tar"
    text = plain_head(head)
    if _is_pasted(text):
        return "pasted"
    return "log" if LOG.match(text) else aws.shape_of(head)


def is_plain(content: Slice) -> bool:
    """Tell quickly whether a file is what nearly all are: the text of an export, gzipped or not."""
    head = content.head(1024)
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 1024)
        except zlib.error:
            return False
    return bool(LOG.match(head)) and not _is_pasted(head)


def _is_pasted(text: bytes) -> bool:
    """Tell whether lines of the application stand there, and none with its tabs."""
    return not _WITH_TABS.search(text) and bool(_PASTED.search(text))


def encoding_of(head: bytes) -> str | None:
    """Return the UTF-16 that a mark at the start says, if any."""
    return next((encoding for mark, encoding in _UTF16 if head.startswith(mark)), None)


def plain_head(head: bytes) -> bytes:
    """Return the head as UTF-8 without a mark, if it is text."""
    encoding = encoding_of(head)
    if encoding:
        return head[2:].decode(encoding, "replace").encode()
    return head.removeprefix(_MARK)
