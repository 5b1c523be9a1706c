"""What reading yields: rows of the tables in `schema`, as plain tuples of text.

No Arrow here: a reading process starts, and hands its rows over, without loading it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

READ_TABLES = (
    "invocations",
    "crashes_at_init",
    "messages",
    "transactions",
    "sync_errors",
    "metrics",
    "transaction_details",
    "contacts",
    "problems",
)
"""Tables that have one row per something in the logs, in the order of `schema.TABLES`."""


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


@dataclass(slots=True)
class Rows:
    """Rows per table, in the schema's order of columns; a file stands as its place in `files`."""

    files: list[FileFacts] = field(default_factory=list)
    kinds: Counter[tuple[int, str]] = field(default_factory=Counter)
    tables: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in READ_TABLES}
    )

    def add_problem(self, file: int, line: int, problem: str, excerpt: str = "") -> None:
        """Note what is wrong with a line, or with the file as a whole (line 0)."""
        self.tables["problems"].append((file, line, problem, excerpt))
