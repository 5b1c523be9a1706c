"""What a day brings: who renews, tops up, is given something back, and who is delivered to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from random import Random

from trueup.sample import messages
from trueup.sample.faults import Rates
from trueup.sample.messages import Action, Message, SkippedMessage
from trueup.sample.people import Subscriber, move
from trueup.sample.slips import Slips
from trueup.sample.tally import Tally

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Three busy hours a day; between them every sandbox has long been stopped, and so none of a
# subscriber's messages can still be on its way when the next busy hour begins.
_BUSY_HOURS = (6, 11, 16)
_BUSY_MINUTES = 35
_NIGHT_RUN = 21 * HOUR + MINUTE
_NIGHT_LANES = 3
_NIGHT_STEP = 25
"""Milliseconds between the messages of the night's run: faster than one lane takes them."""

_RENEWS_EARLY = 0.35
_RENEWS_IN_TIME = 0.85
_EVENTS_A_DAY = 0.045
"""Top-ups, gifts and so on, a subscriber and day."""
_SKIPPED_A_DAY = 0.03
_CORRECTS_GAP = 0.012

_DUE = attrgetter("due")


@dataclass(slots=True)
class Burst:
    """Messages that come close together; each lane handles its subscribers' in order."""

    start: int
    lanes: int
    messages: list[Message | SkippedMessage]


@dataclass(slots=True)
class Day:
    """A day of the sample: its number, its midnight, its weekday and its version of the logs."""

    number: int
    midnight: int
    weekday: int
    has_types: bool
    """Since 2024 transactions are logged with type, action and payment balance."""
    error_shows_old: bool
    """Until 7 January 2024 a sync error states the subscription balance before the update."""
    prints_locks: bool
    has_errors: bool
    """A day on which many messages fail."""


