"""Zip and tar archives: their members as slices of a file, and what cannot be one.

Names in an archive are only ever shown: nothing is written or looked for under them.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from trueup.sources.limits import Guard
from trueup.sources.slices import CHUNK, Slice, Spool

_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError, struct.error, OverflowError, IndexError,
)  # fmt: skip
"""What `zipfile`, `tarfile` and the decompressors raise over bad bytes."""

_MOST_DIRECTORY = 64 << 20
"""Bytes of a zip's directory, which `zipfile` reads whole: room for several 100,000 members."""

_IN_ZIP64 = 0xFFFFFFFF
"""Stands where a number is in the end record of zip64."""

_MOST_HEADER = 1 << 20
"""Bytes of a tar's header, which `tarfile` reads whole; a path is a few hundred long."""

_USTAR = slice(257, 262)

_MAC_LITTER = ("__MACOSX/", "/__MACOSX/")


class DamagedArchive(Exception):  # noqa: N818  (it says what is wrong)
    """An archive that cannot be read, or not further; the message says why and what to do."""


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    content: Slice | None
    """None: it is not read."""
    problem: str = ""
    is_litter: bool = False
    """Whether it is what macOS adds, and no file of the user's."""


def members(shape: str, archive: Slice, spool: Spool, guard: Guard) -> Iterator[Member]:
    """Yield the members of a zip or tar archive, in its order.

    Raises DamagedArchive where it cannot be read (further), and TooMuch at a limit.
    """
    read = _zip_members if shape == "zip" else _tar_members
    with archive.open() as opened:
        try:
            yield from read(opened, archive, spool, guard)
        except _DAMAGE as error:
            kind = "zip" if shape == "zip" else "tar"
            raise DamagedArchive(
                f"damaged {kind} archive ({_reason(error)}): was it cut off on its way? What comes "
                "after the damage was not read"
            ) from error


def zip_names(archive: Slice) -> set[str]:
    """Return the names in a zip's directory; none if it cannot be read."""
    with archive.open() as opened:
        try:
            return set(_directory(opened).namelist())
        except _DAMAGE:
            return set()


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".")[:200] or type(error).__name__


def _directory(opened: BinaryIO) -> zipfile.ZipFile:
    # The last 64 KB hold the end record; what it says of the directory's size, zipfile believes.
    opened.seek(0, io.SEEK_END)
    size = opened.tell()
    opened.seek(max(0, size - (1 << 16) - 22))
    tail = opened.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 16:
        (directory,) = struct.unpack_from("<L", tail, place + 12)
        if directory == _IN_ZIP64 and (wide := tail.rfind(b"PK\x06\x06", 0, place)) >= 0:
            (directory,) = struct.unpack_from("<Q", tail, wide + 40)
        if directory > _MOST_DIRECTORY:
            raise zipfile.BadZipFile("its directory is larger than any real one")
    return zipfile.ZipFile(opened)


def _zip_members(opened: BinaryIO, _: Slice, spool: Spool, guard: Guard) -> Iterator[Member]:
    with _directory(opened) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            guard.take_member()
            # Some Windows tools part folders with backslashes.
            name = info.filename.replace("\\", "/")
            problem = _strange(name)
            if _is_litter(name):
                yield Member(name, None, is_litter=True)
            elif info.flag_bits & 1:
                yield Member(
                    name, None, "it is encrypted: unpack the archive with its password first"
                )
            else:
                damage: list[str] = [problem] if problem else []
                content = spool.add(_inflated(archive, info, damage), guard)
                yield Member(name, content, "; ".join(damage))
        starts = [info.header_offset for info in archive.infolist()] or [archive.start_dir]
        end = _end(opened) + len(archive.comment)
        opened.seek(end)
        if min(starts) or opened.read(CHUNK).strip(b"\0"):
            raise zipfile.BadZipFile(
                "other bytes stand beside it, as where files were joined into one: they were not "
                "read; give the files one by one"
            )


