"""Faults of a message's outcome: refused, failed, delivered or posted again."""

from __future__ import annotations

from dataclasses import replace

from trueup.injecting.amounts import retell
from trueup.injecting.book import Book, Subject
from trueup.injecting.labels import Expected, Label, about
from trueup.injecting.making import (
    Changed,
    Fault,
    Making,
    is_followed_by_rest,
    is_in_step,
    is_plain,
    is_steady,
    label_of,
)
from trueup.injecting.moves import Move, as_if_unmoved, shifted
from trueup.injecting.postings import posting
from trueup.injecting.printing import (
    number,
    processing,
    refusal,
    step_at,
)
from trueup.sample import lines
from trueup.sample.printing import quoted, ulid


def _can_be_overdrawn(book: Book, subject: Subject) -> bool:
    """Tell whether it is an account's last debit, in step: nothing later is drawn along."""
    this = subject.this
    return (
        subject.next is None
        and is_steady(book, subject)
        and this.type == "DEBIT"
        and this.gap == 0
        and this.payment_balance is not None
        and not this.has_sync_error
    )


def _overdraw(making: Making, subject: Subject) -> Label:
    """Let the debit be larger than what is there, and applied all the same."""
    this, index = subject.this, subject.index
    below = -making.some(this)
    moved = shifted(subject.account, {}, free={index}).with_new(index, below, below)
    amount = moved.figures(index)[0] - below + this.vat
    changed = retell(making, subject, moved, amount=amount)
    also = [about(this, "payment_overdraft", "open")]
    return label_of("posted_overdraft", about(this, "overdraft", "posted"), this, changed, also)


def _can_be_refused(book: Book, subject: Subject) -> bool:
    return _can_fail(book, subject) and subject.this.type == "DEBIT"


def _refuse(making: Making, subject: Subject) -> Label:
    """Let the debit be larger than what is there, and refused; neither balance moves."""
    this, index = subject.this, subject.index
    below = -making.some(this)
    moves = {index: as_if_unmoved(this.delta)}
    moved = shifted(subject.account, moves, free={index}).with_new(index, below)
    old, _, _ = moved.figures(index)
    changed = retell(making, subject, moved, amount=old - below + this.vat)
    data = {"userId": f"'{this.subscriber_id}'", "currentBalance": number(old)}
    making.edits.outcomes[this.place] = refusal(
        data | {"transactionId": f"'{this.transaction_id}'"}
    )
    also = [about(this, "blocked_overdraft", "logged"), *_not_applied(subject)]
    return label_of("refused_overdraft", about(this, "overdraft", "refused"), this, changed, also)


def _not_applied(subject: Subject) -> list[Expected]:
    """Return the flow break that follows a transaction which was not carried out."""
    return [about(subject.next, "flow_break", "not_applied")] if subject.next else []


def _can_fail(book: Book, subject: Subject) -> bool:
    return (
        is_steady(book, subject)
        and is_in_step(subject)
        and subject.this.message_id is not None
        and subject.this.message_id not in book.repeated
    )


def _fail(making: Making, subject: Subject) -> Label:
    """Let the message fail for good; neither balance moves."""
    this, index = subject.this, subject.index
    moved = shifted(subject.account, {index: as_if_unmoved(this.delta)})
    changed = retell(making, subject, moved)
    making.edits.outcomes[this.place] = lines.failure
    finding = about(this, "failed_sync", "never")
    return label_of("failed_forever", finding, this, changed, _not_applied(subject))


def _can_come_back(book: Book, subject: Subject) -> bool:
    return _can_fail(book, subject) and is_followed_by_rest(book, subject)


def _fail_at_first(making: Making, subject: Subject) -> Label | None:
    """Let the message fail, and be applied when it is delivered again soon afterwards."""
    this, index = subject.this, subject.index
    if not making.can_follow(this.request_id):
        return None
    moved = shifted(subject.account, {index: Move(payment=-this.delta)})
    changed = Changed(dict(retell(making, subject, moved)))
    making.edits.outcomes[this.place] = lines.failure
    payment = moved.shifts[index].payment + this.delta
    again = replace(
        this,
        old_balance=moved.figures(index)[0],
        new_balance=moved.figures(index)[1],
        payment_balance=None if this.payment_balance is None else this.payment_balance + payment,
    )
    request = making.follow(this.request_id, posting(again))
    changed.values["delivered_again"] = request
    again = replace(again, request_id=request)
    also = [
        about(again, "flow_break", "not_applied"),
        about(again, "duplicate_posting", "redelivered"),
    ]
    finding = about(this, "failed_sync", "recovered")
    return label_of("failed_delivery", finding, this, changed.values, also)


def _can_be_refused_unlogged(book: Book, subject: Subject) -> bool:
    this = subject.this
    return (
        is_plain(book, subject)
        and len(book.currencies[this.subscriber_id]) == 1
        and is_followed_by_rest(book, subject)
    )


def _refuse_unlogged(making: Making, subject: Subject) -> Label | None:
    """Refuse a message of which nothing else is logged; no balance moves."""
    this = subject.this
    if not making.can_follow(this.request_id):
        return None
    message_id = making.new_id()
    at = step_at(making.book.rests[this.request_id].ended, 1)
    refused = ulid(at, making.rng.randbytes(16))
    data = {
        "userId": quoted(this.subscriber_id),
        "currentBalance": number(this.new_balance),
        "transactionId": f"'{refused}'",
    }
    request = making.follow(this.request_id, [processing(message_id), refusal(data)])
    finding = about(
        replace(this, transaction_id=refused, request_id=request), "blocked_overdraft", "not_logged"
    )
    return Label("refused_unlogged", finding, at, {"after": this.transaction_id}, message_id)


ATTEMPTS = (
    Fault("posted_overdraft", _can_be_overdrawn, _overdraw),
    Fault("refused_overdraft", _can_be_refused, _refuse),
    Fault("refused_unlogged", _can_be_refused_unlogged, _refuse_unlogged),
    Fault("failed_forever", _can_fail, _fail),
    Fault("failed_delivery", _can_come_back, _fail_at_first),
)
