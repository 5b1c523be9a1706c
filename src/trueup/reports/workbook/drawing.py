"""How charts are drawn on a sheet: two beside each other, their tables right of them.

Colours are told apart by the colour-blind too (Okabe and Ito).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from xlsxwriter.chart import Chart

from trueup.reports.workbook.cells import INK, Link, cell_text
from trueup.reports.workbook.grid import Grid
from trueup.reports.workbook.pages import START, Pages

BLUE, ORANGE, RED, GREEN, SKY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#56B4E9"

_WIDTH, _HEIGHT = 620, 360
"""Pixels of a chart."""

_ROWS, _COLUMNS = 19, 10
"""Rows and columns of the sheet that a chart takes; a page of paper holds two rows of charts."""

_MARGIN = 10
"""Pixels above and below a chart: a page of paper ends between two, and cuts neither's border."""

_TITLE = 200
"""Characters of a title; Excel takes 255, the period included."""

_FIRST = 3
"""Row of the first charts."""

_TABLES = 2 * _COLUMNS + 1
"""Column where the tables begin."""

_FAINT_LINE = {"line": {"color": "#E5E7EB", "width": 0.75}, "visible": True}


class Series(NamedTuple):
    """A series of a chart: its name, the column of its figures, its colour."""

    name: str
    column: int
    colour: str
    is_mark: bool = False
    """Whether it marks single points above the others."""


class Drawing:
    """A sheet of charts."""

    def __init__(self, pages: Pages, name: str, period: str) -> None:
        self.pages = pages
        self.name = name
        self.period = period
        self.sheet = pages.add_sheet(name, "The figures as charts, which can be edited")
        self.grid = Grid(pages, self.sheet)
        self.number = 0
        self.line = _FIRST

    def draw_days(
        self,
        title: str,
        sheet: str,
        lines: tuple[int, int],
        series: Sequence[Series],
        *,
        is_stacked: bool = True,
    ) -> None:
        """Draw columns by day, of the table of another sheet: its days stand in the first column.

        A line would run across days that have no row.
        """
        first, last = lines
        kind = {"type": "column", **({"subtype": "stacked"} if is_stacked else {})}
        chart = self.pages.book.add_chart(kind)
        marks = self.pages.book.add_chart({"type": "line"})
        for one in series:
            (marks if one.is_mark else chart).add_series(_series(one, sheet, 0, lines))
        if any(one.is_mark for one in series):
            chart.combine(marks)
        chart.set_x_axis(
            {
                "date_axis": True,
                "num_format": "d mmm yy",
                "major_unit": max(1, (last - first) // 8),
                "major_unit_type": "days",
                "line": {"color": "#9CA3AF"},
            }
        )
        chart.set_y_axis(
            {"num_format": "#,##0", "major_gridlines": _FAINT_LINE, "line": {"none": True}}
        )
        self._put(chart, title, has_legend=len(series) > 1)

    def draw_bars(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        series: Sequence[Series],
    ) -> None:
        """Draw a bar per row, the first on top."""
        if rows:
            lines = self._put_table(title, columns, rows)
            chart = self.pages.book.add_chart({"type": "bar"})
            self._add(chart, series, lines)
            chart.set_y_axis({"reverse": True, "crossing": "max", "line": {"color": "#9CA3AF"}})
            chart.set_x_axis(
                {"num_format": "#,##0", "major_gridlines": _FAINT_LINE, "line": {"none": True}}
            )
            self._put(chart, title, has_legend=len(series) > 1)

    def draw_columns(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        series: Sequence[Series],
    ) -> None:
        """Draw the columns of a distribution, a stack per row."""
        if rows:
            lines = self._put_table(title, columns, rows)
            chart = self.pages.book.add_chart({"type": "column", "subtype": "stacked"})
            self._add(chart, series, lines)
            chart.set_x_axis(
                {"num_font": {"rotation": -45, "size": 8}, "line": {"color": "#9CA3AF"}}
            )
            chart.set_y_axis({
                "name": "transactions", "num_format": "#,##0", "major_gridlines": _FAINT_LINE,
                "line": {"none": True},
            })  # fmt: skip
            self._put(chart, title, has_legend=len(series) > 1)

    def finish(self, text: str, left: int) -> None:
        """Write the sheet's texts and tables."""
        self.grid.put_heading(0, self.name)
        if left:
            text += f" {left} further currencies are not drawn."
        self.grid.put(1, 0, text)
        self.grid.put(2, 0, Link(f"Back to {START}", START))
        self.grid.write()
        self.sheet.set_column(_TABLES, _TABLES, 30)
        self.sheet.set_column(_TABLES + 1, _TABLES + 2, 16)
        self.sheet.set_print_scale(65)
        rows = range(2, -(-self.number // 2), 2)
        self.sheet.set_h_pagebreaks([_FIRST + row * _ROWS for row in rows])
        self.sheet.print_area(0, 0, _FIRST + -(-self.number // 2) * _ROWS, _TABLES - 2)

    def _add(self, chart: Chart, series: Sequence[Series], lines: tuple[int, int]) -> None:
        for one in series:
            chart.add_series({**_series(one, self.name, _TABLES, lines), "gap": 40})

    def _put(self, chart: Chart, title: str, *, has_legend: bool) -> None:
        """Put a chart into the next place."""
        font = {"name": "Calibri", "size": 12, "color": INK}
        name = cell_text(f"{title[:_TITLE]}, {self.period}")
        chart.set_title({"name": name, "name_font": font, "overlay": False})
        chart.set_legend({"position": "bottom"} if has_legend else {"none": True})
        chart.set_size({"width": _WIDTH, "height": _HEIGHT})
        chart.set_chartarea({"border": {"color": "#D1D5DB"}})
        row, column = divmod(self.number, 2)
        self.sheet.insert_chart(
            _FIRST + row * _ROWS,
            column * _COLUMNS,
            chart,
            {"description": name, "object_position": 1, "y_offset": _MARGIN},
        )
        self.number += 1

    def _put_table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> tuple[int, int]:
        """Put a table right of the charts; return the lines of its first and its last row."""
        self.grid.put_text(self.line, _TABLES, title, self.pages.bold)
        self.grid.put_header(self.line + 1, columns, _TABLES, height=None)
        first = self.line + 2
        for line, row in enumerate(rows, first):
            self.grid.put_row(line, row, start=_TABLES)
        self.line = first + len(rows) + 1
        return first, first + len(rows) - 1


def _series(one: Series, sheet: str, start: int, lines: tuple[int, int]) -> dict[str, Any]:
    """Return a series as xlsxwriter takes it: its labels stand in the table's first column."""
    first, last = lines
    column = start + one.column
    look: dict[str, Any] = {
        "fill": {"color": one.colour},
        "line": {"color": one.colour, "width": 1.5},
    }
    if one.is_mark:
        look = {
            "line": {"none": True},
            "marker": {
                "type": "diamond", "size": 9, "fill": {"color": one.colour},
                "border": {"color": "#FFFFFF"},
            },
        }  # fmt: skip
    return {
        **({"name": one.name} if one.name else {}),
        "categories": [sheet, first, start, last, start],
        "values": [sheet, first, column, last, column],
        **look,
    }
