"""How the figures of an account shift when one of its transactions is changed.

A balance that moves at one transaction is carried along by all that come later: old, new and
payment balance and the sync errors. So the flow and the gaps stay what they were.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from trueup.injecting.book import Account, Logged
from trueup.injecting.edits import Edits
from trueup.injecting.printing import add

_ZERO = Decimal(0)

_FLOOR = 10
"""No balance of a shifted account is below it: none overdrawn, none that counts as low."""


@dataclass(frozen=True, slots=True)
class Move:
    """By how much the balances move: at the transaction itself, and from then on."""

    new: Decimal = _ZERO
    payment: Decimal = _ZERO
    later: Decimal = _ZERO
    later_payment: Decimal = _ZERO


def alike(amount: Decimal) -> Move:
    """Return the move of both balances, from the transaction on."""
    return Move(amount, amount, amount, amount)


def from_next(amount: Decimal) -> Move:
    """Return the move of both balances, from the next transaction on."""
    return Move(later=amount, later_payment=amount)


def as_if_unmoved(change: Decimal) -> Move:
    """Return the move of balances that a transaction leaves where they were."""
    return Move(_ZERO, -change, -change, -change)


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the figures of one transaction shift."""

    old: Decimal
    new: Decimal
    payment: Decimal


@dataclass(frozen=True, slots=True)
class Shifted:
    """An account's shifts, and by how much all of it was raised."""

    account: Account
    shifts: Sequence[Shift]
    """One a transaction, and a last one for the balances that the account closes with."""
    raised: Decimal

    def figures(self, index: int) -> tuple[Decimal, Decimal, Decimal | None]:
        """Return a transaction's old, new and payment balance, shifted."""
        this, shift = self.account.transactions[index], self.shifts[index]
        payment = None if this.payment_balance is None else this.payment_balance + shift.payment
        return this.old_balance + shift.old, this.new_balance + shift.new, payment

    def with_new(self, index: int, new: Decimal, payment: Decimal | None = None) -> Shifted:
        """Return the same with a newBalance, and perhaps a paymentBalance, of a given size."""
        this = self.account.transactions[index]
        shift = replace(self.shifts[index], new=new - this.new_balance)
        if payment is not None and this.payment_balance is not None:
            shift = replace(shift, payment=payment - this.payment_balance)
        return replace(self, shifts=[*self.shifts[:index], shift, *self.shifts[index + 1 :]])

    def enter(self, edits: Edits) -> None:
        """Enter the shifts into the edits."""
        for this, shift in zip(self.account.transactions, self.shifts, strict=False):
            if shift.old or shift.new or shift.payment:
                self._enter(this, shift, edits)

    def _enter(self, this: Logged, shift: Shift, edits: Edits) -> None:
        edits.change(
            this.place,
            {
                "oldBalance": add(shift.old),
                "newBalance": add(shift.new),
                "paymentBalance": add(shift.payment),
            },
        )
        for error in self.account.errors.get(this.attempt_id, ()):
            shows_old = abs(error.subscription - this.old_balance) <= this.minor_unit
            edits.change(
                error.place,
                {
                    "subscriptionBalance": add(shift.old if shows_old else shift.new),
                    "paymentBalance": add(shift.payment),
                },
            )


def shifted(account: Account, moves: Mapping[int, Move], *, free: Collection[int] = ()) -> Shifted:
    """Return the shifts of an account in which transactions move the balances.

    Where a balance would come out too low, all of the account is raised by as much; the new and
    payment balance of the `free` transactions may be what they will.
    """
    raised = _lacking(account, list(_shifts(account, moves, _ZERO)), free)
    return Shifted(account, list(_shifts(account, moves, raised)), raised)


def _shifts(account: Account, moves: Mapping[int, Move], raised: Decimal) -> Iterator[Shift]:
    balance = payment = raised
    for index in range(len(account.transactions)):
        move = moves.get(index, Move())
        yield Shift(balance, balance + move.new, payment + move.payment)
        balance += move.later
        payment += move.later_payment
    yield Shift(balance, balance, payment)


def _lacking(account: Account, shifts: list[Shift], free: Collection[int]) -> Decimal:
    """Return what the lowest balance lacks to the floor, in whole minor units."""
    lowest = min(_balances(account, shifts, free))
    unit = account.transactions[0].minor_unit
    units = max(_ZERO, (_FLOOR - lowest) / unit)
    return units.to_integral_value(ROUND_CEILING) * unit


def _balances(account: Account, shifts: list[Shift], free: Collection[int]) -> Iterator[Decimal]:
    """Yield all balances of an account, shifted: as logged, and as the next transaction finds them.

    The latter are those of a posting that is repeated in between.
    """
    for index, (this, (shift, following)) in enumerate(
        zip(account.transactions, pairwise(shifts), strict=True)
    ):
        yield this.old_balance + shift.old
        if index in free:
            continue
        yield this.new_balance + shift.new
        yield this.new_balance + following.old
        if this.payment_after is not None:
            yield this.payment_after + shift.payment
            yield this.payment_after + following.payment
