"""The reports: complete, equal in every total, and safe whatever the logs say."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import trueup
from trueup.checks.catalogue import built_in_checks
from trueup.config import FORMATS, Settings
from trueup.errors import BadUse
from trueup.reports import csv_report
from trueup.reports.csv_report import harmless
from trueup.reports.files import written_beside
from trueup.reports.terminal import summary_text
from trueup.reports.workbook.cells import CELL_CHARACTERS
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Contents = Callable[[Path], dict[str, str]]
Table = Callable[[Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    write_sample(folder / "logs", subscribers=40, days=40, seed=5)
    settings = Settings(processes=1)
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        audit.write(folder / "out", FORMATS)
    return folder / "out"


@pytest.fixture(scope="module")
def report(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "report.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def book(out: Path) -> Any:
    return openpyxl.load_workbook(out / "report.xlsx")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_no_recommendation_is_left_out(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    checks = {check.id: check for check in built_in_checks()}
    found = {(one["check"], one["cause"], one["severity"]) for one in report["findings"]}
    made = [(one["check"], one["cause"], one["severity"]) for one in report["recommendations"]]
    assert len(made) == len(set(made)) > 10
    assert set(made) == {one for one in found if checks[one[0]].advice_of(one[1])}


def test_transactions_are_equal_in_every_format(
    out: Path, report: dict[str, Any], book: Any, table_of: Table
) -> None:
    listed = rows_of(out / "transactions.csv")
    cells = table_of(book["Transactions"])
    assert len(listed) == len(cells) == report["counts"]["transactions"]
    for currency, figures in report["currencies"].items():
        for side, kind in (("credits", "CREDIT"), ("debits", "DEBIT")):
            in_csv = sum(
                Decimal(row["amount"])
                for row in listed
                if row["currency"] == currency and row["type"] == kind
            )
            in_cells = sum(
                Decimal(repr(row["Amount (with VAT)"]))
                for row in cells
                if row["Currency"] == currency and row["Type"] == kind
            )
            assert in_csv == in_cells == Decimal(figures[side]), (currency, side)


def test_csv_files_bear_a_mark_for_excel_if_asked(audit: Run, ledger: Make, tmp_path: Path) -> None:
    text = ledger("10:00:00 T1 \u00e4na BHD CREDIT 5 0 5 10 10 applied")
    audit(text).write(tmp_path / "plain", ["csv"])
    audit(text, settings=Settings(processes=1, csv_bom=True)).write(tmp_path / "marked", ["csv"])
    files = sorted((tmp_path / "plain").glob("*.csv"))
    assert len(files) == 4
    for path in files:
        marked = (tmp_path / "marked" / path.name).read_bytes()
        assert marked == b"\xef\xbb\xbf" + path.read_bytes()
        assert marked.count(b"\xef\xbb\xbf") == 1


def test_every_cell_of_a_transaction_is_the_text_of_its_value(
    audit: Run, ledger: Make, tmp_path: Path
) -> None:
    """DuckDB makes the lines of transactions.csv; Python makes those of the other files."""
    text = ledger("""
        10:00:00 T1 ana BHD CREDIT 1100.5 0.0005 -5 1105.123456 -0.5 applied
        10:00:01 T2 =1 SAR DEBIT 3 0.1 1105.10 1102.123 -4 applied error 1 2
        10:00:02 T3 bob JPY - 100 0 7 1000000 - skipped
        10:00:03 T4 b"o,b XXX DEBIT 0.10 0 NaN 0.000001 0 -
    """)
    done = audit(text)
    done.write(tmp_path, ["csv"])
    listed = rows_of(tmp_path / "transactions.csv")
    values = [row for batch in done.report.transactions() for row in batch.to_pylist()]
    assert len(listed) == 4
    for cells, row in zip(listed, values, strict=True):
        for name, value in row.items():
            cell = csv_report._cell(value, row["currency"], done.report.money)
            assert cells[name] == ("" if cell is None else str(cell)), name


def test_findings_are_equal_in_every_format(
    out: Path, report: dict[str, Any], book: Any, table_of: Table
) -> None:
    listed = rows_of(out / "findings.csv")
    ranks = [("high", "medium", "low", "info").index(row["severity"]) for row in listed]
    assert ranks == sorted(ranks)
    assert [row["finding_id"] for row in listed] == [f["finding_id"] for f in report["findings"]]
    assert [row["explanation"] for row in listed] == [f["explanation"] for f in report["findings"]]
    assert {"out_of_sync", "low_balance"} <= set(book.sheetnames)
    for check in report["checks"]:
        of = [finding for finding in report["findings"] if finding["check"] == check["id"]]
        assert len(of) == check["findings"]
        if not of:
            assert check["id"] not in book.sheetnames
            continue
        cells = table_of(book[check["id"]])
        assert [row["Finding"] for row in cells] == [finding["finding_id"] for finding in of]
        at_risk: dict[str, Decimal] = defaultdict(Decimal)
        for row in cells:
            at_risk[row["Currency"] or ""] += Decimal(repr(row["At risk"]))
        assert at_risk == {
            name: Decimal(figures["amount_at_risk"])
            for name, figures in check["by_currency"].items()
        }


def test_subscribers_are_equal_in_every_format(
    out: Path, report: dict[str, Any], book: Any, table_of: Table
) -> None:
    listed = rows_of(out / "subscribers.csv")
    cells = table_of(book["Subscribers"])
    assert len(listed) == len(cells) == len(report["subscribers"])
    for row, cell, of in zip(listed, cells, report["subscribers"], strict=True):
        assert row["subscriber_id"] == cell["Subscriber"] == of["subscriber_id"]
        assert Decimal(row["credits"]) == Decimal(repr(cell["Credits"])) == Decimal(of["credits"])
        assert (row["gap_at_end"] or None) == of["gap_at_end"]
        assert {c["id"]: int(row[c["id"]]) for c in report["checks"] if int(row[c["id"]])} == of[
            "findings"
        ]


def test_kinds_are_equal_in_every_format(
    out: Path, report: dict[str, Any], book: Any, table_of: Table
) -> None:
    listed = {row["kind"]: int(row["entries"]) for row in rows_of(out / "entry_kinds.csv")}
    cells = {row["Kind of entry"]: row["Entries"] for row in table_of(book["Log contents"])}
    assert listed == cells == report["entry_kinds"]
    assert sum(listed.values()) == report["counts"]["entries"]


def test_json_keeps_its_contract(report: dict[str, Any]) -> None:
    assert report["schema"] == "trueup.report/1"
    assert report["trueup_version"] == trueup.__version__
    assert report["generated_at"] == "2024-05-01T00:00:00.000Z"
    assert set(report) >= {
        "inputs", "period", "counts", "entry_kinds", "outcomes", "currencies", "checks",
        "findings", "subscribers", "operations", "recommendations",
    }  # fmt: skip
    assert set(report["inputs"]) >= {"files", "bytes", "unpacked_bytes", "rejected", "problems"}
    assert set(report["operations"]) == {
        "invocations_by_status", "crashes_at_init", "cold_starts", "duration_ms", "billed_ms",
        "memory_mb", "memory_used_mb",
    }  # fmt: skip
    for finding in report["findings"]:
        assert set(finding["evidence"]) == {"file", "first_line", "last_line", "request_id"}
        assert isinstance(finding["amount_at_risk"], str), finding
        sums = finding["difference"], finding["logged"], finding["expected"]
        if None not in sums:
            difference, logged, expected = map(Decimal, sums)
            assert difference == logged - expected
        if finding["check"] == "out_of_sync":
            moves = [Decimal(move["move"]) for move in finding["history"]]
            assert sum(moves) == Decimal(finding["difference"])


def test_no_personal_data_leaves_the_books(out: Path, contents: Contents) -> None:
    read = contents(out)
    assert {Path(name).suffix for name in read} >= {".xlsx", ".json", ".csv", ".parquet"}
    assert "tables/contacts.parquet" not in read
    for name, text in read.items():
        for personal in ("@example.com", "phoneNumber", 'walletId"'):
            assert personal not in text, name


HOSTILE = [
    "=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "<script>alert(1)</script>", "x" * 40_000,
    "a\\x00b\\x07c", "\u202eright\u202c", "\N{PILE OF POO}", "_x0041_", "\\ud800", '","', "a\\nb",
    "<r><t>spoilt</r>", "a&b<c>",
]  # fmt: skip


def test_hostile_text_leaves_every_report_intact(
    audit: Run, ledger: Make, tmp_path: Path, table_of: Table
) -> None:
    text = "".join(
        ledger("10:00:00 TX who SAR DEBIT 90 0 50 -40 -40 applied", f"2024-02-{day + 1:02}")
        .replace("'who'", f"'{hostile}'")
        .replace("'TX'", f"'{hostile}'")
        .replace("'PAYMENT'", f"'{hostile}'")
        for day, hostile in enumerate(HOSTILE)
    )
    done = audit(text)
    done.write(tmp_path / "out", FORMATS)
    loaded = json.loads((tmp_path / "out" / "report.json").read_text())
    assert loaded["counts"]["transactions"] == len(HOSTILE)
    listed = rows_of(tmp_path / "out" / "transactions.csv")
    assert len(listed) == len(HOSTILE)
    assert listed[0]["source"] == "'=HYPERLINK(1)"
    assert listed[1]["source"] == "'+1+1"
    assert listed[2]["source"] == "'-2+3"
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
    sources = [row["Source"] for row in table_of(book["Transactions"])]
    assert sources[0] == "=HYPERLINK(1)"
    assert len(sources[5]) == CELL_CHARACTERS
    assert sources[5].endswith(" [cut]")
    assert sources[6] == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert sources[13:] == ["<r><t>spoilt</r>", "a&b<c>"]
    # Written escaped, as Excel's format asks; openpyxl shows the escape.
    assert sources[9].replace("_x005F_", "_") == "_x0041_"


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("the old one")

    def write_half() -> None:
        with written_beside(target) as path:
            path.write_text("half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    assert target.read_text() == "the old one"


def test_logs_without_transactions_make_a_report(audit: Run, tmp_path: Path) -> None:
    done = audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n")
    done.write(tmp_path / "out", FORMATS)
    loaded = json.loads((tmp_path / "out" / "report.json").read_text())
    assert loaded["counts"]["transactions"] == 0
    assert loaded["currencies"] == {}
    assert loaded["operations"]["duration_ms"] == {
        "p50": None,
        "p95": None,
        "p99": None,
        "max": None,
    }


def test_the_api(audit: Run, ledger: Make) -> None:
    done = audit(ledger("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied"))
    assert done.sql("select currency, count(*) as n from transactions group by 1").to_pylist() == [
        {"currency": "SAR", "n": 1}
    ]
    assert done.sql("select ? as x", ["y"]).to_pylist() == [{"x": "y"}]
    assert done.findings("overdraft").to_pandas()["cause"].tolist() == ["posted"]
    with pytest.raises(BadUse, match="no such check: nothing"):
        done.findings("nothing")
    with pytest.raises(BadUse, match="since: not a date"):
        audit("", since="yesterday")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_could_be_a_formula_gets_a_quote(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"a{text}") == f"a{text}"


def test_the_largest_finding_of_all_currencies_is_first(audit: Run, ledger: Make) -> None:
    """Not the first currency of the alphabet: sums count by what is usual in their currency."""
    text = ledger("""
        10:00:00 T1 ana AED CREDIT 1000 0 0 1010 1010 applied
        10:00:01 T2 bob SAR CREDIT 4 0 0 5 5 applied
        10:00:02 T3 cid SAR CREDIT 2 0 0 5 5 applied
        10:00:03 T4 dan AED CREDIT 1000 0 0 1500 1500 applied
    """)
    rows = audit(text).findings("mismatch").to_pylist()
    assert [row["subscriber_id"] for row in rows] == ["cid", "dan", "bob", "ana"]


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (None, None, None),
        ("2024-02-01", None, "from 2024-02-01 00:00 UTC; what came before counts for the opening balances"),
        (
            "2024-01-01",
            "2024-01-02",
            "from 2024-01-01 00:00 until 2024-01-02 00:00 UTC (no entry of the logs); what came before counts for the opening balances; balances and gaps are those at the end of it",
        ),
        ("2024-02-02", None, "from 2024-02-02 00:00 UTC (no entry of the logs); what came before counts for the opening balances"),
    ],
)  # fmt: skip
def test_what_is_shown_is_said_in_every_report(
    audit: Run, ledger: Make, tmp_path: Path, since: str | None, until: str | None, said: str | None
) -> None:
    done = audit(ledger("10:00:00 T1 ana BHD CREDIT 5 0 0 5 5 applied"), since=since, until=until)
    done.write(tmp_path / "out", ["html", "xlsx"])
    page = " ".join((tmp_path / "out" / "report.html").read_text().split())
    start = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")["Start here"]
    cells = [cell.value for row in start.iter_rows() for cell in row if cell.value]
    text = " ".join(summary_text(done.report, []).split())
    if said is None:
        assert "Shown" not in text
        assert not [cell for cell in cells if str(cell).startswith("Shown is")]
        return
    assert f"Shown {said}" in text
    assert f"Shown is what happened {said}." in page
    assert f"Shown is what happened {said}." in cells
