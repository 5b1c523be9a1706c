"""A message of the queue: one change of a wallet that the subscription balance has to follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from trueup.sample.people import Subscriber
from trueup.sample.printing import quoted, ulid, uuid


class Action(NamedTuple):
    """What moved the wallet, in the service's own codes."""

    type: str
    source: str
    name: str

    @property
    def sign(self) -> int:
        """Return 1 if its amount raises the balance, -1 if it lowers it."""
        return 1 if self.type == "CREDIT" else -1


DELIVERY = Action("DEBIT", "MANUAL_DEDUCTION", "DELIVERY_DEDUCTION")
RENEWAL = Action("CREDIT", "PAYMENT", "RENEW_SUBSCRIPTION")
AUTO_RENEWAL = Action("CREDIT", "PAYMENT", "AUTO_RENEW_SUBSCRIPTION")
TOP_UP = Action("CREDIT", "PAYMENT", "PAY_PENDING_AMOUNT")
ADDONS = Action("CREDIT", "PAYMENT", "ADD_DELIVERY_ADDONS")
SWAP = Action("CREDIT", "PAYMENT", "REPLACE_FOOD")
GIFT = Action("CREDIT", "MANUAL_ADDITION", "CX_GIFT")
COMPENSATION = Action("CREDIT", "MANUAL_ADDITION", "COMPENSATION")
REFUND = Action("DEBIT", "REFUND", "PARTIAL_REFUND")
DEDUCTION = Action("DEBIT", "MANUAL_DEDUCTION", "MANUAL_CORRECTION")
ADDITION = Action("CREDIT", "MANUAL_ADDITION", "MANUAL_CORRECTION")

_LATER = "it will be synced from create subscription payment listener"
_FLAG = "Update Payment Balance Flag is set to false"
SKIPS = (
    f"Skipping the balance sync for create subscription, {_LATER}",
    f"Skipping the balance sync for create web subscription, {_LATER}",
    f"Skipping the process, {_FLAG} {{ transactionAction: 'DONATE_MEAL' }}",
)
"""What the service prints about a message that asks for no change of the balance."""


@dataclass(slots=True)
class Message:
    """A message, and what has become of it so far."""

    id: str
    due: int
    subscriber: Subscriber
    action: Action
    amount: int
    vat: int
    transaction_id: str
    entry_id: str
    """The wallet's own entry: walletSk."""
    metadata: str
    """As printed, quotes and all."""
    wallet_id: str | None
    """As the metadata name it; None if there are none."""
    delivery_id: str | None
    moves_wallet: bool = True
    payment: int | None = None
    """The wallet after it; None until the first delivery."""
    failures: int = 0
    is_odd: bool = False
    """Whether something is wrong with the message itself."""

    @property
    def change(self) -> int:
        """Return what it should add to the subscription balance."""
        net = self.amount - self.vat
        return net if self.action.type == "CREDIT" else -net

    def set_net(self, net: int) -> None:
        """Set the amount, and the VAT in it, from the amount without VAT."""
        self.amount, self.vat = _with_vat(net, self.action, self.subscriber)


@dataclass(slots=True)
class SkippedMessage:
    """A message that the service puts aside."""

    id: str
    due: int
    reason: str


def delivery_message(subscriber: Subscriber, due: int, rng: Random) -> Message:
    """Return the deduction of one delivery; nine of ten messages are of this kind."""
    randomness = rng.randbytes(48)
    digits = randomness[:32].hex()
    entry_id = uuid(digits[32:])
    wallet_id = subscriber.wallet_id
    return Message(
        uuid(digits[:32]), due, subscriber, DELIVERY, subscriber.price, 0,
        ulid(due, randomness[32:]), entry_id,
        f'\'{{"walletId":"{wallet_id}","deliveryId":"{entry_id}","walletSk":"{entry_id}"}}\'',
        wallet_id, entry_id,
    )  # fmt: skip


