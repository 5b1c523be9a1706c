"""`report.xlsx`: a first page that a newcomer understands, a sheet per check, and all rows.

Written row by row in constant memory. Text is always written as text, so that none of it can
become a formula; amounts become numbers here, in the cell, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from trueup.checks.runner import ACCEPTED, COMMON, EVIDENCE, Findings
from trueup.money import Currencies
from trueup.reports.columns import look
from trueup.reports.report import TRANSACTION_COLUMNS, Report

SHEET_ROWS = 1_048_576
"""Rows of an Excel sheet."""

CELL_CHARACTERS = 32_767
"""Characters of an Excel cell."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  (day 0 of Excel's calendar; times are UTC throughout)

_FINDING_COLUMNS = (
    "severity", "cause", "subscriber_id", "currency", "at", "expected", "logged", "difference",
    "amount_at_risk", "explanation", "transaction_id",
)  # fmt: skip
# First what a reader decides by, which is all that goes on paper; then what it comes from.
_SUBSCRIBER_COLUMNS = (
    "subscriber_id", "currency", "risk_score", "gap_at_end", "payment_balance", "closing_balance",
    "transactions", "credits", "debits", "sync_errors", "activity", "stability", "risk_gap",
    "risk_overdraft", "risk_errors", "risk_findings", "loss_credits", "loss_debits",
    "first_error_at", "first_error_cause", "first_error_action", "last_error_at",
    "last_error_cause", "last_error_action", "opening_balance", "lowest_balance",
    "highest_balance", "balance_spread", "active_days", "first_at", "last_at",
)  # fmt: skip
_LAST_ON_PAPER = ("explanation", "stability")
# What follows from these, and the ids of messages and attempts, is in transactions.csv.
_WITHOUT = {
    "message_id", "attempt_id", "wallet_id", "updates_payment", "expected_delta", "payment_balance",
}  # fmt: skip
_TRANSACTION_COLUMNS = tuple(name for name in TRANSACTION_COLUMNS if name not in _WITHOUT)
_CURRENCY_COLUMNS = (
    "transactions", "subscribers", "credits", "debits", "applied_credits", "applied_debits",
    "gap_at_end", "subscribers_out_of_sync",
)  # fmt: skip

_INK = "#1F2937"
_SEVERITY_FILLS = {"high": "#F8D7DA", "medium": "#FDEBC8", "low": "#E7F0FA", "info": "#EEF0F2"}

Row = Mapping[str, Any]


def write_workbook(report: Report, path: Path) -> None:
    """Write report.xlsx."""
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    with xlsxwriter.Workbook(str(path), options) as book:
        # The same report gives the same bytes.
        book.set_properties({"title": "trueup report", "created": report.generated_at})
        pages = _Pages(book, report.money)
        _write_start(pages, report)
        _write_steps(pages, report)
        for findings in report.findings:
            _write_findings(pages, findings)
            if findings.check.has_history:
                _write_history(pages, findings)
        _write_subscribers(pages, report)
        _write_transactions(pages, report)
        _write_contents(pages, report)


_SENTENCE_LINE = look("explanation").width + 6  # a width counts the widest digits


class _Sentence(str):
    """A text that is read as a whole: its cell wraps."""

    __slots__ = ()


class _Severity(str):
    """A severity, which has a colour."""

    __slots__ = ()


