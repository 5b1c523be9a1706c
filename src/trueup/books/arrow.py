"""From rows of text to Arrow tables, typed as `schema` says."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from trueup.logs.rows import Rows
from trueup.schema import TABLES, Column, Type

ARROW_TYPES: dict[Type, pa.DataType] = {
    "text": pa.string(),
    # UTC without saying so: DuckDB needs an extension, to be fetched, for times with a zone.
    "time": pa.timestamp("ms"),
    "money": pa.decimal128(18, 6),
    "difference": pa.decimal128(20, 6),
    "int": pa.int64(),
    "number": pa.float64(),
    "bool": pa.bool_(),
    "file": pa.dictionary(pa.int32(), pa.string()),
}


def arrow_tables(rows: Rows) -> dict[str, pa.Table]:
    """Return every table of `schema.TABLES` with what was read."""
    ids = _texts([facts.file_id for facts in rows.files])
    contents: dict[str, Iterable[Sequence[Any]]] = {
        **rows.tables,
        "entry_kinds": [(file, kind, n) for (file, kind), n in rows.kinds.items() if n],
        "files": [
            (
                facts.file_id, facts.name, facts.size, facts.unpacked_size, facts.entries,
                facts.first_at, facts.last_at, facts.status,
            )
            for facts in rows.files
        ],
    }  # fmt: skip
    return {name: _table(TABLES[name], contents[name], ids) for name in TABLES}


def _table(columns: Sequence[Column], rows: Iterable[Sequence[Any]], ids: pa.Array) -> pa.Table:
    values: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [
        _array(column.type, column_values, ids)
        for column, column_values in zip(columns, values, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _array(kind: Type, values: Sequence[Any], ids: pa.Array) -> pa.Array:
    if kind == "int":
        return _integers(array("q", values), pa.int64())
    if kind == "file":
        indices = _integers(array("i", values), pa.int32())
        return pa.DictionaryArray.from_arrays(indices, ids)
    texts = _texts(values)
    if kind == "time":
        return texts.cast(pa.timestamp("ms", tz="UTC")).cast(ARROW_TYPES[kind])
    return texts if kind == "text" else texts.cast(ARROW_TYPES[kind])


def _integers(values: array[int], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _texts(values: Sequence[bytes | str | None]) -> pa.Array:
    # `pa.array` would import pandas, if it is there, to ask whether this is a series: a second.
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()
