"""Settings: one table of names, defaults and help, filled from a file, the environment and flags.

A later one wins: default, `trueup.toml`, environment, flag. A table of the file is a prefix:
`path` in `[checks]` is the setting `checks.path`, the field `checks_path`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from trueup.config_values import (
    FORMATS,
    PARSERS,
    USUAL_FORMATS,
    Amounts,
    Limits,
    parse_text,
    parse_time,
)
from trueup.errors import BadUse

__all__ = [
    "CONFIG_FILE", "FORMATS", "USUAL_FORMATS", "Amounts", "Settings", "key", "load_settings", "load_with_sources",
    "nearest", "parse_time",
]  # fmt: skip

CONFIG_FILE = "trueup.toml"
"""The settings' file that the command line looks for where it is started."""

_TABLES = ("checks", "limits")
"""Tables of the file, each a prefix of the settings in it."""


_USUAL = Limits()


def _setting(default: Any, help: str, env: str = "", **more: Any) -> Any:  # noqa: A002, ANN401
    metadata = {"help": help, "env": env, **more}
    if isinstance(default, Mapping):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run can be told. Each field is a key of trueup.toml."""

    in_dir: str | None = _setting(None, "Folder or file of logs, where no path is given.", "IN_DIR")
    out_dir: str = _setting("trueup-report", "Folder that reports are written to.", "OUT_DIR")
    formats: tuple[str, ...] = _setting(
        USUAL_FORMATS, f"Reports to write: {', '.join(FORMATS)}; or all."
    )
    contacts: bool = _setting(
        False,  # noqa: FBT003  (a setting's default)
        "Show names, e-mails and phones of subscribers, and metadata, where the logs have them.",
    )
    pseudonyms: str | None = _setting(
        None,
        "File with a key of 16 bytes or more: keyed hashes then stand for the subscribers' ids. The "
        "variable holds the key itself.",
        "TRUEUP_PSEUDONYM_KEY",
        is_path=True,
        is_secret=True,
    )
    csv_bom: bool = _setting(
        False,  # noqa: FBT003  (a setting's default)
        "Begin CSV files with a byte order mark, by which Excel knows that they are UTF-8.",
    )
    endpoint_url: str | None = _setting(
        None, "Server that speaks the language of S3 and CloudWatch, if it is not AWS."
    )
    since: datetime | None = _setting(None, "Show rows and findings from this time on (UTC).")
    until: datetime | None = _setting(None, "Show rows and findings before this time (UTC).")
    processes: int = _setting(0, "Processes that read logs; 0: one per processor.")
    memory_limit: str = _setting(
        "1GB",
        "Memory that the books may take at most before they use the disk; they take less for "
        "logs of less than 10 GB.",
    )
    limits_nesting: int = _setting(
        _USUAL.nesting, "How deep archives may lie within archives; what is deeper is not read."
    )
    limits_expansion: int = _setting(
        _USUAL.expansion,
        "How many times its own size a file may unpack to, beyond `limits.expansion_from`.",
    )
    limits_expansion_from: int = _setting(
        _USUAL.expansion_from, "Bytes up to which a file may unpack however small it is."
    )
    limits_members: int = _setting(_USUAL.members, "Files that one archive may hold.")
    limits_total: int = _setting(
        _USUAL.total,
        "Bytes that archives, documents, clouds and pipes may take on the disk, unpacked.",
    )
    log_level: str = _setting(
        "warning", "What is told on stderr: debug, info, warning, error.", "LOG_LEVEL"
    )
    workbook_transactions: int = _setting(
        2_000_000,
        "Transactions that the workbook lists; where there are more, it points to the other files.",
    )
    minor_units: Mapping[str, Decimal] = _setting(
        {},
        "Smallest amounts of currencies, where they are not the usual ones: `BHD = 0.001`.",
    )
    markers: Mapping[str, str] = _setting(
        {},
        "New wordings of the service's log lines: how the line begins, and the outcome that it "
        'tells (applied, already_synced, skipped, blocked, failed): `"Balance was set" = "applied"`.',
    )
    checks_path: str | None = _setting(
        None, "Folder of checks of your own, one .sql file each.", is_path=True
    )
    checks_accepted: str | None = _setting(
        None,
        "CSV file of findings that are known and accepted: finding_id, who, when, why.",
        is_path=True,
    )
    checks_off: tuple[str, ...] = _setting((), "Checks that are not run.")
    checks_severity: Mapping[str, Any] = _setting(
        {},
        "Severities other than the catalogue's, of a check or of one of its causes: "
        '`mismatch = "medium"`, `overdraft.refused = "info"`.',
    )
    checks_low_balance: Amounts = _setting(
        Amounts(Decimal(10)),
        "low_balance: a balance below this is low. An amount, or one per currency: "
        "`{ BHD = 1, others = 10 }`.",
    )
    checks_duplicate_minutes: int = _setting(
        10, "duplicate_posting: minutes within which an equal posting is a likely repeat."
    )
    checks_unusual_method: str = _setting(
        "robust",
        "unusual_change: how it is told: robust, sigma, or learned: ecod, iforest, autoencoder.",
    )
    checks_unusual_deviations: Decimal = _setting(
        Decimal(8), "unusual_change, robust: how many times the usual spread is unusual."
    )
    checks_unusual_floor: Amounts = _setting(
        Amounts(Decimal(1)),
        "unusual_change: the least spread, so that noise is no finding. An amount, or one per "
        "currency.",
    )
    checks_unusual_share: Decimal = _setting(
        Decimal("0.01"),
        "unusual_change, learned: the share of transactions that is taken as unusual.",
    )
    checks_spike_method: str = _setting(
        "robust",
        "error_spike: how a day is told from the usual: robust, or sigma (mean and "
        "standard deviation).",
    )
    checks_spike_deviations: Decimal | None = _setting(
        None, "error_spike: deviations above the usual; 3.5 for robust, 2 for sigma."
    )
    checks_spike_minimum: int = _setting(5, "error_spike: fewer errors on a day are no spike.")

    @property
    def process_count(self) -> int:
        """How many processes read."""
        return self.processes or os.cpu_count() or 1

    @property
    def limits(self) -> Limits:
        """Where unpacking stops."""
        return Limits(
            self.limits_nesting,
            self.limits_expansion,
            self.limits_expansion_from,
            self.limits_members,
            self.limits_total,
        )

    @property
    def spike_deviations(self) -> Decimal:
        """The deviations of error_spike that its method takes."""
        usual = Decimal("3.5") if self.checks_spike_method == "robust" else Decimal(2)
        return self.checks_spike_deviations or usual


def key(setting: Field[Any] | str) -> str:
    """Return a setting's name in the file: `checks.path` for the field `checks_path`."""
    name = setting if isinstance(setting, str) else setting.name
    table, _, rest = name.partition("_")
    return f"{table}.{rest}" if table in _TABLES else name


