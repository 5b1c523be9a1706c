"""Injects labelled faults into a copy of given logs: to measure how well an audit finds them.

What is known to be wrong in the copy stands in its `labels.json`: every finding that the original
does not have and the copy must. Whatever is edited keeps the layout that the service prints, and
all that depends on it is carried along, so that nothing but the fault is wrong. Works in memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from trueup.auditing import audit
from trueup.config import Settings
from trueup.errors import BadUse
from trueup.injecting.book import keep_book
from trueup.injecting.choosing import FAULTS, Count, choose
from trueup.injecting.copying import copy_logs, make_folder
from trueup.injecting.edits import edited_files
from trueup.injecting.labels import LABELS, SCHEMA, write_labels
from trueup.injecting.survey import streams
from trueup.sample.plan import Plan
from trueup.sources.finding import find_logs

__all__ = ["FAULTS", "LABELS", "SCHEMA", "Count", "InjectionSummary", "inject"]


@dataclass(frozen=True, slots=True)
class InjectionSummary:
    """What was written: files copied, files edited among them, and the counts of each fault."""

    folder: Path
    files: int
    edited_files: int
    labels: int
    faults: dict[str, Count]


def inject(logs: Path, folder: Path, plan: Plan) -> InjectionSummary:
    """Copy a folder of logs into a new or empty one, with the plan's faults in it, and label them.

    The same logs and plan give the same bytes. The logs themselves stay as they are; a file of
    labels that a sample brought along is replaced. Raises BadUse for folders that cannot be used,
    and for faults that only a simulation can make.
    """
    for fault in plan.rates:
        if fault not in FAULTS:
            raise BadUse(f"{fault} cannot be injected into given logs, only simulated: take it out")
    make_folder(logs, folder)
    found = find_logs([logs])
    with audit(logs, settings=Settings(processes=1)) as audited:
        book = keep_book(audited, streams(found.files))
    choice = choose(book, plan)
    edited = {
        file_id: content
        for stream in streams(found.files)
        for file_id, content in edited_files(stream, choice.edits)
    }
    files = copy_logs(logs, folder, edited, without=LABELS)
    head = {
        "seed": plan.seed,
        "rates": dict(sorted(plan.rates.items())),
        "factor": list(plan.factor),
        "faults": {fault: asdict(count) for fault, count in sorted(choice.counts.items())},
    }
    write_labels(folder, head, choice.labels)
    return InjectionSummary(folder, files, len(edited), len(choice.labels), choice.counts)
