"""How the page prints values. Text from logs is hostile: cut, cleaned, escaped and isolated."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from trueup.money import Currencies
from trueup.reports.characters import without_control

MOST_CHARACTERS = 1_000
"""Characters of one text from a log; a page of 40,000-character ids helps nobody."""

_MARKS = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_NEARLY_ALL = 0.9995


def clean(text: object, most: int = MOST_CHARACTERS) -> str:
    """Return text that a page can hold: no control characters, not longer than `most`."""
    words = str(text)
    if len(words) > most:
        words = f"{words[:most]} [cut]"
    return without_control(words)


def log_text(text: object) -> Markup | str:
    """Return text from a log, in an element that keeps its direction to itself."""
    return "" if text is None else Markup("<bdi>{}</bdi>").format(clean(text))


def sentence(text: object) -> str:
    """Return a sentence that quotes a log, without the marks that could turn it around."""
    return _MARKS.sub("", clean(text))


def moment(time: datetime | None) -> str:
    """Return `2024-01-31 21:01:05`."""
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else ""


def day(time: date | None) -> str:
    """Return `2024-01-31`."""
    return f"{time:%Y-%m-%d}" if time else ""


def count(number: int) -> str:
    """Return `12,345`."""
    return f"{number:,}"


def percent(share: float | None) -> str:
    """Return a share in percent; what is not all never reads as 100%."""
    if share is None:
        return ""
    if _NEARLY_ALL <= share < 1:
        return "over 99.9%"
    return f"{share:.1%}"


def words(name: str | None) -> str:
    """Return a name of ours as words: `unseen change`."""
    return clean(name or "").replace("_", " ")


def printing(money: Currencies) -> dict[str, Callable[..., Any]]:
    """Return the template's filters."""

    def amount(value: Decimal | None, currency: str | None) -> str:
        return "" if value is None else money.grouped(value, currency)

    return {
        "amount": amount,
        "count": count,
        "day": day,
        "log": log_text,
        "moment": moment,
        "percent": percent,
        "sentence": sentence,
        "words": words,
    }
