"""What was written, counted while it is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from trueup.sample.facts import UnusualChange
from trueup.sample.totals import Totals


@dataclass(slots=True)
class Tally:
    """Counts of entries, invocations, messages, faults; of one group of subscribers, or of all."""

    files: int = 0
    packed_bytes: int = 0
    unpacked_bytes: int = 0
    entries: int = 0
    invocations: int = 0
    messages: int = 0
    transactions: int = 0
    subscribers: int = 0
    sync_errors: int = 0
    cold_starts: int = 0
    crashes_at_init: int = 0
    messages_by_day: Counter[int] = field(default_factory=Counter)
    """By the day since 1970, as are the next two."""
    failures_by_day: Counter[int] = field(default_factory=Counter)
    sync_errors_by_day: Counter[int] = field(default_factory=Counter)
    crashes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By cause and error."""
    first_crashes: dict[tuple[str, str], int] = field(default_factory=dict)
    """When the first of them was."""
    unusual_changes: list[UnusualChange] = field(default_factory=list)
    findings: int = 0
    outcomes_of_messages: Counter[str] = field(default_factory=Counter)
    outcomes_of_transactions: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    currencies: dict[str, Totals] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add another group's counts to these."""
        apart = {"currencies", "first_crashes"}
        for name in {column.name for column in fields(self)} - apart:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for which, at in other.first_crashes.items():
            self._see_crash(which, at)
        for currency, totals in other.currencies.items():
            self.add_totals(currency, totals)

    def add_totals(self, currency: str, totals: Totals) -> None:
        """Add a ledger's sums to those of its currency."""
        self.currencies.setdefault(currency, Totals()).add(totals)

    def add_crash(self, cause: str, error: str, at: int) -> None:
        """Count a crash: of an invocation's `run`, or at `init`."""
        self.crashes[cause, error] += 1
        self._see_crash((cause, error), at)

    def _see_crash(self, which: tuple[str, str], at: int) -> None:
        self.first_crashes[which] = min(at, self.first_crashes.get(which, at))
