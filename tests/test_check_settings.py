"""What settings change about the checks: own ones, severities, limits, wordings, acceptance."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.books import reading
from trueup.checks import built_in_checks, chosen_checks
from trueup.checks.accepted import read_accepted
from trueup.config import Amounts, Settings, load_settings, load_with_sources
from trueup.errors import BadUse
from trueup.reports.json_report import finding_rows
from trueup.reports.listing import settings_json, settings_toml
from trueup.reports.terminal import summary_text

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Find = Callable[[trueup.Audit, str], list[dict[str, Any]]]

OWN = """\
-- id: large_credit
-- title: Large credits
-- severity: medium
-- sums: 100 or less; amount; the amount
-- question: Which credits are above 100?
-- why: They need a second signature.
-- do: Ask for it.
-- advice: Accounting: ask for the second signature.
-- explain: Transaction {transaction_id} credits {logged} to {subscriber_id}[ by {action}].
SELECT
    t.attempt_id AS subject, t.subscriber_id, t.currency, t.at, NULL AS cause,
    100 AS expected, t.amount AS logged, t.amount - 100 AS difference,
    t.amount AS amount_at_risk, t.transaction_id, t.attempt_id, t.request_id, t.file_id,
    t.first_line, t.last_line, t.action
FROM transactions AS t
WHERE t.type = 'CREDIT' AND t.amount > 100
"""
LOG = """
    10:00:00 T1 ana BHD CREDIT 110 0 5 115 115 applied
    10:00:01 T2 ana BHD DEBIT 3 0 115 112 112 applied
    10:00:02 T3 bob SAR DEBIT 90 0 99 9 9 applied
