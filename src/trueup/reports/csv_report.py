"""The CSV files: transactions, findings, subscribers and kinds of entry."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from trueup.checks.runner import COMMON, EVIDENCE
from trueup.money import amount_text
from trueup.reports.json_report import time_text
from trueup.reports.report import TRANSACTION_COLUMNS, Report

CSV_FILES = ("transactions.csv", "findings.csv", "subscribers.csv", "entry_kinds.csv")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: one that would be gets a quote in front."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_csv(name: str, report: Report, path: Path) -> None:
    """Write one of CSV_FILES."""
    header, rows = {
        "transactions.csv": _transactions,
        "findings.csv": _findings,
        "subscribers.csv": _subscribers,
        "entry_kinds.csv": _entry_kinds,
    }[name](report)
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


_Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def _transactions(report: Report) -> _Table:
    rows = (row for batch in report.transactions() for row in zip(*_cells(batch), strict=True))
    return TRANSACTION_COLUMNS, rows


def _cells(batch: pa.RecordBatch) -> Iterator[Iterable[Any]]:
    """Yield a batch's columns as cells: by columns, since most need nothing done to them."""
    currencies = batch.column("currency").to_pylist()
    for column in batch.columns:
        values = column.to_pylist()
        if pa.types.is_integer(column.type):
            yield values
        else:
            yield map(_cell, values, currencies)


def _findings(report: Report) -> _Table:
    columns = (*COMMON, "explanation", *EVIDENCE)
    rows = (
        [_cell(row[name], row["currency"]) for name in columns]
        for findings in report.findings
        for row in findings.rows()
    )
    return columns, rows


def _subscribers(report: Report) -> _Table:
    checks = [findings.check.id for findings in report.findings]
    columns = (
        "subscriber_id", "currency", "transactions", "credits", "debits", "first_at", "last_at",
        "opening_balance", "closing_balance", "lowest_balance", "highest_balance",
        "payment_balance", "gap_at_end",
    )  # fmt: skip
    rows = (
        [
            *(_cell(row[name], row["currency"]) for name in columns),
            *(row["findings"].get(check, 0) for check in checks),
        ]
        for row in report.subscribers()
    )
    return (*columns, *checks), rows


def _entry_kinds(report: Report) -> _Table:
    return ("kind", "entries"), [[harmless(kind), n] for kind, n in report.entry_kinds.items()]


def _cell(value: Any, currency: str | None) -> Any:  # noqa: ANN401
    if value is None:
        return value
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Decimal):
        return amount_text(value, currency)
    if isinstance(value, bool):
        return "true" if value else "false"
    return time_text(value) if isinstance(value, datetime) else value
