"""A subscriber's row: each rule at its edges, and the same figures in every format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

import trueup
from trueup.checks import built_in_checks
from trueup.config import Settings
from trueup.reports.columns import look
from trueup.reports.subscribers import COLUMNS
from trueup.sample import write_sample

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Row = dict[str, Any]

PARTS = {"risk_gap": 40, "risk_overdraft": 25, "risk_errors": 20, "risk_findings": 15}


def rows(done: trueup.Audit) -> dict[str, Row]:
    """The rows by `subscriber/currency`."""
    return {f"{row['subscriber_id']}/{row['currency']}": row for row in done.report.subscribers()}


def only(done: trueup.Audit) -> Row:
    (row,) = rows(done).values()
    return row


def risk(row: Row) -> tuple[int, ...]:
    return tuple(row[name] for name in PARTS)


def settled(balances: Sequence[int]) -> str:
    """A ledger of one subscriber with these balances after its transactions."""
    return "\n".join(
        f"10:00:{n:02} T{n} ana SAR DEBIT 0 0 {balance} {balance} {balance} applied"
        for n, balance in enumerate(balances)
    )


@pytest.mark.parametrize(
    ("days", "activity"),
    [
        ([0], "rare"),
        ([0, 1], "daily"),
        ([0, 1, 3], "daily"),  # 1.5 days
        ([0, 1, 3, 5], "weekly"),
        ([0, 10], "weekly"),
        ([0, 11], "monthly"),
        ([0, 45], "monthly"),
        ([0, 46], "rare"),
    ],
)
def test_activity(audit: Run, ledger: Make, days: list[int], activity: str) -> None:
    text = "".join(
        ledger(
            f"00:00:00 T{day} ana SAR DEBIT 1 0 9 8 8 applied\n"
            f"23:59:59 U{day} ana SAR DEBIT 1 0 8 7 7 applied",
            str(date(2024, 2, 1) + timedelta(day)),
        )
        for day in days
    )
    row = only(audit(text))
    assert (row["active_days"], row["activity"]) == (len(days), activity)


@pytest.mark.parametrize(
    ("balances", "spread", "stability"),
    [
        ([100, 100, 100, 100], None, "too_few"),
        ([100, 100, 100, 100, 100], 0, "stable"),
        ([0, 0, 0, 0, 0], 0, "stable"),
        ([80, 90, 100, 115, 115], 25, "stable"),
        ([116, 116, 98, 90, 80], 26, "moving"),
        ([0, 50, 150, 150, 150], 100, "moving"),
        ([0, 49, 150, 150, 151], 101, "volatile"),
        ([-100, -100, 100, 100, 100], 200, "volatile"),
        ([100, 100, 5000, 100, 100], 0, "stable"),  # one strange balance decides nothing
    ],
)
def test_stability(
    audit: Run, ledger: Make, balances: list[int], spread: int | None, stability: str
) -> None:
    row = only(audit(ledger(settled(balances))))
    assert (row["balance_spread"], row["stability"]) == (spread, stability)


def test_unknown_balances_are_no_values(audit: Run, ledger: Make) -> None:
    unknown = "\n".join(f"11:00:0{n} U{n} ana SAR DEBIT 9 0 9 0 - -" for n in range(3))
    row = only(audit(ledger(settled([7, 7, 7, 7]) + "\n" + unknown)))
    assert (row["transactions"], row["balance_spread"], row["stability"]) == (7, None, "too_few")


ERRORS = """
    10:00:00 A1 ana SAR DEBIT 10 0 100 90 90 applied
    10:00:01 A2 ana SAR DEBIT 10 0 90 80 70 applied
    10:00:02 A3 ana SAR DEBIT 10 0 80 70 60 applied error 70 60
    10:00:03 A4 ana SAR DEBIT 10 0 70 60 60 applied
    10:00:04 A5 ana SAR DEBIT 0 0 60 60 60 applied error 60 60
    10:00:05 B1 bob SAR DEBIT 10 0 20 10 12 applied error 10 12
    10:00:06 C1 cid SAR DEBIT 1 0 11 10 10 applied
    10:00:07 C2 cid SAR DEBIT 15 0 10 -5 -5 blocked error 10 -5
    10:00:08 D1 dan SAR DEBIT 1 0 11 10 - - error NaN 10
    10:00:09 E1 eve SAR DEBIT 1 0 11 10 10 applied
