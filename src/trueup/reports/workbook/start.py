"""The first page: what was read, the money by currency, what was found, and where everything is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlsxwriter.worksheet import Worksheet

from trueup.checks import SEVERITIES
from trueup.reports.columns import in_currency
from trueup.reports.recommendations import FIRST_STEPS
from trueup.reports.report import Report
from trueup.reports.workbook.cells import Link
from trueup.reports.workbook.findings import sheet_of
from trueup.reports.workbook.grid import LINE, Grid
from trueup.reports.workbook.pages import START, Pages
from trueup.reports.workbook.reading_aid import put_legend, put_sheets
from trueup.reports.workbook.trust import put_explained, put_reading

_WIDTH = 11
"""Columns of the page."""

_MOST_CURRENCIES = 6
"""Currencies whose sums at risk fit beside the checks."""

_MONEY = (
    "currency", "transactions", "subscribers", "credits", "debits", "applied_credits",
    "applied_debits", "exposure", "subscribers_out_of_sync", "overdrawn", "subscribers_overdrawn",
)  # fmt: skip


def add_start(pages: Pages) -> Worksheet:
    """Add the page, which is written when all others are."""
    sheet = pages.add_sheet(START, "This page")
    sheet.set_column(0, 0, 48)
    sheet.set_column(1, _WIDTH + 1, 14)
    return sheet


def write_start(pages: Pages, sheet: Worksheet, report: Report) -> None:
    """Write the page."""
    grid = Grid(pages, sheet)
    line = _put_title(grid, report)
    line = _put_money(grid, report, line + 1)
    line = _put_checks(grid, report, line + 1)
    line = _put_steps(grid, report, line)
    grid.sheet.set_h_pagebreaks([line])
    line = put_explained(grid, report, line)
    line = put_reading(grid, report, line + 1)
    line = put_sheets(grid, report, line + 1)
    line = put_legend(grid, line + 1)
    sheet.print_area(0, 0, line, grid.last_place)
    grid.write()


def _put_title(grid: Grid, report: Report) -> int:
    pages, first, last = grid.pages, report.period["first"], report.period["last"]
    period = (
        f"Logs from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        if first
        else "The logs hold no entry"
    )
    made = f"made by trueup {report.trueup_version} on {report.generated_at:%Y-%m-%d %H:%M} UTC"
    texts = ("Do the two balances agree?", f"{period}   ·   {made}   ·   all times are UTC")
    styles = (pages.title, pages.subtitle)
    for line, (text, style, height) in enumerate(zip(texts, styles, (36, 20), strict=True)):
        grid.set_height(line, height)
        for place in range(_WIDTH):
            grid.put_text(line, place, "" if place else text, style)
    line = grid.put_paragraph(
        3,
        "Each subscriber has a subscription balance and a payment balance. This workbook rebuilds both from the logs of the service that keeps them in line, and shows where they do not add up, by how much, since when, and which line of the logs proves it.",
        LINE,
    )
    if report.silence:
        text = f"The logs hold nothing of {report.silence}. A balance that moved across such days may have moved in logs that are missing."
        line = grid.put_paragraph(line, text, LINE)
    if report.shown:
        line = grid.put_paragraph(line, f"Shown is what happened {report.shown}.", LINE)
    return line


def _put_money(grid: Grid, report: Report, line: int) -> int:
    grid.put_heading(line, "Money, by currency")
    line += 1
    grid.put_header(line, _MONEY)
    for currency, of in report.currencies.items():
        line += 1
        figures = {
            **of, "currency": currency, "exposure": of["gap_at_end"],
            **report.figures.overdrawn.get(currency, {}),
        }  # fmt: skip
        grid.put_row(line, [figures.get(name) for name in _MONEY], grid.pages.decimals(currency))
    return line + 1


def _put_checks(grid: Grid, report: Report, line: int) -> int:
    """Put a line per check: those that ask for action first, those that explain after them."""
    at_risk = {
        name
        for check in report.checks
        for name, figures in check["by_currency"].items()
        if figures["amount_at_risk"]
    }
    order = sorted(
        at_risk, key=lambda name: -report.currencies.get(name, {}).get("transactions", 0)
    )
    currencies = sorted(order[:_MOST_CURRENCIES])
    groups = (
        ("What needs a look", [c for c in report.checks if c["severity"] != "info"]),
        ("For information", [c for c in report.checks if c["severity"] == "info"]),
    )
    for title, checks in groups:
        if checks:
            line = _put_group(grid, title, checks, currencies, line) + 1
    if left := len(order) - len(currencies):
        text = f"Sums at risk in {left} further currencies stand on the checks' sheets."
        line = grid.put_paragraph(line, text, LINE) + 1
    return line


def _put_group(
    grid: Grid, title: str, checks: Sequence[Any], currencies: Sequence[str], line: int
) -> int:
    grid.put_heading(line, title)
    line += 1
    risks = [in_currency("amount_at_risk", name) for name in currencies]
    grid.put_header(line, ["check", *SEVERITIES, "subscribers", *risks])
    for check in checks:
        line += 1
        _put_check(grid, line, check, currencies)
    return line + 1


def _put_check(grid: Grid, line: int, check: Any, currencies: Sequence[str]) -> None:  # noqa: ANN401
    pages = grid.pages
    if not check["findings"] + check["accepted"]:
        grid.put_text(line, 0, f"{check['title']}: none", pages.faint)
        return
    grid.put(line, 0, Link(check["title"], sheet_of(check["id"])))
    for place, severity in enumerate(SEVERITIES, 1):
        if count := check["by_severity"].get(severity):
            grid.put_count(line, place, count, severity)
    grid.put(line, 5, check["subscribers"])
    for place, currency in enumerate(currencies, 6):
        of = check["by_currency"].get(currency)
        if of and of["amount_at_risk"]:
            grid.put(line, place, of["amount_at_risk"], pages.decimals(currency))
    if check["accepted"]:
        text = f"and {check['accepted']} accepted"
        grid.put_text(line, 6 + len(currencies), text, pages.faint)


def _put_steps(grid: Grid, report: Report, line: int) -> int:
    """Put the weightiest recommendations."""
    if not report.recommendations:
        return line
    grid.put_heading(line, "What to do first")
    for one in report.recommendations[:FIRST_STEPS]:
        line += 1
        cause = f": {one['cause'].replace('_', ' ')}" if one["cause"] else ""
        grid.put(line, 0, Link(f"{one['rank']}. {one['title']}{cause}", "What to do"))
        grid.put(line, 1, " ".join(f"{step['who']}: {step['what']}" for step in one["steps"]))
    if (left := len(report.recommendations) - FIRST_STEPS) > 0:
        line += 1
        grid.put(line, 0, Link(f"and {left:,} more", "What to do"))
    return line + 2
