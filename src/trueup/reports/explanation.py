"""Why a finding stands: its sums, what led to it, what stands around it, and the log's own lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trueup.checks.catalogue import Check
from trueup.checks.runner import Findings
from trueup.errors import BadUse
from trueup.logs.kinds import Markers
from trueup.money import Currencies
from trueup.reports.evidence import Excerpt, Logs, withheld
from trueup.reports.places import places
from trueup.reports.report import Report, Section
from trueup.reports.surroundings import history, neighbours, occurrences, rows_of
from trueup.sources.logfile import LogFile

SHORTEST_ID = 4
"""Characters of a finding's id that are enough, if only one finding begins so."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that proves one finding. It is data only, and stays when the audit is closed."""

    check: Check
    finding: Section
    """The finding's row, with its sentence as `explanation`."""
    own_columns: tuple[str, ...]
    """Names of the columns that only this check has."""
    history: tuple[Section, ...]
    """The moves that made up the gap, oldest first; for findings about a gap."""
    neighbours: tuple[Section, ...]
    """The subscriber's transactions around it; `is_own` marks the finding's."""
    occurrences: tuple[Section, ...]
    """For findings about the service: the crashes, or the days around, with their counts."""
    evidence: tuple[Excerpt, ...]
    money: Currencies

    def as_text(self, *, colour: bool = False, width: int = 80) -> str:
        """Return it for a terminal; lines of the logs are cut at the width, the rest at 80."""
        from trueup.reports.explanation_text import explanation_text

        return explanation_text(self, colour=colour, width=width)

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, as `trueup explain --json` prints it."""
        from trueup.reports.explanation_json import explanation_dict

        return explanation_dict(self)


def explain_finding(
    report: Report, files: Sequence[LogFile], markers: Markers, finding_id: str
) -> Explanation:
    """Gather what proves a finding, which the beginning of its id may name.

    The files are those that the audit read. Raises BadUse where no finding has an id that begins
    so, or more than one.
    """
    findings, whole_id = _find(report, finding_id)
    finding = next(findings.rows(f"finding_id = '{whole_id}'"))
    logs = Logs(files, markers)
    return Explanation(
        check=findings.check,
        finding=finding,
        own_columns=findings.own_columns,
        history=history(report, finding),
        neighbours=neighbours(report, finding),
        occurrences=occurrences(report, finding),
        evidence=tuple(
            excerpt
            for place in places(report, finding)
            for excerpt in ([withheld(place)] if report.books.pseudonyms else logs.excerpts(place))
        ),
        money=report.money,
    )


def _find(report: Report, finding_id: str) -> tuple[Findings, str]:
    """Return the check's findings that the finding is among, and its whole id."""
    asked = finding_id.strip().lower()
    if len(asked) < SHORTEST_ID:
        raise BadUse(
            f"{finding_id!r} is too short for a finding's id: "
            f"give at least its first {SHORTEST_ID} characters"
        )
    found = {
        row["finding_id"]: findings
        for findings in report.findings
        for row in rows_of(
            report,
            f"SELECT DISTINCT finding_id FROM {findings.table} WHERE starts_with(finding_id, ?)",
            [asked],
        )
    }
    if not found:
        raise BadUse(
            f"no finding's id begins with {finding_id[:40]!r} "
            "(ids stand in the column Finding of the reports of the same logs and settings)"
        )
    if len(found) > 1:
        raise BadUse(
            f"{len(found)} findings have an id that begins with {finding_id[:40]!r}: "
            f"{_some(sorted(found))} (give more of it)"
        )
    ((whole_id, findings),) = found.items()
    return findings, whole_id


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
