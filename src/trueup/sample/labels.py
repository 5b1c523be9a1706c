"""What a correct audit of the sample must find, worked out from the facts and not from the log.

A ledger sees the attempts of one subscriber in order of time and applies the definitions of the
log format one by one. It is written apart from the product's checks, in the plainest way, so
that the two can be held against each other. Amounts are integers of a millionth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from trueup.sample.printing import stamp

SCHEMA = "trueup.labels/1"


class Attempt(NamedTuple):
    """A transaction as logged: once for every delivery of its message."""

    at: int
    transaction_id: str
    request_id: str
    type: str | None
    amount: int
    vat: int
    old: int
    new: int
    payment: int | None
    outcome: str
    error: tuple[int, int] | None
    """subscriptionBalance and paymentBalance of its own sync error."""


class Finding(NamedTuple):
    """One finding, its subject and its sums."""

    check: str
    cause: str | None
    subscriber_id: str
    currency: str
    subject: Attempt
    expected: int
    logged: int
    at_risk: int = 0
    transactions: int | None = None

    def sort_key(self) -> tuple[str, str, str]:
        """Return its place in the labels: check, subscriber, time."""
        return self.check, self.subscriber_id, stamp(self.subject.at)

    def as_json(self) -> str:
        """Return it as one line of JSON."""
        fields: dict[str, str | int | None] = {
            "check": self.check,
            "cause": self.cause,
            "subscriber_id": self.subscriber_id,
            "currency": self.currency,
            "at": stamp(self.subject.at),
            "transaction_id": self.subject.transaction_id,
            "request_id": self.subject.request_id,
            "expected": six_decimals(self.expected),
            "logged": six_decimals(self.logged),
            "difference": six_decimals(self.logged - self.expected),
            "amount_at_risk": six_decimals(self.at_risk),
        }
        if self.transactions is not None:
            fields["transactions"] = self.transactions
        return json.dumps(fields)


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


def six_decimals(amount: int) -> str:
    """Return a number of millionths as text with six decimals."""
    whole, part = divmod(abs(amount), 1_000_000)
    return f"{'-' if amount < 0 else ''}{whole}.{part:06d}"


@dataclass(slots=True)
class _Episode:
    """A stretch of transactions that left the payment balance below zero."""

    first: Attempt
    lowest: int
    last: int
    transactions: int = 1

    def extend(self, payment_after: int) -> None:
        self.lowest = min(self.lowest, payment_after)
        self.last = payment_after
        self.transactions += 1


class Ledger:
    """The books of one subscriber in one currency."""

    __slots__ = (
        "_after",
        "_episode",
        "_findings",
        "_gap",
        "_last",
        "_opened",
        "currency",
        "subscriber_id",
        "totals",
        "unit",
    )

    def __init__(
        self, subscriber_id: str, currency: str, unit: int, findings: list[Finding]
    ) -> None:
        self.subscriber_id = subscriber_id
        self.currency = currency
        self.unit = unit
        self.totals = Totals()
        self._findings = findings
        self._last: Attempt | None = None
        self._gap = 0  # the last known one; 0 also before any is known
        self._after = (0, 0)  # payment and subscription balance: what it lies between
        self._opened: Attempt | None = None
        self._episode: _Episode | None = None

    def see(self, attempt: Attempt) -> None:
        """Take the next attempt; what needs a look ahead is said about the one before."""
        delta = attempt.new - attempt.old
        if attempt.type is None:
            sign = (delta > 0) - (delta < 0)
        else:
            sign = 1 if attempt.type == "CREDIT" else -1
        self._add_up(attempt, sign)
        if sign:
            expected = sign * (attempt.amount - attempt.vat)
            if abs(delta - expected) > self.unit:
                self._find("mismatch", None, attempt, (expected, delta), abs(delta - expected))
        if attempt.new < 0:
            posted = attempt.outcome == "applied"
            cause, at_risk = ("posted", -attempt.new) if posted else ("refused", 0)
            self._find("overdraft", cause, attempt, (0, attempt.new), at_risk)
        if self._last is not None:
            self._connect(self._last, attempt)
            self._settle(self._last, attempt)
        self._last = attempt

    def close(self) -> None:
        """Say what is known only at the end of the logs."""
        if self._last is None:
            return
        self._settle(self._last, None)
        if self._episode:
            self._end_episode(self._episode, "open", -self._episode.last)
        if self._gap and self._opened:
            size = abs(self._gap)
            self.totals.gap_at_end = size
            self.totals.subscribers_out_of_sync = 1
            self._find("out_of_sync", None, self._opened, self._after, size)

    def _find(
        self,
        check: str,
        cause: str | None,
        subject: Attempt,
        sums: tuple[int, int],
        at_risk: int = 0,
    ) -> None:
        """Note a finding; `sums` are expected and logged."""
        who = (self.subscriber_id, self.currency)
        self._findings.append(Finding(check, cause, *who, subject, *sums, at_risk))

    def _add_up(self, attempt: Attempt, sign: int) -> None:
        totals = self.totals
        totals.transactions += 1
        if sign > 0:
            totals.credits += attempt.amount
            if attempt.outcome == "applied":
                totals.applied_credits += attempt.amount
        elif sign < 0:
            totals.debits += attempt.amount
            if attempt.outcome == "applied":
                totals.applied_debits += attempt.amount

    def _agree(self, one: int, other: int) -> bool:
        return abs(one - other) <= self.unit

    def _connect(self, this: Attempt, following: Attempt) -> None:
        """Find a flow break: the next transaction does not start where this one ended."""
        start = following.old
        if self._agree(start, this.new):
            return
        at_risk = abs(start - this.new)
        from_old = self._agree(start, this.old)
        if from_old and this.outcome != "applied":
            cause, at_risk = "not_applied", 0
        elif from_old:
            cause = "stale_read"
        elif this.payment is not None and self._agree(start, this.payment):
            cause = "reset_to_payment"
        else:
            cause = "unseen_change"
        self._find("flow_break", cause, following, (this.new, start), at_risk)

    def _settle(self, attempt: Attempt, following: Attempt | None) -> None:
        """Find what the two balances after an attempt say, once its successor is known."""
        subscription_after = self._subscription_after(attempt, following)
        if attempt.payment is not None:
            payment_after = attempt.payment
        elif attempt.error is not None:
            payment_after = attempt.error[1]
        else:
            return
        self._watch_payment(attempt, payment_after)
        if subscription_after is not None:
            self._watch_gap(attempt, subscription_after, payment_after)

    def _subscription_after(self, attempt: Attempt, following: Attempt | None) -> int | None:
        if attempt.outcome == "applied":
            return attempt.new
        if attempt.error is not None:
            return attempt.error[0]
        if attempt.outcome != "already_synced":
            return attempt.old
        if following is not None:
            for balance in (attempt.new, attempt.old):
                if self._agree(following.old, balance):
                    return balance
        return None

    def _watch_payment(self, attempt: Attempt, payment_after: int) -> None:
        if payment_after < 0:
            if self._episode:
                self._episode.extend(payment_after)
            else:
                self._episode = _Episode(attempt, payment_after, payment_after)
        elif self._episode:
            self._end_episode(self._episode, "over", 0)
            self._episode = None

    def _end_episode(self, episode: _Episode, cause: str, at_risk: int) -> None:
        self._find("payment_overdraft", cause, episode.first, (0, episode.lowest), at_risk)
        finding = self._findings.pop()
        self._findings.append(finding._replace(transactions=episode.transactions))

    def _watch_gap(self, attempt: Attempt, subscription_after: int, payment_after: int) -> None:
        before = self._gap
        gap = subscription_after - payment_after
        if abs(gap) <= self.unit:
            gap = 0
        self._gap = gap
        self._after = (payment_after, subscription_after)
        if gap and not before:
            self._opened = attempt
            self._find("gap_change", "opened", attempt, (before, gap))
        elif before and not gap:
            self._find("gap_change", "closed", attempt, (before, gap))
        elif not self._agree(before, gap):
            self._find("gap_change", "moved", attempt, (before, gap))
        if gap and attempt.error is None:
            self._find("missed_alarm", None, attempt, self._after)
        elif attempt.error is not None and not gap:
            self._find("false_alarm", None, attempt, self._after)
