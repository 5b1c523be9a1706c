"""Every total is the same in every format, read from each as its readers would."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

import trueup
from trueup.config import Settings
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Table = Callable[[Any], list[dict[str, Any]]]
Row = Mapping[str, Any]
Totals = dict[tuple[str, ...], Decimal]
"""Figures by their names: `("BHD", "credits")`, `("check", "overdraft", "findings")`."""

LISTS = {"json lists", "csv", "parquet", "xlsx sheets"}
PAGES = {"json", "xlsx first page", "html"}
SOURCES: dict[str, set[str]] = {
    **dict.fromkeys(("transactions", "credits", "debits"), PAGES | LISTS),
    **dict.fromkeys(("gap_at_end", "subscribers_out_of_sync"), PAGES | LISTS),
    **dict.fromkeys(("applied_credits", "applied_debits"), (PAGES | LISTS) - {"json lists"}),
    "subscribers": (PAGES | LISTS) - {"json lists"},
    "overdrawn": LISTS | {"json", "xlsx first page", "html"},
    "subscribers_overdrawn": LISTS | {"json", "xlsx first page", "html"},
    "payment_below_zero": LISTS | {"json"},
    "amount": {"csv", "parquet", "xlsx sheets"},
    "check": PAGES | LISTS,
    "kind": {"json", "csv", "parquet", "xlsx sheets"},
    "all": (PAGES | LISTS) - {"json lists"},
}
"""Which formats tell a figure: all that could."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("totals")
    write_sample(folder / "logs", subscribers=60, days=40, seed=7)
    with trueup.audit(folder / "logs", settings=Settings(processes=1)) as audit:
        first = audit.findings("overdraft").to_pylist()[0]["finding_id"]
    accepted = folder / "accepted.csv"
    accepted.write_text(f"finding_id,who,when,why\n{first},Ana,2024-04-30,known\n")
    settings = Settings(processes=1, checks_accepted=str(accepted))
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        audit.write(folder / "out", ["xlsx", "html", "json", "csv", "parquet"])
    return folder / "out"


def test_every_total_is_equal_in_every_format(out: Path, table_of: Table) -> None:
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(out / "report.xlsx")
    found = {
        "json": json_totals(report),
        "json lists": json_list_totals(report),
        "csv": csv_totals(out),
        "parquet": parquet_totals(out / "tables"),
        "xlsx first page": first_page_totals(book, report),
        "xlsx sheets": sheet_totals(book, report, table_of),
        "html": html_totals(out / "report.html", report),
    }
    names = {name for totals in found.values() for name in totals}
    assert {"BHD", "SAR"} <= {name[0] for name in names}
    for name in sorted(names):
        told = {source: totals[name] for source, totals in found.items() if name in totals}
        assert len(set(told.values())) == 1, (name, told)
        kind = name[0] if name[0] in SOURCES else name[-1]
        # Money at risk that is zero may be left out.
        if name[-1] != "at risk" or any(told.values()):
            assert set(told) == SOURCES[kind], name


def test_the_sample_has_something_to_compare(out: Path) -> None:
    totals = csv_totals(out)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert sum(check["accepted"] for check in report["checks"]) == 1
    assert sum(bool(check["findings"]) for check in report["checks"]) > 12
    for name in ("credits", "debits", "gap_at_end", "overdrawn", "payment_below_zero"):
        assert any(totals[key] for key in totals if key[-1] == name), name


def exact(value: Any) -> Decimal:
    """Return a figure of any format; a spreadsheet's float is one of six decimals."""
    if isinstance(value, float):
        return Decimal(repr(value)).quantize(Decimal("0.000001"))
    return Decimal(str(value or 0).replace(",", ""))


def add_transactions(totals: Totals, rows: Iterable[Row]) -> None:
    seen = defaultdict(set)
    for row in rows:
        currency, amount = row["currency"], exact(row["amount"])
        totals["all", "transactions"] += 1
        totals[currency, "transactions"] += 1
        totals[currency, "amount"] += amount
        if row["type"]:
            side = {"CREDIT": "credits", "DEBIT": "debits"}[row["type"]]
            totals[currency, side] += amount
            totals[currency, f"applied_{side}"] += amount if row["outcome"] == "applied" else 0
        seen[currency].add(row["subscriber_id"])
    for currency, ids in seen.items():
        totals[currency, "subscribers"] = Decimal(len(ids))
    totals["all", "subscribers"] = Decimal(len(set().union(*seen.values())))


