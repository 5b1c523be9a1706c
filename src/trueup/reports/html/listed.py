"""What the page lists: findings up to a limit that is shared fairly, subscribers by risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trueup.checks import SEVERITIES, Findings
from trueup.reports.report import Report

MOST_FINDINGS = 3_000
"""Open findings on the page: about 3 MB, which a phone still opens."""

MOST_ACCEPTED = 300

MOST_SUBSCRIBERS = 200

MOST_CURRENCIES = 20
"""Currencies with a block of their own; hostile logs can have one per transaction."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows that are shown, of how many there are."""

    rows: tuple[Row, ...]
    of: int
    cut: tuple[Row, ...] = ()
    """Checks of which not all is shown: title, shown, of."""

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are shown."""
        return len(self.rows) < self.of


def share_out(wanted: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many each gets of `most`: the small ones all, the large ones equal parts."""
    given: dict[str, int] = {}
    for left, name in enumerate(sorted(wanted, key=lambda name: (wanted[name], name))):
        part = (most - sum(given.values())) // (len(wanted) - left)
        given[name] = min(wanted[name], part)
    return given


def open_findings(report: Report) -> Listed:
    """Return the open findings that ask for a look, the severest first, the largest of each check."""
    wanted = {
        check["id"]: check["findings"] - check["by_severity"].get("info", 0)
        for check in report.checks
    }
    given = share_out(wanted, MOST_FINDINGS)
    rows = [
        row
        for one in report.findings
        if given[one.check.id]
        for row in _first(one, f"accepted_by IS NULL AND place <= {given[one.check.id]}")
    ]
    rows.sort(key=lambda row: SEVERITIES.index(row["severity"]))
    cut = tuple(
        {"title": check["title"], "shown": given[check["id"]], "of": wanted[check["id"]]}
        for check in report.checks
        if given[check["id"]] < wanted[check["id"]]
    )
    return Listed(tuple(rows), sum(wanted.values()), cut)


def accepted_findings(report: Report) -> Listed:
    """Return the accepted findings; in a check's order they stand behind the open ones."""
    wanted = {check["id"]: check["accepted"] for check in report.checks}
    given = share_out(wanted, MOST_ACCEPTED)
    before = {check["id"]: check["findings"] for check in report.checks}
    rows = [
        row
        for one in report.findings
        if given[one.check.id]
        for row in _first(
            one,
            f"accepted_by IS NOT NULL AND place <= {before[one.check.id] + given[one.check.id]}",
        )
    ]
    return Listed(tuple(rows), sum(wanted.values()))


def _first(findings: Findings, which: str) -> Iterator[Row]:
    for row in findings.rows(which):
        row.pop("history", None)
        yield {**row, "title": findings.check.title}


def riskiest_subscribers(report: Report) -> Listed:
    """Return the subscribers with the highest risk; those without any are not listed."""
    rows = report.riskiest_subscribers(MOST_SUBSCRIBERS)
    return Listed(tuple(rows), report.subscribers_at_risk)


def at_risk(of: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return the currencies and amounts at risk of a check that are not zero, the first ones."""
    found = [(name, one["amount_at_risk"]) for name, one in of.items() if one["amount_at_risk"]]
    return found[:MOST_CURRENCIES]
