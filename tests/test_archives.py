"""Logs in archives: every shape, nested, broken and hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import trueup
from archives import Files, tarred, zipped, zstd
from trueup.config import Settings
from trueup.errors import BadUse
from trueup.sources.finding import find_logs
from trueup.sources.limits import Limits

LINE = b"2024-02-01T10:00:00.%03dZ START RequestId: r%d Version: 1\n"


def line(number: int) -> bytes:
    return LINE % (number, number)


Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write files, audit them, and return names with entries, problems and what was passed over."""

    def do(files: Files, **settings: Any) -> dict[str, Any]:
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        chosen = Settings(processes=1, **settings)
        with trueup.audit(tmp_path / "in", settings=chosen) as done:
            problems: dict[str, list[str]] = {}
            for row in done.report.problems():
                problems.setdefault(row["file"].removeprefix("in/"), []).append(row["problem"])
            rows = done.sql("SELECT name, entries FROM files ORDER BY name").to_pylist()
            return {
                "files": {row["name"].removeprefix("in/"): row["entries"] for row in rows},
                "problems": problems,
                "ignored": done.report.inputs["ignored"],
            }

    return do


SHAPES: dict[str, Callable[[Files], bytes]] = {
    "a.zip": zipped,
    "stored.zip": lambda files: zipped(files, zipfile.ZIP_STORED),
    "bz.zip": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "a.tar": tarred,
    "a.tar.gz": lambda files: tarred(files, "w:gz"),
    "a.tgz": lambda files: tarred(files, "w:gz"),
    "a.tar.bz2": lambda files: tarred(files, "w:bz2"),
    "a.tar.xz": lambda files: tarred(files, "w:xz"),
    "a.tar.zst": lambda files: zstd(tarred(files)),
    "zip in a gzip": lambda files: gzip.compress(zipped(files)),
    "tar in a zip": lambda files: zipped({"x": tarred(files)}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_kind_of_archive(read: Read, shape: str) -> None:
    found = read(
        {shape: SHAPES[shape]({"d/a.log": line(1) + line(2), "b.gz": gzip.compress(line(3))})}
    )
    prefix = f"{shape}!x!" if shape == "tar in a zip" else f"{shape}!"
    assert found["files"] == {f"{prefix}b.gz": 1, f"{prefix}d/a.log": 2}
    assert found["problems"] == {}


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zstd,
        lambda text: gzip.compress(gzip.compress(text)),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "gzip twice"],
)
def test_a_packed_log_needs_no_name(read: Read, pack: Callable[[bytes], bytes]) -> None:
    assert read({"x": pack(line(1) + line(2))}) == {
        "files": {"x": 2}, "problems": {}, "ignored": []
    }  # fmt: skip


def test_a_stream_reaches_over_archives(read: Read) -> None:
    stream = "2024-02-01-[$LATEST]" + "a" * 32
    found = read(
        {"one.zip": zipped({f"{stream}/000000.gz": gzip.compress(line(1))}),
         "two/" + stream + "/000001.gz": gzip.compress(line(2)),
         "three.zip": zipped({f"2024/02/01/[$LATEST]{'a' * 32}/000002.gz": gzip.compress(line(3))}),
         f"{stream}.zip": zipped({"x.log": line(4)})}
    )  # fmt: skip
    assert sum(found["files"].values()) == 4


def streams(paths: Path) -> set[str]:
    return {file.stream for file in find_logs([paths]).files}


def test_the_stream_of_a_member_is_that_of_its_folder(tmp_path: Path) -> None:
    stream = "2024-02-01-[$LATEST]" + "a" * 32
    inner = {f"{stream}/000000.gz": line(1), f"2024/02/01/[$LATEST]{'a' * 32}/x.log": line(2)}
    (tmp_path / "a.zip").write_bytes(zipped(inner))
    (tmp_path / f"{stream}.tar.gz").write_bytes(tarred({"any.log": line(3)}, "w:gz"))
    (tmp_path / f"{stream}.log").write_bytes(line(4))
    assert streams(tmp_path) == {stream}


