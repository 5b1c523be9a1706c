"""Each check: a ledger that fails it, one that passes it, and the sentence it gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.checks import built_in_checks
from trueup.checks.catalogue import read_check
from trueup.checks.runner import explain
from trueup.config import Settings
from trueup.money import Currencies

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
            ("T5", "not_applied", 0, -45, -45, 0),
            ("T1", "refused", 0, -40, -40, 0),
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
            ("T5", "closed", 3, 0, -3, 0),
            ("T1", "opened", 0, 2, 2, 0),
            ("T3", "moved", 2, 3, 1, 0),
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
    (
        "blocked_overdraft",
        """
        10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 blocked
        10:00:01 T2 ana SAR DEBIT 9 0 50 41 41 applied
        """,
        [("T1", "logged", 0, -40, -40, 0)],
    ),
    (
        "low_balance",
        """
        10:00:00 T1 ana SAR DEBIT 20 0 34 14 14 applied
        10:00:00 T2 ana SAR DEBIT 10 0 14 4 4 applied day=2024-02-02
        10:00:01 T3 bob SAR DEBIT 2 0 11 9 9 applied
        10:00:02 T4 cid SAR CREDIT 5 0 0 5 5 applied
        10:00:03 T5 dan SAR DEBIT 5 0 15 10 10 applied
        10:00:04 T6 eve SAR DEBIT 15 0 5 -10 -10 applied
        10:00:05 T7 fay SAR DEBIT 5 0 10 5 - already_synced
        """,
        [
            ("T2", "short", 10, 4, -6, 0),
            ("T4", "low", 10, 5, -5, 0),
            ("T3", "low", 10, 9, -1, 0),
        ],
    ),
    (
        "duplicate_posting",
        """
        10:00:00 T1 ana SAR CREDIT 5 0 10 15 15 applied entry=E1
        10:00:01 T2 ana SAR CREDIT 5 0 15 20 20 applied entry=E1
        10:00:02 T3 ana SAR CREDIT 5 0 20 25 25 applied entry=E2
        10:00:03 T4 ana SAR CREDIT 5 0 25 30 30 blocked entry=E2
        10:00:04 T5 bob SAR DEBIT 3 0 30 27 27 failed message=M entry=E3
        10:00:34 T5 bob SAR DEBIT 3 0 30 27 27 applied message=M entry=E3
        10:01:04 T5 bob SAR DEBIT 3 0 27 24 24 applied message=M entry=E3
        10:01:05 T5 bob SAR DEBIT 3 0 24 21 21 applied message=N
        10:02:00 T6 cid SAR CREDIT 1 0 1 2 2 applied action=ADD delivery=D
        10:12:00 T7 cid SAR CREDIT 1 0 2 3 3 applied action=ADD delivery=D
        10:22:01 T8 cid SAR CREDIT 1 0 3 4 4 applied action=ADD delivery=D
        10:22:02 T9 cid SAR CREDIT 2 0 4 6 6 applied action=ADD delivery=D
        10:22:03 T10 cid SAR CREDIT 2 0 6 8 8 applied action=OTHER delivery=D
        10:22:04 T11 cid SAR CREDIT 2 0 8 10 10 applied action=OTHER
        10:22:05 T12 dan SAR CREDIT 2 0 8 10 10 applied action=OTHER delivery=D entry=E1
        """,
        [
            ("T2", "certain", 0, 5, 5, 5),
            ("T5", "certain", 0, -3, -3, 3),
            ("T5", "certain", 0, -3, -3, 3),
            ("T4", "certain", 0, 5, 5, 0),
            ("T7", "likely", 0, 1, 1, 1),
            ("T5", "redelivered", None, None, None, 0),
        ],
    ),
    (
        "unexpected_sign",
        """
        10:00:00 T1 ana SAR CREDIT 5 0 10 5 5 applied
        10:00:01 T2 ana SAR DEBIT 5 0 5 10 10 applied
        10:00:02 T3 ana SAR DEBIT -1.5 0 10 11.5 11.5 applied
        10:00:03 T4 ana SAR CREDIT 0 0 11.5 11.5 11.5 applied
        10:00:04 T5 ana SAR CREDIT 1 0 11.5 11.49 11.49 applied
        10:00:05 T6 ana SAR - 1 0 11.49 10.49 - applied
        """,
        [
            ("T1", "credit_lowers", 5, -5, -10, 10),
            ("T2", "debit_raises", -5, 5, 10, 10),
            ("T3", "negative_amount", None, -1.5, None, 0),
            ("T4", "zero_amount", None, 0, None, 0),
        ],
    ),
    (
        "wallet_mismatch",
        """
        10:00:00 T1 ana SAR CREDIT 5 0 10 15 15 applied wallet=wallet#bob
        10:00:01 T2 ana SAR CREDIT 5 0 15 20 20 applied wallet=wallet#ana
        10:00:02 T3 ana SAR CREDIT 5 0 20 25 25 applied wallet=ana
        10:00:03 T4 ana SAR CREDIT 5 0 25 30 30 applied
        10:00:04 T5 ana SAR CREDIT 5 0 30 35 35 blocked wallet=bob
        """,
        [("T1", None, None, None, None, 5), ("T5", None, None, None, None, 0)],
    ),
    (
        "currency_change",
        """
        10:00:00 T1 ana SAR CREDIT 5 0 10 15 15 applied
        10:00:01 T2 ana BHD CREDIT 5 0 0 5 5 applied
        10:00:02 T3 ana SAR CREDIT 5 0 15 20 20 applied
        10:00:03 T4 bob SAR CREDIT 5 0 15 20 20 applied
        """,
        [("T2", None, None, None, None, 0)],
    ),
    (
        "unusual_change",
        """
        10:00:00 T1 ana SAR DEBIT 90 0 2000 1910 1910 applied
        10:00:01 T2 ana SAR DEBIT 90 0 1910 1820 1820 applied
        10:00:02 T3 ana SAR DEBIT 95 0 1820 1725 1725 applied
        10:00:03 T4 ana SAR DEBIT 900 0 1725 825 825 applied
        10:00:04 T5 ana SAR DEBIT 90 0 825 735 735 applied
        10:00:05 T6 ana SAR CREDIT 3000 0 735 3735 3735 applied
        """,
        [("T4", None, -90, -900, -810, 0)],
    ),
    (
        "failed_sync",
        """
        10:00:00 T1 ana SAR DEBIT 5 0 10 5 5 failed message=M1
        10:00:30 T1 ana SAR DEBIT 5 0 10 5 5 failed message=M1
        10:01:00 T1 ana SAR DEBIT 5 0 10 5 5 applied message=M1
        10:02:00 T2 bob SAR CREDIT 6 1 10 15 15 failed message=M2
        10:02:30 T2 bob SAR CREDIT 6 1 10 15 15 failed message=M2
        10:03:00 T3 cid SAR DEBIT 7 0 5 -2 -2 failed message=M3
        10:03:30 T3 cid SAR DEBIT 7 0 5 -2 -2 blocked message=M3
        """,
        [
            ("T2", "never", 5, 0, -5, 5),
            ("T3", "refused", -7, 0, 7, 0),
            ("T1", "recovered", None, None, None, 0),
        ],
    ),
    (
        "error_spike",
        "\n".join(
            f"10:00:{second:02} T{day}{second} ana SAR DEBIT 1 0 9 8 9 applied error 8 9 "
            f"day=2024-02-{day:02}"
            for day, errors in enumerate((1, 0, 2, 1, 9, 0, 1, 2), 1)
            for second in range(errors)
        )
        + "\n10:00:00 T20 ana SAR DEBIT 1 0 9 8 8 applied day=2024-02-02"
        + "\n10:00:00 T60 ana SAR DEBIT 1 0 9 8 8 applied day=2024-02-06",
        [(None, "sync_errors", None, None, None, 0)],
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
    of_its_own = {"crashed_invocation"}
    assert {case[0] for case in CASES} | of_its_own == {check.id for check in built_in_checks()}


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
    found = {check["id"] for check in done.report.checks if check["findings"]}
    assert found == {"currency_change", "low_balance"}
    assert [row["logged"] for row in findings(done, "low_balance")] == [8]


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


def test_a_low_balance_says_when_it_was_last_seen(audit: Run, ledger: Make) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana BHD DEBIT 9 0 9 0 0 applied
        10:00:01 T2 bob BHD DEBIT 2 0 5 3 3 applied
        10:00:02 T3 cid BHD CREDIT 4 0 0 4 4 applied
        """)
    )
    (of,) = (one for one in done.report.findings if one.check.id == "low_balance")
    short, with_pace, without = (row["explanation"] for row in of.rows())
    assert short == (
        "The subscription balance of ana was BHD 0.000 on 2024-02-01 10:00:00 UTC, when it was last "
        "seen. It does not cover another day of deductions, which takes BHD 9.000 on average."
    )
    assert with_pace == (
        "The subscription balance of bob was BHD 3.000 on 2024-02-01 10:00:01 UTC, when it was last "
        "seen: below BHD 10.000. A day of deductions takes BHD 2.000 on average: the balance covers "
        "1.5 of them."
    )
    assert without == (
        "The subscription balance of cid was BHD 4.000 on 2024-02-01 10:00:02 UTC, when it was last "
        "seen: below BHD 10.000."
    )


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
        "lowest BHD -4.000, last seen at BHD -4.000 on 2024-02-01 10:00:01 UTC (transactions: 1)."
    )
    assert sentence(done, "out_of_sync") == (
        "The subscription balance of ana is BHD 1,102.000 and the payment balance BHD -4.000: a gap of "
        "BHD 1,106.000, open since transaction T1 (applied) of 2024-02-01 10:00:00 UTC (moves since: 1; last seen "
        "2024-02-01 10:00:01 UTC). No transaction before it tells both balances: the gap may be older."
    )


