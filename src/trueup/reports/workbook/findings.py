"""The sheets of findings: what to do about them, the red flags, a sheet per check, the histories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from xlsxwriter.worksheet import Worksheet

from trueup.checks import Check, Findings
from trueup.checks.runner import ACCEPTED, COMMON, EVIDENCE, by_severity
from trueup.reports.columns import in_currency
from trueup.reports.report import Report
from trueup.reports.workbook.cells import Link, Percent, Sentence, Severity
from trueup.reports.workbook.pages import Pages, Row, Table

FLAGGED = "severity IN ('high', 'medium')"

_FIRST = (
    "severity", "cause", "subscriber_id", "currency", "at", "expected", "logged", "difference",
    "amount_at_risk", "explanation",
)  # fmt: skip
_RED_FLAGS = ("severity", "check", *_FIRST[1:], *EVIDENCE, "transaction_id", "finding_id")
_MOVE_KEYS = ("at", "cause", "move", "gap", "transaction_id", "outcome", "action")

_MOST_CURRENCIES = 20
"""Currencies with a column of their own beside the recommendations: those with the most business."""

# An id takes two lines beside a sentence that takes as many, and both print legibly.
_WIDTHS = {"subscriber_id": 20, "explanation": 62}
_WRAPPED = ("subscriber_id", "explanation", "steps")

_RESERVED = frozenset(
    {"charts", "glossary", "history", "operations", "problems", "subscribers", "transactions"}
)
"""Names that a check of the user's own may have, and a sheet of it not."""

Places = dict[tuple[str, str | None, str], Link]
"""By check, cause and severity: the cell of the first finding."""


def sheet_of(check: str) -> str:
    """Return the name of a check's sheet."""
    return f"check {check}" if check in _RESERVED else check


def add_red_flags(pages: Pages, report: Report) -> None:
    """Write every finding of severity high and medium, the worst first and the accepted last."""
    rows = by_severity(report.findings, ("high", "medium"))
    texts = [
        "Every finding of severity high and medium, of all checks: high before medium, and within a check the largest sum first, measured by the mean transaction of its currency.",
        "Sums at risk are not to be added up across checks: a gap, the refused overdraft that made it and the overdrawn wallet can be one sum of money.",
    ]
    columns = (*_RED_FLAGS, *ACCEPTED)
    pages.add_table(
        "Red flags", "Red flags", texts, _table(columns, (_row(columns, row) for row in rows))
    )


def add_check(pages: Pages, findings: Findings, places: Places) -> None:
    """Write a check's findings, if there are any, and note where those of each cause begin."""
    rows = findings.rows()
    first = next(rows, None)
    if first is None:
        return
    check = findings.check
    own = tuple(name for name in findings.own_columns if name not in COMMON)
    shown = [name for name in _FIRST if name != "cause" or set(check.severities) != {""}]
    columns = (*shown, "transaction_id", *own, *EVIDENCE, "finding_id", *ACCEPTED)
    cause = columns.index("cause") if "cause" in columns else None

    def note(sheet: str, line: int, row: Row) -> None:
        key = check.id, row[cause] if cause is not None else None, str(row[0])
        places.setdefault(key, Link(check.title, sheet, f"A{line + 1}"))

    table = _table(columns, (_row(columns, row) for row in chain([first], rows)), note)
    pages.checks.add(sheet_of(check.id))
    pages.add_table(sheet_of(check.id), check.title, _words(check), table)


def _words(check: Check) -> list[str]:
    expected, logged, at_risk = check.sums
    words = [check.question, f"Why it matters: {check.why}", f"What to do: {check.do}"]
    if expected != "none":
        words.append(f"Expected: {expected}. Logged: {logged}. At risk: {at_risk}.")
    return words


def _row(columns: Sequence[str], row: Mapping[str, Any]) -> list[Any]:
    cells = [row[name] for name in columns]
    cells[0] = Severity(cells[0])
    for name in _WRAPPED:
        if name in columns and (text := row[name]) is not None:
            cells[columns.index(name)] = Sentence(text)
    return cells