def _end(opened: BinaryIO) -> int:
    """Return where the end record of a zip ends, its comment not counted."""
    opened.seek(0, io.SEEK_END)
    start = max(0, opened.tell() - (1 << 16) - 22)
    opened.seek(start)
    return start + opened.read().rfind(b"PK\x05\x06") + 22


def _inflated(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, damage: list[str]
) -> Iterator[bytes]:
    """Yield a member's bytes, all before any damage, which is told."""
    check = size = 0
    try:
        with archive.open(info) as member:
            # Where the sum is wrong, zipfile withholds the last bytes: it is compared here.
            member._expected_crc = None  # type: ignore[attr-defined]  # noqa: SLF001
            while chunk := member.read(CHUNK):
                check = zlib.crc32(chunk, check)
                size += len(chunk)
                yield chunk
    except _DAMAGE as error:
        damage.append(f"damaged in its archive ({_reason(error)}): read up to the damage")
        return
    if size != info.file_size:
        damage.append(
            f"its archive says that it has {info.file_size:,} bytes, and holds {size:,} of it"
        )
    elif check != info.CRC:
        damage.append("damaged in its archive (its check sum is wrong): figures may be too")


def _tar_members(opened: BinaryIO, archive: Slice, spool: Spool, guard: Guard) -> Iterator[Member]:
    careful = cast("BinaryIO", _SmallReads(opened))
    with tarfile.open(fileobj=careful, mode="r:", errorlevel=0) as tar:
        while (info := tar.next()) is not None:
            # tarfile keeps a list of all members, which nothing here asks for.
            tar.members = []  # type: ignore[attr-defined]
            if info.isdir():
                continue
            guard.take_member()
            if _is_litter(info.name):
                yield Member(info.name, None, is_litter=True)
            elif info.issym() or info.islnk():
                yield Member(
                    info.name, None, "a link, which is not followed: pack what it leads to"
                )
            elif not info.isreg():
                yield Member(info.name, None, "a device or a pipe, which is not read")
            elif info.issparse():
                content = spool.add(_filled(tar, info), guard)
                yield Member(info.name, content, _strange(info.name))
            else:
                yield Member(info.name, *_lying(archive, info))
    # tarfile takes any header that makes no sense for the end; `cat` makes two archives one.
    opened.seek(tar.offset)
    while block := opened.read(tarfile.BLOCKSIZE):
        if block.strip(b"\0"):
            if block[_USTAR] != b"ustar":
                raise tarfile.ReadError("a header makes no sense")
            opened.seek(-len(block), io.SEEK_CUR)
            yield from _tar_members(opened, archive, spool, guard)
            return


def _filled(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    """Yield a member whose holes the archive leaves out."""
    member = tar.extractfile(info)
    while member and (chunk := member.read(CHUNK)):
        yield chunk


def _lying(archive: Slice, info: tarfile.TarInfo) -> tuple[Slice, str]:
    """Return where a member lies in its archive: in a tar, files stand as they are."""
    there = max(0, min(info.size, archive.size - info.offset_data))
    problem = _strange(info.name)
    if there < info.size:
        problem = "its archive is cut off: read as far as it goes"
    return Slice(archive.path, archive.offset + info.offset_data, there), problem


class _SmallReads:
    """A file that refuses the large reads that a header with a false size asks for."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self.seek, self.tell = opened.seek, opened.tell

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _MOST_HEADER:
            raise tarfile.ReadError("a header larger than any real one")
        return self._opened.read(size)


def _is_litter(name: str) -> bool:
    last = name.rpartition("/")[2]
    return name.startswith(_MAC_LITTER[0]) or _MAC_LITTER[1] in name or last == ".DS_Store"


def _strange(name: str) -> str:
    """Say what is strange about a member's path; nothing is written there, so it can be read."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
        return (
            "its path leads out of the archive, as a trap would: its content was read, and nothing "
            "was written there; ask where the archive is from"
        )
    return ""
