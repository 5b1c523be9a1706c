"""`charts/*.png`: the report's figures as pictures for slides.

Readable at half their size, in colours that the colour-blind can tell apart (Okabe and Ito's), with
currency and period in every title. matplotlib is loaded where they are drawn, and nothing else of
weight: that process starts sooner, and the one that writes the other reports does without.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueup.money import Currencies
from trueup.reports.files import written_beside
from trueup.reports.png_shapes import Bars, ByDay, ByName, ByRank, Chart

if TYPE_CHECKING:
    from trueup.reports.report import Report

BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"

MOST_CURRENCIES = 20
"""Currencies that have charts: those with the most transactions; hostile logs can have one each."""

_LONGEST_NAME = 38

Rows = Sequence[Mapping[str, Any]]
Ranked = tuple[str, int | Decimal, str]
"""A bar: its name, its length, and its length in words."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """What the charts show: tables of `figures.py`, which can be handed to another process."""

    by_day: Rows
    money_by_day: Rows
    amounts: Rows
    top_actions: Rows
    top_subscribers: Mapping[str, Rows]
    currencies: tuple[str, ...]
    money: Currencies
    flow_breaks: Mapping[str, int]

    @classmethod
    def of(cls, report: Report) -> ChartData:
        """Take it out of a report."""
        figures = report.figures
        causes = [check["by_cause"] for check in report.checks if check["id"] == "flow_break"]
        most = sorted(report.currencies, key=lambda name: -report.currencies[name]["transactions"])
        return cls(
            by_day=figures.by_day,
            money_by_day=figures.money_by_day,
            amounts=figures.amounts,
            top_actions=figures.top_actions,
            top_subscribers=figures.top_subscribers,
            currencies=tuple(sorted(most[:MOST_CURRENCIES])),
            money=report.money,
            flow_breaks=causes[0] if causes else {},
        )


def chart_files(data: ChartData) -> list[str]:
    """Return the names of the pictures, in order; no two are alike, whatever currencies are called."""
    names: list[str] = []
    for chart in charts(data):
        name = f"{chart.name}.png"
        names.append(f"{chart.name}-{len(names)}.png" if name in names else name)
    return names


def write_charts(data: ChartData, folder: Path) -> None:
    """Write every chart that has something to show into the folder, which exists."""
    from trueup.reports.png_drawing import Canvas

    period = _period(data)
    with warnings.catch_warnings():
        # What the font lacks is drawn as a box, without a word.
        warnings.filterwarnings("ignore", r"Glyph \d+ ")
        canvas = Canvas()
        for chart, name in zip(charts(data), chart_files(data), strict=True):
            with written_beside(folder / name) as path:
                path.write_bytes(canvas.draw(f"{chart.title}\n{period}", chart.shape))


def charts(data: ChartData) -> Iterator[Chart]:
    """Yield the charts that have something to show."""
    if data.by_day:
        yield Chart("transactions-per-day", "Transactions per day", _transactions(data.by_day))
    if any(day["errors"] for day in data.by_day):
        title = "Sync errors and failed messages per day"
        yield Chart("errors-per-day", title, _errors(data.by_day))
    if data.top_actions:
        actions = [
            _count(row["action"] or "(no action)", row["transactions"]) for row in data.top_actions
        ]
        title = "Actions with the most transactions"
        yield Chart("top-actions", title, _ranked(actions, BLUE))
    if data.flow_breaks:
        ranked = sorted(data.flow_breaks.items(), key=lambda item: -item[1])
        title = "Balances that do not carry over, by cause"
        yield Chart("flow-breaks", title, _ranked([_count(*item) for item in ranked], RED))
    for currency in data.currencies:
        yield from _money_of(data, currency)
        yield from _subscribers_of(data, currency)


def _money_of(data: ChartData, currency: str) -> Iterator[Chart]:
    code = _file_name(currency)
    if money := [row for row in data.money_by_day if row["currency"] == currency]:
        title = f"Credits and debits per day, {_short(currency)}"
        yield Chart(f"credits-and-debits-{code}", title, _money(money))
    if amounts := [row for row in data.amounts if row["currency"] == currency]:
        yield Chart(
            f"amounts-{code}", f"How large amounts are, {_short(currency)}", _amounts(amounts)
        )


_LISTS = (
    ("transactions", "Subscribers with the most transactions", BLUE),
    ("sync_errors", "Subscribers with the most sync errors", ORANGE),
    ("exposure", "Subscribers with the largest gaps", RED),
)


def _subscribers_of(data: ChartData, currency: str) -> Iterator[Chart]:
    for name, title, colour in _LISTS:
        rows = [row for row in data.top_subscribers[name] if row["currency"] == currency]
        if name == "exposure":
            bars = [
                (row["subscriber_id"], row[name], _amount(data.money, row[name], currency))
                for row in rows
            ]
        else:
            bars = [_count(row["subscriber_id"], row[name]) for row in rows]
        if bars:
            file = f"top-{name.replace('_', '-')}-{_file_name(currency)}"
            yield Chart(file, f"{title}, {_short(currency)}", _ranked(bars, colour))


def _transactions(days: Rows) -> ByDay:
    return ByDay([day["day"] for day in days], [Bars([day["transactions"] for day in days], BLUE)])


def _errors(days: Rows) -> ByDay:
    usual = Bars([0 if day["unusual"] else day["errors"] for day in days], BLUE)
    unusual = Bars(
        [day["errors"] if day["unusual"] else 0 for day in days],
        RED,
        "unusually many",
        is_hatched=True,
    )
    return ByDay([day["day"] for day in days], [usual, unusual] if any(unusual.values) else [usual])


def _money(rows: Rows) -> ByDay:
    credits_ = Bars([float(row["credits"]) for row in rows], BLUE, "credits")
    debits = Bars([-float(row["debits"]) for row in rows], ORANGE, "debits, shown downwards")
    return ByDay([row["day"] for row in rows], [credits_, debits])


def _amounts(rows: Rows) -> ByName:
    credits_ = Bars([row["credits"] for row in rows], BLUE, "credits")
    debits = Bars([row["debits"] for row in rows], ORANGE, "debits", starts=credits_.values)
    return ByName([row["bin"] for row in rows], [credits_, debits], "transactions")


def _ranked(bars: Sequence[Ranked], colour: str) -> ByRank:
    names = [_short(name) for name, _, _ in bars]
    lengths = Bars([float(length) for _, length, _ in bars], colour)
    return ByRank(names, lengths, [words for _, _, words in bars])


def _count(name: str, count: int) -> Ranked:
    return name, count, f"{count:,}"


def _period(data: ChartData) -> str:
    days = data.by_day
    return f"{days[0]['day']} to {days[-1]['day']} (UTC)" if days else "no transactions"


def _amount(money: Currencies, amount: Decimal, currency: str) -> str:
    return f"{_short(currency)} {money.grouped(amount, currency)}"


def _short(name: str) -> str:
    """Return text from a log as one line, which is not too long."""
    text = "".join(c if c.isprintable() else " " for c in name[:_LONGEST_NAME])
    return text if len(name) <= _LONGEST_NAME else f"{text[:-1]}…"


def _file_name(currency: str) -> str:
    """Return a currency as part of a file's name, whatever a log calls one."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in currency)[:12] or "none"
