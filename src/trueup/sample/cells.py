"""A cell: a group of subscribers with streams of their own, written apart from all others.

Cells bound the memory and let processes share the work; what a cell writes depends on the seed,
its number and its subscribers alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from trueup.sample.demand import DAY, Burst, Day, Demand
from trueup.sample.labels import Finding
from trueup.sample.lanes import Lane, Write
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
    seed: int


def write_cell(cell: Cell) -> Tally:
    """Write a cell's streams and findings, and return its counts."""
    rng = Random(f"{cell.seed}/{cell.number}")  # noqa: S311 - it has to repeat itself
    tally = Tally()
    found: list[Finding] = []
    subscribers = [make_subscriber(number, rng, found) for number in cell.subscribers]
    demand = Demand(subscribers, rng)
    write = partial(_write_stream, cell.folder, rng, tally)
    for day in _calendar(cell.days):
        for burst in demand.busy_hours(day):
            _work_off(burst, day, rng, tally, write)
        _work_off(demand.night(day), day, rng, tally, write)
    _close_books(subscribers, tally)
    tally.findings = len(found)
    _write_findings(cell.findings, found)
    return tally


def _write_stream(folder: Path, rng: Random, tally: Tally, name: str, text: str) -> None:
    write_stream(folder, name, text, rng, tally)


def _calendar(days: int) -> Iterator[Day]:
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
        )


def _work_off(burst: Burst, day: Day, rng: Random, tally: Tally, write: Write) -> None:
    """Let each lane work off its subscribers' messages."""
    lanes: list[list[Message | SkippedMessage]] = [[] for _ in range(burst.lanes)]
    for place, message in enumerate(burst.messages):
        # a subscriber stays in one lane, as a group of the queue does
        turn = message.subscriber.number if isinstance(message, Message) else place
        lanes[turn % burst.lanes].append(message)
    for messages in lanes:
        Lane(day, rng, tally, write).work_off(messages)


def _close_books(subscribers: list[Subscriber], tally: Tally) -> None:
    for subscriber in subscribers:
        subscriber.ledger.close()
        totals = subscriber.ledger.totals
        tally.subscribers += totals.transactions > 0
        if totals.transactions:
            tally.add_totals(subscriber.currency.code, totals)


def _write_findings(path: Path, found: list[Finding]) -> None:
    lines = ("\t".join((*finding.sort_key(), finding.as_json())) for finding in found)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in sorted(lines))
