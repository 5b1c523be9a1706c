"""The report's rows per subscriber and currency: what each column is, and how they are made.

The rules stand in the SQL that applies them; `COLUMNS` puts them in words for the docs.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files as package_files
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks import Findings
from trueup.reports.queries import of_all
from trueup.schema import Column, Type

_CAUSES = "`false_alarm` (the balances agree after its transaction), `unknown` (the logs do not tell), or what opened the gap of that moment, which can lie before the window: `opened_by_` and the outcome of that transaction, or `open_from_start` (the subscriber's first transaction that tells a gap has it already: it may be older than the logs)"

_COLUMNS: tuple[tuple[str, Type, str], ...] = (
    ("subscriber_id", "text", "the subscriber"),
    ("currency", "text", "the currency of all amounts in the row"),
    ("transactions", "int", "transactions in the window, every attempt counted"),
    ("credits", "money", "sum of the amounts of credits as logged (VAT included)"),
    ("debits", "money", "sum of the amounts of debits as logged (VAT included)"),
    ("first_at", "time", "first transaction in the window"),
    ("last_at", "time", "last transaction in the window"),
    ("opening_balance", "money", "carried in, else the first `oldBalance`"),
    ("closing_balance", "money", "last known subscription balance"),
    ("lowest_balance", "money", "lowest known subscription balance after a transaction"),
    ("highest_balance", "money", "highest known subscription balance after a transaction"),
    (
        "payment_balance",
        "money",
        "last known payment balance; it and the closing balance are each for itself: a transaction may tell one and not the other",
    ),
    ("gap_at_end", "difference", "last known gap: the exposure; 0 within one minor unit"),
    ("active_days", "int", "days (UTC) with a transaction"),
    (
        "activity",
        "text",
        "by the mean distance of these days (last less first day, by their number less one): `daily` up to 1.5 days, `weekly` up to 10, `monthly` up to 45, else `rare`, as is a single day; `none` without a transaction in the window",
    ),
    (
        "balance_spread",
        "int",
        "distance of the quartiles of the known subscription balances, in percent of their mean size; null for fewer than five",
    ),
    (
        "stability",
        "text",
        "`stable` for a spread up to 25, `moving` up to 100 (a balance that is used up evenly comes to about that), else `volatile`; `too_few` without a spread",
    ),
    ("sync_errors", "int", "transactions with a sync error of their own"),
    ("first_error_at", "time", "the first transaction with a sync error"),
    ("first_error_cause", "text", f"its cause: {_CAUSES}"),
    (
        "first_error_action",
        "text",
        "action of the transaction that opened the gap, where the cause names one",
    ),
    ("last_error_at", "time", "the last transaction with a sync error"),
    ("last_error_cause", "text", "its cause, told as that of the first"),
    ("last_error_action", "text", "action of the transaction that opened the gap of the last"),
    (
        "loss_credits",
        "difference",
        "the loss as older reports counted it: what the sync errors of credits say the balances are apart, by size, added up; it counts one gap again at every error, and no error of a transaction without a type",
    ),
    (
        "loss_debits",
        "difference",
        "the loss as older reports counted it, of the sync errors of debits",
    ),
    (
        "risk_score",
        "int",
        "0 to 100: the sum of the four parts that follow; a finding that was accepted, or that a check which is switched off would make, adds nothing",
    ),
    (
        "risk_gap",
        "int",
        "0 to 40: size of the gap under out_of_sync against the sizes of all the subscriber's amounts up to the window's end; full from half of them on, in proportion below, 1 at least",
    ),
    (
        "risk_overdraft",
        "int",
        "25 if a balance is below zero at the end (payment_overdraft open; overdraft posted and the closing balance below zero), 15 if one was or may have been, 5 if all was refused or not applied",
    ),
    (
        "risk_errors",
        "int",
        "0 to 20: the share of the transactions in the window that failed or had a sync error; 1 at least",
    ),
    (
        "risk_findings",
        "int",
        "5 for each finding of severity high of any check but out_of_sync, overdraft, payment_overdraft and blocked_overdraft; 15 at most",
    ),
)

COLUMNS = tuple(Column(*row) for row in _COLUMNS)
"""What a row holds, in the order in which reports show it; the findings by check stand after."""


def keep_subscribers(books: Books, findings: tuple[Findings, ...], window: Window) -> None:
    """Make the table `subscribers`."""
    for name in ("subscriber_balances", "subscriber_habits", "subscriber_errors"):
        statement = package_files("trueup.books").joinpath(f"{name}.sql").read_text()
        books.connection.execute(
            statement.format(
                in_window=window.holds("t.at"),
                before_end=window.is_before_end("t.at"),
                before_start=window.is_before_start("t.at"),
            )
        )
    books.connection.execute(f"CREATE OR REPLACE TEMP VIEW open_findings AS {_open(findings)}")
    statement = package_files("trueup.reports").joinpath("subscribers.sql").read_text()
    books.connection.execute(statement)


def _open(findings: tuple[Findings, ...]) -> str:
    none = """
        SELECT '' AS "check", '' AS subscriber_id, '' AS currency, '' AS severity, '' AS cause,
            CAST(0 AS DECIMAL(20, 6)) AS amount_at_risk
        WHERE FALSE
        """
    columns = "subscriber_id, currency, severity, cause, amount_at_risk"
    return " UNION ALL ".join(
        [none, *(of_all((one,), columns, "WHERE accepted_by IS NULL") for one in findings)]
    )


def subscriber_rows(books: Books, findings: tuple[Findings, ...]) -> Iterator[dict[str, Any]]:
    """Yield one row per subscriber and currency, with its findings by check."""
    found = _counts(books, findings)
    checks = [one.check.id for one in findings]
    for batch in books.stream("SELECT * FROM subscribers ORDER BY subscriber_id, currency"):
        for row in batch.to_pylist():
            of = found.get((row["subscriber_id"], row["currency"]), {})
            # In the checks' order: DuckDB returns groups in whichever it comes to.
            row["findings"] = {check: of[check] for check in checks if check in of}
            yield row


def _counts(books: Books, findings: tuple[Findings, ...]) -> dict[tuple[str, str], dict[str, int]]:
    query = of_all(
        findings,
        "subscriber_id, currency, count(*) AS findings",
        "WHERE accepted_by IS NULL GROUP BY ALL",
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    if not findings:
        return found
    for row in books.sql(query).to_pylist():
        found.setdefault((row["subscriber_id"], row["currency"]), {})[row["check"]] = row[
            "findings"
        ]
    return found