def other_message(
    subscriber: Subscriber, due: int, action: Action, net: int, rng: Random
) -> Message:
    """Return a message of any other kind; `net` is the amount without VAT."""
    amount, vat = _with_vat(net, action, subscriber)
    entry_id = random_uuid(rng)
    metadata = _metadata(action, subscriber, entry_id, rng)
    return Message(
        random_uuid(rng), due, subscriber, action, amount, vat,
        ulid(due, rng.randbytes(16)), entry_id,
        quoted(as_json(metadata)) if metadata else "undefined",
        _text(metadata.get("walletId")), _text(metadata.get("deliveryId")),
    )  # fmt: skip


def random_uuid(rng: Random) -> str:
    """Return a new UUID."""
    return uuid(f"{rng.getrandbits(128):032x}")


def _with_vat(net: int, action: Action, subscriber: Subscriber) -> tuple[int, int]:
    currency = subscriber.currency
    if not currency.vat_percent or action.source not in {"PAYMENT", "REFUND"}:
        return net, 0
    gross = net * (100 + currency.vat_percent) // 100
    amount = (gross + currency.unit // 2) // currency.unit * currency.unit
    return amount, amount - net


_NO_METADATA = 0.1
_BARE_WALLET = 0.05
"""Wallets that are named by the subscriber's id alone."""

_MEALS = (
    ("Lentil bowl", "وعاء العدس"),
    ("Grilled aubergine", "باذنجان مشوي"),
    ("Cook's rice {mild}", "أرز الطباخ"),
    ("Date and oat bar", "لوح التمر والشوفان"),
)
_WISHES = (
    "Happy birthday!\nSee you soon",
    "It's your day",
    "Don't share it, it's `yours`",
    "عيد مبارك",
    'With "best" wishes {from us}',
)


def _metadata(
    action: Action, subscriber: Subscriber, entry_id: str, rng: Random
) -> dict[str, object]:
    """Return the metadata, parts of which are JSON in a string; empty if there are none."""
    if action.source != "PAYMENT" and rng.random() < _NO_METADATA:
        return {}
    is_bare = rng.random() < _BARE_WALLET
    fields: dict[str, object] = {"walletId": subscriber.id if is_bare else subscriber.wallet_id}
    if details := _DETAILS.get(action):
        fields |= details(subscriber, rng)
    fields["walletSk"] = entry_id
    return fields


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def as_json(value: object) -> str:
    """Return a value as Node's `JSON.stringify` prints it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plan(subscriber: Subscriber, rng: Random) -> dict[str, object]:
    days = sorted(subscriber.week)
    next_plan = {
        "id": rng.choice(("full", "lunchOnly", "custom")),
        "frequency": "monthly",
        "foodType": ["breakfast", "lunch", "dinner"][: rng.randrange(1, 4)],
        "type": "DATE_RANGE",
        "deliveryDays": days,
    }
    return {
        "eventSessionId": random_uuid(rng),
        "deliveryTime": rng.choice(('"evening"', "morning", "morning")),
        "frequency": "monthly",
        "deliveryDays": as_json(days),
        "addonCosts": "{}",
        "nextPlan": as_json(next_plan),
        "version2": True,
    }


def _addons(_subscriber: Subscriber, rng: Random) -> dict[str, object]:
    addon: dict[str, object] = {"id": random_uuid(rng), "quantity": rng.randrange(1, 4)}
    if rng.getrandbits(1):
        addon["giftMessage"] = rng.choice(_WISHES)
    return {
        "deliveryId": random_uuid(rng),
        "eventSessionId": random_uuid(rng),
        "addons": as_json([addon]),
    }


def _swap(_subscriber: Subscriber, rng: Random) -> dict[str, object]:
    source, target = (
        as_json({"id": random_uuid(rng), "name": {"ar": arabic, "en": english}})
        for english, arabic in rng.sample(_MEALS, 2)
    )
    return {"deliveryId": random_uuid(rng), "source": source, "target": target}


_DETAILS: dict[Action, Callable[[Subscriber, Random], dict[str, object]]] = {
    RENEWAL: _plan,
    AUTO_RENEWAL: _plan,
    ADDONS: _addons,
    SWAP: _swap,
}
