"""The workbook as it is written: its sheets, and how a table is put on them.

A sheet is written from top to bottom, since rows go to disk as they are written; which sheet comes
first does not matter. So the first page is written last, when it is known what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from textwrap import wrap
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from trueup.money import Currencies
from trueup.reports.columns import Look, look
from trueup.reports.workbook.cells import (
    ANY,
    BASE,
    FAINT,
    INK,
    SEVERITY_FILLS,
    Amount,
    Cells,
    Link,
    cell_text,
)
from trueup.reports.workbook.sheet import Sheet

SHEET_ROWS = 1_048_576
"""Rows of an Excel sheet."""

START = "Start here"

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table for a sheet: its columns by name, its rows, and how they look.

    A row's `currency` decides its decimals.
    """

    columns: Sequence[str]
    rows: Iterable[Row]
    last_on_paper: str = ""
    """What stands behind this column is for the screen and not for paper."""
    widths: Mapping[str, int] = field(default_factory=dict)
    looks: Mapping[str, Look] = field(default_factory=dict)
    """Looks of columns that the catalogue cannot know."""
    is_faint: Callable[[Row], bool] | None = None
    lines: Callable[[Row], int] | None = None
    """How many lines of text the row's cells take."""
    on_row: Callable[[str, int, Row], None] | None = None
    """Is told the sheet and the line of each row."""

    def look(self, name: str) -> Look:
        """Return the look of a column."""
        return self.looks.get(name) or look(name)

    def width(self, name: str) -> int:
        """Return the width of a column."""
        return self.widths.get(name) or self.look(name).width

    @property
    def line(self) -> int:
        """Characters of a line of text across what is printed of it."""
        names = list(self.columns)
        if self.last_on_paper:
            names = names[: names.index(self.last_on_paper) + 1]
        return sum(map(self.width, names))


