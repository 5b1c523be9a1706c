"""The file of labels: counts, sums, injected faults and every finding in order."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from trueup.sample.facts import Finding
from trueup.sample.faults import FAULTS
from trueup.sample.tally import Tally

LABELS = "labels.json"
SCHEMA = "trueup.labels/1"

# Well below the 256 open files that some systems allow.
_MOST_OPEN = 100


def write_findings(path: Path, found: list[Finding]) -> None:
    """Write findings to a file of their own: one a line, sorted, each behind its sort key."""
    lines = ("\t".join((*finding.sort_key(), finding.as_json())) for finding in found)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in sorted(lines))


def write_labels(
    folder: Path, made_from: Mapping[str, object], tally: Tally, findings: list[Path]
) -> None:
    """Write the labels; `findings` are files that `write_findings` wrote."""
    head = {"schema": SCHEMA, **made_from, **_fields(tally)}
    with (folder / LABELS).open("x", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(head, indent=1).removesuffix("\n}"))
        file.write(',\n "findings": [')
        separator = "\n  "
        for line in _merged(findings):
            file.write(separator + line.rpartition("\t")[2].rstrip("\n"))
            separator = ",\n  "
        file.write("\n ]\n}\n")


def _fields(tally: Tally) -> dict[str, object]:
    return {
        "counts": {
            "entries": tally.entries,
            "invocations": tally.invocations,
            "messages": tally.messages,
            "transactions": tally.transactions,
            "subscribers": tally.subscribers,
            "sync_errors": tally.sync_errors,
            "cold_starts": tally.cold_starts,
            "crashes_at_init": tally.crashes_at_init,
        },
        "outcomes": {
            "messages": _sorted(tally.outcomes_of_messages),
            "transactions": _sorted(tally.outcomes_of_transactions),
        },
        "invocations_by_status": {
            status: tally.statuses[status] for status in ("ok", "failed", "crashed", "unfinished")
        },
        "currencies": {
            currency: totals.as_fields() for currency, totals in sorted(tally.currencies.items())
        },
        "faults": {name: tally.faults[name] for name in sorted(fault.name for fault in FAULTS)},
        "unusual_changes": [
            change.as_fields()
            for change in sorted(
                tally.unusual_changes, key=lambda one: (one.subscriber_id, one.attempt.at)
            )
        ],
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _merged(paths: list[Path]) -> Iterator[str]:
    """Yield the lines of sorted files in order, with few files open at a time."""
    while len(paths) > _MOST_OPEN:
        paths = [_merge_into_one(group) for group in _groups(paths)]
    with ExitStack() as stack:
        yield from heapq.merge(
            *(stack.enter_context(path.open(encoding="utf-8")) for path in paths)
        )


def _groups(paths: list[Path]) -> Iterator[list[Path]]:
    for first in range(0, len(paths), _MOST_OPEN):
        yield paths[first : first + _MOST_OPEN]


def _merge_into_one(paths: list[Path]) -> Path:
    merged = paths[0].with_name(f"{paths[0].name}+")
    with merged.open("x", encoding="utf-8") as file:
        file.writelines(_merged(paths))
    return merged
