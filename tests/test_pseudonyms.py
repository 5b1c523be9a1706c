"""Pseudonyms: the same audit, and no subscriber's id in anything that it writes or prints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import trueup
from trueup.books import reading
from trueup.books.pseudonyms import Pseudonyms, read_key
from trueup.cli import app
from trueup.config import FORMATS, Settings, load_with_sources
from trueup.errors import BadUse
from trueup.reports.evidence import WITHHELD
from trueup.reports.terminal import summary_text
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
KEY = b"a key of twenty bytes"
Run = Callable[..., trueup.Audit]
Contents = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_bytes(KEY + b"\n")
    return str(path)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pseudonyms") / "logs"
    write_sample(folder, subscribers=40, days=40, seed=5)
    return folder


def run(paths: Any, out: Path, **settings: Any) -> trueup.Audit:
    told = Settings(processes=settings.pop("processes", 1), **settings)
    audit = trueup.audit(paths, settings=told, generated_at=STAMP)
    audit.write(out, FORMATS)
    return audit


def loaded(out: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report


def ids_of(audit: trueup.Audit) -> set[str]:
    rows = audit.sql("SELECT DISTINCT subscriber_id AS id FROM messages").to_pylist()
    return {row["id"] for row in rows if row["id"]}


def without_ids(row: dict[str, Any]) -> dict[str, Any]:
    """What pseudonyms must not change: all but what names the subscriber."""
    naming = {"finding_id", "subject", "subscriber_id", "explanation", "wallet_id"}
    return {name: value for name, value in row.items() if name not in naming}


def test_the_audit_of_a_sample_is_the_same_without_its_ids(
    logs: Path, key: str, tmp_path: Path, contents: Contents
) -> None:
    with run(logs, tmp_path / "open") as audit:
        ids = ids_of(audit)
    with run(logs, tmp_path / "hidden", pseudonyms=key) as audit:
        printed = summary_text(audit.report, [])
    assert len(ids) > 30
    for name, text in {"(terminal)": printed, **contents(tmp_path / "hidden")}.items():
        assert not [one for one in ids if one in text], name
        assert KEY.decode() not in text
        assert key not in text, name
    shown, hidden = loaded(tmp_path / "open"), loaded(tmp_path / "hidden")
    for part in ("counts", "currencies", "checks", "operations", "entry_kinds", "outcomes"):
        assert shown[part] == hidden[part], part
    pseudonyms = Pseudonyms(KEY, ids)
    for one, other in zip(shown["findings"], hidden["findings"], strict=True):
        assert without_ids(one) == without_ids(other)
        assert other["explanation"] == pseudonyms.within(one["explanation"])
        assert other["subject"] == pseudonyms.within(one["subject"])
        # An id that was made of the subscriber's would tell who it is to anybody who tries them all.
        assert (one["finding_id"] == other["finding_id"]) == (one["subject"] == other["subject"])
    assert {row["subscriber_id"] for row in hidden["subscribers"]} == {
        pseudonyms.of(row["subscriber_id"]) for row in shown["subscribers"]
    }


def test_the_key_alone_decides(logs: Path, key: str, tmp_path: Path) -> None:
    streams = sorted(path for path in logs.iterdir() if path.is_dir())
    run(streams, tmp_path / "one", pseudonyms=key).close()
    run(streams[::-1], tmp_path / "two", pseudonyms=key, processes=2).close()
    other_key = tmp_path / "key"
    other_key.write_bytes(KEY[::-1])
    run(streams, tmp_path / "three", pseudonyms=str(other_key)).close()
    one, two, three = (
        (tmp_path / name / "subscribers.csv").read_bytes() for name in ("one", "two", "three")
    )
    assert one == two != three
    found = re.findall(rb"^(p-[0-9a-f]{20}),", one, re.MULTILINE)
    assert len(found) == one.count(b"\n") - 1


def test_spilled_books_hold_the_same_pseudonyms(
    logs: Path, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(logs, tmp_path / "whole", pseudonyms=key).close()
    monkeypatch.setattr(reading, "BATCH_SIZE", 1_000_000)
    run(logs, tmp_path / "spilled", pseudonyms=key).close()
    for path in sorted((tmp_path / "whole").rglob("*")):
        if path.is_file() and path.suffix != ".xlsx":
            there = tmp_path / "spilled" / path.relative_to(tmp_path / "whole")
            if path.name != "manifest.json":
                assert there.read_bytes() == path.read_bytes(), path.name


HOSTILE = [
    "=HYPERLINK(7)", "a+b*c[d", "<b>bold</b>x", "longer-than-others-" + "x" * 200, "\u202eright",
    "\N{PILE OF POO}id", "longer-than", "zoe7", "50%_off", "p-0123456789", "under_score", "C:\\\\temp",
]  # fmt: skip


def hostile_logs(ledger: Callable[..., str]) -> dict[str, bytes]:
    """Logs in which ids turn up wherever they can, each in a file that is named after one."""
    files: dict[str, bytes] = {}
    for day, one in enumerate(HOSTILE):
        other = HOSTILE[day - 1]
        text = ledger(
            """
            10:00:00 TX who SAR DEBIT 90 0 50 -40 -40 applied action=ACT entry=ENTRY wallet=wallet#elsewhere
            10:00:01 TY who SAR DEBIT 90 0 50 -40 - failed
            10:00:02 TZ who SAR DEBIT 90 0 60 -30 50 blocked
            10:00:03 TV who SAR CREDIT bad 0 60 -30 50 applied error 1 2
            """,
            f"2024-02-{day + 1:02}",
        )
        text += f"2024-02-{day + 1:02}T11:00:00.000Z about {one} nobody knows\n"
        text += f"2024-02-{day + 1:02}T11:00:01.000Z START RequestId: r{day} Version: 1\n"
        text += (
            f"2024-02-{day + 1:02}T11:00:01.000Z 2024-02-{day + 1:02}T11:00:01.000Z\tundefined\t"
            f'ERROR\tUncaught Exception\t{{"errorMessage":"no user {one}"}}\n'
            f"2024-02-{day + 1:02}T11:00:01.000Z Unknown application error occurred\n"
        )
        text = (
            text.replace("who", one)
            .replace("ACT", f"REFUND_{other}")
            .replace("ENTRY", f"{other}#1")
            .replace("Cannot read 'x'", f"Cannot read {one} of " + "y" * 232 + f" {other}")
        )
        name = re.sub(r"[/\\\\:]", "", one)[:60]
        files[f"{name}.log"] = text.encode()
    return files


def test_hostile_ids_leak_nowhere(
    audit: Run, ledger: Callable[..., str], key: str, tmp_path: Path, contents: Contents
) -> None:
    files = hostile_logs(ledger)
    files["of-under_score.zip"] = b"PK"
    plain = audit(files, settings=Settings(processes=1))
    ids = ids_of(plain)
    assert len(ids) == len(HOSTILE)
    plain.write(tmp_path / "open", FORMATS)
    as_they_are = contents(tmp_path / "open")
    for name in ("transactions.csv", "findings.csv", "report.json", "tables/invocations.parquet"):
        assert len([one for one in ids if one in as_they_are[name]]) > 6, name
    done = audit(files, settings=Settings(processes=1, pseudonyms=key))
    done.write(tmp_path / "out", FORMATS)
    texts = {"(terminal)": summary_text(done.report, []), **contents(tmp_path / "out")}
    row = done.findings("failed_sync").to_pylist()[0]
    texts["(explained)"] = done.explain(row["finding_id"]).as_text()
    texts["(explained).json"] = json.dumps(done.explain(row["finding_id"]).as_dict())
    for name, text in texts.items():
        assert not [one for one in (*ids, "wallet#elsewhere") if one in text], name
    assert done.report.counts == plain.report.counts
    assert done.report.currencies == plain.report.currencies
    found, hidden = (
        {one["id"]: one["findings"] for one in report.checks}
        for report in (plain.report, done.report)
    )
    assert found == hidden
    assert found["wallet_mismatch"] == len(HOSTILE)


def test_ids_within_texts() -> None:
    hide = Pseudonyms(KEY, ["ana", "ana-maria", "4711-0815-42", "4711-0815"])
    ana, maria, long = map(hide.of, ("ana", "ana-maria", "4711-0815-42"))
    assert hide.within("for ana, ana-maria and banana") == f"for {ana}, {maria} and banana"
    assert hide.within("x4711-0815-42x ana") == f"x{long}x {ana}"
    escaped = Pseudonyms(KEY, ['C:\\temp"']).within(r"in 'C:\\temp\"'")
    assert escaped == f"in '{hide.of('C:' + chr(92) + 'temp' + chr(34))}'"
    assert hide.within_cut("cut off: 4711-08") == "cut off: p-"
    assert hide.within_cut("a word: 471") == "a word: 471"
    assert hide.of_wallet("wallet#nobody") == f"wallet#{hide.of('nobody')}"
    assert hide.of_wallet("ana") == ana
    assert Pseudonyms(KEY).within_cut("ana") == "ana"


def test_explain_shows_no_line_of_the_log(
    audit: Run, ledger: Callable[[str], str], key: str
) -> None:
    text = ledger("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied")
    done = audit(text, settings=Settings(processes=1, pseudonyms=key))
    (row,) = done.findings("overdraft").to_pylist()
    explanation = done.explain(row["finding_id"])
    assert [(one.lines, one.problem) for one in explanation.evidence] == [((), WITHHELD)]
    shown = explanation.as_text()
    assert f"{WITHHELD.capitalize()}." in " ".join(shown.split())
    assert "userId" not in shown


def test_what_was_accepted_stays_accepted(
    audit: Run, ledger: Callable[[str], str], key: str, tmp_path: Path
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 90 0 500 410 300 applied
        10:00:00 T2 bob SAR DEBIT 90 0 500 410 300 applied
    """)
    ids = {
        row["subscriber_id"]: row["finding_id"]
        for row in audit(text).findings("out_of_sync").to_pylist()
    }
    accepted = tmp_path / "accepted.csv"
    accepted.write_text(f"finding_id,who,when,why\n{ids['ana']},me,2024-05-01,ana was asked\n")
    settings = Settings(processes=1, pseudonyms=key, checks_accepted=str(accepted))
    bob, ana = audit(text, settings=settings).findings("out_of_sync").to_pylist()
    pseudonyms = Pseudonyms(KEY)
    assert (ana["subscriber_id"], bob["subscriber_id"]) == tuple(map(pseudonyms.of, ("ana", "bob")))
    assert (ana["accepted_by"], bob["accepted_by"]) == ("me", None)
    assert ana["accepted_why"] == f"{pseudonyms.of('ana')} was asked"


