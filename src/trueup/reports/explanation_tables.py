"""The tables of an explanation, in lines of 80 columns: a gap's history, neighbours, counts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from trueup.money import Currencies
from trueup.reports.log_lines import path_lines
from trueup.reports.report import Section
from trueup.reports.terminal import WIDTH, _clean, amount_words, plural

MOST_MOVES = 40
"""Moves of a gap that are shown; what is left out of the middle is summed up in a line."""

_TIME = 19
_TYPE = 6
_ID = 26
_REQUEST = 36  # characters of a request's id
_SHORTEST = 12  # characters of an id that still say which it is


def _mark(row: Section) -> str:
    return "> " if row.get("is_own") else "  "


def _cell(text: str | None, width: int) -> str:
    """Return text cut and filled to a width, without what a terminal would obey."""
    shown = _clean(text or "-")
    return f"{shown if len(shown) <= width else shown[: width - 1] + '…':<{width}}"


# How a gap came about


def history_lines(moves: Sequence[Section], money: Currencies, currency: str | None) -> list[str]:
    """Return a gap's moves, what each added, the gap after each, and their sum."""
    if not moves:
        return []
    together = money.grouped(_sum(moves), currency)
    table = [
        (money.grouped(move["move"], currency), money.grouped(move["gap"], currency))
        for move in moves
    ]
    of_added, of_after = (
        max(map(len, column))
        for column in zip(("Added", "Gap after"), (together, ""), *table, strict=True)
    )
    of_id = max(_SHORTEST, min(_ID, WIDTH - (2 + 16 + 2 + 2 + 6 + 2 + of_added + 2 + of_after)))
    rows = [
        f"{_mark(move)}{move['at']:%Y-%m-%d %H:%M}  {_cell(move['transaction_id'], of_id)}  "
        f"{move['cause']:<6}  {added:>{of_added}}  {after:>{of_after}}"
        for move, (added, after) in zip(moves, table, strict=True)
    ]
    head = (
        f"  {'Time (UTC)':<16}  {'Transaction':<{of_id}}  {'What':<6}  "
        f"{'Added':>{of_added}}  {'Gap after':>{of_after}}"
    )
    label = f"{'Together, the gap after the last':<{16 + 2 + of_id + 2 + 6}}"
    return [head, *_shortened(rows, moves, money, currency), f"  {label}  {together:>{of_added}}"]


def _sum(moves: Sequence[Section]) -> Decimal:
    return sum((move["move"] for move in moves), Decimal(0))


def _shortened(
    rows: list[str], moves: Sequence[Section], money: Currencies, currency: str | None
) -> list[str]:
    """Leave out the middle of a long history, and say what it sums up to."""
    first, rest = MOST_MOVES // 2, len(rows) - MOST_MOVES // 2
    if len(rows) <= MOST_MOVES:
        return rows
    left_out = money.grouped(_sum(moves[first:rest]), currency)
    note = f"  ({plural(rest - first, 'move')} left out, together {left_out})"
    return [*rows[:first], note, *rows[rest:]]


# Neighbours


def neighbour_lines(rows: Sequence[Section], finding: Section, money: Currencies) -> list[str]:
    """Return the transactions, two lines each; `>` marks the finding's, or its time."""
    if not rows:
        return []
    currencies = {row["currency"] for row in rows}
    table = [_HEAD, *(_cells(row, money, named=len(currencies) > 1) for row in rows)]
    layout = _widths(table)
    head, *blocks = (_laid_out(cells, layout) for cells in table)
    lines = head if _total(layout) <= WIDTH else []
    is_marked = any(row["is_own"] for row in rows)
    for row, block in zip(rows, blocks, strict=True):
        if not is_marked and row["at"] > finding["at"]:
            lines += _here(finding)
            is_marked = True
        lines += [_mark(row) + block[0][2:], *block[1:]]
    lines += [] if is_marked else _here(finding)
    if any(cells.new_balance.startswith("(") for cells in table[1:]):
        lines += ["  In brackets: a new balance that did not come about, as far as the logs tell."]
    return lines


class _Cells(NamedTuple):
    """What is shown of a transaction: the cells of its first line, then of its second."""

    time: str
    type: str
    amount: str
    vat: str
    old_balance: str
    new_balance: str
    outcome: str
    transaction: str
    payment: str
    gap: str


_HEAD = _Cells(
    "Time (UTC)", "Type", "Amount", "VAT", "Old balance", "New balance",
    "Outcome", "Transaction", "Payment after", "Gap",
)  # fmt: skip