_KEYS = {key(setting): setting for setting in fields(Settings)}


def load_settings(
    config: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> Settings:
    """Return the settings; flags that are None do not count.

    Raises BadUse for a file that cannot be read, an unknown setting or a value that cannot be.
    """
    return load_with_sources(config, environment, **flags)[0]


def load_with_sources(
    config: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and for each field that was given, by what (a file, a variable)."""
    values: dict[str, tuple[object, str]] = {}
    if config is not None:
        values |= {name: (value, str(config)) for name, value in _read_toml(config).items()}
    for setting in fields(Settings):
        variable = setting.metadata["env"]
        if setting.metadata.get("is_secret") and variable in (environment or {}):
            # Where it stands, and not what it is: settings are shown.
            values[setting.name] = (f"${variable}", variable)
        elif variable and (environment or {}).get(variable):
            values[setting.name] = ((environment or {})[variable], variable)
    values |= {name: (value, "") for name, value in flags.items() if value is not None}
    parsed: dict[str, Any] = {name: _parse(name, *value) for name, value in values.items()}
    sources = {name: where or "the command line" for name, (_, where) in values.items()}
    return replace(Settings(), **parsed), sources


def _read_toml(path: str | Path) -> dict[str, object]:
    """Return the file's values by field; a path in it starts from the file's folder."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise BadUse(
            f"cannot read the settings in {path}: {(error.strerror or '').lower()}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} is no valid TOML: {error}") from error
    for prefix in _TABLES:
        table = values.pop(prefix, {})
        if not isinstance(table, dict):
            raise BadUse(f"{path}: {prefix} is a table: write [{prefix}] above its settings")
        values |= {f"{prefix}.{name}": value for name, value in table.items()}
    for name, value in values.items():
        if name not in _KEYS:
            raise BadUse(f"{path}: unknown setting {name!r} {nearest(name, _KEYS)}")
        if _KEYS[name].metadata.get("is_path") and isinstance(value, str) and value[:1] != "$":
            values[name] = str(Path(path).parent / value)
    return {_KEYS[name].name: value for name, value in values.items()}


def nearest(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return the hint that ends an error about an unknown name."""
    guess = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f"(did you mean {guess[0]!r}?)" if guess else ""


def _parse(name: str, value: object, where: str) -> object:
    try:
        return PARSERS.get(name, parse_text)(value)
    except ValueError as error:
        if not where:
            label = name.replace("_", "-")
        else:
            label = where if where == _KEYS[key(name)].metadata["env"] else f"{where}: {key(name)}"
        raise BadUse(f"{label}: {error}") from error
