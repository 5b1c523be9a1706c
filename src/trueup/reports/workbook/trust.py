"""The first page's account of itself: what was read, and how far the books explain themselves."""

from __future__ import annotations

from trueup.reports.report import Report
from trueup.reports.workbook.cells import Link, Percent
from trueup.reports.workbook.grid import LINE, Grid

_EXPLAINED = (
    "currency", "transactions", "explained", "share", "volume_share", "arithmetic", "continuity",
    "sync", "untold",
)  # fmt: skip


def put_explained(grid: Grid, report: Report, line: int) -> int:
    """Put the share of the books that adds up, and what speaks against the rest."""
    explained = report.figures.explained
    if not explained["currencies"]:
        return line
    grid.put_heading(line, "How far the books explain themselves")
    text = "The share of transactions, and of volume, whose arithmetic, continuity and sync hold or have a named cause; then how many fail in each, and of how many the logs do not tell all."
    if explained["without"]:
        text += f" Not judged, since the check is switched off: {', '.join(explained['without'])}."
    line = grid.put_paragraph(line + 1, text, LINE)
    grid.put_header(line, _EXPLAINED)
    first = line + 1
    for currency, of in explained["currencies"].items():
        line += 1
        shares = {name: Percent(of[name] or 0) for name in ("share", "volume_share")}
        figures = {**of, "currency": currency, **shares}
        grid.put_row(line, [figures[name] for name in _EXPLAINED])
    # Without the extras of later Excels, which other readers of the file do not know.
    bar = {
        "type": "data_bar", "bar_color": "#A7D3B5",
        "min_type": "num", "min_value": 0, "max_type": "num", "max_value": 1,
    }  # fmt: skip
    grid.sheet.conditional_format(first, 3, line, 4, bar)
    return line + 1


def put_reading(grid: Grid, report: Report, line: int) -> int:
    """Put what was read, in two blocks side by side."""
    grid.put_heading(line, "What was read")
    reading, counts, inputs = report.reading, report.counts, report.inputs
    left = [
        ("Files read", inputs["files"], None),
        ("   of them without anything readable", len(inputs["rejected"]), "Problems"),
        ("   not read, or not to the end", len(inputs["incomplete"]), "Problems"),
        ("Other files, passed over as no logs", len(inputs["ignored"]), None),
        ("Problems noted", inputs["problems"], "Problems"),
    ]
    right = [
        ("Log entries = understood + other + unreadable", counts["entries"], "Log contents"),
        ("   understood", reading["understood"], None),
        ("   other: of kinds that carry no figures", reading["other"], "Log contents"),
        ("   unreadable", reading["unreadable"], "Problems"),
    ]
    for place, figures in ((0, left), (4, right)):
        column = place + (1 if place == 0 else 3)
        for number, (name, figure, sheet) in enumerate(figures, 1):
            grid.put(line + number, place, name)
            grid.put(line + number, column, figure)
            if figure and sheet in grid.pages.holds:
                grid.put(line + number, column + 1, Link(f"  see {sheet}", sheet))
    text = f"{counts['messages']:,} messages, {counts['transactions']:,} transactions of {counts['subscribers']:,} subscribers, {counts['sync_errors']:,} sync errors that the service logged."
    return grid.put_paragraph(line + 7, text, LINE)
