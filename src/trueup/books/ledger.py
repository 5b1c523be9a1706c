"""Keep the books: the tables that were read, in DuckDB, and those that are derived from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trueup.books.arrow import typed
from trueup.money import minor_unit
from trueup.schema import TABLES

# Of what was spilled, the tables that are asked often or added to.
_SMALL = {"files", "entry_kinds", "problems"}


class Books:
    """The tables of one audit, open to SQL."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._is_stopped = False

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pa.Table:
        """Return the rows of a query as an Arrow table."""
        relation = self.connection.cursor().sql(query, params=list(parameters or []))
        table: pa.Table = relation.to_arrow_table()
        return table

    def stream(self, query: str, rows: int = 20_000) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query as Arrow batches, read as they are taken."""
        for batch in self.connection.cursor().sql(query).to_arrow_reader(rows):
            if self._is_stopped:
                raise RuntimeError("the books were stopped while they were read")
            yield batch

    def stop(self) -> None:
        """Make every stream end at its next batch, in whichever thread it is read."""
        self._is_stopped = True

    def table(self, name: str) -> pa.Table:
        """Return a whole table."""
        return self.sql(f'SELECT * FROM "{name}"')

    def close(self) -> None:
        """Free the tables; nothing can be asked afterwards."""
        self.connection.close()


def connect(spill: Path | None, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Open DuckDB: in memory, or on a file in the folder `spill`, within a limit of memory."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "enable_external_access": spill is not None,
    }
    if spill:
        config["temp_directory"] = str(spill / "temporary")
        config["preserve_insertion_order"] = False
    return duckdb.connect(str(spill / "books.duckdb") if spill else ":memory:", config=config)


def keep_books(connection: duckdb.DuckDBPyConnection, tables: dict[str, pa.Table] | Path) -> Books:
    """Make the books of tables that were read: Arrow ones, or a folder of Parquet files of each."""
    for name, columns in TABLES.items():
        shown = "logged_transactions" if name == "transactions" else name
        if isinstance(tables, Path):
            parts = ", ".join(
                "'" + str(part).replace("'", "''") + "'"
                for part in sorted((tables / name).iterdir())
            )
            kind = "TABLE" if name in _SMALL else "VIEW"
            source = f"read_parquet([{parts}])"
        else:
            kind = "TABLE"
            source = "arrow_table"
            connection.register(source, tables[name])
        connection.execute(f"CREATE {kind} {shown} AS SELECT {typed(columns)} FROM {source}")
    _list_currencies(connection)
    connection.execute(package_files("trueup.books").joinpath("transactions.sql").read_text())
    if not isinstance(tables, Path):
        connection.unregister("arrow_table")
        connection.execute("DROP TABLE logged_transactions")
    return Books(connection)


def _list_currencies(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        "SELECT DISTINCT currency FROM logged_transactions WHERE currency IS NOT NULL ORDER BY 1"
    ).fetchall()
    connection.execute("CREATE TABLE currencies (currency TEXT, minor_unit DECIMAL(18,6))")
    if found:
        names = [name for (name,) in found]
        connection.execute(
            "INSERT INTO currencies SELECT unnest(?::TEXT[]), unnest(?::DECIMAL(18, 6)[])",
            [names, [minor_unit(name) for name in names]],
        )
