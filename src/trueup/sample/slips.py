"""What is wrong with a message before the service gets it: its amount, its wallet, its repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from trueup.sample import messages
from trueup.sample.faults import Rates
from trueup.sample.messages import Message
from trueup.sample.odds import Odds
from trueup.sample.printing import ulid
from trueup.sample.tally import Tally

_LONGEST_UNTIL_REPEAT = 240_000
"""Milliseconds: well within the ten minutes in which a repeat is likely to be one."""

_Slip = Callable[[Message, Random], list[Message] | None]
"""Returns the messages that come instead of one; None where it cannot be made."""


class Slips:
    """Spoils messages at given rates, and counts what it does."""

    def __init__(self, rates: Rates, rng: Random, tally: Tally) -> None:
        self._rng = rng
        self._tally = tally
        self._odds = [
            Odds([(rates.of(name), (name, slip)) for name, slip in slips.items()])
            for slips in (_ALWAYS, _ALWAYS | _TYPED)
        ]

    def sent(self, message: Message, has_types: bool) -> Sequence[Message]:  # noqa: FBT001
        """Return what is really sent in place of a message; nearly always the message itself."""
        odds = self._odds[has_types]
        draw = self._rng.random()
        if draw < odds.limit:
            name, slip = odds.choose(draw)
            if spoilt := slip(message, self._rng):
                self._tally.faults[name] += 1
                for one in spoilt:
                    one.is_odd = True
                return spoilt
        return (message,)


def _make_zero(message: Message, _rng: Random) -> list[Message]:
    message.amount = message.vat = 0
    return [message]


def _make_negative(message: Message, rng: Random) -> list[Message] | None:
    if message.change <= 0 or message.action.sign < 0:
        return None
    made = messages.other_message(
        message.subscriber, message.due, messages.DEDUCTION, -message.change, rng
    )
    made.moves_wallet = message.moves_wallet
    return [made]


def _take_another_wallet(message: Message, rng: Random) -> list[Message] | None:
    if message.wallet_id is None:
        return None
    wallet_id = f"wallet#{messages.random_uuid(rng)}"
    message.metadata = message.metadata.replace(message.wallet_id, wallet_id, 1)
    message.wallet_id = wallet_id
    return [message]


def _repeat_entry(message: Message, rng: Random) -> list[Message] | None:
    return None if message.wallet_id is None else [message, _repeat(message, rng)]


def _repeat_delivery(message: Message, rng: Random) -> list[Message] | None:
    if message.delivery_id is None:
        return None
    again = _repeat(message, rng)
    again.entry_id = messages.random_uuid(rng)
    again.metadata = again.metadata.replace(
        f'"walletSk":"{message.entry_id}"', f'"walletSk":"{again.entry_id}"'
    )
    return [message, again]


def _repeat(message: Message, rng: Random) -> Message:
    due = message.due + rng.randrange(1, _LONGEST_UNTIL_REPEAT)
    return replace(
        message,
        id=messages.random_uuid(rng),
        due=due,
        transaction_id=ulid(due, rng.randbytes(16)),
    )


_ALWAYS: dict[str, _Slip] = {"zero_amount": _make_zero}
# These are not to be seen before types and metadata are logged.
_TYPED: dict[str, _Slip] = {
    "negative_amount": _make_negative,
    "duplicate_entry": _repeat_entry,
    "duplicate_delivery": _repeat_delivery,
    "wallet_mismatch": _take_another_wallet,
}
