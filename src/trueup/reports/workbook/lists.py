"""The sheets of the books: subscribers, actions, days, operations, the logs, all transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.reports.columns import findings_of
from trueup.reports.report import Report, Section
from trueup.reports.workbook.cells import Percent
from trueup.reports.workbook.pages import Pages, Table

# First what a reader decides by, which is all that goes on paper; then what it comes from.
_SUBSCRIBERS = (
    "subscriber_id", "currency", "risk_score", "gap_at_end", "payment_balance", "closing_balance",
    "transactions", "credits", "debits", "sync_errors", "activity", "stability", "risk_gap",
    "risk_overdraft", "risk_errors", "risk_findings", "loss_credits", "loss_debits",
    "first_error_at", "first_error_cause", "first_error_action", "last_error_at",
    "last_error_cause", "last_error_action", "opening_balance", "lowest_balance",
    "highest_balance", "balance_spread", "active_days", "first_at", "last_at",
)  # fmt: skip
_ERRORS = (
    "subscriber_id", "currency", "sync_errors", "first_error_at", "first_error_cause",
    "last_error_at", "last_error_cause", "loss_credits", "loss_debits", "gap_at_end",
    "transactions", "first_error_action", "last_error_action",
)  # fmt: skip
# What follows from these, and the ids of messages and attempts, is in transactions.csv.
_TRANSACTIONS = (
    "at", "subscriber_id", "currency", "type", "action", "amount", "vat", "old_balance",
    "new_balance", "outcome", "subscription_after", "payment_after", "gap", "has_sync_error",
    "type_inferred", "source", "delta", "transaction_id", "request_id", "wallet_entry",
    "delivery_id", "file", "first_line", "last_line",
)  # fmt: skip

BY_DAY, MONEY_BY_DAY, BY_ACTION = "By day", "Money by day", "By action"
TRANSACTIONS = "Transactions"

_LINE = 120
"""Characters of a line of text on a sheet without a table."""


def add_subscribers(pages: Pages, report: Report) -> None:
    """Write the subscribers with their balances, and those with sync errors once more."""
    checks = [findings.check for findings in report.findings]
    looks = {check.id: findings_of(check.id, check.title) for check in checks}
    rows = (
        [*(row[name] for name in _SUBSCRIBERS), *map(row["findings"].get, looks)]
        for row in report.subscribers()
    )
    text = "A row for each subscriber and currency: balances, gap, totals, risk and its parts, and the open findings by check."
    table = Table((*_SUBSCRIBERS, *looks), rows, last_on_paper="stability", looks=looks)
    pages.add_table("Subscribers", "Subscribers", [text], table)
    texts = [
        "Who had sync errors, the most first in each currency: the first and the last with their causes.",
        "Losses are as older reports counted them: one gap counts again at every error. The gap at the end is what there is to settle.",
    ]
    with_errors = _rows(_ERRORS, report.subscribers_with_errors())
    table = Table(_ERRORS, with_errors, last_on_paper="gap_at_end")
    pages.add_table("Errors by subscriber", "Errors by subscriber", texts, table)


def add_actions(pages: Pages, report: Report) -> None:
    """Write what each action moved."""
    columns = (
        "currency", "action", "type", "transactions", "credits", "debits", "applied",
        "applied_credits", "applied_debits", "sync_errors",
    )  # fmt: skip
    text = "A row for each currency, action and type, the most transactions first: sums as logged (VAT included, every attempt counted), and of those that were carried out."
    _add(pages, BY_ACTION, text, columns, report.figures.by_action)


def add_days(pages: Pages, report: Report) -> None:
    """Write what happened on each day, and what moved on it in each currency."""
    columns = (
        "day", "transactions", "sync_errors", "failed_messages", "errors", "unusual",
        "unusual_errors", "findings",
    )  # fmt: skip
    text = "A row for each day (UTC) on which something happened. Findings: the open ones of severity high and medium."
    _add(pages, BY_DAY, text, columns, report.figures.by_day)
    money = ("day", "currency", "transactions", "credits", "debits")
    text = "The transactions of each currency by day (UTC): sums as logged, VAT included, every attempt counted."
    _add(pages, MONEY_BY_DAY, text, money, report.figures.money_by_day)


def add_operations(pages: Pages, report: Report) -> None:
    """Write what the Lambda did on each day."""
    columns = (
        "day", "invocations", "cold_starts", "failed_invocations", "crashed", "crashes_at_init",
        "unfinished", "duration_mean", "duration_p95", "billed_ms", "gb_seconds", "memory_mb",
        "memory_used_mb",
    )  # fmt: skip
    of = report.figures.operations
    total = (
        f"All days: {of['invocations']:,} invocations, {of['cold_starts']:,} of them cold starts; "
        f"{of['crashed']:,} crashed, {of['failed_invocations']:,} with failed messages, "
        f"{of['crashes_at_init']:,} sandboxes crashed at their start; "
        f"{of['gb_seconds']:,.1f} GB-seconds."
    )
    texts = [
        "What the Lambda did on each day (UTC): how often it ran, how long, and what is billed for it.",
        total,
    ]
    table = Table(columns, list(_rows(columns, report.figures.operations_by_day)))
    pages.add_table("Operations", "Operations", texts, table)


def add_contents(pages: Pages, report: Report) -> None:
    """Write the kinds of entry."""
    rows = (
        [row["kind"], row["entries"], Percent(row["percent"])] for row in report.figures.entry_kinds
    )
    reading = report.reading
    total = (
        f"{report.counts['entries']:,} entries = {reading['understood']:,} understood + "
        f"{reading['other']:,} of other kinds, which carry no figures + "
        f"{reading['unreadable']:,} unreadable."
    )
    texts = [
        "Every entry of every file counts under one kind.",
        total,
    ]
    table = Table(("kind", "entries", "percent"), rows)
    pages.add_table("Log contents", "Log contents", texts, table)


def add_problems(pages: Pages, report: Report) -> None:
    """Write what could not be read, if there is any."""
    if report.inputs["problems"]:
        columns = ("file", "line", "problem", "excerpt")
        text = "What could not be read or used, and was left out; everything else was read."
        table = Table(columns, _rows(columns, report.problems()))
        pages.add_table("Problems", "Problems", [text], table)


def add_transactions(pages: Pages, report: Report) -> None:
    """Write all transactions, or where they are if there are too many."""
    count = report.counts["transactions"]
    if count > report.workbook_transactions:
        sheet = pages.add_sheet(TRANSACTIONS, "Says where they are: there are too many to list")
        pages.write_top(
            sheet,
            TRANSACTIONS,
            [
                f"There are {count:,} transactions, more than the {report.workbook_transactions:,} that this workbook lists (setting workbook_transactions).",
                "All of them are in transactions.csv and, if it was asked for, in tables/transactions.parquet.",
            ],
            _LINE,
        )
        return
    rows = (
        row
        for batch in report.transactions(_TRANSACTIONS)
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    # Nothing above the header: this is the table that people go on with.
    table = Table(_TRANSACTIONS, rows, last_on_paper="has_sync_error")
    sheet = pages.add_sheet(TRANSACTIONS, "Every transaction, in order of time")
    pages.go_on(TRANSACTIONS, TRANSACTIONS, table, pages.write_table(sheet, table, 0))


def _add(
    pages: Pages, name: str, text: str, columns: Sequence[str], rows: Iterable[Section]
) -> None:
    pages.add_table(name, name, [text], Table(columns, _rows(columns, rows)))


def _rows(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterable[list[Any]]:
    return ([row[name] for name in columns] for row in rows)
