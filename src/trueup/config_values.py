"""What a setting's value can be: each kind's parser, and what it says of a value that cannot be.

Every parser takes a value of TOML, of the environment or of a flag, and raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

FORMATS = ("xlsx", "html", "json", "csv", "parquet", "png")
"""The report formats."""

USUAL_FORMATS = ("xlsx", "html", "json", "csv")
"""Those that are written where none is asked for."""

LOG_LEVELS = ("debug", "info", "warning", "error")

LEARNED_METHODS = ("ecod", "iforest", "autoencoder")
"""Ways to tell an unusual change that learn what is usual; they need libraries of their own."""

UNUSUAL_METHODS = ("robust", "sigma", *LEARNED_METHODS)
"""Ways to tell an unusual change; `docs/accuracy.md` compares them."""

SPIKE_METHODS = ("robust", "sigma")
"""Ways to tell a day with too many errors."""

OUTCOMES = ("applied", "already_synced", "skipped", "blocked", "failed")
"""What a message can come to."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """An amount for each currency: one of its own, or the one for all others."""

    others: Decimal
    by_currency: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, currency: str) -> Decimal:
        """Return the currency's amount."""
        return self.by_currency.get(currency, self.others)

    def __str__(self) -> str:
        return str(self.others)


@dataclass(frozen=True, slots=True)
class Limits:
    """Where unpacking stops: an archive of a few bytes can hold more than a disk does."""

    nesting: int = 5
    """Archives within archives."""
    expansion: int = 200
    """Times its own size that a file may unpack to, beyond `expansion_from`."""
    expansion_from: int = 100_000_000
    members: int = 100_000
    """Members of one file, those of archives within it included."""
    total: int = 20_000_000_000
    """Bytes that all archives, clouds and pipes of a run may take on the disk."""


def parse_text(value: object) -> str:
    """Return a text as it is."""
    if not isinstance(value, (str, Path)):
        raise ValueError(f"not a text: {value}")  # noqa: TRY004  (all parsers raise one error)
    return str(value)


def _parse_names(value: object) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"not a list of names: {value}")
    return tuple(name.strip() for name in names if name.strip())


def _parse_formats(value: object) -> tuple[str, ...]:
    names = _parse_names(value)
    if names == ("all",):
        return FORMATS
    for name in names:
        _one_of(FORMATS, "format", name)
    if not names:
        raise ValueError(f"no format given (known: {', '.join(FORMATS)})")
    return tuple(name for name in FORMATS if name in names)


def parse_time(value: object) -> datetime:
    """Return a time in UTC, without a zone; a date is its midnight. ValueError says what is wrong."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        message = f"not a date: {value!r} (write 2024-01-31 or 2024-01-31T21:00)"
        raise ValueError(message) from None


_MEMORY = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([KMGT])(i?)B")


def memory_bytes(amount: str) -> int:
    """Return the bytes of an amount of memory that is written as the setting is."""
    if not (found := _MEMORY.fullmatch(amount)):
        raise ValueError(f"not an amount of memory: {amount!r} (write 500MB or 2GB)")
    number, unit, is_binary = found.groups()
    return int(float(number) * (1024 if is_binary else 1000) ** ("KMGT".index(unit) + 1))


def _parse_memory(value: object) -> str:
    memory_bytes(str(value))
    return str(value)


def _whole(least: int, noun: str) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"not a number of {noun}: {value}")
        return value

    return parse


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"not true or false: {value!r}")  # noqa: TRY004  (all parsers raise one error)
    return value


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"not a number: {value!r}")  # noqa: TRY004  (all parsers raise one error)
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise ValueError(f"not a number from 0 on: {value}")
    return number


def _above_zero(value: object) -> Decimal:
    number = _decimal(value)
    if not number:
        raise ValueError("it has to be more than 0")
    return number


def _share(value: object) -> Decimal:
    number = _above_zero(value)
    if number > Decimal("0.5"):
        raise ValueError(f"not a share of up to 0.5: {value}")
    return number


def _money(value: object) -> Decimal:
    number = _decimal(value)
    exponent = number.normalize().as_tuple().exponent
    if number.adjusted() >= 12 or int(exponent) < -6:  # noqa: PLR2004
        raise ValueError(f"not an amount with at most 12 digits and 6 decimals: {value}")
    return number


def _parse_amounts(value: object) -> Amounts:
    if not isinstance(value, dict):
        return Amounts(_money(value))
    if "others" not in value:
        raise ValueError(
            "an amount per currency needs one for the others: { BHD = 1, others = 10 }"
        )
    amounts = {name: _money(amount) for name, amount in value.items()}
    return Amounts(amounts.pop("others"), amounts)


def _parse_minor_units(value: object) -> Mapping[str, Decimal]:
    return {name: _money(_above_zero(amount)) for name, amount in _table(value).items()}


def _parse_markers(value: object) -> Mapping[str, str]:
    for words, outcome in _table(value).items():
        if not words.strip() or "\n" in words:
            raise ValueError("a marker is how a line begins: it cannot be empty or hold a newline")
        _one_of(OUTCOMES, "outcome", outcome)
    return _table(value)


def _parse_severities(value: object) -> Mapping[str, Any]:
    return _table(value)


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"not a table: {value}")  # noqa: TRY004  (all parsers raise one error)
    return value


def _choice(known: tuple[str, ...], noun: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        return _one_of(known, noun, str(value).lower())

    return parse


def _one_of(known: tuple[str, ...], noun: str, value: object) -> str:
    if value not in known:
        raise ValueError(f"unknown {noun} {value!r} (known: {', '.join(known)})")
    return str(value)


PARSERS: dict[str, Callable[[object], Any]] = {
    "formats": _parse_formats,
    "contacts": _yes_or_no,
    "csv_bom": _yes_or_no,
    "since": parse_time,
    "until": parse_time,
    "processes": _whole(0, "processes"),
    "workbook_transactions": _whole(0, "transactions"),
    "memory_limit": _parse_memory,
    "limits_nesting": _whole(0, "archives"),
    "limits_expansion": _whole(1, "times"),
    "limits_expansion_from": _whole(0, "bytes"),
    "limits_members": _whole(1, "files"),
    "limits_total": _whole(0, "bytes"),
    "log_level": _choice(LOG_LEVELS, "level"),
    "minor_units": _parse_minor_units,
    "markers": _parse_markers,
    "checks_off": _parse_names,
    "checks_severity": _parse_severities,
    "checks_low_balance": _parse_amounts,
    "checks_duplicate_minutes": _whole(0, "minutes"),
    "checks_unusual_method": _choice(UNUSUAL_METHODS, "method"),
    "checks_unusual_deviations": _above_zero,
    "checks_unusual_floor": _parse_amounts,
    "checks_unusual_share": _share,
    "checks_spike_method": _choice(SPIKE_METHODS, "method"),
    "checks_spike_deviations": _above_zero,
    "checks_spike_minimum": _whole(1, "errors"),
}