def test_every_finding_names_its_evidence(audit: Run, ledger: Make) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 9 0 5 -4 -4 applied wallet=bob")
    lines = text.split("\n")
    done = audit(text)
    seen: set[str] = set()
    for of in done.report.findings:
        for row in of.rows():
            seen.add(of.check.id)
            assert row["file"].endswith("/000000.gz")
            assert row["request_id"] in lines[row["first_line"] - 1]
            assert "Start syncing" in lines[row["first_line"] - 1]
    assert seen == {"overdraft", "payment_overdraft", "wallet_mismatch"}


def test_finding_ids_differ_and_stay(audit: Run, ledger: Make, findings: Find) -> None:
    text = ledger(CASES[3][1])
    first = [row["finding_id"] for row in findings(audit(text), "flow_break")]
    assert len(set(first)) == 4
    assert first == [row["finding_id"] for row in findings(audit(text), "flow_break")]


def crash(at: str, request: str, error: str) -> str:
    return (
        f"{at} START RequestId: {request} Version: $LATEST\n\n"
        f'{at} {at}\tundefined\tERROR\tUncaught Exception {{"errorMessage":"{error}"}}\n\n'
        f"{at} Unknown application error occurred\nRuntime.Unknown\n\n"
        f"{at} END RequestId: {request}\n\n"
    )


