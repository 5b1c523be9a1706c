"""The workbook: its order, its links, its charts, its glossary, and figures equal to the report's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils import range_boundaries

import trueup
from trueup.checks import built_in_checks
from trueup.config import Settings
from trueup.reports.columns import LOOKS, in_currency, look
from trueup.reports.workbook import pages
from trueup.reports.workbook.findings import sheet_of
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Table = Callable[[Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, trueup.Audit]]:
    folder = tmp_path_factory.mktemp("workbook")
    write_sample(folder / "logs", subscribers=60, days=40, seed=5)
    settings = Settings(processes=1)
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        audit.write(folder / "out", ["xlsx", "json"])
        yield folder / "out", audit


@pytest.fixture(scope="module")
def report(made: tuple[Path, trueup.Audit]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((made[0] / "report.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def book(made: tuple[Path, trueup.Audit]) -> Any:
    return openpyxl.load_workbook(made[0] / "report.xlsx")


def exact(value: Any) -> Decimal:
    return Decimal(repr(value or 0))


def test_sheets_stand_in_the_order_of_their_use(report: dict[str, Any], book: Any) -> None:
    checks = [check["id"] for check in report["checks"] if check["findings"]]
    checks.insert(checks.index("out_of_sync") + 1, "out_of_sync history")
    assert book.sheetnames == [
        "Start here", "What to do", "Red flags", *checks, "Subscribers", "Errors by subscriber",
        "By action", "By day", "Money by day", "Operations", "Log contents", "Charts",
        "Transactions", "Glossary",
    ]  # fmt: skip


def test_start_here_shows_the_figures_of_the_report(
    made: tuple[Path, trueup.Audit], report: dict[str, Any], book: Any
) -> None:
    rows = [row for row in book["Start here"].iter_rows(values_only=True) if row[0]]
    shown: dict[str, list[Any]] = {}
    for row in rows:
        shown.setdefault(row[0].strip(), []).append(row[1:])
    assert shown["Files read"][0][0] == report["inputs"]["files"]
    figures = made[1].report.figures
    for currency, of in report["currencies"].items():
        money, explained = shown[currency]
        assert money[0] == of["transactions"]
        assert money[1] == of["subscribers"]
        names = ("credits", "debits", "applied_credits", "applied_debits", "gap_at_end")
        assert [exact(value) for value in money[2:7]] == [Decimal(of[name]) for name in names]
        assert money[7] == of["subscribers_out_of_sync"]
        assert exact(money[8]) == figures.overdrawn[currency]["overdrawn"]
        told = figures.explained["currencies"][currency]
        told_names = (
            "transactions", "explained", "share", "volume_share", "arithmetic", "continuity",
            "sync", "untold",
        )  # fmt: skip
        assert list(explained[:8]) == [told[name] for name in told_names]
    for check in report["checks"]:
        if check["findings"]:
            by_severity = [check["by_severity"].get(s) for s in ("high", "medium", "low", "info")]
            assert list(shown[check["title"]][0][:4]) == by_severity
            assert shown[check["title"]][0][4] == check["subscribers"]
    assert "Transactions" in shown


def test_red_flags_are_all_findings_of_severity_high_and_medium(
    report: dict[str, Any], book: Any, table_of: Table
) -> None:
    flags = [one for one in report["findings"] if one["severity"] in {"high", "medium"}]
    rows = table_of(book["Red flags"])
    assert [row["Finding"] for row in rows] == [flag["finding_id"] for flag in flags]
    for row, flag in zip(rows, flags, strict=True):
        assert row["What happened"] == flag["explanation"]
        assert (row["File"], row["First line"]) == (
            flag["evidence"]["file"],
            flag["evidence"]["first_line"],
        )
        if flag["difference"] is not None:
            assert exact(row["Difference"]) == Decimal(flag["difference"])


def test_what_to_do_leads_to_the_findings(
    report: dict[str, Any], book: Any, table_of: Table
) -> None:
    sheet = book["What to do"]
    rows = table_of(sheet)
    links = {cell.value: cell.hyperlink.location for row in sheet for cell in row if cell.hyperlink}
    assert len(rows) == len(report["recommendations"])
    for row, one in zip(rows, report["recommendations"], strict=True):
        assert row["Check"] == one["title"]
        for currency, amount in one["amount_at_risk"].items():
            title = look(in_currency("amount_at_risk", currency)).title
            assert exact(row[title]) == Decimal(amount)
        found, cell = cell_of(book, links[one["title"]])
        line = [found.cell(cell.row, column + 1).value for column in range(3)]
        assert found.title == one["check"]
        assert (
            line[0] == one["severity"]
            or sum(other["title"] == one["title"] for other in report["recommendations"]) > 1
        )


def cell_of(book: Any, location: str) -> tuple[Any, Any]:
    name, _, place = location.rpartition("!")
    sheet = book[name.strip("'")]
    return sheet, sheet[place]


def test_every_link_leads_somewhere(book: Any) -> None:
    for sheet in book:
        links = [cell.hyperlink for row in sheet for cell in row if cell.hyperlink]
        for link in links:
            found, cell = cell_of(book, link.location)
            assert cell.value is not None, link.location
            assert found.sheet_state == "visible"
        if sheet.title not in {"Start here", "Transactions"}:
            assert "'Start here'!A1" in {link.location for link in links}, sheet.title
    start = {
        cell.hyperlink.location for row in book["Start here"] for cell in row if cell.hyperlink
    }
    for name in set(book.sheetnames) - {"Start here"}:
        assert f"'{name}'!A1" in start, name


def test_tables_add_up_to_the_report(report: dict[str, Any], book: Any, table_of: Table) -> None:
    for currency, of in report["currencies"].items():
        for name in ("By action", "Money by day", "Subscribers", "Transactions"):
            rows = [row for row in table_of(book[name]) if row["Currency"] == currency]
            if name == "Transactions":
                assert len(rows) == of["transactions"]
                continue
            assert sum(row["Transactions"] for row in rows) == of["transactions"]
            for title, key in (("Credits", "credits"), ("Debits", "debits")):
                assert sum(exact(row[title]) for row in rows) == Decimal(of[key])
    days = table_of(book["By day"])
    assert sum(row["Transactions"] for row in days) == report["counts"]["transactions"]
    assert sum(row["Sync errors"] for row in days) == report["counts"]["sync_errors"]
    kinds = table_of(book["Log contents"])
    assert sum(row["Entries"] for row in kinds) == report["counts"]["entries"]
    assert sum(row["Share"] for row in kinds) == pytest.approx(1, abs=1e-4)
    errors = table_of(book["Errors by subscriber"])
    assert Counter(row["Subscriber"] for row in errors) == Counter(
        row["subscriber_id"] for row in report["subscribers"] if row["sync_errors"]
    )
    billed = sum(row["Billed ms"] for row in table_of(book["Operations"]))
    assert billed == report["operations"]["billed_ms"]


def test_a_table_filters_freezes_and_prints(book: Any) -> None:
    for sheet in book:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        if sheet.title in {"Start here", "Charts"}:
            continue
        top = int(sheet.auto_filter.ref.split(":")[0].removeprefix("A"))
        assert sheet.freeze_panes == f"A{top + 1}", sheet.title
        assert sheet.print_title_rows == f"${top}:${top}", sheet.title


def test_cells_are_of_their_kinds(book: Any) -> None:
    sheet = book["Transactions"]
    assert isinstance(sheet["A2"].value, datetime)
    column = {cell.value: cell.column_letter for cell in sheet[1]}
    formats = {
        (sheet[f"{column['Currency']}{line}"].value, sheet[f"{column['Gap']}{line}"].number_format)
        for line in range(2, sheet.max_row + 1)
        if sheet[f"{column['Gap']}{line}"].value is not None
    }
    assert ("BHD", "#,##0.000;[Red]-#,##0.000;#,##0.000") in formats
    assert ("SAR", "#,##0.00;[Red]-#,##0.00;#,##0.00") in formats
    assert all(isinstance(cell.value, str | None) for cell in sheet[column["Transaction"]])


def test_charts_show_figures(
    made: tuple[Path, trueup.Audit], report: dict[str, Any], book: Any
) -> None:
    with zipfile.ZipFile(made[0] / "report.xlsx") as packed:
        charts = [
            packed.read(name).decode()
            for name in packed.namelist()
            if re.fullmatch(r"xl/charts/chart\d+\.xml", name)
        ]
    titles = [re.findall(r"<a:t>(.*?)</a:t>", chart)[0] for chart in charts]
    days = [row["day"] for row in made[1].report.figures.by_day]
    period = f"{days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}"
    expected = [
        "Transactions per day, all currencies", "Errors per day, unusual days marked",
        "Most frequent actions, all currencies", "Causes of flow breaks, all currencies",
    ] + [
        f"{what}, {currency}"
        for currency in report["currencies"]
        for what in (
            "Credits and debits per day", "Distribution of amounts",
            "Top subscribers by transactions", "Top subscribers by sync errors",
        )
    ]  # fmt: skip
    assert {f"{title}, {period}" for title in expected} <= set(titles)
    assert any(title.startswith("Top subscribers by exposure") for title in titles)
    for chart in charts:
        ranges = re.findall(r"<c:f>'?(.*?)'?!(.*?)</c:f>", chart)
        assert ranges
        for sheet, place in ranges:
            left, top, right, bottom = range_boundaries(place.replace("$", ""))
            cells = [
                cell.value
                for row in book[sheet].iter_rows(top, bottom, left, right)
                for cell in row
            ]
            assert any(value is not None for value in cells), (sheet, place)


def test_the_glossary_names_every_sheet_and_column(book: Any, table_of: Table) -> None:
    rows = table_of(book["Glossary"])
    sheets = {row["Name"] for row in rows if row["Entry"] == "sheet"}
    assert set(book.sheetnames) <= sheets
    named: dict[str, str] = {}
    for row in rows:
        if row["Entry"] == "column":
            assert row["What it means"], row["Name"]
            assert "own; its sheet" not in row["What it means"], row["Name"]
            named[row["Name"]] = row["Unit"]
    for sheet in book:
        if sheet.auto_filter.ref:
            top = int(sheet.auto_filter.ref.split(":")[0].removeprefix("A"))
            titles = {cell.value for cell in sheet[top]}
            assert titles <= set(named), (sheet.title, titles - set(named))
        dark = {
            cell.value
            for row in sheet
            for cell in row
            if cell.value and cell.fill.fgColor.rgb == "FF1F2937" and cell.font.sz == 10
            and cell.row > 2
        }  # fmt: skip
        assert dark <= set(named), (sheet.title, dark - set(named))


def test_every_column_of_every_check_is_in_the_catalogue(audit: Run) -> None:
    report = audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n").report
    assert len(report.findings) == len(built_in_checks())
    for findings in report.findings:
        assert set(findings.own_columns) - {"subject"} <= set(LOOKS), findings.check.id
    for name, of in LOOKS.items():
        assert of.meaning, name
        assert of.title, name


def test_a_full_sheet_goes_on_on_the_next(
    audit: Run, ledger: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "\n".join(
        f"10:00:0{n} T{n} ana SAR DEBIT 1 0 {50 - n} {49 - n} {49 - n} applied" for n in range(9)
    )
    monkeypatch.setattr(pages, "SHEET_ROWS", 5)
    audit(ledger(lines)).write(tmp_path / "out", ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    names = ["Transactions", "Transactions 2", "Transactions 3"]
    assert [name for name in book.sheetnames if name.startswith("Tran")] == names
    listed = [row["Transaction"] for name in names for row in table_rows(book[name])]
    assert listed == [f"T{n}" for n in range(9)]
    assert set(names) <= {cell.value for cell in book["Start here"]["A"]}


def table_rows(sheet: Any) -> list[dict[str, Any]]:
    rows = sheet.iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_past_the_limit_the_workbook_says_where_the_transactions_are(
    audit: Run, ledger: Make, tmp_path: Path
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 1 0 5 4 4 applied
        10:00:01 T2 ana SAR DEBIT 1 0 4 -3 -3 applied
    """)
    audit(text, settings=Settings(processes=1, workbook_transactions=1)).write(tmp_path, ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    words = " ".join(cell.value for cell in book["Transactions"]["A"])
    assert "2 transactions, more than the 1" in words
    assert "transactions.csv" in words
    assert "overdraft" in book.sheetnames


def test_accepted_findings_stand_below_in_grey(
    audit: Run, ledger: Make, tmp_path: Path, table_of: Table
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied
        10:00:00 T2 bob SAR DEBIT 80 0 50 -30 -30 applied
    """)
    first = audit(text).findings("overdraft").to_pylist()[0]
    accepted = tmp_path / "accepted.csv"
    accepted.write_text(f"finding_id,who,when,why\n{first['finding_id']},Ana,2024-03-01,known\n")
    settings = Settings(processes=1, checks_accepted=str(accepted))
    audit(text, settings=settings).write(tmp_path / "out", ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    for name in ("overdraft", "Red flags"):
        rows = [row for row in table_of(book[name]) if row.get("Check", "overdraft") == "overdraft"]
        assert [row["Accepted by"] for row in rows] == [None, "Ana"]
    sheet = book["overdraft"]
    assert sheet.cell(sheet.max_row, 1).font.color.rgb == "FF6B7280"
    assert sheet.cell(sheet.max_row - 1, 1).fill.fgColor.rgb == "FFF8D7DA"


def test_a_check_may_have_the_name_of_a_sheet() -> None:
    assert sheet_of("transactions") == "check transactions"
    assert sheet_of("overdraft") == "overdraft"


def test_logs_without_transactions_make_a_workbook(audit: Run, tmp_path: Path) -> None:
    audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n").write(tmp_path, ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert "Charts" not in book.sheetnames
    assert book.sheetnames[0] == "Start here"


def texts(cells: Sequence[Any]) -> list[str]:
    return [cell.value for cell in cells if isinstance(cell.value, str) and cell.value]


@pytest.mark.filterwarnings(
    "ignore:.* extension is not supported:UserWarning"
)  # openpyxl of LibreOffice
@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice Calc")
def test_libreoffice_opens_it_without_an_error_cell(
    made: tuple[Path, trueup.Audit], book: Any, tmp_path: Path
) -> None:
    """It works out every cell anew and saves what it sees."""
    subprocess.run(
        [
            "soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
            "--convert-to", "xlsx", "--outdir", str(tmp_path / "seen"), str(made[0] / "report.xlsx"),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    if not (tmp_path / "seen" / "report.xlsx").exists():
        pytest.skip("needs LibreOffice Calc")
    seen = openpyxl.load_workbook(tmp_path / "seen" / "report.xlsx", read_only=True, data_only=True)
    assert seen.sheetnames == book.sheetnames
    for sheet in book:
        rows = zip_longest(sheet.iter_rows(), seen[sheet.title].iter_rows(), fillvalue=())
        for written, shown in rows:
            assert not [cell.coordinate for cell in shown if cell.data_type == "e"]
            assert texts(shown) == texts(written)
    seen.close()
