"""The consumers of the queue: batches, sandboxes, redelivery."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from trueup.sample.demand import Day
from trueup.sample.fates import Fates
from trueup.sample.messages import Message, SkippedMessage
from trueup.sample.sandbox import Sandbox
from trueup.sample.service import Service
from trueup.sample.tally import Tally

_LARGEST_BATCH = 10
_VISIBLE_AGAIN = 30_000
"""Milliseconds after which the queue delivers a failed message once more."""

_NEW_SANDBOX = 0.02
_UNANNOUNCED = 0.01
"""Transactions of the old version that come without a `Processing message`."""

Write = Callable[[str, str], None]
"""Takes the name and the text of a finished stream."""


class Lane:
    """One consumer: never more than one open sandbox, and in it one invocation at a time."""

    def __init__(self, day: Day, fates: Fates, rng: Random, tally: Tally, write: Write) -> None:
        self._rates = fates.rates
        self._crashes = fates.rates.of("crash")
        self._has_types = day.has_types
        self._rng = rng
        self._tally = tally
        self._write = write
        self._service = Service(day, fates, rng, tally)
        self._clock = 0
        self._sandbox: Sandbox | None = None
        self._queue: deque[Message | SkippedMessage] = deque()
        self._again: list[Message | SkippedMessage] = []
        self._held: set[str] = set()

    def work_off(self, messages: list[Message | SkippedMessage]) -> None:
        """Handle messages in order of time.

        A failed one comes again later, and with it whatever follows it of the same subscriber.
        """
        self._queue.extend(messages)
        while self._queue:
            while self._queue:
                if batch := self._next_batch():
                    self._invoke(batch)
            self._queue.extend(self._again)
            self._again.clear()
            self._held.clear()
            self._clock += _VISIBLE_AGAIN
        self._stop_sandbox()

    def _next_batch(self) -> list[Message | SkippedMessage]:
        largest = min(_LARGEST_BATCH, 1 + int(self._rng.random() * 14))
        batch: list[Message | SkippedMessage] = []
        while self._queue and len(batch) < largest:
            if batch and self._queue[0].due > self._clock:
                break
            message = self._queue.popleft()
            if not self._held or not self._is_held(message):
                self._clock = max(self._clock, message.due)
                batch.append(message)
        return batch

    def _is_held(self, message: Message | SkippedMessage) -> bool:
        if isinstance(message, Message) and message.subscriber.id in self._held:
            self._again.append(message)
            return True
        return False

    def _invoke(self, batch: list[Message | SkippedMessage]) -> None:
        rng = self._rng
        sandbox = self._running_sandbox()
        if rng.random() < self._crashes:
            self._clock = sandbox.crash(self._clock + 1)
        run = sandbox.begin(self._clock + 1)
        has_failed = False
        for place, message in enumerate(batch):
            if isinstance(message, SkippedMessage):
                self._service.skip(message, run)
            elif not self._held or not self._is_held(message):
                announced = bool(place) or self._has_types or rng.random() >= _UNANNOUNCED
                fate = self._service.sync(message, run, announced=announced)
                if fate is not None and fate.outcome == "failed":
                    has_failed = True
                    if fate.comes_back:
                        self._held.add(message.subscriber.id)
                        self._again.append(message)
        # a fifth of the time that randrange takes
        run.at += 1 + int(rng.random() * 39)
        sandbox.end(run, failed=has_failed)
        self._clock = run.at + 1 + int(rng.random() * 49)

    def _running_sandbox(self) -> Sandbox:
        if self._sandbox and self._rng.random() < _NEW_SANDBOX:
            self._stop_sandbox()
        if not self._sandbox:
            self._sandbox = Sandbox(self._clock, self._rates, self._rng, self._tally)
            self._clock = self._sandbox.start_up(self._clock)
        return self._sandbox

    def _stop_sandbox(self) -> None:
        if self._sandbox:
            self._write(self._sandbox.name, self._sandbox.text())
            self._sandbox = None
