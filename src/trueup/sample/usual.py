"""What is usual: the changes of a ledger, by what they were made for."""

from __future__ import annotations

from collections import Counter
from statistics import median

from trueup.sample.facts import Attempt

ENOUGH = 4
"""So many other changes it takes to tell what is usual."""


class Usual:
    """The changes of a ledger that were logged with type and action."""

    __slots__ = ("marked", "seen")

    def __init__(self) -> None:
        self.seen: Counter[tuple[str | None, str, int]] = Counter()
        """How many there were of each type, action and change."""
        self.marked: list[Attempt] = []
        """Attempts that were made unusual."""

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
        return [abs(change) for *what, change in self.seen.elements() if what == [kind, action]]
