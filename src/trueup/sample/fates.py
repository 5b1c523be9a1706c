"""What becomes of a message that the service handles: what is logged and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

from trueup.sample.demand import Day
from trueup.sample.faults import Rates
from trueup.sample.messages import Message
from trueup.sample.odds import Odds

LEFT_AFTER_REFUSAL = 0.25
"""How many of the refused never come back: their gap stays open."""

_WALLET_STOOD_STILL = 0.7
"""Of the messages that no listener applied: those for which the wallet had not moved either."""

_VAT_FORGOTTEN = 0.6
"""Of the wrong changes to a balance, where there is VAT."""

_FAILS_IN_A_BURST = 0.06
_MOST_FAILURES = 3
"""After so many a message gets through, lest it come back for ever."""

# Other listeners dealt with many messages in the old version, and with few in the new one.
_SYNCED_ELSEWHERE = {False: 0.06, True: 0.008}


class Fate(NamedTuple):
    """What becomes of an attempt; one that is a fault has its name."""

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

    @property
    def comes_back(self) -> bool:
        """Tell whether the queue delivers a failed message once more."""
        return self.fault != "failed_forever"


Choice = Callable[[Message, int, int, Random], Fate | None]
"""Takes message, old balance, change; None where this fate cannot befall the message."""


class Fates:
    """Decides, at given rates, what becomes of messages."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._below_zero = Odds(
            [(rates.of(name), name) for name in ("posted_overdraft", "refused_overdraft")]
        )
        self._odd = [_odd(rates, has_types=has_types) for has_types in (False, True)]
        self._apart = [_apart(rates, has_types=has_types) for has_types in (False, True)]

    def decide(self, message: Message, old: int, change: int, day: Day, rng: Random) -> Fate | None:
        """Return what becomes of a message that should change a balance; None: it never came up."""
        new = old + change
        if new < 0 and change < 0:
            return self._overdraw(old, new, rng)
        if day.has_errors and change and rng.random() < _FAILS_IN_A_BURST:
            failed = _failed(message, old, change, rng)
            return failed._replace(fault=None) if failed else Fate("applied", new, new, new)
        odd = self._odd[day.has_types]
        draw = rng.random()
        if draw < odd.limit and change:
            return odd.choose(draw)(message, old, change, rng) or Fate("applied", new, new, new)
        subscriber = message.subscriber
        if abs(new - subscriber.wallet) > subscriber.currency.unit:
            apart = self._apart[day.has_types]
            draw = rng.random()
            if draw < apart.limit:
                fate = apart.choose(draw)(message, old, change, rng)
                return fate or Fate("applied", new, new, new)
        return Fate("applied", new, new, new)

    def _overdraw(self, old: int, new: int, rng: Random) -> Fate | None:
        draw = rng.random()
        if draw >= self._below_zero.limit:
            return None
        fault = self._below_zero.choose(draw)
        if fault == "posted_overdraft":
            return Fate("applied", new, new, new, fault)
        return Fate("blocked", new, old, old, fault)