class _Pages:
    """The workbook's formats, and how a table is put on a sheet."""

    def __init__(self, book: xlsxwriter.Workbook, money: Currencies) -> None:
        self.book = book
        self.decimals = money.decimals
        make = book.add_format
        base = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
        self.title = make({**base, "font_size": 18, "bold": True, "font_color": _INK})
        self.heading = make({**base, "font_size": 13, "bold": True, "font_color": _INK})
        self.text = make(base)
        self.faint = make({**base, "font_color": "#6B7280", "align": "left", "indent": 1})
        self.wrapped = make({**base, "text_wrap": True, "align": "left", "indent": 1})
        self.link = make({**base, "font_color": "#1D4ED8", "underline": 1})
        self.header = make(
            {**base, "bold": True, "bg_color": _INK, "font_color": "#FFFFFF", "valign": "vcenter"}
        )
        self.header_right = make(
            {
                **base, "bold": True, "bg_color": _INK, "font_color": "#FFFFFF",
                "valign": "vcenter", "align": "right",
            }
        )  # fmt: skip
        self.count = make({**base, "num_format": "#,##0"})
        self.ratio = make({**base, "num_format": "#,##0.0"})
        self.time = make({**base, "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self.money = {
            places: make({**base, "num_format": _money_format(places)}) for places in range(7)
        }
        self.writers: dict[type, Callable[[Worksheet, int, int, Any, int], None]] = {
            str: self._write_text,
            _Severity: self._write_severity,
            _Sentence: self._write_sentence,
            Decimal: self._write_money,
            bool: self._write_flag,
            int: self._write_count,
            float: self._write_ratio,
            datetime: self._write_time,
        }
        self.severity = {
            name: make({**base, "bg_color": fill}) for name, fill in _SEVERITY_FILLS.items()
        }

    def add_sheet(self, name: str, *, wide: bool = True) -> Worksheet:
        sheet = self.book.add_worksheet(name)
        sheet.set_paper(9)  # A4
        if wide:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def write_table(
        self,
        sheet: Worksheet,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        top: int = 0,
    ) -> Iterator[Sequence[Any]]:
        """Write a table with frozen header and filter; return the rows left when the sheet is full.

        A row's `currency` decides its decimals. What stands behind a finding's sentence, or behind a
        subscriber's key figures, is for the screen and not for paper.
        """
        currency = columns.index("currency") if "currency" in columns else None
        for place, name in enumerate(columns):
            sheet.set_column(place, place, look(name).width)
        self.write_header(sheet, top, columns)
        sheet.freeze_panes(top + 1, 0)
        sheet.repeat_rows(top)
        rest = iter(rows)
        line = top
        for row in rest:
            line += 1
            code = row[currency] if currency is not None else None
            self.write_row(sheet, line, row, self.decimals(code))
            if line == SHEET_ROWS - 1:
                break
        for name in _LAST_ON_PAPER:
            if name in columns:
                sheet.print_area(0, 0, line, columns.index(name))
        sheet.autofilter(top, 0, max(line, top + 1), len(columns) - 1)
        return rest

    def write_header(self, sheet: Worksheet, line: int, columns: Sequence[str]) -> None:
        sheet.set_row(line, 20)
        for place, name in enumerate(columns):
            style = self.header_right if name in _NUMBERS else self.header
            sheet.write_string(line, place, look(name).title, style)

    def write_heading(self, sheet: Worksheet, line: int, text: str) -> None:
        sheet.set_row(line, 22)
        sheet.write_string(line, 0, text, self.heading)

    def write_row(
        self, sheet: Worksheet, line: int, row: Sequence[Any], places: int, start: int = 0
    ) -> None:
        """Write a row's cells; amounts with so many decimals, more where an amount has more."""
        for place, value in enumerate(row, start):
            if value is not None:
                self.writers[type(value)](sheet, line, place, value, places)

    def _write_text(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        sheet.write_string(line, place, cell_text(value), self.text)

    def _write_sentence(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        # Not every program makes room for a wrapped cell when it opens a file.
        lines = -(-len(value) // _SENTENCE_LINE)
        sheet.set_row(line, 14 * min(lines, 10))
        sheet.write_string(line, place, cell_text(value), self.wrapped)

    def _write_severity(self, sheet: Worksheet, line: int, place: int, value: str, _: int) -> None:
        sheet.write_string(line, place, value, self.severity[value])

    def _write_money(
        self, sheet: Worksheet, line: int, place: int, value: Decimal, places: int
    ) -> None:
        sheet.write_number(line, place, float(value), self.money[_places(value, places)])

    def _write_flag(self, sheet: Worksheet, line: int, place: int, value: bool, _: int) -> None:  # noqa: FBT001
        # A column of "no" hides the few "yes"; what is not is left blank.
        if value:
            sheet.write_string(line, place, "yes", self.text)

    def _write_count(self, sheet: Worksheet, line: int, place: int, value: int, _: int) -> None:
        sheet.write_number(line, place, value, self.count)

    def _write_ratio(self, sheet: Worksheet, line: int, place: int, value: float, _: int) -> None:
        sheet.write_number(line, place, value, self.ratio)

    def _write_time(self, sheet: Worksheet, line: int, place: int, value: datetime, _: int) -> None:
        sheet.write_number(line, place, _serial(value), self.time)


_NUMBERS = frozenset(
    {
        "expected", "logged", "difference", "amount_at_risk", "amount", "vat", "old_balance",
        "new_balance", "payment_balance", "delta", "expected_delta", "subscription_after",
        "payment_after", "gap", "credits", "debits", "applied_credits", "applied_debits",
        "opening_balance", "closing_balance", "lowest_balance", "highest_balance", "gap_at_end",
        "first_line", "last_line", "line", "transactions", "subscribers", "entries", "changes",
        "gap_when_opened", "last_balance", "previous_change", "subscribers_out_of_sync",
        "move", "rank", "findings", "crashes", "errors", "usual", "threshold", "score", "allowed",
        "days_covered", "deducted_per_day", "deliveries", "failures", "skipped_between",
        "current_balance", "crossed_from",
        "active_days", "balance_spread", "sync_errors", "loss_credits", "loss_debits",
        "risk_score", "risk_gap", "risk_overdraft", "risk_errors", "risk_findings",
    }
)  # fmt: skip


def _money_format(places: int) -> str:
    digits = "#,##0" + ("." + "0" * places if places else "")
    return f"{digits};[Red]-{digits};{digits}"


def _places(amount: Decimal, least: int) -> int:
    """Return the decimals to show: the currency's, more where the amount has more."""
    if not amount % _QUANTA[least]:
        return least
    return next(places for places in range(least + 1, 7) if not amount % _QUANTA[places])


_QUANTA = tuple(Decimal(1).scaleb(-places) for places in range(7))


def _serial(time: datetime) -> float:
    elapsed = time - _EPOCH
    return elapsed.days + (elapsed.seconds + elapsed.microseconds / 1_000_000) / 86_400


def cell_text(text: str) -> str:
    """Return text that a cell can hold: without control characters, not longer than a cell."""
    if not text.isprintable():
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) > CELL_CHARACTERS:
        mark = " [cut]"
        text = text[: CELL_CHARACTERS - len(mark)] + mark
    return text


def _write_start(pages: _Pages, report: Report) -> None:
    sheet = pages.add_sheet("Start here")
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 12, 16)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, "trueup report", pages.title)
    line = _write_intro(pages, sheet, report, 1)
    line = _write_reading(pages, sheet, report, line + 1)
    line = _write_currencies(pages, sheet, report, line + 1)
    line = _write_checks(pages, sheet, report, line + 1)
    _write_legend(pages, sheet, line + 1)


def _write_intro(pages: _Pages, sheet: Worksheet, report: Report, line: int) -> int:
    first, last = report.period["first"], report.period["last"]
    shown = [
        f"{word} {time:%Y-%m-%d %H:%M}"
        for word, time in (("from", report.window.since), ("until", report.window.until))
        if time
    ]
    texts = [
        "Each subscriber has a subscription balance and a payment balance. This workbook rebuilds both from the logs of the service that keeps them in line, and shows where they do not add up.",
        f"Logs from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC. All times are UTC." if first else "The logs hold no entry.",
        f"Shown: {' '.join(shown)}; everything before counts for the opening balances." if shown else "",
        f"Made by trueup {report.trueup_version} on {report.generated_at:%Y-%m-%d %H:%M} UTC.",
    ]  # fmt: skip
    for text in filter(None, texts):
        sheet.write_string(line, 0, text, pages.text)
        line += 1
    return line


def _write_reading(pages: _Pages, sheet: Worksheet, report: Report, line: int) -> int:
    pages.write_heading(sheet, line, "What was read")
    reading, counts, inputs = report.reading, report.counts, report.inputs
    figures = [
        ("Files read", inputs["files"], ""),
        ("  of them without anything readable", len(inputs["rejected"]), "see sheet Problems"),
        ("Other files, passed over as no logs", len(inputs["ignored"]), "named in report.json"),
        ("Log entries", counts["entries"], "= understood + other + unreadable"),
        ("  understood", reading["understood"], ""),
        ("  other (kinds that carry no figures)", reading["other"], "see sheet Log contents"),
        ("  unreadable", reading["unreadable"], "see sheet Problems"),
        ("Problems noted", inputs["problems"], "see sheet Problems"),
        ("Transactions", counts["transactions"], ""),
        ("Subscribers", counts["subscribers"], ""),
        ("Sync errors that the service logged", counts["sync_errors"], ""),
    ]
    for name, figure, note in figures:
        line += 1
        sheet.write_string(line, 0, name, pages.text)
        sheet.write_number(line, 1, figure, pages.count)
        if figure and note:
            sheet.write_string(line, 2, note, pages.faint)
    return line + 1


def _write_currencies(pages: _Pages, sheet: Worksheet, report: Report, line: int) -> int:
    pages.write_heading(sheet, line, "Money, by currency")
    line += 1
    pages.write_header(sheet, line, ("currency", *_CURRENCY_COLUMNS))
    for currency, figures in report.currencies.items():
        line += 1
        sheet.write_string(line, 0, cell_text(currency), pages.text)
        values = [figures[name] for name in _CURRENCY_COLUMNS]
        pages.write_row(sheet, line, values, pages.decimals(currency), start=1)
    return line + 1


def _write_checks(pages: _Pages, sheet: Worksheet, report: Report, line: int) -> int:
    """Write a line per check: those that ask for action first, those that explain after them."""
    currencies = sorted(
        {
            name
            for check in report.checks
            for name, figures in check["by_currency"].items()
            if figures["amount_at_risk"]
        }
    )
    groups = (
        ("What needs a look", [c for c in report.checks if c["severity"] != "info"]),
        ("For information", [c for c in report.checks if c["severity"] == "info"]),
    )
    for title, checks in groups:
        pages.write_heading(sheet, line, title)
        line += 1
        sheet.set_row(line, 20)
        sheet.write_string(line, 0, "Check", pages.header)
        heads = ["High", "Medium", "Low", "Info", "Subscribers"]
        for place, head in enumerate([*heads, *(f"At risk, {c}" for c in currencies)], 1):
            sheet.write_string(line, place, cell_text(head), pages.header_right)
        for check in checks:
            line += 1
            _write_check(pages, sheet, line, check, currencies)
        line += 2
    return line


def _write_check(
    pages: _Pages, sheet: Worksheet, line: int, check: Row, currencies: Sequence[str]
) -> None:
    if check["findings"]:
        target = f"internal:'{check['id']}'!A1"
        sheet.write_url(line, 0, target, pages.link, check["title"])
    else:
        sheet.write_string(line, 0, f"{check['title']}: none", pages.faint)
    for place, severity in enumerate(("high", "medium", "low", "info"), 1):
        count = check["by_severity"].get(severity)
        if count:
            sheet.write_number(line, place, count, pages.severity[severity])
    sheet.write_number(line, 5, check["subscribers"], pages.count)
    for place, currency in enumerate(currencies, 6):
        at_risk = check["by_currency"].get(currency, {}).get("amount_at_risk")
        if at_risk:
            pages.write_row(sheet, line, [at_risk], pages.decimals(currency), start=place)


def _write_legend(pages: _Pages, sheet: Worksheet, line: int) -> None:
    pages.write_heading(sheet, line, "How to read it")
    texts = [
        "High: money that somebody has to look for now. Medium: worth a look. Low: over, or stopped in time. Info: explains the others.",
        "At risk is never added up across checks: a gap, the refused overdraft that made it and the overdrawn wallet can be one and the same sum.",
        "Credits and debits are sums of the amounts as logged, VAT included, every attempt counted; applied ones are those that were carried out.",
        "Gap at the end: subscription balance less payment balance after a subscriber's last transaction that shows both, sizes added up.",
        "Each balance and the gap are the last known ones, each for itself: a transaction may tell one and not the other. A subscriber whose gap no transaction tells counts as neither in nor out of sync.",
        "Highest and lowest balance are those after a transaction; the opening balance is the one before the first. At risk on this page is that of all severities together.",
        "Risk, on sheet Subscribers, is 0 to 100: up to 40 for an open gap, 25 for balances below zero, 20 for the share of transactions with errors, 15 for other findings of severity high. What was accepted adds nothing.",
        "Losses at credits and debits are as older reports counted them: one gap counts again at every sync error. The gap at the end is what there is to settle.",
        "Each finding names file, lines and request of the log that proves it.",
    ]
    for text in texts:
        line += 1
        sheet.write_string(line, 0, text, pages.text)


def _write_findings(pages: _Pages, findings: Findings) -> None:
    rows = findings.rows()
    first = next(rows, None)
    if first is None:
        return
    check = findings.check
    own = tuple(name for name in findings.own_columns if name not in COMMON)
    shown = [name for name in _FINDING_COLUMNS if name != "cause" or set(check.severities) != {""}]
    columns = (*shown, *own, *EVIDENCE, "finding_id", *ACCEPTED)
    sheet = pages.add_sheet(check.id)
    sheet.set_row(0, 26)
    sheet.write_string(0, 0, check.title, pages.heading)
    sheet.write_string(1, 0, check.question, pages.text)
    sheet.write_string(2, 0, f"Why it matters: {check.why}", pages.text)
    sheet.write_string(3, 0, f"What to do: {check.do}", pages.text)

    sentence = columns.index("explanation")

    def values(row: Row) -> list[Any]:
        cells = [row[name] for name in columns]
        cells[0] = _Severity(cells[0])
        cells[sentence] = _Sentence(cells[sentence])
        return cells

    _write_pages(pages, sheet, columns, map(values, chain([first], rows)), top=5)


def _write_history(pages: _Pages, findings: Findings) -> None:
    """Write the moves behind each finding: what each added to the gap."""
    columns = (
        "subscriber_id", "currency", "at", "move_cause", *_MOVE_KEYS[2:],
        "file", "first_line", "last_line",
    )  # fmt: skip
    moves = (
        [
            row["subscriber_id"],
            row["currency"],
            *(move[name] for name in _MOVE_KEYS),
            *move["evidence"].values(),
        ]
        for row in findings.rows()
        for move in row["history"] or ()
    )
    first = next(moves, None)
    if first is not None:
        sheet = pages.add_sheet(f"{findings.check.id} history")
        _write_pages(pages, sheet, columns, chain([first], moves))


_MOVE_KEYS = ("at", "cause", "move", "gap", "transaction_id", "outcome", "action")


def _write_steps(pages: _Pages, report: Report) -> None:
    """Write the recommendations: a line for each currency of each."""
    if not report.recommendations:
        return
    sheet = pages.add_sheet("What to do")
    columns = (
        "rank", "steps", "check", "cause", "severity", "findings", "subscribers", "currency",
        "amount_at_risk",
    )  # fmt: skip
    rows = [
        [
            one["rank"],
            _Sentence(" ".join(f"{step['who']}: {step['what']}" for step in one["steps"])),
            one["check"], one["cause"], _Severity(one["severity"]), one["findings"],
            one["subscribers"], currency, amount,
        ]
        for one in report.recommendations
        for currency, amount in (one["amount_at_risk"] or {None: None}).items()
    ]  # fmt: skip
    _write_pages(pages, sheet, columns, rows)


def _write_pages(
    pages: _Pages,
    sheet: Worksheet,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    top: int = 0,
) -> None:
    """Write a table, on further sheets where one is full."""
    name = sheet.get_name()
    number = 1
    rest = pages.write_table(sheet, columns, rows, top)
    while (following := next(rest, None)) is not None:
        number += 1
        sheet = pages.add_sheet(f"{name} {number}")
        rest = pages.write_table(sheet, columns, chain([following], rest))


def _write_subscribers(pages: _Pages, report: Report) -> None:
    checks = [findings.check.id for findings in report.findings]
    columns = (*_SUBSCRIBER_COLUMNS, *checks)
    rows = (
        [
            *(row[name] for name in _SUBSCRIBER_COLUMNS),
            *(row["findings"].get(check) for check in checks),
        ]
        for row in report.subscribers()
    )
    _write_pages(pages, pages.add_sheet("Subscribers"), columns, rows)


def _write_transactions(pages: _Pages, report: Report) -> None:
    rows = (
        row
        for batch in report.transactions(_TRANSACTION_COLUMNS)
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    _write_pages(pages, pages.add_sheet("Transactions"), _TRANSACTION_COLUMNS, rows)


def _write_contents(pages: _Pages, report: Report) -> None:
    sheet = pages.add_sheet("Log contents", wide=False)
    pages.write_table(sheet, ("kind", "entries"), report.entry_kinds.items())
    problems = report.problems()
    first = next(problems, None)
    if first is not None:
        columns = ("file", "line", "problem", "excerpt")
        rows = ([row[name] for name in columns] for row in chain([first], problems))
        _write_pages(pages, pages.add_sheet("Problems"), columns, rows)