class Pages:
    """The workbook: its formats, its sheets so far, and the columns that stand on them."""

    def __init__(self, book: Workbook, money: Currencies) -> None:
        self.book = book
        self._decimals = money.decimals
        self.cells = Cells(book)
        self.faint_cells = Cells(book, is_faint=True)
        make = book.add_format
        band = {**BASE, "bg_color": INK, "font_color": "#FFFFFF", "valign": "vcenter", "indent": 1}
        self.title = make({**band, "font_size": 20, "bold": True})
        self.subtitle = make({**band, "font_color": "#D1D5DB"})
        self.heading = make({**BASE, "font_size": 13, "bold": True, "font_color": INK})
        self.bold = make({**BASE, "bold": True, "font_color": INK})
        self.faint = make({**BASE, "font_color": FAINT})
        head = {
            **BASE, "bold": True, "bg_color": INK, "font_color": "#FFFFFF", "valign": "vcenter",
            "text_wrap": True,
        }  # fmt: skip
        count = {**BASE, "num_format": "#,##0", "align": "right", "indent": 1}
        self.counts = {
            name: make({**count, "bg_color": fill}) for name, fill in SEVERITY_FILLS.items()
        }
        self.header = make(head)
        self.header_right = make({**head, "align": "right", "indent": 1})
        self.holds: dict[str, str] = {}
        self.columns: dict[str, tuple[Look, list[str]]] = {}
        self.checks: set[str] = set()
        """The sheets of checks."""
        self.ranges: dict[str, tuple[int, int]] = {}
        """By sheet: the first and the last line of its table's rows."""

    def decimals(self, currency: str | None) -> int:
        """Return the decimals of a currency's amounts."""
        return ANY if currency is None else min(self._decimals(currency), 6)

    def amount(self, value: Decimal | None, currency: str) -> Amount | None:
        """Return an amount that is shown in its currency's decimals, whatever the row's are."""
        return None if value is None else Amount(value, self.decimals(currency))

    def add_sheet(self, name: str, holds: str) -> Worksheet:
        """Add a sheet: A4, landscape, as wide as a page. `holds` says what stands on it."""
        self.holds[name] = holds
        sheet = self.book.add_worksheet(name, Sheet)
        sheet.set_paper(9)  # A4
        sheet.set_landscape()
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_footer("&L&8&F · &A&C&8All times are UTC&R&8&P / &N")
        return sheet

    def add_table(self, name: str, title: str, texts: Sequence[str], table: Table) -> None:
        """Write a table below its title and what is to be said of it, on as many sheets as it takes."""
        sheet = self.add_sheet(name, texts[0])
        line = self.write_top(sheet, title, texts, table.line)
        rest = self.write_table(sheet, table, line)
        self.go_on(name, title, table, rest)

    def go_on(self, name: str, title: str, table: Table, rest: Iterator[Row]) -> None:
        """Write what did not fit on further sheets."""
        number = 1
        while (following := next(rest, None)) is not None:
            number += 1
            sheet = self.add_sheet(f"{name} {number}", f"{title}, continued")
            rest = self.write_table(sheet, table, 0, chain([following], rest))

    def write_top(self, sheet: Worksheet, title: str, texts: Sequence[str], characters: int) -> int:
        """Write a sheet's title, its texts and the way back; return the line that follows."""
        sheet.set_row(0, 26)
        sheet.write_string(0, 0, title, self.heading)
        # What runs over the last printed column is cut on paper.
        lines = [part for text in texts for part in wrap(text, characters)]
        for line, text in enumerate(lines, 1):
            sheet.write_string(line, 0, cell_text(text), self.cells.text)
        line = len(lines) + 1
        self.cells.write(sheet, line, 0, Link(f"Back to {START}", START))
        return line + 1

    def write_table(
        self, sheet: Worksheet, table: Table, top: int, rows: Iterable[Row] | None = None
    ) -> Iterator[Row]:
        """Write a table with frozen header and filter; return the rows left when the sheet is full."""
        columns, name = table.columns, sheet.get_name()
        for place, column in enumerate(columns):
            sheet.set_column(place, place, table.width(column))
        self.write_header(sheet, top, table)
        sheet.freeze_panes(top + 1, 0)
        sheet.repeat_rows(top)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        rest = iter(table.rows if rows is None else rows)
        line = self._write_rows(sheet, table, name, rest, top)
        self.ranges[name] = top + 1, line
        if table.last_on_paper:
            sheet.print_area(0, 0, line, columns.index(table.last_on_paper))
        sheet.autofilter(top, 0, max(line, top + 1), len(columns) - 1)
        return rest

    def _write_rows(
        self, sheet: Worksheet, table: Table, name: str, rows: Iterator[Row], line: int
    ) -> int:
        currency = table.columns.index("currency") if "currency" in table.columns else None
        is_faint, lines, on_row = table.is_faint, table.lines, table.on_row
        decimals, write_row = self.decimals, self.cells.write_row
        for row in rows:
            line += 1
            if lines:
                sheet.set_row(line, 13 * min(lines(row), 30))
            if on_row:
                on_row(name, line, row)
            places = decimals(row[currency]) if currency is not None else ANY
            if is_faint and is_faint(row):
                self.faint_cells.write_row(sheet, line, row, places)
            else:
                write_row(sheet, line, row, places)
            if line == SHEET_ROWS - 1:
                break
        return line

    def write_header(self, sheet: Worksheet, line: int, table: Table, start: int = 0) -> None:
        """Write the titles of the columns, those of figures at the right."""
        looks = [table.look(name) for name in table.columns]
        sheet.set_row(line, 20)
        for place, (name, of) in enumerate(zip(table.columns, looks, strict=True)):
            style = self.header_right if of.is_figure else self.header
            sheet.write_string(line, start + place, cell_text(of.title), style)
            self.note_column(name, of, sheet.get_name())

    def note_column(self, name: str, of: Look, sheet: str) -> None:
        """Note that a column stands on a sheet, for the glossary."""
        sheets = self.columns.setdefault(name, (of, []))[1]
        if sheet not in sheets:
            sheets.append(sheet)
