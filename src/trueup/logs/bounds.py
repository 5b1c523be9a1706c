"""How much of a long stream is held in memory at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from trueup.logs.entries import MOST_OF_ENTRY
from trueup.logs.repeats import MOST_COMPARED


class Bounds(NamedTuple):
    """Sizes in bytes of text, the same for every log; tests make them small."""

    stream: int = 32 * 2**20
    """Text above which a stream is long. A stream in memory takes about seven times its text."""
    entry: int = MOST_OF_ENTRY
    """What is read of one entry."""
    block: int = 4 * 2**20
    """Text in which entries are looked for at a time."""
    run: int = 16 * 2**20
    """Text that is put in order of time at a time."""
    segment: int = 64 * 1024
    """Text of a run that is held while runs are merged."""
    part: int = 16 * 2**20
    """Text after which the rows that are over leave memory."""
    compared: int = MOST_COMPARED
    """Text of one millisecond in which repeats of other exports are looked for."""
    idle: timedelta = timedelta(minutes=16)
    """After which nothing more is said of an invocation: it runs for 15 minutes at most."""
    invocations: int = 20_000
    """How many are held at a time, those that ended last among them; a sandbox has one open."""
    problems: int = 20_000
    """How many problems are listed of what is wrong with the times and sizes of entries."""
