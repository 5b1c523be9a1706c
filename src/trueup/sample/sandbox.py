"""One sandbox of the Lambda: a log stream, its start-up, its invocations and its crashes."""

from __future__ import annotations

import hashlib
from random import Random

from trueup.sample import lines
from trueup.sample.faults import Rates
from trueup.sample.messages import random_uuid
from trueup.sample.printing import stamp
from trueup.sample.service import Invocation
from trueup.sample.tally import Tally

_CUT_OFF = 0.015
_TRACED = 0.06
_GROWS = 0.2
_MEMORY_MB = 1024

_RUNTIMES = ("nodejs:20.v14", "nodejs:20.v16", "nodejs:20.v19")
"""Versions of the runtime; they take turns by month."""


class Sandbox:
    """A log stream while it is written."""

    def __init__(self, at: int, rates: Rates, rng: Random, tally: Tally) -> None:
        day = stamp(at)[:10]
        self.name = f"{day}-[$LATEST]{rng.getrandbits(128):032x}"
        self._init_start = _init_start(_RUNTIMES[int(day[5:7]) % len(_RUNTIMES)])
        self._crashes_at_init = rates.of("crash_at_init")
        self._rng = rng
        self._tally = tally
        self._entries: list[str] = []
        self._last: tuple[list[str], str, bool] | None = None
        self._memory = rng.randrange(96, 112)
        self._init_duration = ""

    def start_up(self, at: int) -> int:
        """Write a cold start, which may crash at first, and return when it is done."""
        rng = self._rng
        self._entries.append(lines.platform(at, self._init_start))
        if rng.random() < self._crashes_at_init:
            error = rng.choice(lines.CRASHES)
            self._entries += [
                lines.uncaught(at + 180, error),
                lines.platform(at + 211, _init_report(rng, "init")),
                lines.platform(at + 1600, self._init_start),
            ]
            self._tally.crashes_at_init += 1
            self._tally.faults["crash_at_init"] += 1
            self._tally.add_crash("init", error, at + 211)
            at += 1600
        took = rng.randrange(580_00, 1290_00)
        self._init_duration = f"Init Duration: {took / 100:.2f} ms\t"
        return at + took // 100 + 1

    def begin(self, at: int) -> Invocation:
        """Write the START of an invocation and return it."""
        self._close_last()
        request = random_uuid(self._rng)
        self._entries.append(lines.platform(at, f"START RequestId: {request} Version: $LATEST"))
        return Invocation(request, at, self._entries)

    def end(self, run: Invocation, *, failed: bool) -> None:
        """Note the END and REPORT of an invocation; they are written when the stream goes on."""
        rng = self._rng
        self._memory += rng.random() < _GROWS
        report = _report(run.request, run.at - run.started, self._memory, rng)
        is_cold = bool(self._init_duration)
        report += self._init_duration
        self._init_duration = ""
        if rng.random() < _TRACED:
            trace = f"{rng.getrandbits(96):024x}"
            report += (
                f"\nXRAY TraceId: 1-{run.at // 1000:08x}-{trace}\t"
                f"SegmentId: {trace[8:]}\tSampled: true\t"
            )
        entries = [
            lines.platform(run.at, f"END RequestId: {run.request}"),
            lines.platform(run.at, report),
        ]
        self._last = entries, "failed" if failed else "ok", is_cold

    def crash(self, at: int) -> int:
        """Write an invocation that crashes before it takes up a message; return when it is over."""
        self._close_last()
        rng = self._rng
        request = random_uuid(rng)
        # the START of such an invocation may come last, in the millisecond of its END
        comes_last = bool(rng.getrandbits(1))
        died = at + 90
        end = died + rng.randrange(2)
        started = died if comes_last else at
        start = lines.platform(started, f"START RequestId: {request} Version: $LATEST")
        error = rng.choice(lines.CRASHES)
        why = [lines.uncaught(at, error), lines.platform(died, _init_report(rng, "invoke"))]
        again = end + 1 + rng.randrange(900)
        self._entries += [
            *([*why, start] if comes_last else [start, *why]),
            lines.platform(end, "Unknown application error occurred\nRuntime.Unknown"),
            lines.platform(end, f"END RequestId: {request}"),
            lines.platform(end, _report(request, end - at, 41, rng)),
            lines.platform(again, self._init_start),
        ]
        self._count("crashed")
        self._tally.faults["crash"] += 1
        self._tally.add_crash("run", error, started)
        return again + 1 + rng.randrange(500)

    def text(self) -> str:
        """Return the stream; now and then its last invocation was cut off."""
        if self._last and self._rng.random() < _CUT_OFF:
            _, status, _ = self._last
            self._count("unfinished" if status == "ok" else status)
        else:
            self._close_last()
        self._tally.entries += len(self._entries)
        return "".join(self._entries)

    def _close_last(self) -> None:
        if self._last:
            entries, status, is_cold = self._last
            self._entries += entries
            self._tally.cold_starts += is_cold
            self._count(status)
            self._last = None

    def _count(self, status: str) -> None:
        self._tally.invocations += 1
        self._tally.statuses[status] += 1


def _init_start(runtime: str) -> str:
    version = hashlib.sha256(runtime.encode()).hexdigest()
    return (
        f"INIT_START Runtime Version: {runtime}\t"
        f"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:{version}"
    )


def _init_report(rng: Random, phase: str) -> str:
    took = rng.randrange(220_00, 790_00) / 100
    return (
        f"INIT_REPORT Init Duration: {took:.2f} ms\tPhase: {phase}\tStatus: error\t"
        "Error Type: Runtime.ExitError"
    )


def _report(request: str, whole_ms: int, memory: int, rng: Random) -> str:
    took = whole_ms + (1 + int(rng.random() * 99)) / 100
    return (
        f"REPORT RequestId: {request}\tDuration: {took:.2f} ms\t"
        f"Billed Duration: {whole_ms + 1} ms\tMemory Size: {_MEMORY_MB} MB\t"
        f"Max Memory Used: {memory} MB\t"
    )
