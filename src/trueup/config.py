"""Settings: one table of names, defaults and help, filled from a file, the environment and flags.

A later one wins: default, `trueup.toml` (given with --config), environment, flag.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trueup.errors import BadUse

FORMATS = ("xlsx", "json", "csv")
"""The report formats."""

LOG_LEVELS = ("debug", "info", "warning", "error")


def _setting(default: Any, help: str, env: str = "") -> Any:  # noqa: A002, ANN401
    return field(default=default, metadata={"help": help, "env": env})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run can be told. Each field is a key of trueup.toml."""

    in_dir: str | None = _setting(None, "Folder or file of logs, where no path is given.", "IN_DIR")
    out_dir: str = _setting("trueup-report", "Folder that reports are written to.", "OUT_DIR")
    formats: tuple[str, ...] = _setting(FORMATS, "Reports to write: xlsx, json, csv.")
    since: datetime | None = _setting(None, "Show rows and findings from this time on (UTC).")
    until: datetime | None = _setting(None, "Show rows and findings before this time (UTC).")
    processes: int = _setting(0, "Processes that read logs; 0: one per processor.")
    memory_limit: str = _setting("1GB", "Memory that the books may take before they use the disk.")
    log_level: str = _setting(
        "warning", "What is told on stderr: debug, info, warning, error.", "LOG_LEVEL"
    )

    @property
    def process_count(self) -> int:
        """How many processes read."""
        return self.processes or os.cpu_count() or 1


def load_settings(
    config: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> Settings:
    """Return the settings; flags that are None do not count.

    Raises BadUse for a file that cannot be read, an unknown setting or a value that cannot be.
    """
    values: dict[str, tuple[object, str]] = {}
    if config is not None:
        values |= {name: (value, f"{config}: ") for name, value in _read_toml(config).items()}
    for setting in fields(Settings):
        variable = setting.metadata["env"]
        if variable and (environment or {}).get(variable):
            values[setting.name] = ((environment or {})[variable], f"{variable}: ")
    values |= {name: (value, "") for name, value in flags.items() if value is not None}
    parsed: dict[str, Any] = {name: _parse(name, *value) for name, value in values.items()}
    return replace(Settings(), **parsed)


def _read_toml(path: str | Path) -> dict[str, object]:
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadUse(
            f"cannot read the settings in {path}: {(error.strerror or '').lower()}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} is no valid TOML: {error}") from error
    known = [setting.name for setting in fields(Settings)]
    for name in values:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise BadUse(f"{path}: unknown setting {name!r} (did you mean {nearest!r}?)")
    return values


def _parse(name: str, value: object, where: str) -> object:
    try:
        return _PARSERS.get(name, str)(value)
    except ValueError as error:
        raise BadUse(f"{where}{name.replace('_', '-')}: {error}") from error


def _parse_formats(value: object) -> tuple[str, ...]:
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"not a list of formats: {value}")
    for name in names:
        if name not in FORMATS:
            raise ValueError(f"unknown format {name!r} (known: {', '.join(FORMATS)})")
    return tuple(name for name in FORMATS if name in names)


def parse_time(value: object) -> datetime:
    """Return a time in UTC, without a zone; a date is its midnight. ValueError says what is wrong."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        message = f"not a date: {value!r} (write 2024-01-31 or 2024-01-31T21:00)"
        raise ValueError(message) from None


def _parse_memory(value: object) -> str:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,3})? ?[KMGT]i?B", str(value)):
        raise ValueError(f"not an amount of memory: {value!r} (write 500MB or 2GB)")
    return str(value)


def _parse_processes(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"not a number of processes: {value}")
    return value


def _parse_level(value: object) -> str:
    level = str(value).lower()
    if level not in LOG_LEVELS:
        raise ValueError(f"unknown level {value!r} (known: {', '.join(LOG_LEVELS)})")
    return level


_PARSERS: dict[str, Any] = {
    "formats": _parse_formats,
    "since": parse_time,
    "until": parse_time,
    "processes": _parse_processes,
    "memory_limit": _parse_memory,
    "log_level": _parse_level,
}
