"""The manifest lists all that was read and written; verify tells what is not as it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import trueup
from trueup.cli import app
from trueup.config import Settings
from trueup.errors import BadUse
from trueup.reports.verifying import verify

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
LEDGER = "10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied"


@pytest.fixture
def logs(tmp_path: Path, ledger: Callable[[str], str]) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text(ledger(LEDGER))
    (folder / "b.log").write_text(ledger(LEDGER.replace("T1", "T2")))
    return folder


@pytest.fixture
def out(tmp_path: Path, logs: Path) -> Path:
    write(logs, tmp_path / "out")
    return tmp_path / "out"


def write(logs: Path, out: Path, formats: list[str] | None = None, **settings: Any) -> list[Path]:
    told = Settings(processes=1, **settings)
    with trueup.audit(logs, settings=told, generated_at=STAMP) as audit:
        return audit.write(out, formats)


def manifest(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return loaded


def problems(out: Path, *inputs: Path) -> list[tuple[str, str]]:
    return [(one.what, one.name) for one in verify(out, inputs).problems]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_lists_all_that_was_read_and_written(logs: Path, out: Path) -> None:
    listed = manifest(out)
    assert (listed["schema"], listed["trueup_version"]) == ("trueup.manifest/1", trueup.__version__)
    assert listed["generated_at"] == "2024-05-01T00:00:00.000Z"
    assert listed["inputs"] == [
        {"name": f"logs/{path.name}", "size": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(logs.iterdir())
    ]
    written = sorted(path for path in out.rglob("*") if path.is_file())
    assert listed["outputs"] == [
        {
            "name": path.relative_to(out).as_posix(),
            "size": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in written
        if path.name != "manifest.json"
    ]


def test_it_is_written_last(logs: Path, tmp_path: Path) -> None:
    assert write(logs, tmp_path / "other")[-1] == tmp_path / "other" / "manifest.json"


def test_it_tells_the_settings_that_change_what_is_written(logs: Path, tmp_path: Path) -> None:
    accepted = tmp_path / "accepted.csv"
    accepted.write_text("finding_id,who,when,why\n")
    settings = {"checks_off": ("mismatch",), "checks_accepted": str(accepted), "log_level": "error"}
    write(logs, tmp_path / "out", ["json"], **settings)
    listed = manifest(tmp_path / "out")
    assert listed["formats"] == ["json"]
    assert listed["settings"] == {"checks.off": ["mismatch"], "checks.accepted": str(accepted)}
    assert listed["files_of_settings"] == [
        {
            "setting": "checks.accepted",
            "name": "accepted.csv",
            "size": accepted.stat().st_size,
            "sha256": sha256(accepted),
        }
    ]


def test_reports_that_nobody_touched_are_intact(logs: Path, out: Path) -> None:
    assert problems(out, logs) == []
    assert problems(out, logs / "a.log", logs / "b.log") == []


def test_what_was_changed_lost_or_added_is_told(out: Path) -> None:
    text = (out / "report.json").read_text()
    (out / "report.json").write_text(text.replace("90.00", "80.00"))
    (out / "findings.csv").unlink()
    (out / "transactions.csv").unlink()
    (out / "transactions.csv").symlink_to("/etc/hostname")
    (out / "subscribers.csv").unlink()
    os.mkfifo(out / "subscribers.csv")
    (out / "more").mkdir()
    (out / "more" / "a.txt").touch()
    (out / "link").symlink_to("/etc")
    assert sorted(problems(out)) == [
        ("changed", "report.json"),
        ("extra", "link"),
        ("extra", "more/a.txt"),
        ("missing", "findings.csv"),
        ("not a file", "subscribers.csv"),
        ("not a file", "transactions.csv"),
    ]


def test_reports_of_an_earlier_run_in_other_formats_are_extra(logs: Path, tmp_path: Path) -> None:
    write(logs, tmp_path / "out", ["csv", "json"])
    write(logs, tmp_path / "out", ["csv"])
    assert problems(tmp_path / "out") == [("extra", "report.json")]


def test_logs_are_compared_by_their_bytes(logs: Path, out: Path, tmp_path: Path) -> None:
    (logs / "a.log").rename(logs / "renamed.log")
    assert problems(out, logs) == []
    (logs / "c.log").write_text("2024-02-01T10:00:00.000Z START RequestId: r1 Version: 1\n")
    (logs / "b.log").write_text((logs / "b.log").read_text().replace("90", "80"))
    assert problems(out, logs) == [("changed", "logs/b.log"), ("extra", "logs/c.log")]
    (logs / "renamed.log").unlink()
    assert ("missing", "logs/a.log") in problems(out, logs)
    with pytest.raises(BadUse, match="inputs: no such path"):
        verify(out, [tmp_path / "nowhere"])


def test_an_equal_file_stands_for_one_alone(logs: Path, tmp_path: Path) -> None:
    # Pieces that begin no entry are read however often they are there.
    for name in ("c.log", "d.log"):
        (logs / name).write_text("no entry\n")
    write(logs, tmp_path / "out", ["csv"])
    assert problems(tmp_path / "out", logs) == []
    (logs / "c.log").unlink()
    assert [what for what, _ in problems(tmp_path / "out", logs)] == ["missing"]


HOSTILE = [
    ("../logs/a.log", "it names something outside its folder"),
    ("/etc/hostname", "it names something outside its folder"),
    ("a/../../b", "it names something outside its folder"),
    ("a\\b", "it names something outside its folder"),
    ("C:/x", "it names something outside its folder"),
    ("a\nb", "it names something outside its folder"),
    ("", "it names something outside its folder"),
    ("report.json", "it names a file twice"),
    (7, "an entry of outputs lacks its name, size or sha256"),
]


@pytest.mark.parametrize(("name", "reason"), HOSTILE, ids=[repr(name) for name, _ in HOSTILE])
def test_a_hostile_manifest_is_refused(out: Path, name: object, reason: str) -> None:
    listed = manifest(out)
    listed["outputs"].append({"name": name, "size": 1, "sha256": "0" * 64})
    (out / "manifest.json").write_text(json.dumps(listed))
    with pytest.raises(BadUse, match=reason):
        verify(out)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no valid JSON"),
        ("[" * 100_000, "it is no valid JSON"),
        (b"\xff", "it is no valid JSON"),
        ("[]", "its schema is not trueup.manifest/1"),
        ('{"schema": "trueup.manifest/1", "outputs": {}}', "it has no list of outputs"),
        ('{"schema": "trueup.manifest/1", "outputs": []}', "it has no trueup_version"),
    ],
)
def test_a_damaged_manifest_is_bad_use(out: Path, text: str | bytes, reason: str) -> None:
    (out / "manifest.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadUse, match=reason):
        verify(out)


def test_a_link_in_the_place_of_a_manifest_is_not_followed(out: Path, tmp_path: Path) -> None:
    (out / "manifest.json").rename(tmp_path / "moved.json")
    (out / "manifest.json").symlink_to(tmp_path / "moved.json")
    with pytest.raises(BadUse, match="links are not followed"):
        verify(out)


def test_a_linked_folder_is_not_followed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text("x")
    (out / "tables").mkdir(exist_ok=True)
    (out / "tables").rename(tmp_path / "aside")
    (out / "tables").symlink_to(tmp_path / "elsewhere")
    listed = manifest(out)
    listed["outputs"] = [
        {"name": "tables/a.csv", "size": 1, "sha256": sha256(tmp_path / "elsewhere" / "a.csv")}
    ]
    (out / "manifest.json").write_text(json.dumps(listed))
    assert ("not a file", "tables/a.csv") in problems(out)
    assert ("extra", "tables") in problems(out)


def test_the_command(logs: Path, out: Path) -> None:
    runner = CliRunner()
    good = runner.invoke(app, ["verify", str(out), "--inputs", str(logs)])
    count = len(manifest(out)["outputs"])
    assert good.exit_code == 0
    assert good.stdout == (
        f"Compared  {count} report files and 2 inputs: all as written\n"
        f"Written   by trueup {trueup.__version__} at 2024-05-01T00:00:00.000Z\n"
        f"Manifest  sha256 {sha256(out / 'manifest.json')}\n"
    )
    (out / "a\x1b[31m\nb").touch()
    bad = runner.invoke(app, ["verify", str(out)])
    assert bad.exit_code == 1
    assert bad.stdout.startswith(
        f"extra       a?[31m?b\n\nCompared  {count} report files: 1 problem\n"
    )
    as_json = runner.invoke(app, ["verify", str(out), "--json"])
    assert as_json.exit_code == 1
    printed = json.loads(as_json.stdout)
    assert printed["problems"] == [{"what": "extra", "of": "outputs", "name": "a\x1b[31m\nb"}]
    assert (printed["schema"], printed["inputs"]) == ("trueup.verification/1", None)
    nothing = runner.invoke(app, ["verify", str(logs)])
    assert isinstance(nothing.exception, BadUse)
