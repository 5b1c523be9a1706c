"""Time all checks over a million transactions, each and together.

    python benchmarks/checks.py FOLDER [--subscribers 3500] [--days 365]

FOLDER should be in memory (/dev/shm); a sample is made in it, kept, and used again.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from pathlib import Path

import trueup
from trueup.checks import run_checks
from trueup.config import Settings
from trueup.reports.listing import times_text
from trueup.sample import write_sample


def main() -> None:
    """Make, audit, run the checks again and again, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--subscribers", type=int, default=3500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not (options.folder / "labels.json").exists():
        write_sample(
            options.folder, subscribers=options.subscribers, days=options.days, processes=2
        )
    settings = Settings(processes=2)
    with trueup.audit(options.folder, settings=settings) as audit:
        report = audit.report
        checks = [one.check for one in report.findings]
        seconds, processor = [], []
        for _ in range(options.runs):
            started, begun = time.perf_counter(), time.process_time()
            findings, _ = run_checks(report.books, checks, report.window, settings)
            seconds.append(time.perf_counter() - started)
            processor.append(time.process_time() - begun)
        print(times_text(findings, report.counts["transactions"]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"\nAll checks and the sums they share, median of {options.runs} runs: "
        f"{statistics.median(seconds):.2f} s ({statistics.median(processor):.2f} s of processor); "
        f"{memory:.2f} GB of memory at most, reading included"
    )


if __name__ == "__main__":
    main()
