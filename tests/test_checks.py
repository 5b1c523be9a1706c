"""Each check: a ledger that fails it, one that passes it, and the sentence it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import trueup
from trueup.checks import built_in_checks
from trueup.checks.catalogue import read_check

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Find = Callable[[trueup.Audit, str], list[dict[str, Any]]]

FIGURES = ("transaction_id", "cause", "expected", "logged", "difference", "amount_at_risk")


def figures(rows: list[dict[str, Any]], *more: str) -> list[tuple[Any, ...]]:
    return [
        tuple(
            row[name]
            if row[name] is None or isinstance(row[name], (str, int))
            else float(row[name])
            for name in (*FIGURES, *more)
        )
        for row in rows
    ]


def sentence(audit: trueup.Audit, check: str) -> str:
    of = next(findings for findings in audit.report.findings if findings.check.id == check)
    explanation: str = next(of.rows())["explanation"]
    return explanation


CASES: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    (
        "overdraft",
        """
        10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 blocked
        10:00:01 T2 bob SAR DEBIT 90 0 50 -40 -40 applied
        10:00:02 T3 cid SAR DEBIT 50 0 50 0 0 applied
        10:00:03 T4 dan SAR DEBIT 90 0 50 -40 -40 already_synced
        10:00:04 T5 dan SAR DEBIT 5 0 -40 -45 -45 failed
        10:00:05 T6 eve SAR DEBIT 6 0 5 -1 -1 already_synced
        10:00:06 T7 fay SAR DEBIT 6 0 5 -1 -1 -
        """,
        [
            ("T2", "posted", 0, -40, -40, 40),
            ("T4", "posted", 0, -40, -40, 40),
            ("T6", "unknown", 0, -1, -1, 1),
            ("T7", "unknown", 0, -1, -1, 1),
            ("T1", "refused", 0, -40, -40, 0),
            ("T5", "not_applied", 0, -45, -45, 0),
        ],
    ),
    (
        "payment_overdraft",
        """
        10:00:00 T1 ana BHD DEBIT 9 0 5 5 -4 applied
        10:00:01 T2 ana BHD DEBIT 3 0 5 5 -7 applied
        10:00:02 T3 ana BHD DEBIT 3 0 5 2 - applied
        10:00:03 T4 ana BHD CREDIT 9 0 2 11 2 applied
        10:00:04 T5 ana BHD DEBIT 3 0 11 8 -1 applied
        10:00:05 T6 ana BHD DEBIT 2 0 8 6 -3 applied
        10:00:06 T7 bob BHD DEBIT 2 0 2 0 0 applied
        """,
        [("T5", "open", 0, -3, -3, 3), ("T1", "over", 0, -7, -7, 0)],
    ),
    (
        "mismatch",
        """
        10:00:00 T1 ana BHD CREDIT 11 1 5 16 16 applied
        10:00:01 T2 ana BHD CREDIT 11 1 16 26 26 applied
        10:00:02 T3 ana BHD DEBIT -1.5 0 26 27.5 27.5 applied
        10:00:03 T4 ana BHD DEBIT 1 0 27.5 26.501 26.501 applied
        10:00:04 T5 ana BHD - 8 0 26.501 19 - applied
        10:00:05 T6 ana BHD - 8 0 19 19 - applied
        """,
        [("T1", None, 10, 11, 1, 1), ("T5", None, -8, -7.501, 0.499, 0.499)],
    ),
    (
        "flow_break",
        """
        10:00:00 T1 ana SAR DEBIT 10 0 100 90 90 applied
        10:00:01 T2 ana SAR DEBIT 10 0 100 90 80 applied
        10:00:02 T3 ana SAR DEBIT 10 0 80 70 70 applied
        10:00:03 T4 ana SAR DEBIT 10 0 55 45 45 blocked
        10:00:04 T5 ana SAR DEBIT 10 0 55 45 45 applied
        10:00:05 T6 ana SAR DEBIT 10 0 45.01 35 35 applied
        10:00:06 T7 ana KWD DEBIT 10 0 7 3 3 applied
        """,
        [
            ("T4", "unseen_change", 70, 55, -15, 15),
            ("T2", "stale_read", 90, 100, 10, 10),
            ("T3", "reset_to_payment", 90, 80, -10, 10),
            ("T5", "not_applied", 45, 55, 10, 0),
        ],
    ),
    (
        "out_of_sync",
        """
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 7 applied
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 8 applied
        10:00:02 T3 ana BHD DEBIT 1 0 8 7 4 applied
        10:00:03 T4 ana BHD DEBIT 1 0 7 6 2 applied
        10:00:04 T5 ana BHD DEBIT 1 0 6 5 - applied
        10:00:05 T6 bob BHD DEBIT 1 0 6 5 5.001 applied
        """,
        [("T3", None, 2, 6, 4, 4)],
    ),
    (
        "gap_change",
        """
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 7 applied
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 6 applied
        10:00:02 T3 ana BHD DEBIT 1 0 8 7 4 applied
        10:00:03 T4 ana BHD DEBIT 1 0 7 6 - applied
        10:00:04 T5 ana BHD DEBIT 1 0 6 5 5 applied
        """,
        [
            ("T1", "opened", 0, 2, 2, 0),
            ("T3", "moved", 2, 3, 1, 0),
            ("T5", "closed", 3, 0, -3, 0),
        ],
    ),
    (
        "false_alarm",
        """
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 applied error 9 9
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 7 applied error 8 7
        """,
        [("T1", None, 9, 9, 0, 0)],
    ),
    (
        "missed_alarm",
        """
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 applied
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 7 applied
        10:00:02 T3 ana BHD DEBIT 1 0 8 7 6 applied error 7 6
        """,
        [("T2", None, 7, 8, 1, 0)],
    ),
]


@pytest.mark.parametrize(("check", "entries", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_check_finds_what_it_should_and_no_more(
    check: str,
    entries: str,
    expected: list[tuple[Any, ...]],
    audit: Run,
    ledger: Make,
    findings: Find,
) -> None:
    assert figures(findings(audit(ledger(entries)), check)) == expected


def test_every_check_has_a_case() -> None:
    assert {case[0] for case in CASES} == {check.id for check in built_in_checks()}


def test_balances_after_follow_the_outcome(audit: Run, ledger: Make) -> None:
    """Applied: new; else the own error's; already synced: what the next starts from; else old."""
    done = audit(
        ledger("""
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 applied error 10 9
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 8 failed error 7 5
        10:00:02 T3 ana BHD DEBIT 1 0 9 8 - already_synced
        10:00:03 T4 ana BHD DEBIT 1 0 8 7 - already_synced
        10:00:04 T5 ana BHD DEBIT 1 0 8 7 - already_synced
        10:00:05 T6 ana BHD DEBIT 1 0 3 2 - blocked error 3 1
        10:00:06 T7 bob BHD DEBIT 1 0 3 2 - already_synced
        10:00:07 T8 cid BHD DEBIT 1 0 3 2 - skipped
        """)
    )
    rows = done.sql(
        """SELECT transaction_id AS id, subscription_after::DOUBLE AS s, payment_after::DOUBLE AS p
        FROM transactions ORDER BY 1"""
    ).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("T1", 9, 9), ("T2", 7, 8), ("T3", 8, None), ("T4", 8, None), ("T5", None, None),
        ("T6", 3, 1), ("T7", None, None), ("T8", 3, None),
    ]  # fmt: skip


