"""Makes realistic logs with known faults: to try the program on, to test it and to measure it.

Beside the logs stands `labels.json`: what a correct audit of them must find.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trueup.errors import BadUse
from trueup.sample.cells import SIZE, Cell, write_cell
from trueup.sample.labelfile import LABELS, write_labels
from trueup.sample.tally import Tally

__all__ = ["LABELS", "SampleSummary", "write_sample"]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written: packed and unpacked bytes are those of the logs."""

    folder: Path
    files: int
    bytes: int
    unpacked_bytes: int
    transactions: int
    findings: int


def write_sample(
    folder: Path, *, subscribers: int = 200, days: int = 60, seed: int = 1, processes: int = 1
) -> SampleSummary:
    """Write logs and labels into an empty or new folder.

    The same subscribers, days and seed give the same bytes, whatever the number of processes.
    Raises BadUse for a folder that is not empty or cannot be written.
    """
    for name, value in (("subscribers", subscribers), ("days", days), ("processes", processes)):
        if value < 1:
            raise BadUse(f"{name} is {value}: give 1 or more")
    parts = _prepare(folder)
    try:
        cells = [
            Cell(
                folder=folder,
                findings=parts / f"{number}",
                number=number,
                subscribers=range(first, min(first + SIZE, subscribers)),
                days=days,
                seed=seed,
            )
            for number, first in enumerate(range(0, subscribers, SIZE))
        ]
        tally = Tally()
        for cell_tally in _write_cells(cells, processes):
            tally.add(cell_tally)
        header = {"seed": seed, "subscribers": subscribers, "days": days}
        write_labels(folder, header, tally, [cell.findings for cell in cells])
    finally:
        shutil.rmtree(parts)
    return SampleSummary(
        folder=folder,
        files=tally.files,
        bytes=tally.packed_bytes,
        unpacked_bytes=tally.unpacked_bytes,
        transactions=tally.transactions,
        findings=tally.findings,
    )


def _prepare(folder: Path) -> Path:
    """Make the folder, if need be, and in it a place for findings that wait to be merged."""
    parts = folder / ".findings"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadUse(f"{folder} is not empty: give a new or empty folder for the sample")
        parts.mkdir()
    except OSError as error:
        reason = error.strerror or error
        raise BadUse(f"cannot write a sample to {folder} ({reason}): give another folder") from None
    return parts


def _write_cells(cells: list[Cell], processes: int) -> Iterator[Tally]:
    """Write all cells and yield their counts in order."""
    if min(processes, len(cells)) == 1:
        yield from map(write_cell, cells)
        return
    # loaded only here: importing the program should stay quick
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # a forked child of a program with threads may hang
    with ProcessPoolExecutor(min(processes, len(cells)), get_context("spawn")) as pool:
        yield from pool.map(write_cell, cells)