def test_zips_in_zips_and_what_macos_adds(read: Read) -> None:
    litter = {"__MACOSX/._a.log": b"\x00\x05", "week/__MACOSX/x": b"", "week/.DS_Store": b"\x00"}
    found = read(
        {"mail.zip": zipped({"week1.zip": zipped({"000000.gz": gzip.compress(line(1)), **litter})})}
    )
    assert found["files"] == {"mail.zip!week1.zip!000000.gz": 1}
    assert found["ignored"] == ["in/mail.zip!week1.zip!__MACOSX (3 files that macOS adds)"]
    assert found["problems"] == {}


def test_office_files_and_pictures_are_passed_over(read: Read) -> None:
    found = read(
        {"a.log": line(1), "b.xlsx": zipped({"[Content_Types].xml": b"<x/>", "xl/a.xml": b""}),
         "c.zip": zipped({"photo.png": b"\x89PNG", "d.log": line(2)})}
    )  # fmt: skip
    assert found["files"] == {"a.log": 1, "c.zip!d.log": 1}
    assert found["ignored"] == ["in/b.xlsx", "in/c.zip!photo.png"]


def test_zip64(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with (
        zipfile.ZipFile(path, "w") as archive,
        archive.open("a.log", "w", force_zip64=True) as file,
    ):
        file.write(line(1))
    with trueup.audit(path) as done:
        assert done.table("files")["entries"].to_pylist() == [1]


# Broken


def encrypted(files: Files) -> bytes:
    """A zip whose members say that they are encrypted."""
    packed = bytearray(zipped(files))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := packed.find(magic, start + 1)) >= 0:
            packed[start + place] |= 1
    return bytes(packed)


def lying(content: bytes, size: int) -> bytes:
    """A zip whose directory says another size than the member has."""
    packed = bytearray(zipped({"a.log": content}))
    place = packed.find(b"PK\x01\x02")
    packed[place + 24 : place + 28] = struct.pack("<L", size)
    return bytes(packed)


def bad_sum(files: Files) -> bytes:
    packed = bytearray(zipped(files, zipfile.ZIP_STORED))
    place = packed.find(b"r1")
    packed[place + 1] = ord("7")
    return bytes(packed)


def links() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind, target in (
            ("link", tarfile.SYMTYPE, "/etc/passwd"), ("hard", tarfile.LNKTYPE, "a.log"),
            ("device", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, ""),
        ):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        info = tarfile.TarInfo("a.log")
        info.size = len(line(1))
        archive.addfile(info, io.BytesIO(line(1)))
    return packed.getvalue()


