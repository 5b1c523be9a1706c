"""What led to a finding and what stands around it, from the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueup.reports.report import Report, Section

NEIGHBOURS = 5
"""Transactions that are shown before a finding's own, and after it."""

MOST_CRASHES = 10
DAYS_AROUND = 7

_OF_A_GAP = {"out_of_sync", "gap_change", "missed_alarm"}


def rows_of(report: Report, query: str, parameters: Sequence[Any]) -> tuple[Section, ...]:
    """Return the rows of a query on the books."""
    return tuple(report.books.sql(query, parameters).to_pylist())


def history(report: Report, finding: Section) -> tuple[Section, ...]:
    """Return the moves of the gap that the finding is about: of its whole episode."""
    if finding["check"] not in _OF_A_GAP:
        return ()
    # A gap that is open at the end is the last; a transaction falls into the latest one begun.
    attempt_id = None if finding["check"] == "out_of_sync" else finding["attempt_id"]
    return rows_of(
        report,
        """
        WITH own AS (
            SELECT g.*, g.attempt_id = ? AS is_own FROM gap_moves AS g
            WHERE g.subscriber_id = ? AND g.currency = ?
        )
        SELECT o."at", o.transaction_id, o.attempt_id, o.cause, o.type, o.action, o.amount,
            o.outcome, o.gap_before, o.move, o.gap, o.is_own
        FROM own AS o
        WHERE o.episode = (
            SELECT max(p.episode) FROM own AS p WHERE p.position <= coalesce(
                (SELECT t.position FROM transactions AS t WHERE t.attempt_id = ?), p.position)
        )
        ORDER BY o.position
        """,
        [finding["attempt_id"], finding["subscriber_id"], finding["currency"], attempt_id],
    )


def neighbours(report: Report, finding: Section) -> tuple[Section, ...]:
    """Return the transactions around the finding's own, or around its time if it has none."""
    if finding["subscriber_id"] is None:
        return ()
    # The first in another currency has no neighbour in its own.
    is_of_all = finding["check"] == "currency_change"
    return rows_of(
        report,
        f"""
        WITH own AS (
            SELECT t.*, t.attempt_id IS NOT DISTINCT FROM ? AS is_own,
                row_number() OVER (ORDER BY t.position) AS number
            FROM transactions AS t
            WHERE t.subscriber_id = ? AND {"TRUE" if is_of_all else "t.currency = ?"}
                AND {report.window.is_before_end("t.at")}
        ),
        here AS (
            SELECT coalesce(
                max(o.number) FILTER (WHERE o.is_own),
                max(o.number) FILTER (WHERE o."at" <= ?) + 0.5, 0.5
            ) AS number
            FROM own AS o
        )
        SELECT o."at", o.transaction_id, o.attempt_id, o.currency, o.type, o.type_inferred,
            o.action, o.amount, o.vat, o.old_balance, o.new_balance, o.outcome,
            o.subscription_after, o.payment_after, o.gap, o.has_sync_error, o.is_own
        FROM own AS o, here AS h
        WHERE abs(o.number - h.number) <= {NEIGHBOURS} ORDER BY o.position
        """,
        [
            finding["attempt_id"], finding["subscriber_id"],
            *([] if is_of_all else [finding["currency"]]), finding["at"],
        ],
    )  # fmt: skip


def occurrences(report: Report, finding: Section) -> tuple[Section, ...]:
    """Return what happened to the service: the crashes, or the days around with their errors."""
    if finding["check"] == "crashed_invocation":
        return _crashes(report, finding)
    return _days(report, finding) if finding["check"] == "error_spike" else ()


def _crashes(report: Report, finding: Section) -> tuple[Section, ...]:
    """Return the first crashes with the finding's error."""
    if finding["cause"] == "init":
        table, time, request = "crashes_at_init", 'c."at"', "NULL"
    else:
        table, time, request = "invocations", "coalesce(c.started_at, c.ended_at)", "c.request_id"
    is_crash = "c.status = 'crashed'" if table == "invocations" else "TRUE"
    return rows_of(
        report,
        f"""
        SELECT {time} AS "at", {request} AS request_id, f.name AS file, c.line
        FROM {table} AS c LEFT JOIN files AS f ON f.file_id = c.file_id
        WHERE {is_crash} AND coalesce(c.error, '') = ? AND {report.window.is_before_end(time)}
        ORDER BY 1 NULLS LAST, c.file_id, c.line LIMIT {MOST_CRASHES}
        """,
        [finding["error"]],
    )


def _days(report: Report, finding: Section) -> tuple[Section, ...]:
    """Return the errors of the days around the finding's."""
    return rows_of(
        report,
        f"""
        WITH events AS (
            SELECT e."at", e.subscriber_id, 1 AS sync_errors, 0 AS failures FROM sync_errors AS e
            UNION ALL
            SELECT m."at", NULL, 0, CAST(m.outcome = 'failed' AS INTEGER) FROM messages AS m
        )
        SELECT strftime(v."at", '%Y-%m-%d') AS day, sum(v.sync_errors)::BIGINT AS sync_errors,
            count(DISTINCT v.subscriber_id) AS subscribers, sum(v.failures)::BIGINT AS failures,
            date_trunc('day', ?::TIMESTAMP) = date_trunc('day', min(v."at")) AS is_own
        FROM events AS v
        WHERE {report.window.is_before_end('v."at"')}
            AND abs(date_diff('day', v."at", ?::TIMESTAMP)) <= {DAYS_AROUND}
        GROUP BY 1 ORDER BY 1
        """,
        [finding["at"], finding["at"]],
    )
