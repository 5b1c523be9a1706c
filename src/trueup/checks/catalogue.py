"""The catalogue of checks: one SQL file each, with its entry in the comment on top.

The entry's lines are `-- key: text`. Keys: id, title, severity, sums, question, why, do, explain;
and where it has one, advice: `who: what` to recommend (`Accounting: ...`). advice and explain may
name a cause (`-- explain posted: ...`). `severity` is one word, or one per cause (`posted high,
refused low`); `sums` says what is expected, what is logged and what is at risk, with semicolons
between. `-- lasts: yes` marks a check whose findings are states, `-- history: yes` one whose
findings come with the moves of the subscriber's gap. A part of an explanation in
brackets stands only where all that it names is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files as package_files
from pathlib import Path

from trueup.config import Settings, nearest
from trueup.errors import BadUse

SEVERITIES = ("high", "medium", "low", "info")
"""From what somebody has to act on to what only explains."""

BUILT_IN = (
    "overdraft",
    "payment_overdraft",
    "blocked_overdraft",
    "low_balance",
    "mismatch",
    "flow_break",
    "out_of_sync",
    "missed_alarm",
    "duplicate_posting",
    "unexpected_sign",
    "wallet_mismatch",
    "currency_change",
    "unusual_change",
    "failed_sync",
    "crashed_invocation",
    "error_spike",
    "gap_change",
    "false_alarm",
)
"""The checks that come with trueup, in the order in which reports show them."""

_LINE = re.compile(r"-- (\w+)(?: (\w+))?: (.*)")
_ID = re.compile(r"[a-z][a-z0-9_]{0,24}")
_REQUIRED = ("id", "title", "severity", "sums", "question", "why", "do")


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
    advices: Mapping[str, str] = field(default_factory=dict)
    """What is recommended, by cause; `""` for any cause."""
    is_state: bool = False
    """Whether a finding lasts: its statement returns until when, as `lasts_until` (NULL: still)."""
    has_history: bool = False
    """Whether a finding has a history: the moves of the subscriber's open gap."""
    file: str = ""
    """The file of a check that is the user's own."""

    @property
    def severity(self) -> str:
        """The severest that a finding of it can have."""
        return min(self.severities.values(), key=SEVERITIES.index)

    def explanation_of(self, cause: str | None) -> str:
        """Return the sentence that explains a finding with this cause."""
        return self.explanations.get(cause or "") or self.explanations[""]

    def advice_of(self, cause: str | None) -> str:
        """Return what is recommended for findings with this cause; empty if nothing is."""
        return self.advices.get(cause or "") or self.advices.get("", "")


@dataclass(frozen=True, slots=True)
class BrokenCheck:
    """A check of the user's own that cannot be run: where and why."""

    file: str
    line: int
    problem: str


def read_check(text: str, file: str = "") -> Check:
    """Read a check from the text of its SQL file; ValueError says what its entry lacks."""
    entry, by_cause = _read_entry(text)
    missing = [name for name in _REQUIRED if name not in entry]
    explanations = by_cause["explain"]
    if missing or not explanations:
        raise ValueError(f"the check's entry lacks {', '.join(missing) or 'explain'}")
    if not _ID.fullmatch(entry["id"]):
        raise ValueError(f"the check's id is not lower-case letters, digits and _: {entry['id']}")
    severities = _severities(entry["severity"])
    if unexplained := [cause for cause in severities if not explanations.keys() & {cause, ""}]:
        raise ValueError(f"the check's entry lacks explain {', '.join(unexplained)}")
    return Check(
        id=entry["id"],
        title=entry["title"],
        severities=severities,
        sums=_sums(entry["sums"]),
        question=entry["question"],
        why=entry["why"],
        do=entry["do"],
        explanations=explanations,
        sql=text,
        advices=by_cause["advice"],
        is_state=entry.get("lasts") == "yes",
        has_history=entry.get("history") == "yes",
        file=file,
    )


def _read_entry(text: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    entry: dict[str, str] = {}
    by_cause: dict[str, dict[str, str]] = {"explain": {}, "advice": {}}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            break
        key, cause, value = match.groups()
        if key in by_cause:
            by_cause[key][cause or ""] = value
        else:
            entry[key] = value
    return entry, by_cause


def _sums(text: str) -> tuple[str, str, str]:
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != 3:  # noqa: PLR2004
        raise ValueError(f"the check's sums are not expected; logged; at risk: {text}")
    expected, logged, at_risk = parts
    return expected, logged, at_risk


def _severities(text: str) -> dict[str, str]:
    severities: dict[str, str] = {}
    for part in text.split(","):
        *cause, severity = part.split() or [""]
        if severity not in SEVERITIES:
            raise ValueError(f"no such severity: {severity} (one of {', '.join(SEVERITIES)})")
        severities[" ".join(cause)] = severity
    return severities


def built_in_checks() -> tuple[Check, ...]:
    """Return the checks that come with trueup, as they come."""
    folder = package_files("trueup.checks")
    return tuple(read_check(folder.joinpath(f"{name}.sql").read_text()) for name in BUILT_IN)


def chosen_checks(settings: Settings) -> tuple[tuple[Check, ...], tuple[BrokenCheck, ...]]:
    """Return the checks that the settings ask for, and those of the user's own that are broken.

    Raises BadUse for a folder that cannot be read and for settings that name no check.
    """
    checks = {check.id: check for check in built_in_checks()}
    broken: list[BrokenCheck] = []
    for path in _own_files(settings.checks_path):
        try:
            check = read_check(path.read_text(encoding="utf-8-sig"), str(path))
            if check.id in checks:
                raise ValueError(f"the id {check.id} is taken by another check")  # noqa: TRY301
            checks[check.id] = check
        except (ValueError, OSError) as error:
            broken.append(BrokenCheck(str(path), 1, str(error)))
    for name in settings.checks_off:
        if name not in checks:
            raise BadUse(f"checks.off: no such check: {name!r} {nearest(name, checks)}")
    for name, severity in settings.checks_severity.items():
        if name not in checks:
            raise BadUse(f"checks.severity: no such check: {name!r} {nearest(name, checks)}")
        checks[name] = _judged(checks[name], severity)
    chosen = (check for name, check in checks.items() if name not in settings.checks_off)
    return tuple(chosen), tuple(broken)


def _own_files(folder: str | None) -> list[Path]:
    if folder is None:
        return []
    if not Path(folder).is_dir():
        raise BadUse(f"checks.path: no such folder: {folder}")
    return sorted(path for path in Path(folder).iterdir() if path.suffix == ".sql")


def _judged(check: Check, severity: object) -> Check:
    """Give a check, or causes of it, the severity that the settings ask for."""
    given: dict[str, str] = (
        severity if isinstance(severity, dict) else dict.fromkeys(check.severities, str(severity))
    )
    for cause, value in given.items():
        if cause not in check.severities:
            known = ", ".join(filter(None, check.severities)) or "none"
            raise BadUse(f"checks.severity: {check.id} has no cause {cause!r} (causes: {known})")
        if value not in SEVERITIES:
            choice = ", ".join(SEVERITIES)
            raise BadUse(f"checks.severity: {check.id}: unknown {value!r} (known: {choice})")
    return replace(check, severities={**check.severities, **given})