def _table(columns: Sequence[str], rows: Iterator[Row], on_row: Any = None) -> Table:  # noqa: ANN401
    sentence, subscriber = columns.index("explanation"), columns.index("subscriber_id")
    accepted = columns.index("accepted_by")
    return Table(
        columns,
        rows,
        last_on_paper="explanation",
        widths=_WIDTHS,
        is_faint=lambda row: row[accepted] is not None,
        lines=lambda row: max(
            lines_of(row[sentence], _WIDTHS["explanation"]),
            lines_of(row[subscriber] or "", _WIDTHS["subscriber_id"]),
        ),
        on_row=on_row,
    )


def lines_of(text: str, width: int) -> int:
    """Return how many lines a text takes: not every program makes room when it opens a file."""
    return -(-len(text) // (width * 6 // 5))  # a width counts digits, which are wider than letters


def add_history(pages: Pages, findings: Findings) -> None:
    """Write the moves behind each finding: what each added to the gap."""
    columns = (
        "subscriber_id", "currency", "at", "move_cause", *_MOVE_KEYS[2:],
        "file", "first_line", "last_line",
    )  # fmt: skip
    moves = (
        [
            row["subscriber_id"],
            row["currency"],
            *(move[name] for name in _MOVE_KEYS),
            *move["evidence"].values(),
        ]
        for row in findings.rows()
        for move in row["history"] or ()
    )
    first = next(moves, None)
    if first is None:
        return
    check = findings.check
    texts = [f"The moves behind each finding of {check.id}: together they are the gap."]
    table = Table(columns, chain([first], moves), last_on_paper="action")
    pages.add_table(f"{check.id[:23]} history", f"{check.title}: how each came about", texts, table)


def add_steps(pages: Pages, report: Report) -> Worksheet | None:
    """Add the sheet of recommendations, if there are any; it is written when its links are known."""
    if not report.recommendations:
        return None
    return pages.add_sheet(
        "What to do", "The recommendations: who has to do what, in order of the money at risk"
    )


def write_steps(pages: Pages, sheet: Worksheet, report: Report, places: Places) -> None:
    """Write the recommendations, each linked to the first of its findings."""
    found = report.recommendations
    named = sorted({name for one in found for name in one["amount_at_risk"] if name})
    named.sort(key=lambda name: -report.currencies.get(name, {}).get("transactions", 0))
    currencies = sorted(named[:_MOST_CURRENCIES])
    columns = (
        "rank", "steps", "check", "cause", "severity", "findings", "subscribers",
        *(in_currency("amount_at_risk", name) for name in currencies), "weight",
    )  # fmt: skip
    table = Table(
        columns,
        [_step(pages, one, currencies, places) for one in found],
        widths={"check": 30, "steps": 56, **dict.fromkeys(columns[7:-1], 12)},
        lines=lambda row: lines_of(row[1], 54),
    )
    texts = [
        "What to do, the weightiest first. A check's name leads to the first of the findings that it is about.",
        "Amounts of different currencies cannot be compared: the order is that of the amounts at risk as shares of each currency's business (weight).",
    ]
    if left := len(named[_MOST_CURRENCIES:]):
        texts.append(f"Amounts in {left:,} further currencies stand in report.json.")
    top = pages.write_top(sheet, "What to do", texts, table.line)
    rest = pages.write_table(sheet, table, top)
    pages.go_on("What to do", "What to do", table, rest)


def _step(
    pages: Pages, one: Mapping[str, Any], currencies: Sequence[str], places: Places
) -> list[Any]:
    link = places.get((one["check"], one["cause"], one["severity"]))
    return [
        one["rank"],
        Sentence(" ".join(f"{step['who']}: {step['what']}" for step in one["steps"])),
        link or one["title"],
        one["cause"],
        Severity(one["severity"]),
        one["findings"],
        one["subscribers"],
        *(pages.amount(one["amount_at_risk"].get(name), name) for name in currencies),
        Percent(one["weight"]),
    ]
