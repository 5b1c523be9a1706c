"""What the transactions of a ledger add up to."""

from __future__ import annotations

from dataclasses import dataclass

from trueup.sample.facts import six_decimals


@dataclass(slots=True)
class Totals:
    """What a ledger, or all ledgers of a currency, add up to."""

    transactions: int = 0
    credits: int = 0
    debits: int = 0
    applied_credits: int = 0
    applied_debits: int = 0
    gap_at_end: int = 0
    subscribers_out_of_sync: int = 0

    def add(self, other: Totals) -> None:
        """Add another's sums to these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_fields(self) -> dict[str, str | int]:
        """Return them as the labels name them, amounts as text."""
        return {
            "transactions": self.transactions,
            "credits": six_decimals(self.credits),
            "debits": six_decimals(self.debits),
            "applied_credits": six_decimals(self.applied_credits),
            "applied_debits": six_decimals(self.applied_debits),
            "gap_at_end": six_decimals(self.gap_at_end),
            "subscribers_out_of_sync": self.subscribers_out_of_sync,
        }
