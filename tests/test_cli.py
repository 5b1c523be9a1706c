"""The command line: exit code and whole output."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import trueup

LINE = "2024-02-01T10:00:00.000Z START RequestId: r1 Version: 1\n"


def run(*words: str, cwd: Path, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "trueup", *words],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def logs(tmp_path: Path, ledger: Callable[[str], str]) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    text = ledger("""
        10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 16 applied
        10:00:01 T2 ana BHD DEBIT 3 0 1105 1102 -4 applied
        10:00:02 T3 bob SAR DEBIT 90 0 50 -40 50 blocked
    """)
    (folder / "a.log").write_text(text)
    return folder


SUMMARY = """\
Read      1 file, 2,986 bytes of text
Entries   18: all understood
Period    2024-02-01 10:00 to 2024-02-01 10:00 UTC
Books     3 transactions of 2 subscribers

Currency    Transactions      Credits    Debits    Gap at end    Out of sync
BHD                    2    1,100.000     3.000     1,106.000              1
SAR                    1         0.00     90.00          0.00              0

Severity  Check               Findings  At risk
high      payment_overdraft          1  BHD 4.000
high      mismatch                   1  BHD 100.000
high      out_of_sync                1  BHD 1,106.000
medium    missed_alarm               2
low       overdraft                  1
low       blocked_overdraft          1
info      gap_change                 2
Nothing found by low_balance, flow_break, duplicate_posting, unexpected_sign,
  wallet_mismatch, currency_change, unusual_change, failed_sync,
  crashed_invocation, error_spike, false_alarm.

What to do first
1. Accounting: settle which of the two balances is right, starting with the
   transaction that opened each gap, and correct the other. (out_of_sync: 1
   finding)
2. Accounting: find out which of the figures is right, and correct each balance
   by the difference. (mismatch: 1 finding)
3. Accounting: collect what is below zero, or correct the wallets that should
   not have been charged. (payment_overdraft open: 1 finding)
and 1 more (see the report)

Reports in report: report.xlsx, report.html, report.json, transactions.csv,
  findings.csv, subscribers.csv, entry_kinds.csv, manifest.json