def add_subscribers(totals: Totals, rows: Iterable[Row]) -> None:
    for row in rows:
        currency, gap = row["currency"], exact(row["gap_at_end"])
        totals[currency, "gap_at_end"] += abs(gap)
        totals[currency, "subscribers_out_of_sync"] += gap != 0
        known = [row[name] for name in ("closing_balance", "payment_balance")]
        lower = min([exact(balance) for balance in known if balance not in {None, ""}], default=0)
        totals[currency, "overdrawn"] += max(-lower, Decimal(0))
        totals[currency, "subscribers_overdrawn"] += lower < 0


def add_findings(totals: Totals, rows: Iterable[Row]) -> None:
    """Add what is open; what was accepted is counted in no sum."""
    concerned = defaultdict(set)
    for row in rows:
        if row["accepted_by"]:
            continue
        check, currency, at_risk = row["check"], row["currency"], exact(row["amount_at_risk"])
        totals["check", check, "findings"] += 1
        totals["check", check, row["severity"]] += 1
        totals["check", check, currency or "", "at risk"] += at_risk
        concerned[check].add(row["subscriber_id"] or None)
        if check == "payment_overdraft" and row["severity"] == "high":
            totals[currency, "payment_below_zero"] += at_risk
    for check, ids in concerned.items():
        totals["check", check, "subscribers"] = Decimal(len(ids - {None}))


def json_totals(report: dict[str, Any]) -> Totals:
    totals: Totals = defaultdict(Decimal)
    for name in ("transactions", "subscribers"):
        totals["all", name] = exact(report["counts"][name])
    for currency, of in report["currencies"].items():
        totals |= {(currency, name): exact(value) for name, value in of.items()}
    for kind, count in report["entry_kinds"].items():
        totals["kind", kind] = exact(count)
    for check in report["checks"]:
        if check["findings"]:
            totals |= json_check_totals(check)
    return totals


def json_check_totals(check: dict[str, Any]) -> Totals:
    name = check["id"]
    totals: Totals = {
        ("check", name, what): exact(check[what]) for what in ("findings", "subscribers")
    }
    for severity, count in check["by_severity"].items():
        totals["check", name, severity] = exact(count)
    for currency, of in check["by_currency"].items():
        totals["check", name, currency, "at risk"] = exact(of["amount_at_risk"])
    if name == "payment_overdraft":
        for currency, amount in check["at_risk_by_severity"]["high"].items():
            totals[currency, "payment_below_zero"] = exact(amount)
    return totals


def json_list_totals(report: dict[str, Any]) -> Totals:
    totals: Totals = defaultdict(Decimal)
    of_accepted = ({**one, "accepted_by": one["accepted"]} for one in report["findings"])
    add_findings(totals, of_accepted)
    add_subscribers(totals, report["subscribers"])
    # The transactions themselves are not in it: those of each subscriber are.
    for row in report["subscribers"]:
        for name in ("transactions", "credits", "debits"):
            totals[row["currency"], name] += exact(row[name])
    return totals


def csv_totals(out: Path) -> Totals:
    totals: Totals = defaultdict(Decimal)
    add_transactions(totals, csv_rows(out / "transactions.csv"))
    add_subscribers(totals, csv_rows(out / "subscribers.csv"))
    add_findings(totals, csv_rows(out / "findings.csv"))
    for row in csv_rows(out / "entry_kinds.csv"):
        totals["kind", row["kind"]] += exact(row["entries"])
    return totals


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def parquet_totals(tables: Path) -> Totals:
    totals: Totals = defaultdict(Decimal)

    def rows(path: Path) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return read

    add_transactions(totals, rows(tables / "transactions.parquet"))
    add_subscribers(totals, rows(tables / "subscribers.parquet"))
    for path in tables.glob("findings_*.parquet"):
        add_findings(totals, rows(path))
    for row in rows(tables / "entry_kinds.parquet"):
        totals["kind", row["kind"]] += exact(row["entries"])
    return totals


def first_page_totals(book: Any, report: dict[str, Any]) -> Totals:
    totals: Totals = defaultdict(Decimal)
    sheet = book["Start here"]
    titles = {
        "transactions": "Transactions", "subscribers": "Subscribers", "credits": "Credits",
        "debits": "Debits", "applied_credits": "Credits applied",
        "applied_debits": "Debits applied", "gap_at_end": "Exposure",
        "subscribers_out_of_sync": "Out of sync", "overdrawn": "Overdrawn",
        "subscribers_overdrawn": "Overdrawn subscribers",
    }  # fmt: skip
    for row in below(sheet, "Money, by currency"):
        totals |= {(row["Currency"], name): exact(row[title]) for name, title in titles.items()}
    for heading in ("What needs a look", "For information"):
        add_checks(totals, below(sheet, heading), report)
    (counted,) = (
        cell for (cell,) in sheet.iter_rows(max_col=1, values_only=True)
        if cell and "sync errors that the service logged" in cell
    )  # fmt: skip
    _, transactions, subscribers, _ = re.findall(r"\d[\d,]*", counted)
    totals["all", "transactions"], totals["all", "subscribers"] = map(
        exact, (transactions, subscribers)
    )
    return totals


