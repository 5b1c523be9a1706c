"""Write a report in the formats that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from trueup.config import FORMATS
from trueup.errors import BadUse
from trueup.reports.files import make_folder, written_beside
from trueup.reports.report import Report


def write_reports(report: Report, folder: Path, formats: Sequence[str] | None = None) -> list[Path]:
    """Write the reports into the folder and return their paths, in the order of FORMATS."""
    make_folder(folder)
    todo = writers(formats or FORMATS)
    # The workbook takes as long as all others together. Two threads: while one packs or waits for
    # DuckDB, the other writes.
    with ThreadPoolExecutor(2) as pool:
        try:
            list(pool.map(lambda one: _write(report, folder / one[0], one[1]), todo))
        except BaseException:
            report.books.stop()
            pool.shutdown(cancel_futures=True)
            raise
    return [folder / name for name, _ in todo]


def _write(report: Report, target: Path, write: Callable[[Report, Path], None]) -> None:
    with written_beside(target) as path:
        write(report, path)


def writers(formats: Sequence[str]) -> list[tuple[str, Callable[[Report, Path], None]]]:
    """Return the file names of the formats, each with what writes it. Loads their libraries."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise BadUse(f"unknown format {unknown[0]!r} (known: {', '.join(FORMATS)})")
    writers: list[tuple[str, Callable[[Report, Path], None]]] = []
    if "xlsx" in formats:
        from trueup.reports.workbook import write_workbook

        writers.append(("report.xlsx", write_workbook))
    if "html" in formats:
        from trueup.reports.html.page import write_html

        writers.append(("report.html", write_html))
    if "json" in formats:
        from trueup.reports.json_report import write_json

        writers.append(("report.json", write_json))
    if "csv" in formats:
        from trueup.reports.csv_report import CSV_FILES, write_csv

        writers += [(name, partial(write_csv, name)) for name in CSV_FILES]
    return writers
