"""One log stream under two names, as a log that was saved twice: its money must count once.

A request starts once, ends once, and logs a transaction once at one moment: streams that hold the
same are the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from trueup.books.arrow import Tables
from trueup.books.ledger import source_of
from trueup.sources.logfile import LogFile
from trueup.sources.streams import without_endings


def under_one_name(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    files: Sequence[LogFile],
) -> list[LogFile]:
    """Return the files with one stream for all that hold the same; unchanged if none do.

    The name of a log stream is preferred to that of a file.
    """
    shared = _shared(connection, tables)
    if not shared:
        return list(files)
    loose = {file.stream for file in files if file.stream == without_endings(file.name)}
    leader: dict[str, str] = {}

    def first(stream: str) -> str:
        while stream in leader:
            stream = leader[stream]
        return stream

    for streams in shared:
        ends = sorted({first(stream) for stream in streams}, key=lambda end: (end in loose, end))
        leader.update(dict.fromkeys(ends[1:], ends[0]))
    return [
        replace(file, stream=first(file.stream), found_as=file.stream)
        if file.stream in leader
        else file
        for file in files
    ]


def _shared(connection: duckdb.DuckDBPyConnection, tables: Tables) -> list[list[str]]:
    """Return the sets of streams that hold the same."""
    invocations = source_of(connection, tables, "invocations")
    transactions = source_of(connection, tables, "transactions")
    held = f"""
        (
            SELECT stream, request_id, started_at AS moment, 'start' AS what FROM {invocations}
            UNION ALL
            SELECT stream, request_id, ended_at, 'end' FROM {invocations}
            UNION ALL
            SELECT t.stream, t.request_id, t.at, t.transaction_id FROM {transactions} AS t
        )
        """
    # Hashes keep it small where it is about millions.
    shared = f"""
        SELECT hash(request_id, moment, what) AS same FROM {held}
        WHERE request_id <> '' AND moment <> ''
        GROUP BY same HAVING min(hash(stream)) <> max(hash(stream))
        """
    # Nearly always there is nothing, and the lists would take three times as long to say so.
    if not connection.execute(f"{shared} LIMIT 1").fetchall():
        return []
    found = connection.execute(
        f"""
        SELECT DISTINCT list_sort(list(DISTINCT stream::VARCHAR)) AS streams
        FROM {held} JOIN ({shared}) ON same = hash(request_id, moment, what)
        GROUP BY request_id, moment, what HAVING min(stream) <> max(stream)
        ORDER BY streams
        """
    ).fetchall()
    return [streams for (streams,) in found]
