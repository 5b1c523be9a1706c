"""A choice among rare things by one draw."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

_Choice = TypeVar("_Choice")


class Odds(Generic[_Choice]):
    """Choices with their probabilities, and the sum of these.

    Where they add up to more than 1, they share it in proportion.
    """

    def __init__(self, choices: Sequence[tuple[float, _Choice]]) -> None:
        steps = list(accumulate(probability for probability, _ in choices))
        whole = max(1.0, steps[-1])
        self._steps = [step / whole for step in steps]
        self._choices = [choice for _, choice in choices]
        self.limit = self._steps[-1]

    def choose(self, draw: float) -> _Choice:
        """Return the choice for a draw from 0 to 1 that is below the limit."""
        return self._choices[bisect(self._steps, draw)]
