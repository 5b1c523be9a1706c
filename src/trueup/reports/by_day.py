"""What happened on each day (UTC): transactions, money, errors, findings, and the Lambda's work.

A day without any of it has no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks import Findings
from trueup.reports.queries import of_all

Section = dict[str, Any]


def list_days(books: Books, findings: Sequence[Findings], window: Window) -> tuple[Section, ...]:
    """Return a row per day: transactions, sync errors, failed messages, findings.

    `errors` is sync errors and failed messages together. `findings` are the open ones of severity
    high and medium, on the day of their time: a state on the day on which it began, and on none if
    that lies before the window. `unusual` names what the check error_spike found on that day
    (`sync_errors`, `failures`), `unusual_errors` repeats the errors of such a day.
    """
    query = f"""
        WITH events AS (
            SELECT CAST(t.at AS DATE) AS day, 1 AS transactions, 0 AS sync_errors, 0 AS failed,
                0 AS findings, CAST(NULL AS VARCHAR) AS unusual
            FROM transactions AS t WHERE {window.holds("t.at")}
            UNION ALL
            SELECT CAST(e.at AS DATE), 0, 1, 0, 0, NULL
            FROM sync_errors AS e WHERE {window.holds("e.at")}
            UNION ALL
            SELECT CAST(m.at AS DATE), 0, 0, 1, 0, NULL
            FROM messages AS m WHERE m.outcome = 'failed' AND {window.holds("m.at")}
            UNION ALL
            {_found(findings, window)}
        ),
        days AS (
            SELECT e.day, sum(e.transactions)::BIGINT AS transactions,
                sum(e.sync_errors)::BIGINT AS sync_errors, sum(e.failed)::BIGINT AS failed_messages,
                sum(e.sync_errors + e.failed)::BIGINT AS errors,
                sum(e.findings)::BIGINT AS findings,
                string_agg(DISTINCT e.unusual, ', ' ORDER BY e.unusual) AS unusual
            FROM events AS e WHERE e.day IS NOT NULL GROUP BY e.day
        )
        SELECT d.day, d.transactions, d.sync_errors, d.failed_messages, d.errors,
            CASE WHEN d.unusual IS NOT NULL THEN d.errors END AS unusual_errors,
            d.unusual, d.findings
        FROM days AS d ORDER BY d.day
    """
    return tuple(books.sql(query).to_pylist())


def _found(findings: Sequence[Findings], window: Window) -> str:
    """Return the query of the open findings of severity high and medium as events of a day."""
    none = "SELECT CAST(NULL AS DATE), 0, 0, 0, 0, NULL WHERE FALSE"
    if not findings:
        return none
    rows = of_all(
        findings,
        'f."at" AS at, cause, severity',
        f"AS f WHERE accepted_by IS NULL AND {window.holds('f.at')}",
    )
    return f"""
        SELECT CAST(g.at AS DATE), 0, 0, 0, CAST(g.severity IN ('high', 'medium') AS INTEGER),
            CASE WHEN g."check" = 'error_spike' THEN g.cause END
        FROM ({rows}) AS g
        WHERE g.severity IN ('high', 'medium') OR g."check" = 'error_spike'
    """


def list_money_by_day(books: Books, window: Window) -> tuple[Section, ...]:
    """Return a row per currency and day: transactions, credits and debits as logged."""
    return tuple(
        books.sql(
            f"""
            SELECT t.currency, CAST(t.at AS DATE) AS day, count(*) AS transactions,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'CREDIT'), 0) AS credits,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'DEBIT'), 0) AS debits
            FROM transactions AS t
            WHERE {window.holds("t.at")} AND t.currency IS NOT NULL AND t.at IS NOT NULL
            GROUP BY ALL ORDER BY t.currency, day
            """
        ).to_pylist()
    )


def list_operations(books: Books, window: Window) -> tuple[tuple[Section, ...], Section]:
    """Return what the Lambda did per day, and the same of all days together.

    An invocation counts on the day on which it started. GB-seconds are what is paid for: billed
    time by the memory that was set, 1 GB = 1024 MB.
    """
    rows = books.sql(
        f"""
        WITH shown AS (
            SELECT CAST(coalesce(i.started_at, i.ended_at) AS DATE) AS day, i.*,
                TRY_CAST(i.duration_ms AS DECIMAL(18, 3)) AS duration
            FROM invocations AS i
            WHERE {window.holds("coalesce(i.started_at, i.ended_at)")}
        ),
        days AS (
            SELECT s.day, grouping(s.day) AS is_total,
                count(*) AS invocations,
                count(s.init_ms) AS cold_starts,
                count(*) FILTER (WHERE s.status = 'failed') AS failed,
                count(*) FILTER (WHERE s.status = 'crashed') AS crashed,
                count(*) FILTER (WHERE s.status = 'unfinished') AS unfinished,
                round(CAST(sum(s.duration) AS DOUBLE) / nullif(count(s.duration), 0), 1)
                    AS duration_mean,
                round(quantile_cont(s.duration_ms, 0.95), 1) AS duration_p95,
                coalesce(sum(s.billed_ms), 0)::BIGINT AS billed_ms,
                coalesce(sum(s.billed_ms * s.memory_mb), 0) / 1024000 AS gb_seconds,
                max(s.memory_mb)::BIGINT AS memory_mb,
                max(s.memory_used_mb)::BIGINT AS memory_used_mb
            FROM shown AS s GROUP BY GROUPING SETS ((s.day), ())
        ),
        crashes AS (
            SELECT CAST(c.at AS DATE) AS day, grouping(CAST(c.at AS DATE)) AS is_total,
                count(*) AS crashes_at_init
            FROM crashes_at_init AS c WHERE {window.holds("c.at")}
            GROUP BY GROUPING SETS ((CAST(c.at AS DATE)), ())
        )
        SELECT coalesce(d.is_total, c.is_total) AS is_total, coalesce(d.day, c.day) AS day,
            coalesce(d.invocations, 0) AS invocations, coalesce(d.cold_starts, 0) AS cold_starts,
            coalesce(d.failed, 0) AS failed_invocations, coalesce(d.crashed, 0) AS crashed,
            coalesce(c.crashes_at_init, 0) AS crashes_at_init,
            coalesce(d.unfinished, 0) AS unfinished, d.duration_mean, d.duration_p95,
            coalesce(d.billed_ms, 0) AS billed_ms, round(coalesce(d.gb_seconds, 0), 3) AS gb_seconds,
            d.memory_mb, d.memory_used_mb
        FROM days AS d FULL JOIN crashes AS c
            ON c.day IS NOT DISTINCT FROM d.day AND c.is_total = d.is_total
        ORDER BY is_total, day NULLS LAST
        """
    ).to_pylist()
    *days, total = rows
    for row in rows:
        del row["is_total"]
    del total["day"]
    return tuple(days), total
