"""A sheet that writes cells faster, and no text of a log as mark-up.

In constant-memory mode xlsxwriter takes a text from `<r>` to `</r>` for rich text and writes it as
it stands, so that a log could spoil the file. And half of its time goes into looking again at what
is known here: that references and formats need no escaping. Where a cell is neither text nor number,
or a later xlsxwriter does without this method, its own way is taken.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import CellNumberTuple, CellStringTuple, Worksheet


class Sheet(Worksheet):  # type: ignore[misc]  # xlsxwriter tells no types
    """A worksheet of the report."""

    def _write_cell(self, row: int, col: int, cell: Any) -> None:  # noqa: ANN401
        style = cell.format
        if style is None:
            super()._write_cell(row, col, cell)
            return
        if type(cell) is CellNumberTuple:
            self.fh.write(
                f'<c r="{_column(col)}{row + 1}" s="{style._get_xf_index()}">'  # noqa: SLF001
                f"<v>{cell.number:.16G}</v></c>"
            )
        elif type(cell) is CellStringTuple:
            text = self._escaped(cell.string)
            space = "" if text == text.strip() else ' xml:space="preserve"'
            self.fh.write(
                f'<c r="{_column(col)}{row + 1}" s="{style._get_xf_index()}" t="inlineStr">'  # noqa: SLF001
                f"<is><t{space}>{text}</t></is></c>"
            )
        else:
            super()._write_cell(row, col, cell)

    def _escaped(self, text: str) -> str:
        if "_x" in text or not text.isprintable():
            text = self._escape_control_characters(text)
        if "&" in text or "<" in text or ">" in text:
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return text


@cache
def _column(place: int) -> str:
    name: str = xl_col_to_name(place)
    return name