def test_a_key_that_is_no_good_is_bad_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    with pytest.raises(BadUse, match=r"cannot read the key in .*: no such file or directory"):
        read_key(str(path))
    for text, reason in (
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"x" * 15, "is too short: 15 bytes"),
    ):
        path.write_bytes(text)
        with pytest.raises(BadUse, match=f"{reason}; it takes at least 16 bytes"):
            read_key(str(path))
    path.write_bytes(b"x" * 16 + b"\r\n")
    assert read_key(str(path)) == b"x" * 16
    monkeypatch.setenv("TRUEUP_PSEUDONYM_KEY", "")
    with pytest.raises(BadUse, match=r"the key in \$TRUEUP_PSEUDONYM_KEY is empty"):
        read_key("$TRUEUP_PSEUDONYM_KEY")


def test_the_environment_holds_the_key_and_nothing_shows_it(
    tmp_path: Path, ledger: Callable[[str], str], contents: Contents
) -> None:
    (tmp_path / "a.log").write_text(ledger("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied"))
    environment = {"TRUEUP_PSEUDONYM_KEY": KEY.decode()}
    words = ["audit", str(tmp_path / "a.log"), "--out", str(tmp_path / "out"), "--processes", "1"]
    done = CliRunner(env=environment).invoke(app, words)
    assert done.exit_code == 0, done.output
    texts = contents(tmp_path / "out")
    assert Pseudonyms(KEY).of("ana") in texts["findings.csv"]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"] == {
        "pseudonyms": True
    }
    texts["(config)"] = CliRunner(env=environment).invoke(app, ["config"]).stdout
    assert 'pseudonyms = "$TRUEUP_PSEUDONYM_KEY"' in texts["(config)"]
    assert not [name for name, text in texts.items() if KEY.decode() in text]


def test_an_empty_variable_is_not_taken_for_none() -> None:
    settings, _ = load_with_sources(None, {"TRUEUP_PSEUDONYM_KEY": ""})
    assert settings.pseudonyms == "$TRUEUP_PSEUDONYM_KEY"
    settings, _ = load_with_sources(None, {"TRUEUP_PSEUDONYM_KEY": "x"}, pseudonyms="file")
    assert settings.pseudonyms == "file"


def test_contacts_and_pseudonyms_exclude_each_other(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadUse, match="contacts: names and e-mails would undo the pseudonyms"):
        trueup.audit(tmp_path, settings=Settings(pseudonyms=key, contacts=True))
