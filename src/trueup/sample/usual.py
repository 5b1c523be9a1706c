"""What is usual: the changes of a ledger, by what they were made for."""

from __future__ import annotations

from trueup.sample.facts import Attempt
from trueup.sample.median import median

ENOUGH = 4
"""So many other changes it takes to tell what is usual."""


class Usual:
    """The changes of a ledger that were logged with type and action."""

    __slots__ = ("_seen", "marked")

    def __init__(self) -> None:
        self._seen: dict[tuple[str | None, str, int], int] = {}
        """How many there were of each type, action and change."""
        self.marked: list[Attempt] = []
        """Attempts that were made unusual."""

    def see(self, kind: str | None, action: str, change: int) -> None:
        """Take the next change."""
        key = (kind, action, change)
        self._seen[key] = self._seen.get(key, 0) + 1

    def mark(self, attempt: Attempt) -> None:
        """Remember an attempt as made unusual."""
        self.marked.append(attempt)

    def size(self, kind: str | None, action: str | None) -> int | None:
        """Return the usual size of a change so far, if there have been enough of its kind."""
        sizes = self._sizes(kind, action)
        return int(median(sizes)) if len(sizes) >= ENOUGH else None

    def factor(self, attempt: Attempt) -> float:
        """Return how many times the median of all others of its kind a change is."""
        size = abs(attempt.new - attempt.old)
        others = self._sizes(attempt.type, attempt.action)
        others.remove(size)
        return round(size / median(others), 2)

    def _sizes(self, kind: str | None, action: str | None) -> list[int]:
        return [
            abs(change)
            for (its_kind, its_action, change), count in self._seen.items()
            for _ in range(count)
            if (its_kind, its_action) == (kind, action)
        ]
