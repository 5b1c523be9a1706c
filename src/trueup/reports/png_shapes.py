"""What a chart can look like, as plain values: made without matplotlib, drawn by `png_drawing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple


class Bars(NamedTuple):
    """Bars of one colour: how far each reaches, from where if not from zero, what they stand for."""

    values: Sequence[float]
    colour: str
    label: str = ""
    starts: Sequence[float] = ()
    is_hatched: bool = False


class ByDay(NamedTuple):
    """Upright bars over days; every series has a value for each day."""

    days: Sequence[date]
    series: Sequence[Bars]


class ByName(NamedTuple):
    """Upright bars over names in a given order; every series has a value for each name."""

    names: Sequence[str]
    series: Sequence[Bars]
    unit: str


class ByRank(NamedTuple):
    """A bar to the right for each name, the first on top, with its length in words at its end."""

    names: Sequence[str]
    bars: Bars
    lengths: Sequence[str]


class Chart(NamedTuple):
    """A picture: the name of its file, its title, and what it shows."""

    name: str
    title: str
    shape: ByDay | ByName | ByRank
