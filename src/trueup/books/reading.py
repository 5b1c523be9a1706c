"""Reading: files in, tables out, in this process or spread over several.

The unit of work is a batch of whole streams, so that nothing depends on how the work is spread.
What fits in memory stays there; what does not is spilled, batch by batch, to Parquet files.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.config import Settings
from trueup.logs.bounds import Bounds
from trueup.logs.entries import Source
from trueup.logs.kinds import Markers
from trueup.logs.long_stream import LongSource, read_long_stream
from trueup.logs.rows import FileFacts, Packed, Rows, pack
from trueup.logs.stream import read_stream
from trueup.sources.limits import Limits
from trueup.sources.loading import TextFile
from trueup.sources.logfile import LogFile

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkContext, SpawnContext

    import pyarrow as pa

Batch = list[LogFile]
"""Files of whole streams, ordered by stream and name."""

BATCH_SIZE = 32 * 2**20
"""Bytes of text read at a time by a process; its rows take about five times as much memory."""

# Text packs about seven to one here; ten keeps the guess on the safe side.
_EXPANSION = 10
_PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True, slots=True)
class How:
    """How a batch is read: what is held in memory, what a file may unpack to."""

    bounds: Bounds = field(default_factory=Bounds)
    limits: Limits = field(default_factory=Limits)
    folder: str | None = None
    """For temporary files; none: where the system has its own."""


def text_size(file: LogFile) -> int:
    """Guess the bytes of text in a file, from its size and name alone."""
    return file.size * _EXPANSION if file.name.endswith(_PACKED) else file.size


def batches(files: Sequence[LogFile], limit: int) -> Iterator[Batch]:
    """Cut files into batches of whole streams with about `limit` bytes of text each."""
    ordered = sorted(files, key=lambda file: (file.stream, file.name, file.path))
    batch: Batch = []
    size = 0
    for _, group in groupby(ordered, key=lambda file: file.stream):
        stream = list(group)
        stream_size = sum(map(text_size, stream))
        if batch and size + stream_size > limit:
            yield batch
            batch, size = [], 0
        batch += stream
        size += stream_size
    if batch:
        yield batch


def read_batch(batch: Batch, markers: Markers = (), how: How | None = None) -> Iterator[Rows]:
    """Read the streams of a batch; what cannot be read becomes a problem, never an exception.

    Yields the rows, the last ones with what is known of the files; those of a long stream come in
    parts, as they are over.
    """
    how = how or How()
    rows = Rows()
    for stream, files in groupby(batch, key=lambda file: file.stream):
        yield from _read_stream(stream, list(files), rows, markers, how)
    yield rows


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    # Hundreds of thousands of tuples without a cycle among them: the collector would walk them
    # again and again (a third of the time) and find nothing.
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _read_stream(
    stream: str, files: list[LogFile], rows: Rows, markers: Markers, how: How
) -> Iterator[Rows]:
    # Nearly every stream is one file, for which exports are no matter.
    exports = [file.export for file in files] if len(files) > 1 else [""]
    if len(set(exports)) > 1:
        from trueup.logs.pieces import in_order

        pairs = sorted(zip(exports, files, strict=True), key=lambda pair: in_order(pair[0]))
        exports, files = (list(column) for column in zip(*pairs, strict=True))
    opened = (
        _Opened(file, export, rows, how.limits) for export, file in zip(exports, files, strict=True)
    )
    sources, this = _texts(opened, how.bounds.stream)
    if this:
        ready = [LongSource(source, [source.text[1:]]) for source in sources]
        sources.clear()
        rest = (LongSource(file.source, file.pieces) for file in opened)
        long = chain(ready, [this], rest)
        yield from _read_long(stream, long, exports, rows, markers, how)
        return
    read_stream(stream, sources, rows, markers, how.bounds.entry)
    for source in sources:
        if not rows.files[source.file].entries:
            _reject_if_empty(rows, source.file, is_blank=not source.text.strip())


def _texts(opened: Iterator[_Opened], most: int) -> tuple[list[Source], LongSource | None]:
    """Return the files with their texts; where these are too long, the file that they are in."""
    sources: list[Source] = []
    size = 0
    for file in opened:
        pieces = [b"\n"]
        for piece in file.pieces:
            pieces.append(piece)
            size += len(piece)
            if size > most:
                return sources, LongSource(file.source, chain(pieces[1:], file.pieces))
        sources.append(file.source._replace(text=b"".join(pieces)))
    return sources, None


def _read_long(  # noqa: PLR0913
    stream: str,
    files: Iterable[LongSource],
    exports: Sequence[str],
    rows: Rows,
    markers: Markers,
    how: How,
) -> Iterator[Rows]:
    """Read a stream that is too long for memory, by way of a temporary file."""
    import tempfile

    blank: dict[int, bool] = {}

    def noted(file: LongSource) -> LongSource:
        place = file.source.file
        blank[place] = True

        def pieces() -> Iterator[bytes]:
            for piece in file.pieces:
                blank[place] = blank[place] and not piece.strip()
                yield piece

        return LongSource(file.source, pieces())

    with tempfile.TemporaryFile(buffering=0, prefix="trueup-", dir=how.folder) as spool:
        yield from read_long_stream(
            stream, map(noted, files), exports, spool, rows, markers, how.bounds
        )
    for place, is_blank in blank.items():
        _reject_if_empty(rows, place, is_blank=is_blank)


class _Opened:
    """A file that is being read: its source without its text, and its text in pieces."""

    __slots__ = ("_file", "_place", "_rows", "_text", "pieces", "source")

    def __init__(self, file: LogFile, export: str, rows: Rows, limits: Limits) -> None:
        self._text = TextFile(file, limits)
        self._rows = rows
        self._file = file
        self._place = len(rows.files)
        rows.files.append(FileFacts(self._text.file_id, file.name, file.size))
        self.source = Source(self._place, b"", export, file.piece_of)
        self.pieces = self._pieces()
        """The text; when it has ended, what is known of the file stands in the rows."""

    def _pieces(self) -> Iterator[bytes]:
        facts = self._rows.files[self._place]
        for piece in self._text:
            facts.unpacked_size += len(piece)
            yield piece
        facts.file_id, facts.size = self._text.file_id, self._text.size
        for problem in (*self._file.notes, *self._text.problems):
            self._rows.add_problem(self._place, 0, problem)
        if not (self._file.is_whole and self._text.is_whole):
            facts.status = "partial"


def _reject_if_empty(rows: Rows, place: int, *, is_blank: bool) -> None:
    """Reject a file that yields nothing although it is not empty."""
    facts = rows.files[place]
    if facts.entries or facts.continues or facts.is_repeated:
        return
    if not is_blank:
        rows.add_problem(place, 0, "no entry of a log in it")
    if not is_blank or facts.status == "partial":
        facts.status = "rejected"


def read_logs(
    files: Sequence[LogFile],
    settings: Settings,
    *,
    spill: Callable[[], Path],
    prepare: Callable[[], object],
    on_read: Callable[[int], None],
) -> dict[str, pa.Table] | Path:
    """Read all files into tables: Arrow tables, or the folder that they were spilled to.

    `spill` makes that folder. `prepare` is called while another process reads.
    `on_read` is told how many more bytes of files have been read.
    """
    work = list(batches(files, BATCH_SIZE))
    processes, markers = settings.process_count, tuple(settings.markers.items())
    folder = spill()
    how = How(limits=settings.limits, folder=str(folder))
    if len(work) > 1:
        spill_one = partial(spill_batch, folder=folder, markers=markers, how=how)
        _read_and_spill(work, spill_one, processes, on_read)
        return folder
    read = partial(read_or_spill, work[0], folder, markers, how)
    packed = _read_beside(read, prepare) if processes > 1 else read()
    on_read(sum(file.size for file in files))
    if packed is None:
        return folder
    from trueup.books.arrow import arrow_tables

    return arrow_tables(packed)


def read_and_pack(batch: Batch, markers: Markers = ()) -> Packed:
    """Read the streams of a batch into columns, however long they are."""
    with _collector_at_rest():
        return pack(_together(read_batch(batch, markers)))


def _together(parts: Iterator[Rows]) -> Rows:
    *early, rows = parts
    for part in early:
        for name, table in part.tables.items():
            rows.tables[name] += table
    return rows


def read_or_spill(
    batch: Batch, folder: Path, markers: Markers = (), how: How | None = None
) -> Packed | None:
    """Read the streams of a batch into columns; None if they are spilled to the folder.

    They are where a stream turns out to be longer than its file's size let expect.
    """
    with _collector_at_rest():
        return _pack_or_spill(read_batch(batch, markers, how), folder)


def _pack_or_spill(parts: Iterator[Rows], folder: Path) -> Packed | None:
    first = next(parts)
    if first.is_last:
        return pack(first)
    _spill(chain((first,), parts), 0, folder)
    return None


def _read_beside(read: Callable[[], Packed | None], prepare: Callable[[], object]) -> Packed | None:
    """Read in another process while this one prepares what comes next."""
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    reader = context.Process(target=read_and_send, args=(read, receiver, sender), daemon=True)
    reader.start()
    sender.close()
    try:
        prepare()
        packed: Packed | None = receiver.recv()
    except EOFError:
        raise RuntimeError(f"the reading process ended with code {reader.exitcode}") from None
    except BaseException:
        reader.terminate()
        raise
    return packed


def _context() -> ForkContext | SpawnContext:
    """Choose how the reading process starts: a fork saves 0.1 s, and is safe only early on."""
    is_alone = threading.active_count() == 1 and "pyarrow" not in sys.modules
    if sys.platform == "linux" and is_alone:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def read_and_send(
    read: Callable[[], Packed | None], receiver: Connection, sender: Connection
) -> None:
    """Read and send what was read, in a process of its own; it ends when nobody receives it."""
    _leave_interrupts_to_parent()
    receiver.close()  # else it would wait for itself where the parent was killed
    with suppress(BrokenPipeError):
        sender.send(read())


def _read_and_spill(
    work: list[Batch],
    spill_one: Callable[[int, Batch], int],
    processes: int,
    on_read: Callable[[int], None],
) -> None:
    from concurrent.futures import FIRST_COMPLETED, wait

    todo = enumerate(work)
    if processes == 1:
        for place, batch in todo:
            on_read(spill_one(place, batch))
        return
    with _pool(processes) as pool:
        running: set[Future[int]] = set()
        while True:
            # One batch in waiting for each that is read: the list of files stays here.
            running |= {
                pool.submit(spill_one, place, batch)
                for place, batch in islice(todo, 2 * processes - len(running))
            }
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for finished in done:
                on_read(finished.result())


def spill_batch(
    place: int, batch: Batch, folder: Path, markers: Markers = (), how: How | None = None
) -> int:
    """Read a batch and write its tables to `folder/<table>/<place>-<part>.parquet`."""
    with _collector_at_rest():
        _spill(read_batch(batch, markers, how), place, folder)
    return sum(file.size for file in batch)


def _spill(parts: Iterable[Rows], place: int, folder: Path) -> None:
    import pyarrow.parquet as pq

    from trueup.books.arrow import arrow_tables

    for number, rows in enumerate(parts):
        for name, table in arrow_tables(pack(rows)).items():
            if not table.num_rows and number:
                continue
            (folder / name).mkdir(parents=True, exist_ok=True)
            path = folder / name / f"{place:06}-{number:06}.parquet"
            pq.write_table(table, path, compression="zstd")


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Yield processes that read; an interrupt ends them at once."""
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_leave_interrupts_to_parent
    )
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001  (no public way before 3.14)
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork would have the command's way
