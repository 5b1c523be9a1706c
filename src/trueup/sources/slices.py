"""Parts of files, and the spool: the one file that holds what came out of others."""

from __future__ import annotations

import hashlib
import io
import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from shutil import copyfileobj, rmtree
from tempfile import mkdtemp
from typing import BinaryIO, NamedTuple

from trueup.errors import BadUse
from trueup.sources.limits import Guard

CHUNK = 1 << 18
"""Bytes that are moved at a time."""


class Slice(NamedTuple):
    """Bytes within a file."""

    path: str
    offset: int
    size: int

    def open(self) -> BinaryIO:
        """Open it as a file of its own, which can be read and sought."""
        return io.BufferedReader(_Part(self), CHUNK)  # type: ignore[type-var]

    def head(self, size: int) -> bytes:
        """Return its first bytes."""
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.offset)
            return file.read(min(size, self.size))

    def sha256(self) -> str:
        """Return the digest of its bytes."""
        digest = hashlib.sha256()
        with self.open() as opened:
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()


class _Part(io.RawIOBase):
    """The bytes of a slice as a file."""

    def __init__(self, part: Slice) -> None:
        self._file = open(part.path, "rb", buffering=0)  # noqa: SIM115  (closed with this one)
        self._part = part
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        wanted = max(min(len(buffer), self._part.size - self._place), 0)
        self._file.seek(self._part.offset + self._place)
        count = self._file.readinto(memoryview(buffer)[:wanted]) or 0
        self._place += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._part.size}[whence]
        if start + offset < 0:
            raise OSError("a place before the beginning")
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        self._file.close()
        super().close()


class Spool:
    """One file under a name of ours; it goes when nothing refers to the spool any more.

    Nothing is ever written under a name that an archive gives.
    """

    def __init__(self) -> None:
        self._folder = ""
        self.size = 0

    @property
    def path(self) -> str:
        """Where it is; its folder is made when it is first needed, closed to other users."""
        if not self._folder:
            self._folder = mkdtemp(prefix="trueup-")
            self._finalizer = weakref.finalize(self, rmtree, self._folder, ignore_errors=True)
        return os.path.join(self._folder, "spool")

    def holds(self, content: Slice) -> bool:
        """Tell whether the bytes are here."""
        return bool(self._folder) and content.path == self.path

    @contextmanager
    def appended(self) -> Iterator[BinaryIO]:
        """Open the file for who writes to its end himself."""
        with open(self.path, "ab+") as file:
            yield file
        self.size = os.path.getsize(self.path)

    @contextmanager
    def own_file(self, content: Slice) -> Iterator[str]:
        """Yield the path of a file under a name of ours that holds these bytes alone."""
        path = f"{self.path}-part"
        with content.open() as opened, open(path, "wb") as file:
            copyfileobj(opened, file)
        try:
            yield path
        finally:
            os.unlink(path)

    def close(self) -> None:
        """Remove the file; done by itself when the spool goes."""
        if self._folder:
            self._finalizer()

    def add(self, chunks: Iterable[bytes], guard: Guard) -> Slice:
        """Append bytes as they come. What was added before `chunks` raises is in no slice."""
        start, path = self.size, self.path
        with open(path, "ab") as file:
            for chunk in chunks:
                guard.take(len(chunk))
                self._put(file, chunk)
            self._put(file, b"")
        return Slice(path, start, self.size - start)

    def _put(self, file: BinaryIO, chunk: bytes) -> None:
        try:
            file.write(chunk)
            if not chunk:
                file.flush()
        except OSError as error:
            raise BadUse(
                f"cannot write to the temporary folder {self._folder}: "
                f"{(error.strerror or '').lower()} (TMPDIR names another one)"
            ) from error
        self.size += len(chunk)
