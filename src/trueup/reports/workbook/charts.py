"""The charts: native ones of Excel, on the tables of the workbook, so that they can be edited.

Charts of days take their figures from the sheets By day and Money by day; the others from small
tables right of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from trueup.reports.report import Report, Section
from trueup.reports.workbook.drawing import BLUE, GREEN, ORANGE, RED, SKY, Drawing, Series
from trueup.reports.workbook.lists import BY_DAY, MONEY_BY_DAY
from trueup.reports.workbook.pages import Pages

NAME = "Charts"

_MOST_CURRENCIES = 6
"""Currencies that get charts of their own: those with the most transactions."""

_LABEL = 18
"""Characters of a label; the whole text stands beside it."""

_TOPS = (
    ("transactions", "by transactions", BLUE),
    ("sync_errors", "by sync errors", ORANGE),
    ("exposure", "by exposure", RED),
)


def add_charts(pages: Pages, report: Report) -> None:
    """Add the sheet of charts, if there is anything to draw."""
    if not report.figures.by_day:
        return
    drawing = Drawing(pages, NAME, _period(report))
    _draw_days(drawing, report)
    _draw_actions(drawing, report)
    _draw_flow_breaks(drawing, report)
    shown = sorted(report.currencies, key=lambda name: -report.currencies[name]["transactions"])
    for currency in shown[:_MOST_CURRENCIES]:
        _draw_money(drawing, report, currency)
        _draw_amounts(drawing, report, currency)
        for measure, words, colour in _TOPS:
            rows = report.figures.top_subscribers[measure]
            of = [row for row in rows if row["currency"] == currency]
            _draw_top(
                drawing, currency, measure, f"Top subscribers {words}, {currency}", of, colour
            )
    drawing.finish(
        "Charts of the tables of this workbook: by day from the sheets By day and Money by day, the others from the tables at the right.",
        len(shown[_MOST_CURRENCIES:]),
    )


def _period(report: Report) -> str:
    first, last = report.figures.by_day[0]["day"], report.figures.by_day[-1]["day"]
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _draw_days(drawing: Drawing, report: Report) -> None:
    first, last = drawing.pages.ranges[BY_DAY]
    drawing.draw_days(
        "Transactions per day, all currencies",
        BY_DAY,
        (first, last),
        [Series("Transactions", 1, BLUE)],
    )
    errors = [Series("Sync errors", 2, SKY), Series("Failed messages", 3, ORANGE)]
    if any(row["unusual"] for row in report.figures.by_day):
        errors.append(Series("Unusual day", 6, RED, is_mark=True))
    drawing.draw_days("Errors per day, unusual days marked", BY_DAY, (first, last), errors)


def _draw_money(drawing: Drawing, report: Report, currency: str) -> None:
    days = [
        place
        for place, row in enumerate(report.figures.money_by_day)
        if row["currency"] == currency
    ]
    first, end = drawing.pages.ranges[MONEY_BY_DAY]
    if days and first + days[-1] <= end:
        drawing.draw_days(
            f"Credits and debits per day, {currency}",
            MONEY_BY_DAY,
            (first + days[0], first + days[-1]),
            [Series("Credits", 3, GREEN), Series("Debits", 4, ORANGE)],
            is_stacked=False,
        )


def _draw_actions(drawing: Drawing, report: Report) -> None:
    rows = [
        [row["action"] or "(no action logged)", row["transactions"]]
        for row in report.figures.top_actions
    ]
    title = "Most frequent actions, all currencies"
    drawing.draw_bars(title, ("action", "transactions"), rows, [Series("Transactions", 1, BLUE)])


def _draw_flow_breaks(drawing: Drawing, report: Report) -> None:
    causes: dict[str, int] = next(
        (check["by_cause"] for check in report.checks if check["id"] == "flow_break"), {}
    )
    rows = sorted(causes.items(), key=lambda row: -row[1])
    title = "Causes of flow breaks, all currencies"
    drawing.draw_bars(title, ("cause", "findings"), rows, [Series("Findings", 1, BLUE)])


def _draw_amounts(drawing: Drawing, report: Report, currency: str) -> None:
    rows = [
        [row["bin"], row["credits"], row["debits"]]
        for row in report.figures.amounts
        if row["currency"] == currency
    ]
    drawing.draw_columns(
        f"Distribution of amounts, {currency}",
        ("bin", "credit_count", "debit_count"),
        rows,
        [Series("Credits", 1, GREEN), Series("Debits", 2, ORANGE)],
    )


def _draw_top(  # noqa: PLR0913  (a chart has a title, a figure, a currency and a colour)
    drawing: Drawing, currency: str, measure: str, title: str, rows: Sequence[Section], colour: str
) -> None:
    cells = [
        [_short(row["subscriber_id"]), drawing.pages.amount(row[measure], currency)
         if measure == "exposure" else row[measure], row["subscriber_id"]]
        for row in rows
    ]  # fmt: skip
    drawing.draw_bars(title, ("label", measure, "subscriber_id"), cells, [Series("", 1, colour)])


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"
