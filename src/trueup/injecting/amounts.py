"""Faults of a single transaction's own figures, its wallet and its currency."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from trueup.injecting.book import Book, Subject
from trueup.injecting.labels import Label, Value, about
from trueup.injecting.making import Changed, Fault, Making, is_steady, label_of
from trueup.injecting.moves import Shifted, alike, shifted
from trueup.injecting.printing import number, put

_VAT_FORGOTTEN = 0.6
"""Of the wrong changes to a balance, where there is VAT."""


def retell(
    making: Making, subject: Subject, moved: Shifted, **amounts: Decimal
) -> Mapping[str, Value]:
    """Enter an account's shifts and the transaction's new amount and VAT; say what was changed."""
    this = subject.this
    moved.enter(making.edits)
    changed = Changed()
    before = {"amount": this.amount, "vat": this.vat}
    for name, value in amounts.items():
        if value != before[name]:
            changed.field(name, before[name], value)
            making.edits.change(this.place, {name: put(number(value))})
    changed.figures(moved, subject.index)
    return changed.values


def _mistake(making: Making, subject: Subject) -> Label:
    """Change the balance by more than the transaction says, by the VAT where it can be."""
    this = subject.this
    wrong = making.some(this)
    if this.vat > 2 * this.minor_unit and making.rng.random() < _VAT_FORGOTTEN:
        wrong = this.vat
    move = alike(wrong.copy_sign(this.delta))
    changed = retell(making, subject, shifted(subject.account, {subject.index: move}))
    return label_of("mismatch", about(this, "mismatch"), this, changed)


def _is_steady_credit(book: Book, subject: Subject) -> bool:
    return is_steady(book, subject) and _is_typed(subject, "CREDIT")


def _is_steady_debit(book: Book, subject: Subject) -> bool:
    return is_steady(book, subject) and _is_typed(subject, "DEBIT")


def _is_typed(subject: Subject, kind: str) -> bool:
    return subject.this.type == kind and not subject.this.type_inferred


def _negate(making: Making, subject: Subject) -> Label:
    """Debit a negative amount, which raises the balance."""
    this = subject.this
    moved = shifted(subject.account, {subject.index: alike(-2 * this.delta)})
    changed = retell(making, subject, moved, amount=-this.amount, vat=-this.vat)
    finding = about(this, "unexpected_sign", "negative_amount")
    return label_of("negative_amount", finding, this, changed)


def _empty(making: Making, subject: Subject) -> Label:
    this = subject.this
    moved = shifted(subject.account, {subject.index: alike(-this.delta)})
    changed = retell(making, subject, moved, amount=Decimal(0), vat=Decimal(0))
    finding = about(this, "unexpected_sign", "zero_amount")
    return label_of("zero_amount", finding, this, changed)


def _turn(making: Making, subject: Subject, fault: str) -> Label:
    """Move the balance the wrong way by the right amount; a mismatch, too."""
    this = subject.this
    moved = shifted(subject.account, {subject.index: alike(-2 * this.delta)})
    changed = retell(making, subject, moved)
    finding = about(this, "unexpected_sign", fault)
    return label_of(fault, finding, this, changed, [about(this, "mismatch")])


def _lower(making: Making, subject: Subject) -> Label:
    return _turn(making, subject, "credit_lowers")


def _raise(making: Making, subject: Subject) -> Label:
    return _turn(making, subject, "debit_raises")


def _has_own_wallet(_book: Book, subject: Subject) -> bool:
    this = subject.this
    return (
        this.wallet_id in {this.subscriber_id, f"wallet#{this.subscriber_id}"}
        and _with_wallet(this.metadata or "", this.wallet_id, "") is not None
    )


def _with_wallet(metadata: str, old: str | None, new: str) -> str | None:
    """Return metadata, or the literal that prints it, with another wallet; None if it is not plain.

    The first mention has to be the object's own: what is nested in strings has escaped quotes.
    """
    before = f'"walletId":"{old}"'
    after = metadata.replace(before, f'"walletId":"{new}"', 1)
    try:
        values = json.loads(metadata)
        is_own = json.loads(after) == {**values, "walletId": new} and before in metadata
    except ValueError:
        return None
    return after if is_own else None


def _misplace(making: Making, subject: Subject) -> Label:
    """Post to the wallet of somebody else."""
    this = subject.this
    old = this.wallet_id or ""
    prefix = old.removesuffix(this.subscriber_id)
    others = sorted(making.book.currencies.keys() - {this.subscriber_id})
    other = f"{prefix}{making.rng.choice(others) if others else making.new_id()}"
    before, after = f'"walletId":"{old}"', f'"walletId":"{other}"'
    making.edits.change(this.place, {"metadata": lambda printed: printed.replace(before, after, 1)})
    changed = Changed()
    changed.field("walletId", old, other)
    return label_of("wallet_mismatch", about(this, "wallet_mismatch"), this, changed.values)


def _can_change_currency(book: Book, subject: Subject) -> bool:
    """Tell whether it is the last of a subscriber's only account, whose balances agree."""
    before = subject.account.transactions[: subject.index][-1:]
    return (
        subject.next is None
        and is_steady(book, subject)
        and len(book.currencies[subject.this.subscriber_id]) == 1
        and not subject.account.errors
        and bool(before)
        and before[0].outcome == "applied"
        and not any(this.gap for this in subject.account.transactions)
    )


_COMMON_CURRENCIES = ("AED", "BHD", "SAR")


def _change_currency(making: Making, subject: Subject) -> Label:
    this = subject.this
    used = {currency for _, currency in making.book.accounts} | {*_COMMON_CURRENCIES}
    other = making.rng.choice(sorted(used - {this.currency}))
    changed = Changed(dict(retell(making, subject, shifted(subject.account, {}))))
    changed.field("currency", this.currency, other)
    making.edits.change(this.place, {"currency": put(f"'{other}'")})
    finding = about(replace(this, currency=other), "currency_change")
    return label_of("currency_change", finding, this, changed.values)


AMOUNTS = (
    Fault("mismatch", is_steady, _mistake),
    Fault("negative_amount", _is_steady_debit, _negate),
    Fault("zero_amount", is_steady, _empty),
    Fault("credit_lowers", _is_steady_credit, _lower),
    Fault("debit_raises", _is_steady_debit, _raise),
    Fault("wallet_mismatch", _has_own_wallet, _misplace),
    Fault("currency_change", _can_change_currency, _change_currency),
)