def test_crashes_are_grouped_by_their_error(audit: Run, findings: Find) -> None:
    at_init = "2024-02-01T13:00:00.000Z"
    done = audit(
        crash("2024-02-01T10:00:00.000Z", "r1", "no module")
        + crash("2024-02-01T11:00:00.000Z", "r2", "no memory")
        + crash("2024-02-01T12:00:00.000Z", "r3", "no module")
        + f'{at_init} {at_init}\tundefined\tERROR\tUncaught Exception {{"errorMessage":"no module"}}\n\n'
        + f"{at_init} INIT_REPORT Init Duration: 1.0 ms\tPhase: init\tStatus: error\tError Type: x\n\n"
    )
    found = [
        (row["cause"], row["error"], row["crashes"], row["at"].hour, row["last_at"].hour)
        for row in findings(done, "crashed_invocation")
    ]
    assert found == [
        ("run", "no module", 2, 10, 12),
        ("run", "no memory", 1, 11, 11),
        ("init", "no module", 1, 13, 13),
    ]
    assert sentence(done, "crashed_invocation") == (
        "The service crashed 2 times during a run, from 2024-02-01 10:00:00 UTC to "
        "2024-02-01 12:00:00 UTC, with: no module"
    )


def test_a_recovery_tells_how_long_it_took(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana SAR DEBIT 5 0 10 5 5 failed message=M1
        11:01:01 T1 ana SAR DEBIT 5 0 10 5 5 applied message=M1 day=2024-02-03
        """)
    )
    (row,) = findings(done, "failed_sync")
    assert row["recovered_seconds"] == 2 * 86_400 + 3_661
    assert sentence(done, "failed_sync") == (
        "Message M1 of ana failed 1 times and succeeded 176461 seconds after the first, on "
        "2024-02-03 11:01:01 UTC: TypeError: Cannot read 'x'."
    )


def test_a_spike_is_counted_and_named(audit: Run, ledger: Make, findings: Find) -> None:
    (entries,) = (entries for check, entries, _ in CASES if check == "error_spike")
    done = audit(ledger(entries))
    (row,) = findings(done, "error_spike")
    assert (row["errors"], row["usual"], row["threshold"]) == (9, 1, 6.2)
    assert row["first_line"] == row["last_line"] > 1
    by_sigma = audit(ledger(entries), settings=Settings(processes=1, checks_spike_method="sigma"))
    (row,) = findings(by_sigma, "error_spike")
    assert (row["errors"], row["usual"], row["threshold"]) == (9, 2, 7.9)


def test_a_posted_overdraft_tells_where_it_crossed_and_when_it_was_back(
    audit: Run, ledger: Make, findings: Find
) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied
        10:00:01 T2 ana SAR DEBIT 5 0 -40 -45 -45 applied
        10:00:02 T3 ana SAR CREDIT 45 0 -45 0 0 applied day=2024-02-04
        10:00:03 T4 bob SAR DEBIT 90 0 50 -40 -40 applied
        """)
    )
    of = next(one for one in done.report.findings if one.check.id == "overdraft")
    assert {row["transaction_id"]: row["explanation"].split(". ", 1)[1] for row in of.rows()} == {
        "T1": "It had been SAR 50.00 before. It was back at zero or above on 2024-02-04 10:00:02 UTC, 3 days later.",
        "T2": "It was back at zero or above on 2024-02-04 10:00:02 UTC, 3 days later.",
        "T4": "It had been SAR 50.00 before. The logs do not show it back at zero or above.",
    }
    assert {row["transaction_id"]: row["amount_at_risk"] for row in of.rows()} == {
        "T1": 0, "T2": 0, "T4": 40,
    }  # fmt: skip


