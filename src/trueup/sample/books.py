"""The books of one subscriber: a ledger for each currency, and the messages."""

from __future__ import annotations

from collections.abc import Iterator

from trueup.sample.deliveries import Deliveries
from trueup.sample.facts import Delivery, Finding
from trueup.sample.labels import Ledger


class Books:
    """All that the logs say of one subscriber; what is found goes to `findings`."""

    __slots__ = ("_deliveries", "_findings", "_ledgers", "_subscriber_id")

    def __init__(self, subscriber_id: str, findings: list[Finding]) -> None:
        self._subscriber_id = subscriber_id
        self._findings = findings
        self._ledgers: dict[str, Ledger] = {}
        self._deliveries = Deliveries(subscriber_id)

    def ledger(self, currency: str, unit: int) -> Ledger:
        """Return the ledger in a currency; begin it if there is none."""
        if currency not in self._ledgers:
            self._ledgers[currency] = Ledger(self._subscriber_id, currency, unit, self._findings)
        return self._ledgers[currency]

    def has(self, currency: str) -> bool:
        """Tell whether there is a ledger in a currency, be it empty."""
        return currency in self._ledgers

    def deliver(self, delivery: Delivery) -> None:
        """Take the next delivery of a message."""
        self._deliveries.see(delivery)

    def used(self) -> list[Ledger]:
        """Return the ledgers with transactions, in order of their first."""
        used = [ledger for ledger in self._ledgers.values() if ledger.first]
        return sorted(used, key=lambda ledger: ledger.first.at if ledger.first else 0)

    def close(self) -> None:
        """Say what is known only at the end of the logs."""
        used = self.used()
        for ledger in used:
            ledger.close()
        self._findings += self._deliveries.findings(ledger.currency for ledger in used)
        self._findings += self._changes_of_currency(used[1:])

    def _changes_of_currency(self, later: list[Ledger]) -> Iterator[Finding]:
        for ledger in later:
            if ledger.first:
                who = (self._subscriber_id, ledger.currency)
                yield Finding("currency_change", None, *who, ledger.first, None, None)
