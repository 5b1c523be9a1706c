"""Audit one long file: its time and the memory of the process that reads.

    python benchmarks/long.py [--megabytes 2000] [--shape log|gz|line|entry|none|millisecond]

`log` is a plain file of a stream in runs out of order, as exports have them; `gz` the same, packed;
`line` and `entry` have one line, and one entry, that never ends; `none` has no entry at all;
`millisecond` has everything at one time.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

START = datetime(2024, 1, 1, tzinfo=UTC)
INVOCATION = """\
{t}.000Z START RequestId: {id} Version: $LATEST

{t}.001Z {t}.001Z\t{id}\tINFO\tProcessing message 00000000-0000-4000-9000-{n:012}

{t}.002Z {t}.002Z\t{id}\tINFO\tStart syncing the balance {{
  transaction: {{
    id: 'T{n}',
    type: '{type}',
    source: 'PAYMENT',
    action: 'MEAL_DELIVERED',
    userId: 'subscriber-{who}',
    paymentBalance: {new},
    updatePaymentBalance: true,
    metadata: '{{"walletId":"w{who}","deliveryId":"d{n}","walletSk":"entry-{n}"}}',
    currency: 'SAR',
    amount: 11.5,
    vat: 1.5,
    oldBalance: {old},
    newBalance: {new}
  }}
}}

{t}.003Z {t}.003Z\t{id}\tINFO\tSubscriptionBalanceUpdated event published

{t}.004Z END RequestId: {id}

{t}.004Z REPORT RequestId: {id}\tDuration: 4.00 ms\tBilled Duration: 4 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t

"""


def invocations(*, at_once: bool = False) -> Iterator[bytes]:
    """Yield invocations without end, some seconds apart, that leave no two balances apart."""
    number = 0
    while True:
        number += 1
        who, is_credit = number % 5000, number // 5000 % 2 == 0
        at = START + timedelta(seconds=0 if at_once else 7 * number)
        old, new = (50, 60) if is_credit else (60, 50)
        yield INVOCATION.format(
            t=f"{at:%Y-%m-%dT%H:%M:%S}", n=number, id=f"00000000-0000-4000-8000-{number:012}",
            type="CREDIT" if is_credit else "DEBIT", who=who, old=old, new=new,
        ).encode()  # fmt: skip


class Writes(Protocol):
    """A file, packed or not."""

    def write(self, data: bytes, /) -> int:
        """Write bytes and return how many."""


def write(out: Writes, size: int, shape: str) -> None:
    """Write a log of about `size` bytes of text."""
    written = 0
    if shape in {"line", "entry", "none"}:
        piece = b"{ a: " * 20_000 if shape == "line" else b"{ a: 'of no entry'\n" * 5_000
        if shape != "none":
            written += out.write(b"2024-01-01T00:00:00.000Z START RequestId: r1 ")
        while written < size:
            written += out.write(piece)
        return
    endless = invocations(at_once=shape == "millisecond")
    while written < size:
        runs = [b"".join(next(endless) for _ in range(50)) for _ in range(20)]
        for run in (*runs[5:10], *runs[:5], *runs[10:]):
            written += out.write(run)


READ = """
import sys
from pathlib import Path
from trueup.books.reading import batches, spill_batch
from trueup.sources.finding import find_logs
for place, batch in enumerate(batches(find_logs([sys.argv[1]]).files, 10**12)):
    spill_batch(place, batch, Path(sys.argv[2]))
# Its own peak: what getrusage tells begins with that of the process that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def main() -> None:
    """Make a file, read it, audit it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--shape", default="log")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "logs", "long.gz" if options.shape == "gz" else "long.log")
        path.parent.mkdir()
        with open(path, "wb") as plain, ExitStack() as stack:
            packs = options.shape == "gz"
            out = (
                stack.enter_context(gzip.GzipFile(mode="wb", fileobj=plain, compresslevel=1))
                if packs
                else plain
            )
            write(out, options.megabytes * 10**6, options.shape)
        started = time.perf_counter()
        command = [sys.executable, "-c", READ, str(path), str(Path(folder, "tables"))]
        peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        print(f"read in {time.perf_counter() - started:,.1f} s, {peak} MB", flush=True)
        out_folder = str(Path(folder, "out"))
        command = [sys.executable, "-m", "trueup", "audit", str(path), "--out", out_folder]
        started = time.perf_counter()
        subprocess.run([*command, "--formats", "json"], capture_output=True, check=True)
        peak = str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
        print(f"audited in {time.perf_counter() - started:,.1f} s, {peak} MB of a process at most")


if __name__ == "__main__":
    main()
