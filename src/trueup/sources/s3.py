"""Objects of S3, listed and read side by side, one after the other into one file.

`s3://bucket/name` is the object of that name and all below the folder `name/`, as a path is;
where there is neither, all objects whose names begin so: `s3://bucket/export/2024-01` is a month.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from io import SEEK_END
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from trueup.errors import BadUse
from trueup.sources.aws_access import (
    codes_of,
    concerns_all,
    connect,
    in_plain_words,
    is_of_aws,
    words_for,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_SCHEME = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")

# Read at once, and held until all before it is written: at most 16 pieces of 4 MB.
_PIECE = 4 << 20
_AHEAD = 16
_CHUNK = 1 << 18
_TRIES = 3  # at a piece whose bytes stop coming; before they come, botocore repeats by itself
_PAUSE_SECONDS = 0.5

_LISTING = {
    "NoSuchBucket": "no such bucket",
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "403"),
        "access denied: listing it needs s3:ListBucket (where that holds for a folder alone, end "
        "the name with /)",
    ),
    "404": "no such bucket, or no S3 at this endpoint",
}
_READING = {
    "NoSuchKey": "it was deleted after it was listed",
    **dict.fromkeys(
        ("PreconditionFailed", "412", "InvalidRange", "416"),
        "it was changed while it was read: audit again",
    ),
    "InvalidObjectState": "it is archived (as by Glacier): restore it in S3, then audit again",
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "403"),
        "access denied: reading it needs s3:GetObject, and kms:Decrypt if it is encrypted with a key "
        "of KMS",
    ),
    **dict.fromkeys(
        ("KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException"),
        "it is encrypted with a key of KMS that is disabled or gone: see to the key, then audit again",
    ),
    "InvalidRequest": "S3 refuses to give it, as where it is encrypted with a key of the customer (SSE-C)",
}


class Remote(NamedTuple):
    """An object of S3: its name in reports, `bucket/folder/000000.gz`, and its size."""

    name: str
    size: int


class _Listed(NamedTuple):
    key: str
    size: int
    etag: str


class _Piece(NamedTuple):
    """A part of an object, or all of it."""

    listed: _Listed
    start: int
    size: int

    @property
    def is_first(self) -> bool:
        return self.start == 0

    @property
    def is_last(self) -> bool:
        return self.start + self.size == self.listed.size


def is_s3(path: str) -> bool:
    """Tell whether a path names objects of S3."""
    return path[: len(_SCHEME)].lower() == _SCHEME


def fetch(  # noqa: PLR0913  (what is read, where to, and within which bounds)
    url: str,
    target: BinaryIO,
    *,
    endpoint: str | None,
    most: int,
    on_problem: Callable[[str, str], None],
    threads: int = 8,
) -> Iterator[tuple[Remote, int]]:
    """Write the objects under `url` behind one another at the end of `target`, in order of name.

    Yields each object and where its bytes begin, once all of them are written (`target` may have
    yet to be flushed). One that cannot be read goes to `on_problem` by name, and the rest goes on;
    before an object with which they would be more than `most` bytes it ends, which goes there too.
    Marks of folders (empty, the name ends in `/`) are passed over. Raises BadUse where nothing can be read.
    """
    bucket, prefix = _place_of(url)
    with closing(connect("s3", url, endpoint, connections=threads)) as client:
        with in_plain_words(url, _LISTING):
            listed = _list(client, bucket, prefix)
        if not listed:
            raise BadUse(f"no objects under {url}: name a bucket, a folder in it, or an object")
        chosen = _within(listed, most)
        yield from _fetch(url, bucket, chosen, target, on_problem, client, threads)
    if left := listed[len(chosen) :]:
        words = f"objects from here on, as all together are more than {most} bytes, the limit"
        on_problem(f"{bucket}/{left[0].key}", f"not read: {len(left)} {words}")


def _place_of(url: str) -> tuple[str, str]:
    """Return bucket and prefix. Names of objects stand as they are: nothing in them is unescaped."""
    bucket, _, prefix = url[len(_SCHEME) :].partition("/")
    if "@" in bucket:
        raise BadUse("s3: no user and password in a path: credentials are set for AWS")
    if not _BUCKET.fullmatch(bucket):
        raise BadUse(f"{url}: no name of a bucket (write s3://bucket or s3://bucket/folder)")
    return bucket, prefix


def _list(client: Any, bucket: str, prefix: str) -> list[_Listed]:  # noqa: ANN401  (as connect)
    """List the objects that are meant, in order of name."""
    meant: list[_Listed] = []
    begin_so: list[_Listed] = []
    folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for found in page.get("Contents", ()):
            one = _Listed(found["Key"], found["Size"], found["ETag"])
            if one.key == prefix or one.key.startswith(folder):
                meant.append(one)
                begin_so.clear()
            elif not meant:
                begin_so.append(one)
    # A bucket of S3 Express is not listed in order of name.
    return sorted(one for one in meant or begin_so if one.size or not one.key.endswith("/"))


def _within(listed: list[_Listed], most: int) -> list[_Listed]:
    """Return the objects before the first with which they would be too many bytes."""
    total = 0
    for number, one in enumerate(listed):
        total += one.size
        if total > most:
            return listed[:number]
    return listed


def _pieces(listed: list[_Listed]) -> Iterator[_Piece]:
    for one in listed:
        for start in range(0, one.size or 1, _PIECE):
            yield _Piece(one, start, min(_PIECE, one.size - start))


def _fetch(  # noqa: PLR0913
    url: str,
    bucket: str,
    listed: list[_Listed],
    target: BinaryIO,
    on_problem: Callable[[str, str], None],
    client: Any,  # noqa: ANN401  (as connect)
    threads: int,
) -> Iterator[tuple[Remote, int]]:
    from concurrent.futures import ThreadPoolExecutor

    stop = threading.Event()
    given_up: set[str] = set()
    read = partial(_read, client, bucket, given_up, stop)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="s3")
    place, problem = 0, None
    try:
        for piece, result in _in_order(pool, read, _pieces(listed)):
            if piece.is_first:
                place, problem = target.seek(0, SEEK_END), None
            if problem is None:
                problem = _write(url, piece, result, target)
            if problem is not None:
                given_up.add(piece.listed.key)
                target.truncate(place)
            if piece.is_last:
                remote = Remote(f"{bucket}/{piece.listed.key}", piece.listed.size)
                if problem is None:
                    yield remote, place
                else:
                    on_problem(remote.name, problem)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: Executor, read: Callable[[_Piece], bytes], pieces: Iterator[_Piece]
) -> Iterator[tuple[_Piece, Future[bytes]]]:
    """Have the pieces read side by side, a few ahead of the one that is yielded."""
    waiting: deque[tuple[_Piece, Future[bytes]]] = deque()
    for piece in pieces:
        waiting.append((piece, pool.submit(read, piece)))
        if len(waiting) == _AHEAD:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _write(url: str, piece: _Piece, result: Future[bytes], target: BinaryIO) -> str | None:
    """Write a piece; return what was wrong with it. Raises BadUse for what ends the whole run."""
    error = result.exception()
    if error is None:
        found = result.result()
        if len(found) != piece.size:
            return f"{len(found)} bytes came for {piece.size} that were asked for: audit again"
        target.write(found)
        return None
    if not is_of_aws(error):
        raise error
    if concerns_all(error):
        raise BadUse(f"{url}: {words_for(error)}") from None
    return words_for(error, _READING)


def _read(
    client: Any,  # noqa: ANN401  (as connect)
    bucket: str,
    given_up: set[str],
    stop: threading.Event,
    piece: _Piece,
) -> bytes:
    """Read a piece, of the object as it was listed and no other; in a thread."""
    listed, start, size = piece
    wanted = {"Bucket": bucket, "Key": listed.key, "IfMatch": listed.etag}
    if size < listed.size:
        wanted["Range"] = f"bytes={start}-{start + size - 1}"
    for tries_left in reversed(range(_TRIES)):
        if stop.is_set() or listed.key in given_up:
            break
        answer = client.get_object(**wanted)
        try:
            return _take(answer["Body"], size, stop)
        except Exception as error:
            if not tries_left or not is_of_aws(error) or "FlexibleChecksumError" in codes_of(error):
                raise
        stop.wait(_PAUSE_SECONDS)
    return b""


def _take(body: Any, size: int, stop: threading.Event) -> bytes:  # noqa: ANN401  (botocore's)
    """Read a body to its end, where its length and checksum are compared, but not far beyond `size`."""
    chunks: list[bytes] = []
    taken = 0
    with closing(body):
        while taken <= size and not stop.is_set() and (chunk := body.read(_CHUNK)):
            chunks.append(chunk)
            taken += len(chunk)
    return b"".join(chunks)
