"""Where a subscription balance stands, and how fast deliveries use it up."""

from __future__ import annotations

from trueup.sample.facts import Attempt
from trueup.sample.printing import MICRO

LOW_BALANCE = 10 * MICRO
"""A balance below it is low, in whatever currency."""

DAY = 24 * 60 * 60_000


class Standing:
    """The last known balance of a ledger, and the deductions that it has seen."""

    __slots__ = ("_days", "_deducted", "_latest_day", "last")

    def __init__(self) -> None:
        self.last: tuple[Attempt, int] | None = None
        """The latest attempt after which the balance is known, and the balance."""
        self._deducted = 0
        self._days = 0
        self._latest_day: int | None = None

    def deduct(self, size: int, day: int) -> None:
        """Count what an applied debit has taken off the balance; days since 1970, in order."""
        self._deducted += size
        if day != self._latest_day:
            self._latest_day = day
            self._days += 1

    def is_short(self) -> bool:
        """Tell whether the balance is less than what a day of deductions takes."""
        if self.last is None or not self._days:
            return False
        return self.last[1] * self._days < self._deducted
