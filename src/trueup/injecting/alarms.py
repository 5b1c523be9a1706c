"""Faults of the sync errors, and of the payment balance that they tell of."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from trueup.injecting.book import Book, Logged, Subject
from trueup.injecting.labels import Label, about
from trueup.injecting.making import Changed, Fault, Making, is_steady, label_of
from trueup.injecting.moves import Move, shifted
from trueup.injecting.printing import Maker, number, sync_error

_FIRST_NEW_ERROR = dt.datetime(2024, 1, 8)  # noqa: DTZ001  (as all times of the logs: UTC)
"""Until then a sync error states the subscription balance before the transaction."""


def _can_be_missed(book: Book, subject: Subject) -> bool:
    this = subject.this
    errors = subject.account.errors.get(this.attempt_id, [])
    return (
        this.outcome == "applied"
        and bool(this.gap)
        and this.payment_balance is not None
        and len(errors) == 1
        and errors[0].place in book.known
    )


def _miss(making: Making, subject: Subject) -> Label:
    this = subject.this
    (error,) = subject.account.errors[this.attempt_id]
    making.edits.dropped.add(error.place)
    changed = Changed()
    changed.field("sync_error", number(error.subscription), None)
    return label_of("missed_alarm", about(this, "missed_alarm"), this, changed.values)


def _can_be_false(_book: Book, subject: Subject) -> bool:
    this = subject.this
    return (
        this.outcome == "applied"
        and this.gap == 0
        and this.payment_balance is not None
        and not this.has_sync_error
    )


def _alarm(making: Making, subject: Subject) -> Label:
    this = subject.this
    figures = this.old_balance, this.new_balance, this.payment_balance
    making.edits.after_outcomes[this.place] = _error(this, *figures)
    changed = Changed()
    changed.field("sync_error", None, number(this.new_balance))
    return label_of("false_alarm", about(this, "false_alarm"), this, changed.values)


def _error(this: Logged, old: Decimal, new: Decimal, payment: Decimal | None) -> Maker:
    shown = new
    if (this.outcome == "applied" and this.at < _FIRST_NEW_ERROR) or (
        this.outcome != "applied" and this.subscription_after == this.old_balance
    ):
        shown = old
    return sync_error(this.subscriber_id, shown, payment or Decimal(0))


def _can_drift(book: Book, subject: Subject) -> bool:
    """Tell whether the balances agree at the transaction, at all later ones, and before it."""
    transactions = subject.account.transactions
    known = [this.gap for this in transactions[: subject.index] if this.gap is not None]
    return (
        is_steady(book, subject)
        and not (known and known[-1])
        and all(
            this.gap == 0
            and this.payment_balance is not None
            and not this.has_sync_error
            and this.outcome in {"applied", "already_synced"}
            for this in transactions[subject.index :]
        )
    )


def _drift(making: Making, subject: Subject) -> Label:
    """Move the payment balance for good; the service complains from then on."""
    this, account = subject.this, subject.account
    drift = making.some(this) * making.rng.choice((-1, 1, 1))
    moved = shifted(account, {subject.index: Move(payment=drift, later_payment=drift)})
    moved.enter(making.edits)
    for index in range(subject.index, len(account.transactions)):
        later = account.transactions[index]
        making.edits.after_outcomes[later.place] = _error(later, *moved.figures(index))
    changed = Changed()
    changed.figures(moved, subject.index)
    changed.values["sync_errors_added"] = len(account.transactions) - subject.index
    finding = about(this, "gap_change", "opened")
    also = [about(this, "out_of_sync")]
    return label_of("drift_opened", finding, this, changed.values, also)


ALARMS = (
    Fault("missed_alarm", _can_be_missed, _miss),
    Fault("false_alarm", _can_be_false, _alarm),
    Fault("drift_opened", _can_drift, _drift),
)
