"""The Report: every figure that any report shows, computed once from the books.

Amounts are `Decimal`, times are `datetime` (UTC); a writer only prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from trueup import __version__
from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks import Findings
from trueup.config import Settings
from trueup.logs.kinds import OTHER, UNREADABLE
from trueup.money import Currencies
from trueup.reports.figures import Figures, work_out
from trueup.reports.queries import of_all
from trueup.reports.recommendations import recommend
from trueup.reports.subscribers import add_contacts, keep_subscribers, subscriber_rows
from trueup.sources.logfile import Original

SCHEMA = "trueup.report/1"

Section = dict[str, Any]

MOST_KINDS = 200
"""Unknown kinds of entry that are listed by name; hostile logs can have one per line."""

TRANSACTION_COLUMNS = (
    "at", "subscriber_id", "currency", "type", "type_inferred", "source", "action", "amount",
    "vat", "old_balance", "new_balance", "payment_balance", "outcome", "delta", "expected_delta",
    "subscription_after", "payment_after", "gap", "has_sync_error", "transaction_id", "message_id",
    "request_id", "attempt_id", "updates_payment", "wallet_id", "wallet_entry", "delivery_id",
    "file", "first_line", "last_line",
)  # fmt: skip
"""Columns of a transaction that reports show: all but the metadata, which may name people."""


_NAMED_SILENCES = 3
"""Times without an entry that first pages name; report.json lists all."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found, ready to be printed. `docs/report-json.md` explains each section."""

    generated_at: datetime
    window: Window
    inputs: Section
    period: Section
    counts: Section
    entry_kinds: dict[str, int]
    reading: Section
    outcomes: dict[str, dict[str, int]]
    currencies: dict[str, Section]
    checks: tuple[Section, ...]
    recommendations: tuple[Section, ...]
    operations: Section
    figures: Figures
    findings: tuple[Findings, ...]
    books: Books
    originals: tuple[Original, ...] = ()
    """Archives and other files that logs came out of."""
    contacts: bool = False
    """Whether it shows names, e-mails and phones."""
    workbook_transactions: int = 2_000_000
    """More transactions than this are not listed in the workbook."""

    @property
    def schema(self) -> str:
        """Name and version of the contract of report.json."""
        return SCHEMA

    @property
    def trueup_version(self) -> str:
        """The version of trueup that made it."""
        return __version__

    @property
    def money(self) -> Currencies:
        """How amounts are printed."""
        return self.books.money

    @property
    def silence(self) -> str:
        """Name the days of which the logs hold nothing, the longest times first; empty if none."""
        spans = self.period["days_without_entries"]
        longest = sorted(spans, key=lambda span: (-span["days"], span["first"]))
        named = [
            span["first"] if span["days"] == 1 else f"{span['first']} to {span['last']}"
            for span in longest[:_NAMED_SILENCES]
        ]
        if len(spans) > _NAMED_SILENCES:
            named.append("…")
        days = sum(span["days"] for span in spans)
        return f"{days:,} day{'s' if days > 1 else ''}: {', '.join(named)}" if spans else ""

    @property
    def shown(self) -> str:
        """Say which part of the time is shown, and of when balances and gaps are; empty: all."""
        if not str(self.window):
            return ""
        first, last = self.period["first"], self.period["last"]
        is_empty = bool(first) and not (
            (self.window.since is None or last >= self.window.since)
            and (self.window.until is None or first < self.window.until)
        )
        empty = " (no entry of the logs)" if is_empty else ""
        end = "; balances and gaps are those at the end of it" if self.window.until else ""
        return f"{self.window}{empty}; what came before counts for the opening balances{end}"

    def subscribers(self) -> Iterator[Section]:
        """Yield one row per subscriber and currency, with its findings by check."""
        yield from subscriber_rows(self.books, self.findings)

    def subscribers_with_errors(self) -> Iterator[Section]:
        """Yield the subscribers that had sync errors, the most first in each currency."""
        for batch in self.books.stream(
            """
            SELECT * FROM subscribers WHERE sync_errors > 0
            ORDER BY currency, sync_errors DESC, subscriber_id
            """
        ):
            yield from batch.to_pylist()

    def riskiest_subscribers(self, most: int) -> list[Section]:
        """Return the first subscribers by risk, those with more than none."""
        rows: list[Section] = self.books.sql(
            f"""
            SELECT * FROM subscribers WHERE risk_score > 0
            ORDER BY risk_score DESC, currency, abs(gap_at_end) DESC NULLS LAST, subscriber_id
            LIMIT {int(most)}
            """
        ).to_pylist()
        return rows

    @property
    def subscribers_at_risk(self) -> int:
        """How many rows of subscribers have a risk above none."""
        query = "SELECT count(*) AS found FROM subscribers WHERE risk_score > 0"
        return int(self.books.sql(query).to_pylist()[0]["found"])

    def transactions(self, names: Sequence[str] = TRANSACTION_COLUMNS) -> Iterator[pa.RecordBatch]:
        """Yield the transactions of the window in order of time, with these columns.

        A column that is no name is an SQL expression over transactions `t` and their files `f`.
        """
        columns = ", ".join(
            "f.name AS file" if name == "file" else f't."{name}"' if name.isidentifier() else name
            for name in names
        )
        yield from self.books.stream(
            f"""
            SELECT {columns} FROM transactions AS t LEFT JOIN files AS f ON f.file_id = t.file_id
            WHERE {self.window.holds("t.at")} ORDER BY t.at, t.stream, t.place
            """
        )

    def problems(self) -> Iterator[Section]:
        """Yield what could not be read: file, line, problem, excerpt."""
        for batch in self.books.stream(
            """
            SELECT coalesce(f.name, p.file_id) AS file, p.line, p.problem, p.excerpt
            FROM problems AS p LEFT JOIN files AS f ON f.file_id = p.file_id
            ORDER BY ALL
            """
        ):
            yield from batch.to_pylist()


