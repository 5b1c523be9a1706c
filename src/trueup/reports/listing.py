"""What the command line lists beside reports: the checks, their times, the settings."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from trueup.checks import Check, Findings
from trueup.config import Amounts, Settings, key
from trueup.reports.terminal import WIDTH

SLOW = 5.0
"""Seconds per million transactions beyond which a check is called slow."""


def checks_text(checks: Iterable[Check]) -> str:
    """Return a line per check: its severity, id and title."""
    return "\n".join(
        f"{one.severity:<8}{one.id:<20}{one.title}{' (your own)' if one.file else ''}"
        for one in checks
    )


def times_text(findings: Sequence[Findings], transactions: int) -> str:
    """Return a line per check with its seconds, the slowest first; slow ones say so."""
    lines = [f"{'Check':<20}{'Findings':>10}{'Seconds':>10}{'per million transactions':>27}"]
    for one in sorted(findings, key=lambda one: -one.seconds):
        (count,) = one.books.connection.execute(f"SELECT count(*) FROM {one.table}").fetchone() or (
            0,
        )
        rate = one.seconds * 1e6 / max(transactions, 1)
        # Below a million the fixed cost of a statement says nothing about its rate.
        mark = "  slow" if one.seconds > SLOW * max(1.0, transactions / 1e6) else ""
        lines.append(f"{one.check.id:<20}{count:>10,}{one.seconds:>10.3f}{rate:>27.2f}{mark}")
    total = sum(one.seconds for one in findings)
    lines.append(f"{'all':<20}{'':>10}{total:>10.3f}{total * 1e6 / max(transactions, 1):>27.2f}")
    return "\n".join(lines)


def settings_toml(settings: Settings, sources: Mapping[str, str]) -> str:
    """Return the settings as a trueup.toml, each with what it is for and where it comes from.

    One that has no value is a comment.
    """
    lines: list[str] = []
    for setting in sorted(fields(Settings), key=lambda one: "." in key(one)):
        name = key(setting)
        if name.startswith("checks.") and "[checks]" not in lines:
            lines += ["[checks]", ""]
        value = getattr(settings, setting.name)
        source = sources.get(setting.name, "default")
        lines += textwrap.wrap(
            f"{setting.metadata['help']} From: {source}.",
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        entry = f"{name.removeprefix('checks.')} ="
        lines += [f"# {entry}" if value is None else f"{entry} {toml_value(value)}", ""]
    return "\n".join(lines).rstrip()


def settings_json(settings: Settings, sources: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings by name, each with its value and where it comes from."""
    return {
        key(setting): {
            "value": plain_value(getattr(settings, setting.name)),
            "from": sources.get(setting.name, "default"),
        }
        for setting in fields(Settings)
    }


def plain_value(value: Any) -> Any:  # noqa: ANN401
    """Return a setting's value ready for JSON."""
    if isinstance(value, Amounts):
        return {**plain_value(value.by_currency), "others": str(value.others)}
    if isinstance(value, Mapping):
        return {name: plain_value(one) for name, one in value.items()}
    if isinstance(value, (Decimal, datetime)):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def toml_value(value: Any) -> str:  # noqa: ANN401
    """Return a setting's value as TOML writes it."""
    if isinstance(value, Amounts):
        value = {**value.by_currency, "others": value.others} if value.by_currency else value.others
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_text(name)} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    # A basic string of TOML escapes as JSON does, and DEL as well.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
