"""Faults of a posting that is repeated; how a message that is applied is printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from trueup.injecting.book import Book, Logged, Subject
from trueup.injecting.labels import Label, about
from trueup.injecting.making import Changed, Fault, Making, is_followed_by_rest, is_steady
from trueup.injecting.moves import Shifted, from_next, shifted
from trueup.injecting.printing import (
    Maker,
    number,
    processing,
    saying,
    step_at,
    sync_error,
    syncing,
    text_or_nothing,
)
from trueup.sample import lines
from trueup.sample.printing import quoted, ulid


def posting(this: Logged) -> list[Maker]:
    """Return the entries of a message that is applied."""
    entries = [
        processing(this.message_id or ""),
        syncing(_printed(this)),
        saying(lines.APPLIED),
    ]
    if this.gap and this.payment_balance is not None:
        entries.append(sync_error(this.subscriber_id, this.new_balance, this.payment_balance))
    return entries


_POSTED_AT = 2
"""Place of the transaction among the entries of an invocation that posts it."""


def _printed(this: Logged) -> Mapping[str, str]:
    """Return a transaction's fields as its version of the service prints them."""
    sums = {
        "amount": number(this.amount),
        "vat": number(this.vat),
        "oldBalance": number(this.old_balance),
        "newBalance": number(this.new_balance),
    }
    identity, user, currency = map(quoted, (this.transaction_id, this.subscriber_id, this.currency))
    if this.type_inferred:
        return {"id": identity, "userId": user, "currency": currency, **sums}
    payment = this.payment_balance
    return {
        "id": identity,
        "type": text_or_nothing(this.type),
        "source": text_or_nothing(this.source),
        "action": text_or_nothing(this.action),
        "userId": user,
        "paymentBalance": "undefined" if payment is None else number(payment),
        "updatePaymentBalance": "false" if this.updates_payment is False else "true",
        "metadata": text_or_nothing(this.metadata),
        "currency": currency,
        **sums,
    }


def _can_be_posted_again(book: Book, subject: Subject) -> bool:
    return is_steady(book, subject) and is_followed_by_rest(book, subject)


def _has_entry(book: Book, subject: Subject) -> bool:
    return _can_be_posted_again(book, subject) and subject.this.wallet_entry is not None


def _has_delivery(book: Book, subject: Subject) -> bool:
    this = subject.this
    return (
        _can_be_posted_again(book, subject)
        and None not in {this.type, this.action, this.delivery_id}
        and _with_entry(this, "") is not None
    )


def _with_entry(this: Logged, entry: str) -> Logged | None:
    """Return the transaction with another walletSk, if it has one; None if it is not plain."""
    if this.wallet_entry is None:
        return this
    before = f'"walletSk":"{this.wallet_entry}"'
    metadata = (this.metadata or "").replace(before, f'"walletSk":"{entry}"', 1)
    values = json.loads(this.metadata or "{}")
    if metadata == this.metadata or json.loads(metadata) != {**values, "walletSk": entry}:
        return None
    return replace(this, metadata=metadata, wallet_entry=entry)


def _post_entry_again(making: Making, subject: Subject) -> Label | None:
    """Post the same entry of the wallet again, under another transaction id."""
    return _post_again(making, subject, subject.this, "duplicate_entry", "certain")


def _post_delivery_again(making: Making, subject: Subject) -> Label | None:
    """Post the same change for the same delivery again, from another entry of the wallet."""
    again = _with_entry(subject.this, making.new_id())
    if again is None:
        return None
    return _post_again(making, subject, again, "duplicate_delivery", "likely")


def _post_again(
    making: Making, subject: Subject, again: Logged, fault: str, cause: str
) -> Label | None:
    this, index = subject.this, subject.index
    if not making.can_follow(this.request_id):
        return None
    moved = shifted(subject.account, {index: from_next(this.delta)})
    at = step_at(making.book.rests[this.request_id].ended, _POSTED_AT)
    copy = _copied(making, again, moved, index, at)
    moved.enter(making.edits)
    request = making.follow(this.request_id, posting(copy))
    changed = Changed({"posted_again": this.transaction_id})
    changed.figures(moved, index)
    finding = about(replace(copy, request_id=request), "duplicate_posting", cause)
    return Label(fault, finding, at, changed.values, copy.message_id)


def _copied(making: Making, again: Logged, moved: Shifted, index: int, at: int) -> Logged:
    """Return the transaction as it is posted once more, behind itself."""
    _, new, payment = moved.figures(index)
    return replace(
        again,
        transaction_id=ulid(at, making.rng.randbytes(16)),
        message_id=making.new_id(),
        old_balance=new,
        new_balance=new + again.delta,
        payment_balance=None if payment is None else payment + again.delta,
    )


POSTINGS = (
    Fault("duplicate_entry", _has_entry, _post_entry_again),
    Fault("duplicate_delivery", _has_delivery, _post_delivery_again),
)
