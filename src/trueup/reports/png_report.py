"""`charts/*.png`: the report's figures as pictures for slides.

Readable at half their size, in colours that the colour-blind can tell apart (Okabe and Ito's), with
currency and period in every title. Drawn by matplotlib from the tables of `figures.py`, and loaded where it draws alone: the process that
writes the other reports has no need of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trueup.money import Currencies
from trueup.reports.figures import Figures
from trueup.reports.files import written_beside
from trueup.reports.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B7280"
INK = "#1F2937"

MOST_CURRENCIES = 20
"""Currencies that have charts: those with the most transactions; hostile logs can have one each."""

_SIZE = (12.8, 7.2)  # inches; 1280 by 720 points at 100 a inch, a slide's shape
_LONGEST_NAME = 38

Draw = Callable[["Axes"], None]
Bar = tuple[str, int | Decimal, str]
"""A bar: its name, its length, and its length in words."""

_NAMED = (0.36, 0.05, 0.58, 0.78)
_SLANTED = (0.09, 0.2, 0.88, 0.62)


class Chart(NamedTuple):
    """A picture: the name of its file, its title, and what draws it on axes."""

    name: str
    title: str
    draw: Draw
    margins: tuple[float, float, float, float] = (0.09, 0.08, 0.88, 0.74)
    """Left, bottom, width and height of the axes, in parts of the picture."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """What the charts show: all of it can be handed to another process."""

    figures: Figures
    currencies: tuple[str, ...]
    money: Currencies
    flow_breaks: Mapping[str, int]

    @classmethod
    def of(cls, report: Report) -> ChartData:
        """Take it out of a report."""
        causes = [check["by_cause"] for check in report.checks if check["id"] == "flow_break"]
        most = sorted(report.currencies, key=lambda name: -report.currencies[name]["transactions"])
        currencies = tuple(sorted(most[:MOST_CURRENCIES]))
        return cls(report.figures, currencies, report.money, causes[0] if causes else {})


def chart_files(data: ChartData) -> list[str]:
    """Return the names of the pictures, in order; no two are alike, whatever currencies are called."""
    names: list[str] = []
    for chart in charts(data):
        name = f"{chart.name}.png"
        names.append(f"{chart.name}-{len(names)}.png" if name in names else name)
    return names


def write_charts(data: ChartData, folder: Path) -> None:
    """Write every chart that has something to show into the folder, which exists."""
    period = _period(data)
    with _text_as_it_is():
        for chart, name in zip(charts(data), chart_files(data), strict=True):
            with written_beside(folder / name) as path:
                _write(chart, period, path)


@contextmanager
def _text_as_it_is() -> Iterator[None]:
    """Let matplotlib take no text for a formula, and draw what the font lacks without a word."""
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ ")
        yield


def charts(data: ChartData) -> Iterator[Chart]:
    """Yield the charts that have something to show."""
    figures = data.figures
    days = figures.by_day
    if days:
        yield Chart("transactions-per-day", "Transactions per day", _per_day(days, "transactions"))
    if any(day["errors"] for day in days):
        yield Chart("errors-per-day", "Sync errors and failed messages per day", _errors(days))
    if figures.top_actions:
        actions = [
            _count(row["action"] or "(no action)", row["transactions"])
            for row in figures.top_actions
        ]
        title = "Actions with the most transactions"
        yield Chart("top-actions", title, _bars(actions, BLUE), _NAMED)
    if causes := _causes(data):
        title = "Balances that do not carry over, by cause"
        yield Chart("flow-breaks", title, _bars(causes, RED), _NAMED)
    for currency in data.currencies:
        yield from _money_of(data, currency)
        yield from _subscribers_of(data, currency)


def _money_of(data: ChartData, currency: str) -> Iterator[Chart]:
    figures, code = data.figures, _file_name(currency)
    if money := [row for row in figures.money_by_day if row["currency"] == currency]:
        title = f"Credits and debits per day, {_short(currency)}"
        yield Chart(f"credits-and-debits-{code}", title, _money(money))
    if amounts := [row for row in figures.amounts if row["currency"] == currency]:
        title = f"How large amounts are, {_short(currency)}"
        yield Chart(f"amounts-{code}", title, _amounts(amounts), _SLANTED)


_LISTS = (
    ("transactions", "Subscribers with the most transactions", BLUE),
    ("sync_errors", "Subscribers with the most sync errors", ORANGE),
    ("exposure", "Subscribers with the largest gaps", RED),
)


def _subscribers_of(data: ChartData, currency: str) -> Iterator[Chart]:
    for name, title, colour in _LISTS:
        rows = [row for row in data.figures.top_subscribers[name] if row["currency"] == currency]
        if name == "exposure":
            bars = [
                (row["subscriber_id"], row[name], _amount(data.money, row[name], currency))
                for row in rows
            ]
        else:
            bars = [_count(row["subscriber_id"], row[name]) for row in rows]
        if bars:
            file = f"top-{name.replace('_', '-')}-{_file_name(currency)}"
            yield Chart(file, f"{title}, {_short(currency)}", _bars(bars, colour), _NAMED)


def _amount(money: Currencies, amount: Decimal, currency: str) -> str:
    return f"{_short(currency)} {money.grouped(amount, currency)}"


def _count(name: str, count: int) -> Bar:
    return name, count, f"{count:,}"


def _write(chart: Chart, period: str, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=100)
    FigureCanvasAgg(figure)
    # Fixed margins: to have them worked out takes as long as the drawing.
    axes = figure.add_axes(chart.margins)
    title = f"{chart.title}\n{period}"
    figure.text(0.03, 0.97, title, color=INK, fontsize=20, va="top", linespacing=1.4)
    axes.tick_params(labelsize=14, colors=INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_axisbelow(True)
    chart.draw(axes)
    # The date of making and the version of the library stay out: equal reports, equal bytes.
    figure.savefig(path, format="png", metadata={"Software": None})


def _period(data: ChartData) -> str:
    days = data.figures.by_day
    return f"{days[0]['day']} to {days[-1]['day']} (UTC)" if days else "no transactions"


def _per_day(days: Sequence[dict[str, Any]], name: str) -> Draw:
    def draw(axes: Axes) -> None:
        axes.bar([day["day"] for day in days], [day[name] for day in days], color=BLUE, width=0.9)
        _dated(axes)

    return draw


def _errors(days: Sequence[dict[str, Any]]) -> Draw:
    def draw(axes: Axes) -> None:
        usual = [day for day in days if not day["unusual"]]
        unusual = [day for day in days if day["unusual"]]
        axes.bar([d["day"] for d in usual], [d["errors"] for d in usual], color=BLUE, width=0.9)
        if unusual:
            axes.bar(
                [d["day"] for d in unusual],
                [d["errors"] for d in unusual],
                color=RED,
                width=0.9,
                hatch="//",
                edgecolor="white",
                label="unusually many",
            )
            axes.legend(fontsize=14, frameon=False)
        _dated(axes)

    return draw


def _money(rows: Sequence[dict[str, Any]]) -> Draw:
    def draw(axes: Axes) -> None:
        days = [row["day"] for row in rows]
        axes.bar(
            days, [float(row["credits"]) for row in rows], color=BLUE, width=0.9, label="credits"
        )
        debits = [-float(row["debits"]) for row in rows]
        axes.bar(days, debits, color=ORANGE, width=0.9, label="debits, shown downwards")
        axes.axhline(0, color=INK, linewidth=1)
        axes.legend(fontsize=14, frameon=False)
        _dated(axes)

    return draw


def _amounts(rows: Sequence[dict[str, Any]]) -> Draw:
    def draw(axes: Axes) -> None:
        places = range(len(rows))
        credits_ = [row["credits"] for row in rows]
        axes.bar(places, credits_, color=BLUE, label="credits")
        debits = [row["debits"] for row in rows]
        axes.bar(places, debits, bottom=credits_, color=ORANGE, label="debits")
        axes.set_xticks(places, [row["bin"] for row in rows], rotation=40, ha="right")
        axes.set_ylabel("transactions", fontsize=14, color=INK)
        axes.legend(fontsize=14, frameon=False)
        _counted(axes)

    return draw


def _bars(values: Sequence[Bar], colour: str) -> Draw:
    """Return what draws a bar per name, the first on top, each with its value beside it."""

    def draw(axes: Axes) -> None:
        names = [_short(name) for name, _, _ in reversed(values)]
        sizes = [float(value) for _, value, _ in reversed(values)]
        bars = axes.barh(range(len(names)), sizes, color=colour, height=0.7)
        axes.set_yticks(range(len(names)), names, fontsize=13)
        labels = [label for _, _, label in reversed(values)]
        axes.bar_label(bars, labels, padding=6, fontsize=14, color=INK)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(0, max(sizes, default=0) * 1.25 or 1)

    return draw


def _dated(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=10)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    _counted(axes)


def _counted(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
    axes.grid(axis="y", color="#E5E7EB")


def _causes(data: ChartData) -> list[Bar]:
    ranked = sorted(data.flow_breaks.items(), key=lambda item: -item[1])
    return [_count(name, count) for name, count in ranked]


def _short(name: str) -> str:
    """Return text from a log as one line, which is not too long."""
    text = "".join(c if c.isprintable() else " " for c in name[:_LONGEST_NAME])
    return text if len(name) <= _LONGEST_NAME else f"{text[:-1]}…"


def _file_name(currency: str) -> str:
    """Return a currency as part of a file's name, whatever a log calls one."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in currency)[:12] or "none"
