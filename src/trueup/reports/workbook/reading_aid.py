"""What a newcomer has to know: where everything is, and how to read the figures."""

from __future__ import annotations

from trueup.reports.report import Report
from trueup.reports.workbook.cells import Link
from trueup.reports.workbook.findings import sheet_of
from trueup.reports.workbook.grid import LINE, Grid
from trueup.reports.workbook.pages import START

LEGEND = (
    "High: money that somebody has to look for now. Medium: worth a look. Low: over, or stopped in time. Info: explains the others.",
    "At risk is never added up across checks: a gap, the refused overdraft that made it and the overdrawn wallet can be one and the same sum. On this page it is that of all severities together.",
    "Credits and debits are sums of the amounts as logged, VAT included, every attempt counted; applied ones are those that were carried out.",
    "Exposure is the gap at the end: subscription balance less payment balance after a subscriber's last transaction that shows both, sizes added up. A subscriber whose gap no transaction tells counts as neither in nor out of sync.",
    "Each balance and the gap are the last known ones, each for itself: a transaction may tell one and not the other. Highest and lowest balance are those after a transaction; the opening balance is the one before the first.",
    "Risk, on sheet Subscribers, is 0 to 100: up to 40 for an open gap, 25 for balances below zero, 20 for the share of transactions with errors, 15 for other findings of severity high. What was accepted adds nothing, and stands in grey below the open findings.",
    "Losses at credits and debits are as older reports counted them: one gap counts again at every sync error. The exposure is what there is to settle.",
    "A transaction is explained unless its balance moved by another sum than it states (arithmetic), it does not start from where the one before ended and nothing says why (continuity), or the two balances differ after it by a gap without a named cause (sync). A gap has one if it came with transactions that were not applied.",
    "Negative amounts are red. Each finding names file, lines and request of the log that proves it. The sheet Glossary explains every column.",
)
"""How to read the workbook, a paragraph each."""


def put_sheets(grid: Grid, report: Report, line: int) -> int:
    """Put where everything is; the checks' sheets are linked above."""
    grid.put_heading(line, "The sheets")
    checks = {sheet_of(check["id"]) for check in report.checks}
    for name, holds in grid.pages.holds.items():
        if name not in checks and name != START:
            line += 1
            grid.put(line, 0, Link(name, name))
            grid.put(line, 1, holds)
    return line + 1


def put_legend(grid: Grid, line: int) -> int:
    """Put how to read it all; return the last line."""
    grid.put_heading(line, "How to read it")
    for text in LEGEND:
        line = grid.put_paragraph(line + 1, text, LINE) - 1
    return line
