"""Keep the books: the tables that were read, in DuckDB, and those that are derived from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trueup.books.arrow import Tables, typed
from trueup.books.hiding import hide_streams, hide_subscribers
from trueup.books.pseudonyms import Pseudonyms
from trueup.config import Settings
from trueup.config_values import memory_bytes
from trueup.money import Currencies
from trueup.schema import TABLES

# Of what was spilled, the tables that are asked often or added to.
_SMALL = {"files", "entry_kinds", "problems"}

_READ = "read_{}"
"""What SQL calls a table that was read into memory."""

# DuckDB fills what memory it is given, even where it is no faster for it: a million transactions (1.1 GB
# of text) take as long with 0.6 GB as with 1. Ten times as many do not get by with 0.6: medians
# cannot go to the disk.
_LEAST_MEMORY = 500_000_000
_MEMORY_PER_TEXT = 0.05


class Books:
    """The tables of one audit, open to SQL."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, money: Currencies | None = None
    ) -> None:
        self.connection = connection
        self.money = money or Currencies()
        self.pseudonyms: Pseudonyms | None = None
        self._is_stopped = False

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pa.Table:
        """Return the rows of a query as an Arrow table."""
        relation = self.connection.cursor().sql(query, params=list(parameters or []))
        table: pa.Table = relation.to_arrow_table()
        return table

    def stream(self, query: str, rows: int = 4_096) -> Iterator[pa.RecordBatch]:
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

    def note(self, file: str, line: int, problem: str) -> None:
        """Add to the problems one of a file that is none of the logs."""
        self.connection.execute(
            "INSERT INTO problems VALUES (?, ?, ?, '')",
            [self.hide(file), line, self.hide(problem)],
        )

    def hide(self, text: str) -> str:
        """Return text with pseudonyms for the ids in it, if the books hold pseudonyms."""
        return self.pseudonyms.within(text) if self.pseudonyms else text

    def close(self) -> None:
        """Free the tables; nothing can be asked afterwards."""
        self.connection.close()


def connect(tables: Tables, settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open DuckDB for tables that were read: in memory, or on a file beside those on the disk."""
    spill = tables if isinstance(tables, Path) else None
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.process_count,
    }
    if spill:
        config["temp_directory"] = str(spill / "temporary")
        config["preserve_insertion_order"] = False
    connection = duckdb.connect(str(spill / "books.duckdb") if spill else ":memory:", config=config)
    # A check of the user's own asks tables: no other file, and nothing on the network.
    allowed = "'" + str(spill).replace("'", "''") + "/'" if spill else ""
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    if spill:
        _limit_memory(connection, spill, settings)
    return connection


def source_of(connection: duckdb.DuckDBPyConnection, tables: Tables, name: str) -> str:
    """Return what SQL selects from to get a table as it was read: of text, but for its numbers."""
    if isinstance(tables, Path):
        parts = (str(part).replace("'", "''") for part in sorted((tables / name).iterdir()))
        return "read_parquet([" + ", ".join(f"'{part}'" for part in parts) + "])"
    source = _READ.format(name)
    connection.register(source, tables[name])
    return source


def keep_books(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    settings: Settings,
    key: bytes | None = None,
) -> Books:
    """Make the books of tables that were read: Arrow ones, or a folder of Parquet files of each.

    With a key, pseudonyms stand for the subscribers' ids.
    """
    books = Books(connection, Currencies(settings.minor_units))
    for name, columns in TABLES.items():
        shown = "logged_transactions" if name == "transactions" else name
        kind = "VIEW" if isinstance(tables, Path) and name not in _SMALL else "TABLE"
        source = source_of(connection, tables, name)
        connection.execute(f"CREATE {kind} {shown} AS SELECT {typed(columns)} FROM {source}")
    if key:
        books.pseudonyms = hide_subscribers(connection, key)
    _list_currencies(books, settings)
    _list_limits(connection, settings)
    connection.execute(package_files("trueup.books").joinpath("transactions.sql").read_text())
    if books.pseudonyms:
        hide_streams(connection, books.pseudonyms)
    if not isinstance(tables, Path):
        for name in TABLES:
            connection.unregister(_READ.format(name))
    if key or not isinstance(tables, Path):
        connection.execute("DROP TABLE logged_transactions")
    return books


def _limit_memory(connection: duckdb.DuckDBPyConnection, tables: Path, settings: Settings) -> None:
    """Lower the limit of memory to what as much text needs."""
    files = source_of(connection, tables, "files")
    (size,) = connection.execute(f"SELECT sum(unpacked_size) FROM {files}").fetchone() or (0,)
    needed = _LEAST_MEMORY + int((size or 0) * _MEMORY_PER_TEXT)
    limit = min(memory_bytes(settings.memory_limit), needed)
    connection.execute(f"SET memory_limit = '{limit}B'")


def _list_currencies(books: Books, settings: Settings) -> None:
    """Make the table of the currencies that occur, with what the settings say of each."""
    connection = books.connection
    found = connection.execute(
        "SELECT DISTINCT currency FROM logged_transactions WHERE currency IS NOT NULL ORDER BY 1"
    ).fetchall()
    connection.execute(
        """
        CREATE TABLE currencies (
            currency VARCHAR, minor_unit DECIMAL(18, 6), low_balance DECIMAL(18, 6),
            unusual_floor DECIMAL(18, 6)
        )
        """
    )
    if found:
        names = [name for (name,) in found]
        columns = [
            [books.money.minor_unit(name) for name in names],
            [settings.checks_low_balance.of(name) for name in names],
            [settings.checks_unusual_floor.of(name) for name in names],
        ]
        connection.execute(
            f"INSERT INTO currencies SELECT unnest(?::VARCHAR[]){', unnest(?::DECIMAL(18, 6)[])' * 3}",
            [names, *columns],
        )


def _list_limits(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make the table of one row that holds the settings that checks ask for."""
    connection.execute(
        """
        CREATE TABLE limits AS SELECT
            CAST(? AS INTEGER) AS duplicate_minutes,
            CAST(? AS DOUBLE) AS unusual_deviations,
            CAST(? AS VARCHAR) AS spike_method,
            CAST(? AS DOUBLE) AS spike_deviations,
            CAST(? AS INTEGER) AS spike_minimum
        """,
        [
            settings.checks_duplicate_minutes,
            settings.checks_unusual_deviations,
            settings.checks_spike_method,
            settings.spike_deviations,
            settings.checks_spike_minimum,
        ],
    )
