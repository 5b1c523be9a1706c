"""A manifest read back: nothing in it is believed before it is looked at."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import BadUse
from trueup.reports.manifest import SCHEMA

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the manifest has it; an input that could not be opened has no sha256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest lists, and the sha256 of its own bytes."""

    sha256: str
    trueup_version: str
    generated_at: str
    inputs: tuple[Listed, ...]
    outputs: tuple[Listed, ...]


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises BadUse where it is not there, damaged, or names what it must not."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise BadUse(f"{path} is not a file: links are not followed")
        text = path.read_bytes()
    except FileNotFoundError:
        raise BadUse(
            f"no {path.name} in {path.parent} (name a folder that trueup audit wrote to)"
        ) from None
    except OSError as error:
        raise BadUse(f"cannot read {path}: {(error.strerror or 'unreadable').lower()}") from error
    try:
        return _manifest(json.loads(text), hashlib.sha256(text).hexdigest())
    except (ValueError, RecursionError) as error:
        raise BadUse(f"{path} is no manifest that can be used: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    is_no_json = isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError))
    return "it is no valid JSON" if is_no_json else str(error)


def _manifest(value: Any, sha256: str) -> Manifest:  # noqa: ANN401
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    outputs = tuple(_listed(value, "outputs"))
    names = [one.name for one in outputs]
    for name in names:
        if not _lies_within(name):
            raise ValueError(f"it names something outside its folder: {name[:80]!r}")
    if len(set(names)) < len(names):
        raise ValueError("it names a file twice")
    return Manifest(
        sha256, _text(value, "trueup_version"), _text(value, "generated_at"),
        tuple(_listed(value, "inputs")), outputs,
    )  # fmt: skip


def _listed(value: dict[str, Any], key: str) -> Iterator[Listed]:
    rows = value.get(key)
    if not isinstance(rows, list):
        raise ValueError(f"it has no list of {key}")  # noqa: TRY004  (one error for all of it)
    for row in rows:
        match row:
            case {"name": str(name), "size": int(size), "sha256": str(sha256)} if _SHA256.fullmatch(
                sha256
            ):
                yield Listed(name, size, sha256)
            case {"name": str(name), "size": int(size), "sha256": None} if key == "inputs":
                yield Listed(name, size, "")
            case _:
                raise ValueError(f"an entry of {key} lacks its name, size or sha256")


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        raise ValueError(f"it has no {key}")  # noqa: TRY004  (one error for all of it)
    return text


def _lies_within(name: str) -> bool:
    """Tell whether a name leads nowhere but into the folder, on any system."""
    parts = name.split("/")
    is_plain = name.isprintable() and not re.search(r"[\\:]", name)
    return is_plain and not {"", ".", ".."} & set(parts)
