"""Write a workbook of a million transactions: time, memory, and whether every row is in it.

    python benchmarks/million.py FOLDER [--subscribers 3500] [--days 365]

FOLDER should be in memory (/dev/shm); a sample is made in it, kept, and used again, by `checks.py`
too. The audit is run twice, for the workbook and for report.json alone: what the first takes more is
the workbook's. Memory is that of the largest process (ru_maxrss), which is the one that keeps the
books and writes; those that read have ended by then.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from trueup.reports.workbook.lists import TRANSACTIONS
from trueup.reports.workbook.pages import SHEET_ROWS
from trueup.sample import write_sample


def audit(logs: Path, out: str, formats: str) -> int:
    """Run the command and print what it took; return how many transactions it read."""
    options = ["--out", out, "--formats", formats, "--json"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "trueup", "audit", str(logs), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        summary = running.stdout.read() if running.stdout else ""
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if running.returncode:
        raise SystemExit(running.returncode)
    print(f"audit --formats {formats:<5} {seconds:6.1f} s   {used.ru_maxrss * 1024 / 1e9:.2f} GB")
    transactions: int = json.loads(summary)["counts"]["transactions"]
    return transactions


def rows_of(path: Path, name: str) -> list[int]:
    """Return how many rows each sheet has whose name begins so, its header counted."""
    with ZipFile(path) as book:
        titles = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
        counts = []
        for number, title in enumerate(titles, 1):
            if title.startswith(name):
                with book.open(f"xl/worksheets/sheet{number}.xml") as sheet:
                    counts.append(count(sheet, b"<row "))
    return counts


def count(file: IO[bytes], what: bytes) -> int:
    """Return how often bytes stand in a file, which is read part by part."""
    found, held = 0, b""
    while part := file.read(2**20):
        held += part
        found += held.count(what)
        held = held[1 - len(what) :]
    return found


def main() -> None:
    """Make, audit, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--subscribers", type=int, default=3500)
    parser.add_argument("--days", type=int, default=365)
    given = parser.parse_args()
    if not (given.folder / "labels.json").exists():
        write_sample(given.folder, subscribers=given.subscribers, days=given.days, processes=2)
    with tempfile.TemporaryDirectory() as out:
        audit(given.folder, out, "json")
        transactions = audit(given.folder, out, "xlsx")
        book = Path(out, "report.xlsx")
        rows = rows_of(book, TRANSACTIONS)
        size = book.stat().st_size / 1e6
    sheets = -(-transactions // (SHEET_ROWS - 1))
    is_whole = len(rows) == sheets and sum(rows) == transactions + sheets
    print(f"{transactions:,} transactions on {sheets} sheet(s), {size:,.0f} MB: rows {rows}")
    raise SystemExit(0 if is_whole else "rows are missing, or on the wrong sheets")


if __name__ == "__main__":
    main()