def _failed(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    if message.failures == _MOST_FAILURES:
        return None
    return Fate("failed", old + change, old, old, "failed_delivery", alarm=False)


def _failed_forever(_message: Message, old: int, change: int, _rng: Random) -> Fate:
    return Fate("failed", old + change, old, old, "failed_forever", alarm=False)


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


def _credit_lowers(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    return _wrong_way(old, change, "credit_lowers") if _can_turn(message, old, 1) else None


def _debit_raises(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    return _wrong_way(old, change, "debit_raises") if _can_turn(message, old, -1) else None


def _can_turn(message: Message, old: int, sign: int) -> bool:
    is_clear = message.amount - message.vat > 2 * message.subscriber.currency.unit
    return is_clear and message.action.sign == sign and old >= message.change


def _wrong_way(old: int, change: int, fault: str) -> Fate:
    new = old - change
    return Fate("applied", new, new, new, fault)


def _unusual_change(
    message: Message, old: int, change: int, rng: Random, *, factor: tuple[float, float]
) -> Fate | None:
    """Make the message a large one before anything of it is logged."""
    subscriber = message.subscriber
    kind, _, name = message.action
    usual = subscriber.ledger.usual.size(kind, name)
    if not usual or message.failures or message.is_odd or not message.moves_wallet:
        return None
    wallet = subscriber.wallet - change
    least, most = factor
    if change < 0:
        most = min(most, old / usual, wallet / usual)
    if most < least:
        return None
    unit = subscriber.currency.unit
    # upwards to whole units, lest it be less than meant
    message.set_net(-(-int(usual * rng.uniform(least, most)) // unit * unit))
    new = old + message.change
    if change < 0 and min(new, wallet + message.change) < 0:
        message.set_net(-change)
        return None
    subscriber.wallet = message.payment = wallet + message.change
    return Fate("applied", new, new, new, "unusual_change")


def _unseen_change(message: Message, old: int, change: int, rng: Random) -> Fate:
    new = old + change
    extra = _some_amount(message, rng)
    if new + extra < 0:
        extra = -extra
    if rng.getrandbits(1):
        message.subscriber.wallet += extra
    return Fate("applied", new, new, new + extra, "unseen_change")


def _is_in_step(message: Message, new: int) -> bool:
    subscriber = message.subscriber
    return abs(new - subscriber.wallet) <= subscriber.currency.unit


def _drift_opened(message: Message, old: int, change: int, rng: Random) -> Fate | None:
    new = old + change
    if not _is_in_step(message, new):
        return None
    message.subscriber.wallet += _some_amount(message, rng)
    return Fate("applied", new, new, new, "drift_opened")


def _false_alarm(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    new = old + change
    if not _is_in_step(message, new):
        return None
    return Fate("applied", new, new, new, "false_alarm", alarm=True)


def _reset_to_payment(message: Message, old: int, change: int, _rng: Random) -> Fate | None:
    new = old + change
    subscriber = message.subscriber
    if subscriber.wallet < subscriber.price:
        return None
    return Fate("applied", new, new, subscriber.wallet, "reset_to_payment")


def _drift_moved(message: Message, old: int, change: int, rng: Random) -> Fate:
    new = old + change
    message.subscriber.wallet += _some_amount(message, rng)
    return Fate("applied", new, new, new, "drift_moved")


def _drift_closed(message: Message, old: int, change: int, _rng: Random) -> Fate:
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


_ANY: dict[str, Choice] = {
    "not_applied": _synced_nowhere,
    "failed_delivery": _failed,
    "failed_forever": _failed_forever,
    "lost_update": _lost_update,
    "mismatch": _wrong_change,
    "unseen_change": _unseen_change,
    "drift_opened": _drift_opened,
    "false_alarm": _false_alarm,
}
# These need a type, or would not be seen for want of one.
_TYPED: dict[str, Choice] = {
    "credit_lowers": _credit_lowers,
    "debit_raises": _debit_raises,
}
# Only of balances that differ.
_APART: dict[str, Choice] = {
    "drift_closed": _drift_closed,
    "drift_moved": _drift_moved,
    "missed_alarm": _missed_alarm,
}
# And this needs a logged payment balance.
_APART_TYPED: dict[str, Choice] = {"reset_to_payment": _reset_to_payment}


def _odd(rates: Rates, *, has_types: bool) -> Odds[Choice]:
    unusual: Choice = partial(_unusual_change, factor=rates.factor)
    named = (_ANY | _TYPED if has_types else _ANY) | {"unusual_change": unusual}
    choices = _at_rates(named, rates, has_types=has_types)
    return Odds([(_SYNCED_ELSEWHERE[has_types], _synced_elsewhere), *choices])


def _apart(rates: Rates, *, has_types: bool) -> Odds[Choice]:
    return Odds(
        _at_rates(_APART | _APART_TYPED if has_types else _APART, rates, has_types=has_types)
    )


def _at_rates(
    choices: dict[str, Choice], rates: Rates, *, has_types: bool
) -> list[tuple[float, Choice]]:
    return [(rates.of(name, has_types=has_types), choice) for name, choice in choices.items()]