def test_a_debt_is_at_risk_once(audit: Run, ledger: Make, findings: Find) -> None:
    """Each overdraft of a balance below zero contains those before it."""
    done = audit(
        ledger("""
        10:00:00 T1 ana SAR DEBIT 10 0 5 -5 -5 applied
        10:00:01 T2 ana SAR DEBIT 10 0 -5 -15 -15 applied
        10:00:02 T3 ana SAR CREDIT 4 0 -15 -11 -11 applied
        """)
    )
    rows = findings(done, "overdraft")
    assert {row["transaction_id"]: row["amount_at_risk"] for row in rows} == {
        "T1": 0, "T2": 0, "T3": 11,
    }  # fmt: skip


def test_an_unseen_change_names_what_lies_in_between(
    audit: Run, ledger: Make, message: Make, findings: Find
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 10 0 100 90 90 applied
        10:00:02 T2 ana SAR DEBIT 10 0 70 60 60 applied
        10:00:00 T3 bob SAR DEBIT 10 0 100 90 90 applied
        10:00:09 T4 bob SAR DEBIT 10 0 70 60 60 applied
        10:00:08 T5 cid SAR DEBIT 10 0 70 60 60 applied
        10:00:09 T6 cid SAR DEBIT 10 0 40 30 30 applied
    """)
    text += message("10:00:01", "blocked-one", "blocked", "ana", "90", "T9")
    text += message("10:00:03", "skipped-one", "skipped")
    text += message("10:00:04", "skipped-two", "skipped")
    rows = {row["transaction_id"]: row for row in findings(audit(text), "flow_break")}
    assert {name: (row["stopped_message_id"], row["skipped_between"]) for name, row in rows.items()} == {
        "T2": ("blocked-one", 0), "T4": (None, 2), "T6": (None, 0),
    }  # fmt: skip
    assert (
        rows["T2"]["hint"]
        == "In between, message blocked-one of the subscriber came to nothing (blocked)."
    )
    assert rows["T4"]["hint"] == "Skipped messages in between, of whichever subscriber: 2."
    assert rows["T6"]["hint"] is None


def test_a_blocked_message_without_its_transaction_is_found(
    audit: Run, ledger: Make, message: Make, findings: Find
) -> None:
    text = ledger("10:00:00 T1 ana SAR DEBIT 10 0 100 90 90 applied")
    text += message("10:00:01", "for-ana", "blocked", "ana", "7.5", "T9")
    text += message("10:00:02", "for-bob", "blocked", "bob", "7.5", "T9")
    rows = findings(audit(text), "blocked_overdraft")
    assert [
        (row["cause"], row["severity"], row["subscriber_id"], row["currency"], row["currency_note"])
        for row in rows
    ] == [
        ("not_logged", "medium", "ana", "SAR", "The currency is that of the subscriber's other transactions."),
        ("not_logged", "medium", "bob", None, "Its currency is not known."),
    ]  # fmt: skip
    assert {(row["transaction_id"], row["current_balance"]) for row in rows} == {("T9", 7.5)}


def test_the_history_of_a_gap_adds_up_to_it(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(
        ledger("""
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 7 applied
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 8 applied
        10:00:02 T3 ana BHD DEBIT 1 0 8 7 4 applied
        10:00:03 T4 ana BHD DEBIT 1 0 7 6 2.9995 applied
        10:00:04 T5 ana BHD DEBIT 1 0 6 5 1 applied
        """)
    )
    moves = done.sql("SELECT cause, episode, move FROM gap_moves ORDER BY position").to_pylist()
    assert [tuple(move.values()) for move in moves] == [
        ("opened", 1, 2), ("closed", 1, -2),
        ("opened", 2, 3), ("drift", 2, Decimal("0.0005")), ("moved", 2, Decimal("0.9995")),
    ]  # fmt: skip
    (gap,) = findings(done, "out_of_sync")
    assert sum(move["move"] for move in moves if move["episode"] == 2) == gap["difference"]
    assert gap["changes"] == 1


def test_what_is_not_known_leaves_its_part_of_a_sentence_out() -> None:
    check = replace(
        built_in_checks()[0],
        explanations={"": "It is {amount}[ of {who}]. [Since {since}.] [By {who}.] End."},
    )
    row = {"cause": None, "currency": "SAR", "amount": Decimal(1), "who": None, "since": "May [x]"}
    assert explain(check, row, Currencies()) == "It is SAR 1.00. Since May [x]. End."


PLAIN = {
    "abs", "avg", "cast", "coalesce", "concat", "count", "date", "decimal", "distinct", "exists", "extract",
    "first_value", "greatest", "in", "lag", "lead", "max", "median", "min", "over", "round", "row_number",
    "sqrt", "stddev_samp", "sum", "var_pop", "varchar",
}  # fmt: skip
"""Functions, and words before a parenthesis, that DuckDB and Spark share."""


@pytest.mark.parametrize(
    "path", sorted((Path(trueup.__file__).parent / "checks").rglob("*.sql")), ids=str
)
def test_the_sql_stays_in_the_subset_that_other_engines_run(path: Path) -> None:
    text = re.sub(r"--.*|'[^']*'", "", path.read_text())
    called = {name.lower() for name in re.findall(r"(\w+)\s?\(", text)}
    assert (
        called - PLAIN - {"as", "and", "or", "from", "where", "when", "by", "then", "join"} == set()
    )
    for word in ("QUALIFY", "EXCLUDE", "::", "ASOF", "PIVOT", "USING"):
        assert word not in text, word


@pytest.mark.parametrize("check", built_in_checks(), ids=lambda check: check.id)
def test_the_catalogue_is_complete(check: Any) -> None:
    assert check.question.endswith("?")
    for text in (check.why, check.do, *check.explanations.values()):
        assert text.endswith((".", ".]", "}]", "with: {error}"))
    assert set(check.explanations) - {""} <= set(check.severities)
    assert set(check.advices) <= {"", *check.severities}
    assert all(": " in advice for advice in check.advices.values())


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
