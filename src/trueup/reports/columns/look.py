"""What a column is called, how wide it is, and what it means, in plain English."""

from __future__ import annotations

from typing import NamedTuple

MONEY = "the row's currency"
"""Unit of an amount."""

UTC = "UTC"
"""Unit of a time."""

COUNT = "count"

ID = 38
"""Width of an id."""


class Look(NamedTuple):
    """A column: its title, its width in characters, and what the glossary says of it."""

    title: str
    width: int
    meaning: str = ""
    unit: str = ""
    """Empty for text."""
    field: str = ""
    """What the log itself calls it; empty where the log has no such field."""
    formula: str = ""
    """How it is worked out; empty where it stands in the log."""

    @property
    def is_figure(self) -> bool:
        """Whether it holds numbers, which stand at the right."""
        return self.unit not in {"", UTC}


def text(title: str, width: int, meaning: str, field: str = "", formula: str = "") -> Look:
    """Return the look of a column of text."""
    return Look(title, width, meaning, "", field, formula)


def money(title: str, meaning: str, field: str = "", formula: str = "", width: int = 14) -> Look:
    """Return the look of a column of amounts."""
    return Look(title, max(width, len(title) + 1), meaning, MONEY, field, formula)


def count(title: str, meaning: str, formula: str = "", unit: str = COUNT) -> Look:
    """Return the look of a column of numbers that are no money."""
    return Look(title, max(9, len(title) + 2), meaning, unit, "", formula)


def time(title: str, meaning: str, field: str = "") -> Look:
    """Return the look of a column of times."""
    return Look(title, 20, meaning, UTC, field)