"""


def errors(row: Row) -> tuple[Any, ...]:
    return tuple(
        f"{row[name]:%S}" if isinstance(row[name], datetime) else row[name]
        for which in ("first", "last")
        for name in (f"{which}_error_at", f"{which}_error_cause", f"{which}_error_action")
    )


def test_causes_of_sync_errors(audit: Run, ledger: Make) -> None:
    of = rows(audit(ledger(ERRORS)))
    assert [row["sync_errors"] for row in of.values()] == [2, 1, 1, 1, 0]
    assert errors(of["ana/SAR"]) == ("02", "opened_by_applied", "TEST", "04", "false_alarm", None)
    assert errors(of["bob/SAR"]) == ("05", "open_from_start", None) * 2
    assert errors(of["cid/SAR"]) == ("07", "opened_by_blocked", "TEST") * 2
    assert errors(of["dan/SAR"]) == ("08", "unknown", None) * 2
    assert errors(of["eve/SAR"]) == (None,) * 6


def test_a_cause_is_what_opened_the_gap_of_that_moment(audit: Run, ledger: Make) -> None:
    text = """
        10:00:00 T1 ana SAR DEBIT 5 0 25 20 10 applied error 20 10
        10:00:01 T2 ana SAR DEBIT 5 0 20 15 15 applied
        10:00:02 T3 ana SAR DEBIT 5 0 15 10 5 skipped
        10:00:03 T4 ana BHD DEBIT 5 0 15 10 7 applied
        10:00:04 T5 ana SAR DEBIT 5 0 15 10 5 applied error 10 5
        10:00:05 T6 ana SAR DEBIT 1 0 10 9 5 applied error 9 5
    """
    row = rows(audit(ledger(text)))["ana/SAR"]
    assert errors(row) == ("00", "open_from_start", None, "05", "opened_by_skipped", "TEST")


def test_the_window_bounds_the_errors_but_not_their_causes(audit: Run, ledger: Make) -> None:
    row = rows(audit(ledger(ERRORS), since="2024-02-01T10:00:02", until="2024-02-01T10:00:04"))[
        "ana/SAR"
    ]
    assert (row["transactions"], row["sync_errors"], row["loss_debits"]) == (2, 1, 10)
    assert errors(row) == ("02", "opened_by_applied", "TEST") * 2
    before = rows(audit(ledger(ERRORS), until="2024-02-01T10:00:02"))["ana/SAR"]
    assert (before["sync_errors"], before["loss_debits"]) == (0, 0)
    assert errors(before) == (None,) * 6


def test_losses_count_one_gap_at_every_error(audit: Run, ledger: Make) -> None:
    text = """
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 8.877 applied error 9 8.877
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 7.877 applied error 8 7.877
        10:00:02 T3 ana BHD CREDIT 1 0 8 9 8.877 applied error 8.877 9
        10:00:03 T4 ana BHD - 0 0 9 9 8.877 applied error 9 8.877
        10:00:04 T5 ana BHD DEBIT 1 0 9 8 7.877 applied
        10:00:05 T6 ana SAR DEBIT 1 0 9 8 7 applied error 8 7
        10:00:06 T7 ana SAR DEBIT 1 0 8 7 6 applied error NaN 6
    """
    of = rows(audit(ledger(text)))
    bhd, sar = of["ana/BHD"], of["ana/SAR"]
    assert (bhd["loss_credits"], bhd["loss_debits"]) == (Decimal("0.123"), Decimal("0.246"))
    assert (bhd["gap_at_end"], bhd["sync_errors"]) == (Decimal("0.123"), 4)
    assert (sar["loss_credits"], sar["loss_debits"], sar["sync_errors"]) == (0, 1, 2)


@pytest.mark.parametrize(
    ("amount", "payment", "part"),
    [
        (100, 50, 40),  # half of what moved
        (100, 75, 20),
        (100, 99, 1),
        (100, "99.95", 1),
        (100, "99.99", 0),  # within a minor unit: no gap
        (100, 900, 40),
        (-100, 75, 20),
        (0, 99, 40),
        ("NaN", 99, 40),
        (100, "-", 0),
    ],
)
def test_risk_of_a_gap(
    audit: Run, ledger: Make, amount: object, payment: object, part: int
) -> None:
    row = only(audit(ledger(f"10:00:00 T1 ana SAR DEBIT {amount} 0 200 100 {payment} applied")))
    assert row["risk_gap"] == part


def test_a_gap_is_measured_alike_in_every_window(audit: Run, ledger: Make) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 60 0 200 140 130 applied
        10:00:01 T2 ana SAR DEBIT 40 0 140 100 90 applied
    """)
    whole = only(audit(text))
    part = only(audit(text, since="2024-02-01T10:00:01"))
    after = only(audit(text, since="2024-02-02"))
    assert [row["risk_gap"] for row in (whole, part, after)] == [8, 8, 8]
    assert only(audit(text, until="2024-02-01T10:00:01"))["risk_gap"] == 13
    assert (after["transactions"], after["activity"], after["active_days"]) == (0, "none", 0)
    assert (after["stability"], after["balance_spread"], after["sync_errors"]) == (
        "too_few",
        None,
        0,
    )
    assert (after["risk_score"], after["loss_debits"]) == (8, 0)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied", 25),
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 - applied", 25),
        ("10:00:00 T1 ana SAR DEBIT 10 0 50 40 -1 applied", 25),
        (
            """
            10:00:00 T1 ana SAR DEBIT 90 0 50 -40 - applied
            10:00:01 T2 ana SAR CREDIT 40 0 -40 0 - applied
            """,
            15,
        ),
        (
            """
            10:00:00 T1 ana SAR DEBIT 10 0 50 40 -1 applied
            10:00:01 T2 ana SAR CREDIT 10 0 40 50 9 applied
            """,
            15,
        ),
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 - -", 15),
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 - blocked", 5),
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 - failed", 5),
        ("10:00:00 T1 ana SAR DEBIT 50 0 50 0 0 applied", 0),
        ("10:00:00 T1 ana SAR DEBIT 90 0 50 40 40 applied", 0),
    ],
)
def test_risk_of_an_overdraft(audit: Run, ledger: Make, text: str, part: int) -> None:
    assert only(audit(ledger(text)))["risk_overdraft"] == part


