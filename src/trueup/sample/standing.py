"""Where a subscription balance stands, and how fast deliveries use it up."""

from __future__ import annotations

from trueup.sample.facts import Attempt
from trueup.sample.printing import MICRO

LOW_BALANCE = 10 * MICRO
"""A balance below it is low, in whatever currency."""

DAY = 24 * 60 * 60_000


class Standing:
    """The last known balance of a ledger, and the deductions that it has seen."""

    __slots__ = ("days", "deducted", "last")

    def __init__(self) -> None:
        self.last: tuple[Attempt, int] | None = None
        """The latest attempt after which the balance is known, and the balance."""
        self.deducted = 0
        """What applied debits have taken off the balance."""
        self.days: set[int] = set()
        """The days since 1970 on which they did."""

    def is_short(self) -> bool:
        """Tell whether the balance is less than what a day of deductions takes."""
        if self.last is None or not self.days:
            return False
        return self.last[1] * len(self.days) < self.deducted
