"""Unusual changes: correct in themselves, and far from what is usual for the subscriber."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from trueup.injecting.amounts import retell
from trueup.injecting.book import Account, Book, Logged, Subject
from trueup.injecting.labels import Label, about, moment
from trueup.injecting.making import Making, is_steady
from trueup.injecting.moves import Shifted, alike, shifted
from trueup.injecting.printing import number

UNUSUAL = "unusual_change"

_OTHERS = 4
"""So many others of its kind make a subscriber's usual change."""

_ORDINARY = 2
"""A change of at most so many times the usual one is ordinary: only such become unusual."""

_MOST = 10
"""Of so many transactions of a subscriber one is made unusual, no more."""

_Kind = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Ordinary:
    """A transaction that can become unusual, and the usual change of the others of its kind."""

    subject: Subject
    usual: Decimal


class Unusual:
    """The unusual changes: which there can be, and which were chosen so far."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._chosen: dict[str, list[Ordinary]] = defaultdict(list)
        """Those of each subscriber."""

    def candidates(self) -> dict[str, Ordinary]:
        """Return every transaction that can become unusual, by its attempt."""
        return {
            ordinary.subject.this.attempt_id: ordinary
            for account in self._book.accounts.values()
            if account.is_editable
            for ordinary in _of_account(self._book, account)
        }

    def has(self, subscriber_id: str) -> bool:
        """Tell whether one of the subscriber's changes was chosen."""
        return subscriber_id in self._chosen

    def take(self, ordinary: Ordinary) -> bool:
        """Choose a change, if its subscriber has room for it."""
        subscriber_id = ordinary.subject.this.subscriber_id
        transactions = sum(
            len(self._book.accounts[subscriber_id, currency].transactions)
            for currency in self._book.currencies[subscriber_id]
        )
        chosen = len(self._chosen[subscriber_id]) if self.has(subscriber_id) else 0
        if chosen >= transactions // _MOST:
            return False
        self._chosen[subscriber_id].append(ordinary)
        return True

    def by_account(self) -> Iterator[tuple[str, list[Ordinary]]]:
        """Yield the chosen changes of each account, in order of time, behind the account's name."""
        accounts: dict[str, list[Ordinary]] = defaultdict(list)
        for subscriber_id, chosen in sorted(self._chosen.items()):
            for ordinary in sorted(chosen, key=lambda ordinary: ordinary.subject.index):
                accounts[f"{subscriber_id}/{ordinary.subject.this.currency}"].append(ordinary)
        yield from sorted(accounts.items())

    def make(
        self, making: Making, chosen: Sequence[Ordinary], factor: tuple[float, float]
    ) -> list[Label]:
        """Make changes of one account unusual; all that is later carries them along."""
        factors = [_drawn(making, factor) for _ in chosen]
        moves = {
            ordinary.subject.index: alike(_extra(ordinary, times))
            for ordinary, times in zip(chosen, factors, strict=True)
        }
        moved = shifted(chosen[0].subject.account, moves)
        return [
            _label(making, ordinary, times, moved)
            for ordinary, times in zip(chosen, factors, strict=True)
        ]


def _of_account(book: Book, account: Account) -> Iterator[Ordinary]:
    kinds: dict[_Kind, list[int]] = defaultdict(list)
    for index, this in enumerate(account.transactions):
        if not this.type_inferred and this.action is not None:
            kinds[this.action, this.type].append(index)
    for places in kinds.values():
        changes = [abs(account.transactions[index].delta) for index in places]
        for number_of_kind, index in enumerate(places):
            others = changes[:number_of_kind] + changes[number_of_kind + 1 :]
            subject = Subject(account, index)
            if len(others) < _OTHERS or not is_steady(book, subject):
                continue
            usual = median(others)
            if 0 < changes[number_of_kind] <= _ORDINARY * usual:
                yield Ordinary(subject, usual)


def _drawn(making: Making, factor: tuple[float, float]) -> Decimal:
    low, high = (int(Decimal(str(bound)) * 100) for bound in factor)
    return Decimal(making.rng.randint(low, high)) / 100


def _extra(ordinary: Ordinary, times: Decimal) -> Decimal:
    """Return what has to be added to the change to make it so many times the usual one."""
    this = ordinary.subject.this
    wanted = _rounded(ordinary.usual * times, this)
    return wanted.copy_sign(this.delta) - this.delta


def _label(making: Making, ordinary: Ordinary, times: Decimal, moved: Shifted) -> Label:
    subject = ordinary.subject
    this = subject.this
    change = abs(this.delta + _extra(ordinary, times))
    vat = _rounded(this.vat * change / abs(this.delta), this)
    changed = retell(making, subject, moved, amount=change + vat, vat=vat)
    finding = about(this, UNUSUAL)
    at = moment(this.at)
    return Label(UNUSUAL, finding, at, changed, this.message_id, number(times))


def _rounded(amount: Decimal, this: Logged) -> Decimal:
    return (amount / this.minor_unit).to_integral_value() * this.minor_unit
