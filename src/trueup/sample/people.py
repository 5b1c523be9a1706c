"""The invented subscribers: their currency, plan, two balances and contact details."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from trueup.sample.books import Books
from trueup.sample.facts import Finding
from trueup.sample.labels import Ledger
from trueup.sample.printing import MICRO, uuid


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency, with what a delivery costs and what VAT is paid in it."""

    code: str
    unit: int
    """One minor unit."""
    vat_percent: int
    prices: tuple[int, ...]
    """Usual price of a delivery, without VAT."""
    kitchen: str
    dial: str


def _prices(*whole: float) -> tuple[int, ...]:
    return tuple(round(price * MICRO) for price in whole)


# The VAT rates are those of the countries; two of them levy none.
CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency("BHD", 1_000, 10, _prices(4.5, 5.25, 6, 6.75, 8.25), "BH-N", "+9733"),
        Currency("SAR", 10_000, 15, _prices(52, 60, 67.5, 74, 88), "SA-E", "+9665"),
        Currency("AED", 10_000, 5, _prices(48, 58, 66, 79.5), "AE-W", "+9715"),
        Currency("KWD", 1_000, 0, _prices(3.75, 4.25, 5, 6.125), "KW-C", "+9656"),
        Currency("QAR", 10_000, 0, _prices(50, 61, 69.5, 82), "QA-S", "+9743"),
    )
}

# Who pays in what, by number: a fixed round, so that no currency is missing in a small sample.
_ROUND = ("BHD", "SAR", "BHD", "AED", "SAR", "BHD", "KWD", "SAR", "BHD", "QAR", "BHD", "SAR")

_AGREED_WITH_VAT = 0.1
"""Of the prices: what is left without VAT has no end of decimals."""

_OUT_OF_SYNC_AT_FIRST = 0.06

_WEEKS = (
    frozenset(range(5)),
    frozenset(range(6)),
    frozenset({0, 1, 2, 3, 6}),
    frozenset({0, 1, 2, 3, 5, 6}),
    frozenset(range(7)),
)


@dataclass(slots=True)
class Subscriber:
    """A subscriber of the simulated service, with the two balances that it keeps."""

    id: str
    wallet_id: str
    number: int
    currency: Currency
    price: int
    week: frozenset[int]
    """Weekdays (Monday is 0) with a delivery."""
    subscription: int
    wallet: int
    books: Books
    ledger: Ledger
    """The one in the present currency."""
    rests_until: int = 0
    """Day before which nothing is delivered or paid: after a refusal, say."""
    left: bool = False

    @property
    def is_out_of_sync(self) -> bool:
        """Tell whether the two balances differ by more than one minor unit."""
        return abs(self.subscription - self.wallet) > self.currency.unit

    @property
    def name(self) -> str:
        """Return a name that nobody bears."""
        return f"Subscriber {self.number}"

    @property
    def email(self) -> str:
        """Return an address in a domain that is reserved for examples."""
        return f"subscriber{self.number}@example.com"

    @property
    def phone(self) -> str:
        """Return a number with the country's prefix, and zeros where real ones differ."""
        return f"{self.currency.dial}{self.number:07d}"


def move(subscriber: Subscriber, rng: Random) -> bool:
    """Let a subscriber go on in a currency never used before, and tell whether there was one."""
    others = [other for other in CURRENCIES.values() if not subscriber.books.has(other.code)]
    if not others:
        return False
    currency = rng.choice(others)
    subscriber.currency = currency
    subscriber.price = rng.choice(currency.prices)
    subscriber.subscription = subscriber.wallet = subscriber.price * _deliveries_paid(rng)
    subscriber.ledger = subscriber.books.ledger(currency.code, currency.unit)
    return True


def _deliveries_paid(rng: Random) -> int:
    return rng.randrange(2, 24)


def make_subscriber(number: int, rng: Random, findings: list[Finding]) -> Subscriber:
    """Invent the subscriber of a number; what its ledger finds goes to `findings`."""
    currency = CURRENCIES[_ROUND[number % len(_ROUND)]]
    price = rng.choice(currency.prices)
    if rng.random() < _AGREED_WITH_VAT:
        price = round(price / 1.1)
    balance = price * _deliveries_paid(rng)
    wallet = balance
    if rng.random() < _OUT_OF_SYNC_AT_FIRST:
        wallet += rng.choice((-1, 1, 1)) * rng.randrange(1, 8) * price
    subscriber_id = uuid(f"{rng.getrandbits(128):032x}")
    books = Books(subscriber_id, findings)
    return Subscriber(
        id=subscriber_id,
        wallet_id=f"wallet#{subscriber_id}",
        number=number,
        currency=currency,
        price=price,
        week=rng.choice(_WEEKS),
        subscription=balance,
        wallet=wallet,
        books=books,
        ledger=books.ledger(currency.code, currency.unit),
    )