def build_report(  # noqa: PLR0913  (each is a part of the report)
    books: Books,
    findings: tuple[Findings, ...],
    *,
    settings: Settings,
    ignored: list[str],
    unopened: Sequence[tuple[str, str]] = (),
    originals: Sequence[Original] = (),
    generated_at: datetime,
) -> Report:
    """Compute every figure of the report."""
    window = Window(settings.since, settings.until)
    keep_subscribers(books, findings, window)
    if settings.contacts:
        add_contacts(books, window)
    kinds = _entry_kinds(books)
    currencies = _currencies(books, window)
    return Report(
        generated_at=generated_at,
        window=window,
        inputs=_inputs(books, ignored, unopened),
        period=_period(books, window),
        counts=_counts(books, window),
        entry_kinds=kinds,
        reading=_reading(kinds),
        outcomes={
            table: dict(_rows(books, f"""
                SELECT outcome, count(*) FROM {table} AS t WHERE {window.holds("t.at")}
                GROUP BY 1 ORDER BY 1"""))
            for table in ("messages", "transactions")
        },
        currencies=currencies,
        checks=_checks(books, findings),
        recommendations=recommend(books, findings, currencies),
        operations=_operations(books, window),
        figures=work_out(books, findings, window, kinds),
        findings=findings,
        books=books,
        originals=tuple(originals),
        contacts=settings.contacts,
        workbook_transactions=settings.workbook_transactions,
    )  # fmt: skip


