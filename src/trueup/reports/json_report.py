"""`report.json`: the contract that programs rely on; `docs/report-json.md` explains it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from trueup.checks.runner import ACCEPTED, EVIDENCE, by_severity
from trueup.money import Currencies
from trueup.reports.report import Report


def summary(report: Report) -> dict[str, Any]:
    """Return all of the report but its long lists, ready for JSON."""
    money = report.money
    return {
        "schema": report.schema,
        "trueup_version": report.trueup_version,
        "generated_at": time_text(report.generated_at),
        "inputs": report.inputs,
        "period": plain(report.period, None, money),
        "counts": report.counts,
        "entry_kinds": report.entry_kinds,
        "reading": report.reading,
        "outcomes": report.outcomes,
        "currencies": {
            name: plain({**of, **report.figures.overdrawn.get(name, {})}, name, money)
            for name, of in report.currencies.items()
        },
        "explained": {
            **report.figures.explained,
            "currencies": {
                name: plain(of, name, money)
                for name, of in report.figures.explained["currencies"].items()
            },
        },
        "checks": [
            {
                **check,
                "at_risk_by_severity": {
                    severity: {name: money.text(amount, name) for name, amount in of.items()}
                    for severity, of in check["at_risk_by_severity"].items()
                },
                "by_currency": {
                    name: plain(of, name, money) for name, of in check["by_currency"].items()
                },
            }
            for check in report.checks
        ],
        "recommendations": [
            {
                **one,
                "weight": str(one["weight"]),
                "amount_at_risk": {
                    name: money.text(amount, name) for name, amount in one["amount_at_risk"].items()
                },
            }
            for one in report.recommendations
        ],
        "operations": report.operations,
    }


def plain(row: Mapping[str, Any], currency: str | None, money: Currencies) -> dict[str, Any]:
    """Return a row ready for JSON: amounts in the currency as text, times in ISO 8601."""
    return {name: _value(value, currency, money) for name, value in row.items()}


def _value(value: Any, currency: str | None, money: Currencies) -> Any:  # noqa: ANN401
    if isinstance(value, Decimal):
        return money.text(value, currency)
    return time_text(value) if isinstance(value, datetime) else value


def time_text(time: datetime) -> str:
    """Return `2024-01-31T21:01:05.551Z`."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def finding_rows(report: Report) -> Iterator[dict[str, Any]]:
    """Yield every finding, ready for JSON, the severest first."""
    for row in by_severity(report.findings):
        yield finding_row(row, report.money)


def finding_row(row: Mapping[str, Any], money: Currencies) -> dict[str, Any]:
    """Return a finding as `Findings.rows` gives it, ready for JSON."""
    apart = {*EVIDENCE, *ACCEPTED, "explanation", "history"}
    currency = row["currency"]
    shown = plain({name: row[name] for name in row if name not in apart}, currency, money)
    if "history" in row:
        shown["history"] = [plain(move, currency, money) for move in row["history"] or ()]
    accepted = {name.removeprefix("accepted_"): row[name] for name in ACCEPTED}
    return {
        **shown,
        "explanation": row["explanation"],
        "evidence": {name: row[name] for name in EVIDENCE},
        "accepted": accepted if accepted["by"] else None,
    }


def write_json(report: Report, path: Path) -> None:
    """Write report.json; the lists are written as they are read."""
    head = json.dumps(summary(report), ensure_ascii=False, indent=1)
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(head.removesuffix("\n}"))
        write_list(file, "findings", finding_rows(report))
        write_list(
            file,
            "subscribers",
            (plain(row, row["currency"], report.money) for row in report.subscribers()),
        )
        write_list(file, "problems", report.problems())
        file.write("\n}\n")


def write_list(file: TextIO, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write a list as the next key of an object that is under way, row by row."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    file.write(f',\n "{name}": [')
    file.writelines(f"{',' if place else ''}\n  {encode(row)}" for place, row in enumerate(rows))
    file.write("\n ]")