def _cells(row: Section, money: Currencies, *, named: bool) -> _Cells:
    """Return a transaction's cells; amounts are named where several currencies meet."""

    def amount(name: str) -> str:
        if row[name] is None:
            return "-"
        if named:
            return amount_words(money, row[name], row["currency"])
        return money.grouped(row[name], row["currency"])

    new_balance = amount("new_balance")
    if row["outcome"] != "applied" and row["subscription_after"] != row["new_balance"]:
        new_balance = f"({new_balance})"
    return _Cells(
        f"{row['at']:%Y-%m-%d %H:%M:%S}", _clean(row["type"] or "-"), amount("amount"),
        amount("vat"), amount("old_balance"), new_balance, _clean(row["outcome"] or "-"),
        _clean(row["transaction_id"] or "-"), amount("payment_after"), amount("gap"),
    )  # fmt: skip


def _widths(table: Sequence[_Cells]) -> tuple[int, int, int, int]:
    """Return how wide the columns of amounts are; the first has room for an id beneath."""
    amount, vat, old, new = (
        max(len(cells.amount) for cells in table),
        max(len(cells.vat) for cells in table),
        max(len(text) for cells in table for text in (cells.old_balance, cells.payment)),
        max(len(text) for cells in table for text in (cells.new_balance, cells.gap)),
    )
    free = WIDTH - _total((amount, vat, old, new))
    wanted = _ID - (_TYPE + 2 + amount + 2 + vat)
    return amount + max(0, min(free, wanted)), vat, old, new


def _total(widths: tuple[int, int, int, int]) -> int:
    return 2 + _TIME + 2 + _TYPE + sum(widths) + 2 * len(widths)


def _laid_out(cells: _Cells, widths: tuple[int, int, int, int]) -> list[str]:
    """Return a transaction in two lines of a table, or in sentences where it is too wide."""
    if _total(widths) > WIDTH:
        return _in_sentences(cells)
    of_amount, of_vat, of_old, of_new = widths
    of_id = _TYPE + 2 + of_amount + 2 + of_vat
    first = (
        f"  {cells.time:<{_TIME}}  {_cell(cells.type, _TYPE)}  {cells.amount:>{of_amount}}  "
        f"{cells.vat:>{of_vat}}  {cells.old_balance:>{of_old}}  {cells.new_balance:>{of_new}}"
    )
    second = (
        f"  {_cell(cells.outcome, _TIME)}  {_cell(cells.transaction, of_id)}  "
        f"{cells.payment:>{of_old}}  {cells.gap:>{of_new}}"
    )
    return [first, second]


def _in_sentences(cells: _Cells) -> list[str]:
    return textwrap.wrap(
        f"{cells.time}  {cells.type[:_TYPE]} of {cells.amount}, VAT {cells.vat}, "
        f"{cells.outcome[:_TIME]}; balance {cells.old_balance} -> {cells.new_balance}; "
        f"payment after {cells.payment}; gap {cells.gap}; {cells.transaction[:40]}",
        WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False,
    )  # fmt: skip


def _here(finding: Section) -> list[str]:
    return [f"> {finding['at']:%Y-%m-%d %H:%M:%S}  the finding; no transaction was logged for it"]


# What happened to the service


def crash_lines(crashes: Sequence[Section], count: int) -> list[str]:
    """Return the first crashes with where they stand, and how many there are besides."""
    lines: list[str] = []
    for crash in crashes:
        at = f"{crash['at']:%Y-%m-%d %H:%M:%S}" if crash["at"] else "-"
        request = (
            f"{_cell(crash['request_id'], _REQUEST).rstrip()}, " if crash["request_id"] else ""
        )
        lines += [f"  {at:<{_TIME}}  {request}line {crash['line']:,} of"]
        lines += path_lines(crash["file"] or "-", 4)
    more = count - len(crashes)
    return lines + ([f"  and {more:,} more"] if crashes and more > 0 else [])


def day_lines(days: Sequence[Section]) -> list[str]:
    """Return the errors of each day; `>` marks the finding's."""
    if not days:
        return []
    head = (
        f"  {'Day (UTC)':<10}  {'Sync errors':>11}  {'Of subscribers':>14}  {'Failed messages':>15}"
    )
    return [
        head,
        *(
            f"{_mark(day)}{day['day']:<10}  {day['sync_errors']:>11,}  {day['subscribers']:>14,}  "
            f"{day['failures']:>15,}"
            for day in days
        ),
    ]
