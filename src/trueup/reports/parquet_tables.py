"""`tables/*.parquet`: every table of the books, for whoever goes on from there with other tools.

Rows stand in a total order and in groups of one size, so that the same logs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trueup.reports.report import Report

FOLDER = "tables"

GROUP = 65_536
"""Rows of a group: as many as are held at a time."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which rows of a table `t` are written, and in which order."""

    time: str = ""
    """The time by which a row belongs to a window."""
    where: str = "TRUE"
    """What holds of a row without a time of its own; `{shown}` is what holds of transactions `s`."""
    order: str = ""
    """What the rows are sorted by, if not by time and then by all columns."""


_OF_TRANSACTIONS = "t.{0} IN (SELECT s.{0} FROM transactions AS s WHERE {{shown}})"
_OF_SUBSCRIBERS = "t.subscriber_id IN (SELECT s.subscriber_id FROM subscribers AS s)"

_TABLES = {
    "transactions": _Rows('t."at"', order='t."at", t.stream, t.place'),
    "messages": _Rows('t."at"'),
    "sync_errors": _Rows('t."at"'),
    "metrics": _Rows('t."at"'),
    "crashes_at_init": _Rows('t."at"'),
    "invocations": _Rows("coalesce(t.started_at, t.ended_at)"),
    "gap_moves": _Rows('t."at"'),
    "transaction_details": _Rows(where=_OF_TRANSACTIONS.format("transaction_id")),
    "unusual_changes": _Rows(where=_OF_TRANSACTIONS.format("attempt_id")),
    "contacts": _Rows(where=_OF_SUBSCRIBERS),
    **dict.fromkeys(
        ("subscribers", "files", "problems", "entry_kinds", "currencies", "limits", "accepted"),
        _Rows(),
    ),
}


def table_names(checks: Sequence[str], *, contacts: bool) -> list[str]:
    """Return the tables that are written, of an audit by these checks."""
    left_out = {
        *(() if "unusual_change" in checks else ("unusual_changes",)),
        *(() if contacts else ("contacts",)),
    }
    names = [name for name in _TABLES if name not in left_out]
    return [*names, *(f"findings_{check}" for check in checks)]


def write_table(name: str, report: Report, path: Path) -> None:
    """Write a table of the books, of what the report's window shows."""
    query = _query(name, report)
    schema = report.books.sql(f"{query} LIMIT 0").schema
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _groups(report.books.stream(query, GROUP)):
            writer.write_table(rows, row_group_size=GROUP)


def _query(name: str, report: Report) -> str:
    if name not in _TABLES:
        return f"SELECT t.* EXCLUDE (place) FROM {name} AS t ORDER BY t.place"
    rows, window = _TABLES[name], report.window
    is_bare = name == "transactions" and not report.contacts
    left_out = "EXCLUDE (metadata)" if is_bare else ""
    if window.since or window.until:
        where = (
            window.holds(rows.time) if rows.time else rows.where.format(shown=window.holds("s.at"))
        )
    else:
        where = "TRUE"
    return f"""
        SELECT t.* {left_out} FROM "{name}" AS t WHERE {where}
        ORDER BY {rows.order or _all_columns(name, rows, report)}
        """


def _all_columns(name: str, rows: _Rows, report: Report) -> str:
    """Return an order in which only rows that are equal could change places."""
    columns = report.books.sql(f'SELECT * FROM "{name}" LIMIT 0').column_names
    return ", ".join([*filter(None, [rows.time]), *(f't."{column}"' for column in columns)])


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Cut batches, whose sizes are DuckDB's own affair, into groups of one size."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= GROUP:
            table = pa.Table.from_batches(held)
            yield table.slice(0, GROUP).combine_chunks()
            held, count = table.slice(GROUP).to_batches(), count - GROUP
    if count:
        yield pa.Table.from_batches(held).combine_chunks()
