"""`manifest.json`: every file that was read and every file that was written, with its sha256.

It is written last, so that it stands for all the others. `docs/report-json.md` explains it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from trueup.config import Settings, key
from trueup.reports.files import written_beside
from trueup.reports.json_report import time_text, write_list
from trueup.reports.listing import plain_value
from trueup.reports.report import Report

SCHEMA = "trueup.manifest/1"

MANIFEST = "manifest.json"

# They say where logs come from and how fast, and change nothing that is written.
_WITHOUT_EFFECT = {
    "endpoint_url",
    "in_dir",
    "out_dir",
    "formats",
    "processes",
    "memory_limit",
    "log_level",
}


def write_manifest(
    report: Report,
    folder: Path,
    written: Sequence[Path],
    formats: Sequence[str],
    settings: Settings,
) -> Path:
    """Write the manifest of the written files, which lie in the folder, and return its path."""
    head = {
        "schema": SCHEMA,
        "trueup_version": report.trueup_version,
        "generated_at": time_text(report.generated_at),
        "formats": list(formats),
        "settings": given_settings(settings),
        "files_of_settings": list(_files_of_settings(settings)),
    }
    with (
        written_beside(folder / MANIFEST) as path,
        path.open("w", encoding="utf-8", errors="replace", newline="\n") as file,
    ):
        file.write(json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}"))
        write_list(file, "originals", map(asdict, report.originals))
        write_list(file, "inputs", _inputs(report))
        write_list(file, "outputs", _outputs(folder, written))
        file.write("\n}\n")
    return folder / MANIFEST


def given_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not as they are by default and change what is written.

    Of a secret one it says that there is one, and neither what nor where it is.
    """
    usual = Settings()
    return {
        key(setting): setting.metadata.get("is_secret", False)
        or plain_value(getattr(settings, setting.name))
        for setting in fields(Settings)
        if setting.name not in _WITHOUT_EFFECT
        and getattr(settings, setting.name) != getattr(usual, setting.name)
    }


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_of_settings(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the files that settings name, since what they say changes the report."""
    accepted = settings.checks_accepted
    checks = Path(settings.checks_path) if settings.checks_path else None
    if accepted and Path(accepted).is_file():
        yield {"setting": key("checks_accepted"), **_file(Path(accepted), Path(accepted).parent)}
    for path in sorted(checks.glob("*.sql")) if checks else ():
        yield {"setting": key("checks_path"), **_file(path, path.parent)}


def _inputs(report: Report) -> Iterator[dict[str, Any]]:
    """Yield the logs that were read, in order of name; one that could not be opened has no sha256."""
    for batch in report.books.stream(
        "SELECT name, size, CASE WHEN NOT starts_with(file_id, 'unread:') THEN file_id END AS sha256 "
        "FROM files ORDER BY name, file_id"
    ):
        yield from batch.to_pylist()


def _outputs(folder: Path, written: Sequence[Path]) -> Iterator[dict[str, Any]]:
    return (_file(path, folder) for path in sorted(written))


def _file(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    return {"name": name, "size": path.stat().st_size, "sha256": sha256_of(path)}
