"""Money: currencies, their minor units, exact text in and exact text out.

No amount ever passes through a float: text from the log becomes text that DECIMAL(18,6) holds
exactly, and a `Decimal` becomes plain text again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from types import MappingProxyType

SCALE = 6
"""Decimals of every amount in every table."""

WHOLE_DIGITS = 12
"""Digits before the point that DECIMAL(18,6) holds; a longer amount cannot be real money here."""

_SIXTH_DECIMAL = Decimal(1).scaleb(-SCALE)

# As JavaScript prints numbers; `Decimal` alone would take `1_000` and other scripts' digits too.
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{0,400})?(?:[eE][+-]?[0-9]{1,4})?")

# ISO 4217 exponents that are not 2. Every other currency has two decimals.
_DECIMALS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
        **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"), 0),
    }
)


def exact_text(text: str) -> str | None:
    """Return a logged number as plain text with at most six decimals, rounded half-even.

    None where it is no finite number or has more than twelve digits before the point.
    """
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if value.adjusted() >= WHOLE_DIGITS:
        return None
    with localcontext() as context:
        context.prec = 50
        if value.adjusted() < -SCALE - 1:
            return "0"
        rounded = value.quantize(_SIXTH_DECIMAL, ROUND_HALF_EVEN)
    if rounded.adjusted() >= WHOLE_DIGITS:
        return None
    return f"{rounded:f}"


@dataclass(frozen=True, slots=True)
class Currencies:
    """What the currencies' amounts look like: their minor units, where `given` says no other.

    `given` maps a code to its minor unit (`{"BHD": Decimal("0.001")}`).
    """

    given: Mapping[str, Decimal] = field(default_factory=dict)

    def decimals(self, currency: str | None) -> int:
        """Return how many decimals the currency's minor unit has; 2 for one that is not known."""
        if unit := self.given.get(currency or ""):
            return max(0, -int(unit.normalize().as_tuple().exponent))
        return _DECIMALS.get(currency or "", 2)

    def minor_unit(self, currency: str | None) -> Decimal:
        """Return the smallest amount of the currency; two balances agree within one of it."""
        return self.given.get(currency or "") or Decimal(1).scaleb(-self.decimals(currency))

    def text(self, amount: Decimal | None, currency: str | None) -> str | None:
        """Return an amount in plain notation: the currency's decimals, up to six if it has more."""
        if amount is None:
            return None
        whole, _, fraction = f"{amount:.6f}".partition(".")
        kept = self.decimals(currency)
        fraction = fraction[:kept] + fraction[kept:].rstrip("0")
        text = f"{whole}.{fraction}" if fraction else whole
        return text[1:] if text.startswith("-") and not amount else text

    def words(self, amount: Decimal | None, currency: str | None) -> str:
        """Return an amount for a sentence: `BHD 1,234.500`, or `an unknown amount`."""
        if amount is None:
            return "an unknown amount"
        return f"{currency or '(no currency)'} {self.grouped(amount, currency)}"

    def grouped(self, amount: Decimal, currency: str | None) -> str:
        """Return an amount with commas: `-1,234.500`."""
        whole, point, fraction = (self.text(abs(amount), currency) or "").partition(".")
        sign = "-" if amount < 0 else ""
        return f"{sign}{int(whole):,}{point}{fraction}"
