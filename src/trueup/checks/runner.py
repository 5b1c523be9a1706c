"""Run checks over the books: each makes a table of findings, `findings_<check>`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files as package_files
from string import Formatter
from typing import Any

import duckdb

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks.catalogue import SEVERITIES, BrokenCheck, Check
from trueup.checks.unusual import find_unusual_changes
from trueup.config import Settings
from trueup.money import Currencies

COMMON = (
    "check", "finding_id", "severity", "subject", "subscriber_id", "currency", "at", "cause",
    "expected", "logged", "difference", "amount_at_risk", "transaction_id", "attempt_id",
)  # fmt: skip
"""Columns that the findings of every check have, before those of its own."""

EVIDENCE = ("file", "first_line", "last_line", "request_id")
"""Columns that say where a finding's evidence stands."""

ACCEPTED = ("accepted_by", "accepted_on", "accepted_why")
"""Columns that say who accepted a finding as known; NULL for an open one."""

# What a statement returns for the runner; what is not listed here is the check's own.
_RETURNED = (*COMMON[3:], "file_id", "first_line", "last_line", "request_id")
_MONEY = ("expected", "logged", "difference", "amount_at_risk")
_HIDDEN = ("file_id", "first_line", "last_line", "request_id")

# The time by which a row of each table belongs to a window.
_TIMES = {
    "transactions": "t.at",
    "messages": "t.at",
    "sync_errors": "t.at",
    "invocations": "coalesce(t.started_at, t.ended_at)",
    "crashes_at_init": "t.at",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one check, kept in the books as a table: open before accepted, severest first."""

    check: Check
    books: Books
    table: str
    own_columns: tuple[str, ...]
    kinds: frozenset[tuple[str, bool]]
    """What there is: severity, and whether accepted."""
    seconds: float

    def rows(self, which: str = "TRUE") -> Iterator[dict[str, Any]]:
        """Yield the findings for which the SQL condition holds, as dicts.

        Their keys are COMMON, the check's own columns, EVIDENCE, ACCEPTED, `explanation`, and for
        a check that has one, `history`: the moves of the gap, in order.
        """
        query = f"SELECT * EXCLUDE (place) FROM {self.table} AS f WHERE {which} ORDER BY place"
        if self.check.has_history:
            query = f"""
                SELECT f.* EXCLUDE (place), h.history FROM {self.table} AS f
                LEFT JOIN gap_histories AS h
                    ON h.subscriber_id = f.subscriber_id AND h.currency = f.currency
                WHERE {which} ORDER BY f.place
            """
        for batch in self.books.stream(query):
            for row in batch.to_pylist():
                row["explanation"] = explain(self.check, row, self.books.money)
                yield row


def by_severity(
    findings: Sequence[Findings], severities: Sequence[str] = SEVERITIES
) -> Iterator[dict[str, Any]]:
    """Yield the findings of all checks, the severest first, and at the end the accepted ones."""
    for is_accepted in (False, True):
        state = f"accepted_by IS {'NOT ' if is_accepted else ''}NULL"
        for severity in severities:
            for one in findings:
                if (severity, is_accepted) in one.kinds:
                    yield from one.rows(f"severity = '{severity}' AND {state}")


# Sums of several currencies stand in one order by how many usual transactions they are worth.
_SIZES = """
    CREATE OR REPLACE TEMP TABLE currency_sizes AS
    SELECT t.currency, CAST(coalesce(nullif(avg(abs(t.amount)), 0), 1) AS DOUBLE) AS size
    FROM transactions AS t GROUP BY t.currency
    """


def run_checks(
    books: Books, checks: Sequence[Check], window: Window, settings: Settings
) -> tuple[tuple[Findings, ...], tuple[BrokenCheck, ...]]:
    """Run every check on the books up to the window's end; keep the findings that it shows.

    A finding belongs to its time `at`; one of a state, whose check has a column `lasts_until`
    (NULL: it still lasts), to all of the time from `at` on. A check of the user's own that does
    not run is returned among the broken, and the others go on. The table `accepted` must exist.
    """
    findings: list[Findings] = []
    broken: list[BrokenCheck] = []
    with _until(books, window):
        for name in ("gap_moves", "gap_histories"):
            statement = package_files("trueup.books").joinpath(f"{name}.sql").read_text()
            books.connection.execute(statement)
        books.connection.execute(_SIZES)
        for check in checks:
            try:
                findings.append(_run(books, check, window, settings))
            except duckdb.Error as error:
                if not check.file:
                    raise
                broken.append(_diagnosis(books, check, error))
    return tuple(findings), tuple(broken)


@contextmanager
def _until(books: Books, window: Window) -> Iterator[None]:
    """Let the checks, which ask for `transactions` and the like, get what is before the end."""
    if not window.until:
        yield
        return
    (database,) = books.connection.execute("SELECT current_database()").fetchone() or ("",)
    for table, time_sql in _TIMES.items():
        books.connection.execute(
            f"""
            CREATE OR REPLACE TEMP VIEW {table} AS
            SELECT * FROM "{database}".main.{table} AS t WHERE {window.is_before_end(time_sql)}
            """
        )
    try:
        yield
    finally:
        for table in _TIMES:
            books.connection.execute(f"DROP VIEW IF EXISTS temp.{table}")


def _run(books: Books, check: Check, window: Window, settings: Settings) -> Findings:
    started = time.perf_counter()
    if check.id == "unusual_change":
        find_unusual_changes(books, settings)
    table = f"findings_{check.id}"
    hidden = (*_HIDDEN, "lasts_until") if check.is_state else _HIDDEN
    casts = ", ".join(f"CAST(f.{name} AS DECIMAL(20, 6)) AS {name}" for name in _MONEY)
    statement = f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH found AS (
            {check.sql}
        ),
        judged AS (
            SELECT
                '{check.id}' AS "check",
                substr(sha256(concat('{check.id}', chr(10), f.subject)), 1, 16) AS finding_id,
                {_severity_sql(check)} AS severity,
                f.* EXCLUDE ({", ".join(hidden)}) REPLACE ({casts}),
                n.name AS file, f.first_line, f.last_line, f.request_id
            FROM found AS f LEFT JOIN files AS n ON n.file_id = f.file_id
            WHERE {window.reaches("f.lasts_until" if check.is_state else 'f."at"')}
        )
        SELECT j.*, a.accepted_by, a.accepted_on, a.accepted_why, row_number() OVER (
            ORDER BY a.accepted_by IS NOT NULL, {_rank_sql()},
                j.amount_at_risk / coalesce(s.size, 1) DESC NULLS LAST,
                abs(j.difference) / coalesce(s.size, 1) DESC NULLS LAST,
                j.currency NULLS LAST, j."at" NULLS LAST, j.subject, j.file, j.first_line
        ) AS place
        FROM judged AS j LEFT JOIN accepted AS a ON a.finding_id = j.finding_id
        LEFT JOIN currency_sizes AS s ON s.currency = j.currency
        """
    if check.file:
        _refuse_more_than_a_query(check, statement)
    books.connection.execute(statement)
    columns = books.connection.execute(f"FROM {table} LIMIT 0").description or ()
    known = {*COMMON, *EVIDENCE, *ACCEPTED, "place"}
    own = tuple(name for name, *_ in columns if name not in known)
    kinds = frozenset(
        books.connection.execute(
            f"SELECT DISTINCT severity, accepted_by IS NOT NULL FROM {table}"
        ).fetchall()
    )
    return Findings(check, books, table, own, kinds, time.perf_counter() - started)


def _refuse_more_than_a_query(check: Check, statement: str) -> None:
    # A parenthesis too many would end the query and let something else begin.
    for text in (check.sql, statement):
        if len(duckdb.extract_statements(text)) != 1:
            raise duckdb.ParserException("it has to be one SELECT statement, and no more")


def _diagnosis(books: Books, check: Check, error: duckdb.Error) -> BrokenCheck:
    """Say what is wrong with a check, and on which line of its file."""
    line, text = 1, str(error)
    try:
        # The statement by itself: its lines are those of the file.
        found = books.connection.execute(f"SELECT * FROM (\n{check.sql}\n) LIMIT 0").description
        missing = [name for name in _RETURNED if name not in {column[0] for column in found or ()}]
        if missing:
            text = f"it does not return {', '.join(missing)}"
    except duckdb.Error as alone:
        text = str(alone)
        if where := re.search(r"LINE (\d+):", text):
            line = max(1, int(where[1]) - 1)
    return BrokenCheck(check.file, line, text.partition("\n")[0].strip())


def _severity_sql(check: Check) -> str:
    cases = " ".join(
        f"WHEN '{cause}' THEN '{severity}'" for cause, severity in check.severities.items()
    )
    return f"CASE coalesce(f.cause, '') {cases} ELSE '{check.severity}' END"


def _rank_sql() -> str:
    cases = " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(SEVERITIES))
    return f"CASE j.severity {cases} END"


def explain(check: Check, row: Mapping[str, Any], money: Currencies) -> str:
    """Return the sentence that explains a finding: the check's, with the row's values in it."""
    words = ""
    for text, names, is_optional in _parts(check.explanation_of(row["cause"])):
        if is_optional and any(row.get(name) is None for name in names):
            words = words.rstrip()
            continue
        values = {name: in_words(row.get(name), row["currency"], money) for name in names}
        words += text.format_map(values)
    return words


@cache
def _parts(sentence: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """Cut a sentence at its brackets: each part's text, the columns it names, if it is optional."""
    parts = []
    for place, text in enumerate(re.split(r"[\[\]]", sentence)):
        names = tuple(name for _, name, _, _ in Formatter().parse(text) if name)
        parts.append((text, names, place % 2 == 1))
    return tuple(parts)


def in_words(value: Any, currency: str | None, money: Currencies) -> str:  # noqa: ANN401
    """Return a value of a finding as a sentence says it."""
    if isinstance(value, Decimal):
        return money.words(value, currency)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return "(not logged)" if value is None else str(value)
