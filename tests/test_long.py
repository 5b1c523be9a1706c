"""Streams that are too long for memory: the same tables, within bounds, whatever the file."""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trueup
from trueup.books import reading
from trueup.books.reading import How, batches, read_batch
from trueup.config import Settings
from trueup.logs.bounds import Bounds
from trueup.logs.rows import Rows
from trueup.reports.evidence import Logs
from trueup.reports.places import places
from trueup.sample import write_sample
from trueup.sources.finding import find_logs
from trueup.sources.limits import Limits
from trueup.sources.logfile import LogFile

SMALL = Bounds(
    stream=2_000, entry=100_000, block=1_500, run=6_000, segment=700, part=4_000,
    compared=10**9, idle=timedelta(minutes=16), invocations=50_000, problems=20_000,
)  # fmt: skip
STREAM = "2024-02-01-[$LATEST]" + "b" * 32
Make = Callable[..., str]


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    """Return the entries of three long texts, each of several sandboxes of a sample."""
    folder = tmp_path_factory.mktemp("long") / "logs"
    write_sample(folder, subscribers=30, days=20, seed=5)
    texts = [
        b"".join(gzip.decompress(file.read_bytes()) for file in sorted(stream.iterdir()))
        for stream in sorted(folder.iterdir())
        if stream.is_dir()
    ]
    return [
        re.split(rb"(?<=\n)(?=\d{4}-\d\d-\d\dT[\d:.]+Z )", b"".join(texts[start : start + 8]))
        for start in (0, 8, 16)
    ]


def write(folder: Path, files: dict[str, bytes]) -> list[LogFile]:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return find_logs([folder]).files


def read(files: list[LogFile], bounds: Bounds, limits: Limits | None = None) -> list[Rows]:
    (batch,) = batches(files, 10**12)
    return list(read_batch(batch, how=How(bounds, limits or Limits())))


def tables(parts: list[Rows]) -> dict[str, Any]:
    """Put parts together, each table in an order of its own."""
    last = parts[-1]
    found: dict[str, Any] = {
        name: sorted((row for part in parts for row in map(tuple, part.tables[name])), key=repr)
        for name in last.tables
    }
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    found["files"] = sorted(map(repr, last.files))
    found["kinds"] = {
        (last.files[file].name, kind): count for (file, kind), count in last.kinds.items() if count
    }
    return found


