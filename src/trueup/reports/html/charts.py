"""The charts' tables. The page's script draws each chart from its table, so both say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from trueup.reports.report import Report

MOST_ROWS = 5_000
"""Rows of a chart's table; hostile logs can have a currency per transaction, and any day."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and the table that says the same."""

    id: str
    title: str
    note: str
    """What it shows, and how to read it."""
    columns: tuple[tuple[str, str], ...]
    """Title of each column and how it is printed: day, log, words, count, amount."""
    rows: tuple[tuple[Any, ...], ...]
    """Values by column. Where the first column is Currency the chart shows one at a time."""


def charts(report: Report) -> tuple[Chart, ...]:
    """Return the charts that have anything to show."""
    makers = (_transactions, _money, _errors, _actions, _exposure, _causes)
    return tuple(_cut(chart) for make in makers if (chart := make(report)).rows)


def _cut(chart: Chart) -> Chart:
    if len(chart.rows) <= MOST_ROWS:
        return chart
    note = f"{chart.note} Cut: the first {MOST_ROWS:,} of {len(chart.rows):,} rows."
    return replace(chart, rows=chart.rows[:MOST_ROWS], note=note)


def _table(rows: Iterable[dict[str, Any]], *names: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row[name] for name in names) for row in rows)


def _transactions(report: Report) -> Chart:
    return Chart(
        "transactions",
        "Transactions per day",
        "Every attempt counts, refused ones too. Days are UTC; the line breaks where a day has nothing logged.",
        (("Day", "day"), ("Transactions", "count")),
        _table(report.figures.by_day, "day", "transactions"),
    )


def _money(report: Report) -> Chart:
    return Chart(
        "money",
        "Credits against debits per day",
        "Amounts as logged, VAT included, every attempt counted; the line breaks where a day has none.",
        (("Currency", "log"), ("Day", "day"), ("Credits", "amount"), ("Debits", "amount")),
        _table(report.figures.money_by_day, "currency", "day", "credits", "debits"),
    )


def _errors(report: Report) -> Chart:
    days = (
        {**row, "unusual": "unusual" if row["unusual"] else ""} for row in report.figures.by_day
    )
    return Chart(
        "errors",
        "Errors per day",
        "Sync errors and failed messages together. A diamond marks a day with unusually many.",
        (
            ("Day", "day"),
            ("Errors", "count"),
            ("Sync errors", "count"),
            ("Failed messages", "count"),
            ("Unusual", "words"),
        ),
        _table(days, "day", "errors", "sync_errors", "failed_messages", "unusual"),
    )


def _actions(report: Report) -> Chart:
    named = ({**row, "action": row["action"] or "(none)"} for row in report.figures.top_actions)
    return Chart(
        "actions",
        "Top actions",
        "The actions with the most transactions, of all currencies.",
        (("Action", "log"), ("Transactions", "count"), ("Sync errors", "count")),
        _table(named, "action", "transactions", "sync_errors"),
    )


def _exposure(report: Report) -> Chart:
    return Chart(
        "exposure",
        "Top subscribers by exposure",
        "Exposure is the size of the gap between the two balances at the end; one currency at a time.",
        (
            ("Currency", "log"),
            ("Subscriber", "log"),
            ("Exposure", "amount"),
            ("Gap at the end", "amount"),
        ),
        _table(
            report.figures.top_subscribers["exposure"],
            "currency",
            "subscriber_id",
            "exposure",
            "gap_at_end",
        ),
    )


def _causes(report: Report) -> Chart:
    causes: dict[str, int] = next(
        (c["by_cause"] for c in report.checks if c["id"] == "flow_break"), {}
    )
    ranked = sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))
    return Chart(
        "causes",
        "Causes of flow breaks",
        "Transactions that do not start from where the one before ended. Not applied: no loss, the "
        "balance never moved. Stale read: an update was lost. Reset to payment: it starts from the "
        "payment balance. Unseen change: no message in the logs explains it.",
        (("Cause", "words"), ("Findings", "count")),
        tuple(ranked),
    )
