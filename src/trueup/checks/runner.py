"""Run checks over the books: each makes a table of findings, `findings_<check>`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from string import Formatter
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks.catalogue import SEVERITIES, Check
from trueup.money import amount_words

COMMON = (
    "check", "finding_id", "severity", "subject", "subscriber_id", "currency", "at", "cause",
    "expected", "logged", "difference", "amount_at_risk", "transaction_id", "attempt_id",
)  # fmt: skip
"""Columns that the findings of every check have, before those of its own."""

EVIDENCE = ("file", "first_line", "last_line", "request_id")
"""Columns that say where a finding's evidence stands."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one check, kept in the books as a table, severest first."""

    check: Check
    books: Books
    table: str
    own_columns: tuple[str, ...]
    seconds: float

    def rows(self, severity: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the findings (of one severity) as dicts.

        Their keys are COMMON, the check's own columns, EVIDENCE and `explanation`.
        """
        which = f"WHERE severity = '{severity}'" if severity else ""
        query = f"SELECT * EXCLUDE (place) FROM {self.table} {which} ORDER BY place"
        for batch in self.books.stream(query):
            for row in batch.to_pylist():
                row["explanation"] = explain(self.check, row)
                yield row


def by_severity(findings: Sequence[Findings]) -> Iterator[dict[str, Any]]:
    """Yield the findings of all checks, the severest first."""
    for severity in SEVERITIES:
        for one in findings:
            if severity in one.check.severities.values():
                yield from one.rows(severity)


def run_checks(books: Books, checks: Sequence[Check], window: Window) -> tuple[Findings, ...]:
    """Run every check on the books up to the window's end; keep the findings that it shows.

    A finding belongs to its time `at`; one of a state, whose check has a column `lasts_until`
    (NULL: it still lasts), to all of the time from `at` on.
    """
    if window.until:
        # The checks ask for `transactions`: they get those before the end.
        (database,) = books.connection.execute("SELECT current_database()").fetchone() or ("",)
        books.connection.execute(
            f"""
            CREATE OR REPLACE TEMP VIEW transactions AS
            SELECT * FROM "{database}".main.transactions AS t WHERE {window.is_before_end("t.at")}
            """
        )
    try:
        return tuple(_run(books, check, window) for check in checks)
    finally:
        books.connection.execute("DROP VIEW IF EXISTS temp.transactions")


def _run(books: Books, check: Check, window: Window) -> Findings:
    started = time.perf_counter()
    table = f"findings_{check.id}"
    books.connection.execute(
        f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH found AS (
            {check.sql}
        ),
        judged AS (
            SELECT
                '{check.id}' AS "check",
                substr(sha256(concat('{check.id}', chr(10), f.subject)), 1, 16) AS finding_id,
                {_severity_sql(check)} AS severity,
                f.* EXCLUDE ({", ".join(_HIDDEN if check.is_state else _HIDDEN[1:])}),
                n.name AS file, f.first_line, f.last_line, f.request_id
            FROM found AS f LEFT JOIN files AS n ON n.file_id = f.file_id
            WHERE {window.reaches("f.lasts_until" if check.is_state else 'f."at"')}
        )
        SELECT *, row_number() OVER (
            ORDER BY {_rank_sql()}, currency NULLS LAST, amount_at_risk DESC NULLS LAST,
                judged."at", subject, file, first_line
        ) AS place
        FROM judged
        """
    )
    columns = books.connection.execute(f"FROM {table} LIMIT 0").description or ()
    own = tuple(name for name, *_ in columns if name not in {*COMMON, *EVIDENCE, "place"})
    return Findings(check, books, table, own, time.perf_counter() - started)


# What a statement returns for the runner: the rest is shown.
_HIDDEN = ("lasts_until", "file_id", "first_line", "last_line", "request_id")


def _severity_sql(check: Check) -> str:
    cases = " ".join(
        f"WHEN '{cause}' THEN '{severity}'" for cause, severity in check.severities.items()
    )
    return f"CASE coalesce(f.cause, '') {cases} ELSE '{check.severity}' END"


def _rank_sql() -> str:
    cases = " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(SEVERITIES))
    return f"CASE severity {cases} END"


def explain(check: Check, row: Mapping[str, Any]) -> str:
    """Return the sentence that explains a finding: the check's, with the row's values in it."""
    sentence = check.explanation_of(row["cause"])
    currency = row["currency"]
    return sentence.format_map({name: _in_words(row[name], currency) for name in _names(sentence)})


@cache
def _names(sentence: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(sentence) if name)


def _in_words(value: Any, currency: str | None) -> str:  # noqa: ANN401
    if isinstance(value, Decimal):
        return amount_words(value, currency)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return "(not logged)" if value is None else str(value)
