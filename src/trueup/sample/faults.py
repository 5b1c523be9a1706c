"""What goes wrong with a transaction, and how often.

A fate says what becomes of one attempt: what is logged and what is left behind. Each fate that is
a fault has a name, under which the labels count it. What an auditor must find afterwards is not
decided here but by the ledger, from what was logged.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from trueup.sample.messages import Message

LEFT_AFTER_REFUSAL = 0.25
"""How many of the refused never come back: their gap stays open."""

_POSTED = 0.15
"""How many overdrafts slip through the service's check."""

_WALLET_STOOD_STILL = 0.7
"""Of the messages that no listener applied: those for which the wallet had not moved either."""

_VAT_FORGOTTEN = 0.6
"""Of the wrong changes to a balance, where there is VAT."""

FAULTS = (
    "drift_closed",
    "drift_moved",
    "drift_opened",
    "failed_delivery",
    "false_alarm",
    "lost_update",
    "mismatch",
    "missed_alarm",
    "not_applied",
    "posted_overdraft",
    "refused_overdraft",
    "reset_to_payment",
    "unseen_change",
)


class Fate(NamedTuple):
    """What becomes of an attempt."""

    outcome: str
    new: int
    """newBalance as logged."""
    shown: int
    """Subscription balance at the time of the log lines."""
    stored: int
    """Subscription balance that the next transaction starts from."""
    fault: str | None = None
    alarm: bool | None = None
    """Whether a sync error is printed; None: if, and only if, the balances differ."""


Choice = Callable[[Message, int, int, Random], Fate | None]
"""Takes message, old balance, change; None where this fate cannot befall the message."""


def decide(message: Message, old: int, change: int, rng: Random, *, has_types: bool) -> Fate:
    """Return what becomes of a message that finds a balance and should change it."""
    new = old + change
    if new < 0 and change < 0:
        if rng.random() < _POSTED:
            return Fate("applied", new, new, new, "posted_overdraft")
        return Fate("blocked", new, old, old, "refused_overdraft")
    draw = rng.random()
    odd = _TYPED if has_types else _UNTYPED
    if draw < odd.limit and change:
        return odd.choose(draw)(message, old, change, rng) or Fate("applied", new, new, new)
    subscriber = message.subscriber
    if abs(new - subscriber.wallet) > subscriber.currency.unit:
        draw = rng.random()
        if draw < _GAP.limit and (has_types or draw >= _RESETS):
            return _GAP.choose(draw)(message, old, change, rng) or Fate("applied", new, new, new)
    return Fate("applied", new, new, new)


def _failed(_message: Message, old: int, change: int, _rng: Random) -> Fate:
    return Fate("failed", old + change, old, old, "failed_delivery", alarm=False)


def _synced_elsewhere(_message: Message, old: int, change: int, _rng: Random) -> Fate:
    new = old + change
    return Fate("already_synced", new, new, new)


def _synced_nowhere(message: Message, old: int, change: int, rng: Random) -> Fate:
    if message.moves_wallet and rng.random() < _WALLET_STOOD_STILL:
        # a message too many: the wallet had not moved for it either
        message.subscriber.wallet -= change
        message.payment = message.subscriber.wallet
        message.moves_wallet = False
    return Fate("already_synced", old + change, old, old, "not_applied")


def _lost_update(_message: Message, old: int, change: int, _rng: Random) -> Fate:
    new = old + change
    return Fate("applied", new, new, old, "lost_update")


def _wrong_change(message: Message, old: int, change: int, rng: Random) -> Fate | None:
    if message.vat and rng.random() < _VAT_FORGOTTEN:
        new = old + message.action.sign * message.amount
    else:
        new = old + change * rng.choice((2, 2, 10)) // rng.choice((1, 4))
    if new < 0 or abs(new - old - change) <= 2 * message.subscriber.currency.unit:
        return None
    return Fate("applied", new, new, new, "mismatch")


def _unseen_change(message: Message, old: int, change: int, rng: Random) -> Fate:
    new = old + change
    extra = _some_amount(message, rng)
    if new + extra < 0:
        extra = -extra
    if rng.getrandbits(1):
        message.subscriber.wallet += extra
    return Fate("applied", new, new, new + extra, "unseen_change")


def _drift(message: Message, old: int, change: int, rng: Random) -> Fate:
    new = old + change
    subscriber = message.subscriber
    in_step = abs(new - subscriber.wallet) <= subscriber.currency.unit
    subscriber.wallet += _some_amount(message, rng)
    return Fate("applied", new, new, new, "drift_opened" if in_step else "drift_moved")


def _false_alarm(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    new = old + change
    subscriber = message.subscriber
    if abs(new - subscriber.wallet) > subscriber.currency.unit:
        return None
    return Fate("applied", new, new, new, "false_alarm", alarm=True)


def _reset_to_payment(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    new = old + change
    subscriber = message.subscriber
    if subscriber.wallet < subscriber.price:
        return None
    return Fate("applied", new, new, subscriber.wallet, "reset_to_payment")


def _drift_back(message: Message, old: int, change: int, _rng: Random) -> Fate:
    new = old + change
    message.subscriber.wallet = new
    return Fate("applied", new, new, new, "drift_closed")


def _missed_alarm(_message: Message, old: int, change: int, _rng: Random) -> Fate:
    new = old + change
    return Fate("applied", new, new, new, "missed_alarm", alarm=False)


def _some_amount(message: Message, rng: Random) -> int:
    subscriber = message.subscriber
    amount = rng.randrange(3, 5 * subscriber.price // subscriber.currency.unit)
    return rng.choice((-1, 1, 1)) * amount * subscriber.currency.unit


class _Odds:
    """Fates with their probabilities, and the sum of these."""

    def __init__(self, fates: Sequence[tuple[float, Choice]]) -> None:
        self._steps = list(accumulate(probability for probability, _ in fates))
        self._choices = [choice for _, choice in fates]
        self.limit = self._steps[-1]

    def choose(self, draw: float) -> Choice:
        return self._choices[bisect(self._steps, draw)]


def _odds(synced_elsewhere: float, synced_nowhere: float) -> _Odds:
    return _Odds(
        (
            (synced_elsewhere, _synced_elsewhere),
            (synced_nowhere, _synced_nowhere),
            (0.002, _failed),
            (0.0015, _lost_update),
            (0.0022, _wrong_change),
            (0.0015, _unseen_change),
            (0.0018, _drift),
            (0.0025, _false_alarm),
        )
    )


# Other listeners dealt with many messages in the old version, and with few in the new one.
_UNTYPED = _odds(0.06, 0.05)
_TYPED = _odds(0.008, 0.006)

# Only of balances that differ. The first needs a logged payment balance.
_RESETS = 0.004
_GAP = _Odds(
    (
        (_RESETS, _reset_to_payment),
        (0.02, _drift_back),
        (0.005, _drift),
        (0.012, _missed_alarm),
    )
)
