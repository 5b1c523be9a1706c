"""How far the books explain themselves: the share of transactions, and of volume, that add up.

A transaction is explained unless

- arithmetic: it has an open finding of `mismatch`;
- continuity: it has an open finding of `flow_break` with the cause `unseen_change`: it does not
  start from where the one before it ended, and nothing in the logs says why. The other causes of a
  flow break are named ones;
- sync: after it the two balances differ, and the gap has no named cause. A gap has one while each
  of its steps came with a transaction that was not applied (blocked, failed, skipped, or synced by
  another listener), which says what the one balance has and the other has not. One that the
  subscriber's first telling transaction has already, or that a step at an applied transaction made
  or moved, has none. What was accepted under `out_of_sync` counts as named.

Where the logs do not tell (no payment balance, no type, an amount that is no number) nothing
speaks against a transaction: it counts as explained, and is counted apart as `untold`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks import Findings

Section = dict[str, Any]

PARTS = {"mismatch": "arithmetic", "flow_break": "continuity", "out_of_sync": "sync"}
"""What each part of the judgement asks; a check that is switched off leaves its part out."""

_NAMED = "('blocked', 'failed', 'skipped', 'already_synced')"


def explain_books(books: Books, findings: Sequence[Findings], window: Window) -> Section:
    """Return per currency how many transactions and how much volume is explained, and why not.

    A transaction can fail in more than one part. Volume is the size of the amounts as logged.
    `without` names the parts that were not judged.
    """
    tables = {one.check.id: one.table for one in findings if one.check.id in PARTS}
    rows = books.sql(_query(tables, window)).to_pylist()
    return {
        "currencies": {row.pop("currency"): row for row in rows},
        "without": [part for check, part in PARTS.items() if check not in tables],
    }


def _query(tables: dict[str, str], window: Window) -> str:
    return f"""
        WITH steps AS (
            SELECT g.subscriber_id, g.currency, g.position,
                g.gap <> 0 AND bool_or(
                    g.cause <> 'drift' AND (g.is_first OR g.outcome IS NULL OR g.outcome NOT IN {_NAMED})
                ) OVER (
                    PARTITION BY g.subscriber_id, g.currency, g.episode ORDER BY g.position
                ) AS is_unnamed
            FROM gap_moves AS g
        ),
        judged AS (
            SELECT t.currency, coalesce(abs(t.amount), 0) AS size,
                {_has(tables, "mismatch", "f.attempt_id = t.attempt_id")} AS arithmetic,
                {_has(tables, "flow_break", "f.attempt_id = t.attempt_id AND f.cause = 'unseen_change'")}
                    AS continuity,
                {_sync(tables)} AS sync,
                t.expected_delta IS NULL OR t.gap IS NULL AS is_untold
            FROM transactions AS t
            ASOF LEFT JOIN steps AS s
                ON s.subscriber_id = t.subscriber_id AND s.currency = t.currency
                AND t.position >= s.position
            WHERE {window.holds("t.at")} AND t.currency IS NOT NULL
        ),
        summed AS (
            SELECT j.*, NOT (j.arithmetic OR j.continuity OR j.sync) AS is_explained FROM judged AS j
        )
        SELECT s.currency, count(*) AS transactions,
            count(*) FILTER (WHERE s.is_explained) AS explained,
            round(count(*) FILTER (WHERE s.is_explained) / count(*), 6) AS share,
            sum(s.size) AS volume,
            coalesce(sum(s.size) FILTER (WHERE s.is_explained), 0) AS explained_volume,
            round(
                CAST(coalesce(sum(s.size) FILTER (WHERE s.is_explained), 0) AS DOUBLE)
                / nullif(CAST(sum(s.size) AS DOUBLE), 0), 6
            ) AS volume_share,
            count(*) FILTER (WHERE s.arithmetic) AS arithmetic,
            count(*) FILTER (WHERE s.continuity) AS continuity,
            count(*) FILTER (WHERE s.sync) AS sync,
            count(*) FILTER (WHERE s.is_explained AND s.is_untold) AS untold
        FROM summed AS s GROUP BY s.currency ORDER BY s.currency
    """


def _has(tables: dict[str, str], check: str, condition: str) -> str:
    """Return the SQL condition that transaction `t` has an open finding of the check."""
    if check not in tables:
        return "FALSE"
    return f"""EXISTS (
        SELECT 1 FROM {tables[check]} AS f WHERE f.accepted_by IS NULL AND {condition}
    )"""


def _sync(tables: dict[str, str]) -> str:
    if "out_of_sync" not in tables:
        return "FALSE"
    return f"""(
        t.gap IS NOT NULL AND t.gap <> 0 AND coalesce(s.is_unnamed, FALSE) AND NOT EXISTS (
            SELECT 1 FROM {tables["out_of_sync"]} AS f WHERE f.accepted_by IS NOT NULL
            AND f.subscriber_id = t.subscriber_id AND f.currency = t.currency
        )
    )"""
