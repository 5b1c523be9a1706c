"""One log event as the S3 export would write it: the stream's name, the time, the message."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

Note = Callable[[str], object]
"""Takes a problem in plain words."""

LIMIT = 4 * 2**20
"""Characters of one event at most: CloudWatch takes none over 1 MB."""


class Event(NamedTuple):
    """A log event."""

    stream: str
    """As the S3 export names its folder: `2024-01-31-[$LATEST]<hex>`; '' where nothing says it."""
    time: bytes
    """UTC to the millisecond: `2024-01-31T21:01:05.123Z`."""
    message: bytes
    """UTF-8."""


class Unreadable:
    """Stands for a value that is no JSON inside, nested too deeply, or too large."""

    def __init__(self, why: str) -> None:
        self.why = why


DAMAGED = Unreadable("not to be read")
TOO_LARGE = Unreadable(f"over {LIMIT // 2**20} MB")


class Tally:
    """Makes events and counts what cannot become one, to be told in one note each."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def event(self, stream: object, at: object, message: object) -> Event | None:
        """Return the event, or None where its time or message is of no use."""
        text = _message(message)
        when = time_of(at)
        if when is None:
            self.leave_out("no time")
        elif not text:
            self.leave_out("no message")
        else:
            return Event(self.stream(stream), when, text)
        return None

    @staticmethod
    def stream(name: object) -> str:
        """Return the stream's name as an export writes it; '' for what is no name."""
        return _stream_name(name) if isinstance(name, str) else ""

    def unreadable(self, value: object) -> None:
        """Count what stands where an event should."""
        self.leave_out(value.why if isinstance(value, Unreadable) else DAMAGED.why)

    def leave_out(self, what: str) -> None:
        """Count an event that is left out, by the reason."""
        self.left_out[what] += 1

    def report(self, note: Note) -> None:
        """Tell what was left out."""
        for what, count in sorted(self.left_out.items()):
            note(f"{count} event{'s were' if count > 1 else ' was'} left out: {what}")


def export_text(events: Iterable[Event]) -> Iterator[bytes]:
    """Yield each event as it stands in a text export: an empty line behind it."""
    for _, at, message in events:
        yield b"%b %b\n\n" % (at, message.rstrip(b"\r\n"))


def _message(value: object) -> bytes | None:
    if isinstance(value, (dict, list)):  # Insights shows a message that is JSON as what it holds
        try:
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            return None
    # A lone half of a surrogate pair becomes a question mark.
    return value.encode("utf-8", "replace") if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _stream_name(name: str) -> str:
    # A name has 512 characters at most; the export to S3 makes dashes of slashes.
    plain = "".join(char if char.isprintable() else "?" for char in name[:512])
    return plain.replace("/", "-")


_EARLIEST, _LATEST = 10**11, 253_402_300_800_000
"""1973 and the end of 9999 in milliseconds: a smaller number counts seconds, or is no time."""

_TIME = re.compile(
    r"\s*(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,](\d{1,9}))?"
    r"\s?(?:Z|UTC|([+-])(\d\d):?(\d\d))?\s*",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{12,15}", re.ASCII)


def time_of(value: object) -> bytes | None:
    """Return a time as an export writes it; None where the value is no time of a log.

    Takes milliseconds since 1970, as number or text, and `2024-01-31 21:01:05.123` with T or
    space, with or without fraction and zone (UTC where none is said).
    """
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            value = int(value)
        elif match := _TIME.fullmatch(value):
            return _from_text(match)
    if isinstance(value, (int, float)) and _EARLIEST <= value < _LATEST:
        second, milli = divmod(int(value), 1000)
        return b"%b.%03dZ" % (_second(second), milli)
    return None


@lru_cache(maxsize=4096)
def _second(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()


def _from_text(match: re.Match[str]) -> bytes | None:
    day, clock, fraction, sign, hours, minutes = match.groups("")
    second = f"{day}T{clock}"
    if not _is_in_calendar(day):
        return None
    if sign and (hours, minutes) != ("00", "00"):
        away = timedelta(hours=int(hours), minutes=int(minutes))
        local = datetime.fromisoformat(second).replace(tzinfo=UTC)
        try:
            local = local - away if sign == "+" else local + away
        except OverflowError:
            return None
        second = local.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{fraction[:3]:0<3}Z".encode()


@lru_cache(maxsize=4096)
def _is_in_calendar(day: str) -> bool:
    try:
        # Years with fewer digits are printed as such by some systems.
        return datetime.fromisoformat(day).year > 1000  # noqa: PLR2004
    except ValueError:
        return False
