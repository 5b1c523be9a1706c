"""What was written, counted while it is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from trueup.sample.labels import Totals


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
    findings: int = 0
    outcomes_of_messages: Counter[str] = field(default_factory=Counter)
    outcomes_of_transactions: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    currencies: dict[str, Totals] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add another group's counts to these."""
        for name in (column.name for column in fields(self) if column.name != "currencies"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, totals in other.currencies.items():
            self.add_totals(currency, totals)

    def add_totals(self, currency: str, totals: Totals) -> None:
        """Add a ledger's sums to those of its currency."""
        self.currencies.setdefault(currency, Totals()).add(totals)
