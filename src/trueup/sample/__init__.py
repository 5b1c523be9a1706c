"""Makes realistic logs with known faults: to try the program on, to test it and to measure it.

Beside the logs stands `labels.json`: what a correct audit of them must find.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trueup.errors import BadUse
from trueup.sample.cells import SIZE, Cell, error_days, write_cell
from trueup.sample.faults import FACTOR, FAULTS, Rates
from trueup.sample.labelfile import LABELS, write_findings, write_labels
from trueup.sample.operations import find_in_operations
from trueup.sample.tally import Tally

__all__ = ["FAULTS", "LABELS", "SampleSummary", "write_sample"]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written: packed and unpacked bytes are those of the logs."""

    folder: Path
    files: int
    bytes: int
    unpacked_bytes: int
    transactions: int
    findings: int


def write_sample(  # noqa: PLR0913 - each is an option of its own
    folder: Path,
    *,
    subscribers: int = 200,
    days: int = 60,
    seed: int = 1,
    processes: int = 1,
    rates: Mapping[str, float] | None = None,
    factor: tuple[float, float] = FACTOR,
) -> SampleSummary:
    """Write logs and labels into an empty or new folder.

    `rates` say how often faults happen, by their names in FAULTS; 0 turns one off. `factor` says
    how many times the usual change an unusual one is, from and to. The same options give the same bytes, whatever the number of processes.
    Raises BadUse for a folder that is not empty or cannot be written, and for rates of what is
    no fault or that are no shares.
    """
    for name, value in (("subscribers", subscribers), ("days", days), ("processes", processes)):
        if value < 1:
            raise BadUse(f"{name} is {value}: give 1 or more")
    chosen = Rates(dict(sorted((rates or {}).items())), factor)
    bursts = error_days(days, chosen, seed)
    parts = _prepare(folder)
    try:
        cells = [
            Cell(
                folder=folder,
                findings=parts / f"{number}",
                number=number,
                subscribers=range(first, min(first + SIZE, subscribers)),
                days=days,
                error_days=bursts,
                rates=chosen,
                seed=seed,
            )
            for number, first in enumerate(range(0, subscribers, SIZE))
        ]
        tally = Tally()
        for cell_tally in _write_cells(cells, processes):
            tally.add(cell_tally)
        tally.faults["error_burst"] = len(bursts)
        overall = find_in_operations(tally)
        tally.findings += len(overall)
        write_findings(parts / "overall", overall)
        header = {
            "seed": seed,
            "subscribers": subscribers,
            "days": days,
            "rates": chosen.asked,
            "factor": list(factor),
        }
        write_labels(folder, header, tally, [*(cell.findings for cell in cells), parts / "overall"])
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
