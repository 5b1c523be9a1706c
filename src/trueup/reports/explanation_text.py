"""An explanation as text of 80 columns, for a terminal or a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from trueup.checks.runner import in_words
from trueup.money import Currencies
from trueup.reports.columns import look
from trueup.reports.explanation import Explanation
from trueup.reports.explanation_tables import crash_lines, day_lines, history_lines, neighbour_lines
from trueup.reports.log_lines import CUT, excerpt_lines
from trueup.reports.terminal import WIDTH, _clean, _styled, amount_words

_LONGEST = 1_000  # characters of a sentence or a value; a hostile log can put a megabyte there
_LABEL = 28
_AMOUNT_LABEL = 12


def explanation_text(explanation: Explanation, *, colour: bool = False, width: int = WIDTH) -> str:
    """Return all of the explanation; lines of the logs are cut at the width, the rest at 80."""
    finding, check = explanation.finding, explanation.check
    sections = [
        _head(explanation, colour),
        _section("What happened", _prose(finding["explanation"]), colour),
        _section("Why it matters", _prose(check.why), colour),
        _section("What to do", _prose(check.do), colour),
        _section("Sums", _sums(explanation), colour),
        _section("Details", _details(explanation), colour),
        *(_section(title, lines, colour) for title, lines in _tables(explanation)),
        *_excerpts(explanation, width, colour),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _excerpts(explanation: Explanation, width: int, colour: bool) -> Iterator[list[str]]:  # noqa: FBT001
    is_cut = False
    for excerpt in explanation.evidence:
        lines = excerpt_lines(excerpt, width, colour=colour)
        is_cut |= any(CUT in line for line in lines)
        yield _section(_clean(f"Log lines: {excerpt.title}")[:WIDTH], lines, colour)
    if is_cut:
        yield [f"{CUT} stands for what is cut from a line; --json shows lines whole."]


def _section(title: str, lines: Sequence[str], colour: bool) -> list[str]:  # noqa: FBT001
    return [_styled(title, "head", colour), *lines] if lines else []


def _prose(text: str) -> list[str]:
    shown = _clean(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    return textwrap.wrap(
        shown, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def _pair(label: str, value: str, width: int = _LABEL) -> list[str]:
    """Return a label and its value, which goes on beneath itself."""
    shown = _clean(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")
    start = f"  {label:<{width - 2}}"
    start = start if start.endswith("  ") else f"{start.rstrip()}  "
    return textwrap.wrap(
        shown, WIDTH, initial_indent=start, subsequent_indent=" " * width, break_on_hyphens=False
    ) or [start.rstrip()]


def _head(explanation: Explanation, colour: bool) -> list[str]:  # noqa: FBT001
    finding, check = explanation.finding, explanation.check
    accepted = "no"
    if finding["accepted_by"]:
        accepted = "by {accepted_by} on {accepted_on}: {accepted_why}".format_map(finding)
    pairs = [
        ("Finding", finding["finding_id"]),
        ("Check", check.id),
        ("Severity", finding["severity"]),
        ("Cause", finding["cause"]),
        ("Accepted", accepted),
    ]
    title = _styled(check.title, finding["severity"], colour)
    return [title, *(line for name, value in pairs if value for line in _pair(name, value, 14))]


def _sums(explanation: Explanation) -> list[str]:
    """Return the sums with what each is; those that the check does not have are left out."""
    finding, (expected, logged, at_risk) = explanation.finding, explanation.check.sums
    meanings = {
        "expected": expected,
        "logged": logged,
        "difference": "logged less expected",
        "amount_at_risk": at_risk,
    }
    known = {name: finding[name] for name in meanings if finding[name] is not None}
    if len(known) == 1 and not known.get("amount_at_risk"):
        return []
    amounts = {
        name: amount_words(explanation.money, value, finding["currency"])
        for name, value in known.items()
    }
    room = max(map(len, amounts.values()))
    lines: list[str] = []
    for name, amount in amounts.items():
        start = f"{look(name).title:<{_AMOUNT_LABEL}}{amount:>{room}}"
        meaning = "" if meanings[name] in {"0", "none"} else meanings[name]
        lines += _pair(start, meaning, len(start) + 4)
    return lines


def _details(explanation: Explanation) -> list[str]:
    finding, money = explanation.finding, explanation.money
    names = ("subscriber_id", "at", "transaction_id", "attempt_id", *explanation.own_columns)
    return [
        line
        for name in names
        if finding[name] is not None and finding[name] != ""
        for title in [look(name).title]
        for line in _pair(title, _value(title, finding[name], finding["currency"], money))
    ]


def _value(title: str, value: Any, currency: str | None, money: Currencies) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return "yes" if value else "no"
    words = in_words(value, currency, money)
    return words.removesuffix(" UTC") if "(UTC)" in title else words


def _tables(explanation: Explanation) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the lines of each table."""
    currency = _clean(explanation.finding["currency"] or "")[:8]
    money = explanation.money
    yield (
        f"How the gap came about ({currency})",
        history_lines(explanation.history, money, explanation.finding["currency"]),
    )
    # The first in another currency stands among those of the others.
    named = "" if explanation.finding["check"] == "currency_change" else f" ({currency})"
    yield (
        f"Transactions of the subscriber around it{named}",
        neighbour_lines(explanation.neighbours, explanation.finding, money),
    )
    if explanation.finding["check"] == "crashed_invocation":
        crashes = explanation.finding["crashes"]
        yield "The crashes", crash_lines(explanation.occurrences, crashes)
    else:
        yield "Errors of the days around it", day_lines(explanation.occurrences)