"""


def settings(**given: Any) -> Settings:
    return Settings(processes=1, **given)


def test_a_check_of_ones_own_joins_the_catalogue(
    audit: Run, ledger: Make, findings: Find, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "large.sql").write_text(OWN)
    done = audit(ledger(LOG), settings=settings(checks_path=str(tmp_path / "own")))
    (row,) = findings(done, "large_credit")
    assert (row["transaction_id"], row["logged"], row["severity"]) == ("T1", 110, "medium")
    (shown,) = (row for row in finding_rows(done.report) if row["check"] == "large_credit")
    assert shown["explanation"] == "Transaction T1 credits BHD 110.000 to ana by TEST."
    assert shown["logged"] == "110.000"
    (advice,) = done.report.recommendations
    assert (advice["check"], advice["amount_at_risk"]) == ("large_credit", {"BHD": Decimal(110)})
    assert advice["steps"] == [{"who": "Accounting", "what": "ask for the second signature."}]


def test_the_example_of_the_docs_runs(
    audit: Run, ledger: Make, findings: Find, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "own-checks.md").read_text()
    (tmp_path / "example.sql").write_text(page.split("```sql\n")[1].split("```")[0])
    done = audit(ledger(LOG), settings=settings(checks_path=str(tmp_path)))
    assert list(done.report.problems()) == []
    assert len(findings(done, "large_credit")) == 1


BROKEN = {
    "entry.sql": ("SELECT 1", 1, "the check's entry lacks id"),
    "id.sql": (OWN.replace("large_credit", "Large!"), 1, "the check's id is not"),
    "taken.sql": (OWN.replace("large_credit", "mismatch"), 1, "the id mismatch is taken"),
    "column.sql": (
        OWN.replace("large_credit", "a").replace("t.amount > 100", "t.amnt > 100"), 16, "amnt",
    ),
    "lacks.sql": (
        OWN.replace("large_credit", "b").replace("NULL AS cause,", ""), 1, "does not return cause",
    ),
    "syntax.sql": (OWN.replace("large_credit", "c").replace("FROM", "FORM"), 15, "syntax error"),
    "value.sql": (
        OWN.replace("large_credit", "d").replace("t.amount AS logged", "t.action AS logged"),
        1, "Could not convert",
    ),
    "more.sql": (
        OWN.replace("large_credit", "e") + ") SELECT 1; DROP TABLE transactions; --",
        17, "syntax error",
    ),
    "drop.sql": (OWN.split("SELECT", maxsplit=1)[0].replace("large_credit", "f") + "DROP TABLE files", 10, ""),
    "file.sql": (
        OWN.replace("large_credit", "g").replace(
            "FROM transactions AS t", "FROM transactions AS t, read_csv('/etc/passwd') AS p"
        ),
        15, "disabled by configuration",
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_spilled", [False, True])
def test_a_broken_check_is_reported_and_the_others_go_on(
    is_spilled: bool,  # noqa: FBT001
    audit: Run,
    ledger: Make,
    findings: Find,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "BATCH_SIZE", 1 if is_spilled else 2**20)
    own = tmp_path / "own"
    own.mkdir()
    for name, (text, _, _) in BROKEN.items():
        (own / name).write_text(text)
    (own / "whole.sql").write_text(OWN)
    (own / "latin.sql").write_bytes(b"-- id: \xe4\n")
    done = audit(
        {"a.log": ledger(LOG).encode(), "b.log": b"nothing"},
        settings=settings(checks_path=str(own)),
    )
    assert len(findings(done, "large_credit")) == 1
    problems = {Path(row["file"]).name: row for row in done.report.problems()}
    assert set(problems) == {*BROKEN, "latin.sql", "b.log"}
    for name, (_, line, words) in BROKEN.items():
        assert words in problems[name]["problem"], (name, problems[name])
        assert problems[name]["line"] == line, (name, problems[name])
    assert done.report.counts["transactions"] == 3
    assert "Problems  12" in summary_text(done.report, [])


def test_checks_can_be_switched_off_and_judged_otherwise(audit: Run, ledger: Make) -> None:
    given = settings(
        checks_off=("low_balance", "unusual_change"),
        checks_severity={"mismatch": "low", "overdraft": {"refused": "high"}},
    )
    done = audit(ledger("10:00:00 T1 ana BHD DEBIT 9 0 5 -6 -4 blocked"), settings=given)
    by_id = {check["id"]: check for check in done.report.checks}
    assert set(by_id) == {check.id for check in built_in_checks()} - {
        "low_balance", "unusual_change",
    }  # fmt: skip
    assert by_id["mismatch"]["by_severity"] == {"low": 1}
    assert by_id["overdraft"]["by_severity"] == {"high": 1}
    with pytest.raises(BadUse, match="no such check: low_balance"):
        done.findings("low_balance")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"checks_off": ("mismatsh",)}, r"checks.off: no such check: 'mismatsh' \(did you mean 'mismatch'\?\)"),
        ({"checks_severity": {"overdrft": "low"}}, r"no such check: 'overdrft' \(did you mean 'overdraft'\?\)"),
        ({"checks_severity": {"mismatch": "grave"}}, "mismatch: unknown 'grave'"),
        ({"checks_severity": {"overdraft": {"lost": "low"}}}, r"overdraft has no cause 'lost' \(causes: posted"),
        ({"checks_path": "/nowhere"}, "checks.path: no such folder: /nowhere"),
    ],
)  # fmt: skip
def test_settings_that_name_nothing_are_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadUse, match=message):
        chosen_checks(settings(**given))


def test_accepted_findings_stay_apart(
    audit: Run, ledger: Make, findings: Find, tmp_path: Path
) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 9 0 5 -4 -4 applied
        10:00:01 T2 bob BHD DEBIT 9 0 5 -4 -4 applied
    """)
    first, second = findings(audit(text), "overdraft")
    path = tmp_path / "accepted.csv"
    path.write_text(
        "finding_id,who,when,why\n"
        f'{first["finding_id"]},Accounting,2024-03-01,"paid, in cash"\n'
        "\n"
        f"{second['finding_id']},,2024-03-01,nobody said so\n"
        f"{first['finding_id']},Accounting,2024-03-02,twice\n"
    )
    done = audit(text, settings=settings(checks_accepted=str(path)))
    rows = [row for row in finding_rows(done.report) if row["check"] == "overdraft"]
    assert [row["finding_id"] for row in rows] == [second["finding_id"], first["finding_id"]]
    assert rows[0]["accepted"] is None
    assert rows[1]["accepted"] == {"by": "Accounting", "on": "2024-03-01", "why": "paid, in cash"}
    (check,) = (check for check in done.report.checks if check["id"] == "overdraft")
    assert (check["findings"], check["accepted"], check["subscribers"]) == (1, 1, 1)
    assert check["by_currency"]["BHD"] == {"findings": 1, "amount_at_risk": 4}
    (advice,) = (one for one in done.report.recommendations if one["check"] == "overdraft")
    assert (advice["findings"], advice["largest"]) == (1, [second["finding_id"]])
    assert [(row["line"], row["problem"]) for row in done.report.problems()] == [
        (4, "it needs all of finding_id, who, when, why"),
        (5, f"finding {first['finding_id']} is accepted by an earlier line"),
    ]
    assert "Accepted  1 finding, not counted below" in summary_text(done.report, [])
    done.write(tmp_path / "out")
    assert 'Accounting,2024-03-01,"paid, in cash"' in (tmp_path / "out/findings.csv").read_text()


