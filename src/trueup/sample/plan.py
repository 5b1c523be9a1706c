"""A plan of faults: which of them, how often, from a TOML file.

    seed = 7
    [rates]
    lost_update = 0.01
    unusual_change = 0.02
    [unusual_change]
    factor = [5, 20]

A rate is a share of what the fault can befall.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from trueup.errors import BadUse
from trueup.sample.faults import FACTOR, FAULTS

_KEYS = ("seed", "rates", "unusual_change")


@dataclass(frozen=True, slots=True)
class Plan:
    """Faults and their rates; the seed decides whom they befall."""

    seed: int = 1
    rates: Mapping[str, float] = field(default_factory=dict)
    factor: tuple[float, float] = FACTOR


def read_plan(path: str | Path) -> Plan:
    """Read a plan. Raises BadUse for a file that cannot be read or says what cannot be."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise BadUse(f"cannot read the plan of faults in {path}: {reason}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} is no valid TOML: {error}") from error
    try:
        return _plan(values)
    except ValueError as error:
        raise BadUse(f"{path}: {error}") from error


def _plan(values: Mapping[str, object]) -> Plan:
    _know("key", values, _KEYS)
    rates = _table("rates", values)
    _know("fault", rates, [fault.name for fault in FAULTS])
    unusual = _table("unusual_change", values)
    _know("key of unusual_change", unusual, ("factor",))
    return Plan(
        seed=_seed(values.get("seed", Plan().seed)),
        rates={fault: _rate(fault, rate) for fault, rate in sorted(rates.items())},
        factor=_factor(unusual.get("factor", list(FACTOR))),
    )


def _know(what: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"unknown {what} {name!r} (did you mean {nearest!r}?)")


def _table(name: str, values: Mapping[str, object]) -> Mapping[str, object]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"{name} is no table: write [{name}] and its keys below it")  # noqa: TRY004  (one sentence for the file)
    return table


def _seed(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"seed is no whole number: {value!r}")  # noqa: TRY004
    return value


def _rate(fault: str, value: object) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"the rate of {fault} is no share from 0 to 1: {value!r}")
    return float(value)


def _factor(value: object) -> tuple[float, float]:
    match value:
        case [low, high] if _is_number(low) and _is_number(high) and 1 < low <= high < _TOO_LARGE:
            return float(low), float(high)
    raise ValueError(f"factor is no pair of numbers above 1, the smaller first: {value!r}")


_TOO_LARGE = 1_000_000


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
