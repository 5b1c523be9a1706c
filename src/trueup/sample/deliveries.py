"""What became of the messages of one subscriber: the failed and the refused ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trueup.sample.facts import Delivery, Finding, expected_change

_RECOVERS = {"applied", "already_synced", "skipped"}


class Deliveries:
    """The deliveries of one subscriber's messages, as they come."""

    __slots__ = ("_blocked", "_failed", "_subscriber_id")

    def __init__(self, subscriber_id: str) -> None:
        self._subscriber_id = subscriber_id
        self._blocked: list[Delivery] = []
        self._failed: dict[str, tuple[Delivery, set[str]]] = {}
        """By message id: the first failed delivery, and the outcomes of all later ones."""

    def see(self, delivery: Delivery) -> None:
        """Take the next delivery; those of messages that never fail nor are refused add nothing."""
        if delivery.outcome == "blocked":
            self._blocked.append(delivery)
        if failed := self._failed.get(delivery.message_id):
            failed[1].add(delivery.outcome)
        elif delivery.outcome == "failed":
            self._failed[delivery.message_id] = delivery, set()

    def findings(self, currencies: Iterable[str]) -> Iterator[Finding]:
        """Yield what is found; `currencies` are those of all the subscriber's transactions."""
        used = set(currencies)
        only = used.pop() if len(used) == 1 else None
        for delivery in self._blocked:
            yield self._refused(delivery, only)
        for delivery, later in self._failed.values():
            yield self._failure(delivery, later)

    def _refused(self, delivery: Delivery, only_currency: str | None) -> Finding:
        transaction = delivery.transaction
        return Finding(
            "blocked_overdraft",
            "logged" if transaction else "not_logged",
            self._subscriber_id,
            delivery.currency or only_currency,
            delivery,
            0 if transaction else None,
            transaction.new if transaction else None,
        )

    def _failure(self, first: Delivery, later: set[str]) -> Finding:
        missing = expected_change(first.transaction) if first.transaction else None
        at_risk = 0
        if later & _RECOVERS:
            cause, missing = "recovered", None
        elif "blocked" in later:
            cause = "refused"
        else:
            cause, at_risk = "never", abs(missing or 0)
        return Finding(
            "failed_sync",
            cause,
            self._subscriber_id,
            first.currency,
            first,
            missing,
            None if missing is None else 0,
            at_risk,
        )
