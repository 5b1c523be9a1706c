"""A cell: a group of subscribers with streams of their own, written apart from all others.

Cells bound the memory and let processes share the work; what a cell writes depends on the seed,
its number and its subscribers alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from trueup.sample.demand import DAY, Burst, Day, Demand
from trueup.sample.facts import Finding
from trueup.sample.fates import Fates
from trueup.sample.faults import Rates
from trueup.sample.labelfile import write_findings
from trueup.sample.lanes import Lane
from trueup.sample.messages import Message, SkippedMessage
from trueup.sample.people import Subscriber, make_subscriber
from trueup.sample.tally import Tally
from trueup.sample.writing import write_stream

SIZE = 500
"""Subscribers of a cell: enough for streams as long as real ones, few enough to fit anywhere."""

_EPOCH = dt.date(1970, 1, 1)
_FIRST_TYPED = dt.date(2024, 1, 1)
_FIRST_NEW_ERROR = dt.date(2024, 1, 8)
_UNTYPED_DAYS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell is made from."""

    folder: Path
    findings: Path
    """File for its findings: one a line, sorted, each behind its sort key."""
    number: int
    subscribers: range
    days: int
    error_days: frozenset[int]
    """Numbers of the days on which many messages fail, the same for all cells."""
    rates: Rates
    seed: int


def write_cell(cell: Cell) -> Tally:
    """Write a cell's streams and findings, and return its counts."""
    rng = Random(f"{cell.seed}/{cell.number}")  # noqa: S311 - it has to repeat itself
    tally = Tally()
    found: list[Finding] = []
    subscribers = [make_subscriber(number, rng, found) for number in cell.subscribers]
    demand = Demand(subscribers, cell.rates, rng, tally)
    write = partial(_write_stream, cell.folder, rng, tally)
    fates = Fates(cell.rates)
    for day in _calendar(cell.days, cell.error_days):
        lane = partial(Lane, day, fates, rng, tally, write)
        demand.move_house()
        for burst in demand.busy_hours(day):
            _work_off(burst, lane)
        _work_off(demand.night(day), lane)
    _close_books(subscribers, tally)
    tally.findings = len(found)
    write_findings(cell.findings, found)
    return tally


def _write_stream(folder: Path, rng: Random, tally: Tally, name: str, text: str) -> None:
    write_stream(folder, name, text, rng, tally)


def error_days(days: int, rates: Rates, seed: int) -> frozenset[int]:
    """Return the numbers of the days on which many messages fail."""
    rng = Random(f"{seed}/error days")  # noqa: S311 - it has to repeat itself
    count = int(rates.of("error_burst") * days + rng.random())
    return frozenset(rng.sample(range(days), count))


def _calendar(days: int, error_days: frozenset[int]) -> Iterator[Day]:
    """Yield the days: the first of them before 2024, when that leaves half of them after."""
    first = _FIRST_TYPED - dt.timedelta(days=min(_UNTYPED_DAYS, days // 2))
    for number in range(days):
        date = first + dt.timedelta(days=number)
        yield Day(
            number=number,
            midnight=(date - _EPOCH).days * DAY,
            weekday=date.weekday(),
            has_types=date >= _FIRST_TYPED,
            error_shows_old=date < _FIRST_NEW_ERROR,
            prints_locks=number == days * 2 // 3,
            has_errors=number in error_days,
        )


def _work_off(burst: Burst, new_lane: Callable[[], Lane]) -> None:
    """Let each lane work off its subscribers' messages."""
    lanes: list[list[Message | SkippedMessage]] = [[] for _ in range(burst.lanes)]
    for place, message in enumerate(burst.messages):
        # a subscriber stays in one lane, as a group of the queue does
        turn = message.subscriber.number if isinstance(message, Message) else place
        lanes[turn % burst.lanes].append(message)
    for messages in lanes:
        new_lane().work_off(messages)


def _close_books(subscribers: list[Subscriber], tally: Tally) -> None:
    for subscriber in subscribers:
        subscriber.books.close()
        ledgers = subscriber.books.used()
        tally.subscribers += bool(ledgers)
        for ledger in ledgers:
            tally.add_totals(ledger.currency, ledger.totals)
            tally.unusual_changes += ledger.unusual_changes()
