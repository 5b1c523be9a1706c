"""What each action moved, per currency and type, and which actions there are most of."""

from __future__ import annotations

from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window

Section = dict[str, Any]

MOST_ACTIONS = 500
"""Actions that are listed by name; hostile logs can have one per transaction."""

FURTHER = "(further actions)"
"""Stands for all actions past MOST_ACTIONS."""

MOST_SHOWN = 12
"""Actions of the shorter list: as many as a chart can name."""


def list_actions(books: Books, window: Window) -> tuple[Section, ...]:
    """Return a row per currency, action and type, with the most frequent first in each currency.

    Sums are as logged, VAT included, every attempt counted; the applied ones are those that were
    carried out. Sync errors are those of transactions. The transactions add up to all there are:
    one without currency, action or type stands in a row without.
    """
    return tuple(
        books.sql(
            f"""
            WITH ranked AS (
                SELECT t.action, row_number() OVER (ORDER BY count(*) DESC, t.action) AS place
                FROM transactions AS t WHERE {window.holds("t.at")} AND t.action IS NOT NULL
                GROUP BY t.action
            )
            SELECT t.currency,
                CASE WHEN r.place > {MOST_ACTIONS} THEN '{FURTHER}' ELSE t.action END AS action,
                t.type,
                count(*) AS transactions,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'CREDIT'), 0) AS credits,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'DEBIT'), 0) AS debits,
                count(*) FILTER (WHERE t.outcome = 'applied') AS applied,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'CREDIT' AND t.outcome = 'applied'), 0)
                    AS applied_credits,
                coalesce(sum(t.amount) FILTER (WHERE t.type = 'DEBIT' AND t.outcome = 'applied'), 0)
                    AS applied_debits,
                count(*) FILTER (WHERE t.has_sync_error) AS sync_errors
            FROM transactions AS t LEFT JOIN ranked AS r ON r.action = t.action
            WHERE {window.holds("t.at")}
            GROUP BY ALL
            ORDER BY t.currency NULLS LAST, transactions DESC, action NULLS LAST, t.type NULLS LAST
            """
        ).to_pylist()
    )


def most_frequent(rows: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the actions with the most transactions, of all currencies: rows that count."""
    found: dict[str | None, Section] = {}
    for row in rows:
        action = row["action"]
        of = found.setdefault(action, {"action": action, "transactions": 0, "sync_errors": 0})
        of["transactions"] += row["transactions"]
        of["sync_errors"] += row["sync_errors"]
    ranked = sorted(found.values(), key=lambda of: (-of["transactions"], of["action"] or ""))
    return tuple(ranked[:MOST_SHOWN])
