"""The report's small tables: by action, by day, how amounts are spread, how far the books add up.

Each is worked out once, when the report is built, and every writer prints it. None grows with the
number of transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trueup.books.ledger import Books
from trueup.books.window import Window
from trueup.checks import Findings
from trueup.reports.by_action import list_actions, most_frequent
from trueup.reports.by_day import list_days, list_money_by_day, list_operations
from trueup.reports.distributions import list_overdrawn, rank_subscribers, spread_amounts
from trueup.reports.explained import explain_books

Section = dict[str, Any]
Rows = tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Tables of the report, each a tuple of rows in the order in which it is shown."""

    by_action: Rows
    """Per currency, action and type: see `list_actions`."""
    top_actions: Rows
    """The actions with the most transactions, of all currencies."""
    by_day: Rows
    """Per day (UTC): see `list_days`."""
    money_by_day: Rows
    """Per currency and day: transactions, credits, debits."""
    operations_by_day: Rows
    """Per day: see `list_operations`."""
    operations: Section
    """The same of all days together."""
    amounts: Rows
    """Per currency and bin: how many amounts fall into it."""
    top_subscribers: dict[str, Rows]
    """By transactions, sync_errors and exposure: the first subscribers of each currency."""
    overdrawn: dict[str, Section]
    """Per currency: subscribers below zero at the end, and what is missing to zero."""
    entry_kinds: Rows
    """Per kind of entry: how many, and their share of all."""
    explained: Section
    """How far the books explain themselves: see `explained.py`."""


def work_out(
    books: Books, findings: Sequence[Findings], window: Window, kinds: Mapping[str, int]
) -> Figures:
    """Work the tables out; the table `subscribers` must exist."""
    by_action = list_actions(books, window)
    operations_by_day, operations = list_operations(books, window)
    return Figures(
        by_action=by_action,
        top_actions=most_frequent(by_action),
        by_day=list_days(books, findings, window),
        money_by_day=list_money_by_day(books, window),
        operations_by_day=operations_by_day,
        operations=operations,
        amounts=spread_amounts(books, window),
        top_subscribers=rank_subscribers(books),
        overdrawn=list_overdrawn(books),
        entry_kinds=_shares(kinds),
        explained=explain_books(books, findings, window),
    )


def _shares(kinds: Mapping[str, int]) -> Rows:
    entries = sum(kinds.values())
    return tuple(
        {"kind": kind, "entries": count, "percent": round(count / entries, 6)}
        for kind, count in kinds.items()
    )
