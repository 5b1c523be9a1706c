"""What to do, in order of the money at risk: the advice of the checks that have findings.

The rules stand in the catalogue: a check says, per cause, who has to do what (`-- advice posted:
Accounting: ...`). Amounts of different currencies cannot be compared. So each is taken as a share
of what was credited and debited in its currency, and the shares are weighed by the currencies'
transactions: 0.02 means money worth two percent of the business. Among equal weights the severer
comes first, then the one with more findings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from trueup.books.ledger import Books
from trueup.checks import SEVERITIES, Check, Findings
from trueup.reports.queries import of_all

FIRST_STEPS = 3
"""Recommendations that first pages name; the sheet and report.json have all."""

LARGEST = 10
"""Findings that a recommendation names, the largest of it; its check and cause lead to all."""

_WHO = re.compile(r"(?:^|(?<=\. ))([A-Z][a-z]+(?: [a-z]+)?): ")

Section = dict[str, Any]


def recommend(
    books: Books, findings: Sequence[Findings], currencies: Mapping[str, Section]
) -> tuple[Section, ...]:
    """Return a recommendation per check, cause and severity, the weightiest first."""
    checks = {one.check.id: one.check for one in findings}
    found = [
        {**group, "weight": _weight(group["amount_at_risk"], currencies)}
        for row in _groups(books, findings)
        if (group := _group(checks[row["check"]], row))["steps"]
    ]
    found.sort(
        key=lambda group: (
            -group["weight"],
            SEVERITIES.index(group["severity"]),
            -group["findings"],
            group["check"],
            group["cause"] or "",
        )
    )
    return tuple({"rank": rank, **group} for rank, group in enumerate(found, 1))


def steps(advice: str) -> list[dict[str, str]]:
    """Return who has to do what, of an advice that may name several."""
    _, *parts = _WHO.split(advice)
    return [
        {"who": who, "what": what.strip()}
        for who, what in zip(parts[::2], parts[1::2], strict=True)
    ]


def _groups(books: Books, findings: Sequence[Findings]) -> list[Section]:
    """Return the open findings by check, cause and severity, amounts by currency."""
    if not findings:
        return []
    columns = "cause, severity, subscriber_id, currency, amount_at_risk, finding_id, place"
    return books.sql(
        f"""
        WITH found AS ({of_all(findings, columns, "WHERE accepted_by IS NULL")}),
        sums AS (
            SELECT "check", cause, severity, currency, sum(amount_at_risk) AS amount
            FROM found GROUP BY ALL HAVING sum(amount_at_risk) > 0
        ),
        amounts AS (
            SELECT "check", cause, severity, list((currency, amount) ORDER BY currency) AS amounts
            FROM sums GROUP BY ALL
        ),
        counted AS (
            SELECT "check", cause, severity, count(*) AS findings,
                count(DISTINCT subscriber_id) AS subscribers,
                arg_min(finding_id, place, {LARGEST}) AS largest
            FROM found GROUP BY "check", cause, severity
        )
        SELECT g.*, a.amounts
        FROM counted AS g LEFT JOIN amounts AS a
            ON a."check" = g."check" AND a.severity = g.severity
            AND a.cause IS NOT DISTINCT FROM g.cause
        """
    ).to_pylist()


def _group(check: Check, row: Mapping[str, Any]) -> Section:
    amounts = [tuple(pair.values()) for pair in row["amounts"] or []]
    return {
        "check": check.id,
        "title": check.title,
        "cause": row["cause"],
        "severity": row["severity"],
        "steps": steps(check.advice_of(row["cause"])),
        "findings": row["findings"],
        "subscribers": row["subscribers"],
        "amount_at_risk": {currency or "": amount for currency, amount in amounts},
        "largest": row["largest"],
    }


def _weight(amounts: Mapping[str, Decimal], currencies: Mapping[str, Section]) -> Decimal:
    everything = sum(figures["transactions"] for figures in currencies.values())
    weight = Decimal(0)
    for currency, amount in amounts.items():
        figures = currencies.get(currency)
        volume = abs(figures["credits"]) + abs(figures["debits"]) if figures else 0
        if figures and volume:
            weight += amount / volume * figures["transactions"] / everything
    return round(weight, 6)
