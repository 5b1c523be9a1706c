"""Faults of the way from one transaction to the next."""

from __future__ import annotations

from decimal import Decimal

from trueup.injecting.book import Book, Subject
from trueup.injecting.labels import Label, about
from trueup.injecting.making import (
    Changed,
    Fault,
    Making,
    carries_over,
    is_in_step,
    is_steady,
    label_of,
)
from trueup.injecting.moves import Move, as_if_unmoved, from_next, shifted
from trueup.injecting.printing import saying
from trueup.sample import lines


def _can_break(book: Book, subject: Subject) -> bool:
    return is_steady(book, subject) and carries_over(subject)


def _can_be_reset(book: Book, subject: Subject) -> bool:
    this = subject.this
    payment = this.payment_balance
    return (
        _can_break(book, subject)
        and payment is not None
        and min(abs(payment - this.new_balance), abs(payment - this.old_balance))
        > 2 * this.minor_unit
    )


def _can_be_left_out(book: Book, subject: Subject) -> bool:
    return _can_break(book, subject) and is_in_step(subject)


def _break(making: Making, subject: Subject, fault: str, cause: str, move: Move) -> Label | None:
    """Let the next transaction start from elsewhere; the finding is about that one."""
    following = subject.next
    if following is None:
        return None
    moved = shifted(subject.account, {subject.index: move})
    moved.enter(making.edits)
    changed = Changed({"after": subject.this.transaction_id})
    changed.figures(moved, subject.index)
    finding = about(following, "flow_break", cause)
    return label_of(fault, finding, following, changed.values)


def _lose_update(making: Making, subject: Subject) -> Label | None:
    """Let everything later start from before the transaction, although it was applied."""
    move = from_next(-subject.this.delta)
    return _break(making, subject, "lost_update", "stale_read", move)


def _reset(making: Making, subject: Subject) -> Label | None:
    this = subject.this
    move = from_next((this.payment_balance or Decimal(0)) - this.new_balance)
    return _break(making, subject, "reset_to_payment", "reset_to_payment", move)


def _change_unseen(making: Making, subject: Subject) -> Label | None:
    move = from_next(_unexplained(making, subject))
    return _break(making, subject, "unseen_change", "unseen_change", move)


def _unexplained(making: Making, subject: Subject) -> Decimal:
    """Return a change that leads neither back to the old balance nor to the payment balance."""
    this = subject.this
    payment = this.payment_balance
    led = [-this.delta, *([] if payment is None else [payment - this.new_balance])]
    change = making.some(this) * making.rng.choice((-1, 1, 1))
    while any(abs(change - other) <= 2 * this.minor_unit for other in led):
        change += 7 * this.minor_unit
    return change or making.some(this)


def _leave_out(making: Making, subject: Subject) -> Label | None:
    """Say that another listener had synced it, while neither balance moved."""
    move = as_if_unmoved(subject.this.delta)
    label = _break(making, subject, "not_applied", "not_applied", move)
    making.edits.outcomes[subject.this.place] = saying(lines.ALREADY_SYNCED[1])
    return label


FLOWS = (
    Fault("lost_update", _can_break, _lose_update),
    Fault("reset_to_payment", _can_be_reset, _reset),
    Fault("unseen_change", _can_break, _change_unseen),
    Fault("not_applied", _can_be_left_out, _leave_out),
)
