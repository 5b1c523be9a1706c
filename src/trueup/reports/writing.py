"""Write a report in the formats that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from trueup.config import FORMATS, USUAL_FORMATS, Settings
from trueup.errors import BadUse
from trueup.reports.files import make_folder, written_beside
from trueup.reports.manifest import write_manifest
from trueup.reports.report import Report

CHARTS = "charts"
"""The charts' folder within that of the reports."""


def write_reports(
    report: Report, folder: Path, formats: Sequence[str] | None, settings: Settings
) -> list[Path]:
    """Write the reports into the folder and return their paths, in the order of FORMATS.

    The manifest comes last: whoever finds it finds the files that it lists.
    """
    make_folder(folder)
    chosen = tuple(formats or USUAL_FORMATS)
    todo = writers(chosen, settings, [one.check.id for one in report.findings])
    for subfolder in {(folder / name).parent for name, _ in todo} - {folder}:
        make_folder(subfolder)
    # The workbook takes as long as all others together. Two threads: while one packs or waits for
    # DuckDB, the other writes.
    with _drawn(report, folder, chosen, settings) as pictures, ThreadPoolExecutor(2) as pool:
        try:
            list(pool.map(lambda one: _write(report, folder / one[0], one[1]), todo))
        except BaseException:
            report.books.stop()
            pool.shutdown(cancel_futures=True)
            raise
    written = [*(folder / name for name, _ in todo), *pictures]
    in_order = [name for name in FORMATS if name in chosen]
    return [*written, write_manifest(report, folder, written, in_order, settings)]


@contextmanager
def _drawn(
    report: Report, folder: Path, formats: Sequence[str], settings: Settings
) -> Iterator[list[Path]]:
    """Yield the paths of the charts, if they are asked for; at the end they are written.

    In a process of their own, where settings allow more than one: drawing takes as long as the
    workbook, and two threads would wait for each other.
    """
    if "png" not in formats:
        yield []
        return
    from trueup.reports.png_report import ChartData, chart_files, write_charts

    data, target = ChartData.of(report), folder / CHARTS
    paths = [target / name for name in chart_files(data)]
    make_folder(target)
    if settings.process_count == 1:
        yield paths
        write_charts(data, target)
        return
    drawing = get_context("spawn").Process(target=write_charts, args=(data, target), daemon=True)
    drawing.start()
    try:
        yield paths
        drawing.join()
    finally:
        drawing.terminate()
    if drawing.exitcode:
        raise RuntimeError(f"drawing the charts ended with code {drawing.exitcode}")


def _write(report: Report, target: Path, write: Callable[[Report, Path], None]) -> None:
    with written_beside(target) as path:
        write(report, path)


def writers(
    formats: Sequence[str], settings: Settings, checks: Sequence[str] = ()
) -> list[tuple[str, Callable[[Report, Path], None]]]:
    """Return the file names of the formats, each with what writes it. Loads their libraries.

    `checks` are those that were run; each has a table of its own.
    """
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

        writers += [
            (name, partial(write_csv, name, has_mark=settings.csv_bom)) for name in CSV_FILES
        ]
    if "parquet" in formats:
        from trueup.reports.parquet_tables import FOLDER, table_names, write_table

        writers += [
            (f"{FOLDER}/{name}.parquet", partial(write_table, name))
            for name in table_names(checks, contacts=settings.contacts)
        ]
    return writers