def shuffled(entries: list[bytes], data: st.DataObject) -> list[bytes]:
    """Move whole runs of lines out of place, as an export does."""
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    runs: list[list[bytes]] = [[]]
    for entry in entries:
        if chance.random() < 0.05:
            runs.append([])
        runs[-1].append(entry)
    for _ in range(len(runs) // 4):
        one, other = chance.randrange(len(runs)), chance.randrange(len(runs))
        runs[one], runs[other] = runs[other], runs[one]
    return [entry for run in runs for entry in run]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_long_stream_reads_like_any_other(
    streams: list[list[bytes]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    entries = shuffled(streams[data.draw(st.integers(0, 2))], data)
    text = b"".join(entries)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=4))
    places = [0, *sorted(cuts), len(text)]
    files = {
        f"{STREAM}/{number:06}.gz": text[a:b] for number, (a, b) in enumerate(pairwise(places))
    }
    found = write(tmp_path_factory.mktemp("logs"), files)
    bounds = SMALL._replace(
        block=data.draw(st.integers(50, 5_000)), run=data.draw(st.integers(50, 9_000)),
        segment=data.draw(st.integers(1, 2_000)), part=data.draw(st.integers(100, 9_000)),
    )  # fmt: skip
    parts = read(found, bounds)
    assert tables(parts) == tables(read(found, Bounds()))
    if len(text) > 9_000:
        assert len(parts) > 1


def test_damage_and_hostile_lines_read_the_same(streams: list[list[bytes]], tmp_path: Path) -> None:
    entries = list(streams[0])
    entries[7] = b"2024-02-30T10:00:00.000Z END RequestId: never\n"
    entries[11] = entries[11][: len(entries[11]) // 2]
    entries[13] = b"2024-01-02T10:00:00.000Z \xff\xfe{{{{'\0\0\n\n\n"
    entries.insert(3, b"2024-01-02T10:00:00.000Z REPORT RequestId: r\tnothing\n")
    text = b"lost words\n" + b"".join(entries) + b"2024-01-02T10:00:0"
    found = write(tmp_path, {"a.log": text, f"{STREAM}/000000.gz": gzip.compress(text)[:-20]})
    assert tables(read(found, SMALL)) == tables(read(found, Bounds()))


def test_an_entry_that_is_too_long_is_cut(tmp_path: Path, ledger: Make) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").encode()
    huge = b"2024-02-01T09:00:00.000Z big " + "é\n".encode() * 40_000
    second = text.index(b"\n\n") + 2
    found = write(
        tmp_path, {"a.log": text[:second] + huge + text[second:] + huge, "b.log": b"x" * 90_000}
    )
    for entry in (1_000, 1_001, 20_000):
        long, whole = (
            read(found, SMALL._replace(entry=entry, stream=stream)) for stream in (2_000, 10**9)
        )
        assert tables(long) == tables(whole)
        size = f"{entry} bytes"
        problem = (
            f"the entry is longer than {size}: what stands behind its first {size} was not read"
        )
        said = sorted((row[1], row[2]) for row in tables(long)["problems"])
        again = 1 + 40_000 + text.count(b"\n")
        assert said == [(0, "no entry of a log in it"), (3, problem), (again, problem)]


def test_rows_leave_memory_when_their_invocation_is_over(
    streams: list[list[bytes]], tmp_path: Path
) -> None:
    found = write(tmp_path, {"a.log": b"".join(streams[0])})
    *parts, last = read(found, SMALL)
    handed_on = [len(part.tables["transactions"]) for part in parts]
    assert sum(map(bool, handed_on)) > 1
    assert sum(handed_on) > len(last.tables["transactions"])


def test_many_invocations_at_a_time_do_not_stay(tmp_path: Path) -> None:
    lines = "".join(
        f"2024-02-01T10:00:00.000Z START RequestId: r{n}\n"
        f"2024-02-01T10:00:00.000Z 2024-02-01T10:00:00.000Z\tr{n}\tINFO\tProcessing message m{n}\n"
        for n in range(500)
    )
    found = write(tmp_path, {"a.log": lines.encode()})
    parts = read(found, SMALL._replace(invocations=20))
    assert sum(len(part.tables["messages"]) for part in parts) == 500
    assert len(parts[-1].tables["messages"]) < 80
    problems = [row[2] for part in parts for row in part.tables["problems"]]
    assert "too many invocations at a time" in problems[0]


def test_problems_without_end_are_counted(tmp_path: Path) -> None:
    line = b"2024-02-30T10:00:00.000Z END RequestId: r\n"
    found = write(tmp_path, {"a.log": line * 500})
    problems = tables(read(found, SMALL._replace(problems=50)))["problems"]
    assert len(problems) == 51
    assert any("450 more problems" in row[2] for row in problems)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_long_stream_in_a_small_batch_is_spilled(
    streams: list[list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    write(tmp_path / "logs", {"a.log": b"".join(streams[0]), "b.log": b"".join(streams[1])})

    def report() -> tuple[Any, ...]:
        settings = Settings(processes=1)
        with trueup.audit(tmp_path / "logs", settings=settings) as audit:
            return (
                audit.report.counts, audit.report.outcomes, audit.report.currencies,
                audit.report.entry_kinds, audit.report.checks,
            )  # fmt: skip

    whole = report()
    monkeypatch.setattr(reading, "How", lambda **named: How(bounds=SMALL, **named))
    assert repr(report()[:4]) == repr(whole[:4])


def test_the_lines_of_a_long_file_are_those_of_any_other(
    streams: list[list[bytes]], tmp_path: Path
) -> None:
    a, b = (b"".join(chain(*pair)) for pair in (streams[:2], streams[2:4]))
    write(tmp_path / "logs", {"a.log": a, "b.log": b"\n" * 3 + b[:200] + b[2_000:]})
    with trueup.audit(tmp_path / "logs") as audit:
        whole, long = Logs(audit._found.files), Logs(audit._found.files, most=100)
        seen = 0
        for findings in audit.report.findings:
            for finding in islice(findings.rows(), 4):
                for place in places(audit.report, finding):
                    assert list(long.excerpts(place)) == list(whole.excerpts(place))
                    seen += 1
        assert seen > 10


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the peak")
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


def peak(folder: Path) -> int:
    """Read in a process of its own; return the megabytes that it took at most."""
    command = [sys.executable, "-c", READ, str(folder), str(folder.parent / "tables")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    return int(done.stdout)


@ON_LINUX
def test_a_large_file_takes_bounded_memory(tmp_path: Path, ledger: Make) -> None:
    """In memory it takes seven times its 90 MB."""
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").replace(
        "00000000-0000-4000-8000-000000000001", "%(id)036d"
    )
    text = text.replace("2024-02-01T10:00:00", "%(t)s")
    folder = tmp_path / "logs"
    folder.mkdir()
    size = number = 0
    with open(folder / "big.log", "w") as out:
        while size < 90 * 10**6:
            number += 1
            day, second = divmod(number ^ 64, 20_000)  # runs of 64 change places
            time = (
                f"2024-02-{day + 1:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            )
            size += out.write(text % {"id": number, "t": time})
    assert peak(folder) < 300


@ON_LINUX
def test_lines_without_end_take_bounded_memory(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    with open(folder / "none.log", "wb") as none, open(folder / "one.log", "wb") as one:
        one.write(b"2024-02-01T10:00:00.000Z START RequestId: r1\n2024-02-01T10:00:01.000Z {")
        for _ in range(150):
            none.write(b"x" * 10**6)
            one.write(b"{ a: " * 200_000)
    (folder / "bomb.gz").write_bytes(gzip.compress(bytes(300 * 10**6)))
    assert peak(folder) < 300


def test_a_file_that_unpacks_to_too_much_is_read_so_far(tmp_path: Path) -> None:
    line = b"2024-02-01T10:00:00.000Z START RequestId: r1\n"
    found = write(tmp_path, {"a.gz": gzip.compress(line * 300_000)})
    rows = tables(read(found, Bounds(), Limits(expansion=50, expansion_from=10**6)))
    ((_, _, problem, _),) = rows["problems"]
    assert re.fullmatch(
        r"it unpacks to more than 50 times its size: reading stopped after \d+ MB", problem
    )
    assert "status='partial'" in rows["files"][0]
