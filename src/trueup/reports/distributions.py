"""How amounts are spread, and who has most: the figures behind the charts.

Amounts are counted in bins of 1, 2, 5, 10, 20, ..., the same for every currency. All that is below
zero shares one bin, since no amount should be.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window

Section = dict[str, Any]

EDGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
"""Where a bin of amounts ends and the next begins; a bin holds its lower edge."""

BINS = (
    "below 0",
    "0",
    "up to 1",
    *(f"{low:,} to {high:,}" for low, high in pairwise(EDGES)),
    f"{EDGES[-1]:,} and more",
)
"""The bins' names, in order; an edge counts in the bin above it."""

MOST = 10
"""Subscribers of each list."""

RANKED_BY = {
    "transactions": "s.transactions",
    "sync_errors": "s.sync_errors",
    "exposure": "abs(s.gap_at_end)",
}
"""What the lists of subscribers are ordered by."""


def spread_amounts(books: Books, window: Window) -> tuple[Section, ...]:
    """Return how many amounts, as logged, fall into each bin: a row per currency and bin."""
    bins = " ".join(f"WHEN t.amount < {edge} THEN {place}" for place, edge in enumerate(EDGES, 2))
    counted = books.sql(
        f"""
        SELECT t.currency,
            CASE WHEN t.amount < 0 THEN 0 WHEN t.amount = 0 THEN 1 {bins} ELSE {len(BINS) - 1} END
                AS place,
            count(*) AS transactions,
            count(*) FILTER (WHERE t.type = 'CREDIT') AS credits,
            count(*) FILTER (WHERE t.type = 'DEBIT') AS debits
        FROM transactions AS t
        WHERE {window.holds("t.at")} AND t.currency IS NOT NULL AND t.amount IS NOT NULL
        GROUP BY ALL ORDER BY t.currency, place
        """
    ).to_pylist()
    found = {(row["currency"], row["place"]): row for row in counted}
    none = {"transactions": 0, "credits": 0, "debits": 0}
    return tuple(
        {
            "currency": currency,
            "bin": name,
            **{key: found.get((currency, place), none)[key] for key in none},
        }
        for currency in dict.fromkeys(row["currency"] for row in counted)
        for place, name in enumerate(BINS)
    )


def rank_subscribers(books: Books) -> dict[str, tuple[Section, ...]]:
    """Return, by what RANKED_BY orders by, the MOST first subscribers of each currency.

    Asks the table `subscribers`. Exposure is the size of the gap at the end.
    """
    lists = " UNION ALL ".join(
        f"""
        SELECT '{name}' AS list, s.currency, s.subscriber_id, s.transactions, s.sync_errors,
            s.gap_at_end, abs(s.gap_at_end) AS exposure, row_number() OVER (
                PARTITION BY s.currency ORDER BY {figure} DESC, s.subscriber_id
            ) AS rank
        FROM subscribers AS s WHERE {figure} > 0
        """
        for name, figure in RANKED_BY.items()
    )
    rows = books.sql(
        f"SELECT * FROM ({lists}) AS l WHERE l.rank <= {MOST} ORDER BY l.currency, l.rank"
    ).to_pylist()
    ranked: dict[str, list[Section]] = {name: [] for name in RANKED_BY}
    for row in rows:
        ranked[row.pop("list")].append(row)
    return {name: tuple(of) for name, of in ranked.items()}


def list_overdrawn(books: Books) -> dict[str, Section]:
    """Return per currency who is below zero at the end, by the lower of the two balances.

    Asks the table `subscribers`. `overdrawn` is what is missing to zero, added up.
    """
    rows = books.sql(
        """
        WITH lower AS (
            SELECT s.currency, coalesce(
                least(s.closing_balance, s.payment_balance), s.closing_balance, s.payment_balance, 0
            ) AS balance
            FROM subscribers AS s
        )
        SELECT l.currency, count(*) FILTER (WHERE l.balance < 0) AS subscribers_overdrawn,
            coalesce(-sum(l.balance) FILTER (WHERE l.balance < 0), 0) AS overdrawn
        FROM lower AS l GROUP BY l.currency ORDER BY l.currency
        """
    ).to_pylist()
    return {row.pop("currency"): row for row in rows}
