"""The catalogue of checks: one SQL file each, with its entry in the comment on top.

The entry's lines are `-- key: text`. Keys: id, title, severity, sums, question, why, do, and
explain, which may name a cause (`-- explain posted: ...`). `severity` is one word, or one per cause
(`posted high, refused low`); `sums` says what is expected, what is logged and what is at risk, with
semicolons between. `-- lasts: yes` marks a check whose findings are states.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files

SEVERITIES = ("high", "medium", "low", "info")
"""From what somebody has to act on to what only explains."""

FIRST_CHECKS = (
    "overdraft",
    "payment_overdraft",
    "mismatch",
    "flow_break",
    "out_of_sync",
    "missed_alarm",
    "gap_change",
    "false_alarm",
)
"""The checks, in the order in which reports show them."""

_LINE = re.compile(r"-- (\w+)(?: (\w+))?: (.*)")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its entry in the catalogue and its statement."""

    id: str
    title: str
    severities: Mapping[str, str]
    """Severity by cause; `""` for a check without causes."""
    sums: tuple[str, str, str]
    """What `expected`, `logged` and `amount_at_risk` of a finding are."""
    question: str
    why: str
    do: str
    explanations: Mapping[str, str]
    """Sentence by cause, with the finding's columns in braces; `""` for any other cause."""
    sql: str
    is_state: bool = False
    """Whether a finding lasts: its statement returns until when, as `lasts_until` (NULL: still)."""

    @property
    def severity(self) -> str:
        """The severest that a finding of it can have."""
        return min(self.severities.values(), key=SEVERITIES.index)

    def explanation_of(self, cause: str | None) -> str:
        """Return the sentence that explains a finding with this cause."""
        return self.explanations.get(cause or "") or self.explanations[""]


def read_check(text: str) -> Check:
    """Read a check from the text of its SQL file; ValueError says what its entry lacks."""
    entry: dict[str, str] = {}
    explanations: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            break
        key, cause, value = match.groups()
        if key == "explain":
            explanations[cause or ""] = value
        else:
            entry[key] = value
    missing = [
        key
        for key in ("id", "title", "severity", "sums", "question", "why", "do")
        if key not in entry
    ]
    if missing or not explanations:
        raise ValueError(f"the check's entry lacks {', '.join(missing) or 'explain'}")
    return Check(
        id=entry["id"],
        title=entry["title"],
        severities=_severities(entry["severity"]),
        sums=_sums(entry["sums"]),
        question=entry["question"],
        why=entry["why"],
        do=entry["do"],
        explanations=explanations,
        sql=text,
        is_state=entry.get("lasts") == "yes",
    )


def _sums(text: str) -> tuple[str, str, str]:
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != 3:  # noqa: PLR2004
        raise ValueError(f"the check's sums are not expected; logged; at risk: {text}")
    expected, logged, at_risk = parts
    return expected, logged, at_risk


def _severities(text: str) -> dict[str, str]:
    severities: dict[str, str] = {}
    for part in text.split(","):
        *cause, severity = part.split()
        if severity not in SEVERITIES:
            raise ValueError(f"no such severity: {severity} (one of {', '.join(SEVERITIES)})")
        severities[" ".join(cause)] = severity
    return severities


def first_checks() -> tuple[Check, ...]:
    """Return the checks that come with trueup."""
    folder = package_files("trueup.checks")
    return tuple(read_check(folder.joinpath(f"{name}.sql").read_text()) for name in FIRST_CHECKS)
