"""Findings that somebody has looked at and accepted: a CSV file, kept by the people who decide.

Its header is `finding_id,who,when,why`. What it accepts stays in every report, apart from what is
still open.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
