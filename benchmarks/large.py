"""Audit gigabytes: make a sample of a size, audit it, and watch the memory of all its processes.

    python benchmarks/large.py FOLDER [--subscribers 31000] [--days 365] [--formats json]

The default makes about 10 GB of text. FOLDER should be in memory (/dev/shm), where making hundreds
of thousands of small files is quick; it is kept, and used again if it is there already.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def tree(process: int) -> list[int]:
    """Return the process and all below it."""
    found = [process]
    for parent in found:
        try:
            tasks = Path(f"/proc/{parent}/task").iterdir()
            for task in tasks:
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return found


def memory(process: int) -> int:
    """Return the bytes of memory of a process, shared ones by their share; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def watch(command: list[str]) -> tuple[float, int]:
    """Run a command; return its seconds and the largest memory of its processes together."""
    started = time.perf_counter()
    peak = 0
    with subprocess.Popen(command) as running:
        while running.poll() is None:
            peak = max(peak, sum(map(memory, tree(running.pid))))
            time.sleep(0.2)
    if running.returncode:
        raise SystemExit(running.returncode)
    return time.perf_counter() - started, peak


def main() -> None:
    """Make, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--subscribers", default="31000")
    parser.add_argument("--days", default="365")
    parser.add_argument("--formats", default="json")
    options = parser.parse_args()
    trueup = [sys.executable, "-m", "trueup"]
    if not (options.folder / "labels.json").exists():
        size = ["--subscribers", options.subscribers, "--days", options.days]
        seconds, peak = watch([*trueup, "sample", str(options.folder), *size])
        print(f"made in {seconds:,.0f} s, {peak / 1e9:.2f} GB of memory", flush=True)
    with tempfile.TemporaryDirectory() as out:
        command = [*trueup, "audit", str(options.folder), "--out", out]
        seconds, peak = watch([*command, "--formats", options.formats])
        print(f"audited in {seconds:,.0f} s, {peak / 1e9:.2f} GB of memory at most")
        for path in sorted(Path(out).iterdir()):
            print(f"  {path.name} {path.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
