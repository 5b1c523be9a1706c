"""On a sample, what the audit finds is what the labels say: no more, no less."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

import trueup
from trueup.config import Settings
from trueup.reports.json_report import summary
from trueup.sample import write_sample

SUMS = ("expected", "logged", "difference", "amount_at_risk")


@pytest.fixture(scope="module", params=[1, 7, 42])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("sample") / "logs"
    write_sample(folder, subscribers=120, days=40, seed=request.param)
    labels = json.loads((folder / "labels.json").read_text())
    with trueup.audit(folder, settings=Settings(processes=1)) as audit:
        found = [dict(row) for findings in audit.report.findings for row in findings.rows()]
        return labels, (summary(audit.report), found)


def keys(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row["check"], row["cause"], row["subscriber_id"], row["currency"],
            row["transaction_id"], row["request_id"], row.get("transactions"),
            *(None if row[name] is None else Decimal(row[name]) for name in SUMS),
        )
        for row in rows
    )  # fmt: skip


def test_findings_equal_the_labels(made: tuple[Any, Any]) -> None:
    labels, (_, found) = made
    expected, actual = keys(labels["findings"]), keys(found)
    assert {row[0] for row in expected} >= {"mismatch", "flow_break", "out_of_sync", "overdraft"}
    assert actual - expected == Counter()
    assert expected - actual == Counter()


def test_what_the_sample_writes_is_what_the_reader_reads(made: tuple[Any, Any]) -> None:
    labels, (report, _) = made
    counts = {**report["counts"]}
    for name, count in counts.items():
        assert labels["counts"][name] == count, name
    operations = report["operations"]
    assert operations["cold_starts"] == labels["counts"]["cold_starts"]
    assert operations["crashes_at_init"] == labels["counts"]["crashes_at_init"]
    assert operations["invocations_by_status"] == labels["invocations_by_status"]
    assert report["outcomes"] == labels["outcomes"]
    assert report["reading"]["unreadable"] == 0
    assert report["inputs"]["problems"] == 0


def test_money_equals_the_labels(made: tuple[Any, Any]) -> None:
    labels, (report, _) = made
    assert set(report["currencies"]) == set(labels["currencies"])
    for name, expected in labels["currencies"].items():
        for figure, value in expected.items():
            assert Decimal(report["currencies"][name][figure]) == Decimal(value), (name, figure)
