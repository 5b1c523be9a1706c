"""The report of the real logs equals what an independent reading of them found."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def report(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("out")
    logs = next(path for path in corpus.iterdir() if path.is_dir())
    command = [sys.executable, "-m", "trueup", "audit", str(logs), "--out", str(out)]
    subprocess.run([*command, "--formats", "json"], check=True, capture_output=True)
    result: dict[str, Any] = json.loads((out / "report.json").read_text())
    return result


@pytest.fixture(scope="module")
def truth(corpus: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((corpus / "truth.json").read_text())
    return result


def check(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in report["checks"] if entry["id"] == name)


def of(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [finding for finding in report["findings"] if finding["check"] == name]


def test_counts(report: dict[str, Any], truth: dict[str, Any]) -> None:
    for name, count in report["counts"].items():
        assert count == truth[name], name
    assert sum(report["reading"].values()) == report["counts"]["entries"]
    assert sum(report["entry_kinds"].values()) == report["counts"]["entries"]


def test_outcomes(report: dict[str, Any], truth: dict[str, Any]) -> None:
    assert report["outcomes"]["messages"] == truth["outcomes_of_messages"]
    assert report["outcomes"]["transactions"] == truth["outcomes_of_transactions"]


def test_currencies(report: dict[str, Any], truth: dict[str, Any]) -> None:
    currencies = report["currencies"]
    assert {name: figures["transactions"] for name, figures in currencies.items()} == truth[
        "transactions_by_currency"
    ]
    for name, volume in truth["volume"].items():
        for side in ("credits", "debits"):
            assert Decimal(currencies[name][side]) == Decimal(volume[side]), (name, side)
    for name, gap in truth["gap_at_end_by_currency"].items():
        assert Decimal(currencies[name]["gap_at_end"]) == Decimal(gap), name
    out_of_sync = sum(figures["subscribers_out_of_sync"] for figures in currencies.values())
    assert out_of_sync == truth["subscribers_out_of_sync_at_end"]


def test_overdrafts(report: dict[str, Any], truth: dict[str, Any]) -> None:
    overdraft = check(report, "overdraft")
    assert overdraft["findings"] == truth["subscription_overdrafts"]
    assert overdraft["by_cause"].get("refused", 0) == truth["refused_overdrafts"]
    found = of(report, "overdraft")
    assert sorted(finding["transaction_id"] for finding in found) == truth["overdraft_ids"]
    episodes = of(report, "payment_overdraft")
    assert len(episodes) == truth["payment_overdraft_episodes"]
    assert sum(episode["transactions"] for episode in episodes) == truth["payment_overdrafts"]


def test_arithmetic_and_flow(report: dict[str, Any], truth: dict[str, Any]) -> None:
    found = of(report, "mismatch")
    assert check(report, "mismatch")["findings"] == truth["mismatches"]
    assert sorted(finding["transaction_id"] for finding in found) == truth["mismatch_ids"]
    assert check(report, "flow_break")["findings"] == truth["flow_breaks"]
    assert check(report, "flow_break")["by_cause"] == truth["flow_breaks_by_cause"]


def test_gaps_and_alarms(report: dict[str, Any], truth: dict[str, Any]) -> None:
    assert check(report, "gap_change")["by_cause"] == truth["gap_moves"]
    out_of_sync = check(report, "out_of_sync")
    assert out_of_sync["findings"] == truth["subscribers_out_of_sync_at_end"]
    for name, gap in truth["gap_at_end_by_currency"].items():
        at_risk = Decimal(out_of_sync["by_currency"][name]["amount_at_risk"])
        assert at_risk == Decimal(gap), name
    assert check(report, "false_alarm")["findings"] == truth["false_alarms"]
    assert check(report, "missed_alarm")["findings"] == truth["missed_alarms"]


def test_operations(report: dict[str, Any], truth: dict[str, Any]) -> None:
    assert report["operations"]["cold_starts"] == truth["cold_starts"]
    assert sum(report["operations"]["invocations_by_status"].values()) == truth["invocations"]


def test_sync_error_subscribers(corpus: Path, truth: dict[str, Any]) -> None:
    import trueup

    with trueup.audit(next(path for path in corpus.iterdir() if path.is_dir())) as audit:
        query = "SELECT count(DISTINCT subscriber_id) AS n FROM sync_errors"
        assert audit.sql(query).to_pylist() == [{"n": truth["sync_error_subscribers"]}]


def test_subscribers_add_up(report: dict[str, Any]) -> None:
    for name, figures in report["currencies"].items():
        rows = [row for row in report["subscribers"] if row["currency"] == name]
        assert len(rows) == figures["subscribers"]
        assert sum(row["transactions"] for row in rows) == figures["transactions"]
        for side in ("credits", "debits"):
            assert sum(Decimal(row[side]) for row in rows) == Decimal(figures[side])
        gaps = sum(abs(Decimal(row["gap_at_end"] or 0)) for row in rows)
        assert gaps == Decimal(figures["gap_at_end"])
