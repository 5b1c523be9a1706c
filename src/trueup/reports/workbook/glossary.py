"""The glossary: every sheet and every column in plain English, from the catalogue of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xlsxwriter.worksheet import Worksheet

from trueup.reports.columns import Look
from trueup.reports.workbook.cells import Sentence
from trueup.reports.workbook.findings import lines_of
from trueup.reports.workbook.pages import Pages, Table

NAME = "Glossary"

COLUMNS = ("entry", "title", "meaning", "field", "formula", "unit", "sheets")

_FEW = 4
"""Sheets of checks that are named; a column that stands on more of them stands on most."""

_OWN = "a column of the check's own; its sheet says what the check asks"


def add_glossary(pages: Pages) -> Worksheet:
    """Add the glossary, which is written when all others are."""
    return pages.add_sheet(NAME, "Every sheet and every column in plain English")


def write_glossary(pages: Pages, sheet: Worksheet) -> None:
    """Write a row per sheet, then one per column: meaning, name in the log, formula, unit."""
    texts = [
        "Every sheet and every column of this workbook in plain English, with what the log itself calls it, how it is worked out, and its unit.",
    ]
    table = Table(COLUMNS, ())
    for name in COLUMNS:
        pages.note_column(name, table.look(name), NAME)
    widths = [table.look(name).width for name in COLUMNS]
    table = Table(
        COLUMNS,
        ([Sentence(text) if text else None for text in row] for row in _rows(pages)),
        lines=lambda row: max(
            lines_of(text or "", width) for text, width in zip(row, widths, strict=True)
        ),
    )
    rest = pages.write_table(sheet, table, pages.write_top(sheet, NAME, texts, table.line))
    pages.go_on(NAME, NAME, table, rest)


def _rows(pages: Pages) -> Iterator[Sequence[str]]:
    for name, holds in list(pages.holds.items()):
        yield "sheet", name, holds, "", "", "", ""
    for of, sheets in sorted(pages.columns.values(), key=lambda found: found[0].title.casefold()):
        yield _row(of, _named(sheets, pages.checks))


def _row(of: Look, sheets: str) -> Sequence[str]:
    return "column", of.title, of.meaning or _OWN, of.field, of.formula, of.unit or "text", sheets


def _named(sheets: Sequence[str], checks: set[str]) -> str:
    """Name the sheets on which a column stands, without the long list of the checks' sheets."""
    of_checks = [name for name in sheets if name in checks]
    if len(of_checks) <= _FEW:
        return ", ".join(sheets)
    others = [name for name in sheets if name not in checks]
    return ", ".join([*others, f"{len(of_checks)} sheets of checks"])