"""


def test_audit_prints_a_summary_and_writes_reports(logs: Path, tmp_path: Path) -> None:
    assert run("audit", "logs", "--out", "report", cwd=tmp_path) == (0, SUMMARY, "")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "entry_kinds.csv", "findings.csv", "manifest.json", "report.html", "report.json",
        "report.xlsx", "subscribers.csv", "transactions.csv",
    ]  # fmt: skip
    code, out, err = run("audit", "logs", "--out", "report", "--formats", "all", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "tables/ (34 files), charts/ (9 files), manifest.json" in " ".join(out.split())
    assert run("verify", "report", cwd=tmp_path)[0] == 0
    assert all(len(line) <= 80 for line in SUMMARY.splitlines())


def test_audit_prints_json(logs: Path, tmp_path: Path) -> None:
    code, out, err = run("audit", "logs", "--json", "--formats", "json", cwd=tmp_path)
    assert (code, err) == (0, "")
    printed = json.loads(out)
    assert printed["counts"]["transactions"] == 3
    written = json.loads((tmp_path / "trueup-report" / "report.json").read_text())
    assert {name: written[name] for name in printed} == printed
    assert set(written) - set(printed) == {"findings", "subscribers", "problems"}


def test_the_environment_serves(logs: Path, tmp_path: Path) -> None:
    code, _, err = run("audit", cwd=tmp_path, IN_DIR="logs", OUT_DIR="there", LOG_LEVEL="info")
    assert code == 0
    assert (tmp_path / "there" / "report.json").exists()
    assert re.search(r"INFO trueup.auditing: read 1 files in", err)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "trueup.toml").write_text('out_dir = "file"\nformats = ["json"]\n')
    run("audit", "logs", "--config", "trueup.toml", cwd=tmp_path)
    assert [path.name for path in (tmp_path / "file").glob("report.*")] == ["report.json"]
    run("audit", "logs", "--config", "trueup.toml", cwd=tmp_path, OUT_DIR="environment")
    assert (tmp_path / "environment").exists()
    run("audit", "logs", "--out", "flag", cwd=tmp_path, OUT_DIR="other")
    assert (tmp_path / "flag").exists()
    assert not (tmp_path / "other").exists()


BAD_USE = [
    (["audit"], "no path given: name a log file or a folder of logs, or set IN_DIR"),
    (["explain", "abcd"], "no path given: name a log file or a folder of logs, or set IN_DIR"),
    (["audit", "nowhere"], "no such path: nowhere (name a log file or a folder of logs)"),
    (
        ["audit", "empty"],
        "no logs in empty: trueup reads logs of the balance sync as files, archives, documents and AWS's exports (docs/inputs.md lists them)",
    ),
    (
        ["audit", "logs", "--formats", "pdf"],
        "formats: unknown format 'pdf' (known: xlsx, html, json, csv, parquet, png)",
    ),
    (
        ["audit", "logs", "--out", "logs/a.log"],
        "cannot write reports to logs/a.log: file exists (choose another folder with --out)",
    ),
    (
        ["audit", "logs", "--since", "soon"],
        "since: not a date: 'soon' (write 2024-01-31 or 2024-01-31T21:00)",
    ),
    (
        ["audit", "logs", "--generated-at", "x"],
        "generated-at: not a date: 'x' (write 2024-01-31 or 2024-01-31T21:00)",
    ),
    (
        ["audit", "logs", "--config", "bad.toml"],
        "bad.toml: unknown setting 'formatz' (did you mean 'formats'?)",
    ),
    (
        ["audit", "logs", "--config", "none.toml"],
        "cannot read the settings in none.toml: no such file or directory",
    ),
    (
        ["audit", "logs", "--since", "0001-01-01T00:00:00+10:00"],
        "since: not a date: '0001-01-01T00:00:00+10:00' (write 2024-01-31 or 2024-01-31T21:00)",
    ),
    (
        ["audit", "logs", "--since", "2024-02-02", "--until", "2024-02-02"],
        "since: not before until, so that nothing would be shown",
    ),
    (
        ["audit", "logs", "--config", "memory.toml"],
        "memory.toml: memory_limit: not an amount of memory: 'much' (write 500MB or 2GB)",
    ),
    (["audit", "logs", "--processes", "-1"], "processes: not a number of processes: -1"),
    (["audit", "logs", "--frmats", "x"], "No such option: --frmats (Possible options: --formats) (see trueup --help)"),
    (["sample", "logs"], "logs is not empty: give a new or empty folder for the sample"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"), BAD_USE, ids=[" ".join(words) for words, _ in BAD_USE]
)
def test_bad_use_gets_one_line_and_exit_code_2(
    logs: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.toml").write_text("formatz = []\n")
    (tmp_path / "memory.toml").write_text('memory_limit = "much"\n')
    assert run(*words, cwd=tmp_path) == (2, "", f"trueup: {message}\n")


def test_one_line_even_if_a_name_has_many(tmp_path: Path) -> None:
    code, _, err = run("audit", "a\nb\x1b[31m", cwd=tmp_path)
    assert code == 2
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_checks_are_listed_and_shown(tmp_path: Path) -> None:
    code, out, err = run("checks", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert (
        out.splitlines()[0] == "high    overdraft           Overdrafts of the subscription balance"
    )
    assert len(out.splitlines()) == 18
    code, out, _ = run("checks", "mismatch", cwd=tmp_path)
    assert code == 0
    assert out.startswith("-- id: mismatch\n")
    assert "FROM transactions AS t" in out
    (one,) = json.loads(run("checks", "mismatch", "--json", cwd=tmp_path)[1])
    assert one["severities"] == {"": "high"}
    assert run("checks", "mismatches", cwd=tmp_path)[0] == 2


def test_without_a_command_it_shows_its_help(tmp_path: Path) -> None:
    code, out, err = run(cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "Usage:" in out


def test_what_was_not_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.txt").write_text("hello")
    (tmp_path / "logs" / "b.png").write_text("PNG")
    code, out, err = run("audit", "logs", "--formats", "json", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err == "trueup: nothing could be read: logs/a.txt: no entry of a log in it\n"
    (tmp_path / "logs" / "c.log").write_text("2024-02-01T10:00:00.000Z START RequestId: r1\n")
    code, out, _ = run("audit", "logs", "--formats", "json", cwd=tmp_path)
    assert code == 0
    assert "Entries   1: all understood" in out
    assert "Problems  1 (see the report)\n" in out
    assert "          1 file without anything readable: logs/a.txt\n" in out
    assert "Ignored   1 other file, no log by name and bytes: logs/b.png" in out
    report = json.loads((tmp_path / "trueup-report" / "report.json").read_text())
    assert [row["file"] for row in report["problems"]] == ["logs/a.txt"]


def test_make_takes_the_name_of_a_stream_as_it_is(tmp_path: Path) -> None:
    """`make audit` without its set-up: the command that it would run, with what it would get."""
    makefile = Path(__file__).parents[1] / "Makefile"
    text = makefile.read_text().replace("audit: $(VENV)/run", "audit:")
    (tmp_path / "Makefile").write_text(text.replace("$(BIN)/trueup", "echo"))
    done = subprocess.run(
        ["make", "-s", "audit", "LOGS=a/2024-[$LATEST]b", "OUT=o"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "audit a/2024-[$LATEST]b --out o\n"


def test_version_and_help(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path) == (0, f"trueup {trueup.__version__}\n", "")
    for words in ([], ["audit"], ["explain"], ["verify"], ["checks"], ["sample"], ["demo"]):
        code, out, err = run(*words, "--help", cwd=tmp_path)
        assert (code, err) == (0, "")
        assert "Usage:" in out
        assert words == [] or "Example: trueup" in out


def test_the_demo_runs_and_says_where_to_look(tmp_path: Path) -> None:
    code, out, err = run("demo", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "Open trueup-demo/report/report.xlsx" in out
    assert (tmp_path / "trueup-demo" / "report" / "report.xlsx").exists()
    assert (tmp_path / "trueup-demo" / "logs" / "labels.json").exists()


def test_a_reader_that_leaves_is_no_error(logs: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m trueup audit logs --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_leaves_no_half_written_report(tmp_path: Path, processes: str) -> None:
    """Interrupt at several moments: exit 130, a report is whole or not there."""
    run("sample", "logs", "--subscribers", "150", cwd=tmp_path)
    interrupted = 0
    for tenths in range(3, 13, 2):
        audit = subprocess.Popen(
            [sys.executable, "-m", "trueup", "audit", "logs", "--out", "out", "--processes", processes],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(tenths / 10)
        audit.send_signal(signal.SIGINT)
        _, err = audit.communicate(timeout=60)
        assert audit.returncode in {0, 130, -signal.SIGINT}
        interrupted += audit.returncode == 130
        if audit.returncode == 130:
            assert "Traceback" not in err
        if (tmp_path / "out").exists():
            names = {path.name for path in (tmp_path / "out").iterdir()}
            assert not [name for name in names if name.startswith(".")]
            if "report.json" in names:
                json.loads((tmp_path / "out" / "report.json").read_text())
    assert interrupted


def test_an_interrupt_that_nothing_can_be_raised_for_comes_again(tmp_path: Path) -> None:
    """As one that comes while Python forks, or in a finalizer."""
    script = """
        import os, signal, time
        import trueup.__main__ as command

        class Last:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0)

        def run():
            Last()
            time.sleep(30)

        command._run = run
        command.main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "")


