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
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.config import Settings
from trueup.logs.entries import Source
from trueup.logs.kinds import Markers
from trueup.logs.rows import FileFacts, Packed, Rows, pack
from trueup.logs.stream import read_stream
from trueup.sources.loading import load
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


def text_size(file: LogFile) -> int:
    """Guess the bytes of text in a file, from its size and name alone."""
    return file.size * _EXPANSION if file.name.endswith(".gz") else file.size


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


def read_batch(batch: Batch, markers: Markers = ()) -> Rows:
    """Read the streams of a batch; what cannot be read becomes a problem, never an exception."""
    rows = Rows()
    for stream, files in groupby(batch, key=lambda file: file.stream):
        _read_stream(stream, files, rows, markers)
    return rows


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


def _read_stream(stream: str, files: Iterable[LogFile], rows: Rows, markers: Markers) -> None:
    sources: list[Source] = []
    for log_file in files:
        loaded = load(log_file)
        place = len(rows.files)
        facts = FileFacts(loaded.file_id, log_file.name, loaded.size, len(loaded.text))
        rows.files.append(facts)
        for problem in (*log_file.notes, *loaded.problems):
            rows.add_problem(place, 0, problem)
        if not (log_file.is_whole and loaded.is_whole):
            facts.status = "partial"
        sources.append(Source(place, b"\n" + loaded.text))
    read_stream(stream, sources, rows, markers)
    for place, text in sources:
        _reject_if_empty(rows, place, text)


def _reject_if_empty(rows: Rows, place: int, text: bytes) -> None:
    """Reject a file that yields nothing although it is not empty."""
    facts = rows.files[place]
    if facts.entries or facts.continues:
        return
    if text.strip():
        rows.add_problem(place, 0, "no entry of a log in it")
    if text.strip() or facts.status == "partial":
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

    `spill` makes that folder when it is needed. `prepare` is called while another process reads.
    `on_read` is told how many more bytes of files have been read.
    """
    work = list(batches(files, BATCH_SIZE))
    processes, markers = settings.process_count, tuple(settings.markers.items())
    if len(work) > 1:
        folder = spill()
        spill_one = partial(spill_batch, folder=folder, markers=markers)
        _read_and_spill(work, spill_one, processes, on_read)
        return folder
    read = partial(read_and_pack, work[0], markers)
    packed = _read_beside(read, prepare) if processes > 1 else read()
    on_read(sum(file.size for file in files))
    from trueup.books.arrow import arrow_tables

    return arrow_tables(packed)


def read_and_pack(batch: Batch, markers: Markers = ()) -> Packed:
    """Read the streams of a batch into columns."""
    with _collector_at_rest():
        return pack(read_batch(batch, markers))


def _read_beside(read: Callable[[], Packed], prepare: Callable[[], object]) -> Packed:
    """Read in another process while this one prepares what comes next."""
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    reader = context.Process(target=_read_and_send, args=(read, sender), daemon=True)
    reader.start()
    sender.close()
    try:
        prepare()
        packed: Packed = receiver.recv()
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


def _read_and_send(read: Callable[[], Packed], sender: Connection) -> None:
    _leave_interrupts_to_parent()
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


def spill_batch(place: int, batch: Batch, folder: Path, markers: Markers = ()) -> int:
    """Read a batch and write each of its tables to `folder/<table>/<place>.parquet`."""
    import pyarrow.parquet as pq

    from trueup.books.arrow import arrow_tables

    for name, table in arrow_tables(read_and_pack(batch, markers)).items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name / f"{place:06}.parquet", compression="zstd")
    return sum(file.size for file in batch)


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
