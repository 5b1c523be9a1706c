"""Measure reading and whole audits: medians of several runs with warm caches.

    python benchmarks/speed.py LOGS [--runs 5]

Reading is compared with opening and inflating the same files, in one process and one run; whole
audits are timed as commands, process start included, with their peak memory.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

# As in the command: what Arrow does with NumPy is not what is measured.
sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]

from trueup.books.arrow import arrow_tables
from trueup.books.reading import BATCH_SIZE, batches, read_and_pack
from trueup.sources.finding import find_logs
from trueup.sources.logfile import LogFile


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes, started with nothing left to collect."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def inflate(files: list[LogFile]) -> None:
    """Open and inflate: what no reader can do without."""
    for file in files:
        with open(file.path, "rb", buffering=0) as opened:
            found = opened.read()
        if found.startswith(b"\x1f\x8b"):
            zlib.decompress(found, 31)


def read(files: list[LogFile]) -> None:
    """Read into tables, in this process."""
    for batch in batches(files, BATCH_SIZE):
        arrow_tables(read_and_pack(batch))


def measure_reading(logs: str, runs: int) -> None:
    """Print the ratio of reading to inflating; the two take turns, so that noise hits both."""
    files = find_logs([logs]).files
    pairs = [(seconds(lambda: inflate(files)), seconds(lambda: read(files))) for _ in range(runs)]
    base, reading = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"open and inflate  {base:8.3f} s")
    print(f"read into tables  {reading:8.3f} s   {reading / base:.1f} times as long")


def measure_audit(logs: str, formats: str, runs: int) -> None:
    """Print the time and the peak memory of whole commands."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            sys.executable,
            "-m",
            "trueup",
            "audit",
            logs,
            "--out",
            out,
            "--formats",
            formats,
        ]
        run = partial(subprocess.run, command, check=True, capture_output=True)
        times = [seconds(run) for _ in range(runs)]
        report = Path(out, "report.json")
        size = f"{report.stat().st_size / 1e6:.1f} MB of JSON" if report.exists() else ""
    # The largest process of those that have ended: of each command, the one that keeps the books.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"audit --formats {formats:<13} {statistics.median(times):8.3f} s   {peak:,.0f} MB  {size}"
    )


def main() -> None:
    """Measure the logs that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    measure_reading(options.logs, options.runs)
    for formats in ("json", "xlsx,json,csv"):
        measure_audit(options.logs, formats, options.runs)


if __name__ == "__main__":
    main()
