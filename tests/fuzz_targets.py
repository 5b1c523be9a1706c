"""What is fuzzed: each target takes any bytes and must come back, whatever they are."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from trueup.logs.entries import Source
from trueup.logs.inspect_text import parse
from trueup.logs.rows import FileFacts, Rows, pack
from trueup.logs.stream import read_stream
from trueup.sources import aws
from trueup.sources.limits import Limits
from trueup.sources.packing import PACKINGS, unpack
from trueup.sources.slices import Slice, Spool
from trueup.sources.unpacking import Unpacker

_MOST = 1 << 20
"""Bytes of input that are looked at: what is slow shows in a megabyte."""

_LIMITS = Limits(expansion_from=1 << 24, members=2_000, total=1 << 26)
_TIME = b"2024-01-31T21:01:05.123Z "
_APPLICATION = _TIME + b"2024-01-31T21:01:05.123Z\tr1\tINFO\t"


def entries(data: bytes) -> None:
    """A stream's text, from its entries to its rows; whoever loads it makes it UTF-8."""
    data = data.decode(errors="replace").encode()
    rows = Rows()
    rows.files = [FileFacts("id", "x", len(data))]
    read_stream("s", [Source(0, b"\n" + data)], rows)
    pack(rows)


_OPENINGS = (
    b"Start syncing the balance ", b"transaction {", b"record.body {", b"record {",
    b"{\n  message: 'Subscriber will have a negative balance due to this action",
    b"Subscription balance and payment balance are not in sync ", b"Uncaught Exception\t",
    b"An error occured while syncing the balance ",
)  # fmt: skip


def objects(data: bytes) -> None:
    """What stands behind the openings that are understood, by the layouts and the full parser."""
    entries(b"\n".join(_APPLICATION + opening + data for opening in _OPENINGS))


def inspect(data: bytes) -> None:
    """Text that `util.inspect` prints."""
    try:
        parse(data.decode(errors="replace"))
    except ValueError:
        return


def lambda_json(data: bytes) -> None:
    """An entry in Lambda's JSON log format."""
    entries(_TIME + b'{"' + data)


def packed(data: bytes) -> None:
    """A compressed file: the first byte says of which kind it claims to be."""
    packing = PACKINGS[(data[0] if data else 0) % len(PACKINGS)]
    begin = (b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")[PACKINGS.index(packing)]
    size = 0
    for piece in unpack(iter([begin, data[1:]]), packing, lambda _: None):
        size += len(piece)
        if size > _LIMITS.expansion_from:
            return


def shapes(data: bytes) -> None:
    """Any file: told by its bytes, taken apart down to its logs, and read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(data)
        spool = Spool()
        unpacker = Unpacker(spool, _LIMITS, len(data))
        for file in unpacker.unpack("x", Slice(str(path), 0, len(data)), "x").files:
            with file.content.open() as opened:
                entries(opened.read(_MOST))
        spool.close()


def zip_archive(data: bytes) -> None:
    """A zip archive."""
    shapes(b"PK\x03\x04" + data)


def tar_archive(data: bytes) -> None:
    """A tar archive: the magic stands in the middle of its first header."""
    shapes(data[:257].ljust(257, b"\0") + b"ustar" + data[257:])


def aws_export(data: bytes) -> None:
    """An export of AWS's: the first byte says which, if the rest does not."""
    known = sorted(aws.Shape)
    shape = aws.shape_of(data[1:]) or known[(data[0] if data else 0) % len(known)]
    for event in aws.read_events(shape, io.BytesIO(data[1:]), note=lambda _: None):
        for _ in aws.export_text([event]):
            pass


TARGETS: dict[str, Callable[[bytes], None]] = {
    "entries": entries,
    "objects": objects,
    "inspect": inspect,
    "lambda_json": lambda_json,
    "packed": packed,
    "shapes": shapes,
    "zip": zip_archive,
    "tar": tar_archive,
    "aws": aws_export,
}
