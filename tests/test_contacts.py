"""Names, e-mails and phones: shown where they are asked for, the latest of each."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import trueup
from trueup.config import Settings

Run = Callable[..., trueup.Audit]
WITH_CONTACTS = Settings(processes=1, contacts=True)


def details(time: str, **values: str) -> str:
    body = json.dumps({"id": "T1", "userId": "ana", **values})
    at = f"2024-02-01T{time}.000Z"
    return f"{at} {at}\trequest-{time}\tINFO\ttransaction {body}\n\n"


@pytest.fixture
def text(ledger: Callable[[str], str]) -> str:
    books = ledger("""
        10:00:00 T1 ana BHD CREDIT 10 0 0 10 10 applied delivery=d1
        10:00:01 T2 bob BHD CREDIT 10 0 0 10 10 applied
    """)
    # Out of order, as an export has them.
    return (
        books
        + details("12:00:00", name="Ana Second", email="second@example.com")
        + details("11:00:00", name="Ana First", email="first@example.com", phoneNumber="+1 11")
        + details("12:00:00", name="Ana Other")
    )


def rows(out: Path) -> list[dict[str, Any]]:
    with (out / "subscribers.csv").open(newline="") as file:
        return list(csv.DictReader(file))


ANA = {"name": "Ana Second", "email": "second@example.com", "phone": "+1 11"}


def test_the_latest_of_each_is_shown(audit: Run, text: str, tmp_path: Path) -> None:
    audit(text, settings=WITH_CONTACTS).write(tmp_path, ["json", "csv", "parquet"])
    ana, bob = json.loads((tmp_path / "report.json").read_text())["subscribers"]
    assert {name: ana[name] for name in ANA} == ANA
    assert [bob[name] for name in ANA] == [None] * 3
    ana, bob = rows(tmp_path)
    # A phone begins as a formula does.
    assert {name: ana[name] for name in ANA} == {**ANA, "phone": "'+1 11"}
    assert [bob[name] for name in ANA] == [""] * 3
    ana, bob = pq.read_table(tmp_path / "tables" / "subscribers.parquet").to_pylist()
    assert {name: ana[name] for name in ANA} == ANA


def test_a_window_ends_what_is_known(audit: Run, text: str) -> None:
    done = audit(text, settings=WITH_CONTACTS, until="2024-02-01T12:00:00")
    ana, _ = done.report.subscribers()
    assert (ana["name"], ana["email"]) == ("Ana First", "first@example.com")


def test_tables_hold_contacts_only_if_asked(audit: Run, text: str, tmp_path: Path) -> None:
    audit(text).write(tmp_path / "bare", ["parquet"])
    audit(text, settings=WITH_CONTACTS).write(tmp_path / "full", ["parquet"])
    full = {path.name for path in (tmp_path / "full" / "tables").iterdir()}
    bare = {path.name for path in (tmp_path / "bare" / "tables").iterdir()}
    assert full - bare == {"contacts.parquet"}
    contacts = pq.read_table(tmp_path / "full" / "tables" / "contacts.parquet").to_pylist()
    assert [row["name"] for row in contacts] == ["Ana First", "Ana Other", "Ana Second"]
    for folder, has_metadata in (("bare", False), ("full", True)):
        listed = pq.read_table(tmp_path / folder / "tables" / "transactions.parquet")
        assert ("metadata" in listed.column_names) == has_metadata


def test_contacts_change_nothing_else(audit: Run, text: str, tmp_path: Path) -> None:
    audit(text).write(tmp_path / "bare", ["csv"])
    audit(text, settings=WITH_CONTACTS).write(tmp_path / "full", ["csv"])
    for name in ("findings.csv", "transactions.csv", "entry_kinds.csv"):
        bare, full = (tmp_path / folder / name for folder in ("bare", "full"))
        assert bare.read_bytes() == full.read_bytes()
    shown = [
        {name: value for name, value in row.items() if name not in ANA}
        for row in rows(tmp_path / "full")
    ]
    assert shown == rows(tmp_path / "bare")
