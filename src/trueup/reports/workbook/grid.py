"""A page that is laid out freely: cells are put anywhere, and written from top to bottom at the end."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from trueup.reports.workbook.cells import cell_text
from trueup.reports.workbook.pages import Pages, Table

LINE = 205
"""Characters of a line of text across a page of eleven columns."""


class Grid:
    """The cells and row heights of a page."""

    def __init__(self, pages: Pages, sheet: Worksheet) -> None:
        self.pages = pages
        self.sheet = sheet
        self._cells: dict[int, dict[int, tuple[Any, Format | int]]] = {}
        self._heights: dict[int, float] = {}

    def put(self, line: int, place: int, value: Any, places: int = 2) -> None:  # noqa: ANN401
        """Put a value into a cell, an amount with so many decimals."""
        self._cells.setdefault(line, {})[place] = (value, places)

    def put_text(self, line: int, place: int, text: str, style: Format) -> None:
        """Put a text into a cell, in a format of its own."""
        self._cells.setdefault(line, {})[place] = (text, style)

    def put_row(self, line: int, values: Sequence[Any], places: int = 2, start: int = 0) -> None:
        """Put values into the cells of a row."""
        for place, value in enumerate(values, start):
            self.put(line, place, value, places)

    def put_header(
        self, line: int, columns: Sequence[str], start: int = 0, *, height: float | None = 30
    ) -> None:
        """Put the titles of columns."""
        table = Table(columns, ())
        if height:
            self._heights[line] = height
        for place, name in enumerate(columns, start):
            of = table.look(name)
            style = self.pages.header_right if of.is_figure else self.pages.header
            self.put_text(line, place, of.title, style)
            self.pages.note_column(name, of, self.sheet.get_name())

    def put_heading(self, line: int, text: str, place: int = 0) -> None:
        """Put a heading."""
        self._heights[line] = 24
        self.put_text(line, place, text, self.pages.heading)

    def put_paragraph(self, line: int, text: str, characters: int) -> int:
        """Put a text on as many lines as it takes; return the line that follows."""
        for part in wrap(text, characters):
            self.put(line, 0, part)
            line += 1
        return line

    def put_count(self, line: int, place: int, count: int, severity: str) -> None:
        """Put a number on the colour of a severity."""
        self._cells.setdefault(line, {})[place] = (count, self.pages.counts[severity])

    @property
    def last_place(self) -> int:
        """The last column that holds anything."""
        return max(max(cells) for cells in self._cells.values())

    def set_height(self, line: int, height: float) -> None:
        """Set the height of a row, in points."""
        self._heights[line] = height

    def write(self) -> None:
        """Write all of it."""
        for line in sorted(self._cells.keys() | self._heights.keys()):
            if line in self._heights:
                self.sheet.set_row(line, self._heights[line])
            for place, (value, style) in sorted(self._cells.get(line, {}).items()):
                if isinstance(style, Format) and isinstance(value, int):
                    self.sheet.write_number(line, place, value, style)
                elif isinstance(style, Format):
                    self.sheet.write_string(line, place, cell_text(value), style)
                else:
                    self.pages.cells.write(self.sheet, line, place, value, style)
