"""The report's small tables: they add up to the report's totals, and say what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import trueup
from trueup.config import Settings
from trueup.reports import by_action
from trueup.reports.distributions import BINS
from trueup.reports.report import Report
from trueup.sample import write_sample

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("figures")
    write_sample(folder, subscribers=60, days=40, seed=11)
    with trueup.audit(folder, settings=Settings(processes=1)) as audit:
        yield audit.report


def total(rows: Any, key: str, currency: str | None = None) -> Any:
    return sum(row[key] for row in rows if currency is None or row["currency"] == currency)


def test_the_tables_add_up_to_the_totals(report: Report) -> None:
    figures, counts = report.figures, report.counts
    assert total(figures.by_action, "transactions") == counts["transactions"]
    assert total(figures.by_day, "transactions") == counts["transactions"]
    assert total(figures.by_day, "sync_errors") == counts["sync_errors"]
    assert total(figures.by_day, "failed_messages") == report.outcomes["messages"]["failed"]
    for currency, of in report.currencies.items():
        for rows in (figures.by_action, figures.money_by_day):
            for key in ("transactions", "credits", "debits"):
                assert total(rows, key, currency) == of[key], (currency, key)
        for key in ("applied_credits", "applied_debits"):
            assert total(figures.by_action, key, currency) == of[key]
        assert total(figures.amounts, "transactions", currency) == of["transactions"]
        ranked = [r for r in figures.top_subscribers["exposure"] if r["currency"] == currency]
        assert total(ranked, "exposure") <= of["gap_at_end"]
        explained = figures.explained["currencies"][currency]
        assert explained["explained"] <= explained["transactions"] == of["transactions"]


def test_findings_by_day_are_those_that_are_open_and_high_or_medium(report: Report) -> None:
    found = Counter(
        row["at"].date()
        for one in report.findings
        for row in one.rows("severity IN ('high', 'medium')")
        if row["at"]
    )
    assert {
        row["day"]: row["findings"] for row in report.figures.by_day if row["findings"]
    } == found


def test_operations_by_day_add_up_to_all(report: Report) -> None:
    days, all_days = report.figures.operations_by_day, report.figures.operations
    for key in ("invocations", "cold_starts", "crashed", "crashes_at_init", "billed_ms"):
        assert total(days, key) == all_days[key], key
    assert all_days["invocations"] == report.counts["invocations"]
    assert all_days["billed_ms"] == report.operations["billed_ms"]
    assert all_days["duration_p95"] == round(report.operations["duration_ms"]["p95"], 1)
    assert all_days["gb_seconds"] == pytest.approx(total(days, "gb_seconds"), abs=0.1)


def test_gb_seconds_are_billed_time_by_memory(audit: Run, ledger: Make) -> None:
    report = audit(ledger("10:00:00 T1 ana SAR DEBIT 1 0 5 4 4 applied")).report
    assert report.figures.operations["billed_ms"] == 11
    assert report.figures.operations["gb_seconds"] == pytest.approx(0.011 * 0.5, abs=0.001)


def test_an_amount_counts_in_one_bin(audit: Run, ledger: Make) -> None:
    text = "\n".join(
        f"10:00:{n:02} T{n} ana SAR DEBIT {amount} 0 0 0 - applied"
        for n, amount in enumerate(("-1", "0", "0.5", "1", "1.99", "2", "10000", "99999"))
    )
    rows = audit(ledger(text)).report.figures.amounts
    found = {row["bin"]: row["debits"] for row in rows if row["debits"]}
    assert found == {
        "below 0": 1, "0": 1, "up to 1": 1, "1 to 2": 2, "2 to 5": 1, "10,000 and more": 2,
    }  # fmt: skip
    assert [row["bin"] for row in rows] == list(BINS)


def test_further_actions_are_added_up(
    audit: Run, ledger: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_action, "MOST_ACTIONS", 1)
    rows = audit(
        ledger("""
        10:00:00 T1 ana SAR DEBIT 1 0 5 4 4 applied action=A
        10:00:01 T2 ana SAR DEBIT 1 0 4 3 3 applied action=A
        10:00:02 T3 ana SAR DEBIT 1 0 3 2 2 applied action=B
        10:00:03 T4 ana SAR DEBIT 1 0 2 1 1 applied action=C
        10:00:04 T5 ana SAR - 1 0 1 0 0 applied
    """)
    ).report.figures.by_action
    found = {row["action"]: row["transactions"] for row in rows}
    assert found == {"A": 2, by_action.FURTHER: 2, None: 1}


EXPLAINED = {
    # Nothing speaks against it.
    "": "T2 ana SAR DEBIT 10 0 90 80 80 applied",
    "arithmetic": "T2 ana SAR DEBIT 10 0 90 70 70 applied",
    "continuity": "T2 ana SAR DEBIT 10 0 60 50 50 applied",
    # The wallet took what the service refused: the difference has a name.
    "named": "T2 ana SAR DEBIT 100 0 90 -10 -10 blocked",
    # It was carried out, and the wallet says another thing.
    "sync": "T2 ana SAR DEBIT 10 0 90 80 75 applied",
    "untold": "T2 ana SAR DEBIT 10 0 90 80 - applied",
}


@pytest.mark.parametrize("reason", EXPLAINED)
def test_what_is_explained(audit: Run, ledger: Make, reason: str) -> None:
    text = "10:00:00 T1 ana SAR DEBIT 10 0 100 90 90 applied\n10:00:01 " + EXPLAINED[reason]
    of = audit(ledger(text)).report.figures.explained["currencies"]["SAR"]
    is_explained = reason in {"", "named", "untold"}
    assert of["transactions"] == 2
    assert of["explained"] == 1 + is_explained
    assert of["share"] == of["explained"] / 2
    why = {part: of[part] for part in ("arithmetic", "continuity", "sync", "untold") if of[part]}
    assert why == ({reason: 1} if reason and reason != "named" else {})
    size = abs(Decimal(EXPLAINED[reason].split()[4]))
    assert of["volume"] == 10 + size
    assert of["explained_volume"] == 10 + (size if is_explained else 0)


def test_a_gap_that_may_be_older_has_no_named_cause(audit: Run, ledger: Make) -> None:
    text = "10:00:00 T1 ana SAR DEBIT 100 0 90 -10 -10 blocked"
    of = audit(ledger(text)).report.figures.explained["currencies"]["SAR"]
    assert (of["explained"], of["sync"]) == (0, 1)


def test_a_part_whose_check_is_off_is_not_judged(audit: Run, ledger: Make) -> None:
    settings = Settings(processes=1, checks_off=("mismatch",))
    text = ledger("10:00:00 T1 ana SAR DEBIT 10 0 90 70 70 applied")
    explained = audit(text, settings=settings).report.figures.explained
    assert explained["without"] == ["arithmetic"]
    assert explained["currencies"]["SAR"]["explained"] == 1


def test_a_day_of_a_spike_is_marked(audit: Run, ledger: Make) -> None:
    lines = [
        f"10:00:{number:02} T{day}-{number} s{number} SAR DEBIT 1 0 5 4 4 applied"
        f" day=2024-02-{day:02}" + (" error 4 4" if day == 9 else "")
        for day in range(1, 11)
        for number in range(12)
    ]
    days = audit(ledger("\n".join(lines))).report.figures.by_day
    marked = [row for row in days if row["unusual"]]
    assert [(row["day"].day, row["unusual"], row["unusual_errors"]) for row in marked] == [
        (9, "sync_errors", 12)
    ]


def test_logs_without_transactions_have_empty_tables(audit: Run) -> None:
    figures = audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n").report.figures
    assert figures.by_action == figures.by_day == figures.amounts == ()
    assert figures.operations["invocations"] == 0
    assert figures.explained["currencies"] == {}
