"""Measure what the audit finds of injected faults: precision, recall and F1 of every check.

    python benchmarks/detection.py [LOGS] [--judge 11 12 13] [--choose 1 2 3] [--methods robust]

Faults are injected into copies of samples (one a seed) and, if they are named, of given logs. A
finding of a rule counts as found or false where the copy has it and the original does not. Unusual
changes are judged by method: its settings are chosen on the samples of some seeds, by F1, and
judged on others. In a sample every finding that was not injected counts as false; in given logs,
which have unusual changes of their own, recall and the share of transactions flagged say more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any

import trueup
from trueup.config import Settings
from trueup.injecting import LABELS, inject
from trueup.sample import write_sample
from trueup.sample.plan import Plan

UNUSUAL = "unusual_change"
METHOD = "checks_unusual_method"
GRIDS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "robust": {"checks_unusual_deviations": (4, 6, 8, 10, 14)},
    "sigma": {},
    "ecod": {"checks_unusual_share": ("0.005", "0.01", "0.02", "0.04")},
    "iforest": {"checks_unusual_share": ("0.005", "0.01", "0.02", "0.04")},
    "autoencoder": {"checks_unusual_share": ("0.005", "0.01", "0.02", "0.04")},
}
"""The methods, each with the settings that are tried."""

GROUPS = (
    ("mismatch", "negative_amount", "zero_amount", "credit_lowers", "debit_raises"),
    ("wallet_mismatch", "currency_change", "lost_update", "reset_to_payment"),
    ("unseen_change", "not_applied", "drift_opened", "missed_alarm", "false_alarm"),
    ("posted_overdraft", "refused_overdraft", "refused_unlogged"),
    ("failed_delivery", "failed_forever", "duplicate_entry", "duplicate_delivery"),
    ("crash", "crash_at_init", "error_burst"),
)
"""Faults that are injected together: a check is judged where its own faults are."""

Key = tuple[str | None, ...]


def settings_for(method: str, more: Mapping[str, Any]) -> Settings | None:
    """Return the settings that make a method judge; None where the product has no such choice."""
    from decimal import Decimal

    known = {setting.name for setting in fields(Settings)}
    values = {METHOD: method, **more}
    if not known.issuperset(values):
        return None
    made: dict[str, Any] = {
        name: value if name == METHOD else Decimal(value) for name, value in values.items()
    }
    return Settings(processes=1, **made)


@dataclass(slots=True)
class Score:
    """How many were labelled, found of them, and found beside them."""

    labelled: int = 0
    found: int = 0
    false: int = 0

    def add(self, labelled: Counter[Key], found: Counter[Key]) -> None:
        """Count labelled keys and found ones."""
        self.labelled += labelled.total()
        self.found += (labelled & found).total()
        self.false += (found - labelled).total()

    @property
    def precision(self) -> float:
        """Return the share of what was found that was labelled."""
        return self.found / ((self.found + self.false) or 1)

    @property
    def recall(self) -> float:
        """Return the share of what was labelled that was found."""
        return self.found / (self.labelled or 1)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        return 2 * self.found / ((2 * self.found + self.false + self.labelled - self.found) or 1)

    def cells(self) -> list[str]:
        """Return the row's figures as text."""
        shares = (self.precision, self.recall, self.f1)
        return [f"{self.labelled}", f"{self.found}", f"{self.false}", *map("{:.3f}".format, shares)]


@dataclass(slots=True)
class MethodScore(Score):
    """The same of a method, with what it flagged of all transactions and how long it took."""

    transactions: int = 0
    seconds: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return the row's figures as text."""
        share = (self.found + self.false) / (self.transactions or 1)
        seconds = sum(self.seconds) / (len(self.seconds) or 1)
        return [*Score.cells(self), f"{share:.2%}", f"{seconds:.2f}"]


