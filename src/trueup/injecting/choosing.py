"""Whom the faults befall: chosen by the plan's seed, the same however the logs are cut or read.

At most one fault befalls a subscriber, so that no fault disturbs another; only unusual changes
come several to a subscriber, to at most a tenth of its transactions. The faults take turns, each
with its own candidates in an order that the seed gives. Where there are too few subscribers, fewer
are injected than the rates ask for, and the counts say how many.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from trueup.injecting.alarms import ALARMS
from trueup.injecting.amounts import AMOUNTS
from trueup.injecting.attempts import ATTEMPTS
from trueup.injecting.book import Book
from trueup.injecting.edits import Edits
from trueup.injecting.flows import FLOWS
from trueup.injecting.labels import Label
from trueup.injecting.making import Fault, Making
from trueup.injecting.outages import OUTAGES, Outage
from trueup.injecting.postings import POSTINGS
from trueup.injecting.unusual import UNUSUAL, Unusual
from trueup.sample.plan import Plan

BY_TRANSACTION = {fault.name: fault for fault in (*FLOWS, *ALARMS, *AMOUNTS, *ATTEMPTS, *POSTINGS)}

FAULTS = tuple(sorted((*BY_TRANSACTION, *OUTAGES, UNUSUAL)))
"""Every fault that can be injected."""


@dataclass(frozen=True, slots=True)
class Count:
    """Of one fault: what it could have befallen, how many the rate asks for, how many there are."""

    candidates: int
    wanted: int
    injected: int


@dataclass(slots=True)
class Choice:
    """What was chosen: the edits, the labels, and the counts by fault."""

    edits: Edits = field(default_factory=Edits)
    labels: list[Label] = field(default_factory=list)
    counts: dict[str, Count] = field(default_factory=dict)


def choose(book: Book, plan: Plan) -> Choice:
    """Choose what the plan's faults befall, and make them."""
    chooser = _Chooser(book, plan)
    turns = deque(chooser.turns())
    while turns:
        turn = turns.popleft()
        # Each step of a turn is one fault made.
        if next(turn, None) is not None:
            turns.append(turn)
    chooser.make_unusual()
    return chooser.choice


class _Chooser:
    """Where the choice stands: who is taken already, and what was made."""

    def __init__(self, book: Book, plan: Plan) -> None:
        self.book = book
        self.plan = plan
        self.choice = Choice()
        self.taken: set[str] = set()
        self.unusual = Unusual(book)

    def turns(self) -> list[Iterator[str]]:
        """Return, for each fault of the plan, an iterator that makes one at every step."""
        found: list[Iterator[str]] = []
        for fault in sorted(fault for fault, rate in self.plan.rates.items() if rate):
            if fault in OUTAGES:
                found.append(self.befall_service(fault, OUTAGES[fault]))
            elif fault in BY_TRANSACTION:
                found.append(self.befall_transactions(BY_TRANSACTION[fault]))
            else:
                found.append(self.choose_unusual())
        return found

    def befall_service(self, fault: str, outage: Outage) -> Iterator[str]:
        candidates = outage.candidates(self.book)
        left = self.begin(fault, len(candidates))
        for key in self.shuffled(fault, candidates):
            if not left:
                break
            if label := outage.make(self.making(fault, key), candidates[key]):
                left -= 1
                yield self.made(label)

    def befall_transactions(self, fault: Fault) -> Iterator[str]:
        candidates = {
            subject.this.attempt_id: subject
            for subject in self.book.subjects()
            if fault.can(self.book, subject)
        }
        left = self.begin(fault.name, len(candidates))
        for key in self.shuffled(fault.name, candidates):
            if not left:
                break
            subject = candidates[key]
            if subject.this.subscriber_id in self.taken:
                continue
            if label := fault.make(self.making(fault.name, key), subject):
                self.taken.add(subject.this.subscriber_id)
                left -= 1
                yield self.made(label)

    def choose_unusual(self) -> Iterator[str]:
        candidates = self.unusual.candidates()
        left = self.begin(UNUSUAL, len(candidates))
        for key in self.shuffled(UNUSUAL, candidates):
            if not left:
                break
            subscriber_id = candidates[key].subject.this.subscriber_id
            if subscriber_id in self.taken and not self.unusual.has(subscriber_id):
                continue
            if self.unusual.take(candidates[key]):
                self.taken.add(subscriber_id)
                left -= 1
                yield UNUSUAL

    def make_unusual(self) -> None:
        """Make the unusual changes, those of an account together."""
        for key, chosen in self.unusual.by_account():
            making = self.making(UNUSUAL, key)
            for label in self.unusual.make(making, chosen, self.plan.factor):
                self.made(label)

    def begin(self, fault: str, candidates: int) -> int:
        """Return the rate's share of the candidates; one at least, where there is any."""
        wanted = min(candidates, max(1, round(self.plan.rates[fault] * candidates)))
        self.choice.counts[fault] = Count(candidates, wanted, 0)
        return wanted

    def made(self, label: Label) -> str:
        count = self.choice.counts[label.fault]
        self.choice.counts[label.fault] = Count(count.candidates, count.wanted, count.injected + 1)
        self.choice.labels.append(label)
        return label.fault

    def shuffled(self, fault: str, keys: Iterable[str]) -> list[str]:
        def rank(key: str) -> bytes:
            return hashlib.sha256(f"{self.plan.seed}/{fault}/{key}".encode()).digest()

        return sorted(keys, key=rank)

    def making(self, fault: str, key: str) -> Making:
        rng = Random(f"{self.plan.seed}/{fault}/{key}")  # noqa: S311  (it has to repeat itself)
        return Making(self.book, self.choice.edits, rng)
