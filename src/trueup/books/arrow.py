"""From packed columns to Arrow tables, and what their text stands for in SQL.

Amounts, times and the like stay text here; the books cast them when they take them in, which
DuckDB does in parallel and without loading Arrow's compute functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from trueup.logs.rows import Numbers, Packed, Places, Texts
from trueup.schema import TABLES, Column, Type

Tables = dict[str, pa.Table] | Path
"""What was read: tables of Arrow, or a folder that holds Parquet files of each."""

SQL_TYPES: dict[Type, str] = {
    "time": "TIMESTAMP_MS",
    "money": "DECIMAL(18, 6)",
    "difference": "DECIMAL(20, 6)",
    "number": "DOUBLE",
    "bool": "BOOLEAN",
}


def arrow_tables(packed: Packed) -> dict[str, pa.Table]:
    """Return the tables as Arrow takes them, without copying."""
    return {
        name: pa.Table.from_arrays(
            [_array(values) for values in packed[name]], names=[column.name for column in columns]
        )
        for name, columns in TABLES.items()
    }


def _array(column: Texts | Numbers | Places) -> pa.Array[Any]:
    if isinstance(column, Numbers):
        buffers = [None, pa.py_buffer(column.values)]
        return pa.Array.from_buffers(pa.int64(), len(column.values), buffers)
    if isinstance(column, Places):
        buffers = [None, pa.py_buffer(column.places)]
        places = pa.Array.from_buffers(pa.int32(), len(column.places), buffers)
        return pa.DictionaryArray.from_arrays(places, _array(column.texts))
    buffers = [None, pa.py_buffer(column.offsets), pa.py_buffer(column.data)]
    return pa.Array.from_buffers(pa.string(), len(column.offsets) - 1, buffers)


def typed(columns: tuple[Column, ...]) -> str:
    """Return the SQL list that gives columns of text their types; empty text becomes NULL."""
    return ", ".join(_typed(column) for column in columns)


def _typed(column: Column) -> str:
    if column.type in {"int", "file", "stream"}:
        return f'"{column.name}"'
    if column.type == "attempt":  # its ordinal, 0 for none
        return f"""CASE WHEN "{column.name}" > 0 THEN concat(request_id, '.', "{column.name}") END
            AS "{column.name}\""""
    text = f"nullif(\"{column.name}\", '')"
    if column.type == "text":
        return f'{text} AS "{column.name}"'
    return f'CAST({text} AS {SQL_TYPES[column.type]}) AS "{column.name}"'