class Demand:
    """The messages that a group of subscribers gives rise to."""

    def __init__(
        self, subscribers: list[Subscriber], rates: Rates, rng: Random, tally: Tally
    ) -> None:
        self._subscribers = subscribers
        self._moves = rates.of("currency_change")
        self._slips = Slips(rates, rng, tally)
        self._rng = rng
        self._tally = tally

    def move_house(self) -> None:
        """Let some subscribers move to another country, while nothing is on its way to them."""
        for _ in range(self._how_many(self._moves)):
            subscriber = self._rng.choice(self._subscribers)
            if not subscriber.left and move(subscriber, self._rng):
                self._tally.faults["currency_change"] += 1

    def busy_hours(self, day: Day) -> list[Burst]:
        """Return the bursts of the daytime."""
        rng = self._rng
        starts = [
            day.midnight + hour * HOUR + rng.randrange(_BUSY_MINUTES * MINUTE)
            for hour in _BUSY_HOURS
        ]
        bursts = [Burst(start, rng.choice((1, 1, 2)), []) for start in starts]
        for subscriber in self._subscribers:
            if message := self._due(subscriber, day, starts):
                self._send(bursts, message, day)
        for _ in range(self._how_many(_EVENTS_A_DAY)):
            subscriber = self._one_of_the_regulars()
            if not subscriber.left and (message := self._event(subscriber, starts)):
                self._send(bursts, message, day)
        for _ in range(self._how_many(_SKIPPED_A_DAY)):
            reason = rng.choices(messages.SKIPS, (5, 1, 2))[0]
            skipped = SkippedMessage(messages.random_uuid(rng), self._moment(starts), reason)
            self._put(bursts, skipped)
        for burst in bursts:
            burst.messages.sort(key=_DUE)
        return bursts

    def night(self, day: Day) -> Burst:
        """Return the run that deducts the day's deliveries."""
        rng = self._rng
        start = day.midnight + _NIGHT_RUN
        due = start
        sent = self._slips.sent
        night: list[Message | SkippedMessage] = []
        for subscriber in self._subscribers:
            if (
                day.weekday in subscriber.week
                and subscriber.rests_until <= day.number
                and not subscriber.left
            ):
                message = messages.delivery_message(subscriber, due, rng)
                night += sent(message, day.has_types)
                due += _NIGHT_STEP
        night.sort(key=_DUE)
        return Burst(start, _NIGHT_LANES, night)

    def _how_many(self, rate: float) -> int:
        expected = rate * len(self._subscribers)
        return int(expected + self._rng.random())

    def _one_of_the_regulars(self) -> Subscriber:
        """Return a subscriber; a tenth of them are meant nearly half the time."""
        return self._subscribers[int(self._rng.random() ** 3 * len(self._subscribers))]

    def _moment(self, starts: list[int]) -> int:
        return self._rng.choice(starts) + self._rng.randrange(_BUSY_MINUTES * MINUTE)

    def _send(self, bursts: list[Burst], message: Message, day: Day) -> None:
        for sent in self._slips.sent(message, day.has_types):
            self._put(bursts, sent)

    def _put(self, bursts: list[Burst], message: Message | SkippedMessage) -> None:
        for burst in reversed(bursts):
            if message.due >= burst.start:
                burst.messages.append(message)
                return

    def _due(self, subscriber: Subscriber, day: Day, starts: list[int]) -> Message | None:
        """Return a renewal, or the correction of a gap, if the balances call for it."""
        if subscriber.left or subscriber.rests_until > day.number:
            return None
        rng = self._rng
        if subscriber.subscription < 2 * subscriber.price:
            in_time = subscriber.subscription >= subscriber.price
            if rng.random() < (_RENEWS_EARLY if in_time else _RENEWS_IN_TIME):
                action = rng.choice((messages.AUTO_RENEWAL, messages.RENEWAL, messages.RENEWAL))
                net = subscriber.price * rng.choice((10, 20, 20, 22, 24))
                return messages.other_message(subscriber, self._moment(starts), action, net, rng)
        elif subscriber.is_out_of_sync and subscriber.wallet >= 0 and rng.random() < _CORRECTS_GAP:
            gap = subscriber.subscription - subscriber.wallet
            action, amount = _signed(messages.DEDUCTION, gap)
            message = messages.other_message(subscriber, self._moment(starts), action, amount, rng)
            message.moves_wallet = False
            return message
        return None

    def _event(self, subscriber: Subscriber, starts: list[int]) -> Message | None:
        """Return a top-up, a gift, a refund or the like; None if it would come to nothing."""
        rng = self._rng
        _, action, amount = rng.choices(_EVENTS, _WEIGHTS)[0]
        action, net = _signed(action, amount(subscriber, rng))
        if not net:
            return None
        return messages.other_message(subscriber, self._moment(starts), action, net, rng)


def _signed(action: Action, amount: int) -> tuple[Action, int]:
    """Return the action; what would deduct a negative amount adds it."""
    return (messages.ADDITION, -amount) if amount < 0 else (action, amount)


def _a_little(subscriber: Subscriber, rng: Random) -> int:
    unit = subscriber.currency.unit
    return rng.randrange(1, 9) * (subscriber.price // 10 // unit * unit)


def _some_deliveries(subscriber: Subscriber, rng: Random) -> int:
    return subscriber.price * rng.randrange(1, 4)


def _one_delivery(subscriber: Subscriber, _rng: Random) -> int:
    return subscriber.price


def _part_of_what_is_left(subscriber: Subscriber, _rng: Random) -> int:
    unit = subscriber.currency.unit
    left = max(0, min(subscriber.subscription, subscriber.wallet))
    return min(subscriber.price, left // 2 // unit * unit)


def _either_way(subscriber: Subscriber, rng: Random) -> int:
    if rng.getrandbits(1):
        return -_a_little(subscriber, rng)
    return min(_a_little(subscriber, rng), max(0, subscriber.wallet))


_EVENTS: tuple[tuple[int, Action, Callable[[Subscriber, Random], int]], ...] = (
    (28, messages.TOP_UP, _some_deliveries),
    (26, messages.ADDONS, _a_little),
    (15, messages.SWAP, _a_little),
    (11, messages.GIFT, _a_little),
    (5, messages.COMPENSATION, _one_delivery),
    (8, messages.REFUND, _part_of_what_is_left),
    (7, messages.DEDUCTION, _either_way),
)
"""How often, what, and how much without VAT."""

_WEIGHTS = tuple(weight for weight, _, _ in _EVENTS)