def test_a_stop_leaves_nothing_temporary(tmp_path: Path) -> None:
    """As a container stops a command: exit 143, no folder of the run in TMPDIR."""
    run("sample", "logs", "--subscribers", "150", cwd=tmp_path)
    shutil.make_archive(str(tmp_path / "logs"), "zip", tmp_path / "logs")
    (tmp_path / "temporary").mkdir()
    stopped = 0
    for tenths in range(3, 27, 3):
        audit = subprocess.Popen(
            [sys.executable, "-m", "trueup", "audit", "logs.zip", "--out", "out"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        )  # fmt: skip
        time.sleep(tenths / 10)
        audit.terminate()
        audit.communicate(timeout=60)
        assert audit.returncode in {0, 143, -signal.SIGTERM, -signal.SIGINT}
        if audit.returncode == 143:
            stopped += 1
            assert list((tmp_path / "temporary").iterdir()) == []
    assert stopped


def test_a_terminal_shows_progress_and_colour_a_pipe_does_not(logs: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    output = b""

    def read(descriptor: int) -> bytes:
        nonlocal output
        data = os.read(descriptor, 4096)
        output += data
        return data

    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        status = pty.spawn([sys.executable, "-m", "trueup", "audit", "logs"], read)
    finally:
        os.chdir(before)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Reading" in output
    assert b"\x1b[31;1mhigh" in output


def test_config_shows_what_a_file_here_says(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text("[checks]\nduplicate_minutes = 3\n")
    code, out, err = run("config", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert (
        "# duplicate_posting: minutes within which an equal posting is a likely repeat.\n"
        "# From: trueup.toml.\nduplicate_minutes = 3\n"
    ) in out
    assert all(len(line) <= 80 for line in out.splitlines())
    (tmp_path / "other.toml").write_text("processes = 1\n")
    listed = json.loads(run("config", "--config", "other.toml", "--json", cwd=tmp_path)[1])
    assert listed["processes"] == {"value": 1, "from": "other.toml"}
    assert listed["checks.duplicate_minutes"] == {"value": 10, "from": "default"}


def test_checks_are_timed(logs: Path, tmp_path: Path) -> None:
    code, out, err = run("checks", "--time", str(logs), cwd=tmp_path)
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head == "Check                 Findings   Seconds   per million transactions"
    assert len(lines) == 19
    assert {line.split()[0]: line.split()[1] for line in lines}["out_of_sync"] == "1"
    assert lines[-1].startswith("all ")


def test_own_checks_are_listed_and_broken_ones_told(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "bad.sql").write_text("SELECT 1")
    page = Path(__file__).parents[1] / "docs" / "own-checks.md"
    (tmp_path / "own" / "good.sql").write_text(page.read_text().split("```")[1][4:])
    (tmp_path / "trueup.toml").write_text('[checks]\npath = "own"\noff = ["mismatch"]\n')
    code, out, err = run("checks", cwd=tmp_path)
    assert code == 0
    assert out.splitlines()[-1] == "medium  large_credit        Large credits (your own)"
    assert "  mismatch  " not in out
    assert err.startswith("own/bad.sql, line 1: the check's entry lacks id")
    code, out, _ = run("audit", str(logs), cwd=tmp_path)
    assert code == 0
    assert "medium    large_credit               1  BHD 1,100.000\n" in out
    assert "Problems  1 (see the report)\n" in out


def test_faults_by_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("seed = 3\n[rates]\nwallet_mismatch = 0.02\n")
    plan = ("--faults", "plan.toml")
    code, out, err = run(
        "sample", "made", "--subscribers", "30", "--days", "25", *plan, cwd=tmp_path
    )
    assert (code, err) == (0, "")
    assert out.startswith("Wrote ")
    labels = json.loads((tmp_path / "made" / "labels.json").read_text())
    assert (labels["seed"], labels["rates"]) == (3, {"wallet_mismatch": 0.02})
    code, out, err = run("sample", "copy", "--into", "made", *plan, "--seed", "4", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert out.startswith("Copied ")
    injected = json.loads((tmp_path / "copy" / "labels.json").read_text())
    assert {label["check"] for label in injected["labels"]} == {"wallet_mismatch"}
    assert run("sample", "more", "--into", "made", cwd=tmp_path) == (
        2, "", "trueup: --into needs a plan of the faults: give it with --faults\n",
    )  # fmt: skip
    (tmp_path / "plan.toml").write_text("[rates]\nwallet_mismatsh = 0.02\n")
    assert run("sample", "more", *plan, cwd=tmp_path) == (
        2, "",
        "trueup: plan.toml: unknown fault 'wallet_mismatsh' (did you mean 'wallet_mismatch'?)\n",
    )  # fmt: skip
