"""`report.xlsx`: a first page that a newcomer understands, a sheet per check, charts, and all rows.

Written row by row in constant memory.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import xlsxwriter

from trueup.reports.report import Report
from trueup.reports.workbook.charts import add_charts
from trueup.reports.workbook.findings import (
    Places,
    add_check,
    add_history,
    add_red_flags,
    add_steps,
    write_steps,
)
from trueup.reports.workbook.glossary import add_glossary, write_glossary
from trueup.reports.workbook.lists import (
    add_actions,
    add_contents,
    add_days,
    add_operations,
    add_problems,
    add_subscribers,
    add_transactions,
)
from trueup.reports.workbook.pages import Pages
from trueup.reports.workbook.start import add_start, write_start

__all__ = ["write_workbook"]


def write_workbook(report: Report, path: Path) -> None:
    """Write report.xlsx."""
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    # xlsxwriter leaves the parts of a workbook behind that it could not finish.
    with (
        TemporaryDirectory(prefix="trueup-") as folder,
        xlsxwriter.Workbook(str(path), {**options, "tmpdir": folder}) as book,
    ):
        # The same report gives the same bytes.
        book.set_properties({"title": "trueup report", "created": report.generated_at})
        pages = Pages(book, report.money)
        start = add_start(pages)
        steps = add_steps(pages, report)
        add_red_flags(pages, report)
        places: Places = {}
        for findings in report.findings:
            add_check(pages, findings, places)
            if findings.check.has_history:
                add_history(pages, findings)
        for add in (
            add_subscribers, add_actions, add_days, add_operations, add_contents, add_problems,
            add_charts, add_transactions,
        ):  # fmt: skip
            add(pages, report)
        # What these two link to is known only now.
        if steps:
            write_steps(pages, steps, report, places)
        glossary = add_glossary(pages)
        write_start(pages, start, report)
        write_glossary(pages, glossary)
