"""Faults of the service itself: crashes, and days on which many messages fail."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import median
from typing import Any

from trueup.injecting.book import Book, Rest
from trueup.injecting.labels import Expected, Label
from trueup.injecting.making import Making
from trueup.injecting.printing import Maker, closing, processing, step_at
from trueup.sample import lines

ERROR = "connect ETIMEDOUT 192.0.2.1:443"
"""Error of every injected crash; no given log is likely to have it already."""

_BATCH = 10
_FEWEST_DAYS = 7
_FEWEST_ERRORS = 5
_SPREADS = 3.5
_MARGIN = 1.5
"""How far beyond the limit a burst goes."""


def _uncaught(at: int) -> str:
    error = {"errorType": "Error", "errorMessage": ERROR, "stack": [f"Error: {ERROR}"]}
    text = f"Uncaught Exception \t{json.dumps(error, separators=(',', ':'))}"
    return lines.application(at, "undefined", text, "ERROR")


def _init_report(at: int, phase: str) -> str:
    text = f"INIT_REPORT Init Duration: 311.07 ms\tPhase: {phase}\tStatus: error\t"
    return lines.platform(at, f"{text}Error Type: Runtime.ExitError")


def _crash(making: Making, rest: Rest) -> Label | None:
    """Let an invocation crash before it takes up a message."""
    if not making.can_follow(rest.request_id):
        return None
    request = making.new_id()
    started, failed, died = (step_at(rest.ended, place) for place in (0, 1, 2))
    entries = (
        lines.platform(started, f"START RequestId: {request} Version: $LATEST"),
        _uncaught(failed),
        _init_report(failed, "invoke"),
        lines.platform(died, "Unknown application error occurred\nRuntime.Unknown"),
        *closing(died, request, died - started),
    )
    making.edits.after_ends[rest.request_id] = "".join(entries)
    finding = Expected("crashed_invocation", "run", error=ERROR)
    return Label("crash", finding, started, {"invocation": request})


def _crash_at_init(making: Making, rest: Rest) -> Label | None:
    """Let the sandbox start anew, crash, and start again."""
    if not making.can_follow(rest.request_id):
        return None
    runtime = rest.runtime or "nodejs:20"
    version = hashlib.sha256(runtime.encode()).hexdigest()
    init_start = (
        f"INIT_START Runtime Version: {runtime}\t"
        f"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:{version}"
    )
    at = [step_at(rest.ended, place) for place in range(4)]
    making.edits.after_ends[rest.request_id] = "".join(
        (
            lines.platform(at[0], init_start),
            _uncaught(at[1]),
            _init_report(at[2], "init"),
            lines.platform(at[3], init_start),
        )
    )
    finding = Expected("crashed_invocation", "init", error=ERROR)
    return Label("crash_at_init", finding, at[2], {"stream": rest.stream})


@dataclass(frozen=True, slots=True)
class _Bursting:
    """A day on which messages can fail: its rests, and how many have to."""

    day: dt.date
    rests: list[Rest]
    failures: int


def _bursting_days(book: Book) -> dict[str, _Bursting]:
    """Return the days with room for as many failures as make them stand out."""
    failures = _failures_of_a_burst(book)
    if failures is None:
        return {}
    found = {f"{day}": _Bursting(day, [], failures - book.failures[day]) for day in book.days}
    for rest in book.rests.values():
        first, last = (_day(at) for at in (rest.ended, step_at(rest.ended, 2 * _BATCH + 1)))
        if first == last and f"{first}" in found:
            found[f"{first}"].rests.append(rest)
    return {day: one for day, one in found.items() if 0 < one.failures <= len(one.rests) * _BATCH}


def _failures_of_a_burst(book: Book) -> int | None:
    """Return how many failed messages make a day stand out; None where the logs are too short."""
    if len(book.days) < _FEWEST_DAYS:
        return None
    counts = [book.failures[day] for day in book.days]
    usual = median(counts)
    spread = max(1.4826 * median(abs(count - usual) for count in counts), sqrt(usual), 1)
    return ceil(max(usual + _SPREADS * spread + 1, _FEWEST_ERRORS) * _MARGIN)


def _day(at: int) -> dt.date:
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).date()


def _burst(making: Making, bursting: _Bursting) -> Label | None:
    """Let messages fail for good on a day, until it stands out; None if there is no room left."""
    missing = bursting.failures
    free = [rest for rest in bursting.rests if making.can_follow(rest.request_id)]
    if len(free) * _BATCH < missing:
        return None
    also: list[Expected] = []
    for rest in making.rng.sample(free, ceil(missing / _BATCH)):
        size = min(_BATCH, missing - len(also))
        request = making.follow(rest.request_id, _failing(making, size))
        also += [Expected("failed_sync", "never", request_id=request)] * size
    finding = Expected("error_spike", "failures", day=f"{bursting.day}")
    midnight = dt.datetime.combine(bursting.day, dt.time(), dt.UTC)
    at = round(midnight.timestamp()) * 1000
    return Label("error_burst", finding, at, {"failed_messages_added": missing}, also=also)


def _failing(making: Making, size: int) -> list[Maker]:
    entries: list[Maker] = []
    for _ in range(size):
        entries += [processing(making.new_id()), lines.failure]
    return entries


def _rests(book: Book) -> dict[str, Rest]:
    return book.rests


def _streams(book: Book) -> dict[str, Rest]:
    """Return one rest of each stream."""
    return {rest.stream: rest for rest in book.rests.values()}


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault of the service: what it can befall, by a key of each, and how it is made."""

    candidates: Callable[[Book], Mapping[str, Any]]
    make: Callable[[Making, Any], Label | None]


OUTAGES: Mapping[str, Outage] = {
    "crash": Outage(_rests, _crash),
    "crash_at_init": Outage(_streams, _crash_at_init),
    "error_burst": Outage(_bursting_days, _burst),
}
