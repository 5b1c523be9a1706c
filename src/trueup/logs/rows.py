"""What reading yields: rows of the tables in `schema`, and the same packed as columns.

No Arrow here: a reading process starts, and hands its columns over, without loading it. The
columns have Arrow's layout all the same, so that Arrow takes them as they are.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from trueup.schema import TABLES, Column

READ_TABLES = tuple(name for name in TABLES if name not in {"files", "entry_kinds"})
"""Tables that have one row per something in the logs."""


@dataclass(slots=True)
class FileFacts:
    """What reading learned of one file."""

    file_id: str
    name: str
    size: int
    unpacked_size: int = 0
    entries: int = 0
    first_at: bytes | None = None
    last_at: bytes | None = None
    status: str = "read"
    continues: bool = False
    """Whether it begins with the end of the file before it."""
    is_repeated: bool = False
    """Whether entries of it are in another export too, and count there."""


@dataclass(slots=True)
class Rows:
    """Rows per table, in the schema's order of columns.

    Values are UTF-8 texts, empty where the log has nothing. A file and a stream stand as their
    places in `files` and `streams`, an attempt as its ordinal within its invocation (0: none).
    """

    files: list[FileFacts] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    kinds: Counter[tuple[int, str]] = field(default_factory=Counter)
    tables: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in READ_TABLES})
    is_last: bool = True
    """Whether no rows of the same files follow, so that what is counted of them is known."""

    def add_problem(self, file: int, line: int, problem: str, excerpt: str = "") -> None:
        """Note what is wrong with a line, or with the file as a whole (line 0)."""
        self.tables["problems"].append((file, line, problem, excerpt))


class Texts(NamedTuple):
    """A column of texts: where each begins in `data`, and the data. What is missing is empty."""

    offsets: array[int]
    data: bytes


class Numbers(NamedTuple):
    """A column of whole numbers, none of them missing."""

    values: array[int]


class Places(NamedTuple):
    """A column of texts that repeat: for each row its place among the texts."""

    places: array[int]
    texts: Texts


Packed = dict[str, list[Texts | Numbers | Places]]
"""Tables as columns, in the schema's order."""


def pack(rows: Rows) -> Packed:
    """Turn rows into columns. Empty text stands for what the log does not have."""
    repeated = {
        "file": _texts([facts.file_id for facts in rows.files]),
        "stream": _texts(rows.streams),
    }
    contents: dict[str, Iterable[Sequence[Any]]] = {
        **rows.tables,
        "entry_kinds": [(file, kind, count) for (file, kind), count in rows.kinds.items() if count and rows.is_last],
        "files": [
            (
                facts.file_id, facts.name, facts.size, facts.unpacked_size, facts.entries,
                facts.first_at, facts.last_at, facts.status,
            )
            for facts in rows.files if rows.is_last
        ],
    }  # fmt: skip
    return {name: _columns(TABLES[name], contents[name], repeated) for name in TABLES}


def _columns(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], repeated: dict[str, Texts]
) -> list[Texts | Numbers | Places]:
    values: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(columns)
    return [
        _column(column, column_values, repeated)
        for column, column_values in zip(columns, values, strict=True)
    ]


def _column(
    column: Column, values: Sequence[Any], repeated: dict[str, Texts]
) -> Texts | Numbers | Places:
    if column.type in {"int", "attempt"}:
        return Numbers(array("q", values))
    if column.type in repeated:
        return Places(array("i", values), repeated[column.type])
    return _texts(values)


def _texts(values: Sequence[Any]) -> Texts:
    """Pack texts; the few columns of `str` among them, and what is missing, take longer."""
    try:
        data = b"".join(values)
    except TypeError:
        values = [v.encode("utf-8", "replace") if isinstance(v, str) else v or b"" for v in values]
        data = b"".join(values)
    return Texts(array("i", accumulate(map(len, values), initial=0)), data)
