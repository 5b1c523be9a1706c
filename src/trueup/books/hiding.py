"""Put pseudonyms into the tables that were read, before anything is worked out from them.

Whatever the books derive, checks find and reports print, is then made of pseudonyms alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa

from trueup.books.pseudonyms import Pseudonyms
from trueup.schema import TABLES, Column

# Ids that name no person, and words that checks compare.
_KEPT = {
    "attempt_id", "transaction_id", "message_id", "request_id", "type", "currency", "outcome",
    "status", "runtime", "metadata",
}  # fmt: skip

# Texts of which the reader keeps the beginning.
_CUT = {"error", "detail", "problem", "excerpt", "kind"}

_Hide = Callable[[str], str]
_ROWS = 10_000


def hide_subscribers(connection: duckdb.DuckDBPyConnection, key: bytes) -> Pseudonyms:
    """Replace every subscriber's id in the tables as they were read; leave contacts out.

    The stream of a transaction is left for later: it is a part of the order.
    """
    pseudonyms = Pseudonyms(key, _subscriber_ids(connection))
    connection.execute("CREATE TEMP TABLE hidden (place VARCHAR, text VARCHAR, shown VARCHAR)")
    for name, columns in TABLES.items():
        table = "logged_transactions" if name == "transactions" else name
        _rewrite(connection, table, columns, pseudonyms)
    return pseudonyms


def hide_streams(connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> None:
    """Replace ids in the streams of transactions, once these are in order.

    A loose file is a stream of its own, and may be named after a subscriber.
    """
    found = _note_hidden(connection, "transactions", "stream", pseudonyms.within)
    if found:
        connection.execute(
            """
            UPDATE transactions SET stream = h.shown FROM hidden AS h
            WHERE h.place = 'transactions.stream' AND h.text = transactions.stream
            """
        )
    connection.execute("DROP TABLE hidden")


def _subscriber_ids(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    tables = [
        "logged_transactions" if name == "transactions" else name
        for name, columns in TABLES.items()
        if "subscriber_id" in {column.name for column in columns}
    ]
    query = " UNION ".join(f"SELECT subscriber_id FROM {table}" for table in tables)
    cursor = connection.execute(f"SELECT * FROM ({query}) WHERE subscriber_id IS NOT NULL")
    while rows := cursor.fetchmany(_ROWS):
        yield from (subscriber_id for (subscriber_id,) in rows)


def _rewrite(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[Column, ...],
    pseudonyms: Pseudonyms,
) -> None:
    """Replace a table, or a view, by a table of pseudonyms."""
    hidden = [
        column.name
        for column in columns
        if (hide := _hiding(table, column, pseudonyms))
        and _note_hidden(connection, table, column.name, hide)
    ]
    shown = [f'coalesce(h{n}.shown, t."{name}") AS "{name}"' for n, name in enumerate(hidden)]
    if table == "logged_transactions":
        shown.append("CAST(NULL AS VARCHAR) AS metadata")
    joins = "".join(
        f" LEFT JOIN hidden AS h{n} ON h{n}.place = '{table}.{name}' AND h{n}.text = t.\"{name}\""
        for n, name in enumerate(hidden)
    )
    replaced = f"REPLACE ({', '.join(shown)})" if shown else ""
    kind = _kind(connection, table)
    connection.execute(
        f"""
        CREATE TABLE rewritten AS SELECT t.* {replaced} FROM {table} AS t {joins}
        WHERE {"FALSE" if table == "contacts" else "TRUE"}
        """
    )
    connection.execute(f"DROP {kind} {table}")
    connection.execute(f"ALTER TABLE rewritten RENAME TO {table}")


def _hiding(table: str, column: Column, pseudonyms: Pseudonyms) -> _Hide | None:
    """Return what hides ids in a column; None for one that is kept."""
    if column.name == "subscriber_id":
        return pseudonyms.of
    if column.name == "wallet_id":
        return pseudonyms.of_wallet
    if column.name == "file_id":
        # The id of a file that could not be opened is made of its name.
        return lambda text: pseudonyms.within(text) if text.startswith("unread:") else text
    if column.name in _CUT:
        return pseudonyms.within_cut
    is_text = column.type == "text" or (column.type == "stream" and table != "logged_transactions")
    return pseudonyms.within if is_text and column.name not in _KEPT else None


def _note_hidden(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, hide: _Hide
) -> bool:
    """Note for each text of the column that has to change what stands for it; tell if any has."""
    cursor = connection.cursor()
    cursor.execute(f'SELECT DISTINCT "{column}" FROM {table} WHERE "{column}" IS NOT NULL')
    has_any = False
    while rows := cursor.fetchmany(_ROWS):
        pairs = [(text, shown) for (text,) in rows if (shown := hide(text)) != text]
        if pairs:
            texts, stand_ins = zip(*pairs, strict=True)
            connection.register("found", pa.table({"text": texts, "shown": stand_ins}))
            connection.execute(
                f"INSERT INTO hidden SELECT '{table}.{column}', text, shown FROM found"
            )
            connection.unregister("found")
            has_any = True
    return has_any


def _kind(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    found = connection.execute(
        "SELECT table_type FROM information_schema.tables WHERE table_name = ?", [table]
    ).fetchone()
    return "VIEW" if found == ("VIEW",) else "TABLE"
