"""Queries that more than one part of the report asks."""

from __future__ import annotations

from collections.abc import Sequence

from trueup.checks import Findings


def of_all(findings: Sequence[Findings], columns: str, rest: str = "") -> str:
    """Return the query of the same columns from the findings of every check, in no order."""
    return " UNION ALL ".join(
        f"SELECT '{one.check.id}' AS \"check\", {columns} FROM {one.table} {rest}"
        for one in findings
    )
