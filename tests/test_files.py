"""Where logs are found, what they unpack to, and what is said of the broken ones."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.errors import BadUse
from trueup.sources.finding import find_logs
from trueup.sources.loading import unpack
from trueup.sources.streams import stream_of, without_endings

LINE = b"2024-02-01T10:00:00.000Z START RequestId: r1 Version: 1\n"
Run = Callable[..., trueup.Audit]


def statuses(audit: trueup.Audit) -> dict[str, tuple[str, int]]:
    rows: list[dict[str, Any]] = audit.table("files").to_pylist()
    return {row["name"]: (row["status"], row["entries"]) for row in rows}


def problems(audit: trueup.Audit) -> list[tuple[str, str]]:
    return [(row["file"], row["problem"]) for row in audit.report.problems()]


def test_bytes_tell_the_kind_not_names(audit: Run) -> None:
    packed = gzip.compress(LINE.replace(b"r1", b"r2"))
    found = audit(
        {"plain.gz.log": LINE, "packed": packed, "named.log": packed, "raw.gz.txt": LINE, "raw": LINE,
         "labels.json": b"{}", "notes.md": b"# notes"}
    )  # fmt: skip
    assert statuses(found) == {
        f"logs/{name}": ("read", 1)
        for name in ("named.log", "plain.gz.log")  # the others have the same bytes as one of these
    }
    assert found.report.inputs["ignored"] == ["logs/labels.json", "logs/notes.md"]


def test_a_plain_file_with_the_ending_gz(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(LINE)
    with trueup.audit(tmp_path) as done:
        assert list(statuses(done).values()) == [("read", 1)]


def test_damaged_gzip_yields_what_stands_before_the_damage(audit: Run) -> None:
    def packed(name: bytes) -> bytes:
        lines = (LINE.replace(b"r1", b"%s-%032x" % (name, n * 7919**9)) for n in range(500))
        return gzip.compress(b"".join(lines))

    whole = packed(b"cut")
    cut = whole[: len(whole) // 2]
    damaged = bytearray(packed(b"damaged"))
    half = len(damaged) // 2
    damaged[half : half + 40] = bytes(40)
    wrong_sum = bytearray(packed(b"sum"))
    wrong_sum[-5] ^= 1
    found = audit(
        {"cut.gz": cut, "damaged.gz": bytes(damaged), "sum.gz": bytes(wrong_sum),
         "tail.gz": packed(b"tail") + b"garbage", "two.gz": packed(b"two") + gzip.compress(LINE)}
    )  # fmt: skip
    by_name = statuses(found)
    assert by_name["logs/sum.gz"] == ("partial", 500)
    assert by_name["logs/tail.gz"] == ("partial", 500)
    assert by_name["logs/two.gz"] == ("read", 501)
    for name in ("logs/cut.gz", "logs/damaged.gz"):
        status, entries = by_name[name]
        assert status == "partial"
        assert 100 < entries < 500
    said = dict(problems(found))
    assert said["logs/cut.gz"] == "the gzip data is cut off"
    assert "incorrect data check" in said["logs/sum.gz"]
    assert said["logs/tail.gz"] == "bytes after the end of the gzip data"


def test_unpack_keeps_every_byte_before_the_damage() -> None:
    data = os.urandom(5000)
    stored = bytearray(gzip.compress(data, 0))
    stored[-8] ^= 1
    text, damage = unpack(bytes(stored))
    assert text == data
    assert damage is not None


def test_what_is_no_utf8_is_said(audit: Run) -> None:
    found = audit({"x.log": LINE + b"2024-02-01T10:00:00.001Z \xff\xfe bad\n"})
    assert statuses(found) == {"logs/x.log": ("read", 2)}
    assert problems(found) == [("logs/x.log", "not UTF-8: read as Latin-1")]


def test_windows_newlines(audit: Run, ledger: Callable[[str], str]) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").replace("\n", "\r\n")
    found = audit({"x.log": text.encode()})
    assert found.report.counts["transactions"] == 1
    assert problems(found) == []


def test_empty_files_are_files_and_other_files_are_rejected(audit: Run) -> None:
    found = audit(
        {"empty.log": b"", "none.gz": gzip.compress(b""), "x.txt": b"hello\n", "y.log": LINE}
    )
    assert statuses(found) == {
        "logs/empty.log": ("read", 0), "logs/none.gz": ("read", 0),
        "logs/x.txt": ("rejected", 0), "logs/y.log": ("read", 1),
    }  # fmt: skip
    assert found.report.inputs["rejected"] == [
        {"name": "logs/x.txt", "problem": "no entry of a log in it"}
    ]


def test_the_same_file_twice_is_read_once_and_said(audit: Run) -> None:
    found = audit({"b.log": LINE, "a.log": LINE, "c/d.log": LINE})
    assert statuses(found) == {"logs/a.log": ("read", 1)}
    rows = sorted(row["excerpt"] for row in found.report.problems())
    assert rows == ["logs/b.log", "logs/c/d.log"]
    assert {what for _, what in problems(found)} == {
        "the same bytes were found under another name; read once"
    }


def test_a_path_given_twice_and_inside_another_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.log").write_bytes(LINE)
    found = find_logs([tmp_path, tmp_path / "in", tmp_path / "in" / "x.log", tmp_path])
    assert [file.name for file in found.files] == ["in/x.log"]
    assert found.repeated == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_problem(audit: Run, tmp_path: Path) -> None:
    closed = tmp_path / "logs" / "closed.log"
    closed.parent.mkdir()
    closed.write_bytes(LINE + LINE)
    closed.chmod(0)
    found = audit({"x.log": LINE})
    assert statuses(found)["logs/closed.log"] == ("rejected", 0)


def test_a_file_that_cannot_be_opened_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.log").write_bytes(LINE)
    (tmp_path / "gone.log").write_bytes(LINE + LINE)
    found = find_logs([tmp_path])
    (tmp_path / "gone.log").unlink()
    monkeypatch.setattr("trueup.auditing.find_logs", lambda *_: found)
    with trueup.audit(tmp_path) as done:
        name = f"{tmp_path.name}/gone.log"
        assert statuses(done)[name] == ("rejected", 0)
        problem = "the file cannot be opened: no such file or directory"
        assert problems(done) == [(name, problem)]


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("/x/2024-02-01-[$LATEST]" + "a" * 32 + "/000000.gz", "2024-02-01-[$LATEST]" + "a" * 32),
        ("/x/2024-02-01-[$LATEST]" + "a" * 32 + "/any.log", "2024-02-01-[$LATEST]" + "a" * 32),
        ("/x/2024/02/01/[$LATEST]" + "a" * 32 + "/000000.gz", "2024-02-01-[$LATEST]" + "a" * 32),
        ("/x/renamed/000003.gz", "renamed"),
        ("/x/loose/march.log", "the name"),
    ],
)
def test_the_stream_of_a_file(path: str, stream: str) -> None:
    assert stream_of(path, "the name") == stream


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a/x.log.gz", "a/x"), ("x.LOG", "x"), ("x.txt.zst", "x"), ("x.csv.bz2", "x"), ("x", "x"),
     ("a/.log", "a/.log"), (".gz", ".gz"), ("x.log.log", "x"), ("x.docx", "x")],
)  # fmt: skip
def test_a_name_without_its_endings(name: str, kept: str) -> None:
    assert without_endings(name) == kept


@pytest.mark.parametrize("names", [[], ["readme.md"]])
def test_a_folder_without_logs(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(BadUse, match="no logs in"):
        find_logs([tmp_path])


def test_a_path_that_does_not_exist() -> None:
    with pytest.raises(BadUse, match="no such path: nowhere"):
        find_logs(["nowhere"])


def test_a_folder_that_cannot_be_listed_is_a_problem(
    audit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(folder: str) -> Any:
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("trueup.sources.finding.os.scandir", refuse)
    found = audit({"x.log": LINE, "closed/y.log": LINE + LINE})
    assert statuses(found) == {"logs/x.log": ("read", 1)}
    assert problems(found) == [
        ("logs/closed", "it cannot be looked at: permission denied"),
    ]


def test_links_to_files_are_read_once_and_links_to_folders_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.log").write_bytes(LINE)
    (tmp_path / "in" / "a.log").symlink_to("x.log")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "broken.log").symlink_to("nothing")
    assert [file.name for file in find_logs([tmp_path / "in"]).files] == ["in/a.log"]


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"a\xff.log", b"b\xff.log"):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(LINE)
    Path(os.fsdecode(folder + b"/c\xff.json")).write_bytes(b"{}")
    with trueup.audit(tmp_path) as done:
        assert statuses(done) == {f"{tmp_path.name}/a?.log": ("read", 1)}
        assert done.report.inputs["ignored"] == [f"{tmp_path.name}/c?.json"]
        assert [row["excerpt"] for row in done.report.problems()] == [f"{tmp_path.name}/b?.log"]


def test_equal_pieces_of_a_stream_are_all_read(audit: Run, ledger: Callable[[str], str]) -> None:
    """A stream cut to one line a file: the braces are equal files and no repeats."""
    lines = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").splitlines(keepends=True)
    stream = "2024-02-01-[$LATEST]" + "b" * 32
    found = audit({f"{stream}/{place:06}.log": line.encode() for place, line in enumerate(lines)})
    assert found.report.counts["transactions"] == 1
    assert found.report.inputs["rejected"] == []


def test_a_pipe_is_read(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "x.log").write_bytes(LINE)
    command = f"{sys.executable} -m trueup audit <(cat x.log) --formats json --json"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert b'"entries": 1' in done.stdout


def test_a_file_that_changes_while_it_is_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.log").write_bytes(LINE)
    found = find_logs([tmp_path])
    with (tmp_path / "x.log").open("ab") as file:
        file.write(LINE.replace(b"r1", b"r2"))
    monkeypatch.setattr("trueup.auditing.find_logs", lambda *_: found)
    with trueup.audit(tmp_path) as done:
        name = f"{tmp_path.name}/x.log"
        assert statuses(done)[name] == ("partial", 2)
        problem = "the file changed while it was read: audit again when nobody writes to it"
        assert problems(done) == [(name, problem)]
        assert done.report.inputs["incomplete"] == [{"name": name, "problem": problem}]
