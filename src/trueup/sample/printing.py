"""How Node and Lambda print things: numbers, ids, times, strings and objects."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random

MICRO = 1_000_000
"""Amounts are integers of a millionth; this many make one of the currency."""

Printable = str | int | bool | None | Mapping[str, "Printable"] | Sequence["Printable"]


# Most amounts are printed again: a price every day, a balance as the next one's oldBalance.
@lru_cache(maxsize=1 << 15)
def money(amount: int) -> str:
    """Return an amount as Node prints the number: the shortest text, no trailing zeros."""
    if not amount % MICRO:
        return str(amount // MICRO)
    whole, part = divmod(abs(amount), MICRO)
    return f"{'-' if amount < 0 else ''}{whole}.{part:06d}".rstrip("0")


def noisy_money(amount: int, rng: Random) -> str:
    """Return an amount with float noise, or as an unrounded fraction; it still rounds to itself."""
    value = amount / MICRO
    if abs(value) < 1:
        return money(amount)  # very small numbers are printed with an exponent, another way in Node
    if amount % 1000:
        # 0.4 millionths is far enough from the half where rounding would tip over
        return repr(value + rng.uniform(-0.4, 0.4) / MICRO)
    toward = rng.choice((math.inf, -math.inf))
    for _ in range(rng.randrange(1, 4)):
        value = math.nextafter(value, toward)
    return repr(value)


def stamp(ms: int) -> str:
    """Return milliseconds since 1970 as `2024-01-31T21:01:02.345Z`."""
    return _second(ms // 1000) + _MILLIS[ms % 1000]


_MILLIS = tuple(f"{milli:03d}Z" for milli in range(1000))


# The lines of one night's run share some hundreds of seconds.
@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))


def uuid(digits: str) -> str:
    """Return 32 hexadecimal digits as a UUID of version 4."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BYTE_TO_CROCKFORD = bytes(ord(_CROCKFORD[byte % 32]) for byte in range(256))


def ulid(ms: int, randomness: bytes) -> str:
    """Return the ULID of a time and 16 random bytes."""
    tail = randomness.translate(_BYTE_TO_CROCKFORD).decode()
    return f"{_ulid_head(ms >> 10)}{_CROCKFORD[ms >> 5 & 31]}{_CROCKFORD[ms & 31]}{tail}"


@lru_cache(maxsize=4096)
def _ulid_head(rest: int) -> str:
    return "".join(_CROCKFORD[rest >> shift & 31] for shift in range(35, -1, -5))


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
_ESCAPED = str.maketrans(_ESCAPES)


def quoted(text: str) -> str:
    """Return a string as `util.inspect` prints it: in the quotes that need least escaping."""
    escaped = text.translate(_ESCAPED)
    if "'" not in text:
        return f"'{escaped}'"
    if '"' not in text:
        return f'"{escaped}"'
    if "`" not in text and "${" not in text:
        return f"`{escaped}`"
    return "'" + escaped.replace("'", "\\'") + "'"


_LINE = 80  # breakLength of util.inspect, and what it sets aside for the start of a line:
_START = 10


def inspected(value: Printable, indent: int = 0) -> str:
    """Return an object as `util.inspect` prints it: on one line if it fits, else one a line."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        brackets = "{}"
        items = [f"{name}: {inspected(item, indent + 2)}" for name, item in value.items()]
    else:
        brackets = "[]"
        items = [inspected(item, indent + 2) for item in value]
    return _laid_out(items, brackets, indent)


def _laid_out(items: list[str], brackets: str, indent: int) -> str:
    if not items:
        return brackets
    length = sum(map(len, items)) + 2 * len(items) + indent + 1 + _START
    if length <= _LINE and not any("\n" in item for item in items):
        return f"{brackets[0]} {', '.join(items)} {brackets[1]}"
    margin = "\n" + " " * indent
    return f"{brackets[0]}{margin}  {f',{margin}  '.join(items)}{margin}{brackets[1]}"
