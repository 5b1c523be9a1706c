"""The CSV files: transactions, findings, subscribers and kinds of entry.

Text from logs is hostile. What a spreadsheet would take for a formula gets a quote in front, control
characters are replaced, and what is too long is cut; JSON and Parquet have all text as logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from trueup.checks.runner import ACCEPTED, COMMON, EVIDENCE, by_severity
from trueup.money import Currencies
from trueup.reports.characters import CONTROL, without_control
from trueup.reports.json_report import time_text
from trueup.reports.report import TRANSACTION_COLUMNS, Report
from trueup.reports.subscribers import COLUMNS as SUBSCRIBER_COLUMNS
from trueup.reports.subscribers import CONTACTS
from trueup.schema import DERIVED, TABLES

CSV_FILES = ("transactions.csv", "findings.csv", "subscribers.csv", "entry_kinds.csv")

MOST_CHARACTERS = 16_000
"""Characters of a cell. Excel goes on in the next one after 32,767, two for each emoji."""

_CUT = " [cut]"

# Spaces in front make no difference to some spreadsheets, wide signs none where these are usual.
# The expressions are both Python's and DuckDB's.
_FORMULA = "^(?:[\\t\\r\\n]|[ \u00a0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
_NEEDS_QUOTES = '[",\\r\\n]'
_SPECIAL = f"{_FORMULA}|{_NEEDS_QUOTES}|{CONTROL}"

_IS_FORMULA = re.compile(_FORMULA)
_HAS_NEED_OF_QUOTES = re.compile(_NEEDS_QUOTES)


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, without control characters, not too long."""
    text = without_control(text)
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + _CUT
    return f"'{text}" if _IS_FORMULA.match(text) else text


def _line(cells: Iterable[Any]) -> str:
    """Return a line of the file. The library's writer leaves a lone CR bare before Python 3.13."""
    return f"{','.join(map(_field, cells))}\n"


def _field(value: Any) -> str:  # noqa: ANN401
    text = "" if value is None else str(value)
    if _HAS_NEED_OF_QUOTES.search(text):
        text = '"' + text.replace('"', '""') + '"'
    return text


def write_csv(name: str, report: Report, path: Path, *, has_mark: bool = False) -> None:
    """Write one of CSV_FILES in UTF-8, with a byte order mark in front if it is to have one."""
    encoding = "utf-8-sig" if has_mark else "utf-8"
    if name == "transactions.csv":
        _write_transactions(report, path, encoding)
        return
    header, rows = {
        "findings.csv": _findings,
        "subscribers.csv": _subscribers,
        "entry_kinds.csv": _entry_kinds,
    }[name](report)
    with path.open("w", encoding=encoding, errors="replace", newline="") as file:
        file.write(_line(header))
        file.writelines(map(_line, rows))


_Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def _findings(report: Report) -> _Table:
    columns = (*COMMON, "explanation", *EVIDENCE, *ACCEPTED)
    rows = (
        [_cell(row[name], row["currency"], report.money) for name in columns]
        for row in by_severity(report.findings)
    )
    return columns, rows


def _subscribers(report: Report) -> _Table:
    checks = [findings.check.id for findings in report.findings]
    contacts = CONTACTS if report.contacts else ()
    columns = [column.name for column in (*SUBSCRIBER_COLUMNS, *contacts)]
    rows = (
        [
            *(_cell(row[name], row["currency"], report.money) for name in columns),
            *(row["findings"].get(check, 0) for check in checks),
        ]
        for row in report.subscribers()
    )
    return (*columns, *checks), rows


def _entry_kinds(report: Report) -> _Table:
    return ("kind", "entries"), [[harmless(kind), n] for kind, n in report.entry_kinds.items()]


def _cell(value: Any, currency: str | None, money: Currencies) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Decimal):
        return money.text(value, currency)
    if isinstance(value, bool):
        return "true" if value else "false"
    return time_text(value) if isinstance(value, datetime) else value


def _write_transactions(report: Report, path: Path, encoding: str) -> None:
    """Write transactions.csv.

    There are millions of them where everything else has thousands, so DuckDB makes the lines: the
    same text that `_cell` makes of a value, which a test holds equal.
    """
    kinds = {column.name: column.type for column in (*TABLES["transactions"], *DERIVED)}
    cells = [_cell_sql(name, kinds.get(name, "text")) for name in TRANSACTION_COLUMNS]
    with path.open("w", encoding=encoding, errors="replace", newline="") as file:
        file.write(",".join(TRANSACTION_COLUMNS) + "\n")
        for batch in report.transactions([f"concat_ws(',', {', '.join(cells)}) AS line"]):
            file.writelines(f"{line}\n" for line in batch.column("line").to_pylist())


def _cell_sql(name: str, kind: str) -> str:
    """Return the SQL of a cell's text; `name` is one of TRANSACTION_COLUMNS."""
    column = "f.name" if name == "file" else f't."{name}"'
    if kind in {"int", "bool"}:
        return f"coalesce(CAST({column} AS VARCHAR), '')"
    if kind == "time":
        return f"coalesce(strftime({column}, '%Y-%m-%dT%H:%M:%S.%gZ'), '')"
    if kind in {"money", "difference"}:
        return _money_sql(column)
    text = f"coalesce({column}, '')"
    clean = f"regexp_replace({text}, '{CONTROL}', '\N{REPLACEMENT CHARACTER}', 'g')"
    clean = (
        f"CASE WHEN length({text}) > {MOST_CHARACTERS}"
        f" THEN concat(left({clean}, {MOST_CHARACTERS}), '{_CUT}') ELSE {clean} END"
    )
    is_formula, needs_quotes = (
        f"regexp_matches({clean}, '{pattern}')" for pattern in (_FORMULA, _NEEDS_QUOTES)
    )
    harmless_text = f"concat(CASE WHEN {is_formula} THEN '''' ELSE '' END, {clean})"
    quoted = f"""concat('"', replace({harmless_text}, '"', '""'), '"')"""
    # Nearly all text is plain: one look at it is enough.
    return (
        f"CASE WHEN strlen({text}) <= {MOST_CHARACTERS}"
        f" AND NOT regexp_matches({text}, '{_SPECIAL}') THEN {text}"
        f" WHEN {needs_quotes} THEN {quoted} ELSE {harmless_text} END"
    )


def _money_sql(column: str) -> str:
    """Return the SQL of an amount's text: the zeros behind the currency's decimals go."""
    text = f"CAST({column} AS VARCHAR)"
    cases = " ".join(
        f"WHEN {places} THEN regexp_replace({text}, '{pattern}', '\\1')"
        for places, pattern in _TRAILING_ZEROS.items()
    )
    places = "coalesce(6 - CAST(log10(t.minor_unit * 1000000) AS INTEGER), 2)"
    return f"coalesce(CASE {places} {cases} END, '')"


_TRAILING_ZEROS = {
    0: r"^(.*?)\.?0*$",
    **{places: rf"^(.*\.\d{{{places}}}\d*?)0*$" for places in range(1, 7)},
}