def test_currencies_and_subscribers_never_mix(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 applied
        10:00:01 T2 ana SAR DEBIT 1 0 500 499 499 applied
        10:00:02 T3 bob BHD DEBIT 1 0 77 76 76 applied
        10:00:03 T4 ana BHD DEBIT 1 0 9 8 8 applied
        """)
    )
    assert [c["findings"] for c in done.report.checks] == [0] * len(done.report.checks)


def test_rows_without_subscriber_or_currency_have_no_neighbours(
    audit: Run, ledger: Make, findings: Find
) -> None:
    text = (
        ledger("""
        10:00:00 T1 nobody BHD DEBIT 1 0 10 9 9 applied
        10:00:01 T2 nobody BHD DEBIT 1 0 500 499 400 applied
        10:00:02 T3 ana nomoney DEBIT 1 0 10 9 9 applied
        10:00:03 T4 ana nomoney DEBIT 1 0 500 499 400 applied
    """)
        .replace("userId: 'nobody'", "userId: undefined")
        .replace("'nomoney'", "undefined")
    )
    done = audit(text)
    for check in ("flow_break", "gap_change", "out_of_sync", "payment_overdraft"):
        assert findings(done, check) == [], check
    assert done.report.counts["transactions"] == 4
    assert done.report.inputs["problems"] == 4


def test_sentences_name_the_numbers(audit: Run, ledger: Make) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 16 applied
        10:00:01 T2 ana BHD DEBIT 3 0 1105 1102 -4 applied
        """)
    )
    assert sentence(done, "mismatch") == (
        "Transaction T1 of ana is a CREDIT of BHD 1,100.000 with VAT of BHD 100.000, which changes a "
        "balance by BHD 1,000.000; the balance changed by BHD 1,100.000, BHD 100.000 away from that."
    )
    assert sentence(done, "payment_overdraft") == (
        "The payment balance of ana has been below zero since 2024-02-01 10:00:01 UTC: "
        "lowest BHD -4.000, now BHD -4.000 (transactions: 1)."
    )
    assert sentence(done, "out_of_sync") == (
        "The subscription balance of ana is BHD 1,102.000 and the payment balance BHD -4.000: a gap of "
        "BHD 1,106.000, open since transaction T1 of 2024-02-01 10:00:00 UTC (moves since: 1; last seen "
        "2024-02-01 10:00:01 UTC)."
    )


