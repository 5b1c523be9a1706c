"""The summary that a run ends with, in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from trueup.checks.catalogue import SEVERITIES
from trueup.money import Currencies
from trueup.reports.recommendations import FIRST_STEPS
from trueup.reports.report import Report

WIDTH = 80
MOST_CURRENCIES = 20
"""Currencies that are listed; hostile logs can have one per transaction."""

_RESET = "\x1b[0m"
_STYLES = {"high": "\x1b[31;1m", "medium": "\x1b[33m", "head": "\x1b[1m", "info": "\x1b[2m"}


def summary_text(report: Report, written: Sequence[Path], *, colour: bool = False) -> str:
    """Return what was read, the money by currency, the checks, and where the reports are."""
    lines = [*_reading(report), "", *_currencies(report, colour), "", *_checks(report, colour)]
    if report.recommendations:
        lines += ["", *_first_steps(report, colour)]
    if written:
        lines += ["", *_written(written)]
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Return text from a log without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _styled(text: str, style: str, colour: bool) -> str:  # noqa: FBT001
    return f"{_STYLES[style]}{text}{_RESET}" if colour and style in _STYLES else text


def _reading(report: Report) -> list[str]:
    inputs, counts, reading = report.inputs, report.counts, report.reading
    divided = ": all understood" if counts["entries"] else ""
    if reading["other"] or reading["unreadable"]:
        divided = ": " + ", ".join(
            f"{count:,} {name}" for name, count in reading.items() if count or name == "understood"
        )
    lines = [
        f"Read      {plural(inputs['files'], 'file')}, {_megabytes(inputs['unpacked_bytes'])} of text",
        f"Entries   {counts['entries']:,}{divided}",
    ]
    if report.period["first"]:
        lines.append(
            f"Period    {report.period['first']:%Y-%m-%d %H:%M} to "
            f"{report.period['last']:%Y-%m-%d %H:%M} UTC"
        )
    if report.silence:
        lines.append(f"No logs   of {report.silence}")
    if report.shown:
        lines.append(f"Shown     {report.shown}")
    lines.append(
        f"Books     {plural(counts['transactions'], 'transaction')} of "
        f"{plural(counts['subscribers'], 'subscriber')}"
    )
    if inputs["problems"]:
        lines.append(f"Problems  {inputs['problems']:,} (see the report)")
        for kind, words in (
            ("rejected", "without anything readable"),
            ("incomplete", "not read, or not to the end"),
        ):
            if names := [_clean(one["name"]) for one in inputs[kind]]:
                lines.append(f"          {plural(len(names), 'file')} {words}: {_some(names)}")
    if accepted := sum(check["accepted"] for check in report.checks):
        lines.append(f"Accepted  {plural(accepted, 'finding')}, not counted below")
    if inputs["ignored"]:
        names = [_clean(name) for name in inputs["ignored"]]
        other = f"{plural(len(names), 'other file')}, no log by name and bytes"
        lines.append(f"Ignored   {other}: {_some(names)}")
    return [row for line in lines for row in _folded(line)]


def _folded(line: str) -> list[str]:
    """Break a line that names files where the terminal ends; its words begin at column 10."""
    start, words = line[:10], line[10:]
    return textwrap.wrap(
        words, WIDTH, initial_indent=start, subsequent_indent=" " * 10, break_on_hyphens=False
    )


def _some(names: list[str]) -> str:
    """Return the first name, and how many there are besides."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def plural(count: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"  # noqa: PLR2004


