"""Money: currencies, their minor units, exact text in and exact text out.

No amount ever passes through a float: text from the log becomes text that DECIMAL(18,6) holds
exactly, and a `Decimal` becomes plain text again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def decimals(currency: str | None) -> int:
    """Return how many decimals the currency's minor unit has; 2 for one that is not listed."""
    return _DECIMALS.get(currency or "", 2)


def minor_unit(currency: str | None) -> Decimal:
    """Return the smallest amount of the currency; two balances agree within one of it."""
    return Decimal(1).scaleb(-decimals(currency))


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


def amount_text(amount: Decimal | None, currency: str | None) -> str | None:
    """Return an amount in plain notation: the currency's decimals, more (up to six) if it has them."""
    if amount is None:
        return None
    whole, _, fraction = f"{amount:.6f}".partition(".")
    kept = decimals(currency)
    fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    text = f"{whole}.{fraction}" if fraction else whole
    return text[1:] if text.startswith("-") and not amount else text


def amount_words(amount: Decimal | None, currency: str | None) -> str:
    """Return an amount for a sentence: `BHD 1,234.500`, or `an unknown amount`."""
    if amount is None:
        return "an unknown amount"
    whole, point, fraction = (amount_text(abs(amount), currency) or "").partition(".")
    sign = "-" if amount < 0 else ""
    return f"{currency or '(no currency)'} {sign}{int(whole):,}{point}{fraction}"
