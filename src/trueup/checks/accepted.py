"""Findings that somebody has looked at and accepted: a CSV file, kept by the people who decide.

Its header is `finding_id,who,when,why`. What it accepts stays in every report, apart from what is
still open.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from trueup.books.ledger import Books
from trueup.errors import BadUse

COLUMNS = ("finding_id", "who", "when", "why")


class Acceptance(NamedTuple):
    """Who accepted a finding, when and why; all as written."""

    finding_id: str
    who: str
    when: str
    why: str


class BadLine(NamedTuple):
    """A line that accepts nothing, and why."""

    line: int
    problem: str


def read_accepted(path: str | None) -> tuple[Sequence[Acceptance], Sequence[BadLine]]:
    """Read the file; a line that cannot be used costs that line.

    Raises BadUse for a file that cannot be read or has another header.
    """
    if path is None:
        return [], []
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadUse(f"checks.accepted: cannot read {path}: {reason}") from error
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    if tuple(header) != COLUMNS:
        raise BadUse(f"checks.accepted: {path} has to begin with the line {','.join(COLUMNS)}")
    accepted: dict[str, Acceptance] = {}
    bad: list[BadLine] = []
    for line, row in rows[1:]:
        if not any(cell.strip() for cell in row):
            continue
        cells = [cell.strip() for cell in row]
        if len(cells) != len(COLUMNS) or not all(cells):
            bad.append(BadLine(line, f"it needs all of {', '.join(COLUMNS)}"))
        elif cells[0] in accepted:
            bad.append(BadLine(line, f"finding {cells[0]} is accepted by an earlier line"))
        else:
            accepted[cells[0]] = Acceptance(*cells)
    return list(accepted.values()), bad


def accept_under_pseudonyms(books: Books, checks: Sequence[str]) -> None:
    """Let what the file accepts hold under pseudonyms too, where these change a finding's id.

    Findings about a subscriber's account have the subscriber in their subject.
    """
    if not books.pseudonyms:
        return
    known = books.pseudonyms.known
    books.connection.register(
        "known", pa.table({"logged": [*known.keys()], "shown": [*known.values()]})
    )
    books.connection.register("checks", pa.table({"id": checks}))
    books.connection.execute(
        """
        INSERT INTO accepted
        WITH accounts AS (
            SELECT DISTINCT k.logged, k.shown, t.currency
            FROM transactions AS t INNER JOIN known AS k ON k.shown = t.subscriber_id
        ),
        ids AS (
            SELECT
                substr(sha256(concat(c.id, chr(10), a.logged, '/', a.currency)), 1, 16) AS logged,
                substr(sha256(concat(c.id, chr(10), a.shown, '/', a.currency)), 1, 16) AS shown
            FROM accounts AS a CROSS JOIN checks AS c
        )
        SELECT i.shown, a.accepted_by, a.accepted_on, a.accepted_why
        FROM accepted AS a INNER JOIN ids AS i ON i.logged = a.finding_id
        WHERE i.shown NOT IN (SELECT b.finding_id FROM accepted AS b)
        """
    )
    books.connection.unregister("known")
    books.connection.unregister("checks")