def test_a_stopped_message_counts_where_its_transaction_was_not_logged(
    audit: Run, ledger: Make
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 1 0 50 49 49 applied
        10:00:01 T2 ana SAR DEBIT 90 0 49 -41 - blocked
    """)
    start = text.index("Start syncing the balance", text.index("Processing message m2"))
    end = text.index("}\n}", start) + 3
    row = only(audit(text[:start] + "Looking" + text[end:]))
    assert (row["transactions"], row["risk_overdraft"]) == (1, 5)


@pytest.mark.parametrize(
    ("bad", "good", "part"), [(0, 3, 0), (1, 0, 20), (1, 1, 10), (1, 3, 5), (1, 49, 1)]
)
@pytest.mark.parametrize("ending", ["failed", "applied error 1 9", "failed error 1 9"])
def test_risk_of_errors(
    audit: Run, ledger: Make, bad: int, good: int, part: int, ending: str
) -> None:
    lines = [ending] * bad + ["applied"] * good
    text = "\n".join(
        f"10:00:{n:02} T{n} ana SAR DEBIT 0 0 9 9 9 {line}" for n, line in enumerate(lines)
    )
    assert only(audit(ledger(text)))["risk_errors"] == part


@pytest.mark.parametrize(("wrong", "part"), [(0, 0), (1, 5), (3, 15), (4, 15)])
def test_risk_of_other_findings(audit: Run, ledger: Make, wrong: int, part: int) -> None:
    text = "\n".join(
        f"1{n}:00:00 T{n} ana SAR DEBIT 3 {1 if n < wrong else 0} {90 - 3 * n} {87 - 3 * n} - applied"
        for n in range(5)
    )
    row = only(audit(ledger(text)))
    assert row["findings"].get("mismatch", 0) == wrong
    assert risk(row) == (0, 0, 0, part)


def test_no_currency_counts_for_another(audit: Run, ledger: Make) -> None:
    text = """
        10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -50 applied error -40 -50
        10:00:01 T2 ana BHD DEBIT 5 0 50 45 45 applied
    """
    of = rows(audit(ledger(text)))
    assert risk(of["ana/SAR"]) == (9, 25, 20, 0)
    assert risk(of["ana/BHD"]) == (0, 0, 0, 0)


RISKY = """
    10:00:00 T1 ana SAR DEBIT 10 1 50 40 40 applied
    10:00:01 T2 ana SAR DEBIT 10 0 40 30 -1 applied
"""


def test_what_is_switched_off_adds_nothing(audit: Run, ledger: Make) -> None:
    def without(*names: str) -> Row:
        return only(audit(ledger(RISKY), settings=Settings(processes=1, checks_off=names)))

    assert risk(without()) == (40, 25, 0, 5)
    assert risk(without("out_of_sync")) == (0, 25, 0, 5)
    assert risk(without("overdraft", "payment_overdraft")) == (40, 0, 0, 5)
    assert risk(without("mismatch")) == (40, 25, 0, 0)
    nothing = without(*(check.id for check in built_in_checks()))
    assert (nothing["risk_score"], nothing["gap_at_end"], nothing["findings"]) == (0, 31, {})


def test_what_is_accepted_adds_nothing(audit: Run, ledger: Make, tmp_path: Path) -> None:
    names = ("out_of_sync", "payment_overdraft", "mismatch")
    first = audit(ledger(RISKY))
    identities = [first.findings(name).to_pylist()[0]["finding_id"] for name in names]
    known = tmp_path / "accepted.csv"
    for count, expected in enumerate([(40, 25, 0, 5), (0, 25, 0, 5), (0, 0, 0, 5), (0, 0, 0, 0)]):
        lines = [f"{identity},lea,2024-03-01,known" for identity in identities[:count]]
        known.write_text("\n".join(["finding_id,who,when,why", *lines]))
        settings = Settings(processes=1, checks_accepted=str(known))
        assert risk(only(audit(ledger(RISKY), settings=settings))) == expected


def test_a_severity_of_the_settings_counts(audit: Run, ledger: Make) -> None:
    settings = Settings(processes=1, checks_severity={"mismatch": "medium"})
    assert risk(only(audit(ledger(RISKY), settings=settings))) == (40, 25, 0, 0)


AMOUNTS = st.sampled_from(["0", "1", "-7.5", "40", "0.005", "NaN", "999999999999", "100"])
LINES = st.tuples(
    st.sampled_from(["ana", "bob"]),
    st.sampled_from(["SAR", "BHD"]),
    st.sampled_from(["DEBIT", "CREDIT", "-"]),
    AMOUNTS,
    st.just("0"),
    AMOUNTS,
    AMOUNTS,
    st.one_of(AMOUNTS, st.just("-")),
    st.sampled_from(["applied", "blocked", "already_synced", "skipped", "failed", "-"]),
    st.one_of(st.just(""), st.tuples(st.just("error"), AMOUNTS, AMOUNTS).map(" ".join)),
).map(" ".join)


@given(st.lists(LINES, min_size=1, max_size=9))
@example_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_score_is_the_sum_of_its_parts(audit: Run, ledger: Make, lines: list[str]) -> None:
    text = "\n".join(f"10:00:0{n} T{n} {line}" for n, line in enumerate(lines))
    with audit(ledger(text)) as done:
        for row in rows(done).values():
            assert row["risk_score"] == sum(risk(row))
            assert 0 <= row["risk_score"] <= 100
            assert all(0 <= row[name] <= most for name, most in PARTS.items())


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subscribers")
    write_sample(folder / "logs", subscribers=40, days=40, seed=5)
    with trueup.audit(folder / "logs") as done:
        assert done.table("subscribers").column_names == [column.name for column in COLUMNS]
        done.write(folder / "out", ["json", "csv", "xlsx"])
    return folder / "out"


def test_every_column_is_the_same_in_every_format(
    out: Path, table_of: Callable[[Any], list[dict[str, Any]]]
) -> None:
    in_json = json.loads((out / "report.json").read_text())["subscribers"]
    with (out / "subscribers.csv").open(newline="") as file:
        in_csv = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook(out / "report.xlsx")["Subscribers"]
    in_sheet = table_of(sheet)
    header = [cell.value for cell in sheet[sheet.max_row - len(in_sheet)]]
    assert len(set(header)) == len(header)
    assert len({row["risk_score"] for row in in_json}) > 1
    for of, line, cell in zip(in_json, in_csv, in_sheet, strict=True):
        assert list(of) == [*(column.name for column in COLUMNS), "findings"]
        for column in COLUMNS:
            value, shown = of[column.name], cell[look(column.name).title]
            assert line[column.name] == ("" if value is None else str(value)), column.name
            if value is None:
                assert shown is None, column.name
            elif column.type == "time":
                assert abs(shown - datetime.fromisoformat(value[:-1])) < timedelta(milliseconds=2)
            elif column.type in {"money", "difference"}:
                assert Decimal(repr(shown)) == Decimal(value), column.name
            else:
                assert shown == value, column.name


def test_the_sheet_prints_its_key_figures(out: Path) -> None:
    sheet = openpyxl.load_workbook(out / "report.xlsx")["Subscribers"]
    assert sheet.print_area == f"'Subscribers'!$A$1:$L${sheet.max_row}"
    top = int(sheet.auto_filter.ref.split(":")[0].removeprefix("A"))
    assert sheet.print_title_rows == f"${top}:${top}"
    assert [cell.value for cell in sheet[top]][:4] == [
        "Subscriber", "Currency", "Risk (of 100)", "Gap at the end",
    ]  # fmt: skip