def test_a_file_of_acceptances_that_cannot_be_used_is_bad_use(tmp_path: Path) -> None:
    with pytest.raises(BadUse, match=r"checks.accepted: cannot read .*no such file"):
        read_accepted(str(tmp_path / "none.csv"))
    (tmp_path / "other.csv").write_text("id;who\n")
    with pytest.raises(BadUse, match="has to begin with the line finding_id,who,when,why"):
        read_accepted(str(tmp_path / "other.csv"))
    (tmp_path / "latin.csv").write_bytes(b"finding_id,who,when,why\nx,\xe4,y,z\n")
    with pytest.raises(BadUse, match="cannot read"):
        read_accepted(str(tmp_path / "latin.csv"))


def test_limits_of_checks(audit: Run, ledger: Make, findings: Find) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 3 0 10 7 7 applied action=ADD delivery=D
        10:04:00 T2 ana BHD DEBIT 3 0 7 4 4 applied action=ADD delivery=D
        10:00:02 T3 bob SAR DEBIT 90 0 99 9 9 applied
    """)
    assert len(findings(audit(text), "low_balance")) == 2
    assert len(findings(audit(text), "duplicate_posting")) == 1
    low = Amounts(Decimal(10), {"BHD": Decimal(1)})
    done = audit(text, settings=settings(checks_low_balance=low, checks_duplicate_minutes=3))
    assert [row["subscriber_id"] for row in findings(done, "low_balance")] == ["bob"]
    assert findings(done, "duplicate_posting") == []


def test_minor_units_of_ones_own(audit: Run, ledger: Make, findings: Find) -> None:
    text = ledger("10:00:00 T1 ana XTS DEBIT 1 0 10 8.9 8.9 applied")
    assert len(findings(audit(text), "mismatch")) == 1
    done = audit(text, settings=settings(minor_units={"XTS": Decimal("0.1")}))
    assert findings(done, "mismatch") == []
    assert done.report.money.text(Decimal(5), "XTS") == "5.0"
    assert json.loads(
        json.dumps(done.sql("SELECT minor_unit::TEXT AS m FROM currencies").to_pylist())
    ) == [{"m": "0.100000"}]


def test_a_new_wording_maps_to_an_outcome(audit: Run, ledger: Make) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 applied
        10:00:01 T2 ana BHD DEBIT 1 0 9 8 8 skipped
        10:00:02 T3 ana BHD DEBIT 1 0 8 7 7 failed
        10:00:03 T4 ana BHD DEBIT 1 0 7 6 6 applied
    """).replace("Skipping the balance sync for create", "Not needed (here):").replace(
        "An error occured while syncing the balance", "Sync broke:"
    )  # fmt: skip
    before = audit(text)
    assert before.report.outcomes["transactions"] == {"applied": 2, "unknown": 2}
    assert "other: Sync broke" in before.report.entry_kinds
    markers = {"Not needed (here)": "skipped", "Sync broke": "failed"}
    done = audit(text, settings=settings(markers=markers))
    assert done.report.outcomes["transactions"] == {"applied": 2, "failed": 1, "skipped": 1}
    details = done.sql("SELECT outcome, detail FROM messages WHERE detail IS NOT NULL ORDER BY 1")
    assert details.to_pylist() == [
        {"outcome": "failed", "detail": ": TypeError: Cannot read 'x'"},
        {
            "outcome": "skipped",
            "detail": "Not needed (here): subscription, it will be synced later",
        },
    ]


