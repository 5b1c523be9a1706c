"""On a sample, what the audit finds is what the labels say: no more, no less."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

import trueup
from trueup.config import Settings
from trueup.reports.json_report import summary
from trueup.sample import FAULTS, write_sample

FURTHER = ("transactions", "crashes", "errors")
SUMS = ("expected", "logged", "difference", "amount_at_risk")


# A day of errors needs days to stand out from; of what goes below zero all has some fate.
OFTEN = {fault.name: max(fault.rate, 0.01) for fault in FAULTS} | {"error_burst": 0.06}
# How well it finds what was made unusual is measured elsewhere: it has no exact definition.
MEASURED = {"unusual_change"}


@pytest.fixture(
    scope="module",
    params=[(1, None), (7, None), (42, None), (3, OFTEN), (4, OFTEN)],
    ids=lambda param: f"{param[0]}{' often' if param[1] else ''}",
)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("sample") / "logs"
    seed, rates = request.param
    write_sample(folder, subscribers=120, days=40, seed=seed, rates=rates)
    labels = json.loads((folder / "labels.json").read_text())
    with trueup.audit(folder, settings=Settings(processes=1)) as audit:
        found = [
            dict(row)
            for findings in audit.report.findings
            if findings.check.id not in MEASURED
            for row in findings.rows()
        ]
        labels["checks"] = {findings.check.id for findings in audit.report.findings} - MEASURED
        return labels, (summary(audit.report), found)


def stamp(at: str | datetime) -> str:
    return at if isinstance(at, str) else f"{at.isoformat(timespec='milliseconds')}Z"


def one_of_many(row: dict[str, Any]) -> tuple[Any, Any]:
    """Return request and error: one case is a request, many share an error."""
    return (None, row.get("error")) if row["subscriber_id"] is None else (row["request_id"], None)


def keys(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row["check"], row["cause"], row["subscriber_id"], row["currency"],
            stamp(row["at"]), row["transaction_id"], *(row.get(name) for name in FURTHER),
            *one_of_many(row),
            *(None if row[name] is None else Decimal(row[name]) for name in SUMS),
        )
        for row in rows
    )  # fmt: skip


def test_findings_equal_the_labels(made: tuple[Any, Any]) -> None:
    labels, (_, found) = made
    expected, actual = keys(labels["findings"]), keys(found)
    present = {row[0] for row in expected}
    assert present >= {"mismatch", "flow_break", "out_of_sync", "overdraft"}
    if labels["rates"]:
        assert present == labels["checks"]
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
