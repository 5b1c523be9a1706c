"""The part of time that an audit shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` (inclusive) until `until` (exclusive), both in UTC; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """Name its bounds, in words; nothing where it has none."""
        bounds = [
            f"{word} {time:%Y-%m-%d %H:%M}"
            for word, time in (("from", self.since), ("until", self.until))
            if time
        ]
        return f"{' '.join(bounds)} UTC" if bounds else ""

    def holds(self, column: str) -> str:
        """Return the SQL condition that the column's time lies in the window."""
        bounds = [f"{column} >= {_literal(self.since)}"] if self.since else []
        if self.until:
            bounds.append(f"{column} < {_literal(self.until)}")
        return " AND ".join(bounds) or "TRUE"

    def is_before_end(self, column: str) -> str:
        """Return the SQL condition that the column's time lies in the window or before it."""
        return Window(until=self.until).holds(column)

    def is_before_start(self, column: str) -> str:
        """Return the SQL condition that the column's time lies before the window."""
        return f"{column} < {_literal(self.since)}" if self.since else "FALSE"

    def reaches(self, column: str) -> str:
        """Return the SQL condition that what lasts until the column's time (NULL: still) is in it."""
        return f"coalesce({column} >= {_literal(self.since)}, TRUE)" if self.since else "TRUE"


def _literal(time: datetime) -> str:
    return f"TIMESTAMP '{time:%Y-%m-%d %H:%M:%S.%f}'"