def _rows(books: Books, query: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = books.connection.cursor().execute(query).fetchall()
    return rows


def _one(books: Books, query: str) -> Section:
    cursor = books.connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def _inputs(books: Books, ignored: list[str], unopened: Sequence[tuple[str, str]]) -> Section:
    totals = _one(
        books,
        """
        SELECT count(*) AS files, coalesce(sum(size), 0)::BIGINT AS bytes,
            coalesce(sum(unpacked_size), 0)::BIGINT AS unpacked_bytes FROM files
    """,
    )
    rejected = _rows(
        books,
        """
        SELECT f.name, min(p.problem) FROM files AS f
        LEFT JOIN problems AS p ON p.file_id = f.file_id AND p.line = 0
        WHERE f.status = 'rejected' GROUP BY f.name, f.file_id ORDER BY f.name, f.file_id
    """,
    )
    partial = _rows(
        books,
        """
        SELECT f.name, min(p.problem) FROM files AS f
        LEFT JOIN problems AS p ON p.file_id = f.file_id AND p.line = 0
        WHERE f.status = 'partial' GROUP BY f.name, f.file_id ORDER BY f.name, f.file_id
    """,
    )
    problems = _one(books, "SELECT count(*) AS problems FROM problems")
    return {
        **totals,
        "rejected": [{"name": name, "problem": problem} for name, problem in rejected],
        "incomplete": [
            {"name": name, "problem": problem} for name, problem in sorted([*partial, *unopened])
        ],
        "ignored": ignored,
        **problems,
    }


def _period(books: Books, window: Window) -> Section:
    period = _one(books, "SELECT min(first_at) AS first, max(last_at) AS last FROM files")
    return {
        **period,
        "since": window.since,
        "until": window.until,
        "days_without_entries": _silent_days(books),
    }


def _silent_days(books: Books) -> list[Section]:
    """List the days within the logs' period of which they hold nothing, as they follow each other."""
    rows = _rows(
        books,
        """
        SELECT day, next FROM (
            SELECT day, lead(day) OVER (ORDER BY day) AS next FROM (
                SELECT CAST(t.at AS DATE) AS day FROM transactions AS t
                UNION SELECT CAST(m.at AS DATE) FROM messages AS m
                UNION SELECT CAST(started_at AS DATE) FROM invocations WHERE started_at IS NOT NULL
                UNION SELECT CAST(min(first_at) AS DATE) FROM files WHERE first_at IS NOT NULL
                UNION SELECT CAST(max(last_at) AS DATE) FROM files WHERE last_at IS NOT NULL
            ) WHERE day IS NOT NULL
        )
        WHERE next - day > 1 ORDER BY day
    """,
    )
    one = timedelta(days=1)
    return [
        {"first": f"{day + one}", "last": f"{following - one}", "days": (following - day).days - 1}
        for day, following in rows
    ]


def _counts(books: Books, window: Window) -> Section:
    shown = window.holds
    return _one(
        books,
        f"""
        SELECT
            (SELECT coalesce(sum(entries), 0)::BIGINT FROM files) AS entries,
            (SELECT count(*) FROM invocations AS i
             WHERE {shown("coalesce(i.started_at, i.ended_at)")}) AS invocations,
            (SELECT count(*) FROM messages AS m WHERE {shown("m.at")}) AS messages,
            count(*) AS transactions,
            count(DISTINCT t.subscriber_id) AS subscribers,
            (SELECT count(*) FROM sync_errors AS e WHERE {shown("e.at")}) AS sync_errors
        FROM transactions AS t WHERE {shown("t.at")}
    """,
    )


def _entry_kinds(books: Books) -> dict[str, int]:
    """Return kind to count: the known ones first, the unknown ones (`other: ...`) after them."""
    rows = _rows(
        books,
        """
        SELECT kind, sum(entries)::BIGINT AS n FROM entry_kinds GROUP BY kind
        ORDER BY kind LIKE 'other%', n DESC, kind
    """,
    )
    known = [row for row in rows if not row[0].startswith("other")]
    unknown = rows[len(known) :]
    kinds = dict(known + unknown[:MOST_KINDS])
    if rest := sum(count for _, count in unknown[MOST_KINDS:]):
        kinds[f"other: ({len(unknown) - MOST_KINDS} further kinds)"] = rest
    return kinds


def _reading(kinds: dict[str, int]) -> Section:
    """Return how the entries divide: understood + other + unreadable = entries."""
    unreadable = kinds.get(UNREADABLE, 0)
    other = sum(count for kind, count in kinds.items() if kind.startswith(OTHER))
    understood = sum(kinds.values()) - other - unreadable
    return {"understood": understood, "other": other, "unreadable": unreadable}


def _currencies(books: Books, window: Window) -> dict[str, Section]:
    rows = books.sql(f"""
        WITH shown AS (
            SELECT t.currency, count(*) AS transactions,
                count(DISTINCT t.subscriber_id) AS subscribers,
                coalesce(sum(amount) FILTER (WHERE t.type = 'CREDIT'), 0) AS credits,
                coalesce(sum(amount) FILTER (WHERE t.type = 'DEBIT'), 0) AS debits,
                coalesce(sum(amount) FILTER (WHERE t.type = 'CREDIT' AND outcome = 'applied'), 0)
                    AS applied_credits,
                coalesce(sum(amount) FILTER (WHERE t.type = 'DEBIT' AND outcome = 'applied'), 0)
                    AS applied_debits
            FROM transactions AS t WHERE {window.holds("t.at")} AND t.currency IS NOT NULL
            GROUP BY t.currency
        ),
        gaps AS (
            SELECT currency, coalesce(sum(abs(gap_at_end)), 0) AS gap_at_end,
                count(*) FILTER (WHERE gap_at_end <> 0) AS subscribers_out_of_sync
            FROM subscribers GROUP BY currency
        )
        SELECT currency, coalesce(transactions, 0) AS transactions,
            coalesce(subscribers, 0) AS subscribers,
            coalesce(credits, 0) AS credits, coalesce(debits, 0) AS debits,
            coalesce(applied_credits, 0) AS applied_credits,
            coalesce(applied_debits, 0) AS applied_debits,
            coalesce(gap_at_end, 0) AS gap_at_end,
            coalesce(subscribers_out_of_sync, 0) AS subscribers_out_of_sync
        FROM shown FULL JOIN gaps USING (currency) ORDER BY currency
    """)
    return {row.pop("currency"): row for row in rows.to_pylist()}


def _checks(books: Books, findings: tuple[Findings, ...]) -> tuple[Section, ...]:
    if not findings:  # every check can be switched off
        return ()
    sums = of_all(
        findings,
        "severity, cause, coalesce(currency, '') AS currency, count(*) AS findings, "
        "coalesce(sum(amount_at_risk), 0) AS amount_at_risk",
        "WHERE accepted_by IS NULL GROUP BY ALL",
    )
    checks: dict[str, Section] = {
        one.check.id: {
            "id": one.check.id,
            "title": one.check.title,
            "severity": one.check.severity,
            "findings": 0,
            "accepted": 0,
            "subscribers": 0,
            "by_cause": {},
            "by_severity": {},
            "at_risk_by_severity": {},
            "by_currency": {},
        }
        for one in findings
    }
    counts = of_all(
        findings,
        "count(DISTINCT subscriber_id) FILTER (WHERE accepted_by IS NULL), count(accepted_by)",
    )
    for check_id, subscribers, accepted in _rows(books, counts):
        checks[check_id] |= {"subscribers": subscribers, "accepted": accepted}
    for row in _rows(books, f"{sums} ORDER BY currency, cause NULLS FIRST, severity"):
        _add(checks[row[0]], row[1:])
    for check in checks.values():
        check["by_cause"] = dict(sorted(check["by_cause"].items()))
    return tuple(checks.values())


def _add(check: Section, row: tuple[str, str | None, str, int, Decimal]) -> None:
    """Add the findings of one severity, cause and currency to a check's section."""
    severity, cause, currency, count, amount = row
    check["findings"] += count
    check["by_severity"][severity] = check["by_severity"].get(severity, 0) + count
    if cause is not None:
        check["by_cause"][cause] = check["by_cause"].get(cause, 0) + count
    at_risk = check["at_risk_by_severity"].setdefault(severity, {})
    at_risk[currency] = at_risk.get(currency, Decimal(0)) + amount
    of = check["by_currency"].setdefault(currency, {"findings": 0, "amount_at_risk": Decimal(0)})
    of["findings"] += count
    of["amount_at_risk"] += amount


def _operations(books: Books, window: Window) -> Section:
    shown = window.holds("coalesce(i.started_at, i.ended_at)")
    by_status = dict.fromkeys(("ok", "failed", "crashed", "unfinished"), 0) | dict(
        _rows(
            books,
            f"""
            SELECT status, count(*) FROM invocations AS i WHERE {shown} GROUP BY 1
        """,
        )
    )
    measures = _one(
        books,
        f"""
        SELECT
            (SELECT count(*) FROM crashes_at_init AS c WHERE {window.holds("c.at")})
                AS crashes_at_init,
            count(init_ms) AS cold_starts,
            quantile_cont(duration_ms, [0.5, 0.95, 0.99]) AS quantiles,
            max(duration_ms) AS longest,
            coalesce(sum(billed_ms), 0)::BIGINT AS billed_ms,
            max(memory_mb)::BIGINT AS memory_mb,
            max(memory_used_mb)::BIGINT AS memory_used_mb
        FROM invocations AS i WHERE {shown}
    """,
    )
    quantiles = measures.pop("quantiles") or [None] * 3
    p50, p95, p99 = (None if value is None else round(value, 3) for value in quantiles)
    return {
        "invocations_by_status": by_status,
        "crashes_at_init": measures.pop("crashes_at_init"),
        "cold_starts": measures.pop("cold_starts"),
        "duration_ms": {"p50": p50, "p95": p95, "p99": p99, "max": measures.pop("longest")},
        **measures,
    }
