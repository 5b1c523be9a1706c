"""What is found in the service's run as a whole: crashes, and days with many errors.

It is worked out from the counts of all groups of subscribers together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt

from trueup.sample.facts import Finding, Moment
from trueup.sample.median import median
from trueup.sample.tally import Tally

DAY = 24 * 60 * 60_000

FEWEST_DAYS = 7
FEWEST_ERRORS = 5
SPREADS = 3.5
MAD_TO_DEVIATION = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""


def find_in_operations(tally: Tally) -> list[Finding]:
    """Return the crashes by cause and error, and the days that stand out by their errors."""
    return [*_crashes(tally), *_spikes(tally)]


def _crashes(tally: Tally) -> Iterator[Finding]:
    for (cause, error), count in tally.crashes.items():
        at = Moment(tally.first_crashes[cause, error])
        yield Finding(
            "crashed_invocation", cause, None, None, at, None, None, crashes=count, error=error
        )


def _spikes(tally: Tally) -> Iterator[Finding]:
    days = sorted(tally.messages_by_day.keys() | tally.sync_errors_by_day.keys())
    if len(days) < FEWEST_DAYS:
        return
    for cause, by_day in (
        ("failures", tally.failures_by_day),
        ("sync_errors", tally.sync_errors_by_day),
    ):
        for day in _outstanding(days, by_day):
            at = Moment(day * DAY)
            yield Finding("error_spike", cause, None, None, at, None, None, errors=by_day[day])


def _outstanding(days: list[int], by_day: Mapping[int, int]) -> Iterator[int]:
    counts = [by_day.get(day, 0) for day in days]
    usual = median(counts)
    deviation = MAD_TO_DEVIATION * median(abs(count - usual) for count in counts)
    spread = max(deviation, sqrt(usual), 1)
    for day, count in zip(days, counts, strict=True):
        if count >= FEWEST_ERRORS and count > usual + SPREADS * spread:
            yield day
