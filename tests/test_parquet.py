"""The tables as Parquet: all of them, complete, without personal data, the same for the same logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import trueup
from trueup.books import reading
from trueup.config import Settings
from trueup.reports import parquet_tables
from trueup.sample import write_sample
from trueup.schema import DERIVED, TABLES

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Run = Callable[..., trueup.Audit]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet") / "logs"
    write_sample(folder, subscribers=40, days=40, seed=3)
    return folder


@pytest.fixture(scope="module")
def out(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    write(logs, folder, ["json", "parquet"])
    return folder


def write(paths: Any, out: Path, formats: list[str] | None = None, **options: Any) -> None:
    options.setdefault("settings", Settings(processes=1))
    with trueup.audit(paths, generated_at=STAMP, **options) as audit:
        audit.write(out, formats or ["parquet"])


def tables(out: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (out / "tables").iterdir()}


def table(out: Path, name: str) -> Any:
    return pq.read_table(out / "tables" / f"{name}.parquet")


def test_every_table_is_there(out: Path) -> None:
    checks = [check["id"] for check in json.loads((out / "report.json").read_text())["checks"]]
    assert set(tables(out)) == {
        *TABLES, "subscribers", "currencies", "limits", "gap_moves", "unusual_changes", "accepted",
        *(f"findings_{check}" for check in checks),
    } - {"contacts"}  # fmt: skip
    for name, columns in TABLES.items():
        if name != "contacts":
            derived = DERIVED if name == "transactions" else ()
            expected = {column.name for column in (*columns, *derived)} - {"metadata"}
            assert set(table(out, name).column_names) == expected, name


def test_totals_are_those_of_the_report(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    listed = table(out, "transactions")
    assert listed.num_rows == report["counts"]["transactions"]
    for currency, figures in report["currencies"].items():
        for side, kind in (("credits", "CREDIT"), ("debits", "DEBIT")):
            rows = listed.filter((pc.field("currency") == currency) & (pc.field("type") == kind))
            assert pc.sum(rows["amount"]).as_py() == Decimal(figures[side])
    for check in report["checks"]:
        found = table(out, f"findings_{check['id']}")
        assert found["finding_id"].to_pylist() == [
            one["finding_id"] for one in report["findings"] if one["check"] == check["id"]
        ]
    in_json = [(row["subscriber_id"], row["gap_at_end"]) for row in report["subscribers"]]
    cells = table(out, "subscribers")
    gaps = [None if gap is None else Decimal(gap) for _, gap in in_json]
    assert cells["subscriber_id"].to_pylist() == [subscriber for subscriber, _ in in_json]
    assert cells["gap_at_end"].to_pylist() == gaps


def test_same_bytes_for_any_order_and_number_of_processes(
    logs: Path, out: Path, tmp_path: Path
) -> None:
    streams = sorted(path for path in logs.iterdir() if path.is_dir())
    write(streams, tmp_path / "one")
    write(streams[::-1], tmp_path / "two", settings=Settings(processes=2))
    assert tables(tmp_path / "one") == tables(tmp_path / "two")


def test_same_bytes_spilled_or_in_memory(
    logs: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH_SIZE", 1_000_000)
    write(logs, tmp_path, settings=Settings(processes=2))
    spilled, whole = tables(tmp_path), tables(out)
    assert [name for name in whole if spilled[name] != whole[name]] == []


def test_rows_come_in_groups_of_one_size(
    logs: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_tables, "GROUP", 400)
    write(logs, tmp_path)
    facts = pq.read_metadata(tmp_path / "tables" / "transactions.parquet")
    sizes = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {400}
    assert table(tmp_path, "transactions").equals(table(out, "transactions"))


LEDGER = """
    10:00:00 T1 ana BHD CREDIT 10 0 0 10 8 applied
    11:00:00 T2 ana BHD DEBIT 1 0 10 9 7 applied error 9 7
    12:00:00 T3 bob BHD DEBIT 1 0 9 8 9 applied
"""


def test_a_window_bounds_the_tables(
    audit: Run, ledger: Callable[[str], str], tmp_path: Path
) -> None:
    done = audit(ledger(LEDGER), since="2024-02-01T11:00:00", until="2024-02-01T12:00:00")
    done.write(tmp_path, ["parquet"])
    assert table(tmp_path, "transactions")["transaction_id"].to_pylist() == ["T2"]
    for name in ("messages", "invocations", "sync_errors"):
        assert table(tmp_path, name).num_rows == done.report.counts[name] == 1, name
    assert table(tmp_path, "gap_moves").num_rows == 0
    assert table(tmp_path, "subscribers")["subscriber_id"].to_pylist() == ["ana"]
    assert table(tmp_path, "findings_out_of_sync").num_rows == 1


def test_logs_without_transactions_and_hostile_text(audit: Run, tmp_path: Path) -> None:
    audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n").write(
        tmp_path / "a", ["parquet"]
    )
    assert table(tmp_path / "a", "transactions").num_rows == 0
    long = "\u202e\N{PILE OF POO}=1" + "x" * 40_000
    text = f"2024-02-01T10:00:00.000Z {long}\n"
    audit({"b.log": text.encode()}).write(tmp_path / "b", ["parquet"])
    assert table(tmp_path / "b", "entry_kinds").num_rows == 2


def test_a_check_that_is_off_has_no_table(
    audit: Run, ledger: Callable[[str], str], tmp_path: Path
) -> None:
    settings = Settings(processes=1, checks_off=("unusual_change", "mismatch"))
    audit(ledger(LEDGER), settings=settings).write(tmp_path, ["parquet"])
    assert not {"unusual_changes", "findings_mismatch"} & set(tables(tmp_path))