def test_checks_see_nothing_from_after_the_end(
    audit: Run, ledger: Make, message: Make, findings: Find
) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 1 0 10 9 9 failed message=M
        10:00:30 T1 ana BHD DEBIT 1 0 10 9 9 applied message=M
    """) + message("10:00:40", "later", "blocked", "ana", "9", "T9")
    assert [row["cause"] for row in findings(audit(text), "failed_sync")] == ["recovered"]
    done = audit(text, until="2024-02-01T10:00:20")
    assert [row["cause"] for row in findings(done, "failed_sync")] == ["never"]
    assert findings(done, "blocked_overdraft") == []
    assert done.report.counts["messages"] == 1


FULL = """\
formats = ["json"]
[minor_units]
XTS = 0.1
[markers]
"Balance was \\"set\\"" = "applied"
[checks]
path = "own"
accepted = "accepted.csv"
off = ["false_alarm"]
severity = { mismatch = "low", overdraft.refused = "high" }
low_balance = { BHD = 1, others = 10.5 }
unusual_method = "sigma"
spike_deviations = 2.5
"""


def test_settings_are_read_shown_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "trueup.toml"
    path.write_text(FULL)
    found, sources = load_with_sources(path, {"OUT_DIR": "there"}, processes=2)
    assert found.checks_path == str(tmp_path / "own")
    assert found.checks_low_balance == Amounts(Decimal("10.5"), {"BHD": Decimal(1)})
    assert found.markers == {'Balance was "set"': "applied"}
    assert found.minor_units == {"XTS": Decimal("0.1")}
    assert found.spike_deviations == Decimal("2.5")
    shown = settings_toml(found, sources)
    assert tomllib.loads(shown)["checks"]["severity"] == found.checks_severity
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert load_settings(again) == found
    listed = settings_json(found, sources)
    assert listed["checks.off"] == {"value": ["false_alarm"], "from": str(path)}
    assert listed["out_dir"] == {"value": "there", "from": "OUT_DIR"}
    assert listed["processes"] == {"value": 2, "from": "the command line"}
    assert listed["log_level"] == {"value": "warning", "from": "default"}
    json.dumps(listed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("checks = 1", "checks is a table"),
        ("[checks]\nlow_balanc = 1", r"unknown setting 'checks.low_balanc' \(did you mean 'checks.low_balance'\?\)"),
        ("[checks]\nlow_balance = -1", "checks.low_balance: not a number from 0 on"),
        ("[checks]\nlow_balance = { BHD = 1 }", "needs one for the others"),
        ("[checks]\nlow_balance = 0.0000001", "at most 12 digits and 6 decimals"),
        ("[checks]\nduplicate_minutes = 1.5", "not a number of minutes"),
        ("[checks]\nunusual_method = 'guess'", "unknown method 'guess'"),
        ("[checks]\nunusual_share = 0.9", "not a share of up to 0.5"),
        ("[checks]\nspike_deviations = 0", "more than 0"),
        ("[checks]\nspike_deviations = inf", "not a number"),
        ("[checks]\noff = [1]", "not a list of names"),
        ("[checks]\npath = 1", "not a text: 1"),
        ("[minor_units]\nBHD = 0", "more than 0"),
        ("minor_units = 3", "not a table: 3"),
        ("[markers]\n'x' = 'done'", "unknown outcome 'done'"),
        ("[markers]\n' ' = 'applied'", "a marker is how a line begins"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_told(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(BadUse, match=message) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