def test_every_finding_names_its_evidence(audit: Run, ledger: Make) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 9 0 5 -4 -4 applied")
    lines = text.split("\n")
    done = audit(text)
    for of in done.report.findings:
        for row in of.rows():
            assert row["file"].endswith("/000000.gz")
            assert row["request_id"] in lines[row["first_line"] - 1]
            assert "Start syncing" in lines[row["first_line"] - 1]


def test_finding_ids_differ_and_stay(audit: Run, ledger: Make, findings: Find) -> None:
    text = ledger(CASES[3][1])
    first = [row["finding_id"] for row in findings(audit(text), "flow_break")]
    assert len(set(first)) == 4
    assert first == [row["finding_id"] for row in findings(audit(text), "flow_break")]


@pytest.mark.parametrize("check", built_in_checks(), ids=lambda check: check.id)
def test_the_catalogue_is_complete(check: Any) -> None:
    assert check.question.endswith("?")
    for text in (check.why, check.do, *check.explanations.values()):
        assert text.endswith(".")
    assert set(check.explanations) in ({""}, set(check.severities))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "lacks id, title"),
        ("-- id: x\n-- title: t\n-- severity: high\n-- sums: a; b\n-- question: q\n-- why: w\n-- do: d\n-- explain: e\nSELECT 1", "sums are not"),
        ("-- id: x\n-- title: t\n-- severity: grave\n-- sums: a; b; c\n-- question: q\n-- why: w\n-- do: d\n-- explain: e\nSELECT 1", "no such severity: grave"),
        ("-- id: x\n-- title: t\n-- severity: high\n-- sums: a; b; c\n-- question: q\n-- why: w\n-- do: d\nSELECT 1", "lacks explain"),
    ],
)  # fmt: skip
def test_a_broken_catalogue_entry_says_what_is_missing(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_check(text)