def key_of(row: Mapping[str, Any]) -> Key:
    """Return what identifies a finding, in a report as in the labels."""
    check, cause = row["check"], row.get("cause")
    if check == "crashed_invocation":
        return check, cause, row["error"]
    if check == "error_spike":
        return check, cause, row.get("day") or f"{row['at']:%Y-%m-%d}"
    names = ("subscriber_id", "currency", "transaction_id", "request_id")
    return check, cause, *(row[name] for name in names)


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found, by check."""

    found: Mapping[str, Counter[Key]]
    transactions: int
    seconds: Mapping[str, float]


def audited(logs: Path, settings: Settings | None = None) -> Audited:
    """Audit a folder."""
    with trueup.audit(logs, settings=settings or Settings(processes=1)) as audit:
        findings = audit.report.findings
        return Audited(
            {one.check.id: Counter(map(key_of, one.rows())) for one in findings},
            audit.table("transactions").num_rows,
            {one.check.id: one.seconds for one in findings},
        )


def labelled(folder: Path) -> dict[str, Counter[Key]]:
    """Return the labelled findings of a copy, by check; of a group, one."""
    found: dict[str, Counter[Key]] = defaultdict(Counter)
    for label in json.loads((folder / LABELS).read_text())["labels"]:
        for finding in (label, *label.get("also", ())):
            found[finding["check"]][key_of(finding)] += 1
    for check in found.keys() & {"crashed_invocation", "error_spike"}:
        found[check] = Counter(set(found[check]))
    return found


@contextmanager
def copy_of(logs: Path, plan: Plan, scratch: Path) -> Iterator[Path]:
    """Yield a copy of the logs with faults in it."""
    folder = scratch / "copy"
    try:
        inject(logs, folder, plan)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judge_rules(
    logs: Path, seeds: Iterable[int], rate: float, scratch: Path, scores: dict[str, Score]
) -> set[str]:
    """Inject every group of faults with each seed; return the checks that the product lacks."""
    before = audited(logs).found
    unknown: set[str] = set()
    for seed, faults in product(seeds, GROUPS):
        with copy_of(logs, Plan(seed, dict.fromkeys(faults, rate)), scratch) as folder:
            found, labels = audited(folder).found, labelled(folder)
        for check, keys in labels.items():
            if check in found:
                scores.setdefault(check, Score()).add(keys, found[check] - before[check])
        unknown |= labels.keys() - found.keys()
    return unknown


def judge_method(folder: Path, settings: Settings, score: MethodScore) -> None:
    """Add what a method finds of the unusual changes in a copy."""
    found = audited(folder, settings)
    score.add(labelled(folder)[UNUSUAL], found.found[UNUSUAL])
    score.transactions += found.transactions
    score.seconds.append(found.seconds[UNUSUAL])


def judge_methods(
    logs: Sequence[tuple[Path, int]], choices: Mapping[str, Settings], rate: float, scratch: Path
) -> dict[str, MethodScore]:
    """Judge every choice of method and settings on copies of logs, each with its seed."""
    scores = {name: MethodScore() for name in choices}
    for path, seed in logs:
        with copy_of(path, Plan(seed, {UNUSUAL: rate}), scratch) as folder:
            for name, settings in choices.items():
                judge_method(folder, settings, scores[name])
    return scores


def choices_of(method: str) -> dict[str, Settings]:
    """Return the settings of a method that are tried, by a name of each."""
    grid = GRIDS.get(method, {})
    tried = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    made = {", ".join(f"{k} {v}" for k, v in more.items()) or "-": more for more in tried}
    settings = {name: settings_for(method, more) for name, more in made.items()}
    return {name: found for name, found in settings.items() if found is not None}


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    print(f"\n## {title}\n\n| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


FIGURES = ("labelled", "found", "false", "precision", "recall", "F1")


def report_rules(title: str, logs: Sequence[tuple[Path, int]], rate: float, scratch: Path) -> None:
    """Judge the rules on logs, each with its seed, and print the table."""
    scores: dict[str, Score] = {}
    unknown: set[str] = set()
    for path, seed in logs:
        unknown |= judge_rules(path, [seed], rate, scratch, scores)
    rows = [[check, *score.cells()] for check, score in sorted(scores.items())]
    print_table(f"Rules, {title}", ("check", *FIGURES), rows)
    if unknown:
        print(f"\nNot measured, since the product has no such check: {', '.join(sorted(unknown))}.")


def report_methods(
    methods: Sequence[str],
    choose: Sequence[tuple[Path, int]],
    judge: Mapping[str, tuple[Sequence[tuple[Path, int]], float]],
    rate: float,
    scratch: Path,
) -> None:
    """Choose each method's settings, judge them elsewhere, and print a table for each kind of logs."""
    chosen: dict[str, tuple[str, Settings]] = {}
    for method in methods:
        choices = choices_of(method)
        if not choices:
            print(f"\n{method}: not measured, since the product has no such choice.")
            continue
        scores = judge_methods(choose, choices, rate, scratch) if len(choices) > 1 else {}
        best = max(choices, key=lambda name: scores[name].f1 if scores else 0.0)
        chosen[method] = best, choices[best]
        tried = [[name, *score.cells()] for name, score in scores.items()]
        if tried:
            head = ("settings", *FIGURES, "flagged", "seconds")
            print_table(f"Choosing the settings of {method}", head, tried)
    for title, (logs, share) in judge.items():
        settings = {method: made for method, (_, made) in chosen.items()}
        results = judge_methods(logs, settings, share, scratch) if settings else {}
        rows = [[method, chosen[method][0], *score.cells()] for method, score in results.items()]
        header = ("method", "chosen", *FIGURES, "flagged", "seconds")
        print_table(f"Unusual changes, {title}", header, rows)


def main() -> None:
    """Measure on samples, and on the logs that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("logs", nargs="?", type=Path)
    parser.add_argument("--choose", nargs="+", type=int, default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--judge", nargs="+", type=int, default=[11, 12, 13], metavar="SEED")
    parser.add_argument("--methods", nargs="*", default=["robust", "sigma"], choices=GRIDS)
    parser.add_argument("--subscribers", type=int, default=300)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.005)
    parser.add_argument("--unusual-rate", type=float, default=0.01)
    parser.add_argument("--logs-rate", type=float, default=0.002, help="the same in given logs")
    shared = Path("/dev/shm")  # noqa: S108  (thousands of small files are made quickest in memory)
    parser.add_argument("--folder", type=Path, default=shared if shared.is_dir() else None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="trueup-detection-") as name:
        scratch = Path(name)
        samples = {seed: scratch / f"sample-{seed}" for seed in options.choose + options.judge}
        for seed, folder in samples.items():
            # Without unusual changes of its own: those that are injected are then all.
            rates = {UNUSUAL: 0.0}
            write_sample(
                folder,
                subscribers=options.subscribers,
                days=options.days,
                seed=seed,
                rates=rates,
            )
        on_samples = [(samples[seed], seed) for seed in options.judge]
        judge = {"samples": (on_samples, options.unusual_rate)}
        if options.logs:
            on_logs = [(options.logs, seed) for seed in options.judge]
            judge["given logs"] = (on_logs, options.logs_rate)
        for title, (logs, _) in judge.items():
            report_rules(title, logs, options.rate, scratch)
        choose = [(samples[seed], seed) for seed in options.choose]
        report_methods(options.methods, choose, judge, options.unusual_rate, scratch)


if __name__ == "__main__":
    main()