def _currencies(report: Report, colour: bool) -> list[str]:  # noqa: FBT001
    if not report.currencies:
        return ["No transactions."]
    rows: list[tuple[str, ...]] = [
        ("Currency", "Transactions", "Credits", "Debits", "Gap at end", "Out of sync")
    ]
    for currency, figures in islice(report.currencies.items(), MOST_CURRENCIES):
        sums = (
            report.money.grouped(figures[name], currency)
            for name in ("credits", "debits", "gap_at_end")
        )
        counts = (f"{figures[name]:,}" for name in ("transactions", "subscribers_out_of_sync"))
        transactions, out_of_sync = counts
        rows.append((_code(currency), transactions, *sums, out_of_sync))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # What is left of the line goes between the columns; large sums may need more than a line.
    space = max(2, min(5, (WIDTH - sum(widths)) // (len(widths) - 1)))
    lines = [
        first.ljust(widths[0])
        + "".join(cell.rjust(width + space) for cell, width in zip(cells, widths[1:], strict=True))
        for first, *cells in rows
    ]
    if (left := len(report.currencies) - MOST_CURRENCIES) > 0:
        lines.append(f"and {left:,} more (see the report)")
    return [_styled(lines[0], "head", colour), *lines[1:]]


def amount_words(money: Currencies, amount: Decimal, currency: str | None) -> str:
    """Return `BHD 1,234.500`, whatever a log calls a currency."""
    return f"{_code(currency)} {money.grouped(amount, currency)}"


def _code(currency: str | None) -> str:
    return _clean(currency or "")[:8] or "(no currency)"


def _checks(report: Report, colour: bool) -> list[str]:  # noqa: FBT001
    lines = [_styled(f"{'Severity':<10}{'Check':<20}{'Findings':>8}  At risk", "head", colour)]
    for severity in SEVERITIES:
        for check in report.checks:
            found = check["by_severity"].get(severity, 0)
            if found:
                lines += _check(check, severity, report.money, colour)
    if silent := [check["id"] for check in report.checks if not check["findings"]]:
        lines += textwrap.wrap(
            f"Nothing found by {', '.join(silent)}.", WIDTH, subsequent_indent="  "
        )
    return lines


def _check(check: dict[str, Any], severity: str, money: Currencies, colour: bool) -> list[str]:  # noqa: FBT001
    found = check["by_severity"].get(severity, 0)
    start = f"{severity:<10}{check['id']:<20}{found:>8,}  "
    at_risk = check["at_risk_by_severity"].get(severity, {})
    amounts = [
        # A no-break space keeps currency and amount on one line.
        amount_words(money, amount, currency).replace(" ", "\N{NO-BREAK SPACE}")
        for currency, amount in at_risk.items()
        if amount
    ]
    if left := len(amounts[MOST_CURRENCIES:]):
        amounts[MOST_CURRENCIES:] = [f"and {left:,} more"]
    indent = " " * len(start)
    wrapped = textwrap.wrap(", ".join(amounts), WIDTH - len(start), break_long_words=False) or [""]
    lines = [start + wrapped[0], *(indent + line for line in wrapped[1:])]
    plain = (line.replace("\N{NO-BREAK SPACE}", " ").rstrip() for line in lines)
    return [_styled(line, severity, colour) for line in plain]


def _first_steps(report: Report, colour: bool) -> list[str]:  # noqa: FBT001
    """Return the weightiest recommendations; the reports have the rest."""
    lines = [_styled("What to do first", "head", colour)]
    for one in report.recommendations[:FIRST_STEPS]:
        what = " ".join(f"{step['who']}: {step['what']}" for step in one["steps"])
        which = _clean(f"{one['check']} {one['cause'] or ''}".strip())
        lines += textwrap.wrap(
            f"{one['rank']}. {what} ({which}: {plural(one['findings'], 'finding')})",
            WIDTH,
            subsequent_indent="   ",
            break_on_hyphens=False,
        )
    if (left := len(report.recommendations) - FIRST_STEPS) > 0:
        lines.append(f"and {left:,} more (see the report)")
    return lines


def _written(written: Sequence[Path]) -> list[str]:
    """Return where the reports are; a folder among them stands for its files."""
    folder = min((path.parent for path in written), key=lambda parent: len(parent.parts))
    names = Counter(
        path.name if path.parent == folder else f"{path.parent.name}/" for path in written
    )
    listed = ", ".join(
        f"{name} ({plural(count, 'file')})" if name.endswith("/") else name
        for name, count in names.items()
    )
    return textwrap.wrap(
        _clean(f"Reports in {folder}: {listed}"),
        WIDTH,
        break_on_hyphens=False,
        subsequent_indent="  ",
    )
