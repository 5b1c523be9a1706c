"""What goes into a cell: formats, made once, and the way of each kind of value into its cell.

Text is always written as text, so that none of it can become a formula; amounts become numbers here,
in the cell, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from trueup.reports.characters import without_control

CELL_CHARACTERS = 32_767
"""Characters of an Excel cell."""

_CELL_BYTES = 2 * CELL_CHARACTERS

INK = "#1F2937"
FAINT = "#6B7280"
ANY = -1
"""Decimals of an amount whose currency is not known: as many as it has."""

SEVERITY_FILLS = {"high": "#F8D7DA", "medium": "#FDEBC8", "low": "#E7F0FA", "info": "#EEF0F2"}

BASE = {"font_name": "Calibri", "font_size": 10, "valign": "top"}

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  (day 0 of Excel's calendar; times are UTC throughout)


class Sentence(str):
    """A text whose cell wraps."""

    __slots__ = ()


class Severity(str):
    """A severity, which has a colour."""

    __slots__ = ()


class Percent(float):
    """A share, which is shown in percent."""

    __slots__ = ()


class Amount(NamedTuple):
    """An amount with decimals of its own, where a row holds several currencies."""

    value: Decimal
    places: int


class Link(NamedTuple):
    """A text that leads to a cell of a sheet."""

    text: str
    sheet: str
    cell: str = "A1"

    @property
    def target(self) -> str:
        """Where it leads, as Excel writes it."""
        return f"internal:'{self.sheet}'!{self.cell}"


_Write = Callable[[Worksheet, int, int, Any, int], None]


class Cells:
    """The formats of rows, and how each kind of value is written; in grey for what is accepted."""

    def __init__(self, book: Workbook, *, is_faint: bool = False) -> None:
        base = {**BASE, "font_color": FAINT} if is_faint else BASE
        make = book.add_format
        figure = {**base, "align": "right", "indent": 1}
        self.text = make(base)
        self.wrapped = make({**base, "text_wrap": True, "align": "left", "indent": 1})
        self.count = make({**figure, "num_format": "#,##0"})
        self.ratio = make({**figure, "num_format": "#,##0.00"})
        self.percent = make({**figure, "num_format": "0.0%"})
        self.time = make({**base, "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self.day = make({**base, "num_format": "yyyy-mm-dd", "align": "left"})
        self.link = make({**base, "font_color": "#1D4ED8", "underline": 1})
        self.money = [
            make({**figure, "num_format": money_format(places, is_faint=is_faint)})
            for places in (*range(7), None)
        ]
        self.severity: dict[str, Format] = {
            name: make(base if is_faint else {**base, "bg_color": fill})
            for name, fill in SEVERITY_FILLS.items()
        }
        self._writers: dict[type, _Write] = {
            str: self._write_text, Sentence: self._write_sentence, Severity: self._write_severity,
            Link: self._write_link, Decimal: self._write_money, Amount: self._write_amount,
            bool: self._write_flag, int: self._write_count, float: self._write_ratio, Percent: self._write_percent,
            datetime: self._write_time, date: self._write_day,
        }  # fmt: skip

    def write_row(
        self, sheet: Worksheet, line: int, row: Sequence[Any], places: int, start: int = 0
    ) -> None:
        """Write a row's cells, amounts with so many decimals; the cell holds all of them."""
        writers = self._writers
        for place, value in enumerate(row, start):
            if value is not None:
                writers[type(value)](sheet, line, place, value, places)

    def write(self, sheet: Worksheet, line: int, place: int, value: Any, places: int = 2) -> None:  # noqa: ANN401
        """Write one cell."""
        if value is not None:
            self._writers[type(value)](sheet, line, place, value, places)

    def _write_text(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        sheet.write_string(line, place, cell_text(value), self.text)

    def _write_sentence(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        sheet.write_string(line, place, cell_text(value), self.wrapped)

    def _write_severity(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        sheet.write_string(line, place, value, self.severity[value])

    def _write_link(self, sheet: Worksheet, line: int, place: int, value: Link, _: int) -> None:
        sheet.write_url(line, place, value.target, self.link, cell_text(value.text))

    def _write_money(
        self, sheet: Worksheet, line: int, place: int, value: Decimal, places: int
    ) -> None:
        sheet.write_number(line, place, float(value), self.money[places])

    def _write_amount(self, sheet: Worksheet, line: int, place: int, of: Amount, _: int) -> None:
        self._write_money(sheet, line, place, of.value, of.places)

    def _write_flag(self, sheet: Worksheet, line: int, place: int, value: bool, _: int) -> None:  # noqa: FBT001
        # A column of "no" hides the few "yes"; what is not is left blank.
        if value:
            sheet.write_string(line, place, "yes", self.text)

    def _write_count(self, sheet: Worksheet, line: int, place: int, value: int, _: int) -> None:
        sheet.write_number(line, place, value, self.count)

    def _write_ratio(self, sheet: Worksheet, line: int, place: int, value: float, _: int) -> None:
        sheet.write_number(line, place, value, self.ratio)

    def _write_percent(self, sheet: Worksheet, line: int, place: int, value: float, _: int) -> None:
        sheet.write_number(line, place, value, self.percent)

    def _write_time(self, sheet: Worksheet, line: int, place: int, value: datetime, _: int) -> None:
        sheet.write_number(line, place, serial(value), self.time)

    def _write_day(self, sheet: Worksheet, line: int, place: int, value: date, _: int) -> None:
        sheet.write_number(line, place, (value - _EPOCH.date()).days, self.day)


def money_format(places: int | None, *, is_faint: bool = False) -> str:
    """Return Excel's format of amounts with so many decimals: negative ones in red."""
    digits = "#,##0.00####" if places is None else "#,##0" + ("." + "0" * places if places else "")
    return digits if is_faint else f"{digits};[Red]-{digits};{digits}"


def serial(time: datetime) -> float:
    """Return a time as Excel counts it: days since the end of 1899."""
    elapsed = time - _EPOCH
    return elapsed.days + (elapsed.seconds + elapsed.microseconds / 1_000_000) / 86_400


def cell_text(text: str) -> str:
    """Return text that a cell can hold: without control characters, not longer than a cell."""
    text = without_control(text)
    # Excel counts as UTF-16 does: two for an emoji.
    if 2 * len(text) > CELL_CHARACTERS and len(units := text.encode("utf-16-le")) > _CELL_BYTES:
        mark = " [cut]"
        text = units[: _CELL_BYTES - 2 * len(mark)].decode("utf-16-le", "ignore") + mark
    return text
