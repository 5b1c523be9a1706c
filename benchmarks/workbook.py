"""Measure the workbook: its time against that of writing the same cells without any style.

    python benchmarks/workbook.py LOGS [--runs 5]

The measure is xlsxwriter in constant-memory mode, given the cells' values row by row and nothing
else: no format, no link, no chart, no width. Both take turns; the medians are compared.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# As in the command: what Arrow does with NumPy is not what is measured.
sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]

import openpyxl
import xlsxwriter
from openpyxl.utils.datetime import to_excel

import trueup
from trueup.config import Settings
from trueup.reports.workbook import write_workbook

Cells = list[tuple[str, list[list[tuple[int, str | float]]]]]


def cells_of(path: Path) -> Cells:
    """Return the values of all cells of a workbook, by sheet and row, each with its column."""
    book = openpyxl.load_workbook(path, read_only=True)
    return [
        (
            sheet.title,
            [
                [
                    (place, value if isinstance(value, (str, int, float)) else to_excel(value))
                    for place, value in enumerate(row)
                    if value is not None
                ]
                for row in sheet.iter_rows(values_only=True)
            ],
        )
        for sheet in book
    ]


def write_plainly(cells: Cells, path: Path) -> None:
    """Write cells with nothing but their values."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        for name, rows in cells:
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                for place, value in row:
                    if isinstance(value, str):
                        sheet.write_string(line, place, value)
                    else:
                        sheet.write_number(line, place, value)


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes, started with nothing left to collect."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(logs: str, runs: int) -> None:
    """Print how long both take, and the ratio."""
    with tempfile.TemporaryDirectory() as folder, trueup.audit(logs, settings=Settings()) as audit:
        path, plain = Path(folder) / "report.xlsx", Path(folder) / "plain.xlsx"
        write_workbook(audit.report, path)
        cells = cells_of(path)
        pairs = [
            (
                seconds(lambda: write_workbook(audit.report, path)),
                seconds(lambda: write_plainly(cells, plain)),
            )
            for _ in range(runs)
        ]
    ours, least = (statistics.median(column) for column in zip(*pairs, strict=True))
    count = sum(len(row) for _, rows in cells for row in rows)
    print(f"{count:,} cells on {len(cells)} sheets")
    print(f"workbook     {ours:8.3f} s")
    print(f"plain cells  {least:8.3f} s")
    print(f"ratio        {ours / least:8.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    measure(given.logs, given.runs)