def below(sheet: Any, heading: str) -> list[dict[str, Any]]:
    """Return the rows of the table that stands below a heading."""
    cells = list(sheet.iter_rows(values_only=True))
    (start,) = (place for place, row in enumerate(cells) if row[0] == heading)
    end = next(place for place in range(start, len(cells)) if cells[place][0] is None)
    header = cells[start + 1]
    return [dict(zip(header, row, strict=True)) for row in cells[start + 2 : end]]


def add_checks(totals: Totals, rows: Iterable[Row], report: dict[str, Any]) -> None:
    """Add the lines of the checks that found something; a check stands there by its title."""
    ids = {check["title"]: check["id"] for check in report["checks"]}
    for row in rows:
        severities = [name for name in ("High", "Medium", "Low", "Info") if exact(row[name])]
        if not severities:
            continue
        check = ids[row["Check"]]
        for severity in severities:
            totals["check", check, severity.lower()] = exact(row[severity])
            totals["check", check, "findings"] += exact(row[severity])
        totals["check", check, "subscribers"] = exact(row["Subscribers"])
        for title, value in row.items():
            if (title or "").startswith("At risk, "):
                totals["check", check, title.removeprefix("At risk, "), "at risk"] = exact(value)


def sheet_totals(book: Any, report: dict[str, Any], table_of: Table) -> Totals:
    totals: Totals = defaultdict(Decimal)
    names = {
        "Subscriber": "subscriber_id", "Currency": "currency", "Type": "type",
        "Amount (with VAT)": "amount", "Outcome": "outcome", "Gap at the end": "gap_at_end",
        "Closing balance": "closing_balance", "Payment balance": "payment_balance",
        "Severity": "severity", "At risk": "amount_at_risk", "Accepted by": "accepted_by",
    }  # fmt: skip

    def rows(sheet: str) -> list[dict[str, Any]]:
        read = table_of(book[sheet])
        return [{name: row[title] for title, name in names.items() if title in row} for row in read]

    add_transactions(totals, rows("Transactions"))
    add_subscribers(totals, rows("Subscribers"))
    for check in report["checks"]:
        if check["id"] in book.sheetnames:
            of_check = ({**row, "check": check["id"]} for row in rows(check["id"]))
            add_findings(totals, of_check)
    for row in table_of(book["Log contents"]):
        totals["kind", row["Kind of entry"]] += exact(row["Entries"])
    return totals


@dataclass
class Element:
    """A part of the page: its text, and what it says of itself."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


class Page(HTMLParser):
    """The rows of tables and the figures of a page, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"article", "caption", "dd", "dt", "tr", "td", "th"}:
            self._open.append(Element(tag, dict(attrs)))
            self.found.append(self._open[-1])

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1].tag == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data


def html_totals(path: Path, report: dict[str, Any]) -> Totals:
    totals: Totals = defaultdict(Decimal)
    found = Page(path.read_text(encoding="utf-8")).found
    currency = ""
    for one in found:
        currency = one.attributes.get("data-currency") or currency
        figure = one.attributes.get("data-figure") or ""
        if figure.startswith("all-"):
            totals["all", figure.removeprefix("all-")] = exact(one.text)
        elif figure in SOURCES:
            totals[currency, figure] = exact(one.text)
    header, *rows = html_checks(found)
    for row in rows:
        if row != header:
            add_checks(totals, [of_sums(dict(zip(header, row, strict=True)))], report)
    return totals


def html_checks(found: Iterable[Element]) -> list[list[str]]:
    """Return the rows of the tables of checks, their headers too."""
    rows: list[list[str]] = []
    caption = ""
    for one in found:
        text = " ".join(one.text.split())
        caption = text if one.tag == "caption" else caption
        if caption.startswith("Checks ") and one.tag == "tr":
            rows.append([])
        elif caption.startswith("Checks ") and one.tag in {"td", "th"}:
            rows[-1].append(re.sub(r" \(\d+ accepted\)$", "", text))
    return rows


def of_sums(row: dict[str, str]) -> dict[str, str]:
    """Return a row of the checks with a cell for each currency at risk."""
    sums = re.findall(r"([A-Z]{3}) (-?[\d,.]+)", row["At risk, by currency"])
    return {
        **{title: text for title, text in row.items() if title != "At risk, by currency"},
        **{f"At risk, {currency}": amount for currency, amount in sums},
    }
