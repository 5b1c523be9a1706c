"""Fuzz the readers, led by coverage, for some time each.

    pip install atheris
    python benchmarks/fuzz/fuzz.py [TARGET...] --seconds 60

Each target is a process of its own: a crash, an input that takes more than a second, or more than
2 GB of memory ends it, and the input is kept in tests/fuzz/<target>, where the tests find it. What
opens new paths is kept in benchmarks/fuzz/found/<target>, which later runs begin with; `--keep` puts
the smallest of them into tests/fuzz as well.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import hashlib
import lzma
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "fuzz"
MOST_KEPT = 40
LARGEST_KEPT = 2_000  # bytes
FOUND = Path(__file__).parent / "found"


def fuzz(target: str, seconds: int) -> None:
    """Fuzz a target in this process; libFuzzer ends it."""
    import atheris

    sys.path.insert(0, str(ROOT / "tests"))
    with atheris.instrument_imports(include=["trueup", "zipfile", "tarfile"]):
        from fuzz_targets import TARGETS

    kept, found = KEPT / target, FOUND / target
    kept.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={seconds}", "-timeout=1", "-rss_limit_mb=2048", "-max_len=65536",
        f"-artifact_prefix={kept}/", "-print_final_stats=1",
    ]  # fmt: skip
    folders = [str(folder) for folder in (found, kept, FOUND / "seeds" / target) if folder.is_dir()]
    atheris.Setup([sys.argv[0], *flags, *folders], TARGETS[target])
    atheris.Fuzz()


def keep(target: str) -> None:
    """Copy found inputs that open paths of their own to where the tests find them."""
    known = {path.read_bytes() for path in (KEPT / target).glob("*")}
    small = sorted((FOUND / target).glob("*"), key=lambda path: (path.stat().st_size, path.name))
    for path in small[: MOST_KEPT - len(known)]:
        if path.stat().st_size <= LARGEST_KEPT and path.read_bytes() not in known:
            (KEPT / target / path.name[:16]).write_bytes(path.read_bytes())


def write_seeds() -> None:
    """Write what fuzzing begins with: a small sample in the shapes that each target reads."""
    from archives import tarred, zipped, zstd
    from aws_shapes import WITH_STREAMS, events_of
    from lambda_json_logs import as_json
    from trueup.sample import write_sample

    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder) / "logs", subscribers=3, days=4, seed=3)
        paths = sorted(Path(folder, "logs").glob("*/*.gz"))[:6]
        packed = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in paths}
    texts = [gzip.decompress(content) for content in packed.values()]
    events = [
        event
        for name, text in zip(packed, texts, strict=True)
        for event in events_of(name.partition("/")[0], text.decode())
    ]
    lines = [message.encode() for _, _, message in as_json(events[:40])]
    bodies = [message.partition("balance ")[2].encode() for _, _, message in events]
    exports = [b"\0" + write(events[:30]) for _, write in WITH_STREAMS.values()]
    zip_file, tar_file = zipped(packed), tarred(packed)
    seeds = {
        "entries": texts,
        "objects": bodies,
        "inspect": bodies,
        "lambda_json": [line[2:] for line in lines],
        "packed": [
            b"\0" + gzip.compress(texts[0])[2:],
            b"\1" + bz2.compress(texts[0])[4:],
            b"\2" + lzma.compress(texts[0])[6:],
            b"\3" + zstd(texts[0])[4:],
        ],
        "shapes": [*packed.values(), *(export[1:] for export in exports), zip_file, tar_file],
        "zip": [zip_file[4:]],
        "tar": [tar_file[:257] + tar_file[262:]],
        "aws": exports,
    }
    for target, contents in seeds.items():
        (FOUND / "seeds" / target).mkdir(parents=True, exist_ok=True)
        for content in contents:
            name = hashlib.sha256(content).hexdigest()[:16]
            (FOUND / "seeds" / target / name).write_bytes(content[:60_000])


def main() -> None:
    """Run the targets one after the other and say how many inputs each took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="keep what was found as tests")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        fuzz(given.targets[0], given.seconds)
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from fuzz_targets import TARGETS

    write_seeds()
    total = 0
    for target in given.targets or TARGETS:
        command = [sys.executable, __file__, target, "--inside", "--seconds", str(given.seconds)]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
        inputs = int(said.get("number_of_executed_units", 0))
        total += inputs
        print(
            f"{target:12} {inputs:>10,} inputs in {time.monotonic() - started:4.0f} s, slowest "
            f"{said.get('slowest_unit_time_sec', '?')} s, peak {said.get('peak_rss_mb', '?')} MB, "
            f"{'ended by itself' if done.returncode == 0 else 'FAILED'}"
        )
        if given.keep:
            keep(target)
        if done.returncode:
            print(done.stderr[-3000:])
    print(f"{total:,} inputs in all")


if __name__ == "__main__":
    main()
