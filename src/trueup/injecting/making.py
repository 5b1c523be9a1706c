"""What the faults share: a fault's description, and the place in which it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from trueup.injecting.book import IDLE, Book, Logged, Subject
from trueup.injecting.edits import Edits
from trueup.injecting.labels import Expected, Label, Value, from_to, moment
from trueup.injecting.moves import Shifted
from trueup.injecting.printing import Maker, invocation, milliseconds, number
from trueup.sample.printing import uuid

_FEW_UNITS = 5
"""No change that is made, or built upon, is smaller: it must stand out from rounding."""


@dataclass(slots=True)
class Making:
    """The book, the edits so far, and the chance that belongs to the fault in hand."""

    book: Book
    edits: Edits
    rng: Random

    def new_id(self) -> str:
        """Return a new id of a request, a message or a wallet's entry."""
        return uuid(f"{self.rng.getrandbits(128):032x}")

    def some(self, this: Logged) -> Decimal:
        """Return an amount of the size of the transaction's change, in whole minor units."""
        units = int(abs(this.delta) / this.minor_unit) * self.rng.randrange(20, 300) // 100
        return max(_FEW_UNITS, units) * this.minor_unit

    def can_follow(self, request_id: str) -> bool:
        """Tell whether an invocation can still be put behind this one."""
        return request_id in self.book.rests and request_id not in self.edits.after_ends

    def follow(self, request_id: str, entries: Sequence[Maker]) -> str:
        """Put a new invocation behind another; return its request id."""
        new = self.new_id()
        ended = self.book.rests[request_id].ended
        self.edits.after_ends[request_id] = invocation(ended, new, entries)
        return new


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of single transactions: which it can befall, and how it is made.

    `make` returns None where it turns out that it cannot be made there; then nothing is edited.
    """

    name: str
    can: Callable[[Book, Subject], bool]
    make: Callable[[Making, Subject], Label | None]


def is_plain(_book: Book, subject: Subject) -> bool:
    """Tell whether the transaction was applied once, and did what type, amount and VAT say."""
    this = subject.this
    return (
        this.outcome == "applied"
        and this.expected_delta is not None
        and abs(this.delta - this.expected_delta) <= this.minor_unit
        and abs(this.delta) > _FEW_UNITS * this.minor_unit
        and this.amount > this.vat >= 0
    )


def is_steady(book: Book, subject: Subject) -> bool:
    """Tell whether the transaction is plain, nothing breaks after it, and its account can shift."""
    return subject.account.is_editable and is_plain(book, subject) and _flows(subject)


def carries_over(subject: Subject) -> bool:
    """Tell whether there is a next transaction, and it starts from where this one ended."""
    this, following = subject.this, subject.next
    return (
        following is not None and abs(following.old_balance - this.new_balance) <= this.minor_unit
    )


def _flows(subject: Subject) -> bool:
    """Tell whether nothing breaks after the transaction."""
    return subject.next is None or carries_over(subject)


def is_in_step(subject: Subject) -> bool:
    """Tell whether no gap is known after the transaction, and none was reported."""
    return not subject.this.gap and not subject.this.has_sync_error


def is_followed_by_rest(book: Book, subject: Subject) -> bool:
    """Tell whether an invocation fits in behind it, before the account's next transaction."""
    rest = book.rests.get(subject.this.request_id)
    following = subject.next
    return rest is not None and (
        following is None or milliseconds(following.at) >= rest.ended + IDLE
    )


@dataclass(slots=True)
class Changed:
    """What a label says was changed."""

    values: dict[str, Value] = field(default_factory=dict)

    def field(self, name: str, old: Decimal | str | None, new: Decimal | str | None) -> None:
        """Note a field's old and new value."""
        self.values[name] = from_to(old, new)

    def figures(self, shifted: Shifted, index: int) -> None:
        """Note a transaction's balances, and what of it the others carry along."""
        this = shifted.account.transactions[index]
        names = ("oldBalance", "newBalance", "paymentBalance")
        before = (this.old_balance, this.new_balance, this.payment_balance)
        for name, old, new in zip(names, before, shifted.figures(index), strict=True):
            if old != new:
                self.field(name, old, new)
        if shifted.raised:
            self.values["account_raised_by"] = number(shifted.raised)
        if index + 1 < len(shifted.account.transactions):
            later = shifted.shifts[index + 1]
            self.values["later_balances_by"] = number(later.old - shifted.raised)
            self.values["later_payment_balances_by"] = number(later.payment - shifted.raised)


def label_of(
    fault: str,
    finding: Expected,
    this: Logged,
    changed: Mapping[str, Value],
    also: Sequence[Expected] = (),
) -> Label:
    """Return the label of a fault whose finding is about a logged transaction."""
    return Label(fault, finding, moment(this.at), changed, this.message_id, also=tuple(also))
