"""The facts that labels are worked out from, and the findings that they lead to.

Amounts are integers of a millionth, times are milliseconds since 1970.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from trueup.sample.printing import stamp


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
    message_id: str | None = None
    action: str | None = None
    wallet_id: str | None = None
    wallet_entry: str | None = None
    """walletSk: the wallet's own entry."""
    delivery_id: str | None = None


class Delivery(NamedTuple):
    """A message as announced by `Processing message`: once more after every failure."""

    at: int
    message_id: str
    request_id: str
    outcome: str
    transaction_id: str | None
    """That of its transaction, else the one that a refusal names."""
    currency: str | None
    """That of its transaction."""
    transaction: Attempt | None
    """None where none was logged."""


class Moment(NamedTuple):
    """The subject of what concerns no subscriber."""

    at: int
    transaction_id: str | None = None
    request_id: str | None = None


class Finding(NamedTuple):
    """One finding, its subject and its sums; None where there is no such sum."""

    check: str
    cause: str | None
    subscriber_id: str | None
    currency: str | None
    subject: Attempt | Delivery | Moment
    expected: int | None
    logged: int | None
    at_risk: int = 0
    transactions: int | None = None
    crashes: int | None = None
    errors: int | None = None
    error: str | None = None

    def sort_key(self) -> tuple[str, str, str]:
        """Return its place in the labels: check, subscriber, time."""
        return self.check, self.subscriber_id or "", stamp(self.subject.at)

    def as_json(self) -> str:
        """Return it as one line of JSON."""
        difference = None
        if self.expected is not None and self.logged is not None:
            difference = self.logged - self.expected
        fields: dict[str, str | int | None] = {
            "check": self.check,
            "cause": self.cause,
            "subscriber_id": self.subscriber_id,
            "currency": self.currency,
            "at": stamp(self.subject.at),
            "transaction_id": self.subject.transaction_id,
            "request_id": self.subject.request_id,
            "expected": _amount(self.expected),
            "logged": _amount(self.logged),
            "difference": _amount(difference),
            "amount_at_risk": six_decimals(self.at_risk),
        }
        for name in ("transactions", "crashes", "errors", "error"):
            if (value := getattr(self, name)) is not None:
                fields[name] = value
        return json.dumps(fields)


class UnusualChange(NamedTuple):
    """A change that was made out of line with the subscriber's others."""

    subscriber_id: str
    currency: str
    attempt: Attempt
    factor: float
    """How many times the median of the others it is."""

    def as_fields(self) -> dict[str, str | float]:
        """Return it as the labels name its parts."""
        return {
            "transaction_id": self.attempt.transaction_id,
            "request_id": self.attempt.request_id,
            "subscriber_id": self.subscriber_id,
            "currency": self.currency,
            "at": stamp(self.attempt.at),
            "factor": self.factor,
        }


def sign_of(attempt: Attempt) -> int:
    """Return 1 for a credit, -1 for a debit: as its type says, else as its balances do."""
    kind = attempt.type
    if kind is None:
        return (attempt.new > attempt.old) - (attempt.new < attempt.old)
    return 1 if kind == "CREDIT" else -1


def expected_change(attempt: Attempt) -> int | None:
    """Return what the amount should do to the balance; None if its sign is not known."""
    sign = sign_of(attempt)
    return sign * (attempt.amount - attempt.vat) if sign else None


def _amount(amount: int | None) -> str | None:
    return None if amount is None else six_decimals(amount)


def six_decimals(amount: int) -> str:
    """Return a number of millionths as text with six decimals."""
    whole, part = divmod(abs(amount), 1_000_000)
    return f"{'-' if amount < 0 else ''}{whole}.{part:06d}"