BROKEN: dict[str, tuple[bytes, str, str, int]] = {
    "encrypted": (encrypted({"a.log": line(1)}), "!a.log", "it is encrypted", 0),
    "more than it says": (lying(line(1) + line(2), 10), "!a.log", "its check sum is wrong", 0),
    "less than it says": (lying(line(1), 5000), "!a.log", "its archive says that it has 5,000 bytes, and holds 56", 1),
    "wrong sum": (bad_sum({"a.log": line(1) + line(2)}), "!a.log", "its check sum is wrong", 2),
    "cut zip": (zipped({"a.log": line(1) * 99})[:-30], "", "damaged zip archive", 0),
    "no zip": (b"PK\x03\x04" + b"x" * 99, "", "damaged zip archive", 0),
    "path up": (zipped({"../../a.log": line(1)}), "!../../a.log", "leads out of the archive", 1),
    "path from the root": (tarred({"/etc/a.log": line(1)}), "!/etc/a.log", "leads out of the archive", 1),
    "path of Windows": (zipped({"C:\\a.log": line(1)}), "!C:/a.log", "leads out of the archive", 1),
    "link": (links(), "!link", "a link, which is not followed", 1),
    "hard link": (links(), "!hard", "a link, which is not followed", 1),
    "device": (links(), "!device", "a device or a pipe", 1),
    "pipe": (links(), "!pipe", "a device or a pipe", 1),
    "cut tar": (tarred({"a.log": line(1) * 200})[:5000], "!a.log", "its archive is cut off", 80),
    "cut tar.gz": (tarred({"a.log": line(1), "b.log": os.urandom(9999)}, "w:gz")[:-4000], "", "the gzip data is cut off", 1),
    "tar with a broken header": (tarred({"a.log": line(1)})[:1024] + b"x" * 2048, "", "damaged tar archive", 1),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "", "a 7-Zip archive", 0),
    "rar": (b"Rar!\x1a\x07\x00" + b"x" * 99, "", "a RAR archive", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_said_and_the_rest_is_read(read: Read, what: str) -> None:
    content, name, problem, entries = BROKEN[what]
    found = read({"good.log": line(9), "bad": content})
    assert problem in "".join(found["problems"][f"bad{name}"])
    assert found["files"].pop("good.log") == 1
    assert sum(found["files"].values()) == entries


@pytest.mark.parametrize("what", ["encrypted", "cut zip", "7z"])
def test_where_nothing_can_be_read_that_is_bad_use(tmp_path: Path, what: str) -> None:
    (tmp_path / "bad").write_bytes(BROKEN[what][0])
    with pytest.raises(BadUse, match=BROKEN[what][2]):
        find_logs([tmp_path])


def test_an_ending_that_lies_is_said(read: Read) -> None:
    found = read({"a.log": line(1), "b.zip": b"hello", "c.docx": b"hello", "empty.zip": b""})
    words = "its bytes are not what its ending says: nothing of it was read"
    assert found["problems"] == {"b.zip": [words], "c.docx": [words]}
    assert found["ignored"] == ["in/empty.zip"]


def test_strange_names_are_shown_on_one_line(read: Read) -> None:
    names = ["a\nb\x1b[31m.log", "x" * 4000 + ".log", "\u202egol.a.log", "é.log"]
    found = read({"a.zip": zipped({name: line(place) for place, name in enumerate(names)})})
    assert list(found["files"].values()) == [1, 1, 1, 1]
    for name in found["files"]:
        assert name.isprintable()
        assert len(name) < 400
    assert any("4,004 characters" in name for name in found["files"])


def test_nothing_is_written_under_a_name_from_an_archive(tmp_path: Path) -> None:
    target = tmp_path / "in" / "a.zip"
    target.parent.mkdir()
    target.write_bytes(zipped({"../out.log": line(1), str(tmp_path / "abs.log"): line(2)}))
    with trueup.audit(target) as done:
        assert done.table("files")["entries"].to_pylist() == [1, 1]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_the_spool_is_closed_to_others_and_goes(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.log": line(1)}))
    found = find_logs([tmp_path])
    spool = Path(found.files[0].path)
    assert stat.S_IMODE(spool.parent.stat().st_mode) == 0o700
    del found
    assert not spool.exists()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(tmp_path: Path, device: str) -> None:
    (tmp_path / "a.log").write_bytes(line(1))
    with trueup.audit([device, tmp_path]) as done:
        assert next(done.report.problems())["problem"] == "a device, which is not read"
    os.mkfifo(tmp_path / "pipe.log")
    with trueup.audit(tmp_path) as done:
        (problem,) = done.report.problems()
        assert problem["problem"] == "a device or a pipe, which is not read"


# Bombs


def nested(depth: int) -> bytes:
    content = line(1)
    for _ in range(depth):
        content = zipped({"a.log" if content == line(1) else "a.zip": content})
    return content


def test_nesting_stops(read: Read) -> None:
    found = read(
        {"five.zip": nested(5), "six.zip": nested(6), "layers.gz": layers(7), "z.log": line(2)}
    )
    assert found["files"] == {"five.zip" + "!a.zip" * 4 + "!a.log": 1, "z.log": 1}
    for name in ("six.zip", "layers.gz"):
        assert "archives lie more than 5 deep" in found["problems"][name][0]


def layers(count: int) -> bytes:
    content = tarred({"a.log": line(1)})
    for _ in range(count):
        content = gzip.compress(content)
    return content


def test_too_many_members(read: Read) -> None:
    files = [{f"{place}.log": line(place + start) for place in range(30)} for start in (0, 500)]
    found = read({"a.zip": zipped(files[0]), "b.tar": tarred(files[1])}, limits_members=10)
    assert len(found["files"]) == 20
    for name in ("a.zip", "b.tar"):
        assert "more than 10 members: the rest was not read" in found["problems"][name][0]


def test_an_expansion_stops_and_what_came_before_is_read(read: Read) -> None:
    bomb = zipped({"a.log": line(1), "b.log": bytes(10_000_000), "c.log": line(3)})
    found = read({"a.zip": bomb, "z.log": line(2)}, limits_expansion_from=1_000_000)
    assert found["files"] == {"a.zip!a.log": 1, "z.log": 1}
    assert "it unpacks to more than 200 times its size" in found["problems"]["a.zip"][0]


def test_a_total_stops(read: Read) -> None:
    random = zipped({"b.log": os.urandom(100_000)})
    found = read(
        {"a.zip": zipped({"a.log": line(1)}), "b.zip": random, "z.log": line(2)},
        limits_total=50_000,
    )
    assert found["files"] == {"a.zip!a.log": 1, "z.log": 1}
    assert "raise limits.total" in found["problems"]["b.zip"][0]


BOMBS = {
    "zip": lambda: zipped({"a.log": bytes(300_000_000)}),
    "tar.gz": lambda: gzip.compress(tarred({"a.log": b""})[:512] + bytes(300_000_000), 9),
    "header": lambda: gzip.compress(huge_header() + bytes(300_000_000), 9),
    "many": lambda: zipped({str(place): b"" for place in range(101_000)}),
    "gzip in gzip": lambda: gzip.compress(
        gzip.compress(gzip.compress(bytes(300_000_000), 9), 9), 9
    ),
}


def huge_header() -> bytes:
    """A tar header that announces a path of 300 MB."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 300_000_000
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no way to tell the peak")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little_memory(tmp_path: Path, bomb: str) -> None:
    """In a process of its own, whose peak is measured: what a plain log takes, and little more."""
    (tmp_path / "bomb").write_bytes(BOMBS[bomb]())
    (tmp_path / "good.log").write_bytes(line(1))
    code = """
import json, re, sys, trueup
with trueup.audit(sys.argv[1]) as done:
    said = [row["problem"] for row in done.report.problems()]
    # getrusage counts what the process was before it became this one: the tests.
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
    print(json.dumps([int(peak) // 1024, said]))
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    peak, said = json.loads(run.stdout)
    assert peak < 400  # 125 of it for a plain log
    assert said


def test_settings_stand_in_a_table_of_the_file(tmp_path: Path) -> None:
    from trueup.config import load_settings

    (tmp_path / "trueup.toml").write_text("[limits]\nnesting = 2\ntotal = 1000\n")
    settings = load_settings(tmp_path / "trueup.toml")
    assert settings.limits == Limits(nesting=2, total=1000)


# Elsewhere


def test_standard_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trueup", "audit", "-", "--formats", "json", "--json"]
    packed = zipped({"a.log": line(1)})
    run = subprocess.run(command, input=packed, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(run.stdout)["inputs"]["files"] == 1


def test_a_finding_in_an_archive_is_explained(tmp_path: Path, ledger: Callable[[str], str]) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 10 15 applied")
    (tmp_path / "a.zip").write_bytes(zipped({"x/y.log": text.encode()}))
    with trueup.audit(tmp_path / "a.zip") as done:
        finding = done.findings("mismatch").to_pylist()[0]
        shown = done.explain(finding["finding_id"]).as_text()
    assert "a.zip!x/y.log" in shown
    assert "T1" in shown


def test_the_manifest_names_the_archive_too(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.log": line(1)}))
    with trueup.audit(tmp_path / "a.zip", generated_at=datetime(2024, 5, 1)) as done:  # noqa: DTZ001
        done.write(tmp_path / "out", ["json"])
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [row["name"] for row in manifest["originals"]] == ["a.zip"]
    assert [row["name"] for row in manifest["inputs"]] == ["a.zip!a.log"]
    from trueup.reports.verifying import verify

    assert verify(tmp_path / "out", [tmp_path / "a.zip"]).is_intact


STREAM = "2024-02-01-[$LATEST]" + "a" * 32
TEXT = line(1) + line(2)
PART = f"{STREAM}/000000.gz"
PACKED = gzip.compress(TEXT)


@pytest.mark.parametrize(
    "files",
    [
        {PART: PACKED, f"{STREAM}/000000": TEXT, f"{STREAM}/000000.log": TEXT + b"\n"},
        {"x/a.zip": zipped({PART: PACKED}), "y/a.zip": zipped({PART: gzip.compress(TEXT, 1)})},
        {"x/s.log": TEXT, "y/s.log": TEXT + b"\n", f"x/{PART}": PACKED, f"y/{PART}": TEXT},
        {"a.gz": PACKED, PART: PACKED, "a.zip": zipped({PART: TEXT})},
        {"win.zip": zipped({PART.replace("/", "\\"): PACKED}), PART: TEXT},
        {"twice.tar": tarred({PART: gzip.compress(line(1))}) + tarred({PART: PACKED})},
    ],
    ids=[
        "unpacked beside",
        "same names",
        "same folders",
        "loose copy",
        "backslashes",
        "twice in one",
    ],
)
def test_what_is_there_twice_counts_once(tmp_path: Path, files: Files) -> None:
    for name, content in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    folders = [tmp_path / "in"]
    if {name[0] for name in files} == {"x", "y"}:
        folders = [tmp_path / "in" / "x", tmp_path / "in" / "y"]
        files = {name: content for name, content in files.items() if "s.log" not in name}
        for folder in folders:
            (folder / "s.log").unlink(missing_ok=True)
    with trueup.audit(folders, settings=Settings(processes=1)) as done:
        assert len(done.table("invocations")) == 2
        assert done.sql("SELECT sum(entries) AS total FROM files")["total"].to_pylist() == [2]
        assert list(done.report.problems())


@pytest.mark.parametrize(
    ("joined", "entries"),
    [
        (tarred({"a.log": line(1)}) + tarred({"b.log": line(2)}), 2),
        (gzip.compress(tarred({"a.log": line(1)})) + tarred({"b.log": line(2)}, "w:gz"), 2),
        (zipped({"a.log": line(1)}) + zipped({"b.log": line(2)}), 1),
        (zipped({"a.log": line(1)}) + line(2), 1),
    ],
    ids=["tar", "tar.gz", "zip", "zip and log"],
)
def test_archives_that_were_joined_into_one(read: Read, joined: bytes, entries: int) -> None:
    found = read({"a": joined})
    assert sum(found["files"].values()) == entries
    assert bool(found["problems"]) == (entries < 2)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_part_of_an_export_is_told_by_its_bytes_too(
    read: Read, pack: Callable[[bytes], bytes]
) -> None:
    part = pack(tarred({"a.log": line(1), "b.log": line(2)}))
    other = pack(tarred({"c.log": line(3), "d.log": line(4)}))
    found = read({PART: part, "x.zip": zipped({PART: other})})
    assert list(found["files"].values()) == [1, 1, 1, 1]


def test_an_archive_with_nothing_in_it_is_said(read: Read) -> None:
    found = read({"a.log": line(1), "empty.zip": zipped({}), "folders.zip": zipped({"d/": b""})})
    nothing = ["an archive with nothing in it"]
    assert found["problems"] == {"empty.zip": nothing, "folders.zip": nothing}


def test_a_full_disk_is_said_and_no_half_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.log": line(1) * 2000}))
    code = """
import resource, signal, sys, trueup
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    trueup.audit(sys.argv[1])
except trueup.errors.BadUse as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot write to the temporary folder" in run.stdout
    assert "TMPDIR" in run.stdout
