"""The proof of a finding: whole text, history, ids, files that change, hostile logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.errors import BadUse
from trueup.reports.evidence import MOST_LINES, Excerpt, Line
from trueup.reports.log_lines import excerpt_lines

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
Find = Callable[[trueup.Audit, str], list[dict[str, Any]]]

GAPS = """
    10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
    10:00:01 T2 ana BHD DEBIT 3 0 15 12 -8 applied error 12 -8
    10:00:02 T3 ana BHD DEBIT 2 0 12 10 -12 applied error 10 -12
    10:00:03 T4 ana BHD DEBIT 1 0 10 9.0005 -13 applied error 9.0005 -13
    10:00:04 T5 bob BHD DEBIT 1 0 50 49 49 blocked
"""

TEXT = """\
Subscribers whose two balances differ
  Finding     {finding_id}
  Check       out_of_sync
  Severity    high
  Accepted    no

What happened
  The subscription balance of ana is BHD 9.0005 and the payment balance BHD
  -13.000: a gap of BHD 22.0005, open since transaction T2 (applied) of
  2024-02-01 10:00:01 UTC (moves since: 1; last seen 2024-02-01 10:00:03 UTC).

Why it matters
  One of the two balances is wrong: the subscriber can spend money that is not
  there, or cannot spend money that is.

What to do
  Settle which balance is right, starting with the transaction that opened the
  gap, and correct the other.

Sums
  Expected    BHD -13.000  payment balance after
  Logged       BHD 9.0005  subscription balance after
  Difference  BHD 22.0005  logged less expected
  At risk     BHD 22.0005  size of the gap

Details
  Subscriber                ana
  Time (UTC)                2024-02-01 10:00:01
  Transaction               T2
  Attempt                   00000000-0000-4000-8000-000000000002.1
  Opened by                 applied
  Action                    TEST
  Gap when opened           BHD 20.000
  Moves since               1
  Last (UTC)                2024-02-01 10:00:03
  Last transaction          T4

How the gap came about (BHD)
  Time (UTC)        Transaction                 What      Added  Gap after
> 2024-02-01 10:00  T2                          opened   20.000     20.000
  2024-02-01 10:00  T3                          moved     2.000     22.000
  2024-02-01 10:00  T4                          drift    0.0005    22.0005
  Together, the gap after the last                      22.0005

Transactions of the subscriber around it (BHD)
  Time (UTC)           Type         Amount    VAT    Old balance  New balance
  Outcome              Transaction                 Payment after          Gap
  2024-02-01 10:00:00  CREDIT       11.000  1.000          5.000       15.000
  applied              T1                                 15.000        0.000
> 2024-02-01 10:00:01  DEBIT         3.000  0.000         15.000       12.000
  applied              T2                                 -8.000       20.000
  2024-02-01 10:00:02  DEBIT         2.000  0.000         12.000       10.000
  applied              T3                                -12.000       22.000
  2024-02-01 10:00:03  DEBIT         1.000  0.000         10.000       9.0005
  applied              T4                                -13.000      22.0005

Log lines: Transaction T2
  logs/2024-02-01-[$LATEST]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/000000.gz
  lines 31 to 45 and what belongs to them
  29  2024-02-01T10:00:01.000Z 2024-02-01T10:00:01.000Z 0… Processing message m2
  30
  31  2024-02-01T10:00:01.000Z 2024-02-01T10:00:01.… Start syncing the balance {
  32    transaction: {
  33      id: 'T2',
> 34      type: 'DEBIT',
  35      source: 'PAYMENT',
  36      action: 'TEST',
  37      userId: 'ana',
> 38      paymentBalance: -8,
  39      currency: 'BHD',
> 40      amount: 3,
> 41      vat: 0,
> 42      oldBalance: 15,
> 43      newBalance: 12
  44    }
  45  }
  46
> 47  2024-02-01T10:00:01.000Z 2024-… SubscriptionBalanceUpdated event published
  48
> 49  2024-02-01T10:… Subscription balance and payment balance are not in sync {
  50    userId: 'ana',
> 51    subscriptionBalance: 12,
> 52    paymentBalance: -8
  53  }

Log lines: The last transaction that tells both balances
  logs/2024-02-01-[$LATEST]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/000000.gz
  lines 95 to 109 and what belongs to them
   93  2024-02-01T10:00:03.000Z 2024-02-01T10:00:03.000Z … Processing message m4
   94
   95  2024-02-01T10:00:03.000Z 2024-02-01T10:00:03… Start syncing the balance {
   96    transaction: {
   97      id: 'T4',
>  98      type: 'DEBIT',
   99      source: 'PAYMENT',
  100      action: 'TEST',
  101      userId: 'ana',
> 102      paymentBalance: -13,
  103      currency: 'BHD',
> 104      amount: 1,
> 105      vat: 0,
> 106      oldBalance: 10,
> 107      newBalance: 9.0005
  108    }
  109  }
  110
> 111  2024-02-01T10:00:03.000Z 2024… SubscriptionBalanceUpdated event published
  112
> 113  2024-02-01T10… Subscription balance and payment balance are not in sync {
  114    userId: 'ana',
> 115    subscriptionBalance: 9.0005,
> 116    paymentBalance: -13
  117  }

… stands for what is cut from a line; --json shows lines whole.
"""


def explained(audit: trueup.Audit, findings: Find, check: str, place: int = 0) -> Any:
    return audit.explain(findings(audit, check)[place]["finding_id"])


def test_the_whole_text(audit: Run, ledger: Make, findings: Find) -> None:
    explanation = explained(audit(ledger(GAPS)), findings, "out_of_sync")
    text = explanation.as_text()
    assert text + "\n" == TEXT.replace("{finding_id}", explanation.finding["finding_id"])
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_history_adds_up(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(ledger(GAPS))
    (row,) = [row for row in findings(done, "out_of_sync") if row["subscriber_id"] == "ana"]
    moves = done.explain(row["finding_id"]).history
    assert sum((move["move"] for move in moves), Decimal(0)) == row["difference"]
    assert [(move["cause"], move["is_own"]) for move in moves] == [
        ("opened", True), ("moved", False), ("drift", False),
    ]  # fmt: skip


def test_a_long_history_is_summed_up_in_the_middle(
    audit: Run, ledger: Make, findings: Find
) -> None:
    rows = "\n".join(
        f"10:00:{n:02} T{n:02} ana BHD DEBIT 1 0 {99 - n} {98 - n} {96 - 3 * n} applied"
        for n in range(50)
    )
    shown = explained(audit(ledger(rows)), findings, "out_of_sync").as_text()
    assert "\n  (10 moves left out, together 20.000)\n" in shown
    assert shown.count("  moved ") == 39


def test_a_gap_that_closed_has_the_history_of_its_own_episode(
    audit: Run, ledger: Make, findings: Find
) -> None:
    done = audit(ledger("""
        10:00:00 T1 ana BHD DEBIT 3 0 15 12 11 applied
        10:00:01 T2 ana BHD DEBIT 2 0 12 10 10 applied
        10:00:02 T3 ana BHD DEBIT 1 0 10 9 7 applied
    """))  # fmt: skip
    moves = {
        (row["transaction_id"], row["cause"]): [
            (move["transaction_id"], move["is_own"])
            for move in done.explain(row["finding_id"]).history
        ]
        for row in findings(done, "gap_change")
    }
    assert moves == {
        ("T1", "opened"): [("T1", True), ("T2", False)],
        ("T2", "closed"): [("T1", False), ("T2", True)],
        ("T3", "opened"): [("T3", True)],
    }
    missed = {row["transaction_id"]: row["finding_id"] for row in findings(done, "missed_alarm")}
    assert "closed" in done.explain(missed["T1"]).as_text()


def test_the_beginning_of_an_id_is_enough(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(ledger(GAPS))
    whole = findings(done, "out_of_sync")[0]["finding_id"]
    assert done.explain(f" {whole[:8].upper()} ").finding["finding_id"] == whole


def test_an_id_that_names_no_finding(audit: Run, ledger: Make) -> None:
    done = audit(ledger(GAPS))
    with pytest.raises(BadUse, match="no finding's id begins with 'zzzz%'"):
        done.explain("zzzz%")
    with pytest.raises(BadUse, match="'abc' is too short for a finding's id: give at least"):
        done.explain("abc")


def test_an_id_that_names_several(
    audit: Run, ledger: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueup.reports.explanation.SHORTEST_ID", 0)
    with pytest.raises(
        BadUse, match=r"\d+ findings have an id that begins with '': .* more \(give"
    ):
        audit(ledger(GAPS)).explain("")


def test_a_file_that_changed_or_went(
    audit: Run, ledger: Make, findings: Find, tmp_path: Path
) -> None:
    done = audit({"a.log": ledger(GAPS).encode()})
    file = tmp_path / "logs" / "a.log"
    file.write_text(file.read_text().replace("oldBalance: 15", "oldBalance: 16"))
    explanation = explained(done, findings, "out_of_sync")
    assert explanation.evidence[0].problem == "the file has changed since it was read"
    assert "  Beware: the file has changed since it was read;" in explanation.as_text()
    file.unlink()
    (gone, _) = explained(done, findings, "out_of_sync").evidence
    assert gone.problem == "the file cannot be opened: no such file or directory"
    assert gone.lines == ()


def test_what_is_compared_is_shown_too(audit: Run, ledger: Make, findings: Find) -> None:
    done = audit(ledger("""
        10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
        10:00:01 T2 ana BHD CREDIT 11 1 5 15 25 applied
        10:00:02 T2 ana BHD CREDIT 11 1 15 25 35 applied
    """))  # fmt: skip
    places = [one.title for one in explained(done, findings, "flow_break").evidence]
    assert places == ["Transaction T2", "The transaction before it"]
    places = [one.title for one in explained(done, findings, "duplicate_posting").evidence]
    assert places == ["Transaction T2", "The transaction that it is compared with"]


def test_a_message_without_a_transaction_stands_between_its_neighbours(
    audit: Run, ledger: Make, findings: Find
) -> None:
    text = ledger("""
        10:00:00 T1 ana SAR DEBIT 1 0 50 49 49 applied
        10:00:01 T2 ana SAR DEBIT 90 0 49 -41 -41 blocked
        10:00:02 T3 ana SAR DEBIT 1 0 49 48 48 applied
    """)
    head, _, rest = text.partition(
        "2024-02-01T10:00:01.000Z 2024-02-01T10:00:01.000Z\t00000000-0000-4000-8000-000000000002\tINFO\tStart"
    )
    done = audit(head + rest[rest.index("}\n\n") + 3 :])
    shown = explained(done, findings, "blocked_overdraft").as_text()
    order = [
        shown.index(words)
        for words in ("10:00:00", "> 2024-02-01 10:00:01  the finding", "  2024-02-01 10:00:02")
    ]
    assert order == sorted(order)


def test_a_finding_without_a_subscriber(audit: Run, findings: Find) -> None:
    text = "".join(
        f"2024-02-01T10:{n:02}:00.000Z 2024-02-01T10:{n:02}:00.000Z\tundefined\tERROR\tUncaught "
        'Exception \t{"errorType":"Error","errorMessage":"no module"}\n\n'
        f"2024-02-01T10:{n:02}:00.000Z START RequestId: r{n} Version: 1\n\n"
        f"2024-02-01T10:{n:02}:00.000Z Unknown application error occurred\nRuntime.Unknown\n\n"
        f"2024-02-01T10:{n:02}:00.000Z END RequestId: r{n}\n\n"
        for n in range(12)
    )
    explanation = explained(audit({"a.log": text.encode()}), findings, "crashed_invocation")
    assert explanation.neighbours == ()
    assert len(explanation.occurrences) == 10
    shown = explanation.as_text()
    assert "  2024-02-01 10:00:00  r0, line 3 of\n    logs/a.log\n" in shown
    assert "  and 2 more\n" in shown
    (excerpt,) = explanation.evidence
    assert [(line.number, line.matters) for line in excerpt.lines if line.text] == [
        (1, True), (3, False), (5, True), (6, False), (8, False),
    ]  # fmt: skip


def test_the_days_around_a_spike(audit: Run, ledger: Make, findings: Find) -> None:
    text = ""
    for day in range(1, 10):
        rows = "\n".join(
            f"10:00:{n:02} T{day}{n} s{n} BHD DEBIT 1 0 9 8 5 applied error 8 5"
            for n in range(30 if day == 5 else 1)
        )
        ledger_of_day = ledger(rows, date=f"2024-02-{day:02}")
        text += ledger_of_day.replace("00000000-0000", f"0000000{day}-0000")
    explanation = explained(audit(text), findings, "error_spike")
    assert [(row["day"][8:], row["sync_errors"]) for row in explanation.occurrences] == [
        (f"{day:02}", 30 if day == 5 else 1) for day in range(1, 10)
    ]
    assert "> 2024-02-05           30              30                0\n" in explanation.as_text()


def test_hostile_text_stays_harmless(audit: Run, ledger: Make, findings: Find) -> None:
    evil = "\x1b[31m\x00\x9b2J\u202e" + "x" * 40_000
    text = ledger("10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 1105 applied")
    text = text.replace("'TEST'", f"'{evil}'").replace("'ana'", f"'ana\x1b[2J{'y' * 40_000}'")
    explanation = explained(audit(text), findings, "mismatch")
    for colour in (False, True):
        shown = explanation.as_text(colour=colour).replace("\x1b[0m", "").replace("\x1b[1m", "")
        shown = shown.replace("\x1b[2m", "").replace("\x1b[31;1m", "")
        assert all(c.isprintable() for c in shown.replace("\n", ""))
        assert all(len(line) <= 80 for line in shown.splitlines())
        assert len(shown) < 20_000
    (line,) = [
        line for line in explanation.evidence[0].lines if line.text.startswith("    action:")
    ]
    assert evil in line.text
    json.dumps(explanation.as_dict())


def test_colour_is_for_terminals(audit: Run, ledger: Make, findings: Find) -> None:
    explanation = explained(audit(ledger(GAPS)), findings, "out_of_sync")
    assert "\x1b" not in explanation.as_text()
    assert "\x1b[1m> 43      newBalance: 12\x1b[0m\n" in explanation.as_text(colour=True)


@pytest.mark.parametrize(
    ("found", "shown"),
    [(b"caf\xe9", "café"), (b"caf\xe9 caf\xc3\xa9", "caf\N{REPLACEMENT CHARACTER} café")],
)
def test_bytes_that_are_no_utf_8(
    audit: Run, ledger: Make, findings: Find, found: bytes, shown: str
) -> None:
    text = ledger("10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 1105 applied").encode()
    done = audit({"a.log": text.replace(b"TEST", found)})
    assert f"action: '{shown}'," in explained(done, findings, "mismatch").as_text().replace(
        "?", "\N{REPLACEMENT CHARACTER}"
    )


def test_lines_of_a_transaction_that_is_cut_between_files(
    audit: Run, ledger: Make, findings: Find
) -> None:
    text = ledger("10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 1105 applied")
    cut = text.index("    newBalance")
    stream = "2024-02-01-[$LATEST]" + "b" * 32
    files = {f"{stream}/000000.gz": text[:cut].encode(), f"{stream}/000001.gz": text[cut:].encode()}
    first, second = explained(audit(files), findings, "mismatch").evidence
    assert first.lines[-1].text == "    oldBalance: 5,"
    assert second.file.endswith("000001.gz")
    assert [line.text for line in second.lines] == ["    newBalance: 1105", "  }", "}"]


def test_the_right_one_of_two_files_with_the_same_name(
    tmp_path: Path, ledger: Make, findings: Find
) -> None:
    row = "10:00:00 T{} {} BHD CREDIT 1100 100 5 1105 1105 applied"
    for place, name in ((1, "ana"), (2, "bob")):
        folder = tmp_path / str(place) / "logs"
        folder.mkdir(parents=True)
        text = ledger(row.format(place, name)).replace("00000000-", f"0000000{place}-")
        (folder / "a.log").write_text(text)
    with trueup.audit([tmp_path / "1" / "logs", tmp_path / "2" / "logs"]) as done:
        for finding in findings(done, "mismatch"):
            (excerpt,) = done.explain(finding["finding_id"]).evidence
            assert excerpt.problem == ""
            whose = f"userId: '{finding['subscriber_id']}',"
            assert any(whose in line.text for line in excerpt.lines)


def test_too_many_lines_leave_the_middle_out(audit: Run, ledger: Make, findings: Find) -> None:
    text = ledger("10:00:00 T1 ana BHD CREDIT 1100 100 5 1105 1105 applied")
    many = "".join(f"    more{n}: 1,\n" for n in range(200))
    explanation = explained(
        audit(text.replace("    userId", many + "    userId")), findings, "mismatch"
    )
    (excerpt,) = explanation.evidence
    assert len(excerpt.lines) == MOST_LINES
    assert {"    newBalance: 1105", "    oldBalance: 5,"} <= {line.text for line in excerpt.lines}
    assert " lines left out)" in explanation.as_text()


def test_a_long_line_is_cut_where_it_tells_least() -> None:
    before = "2024-02-01T10:00:00.000Z 2024-02-01T10:00:00.000Z\t" + "r" * 36 + "\tINFO\t"
    lines = (
        Line(9, before + "SubscriptionBalanceUpdated event published", matters=True),
        Line(10, "    metadata: '" + "m" * 100 + "'", matters=False),
        Line(12, "  { oldBalance: " + "1 " * 40 + "}", matters=True),
    )
    shown = excerpt_lines(Excerpt("It", "a.log", 9, 12, None, lines))
    assert shown == [
        "  a.log",
        "  lines 9 to 12",
        ">  9  2024-02-01T10:00:00.000Z 2024-… SubscriptionBalanceUpdated event published",
        "  10      metadata: '" + "m" * 58 + "…",
        "      (1 line left out)",
        "> 12    { oldBalance: " + " ".join("1" * 29),
        "      " + " ".join("1" * 11) + " }",
    ]


def test_the_wallet_matters_where_a_posting_is_repeated(
    audit: Run, ledger: Make, findings: Find
) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
        10:00:01 T2 ana BHD CREDIT 11 1 5 15 25 applied
    """)
    wallet = """    metadata: '{"walletSk":"w1"}',\n    userId"""
    done = audit(text.replace("    userId", wallet))
    for check, matters in (("duplicate_posting", True), ("flow_break", False)):
        for excerpt in explained(done, findings, check).evidence:
            assert [one.matters for one in excerpt.lines if "walletSk" in one.text] == [matters]


def run(*words: str, cwd: Path, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "trueup", "explain", *words],
        cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_command(audit: Run, ledger: Make, findings: Find, tmp_path: Path) -> None:
    explanation = explained(audit(ledger(GAPS)), findings, "out_of_sync")
    finding_id = explanation.finding["finding_id"]
    assert run(finding_id[:8], "logs", cwd=tmp_path) == (0, explanation.as_text() + "\n", "")
    code, out, err = run(finding_id, "--json", cwd=tmp_path, IN_DIR="logs")
    assert (code, err) == (0, "")
    printed = json.loads(out)
    assert printed == json.loads(json.dumps(explanation.as_dict()))
    assert set(printed) == {
        "check", "sums", "finding", "history", "neighbours", "occurrences", "evidence",
    }  # fmt: skip
    assert printed["finding"]["difference"] == "22.0005"
    assert [move["move"] for move in printed["history"]] == ["20.000", "2.000", "0.0005"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]
    assert run("ffff", "logs", cwd=tmp_path)[::2] == (
        2,
        (
            "trueup: no finding's id begins with 'ffff' (ids stand in the column Finding of the "
            "reports of the same logs and settings)\n"
        ),
    )


def test_an_accepted_finding_says_so(
    audit: Run, ledger: Make, findings: Find, tmp_path: Path
) -> None:
    finding_id = findings(audit(ledger(GAPS)), "out_of_sync")[0]["finding_id"]
    (tmp_path / "accepted.csv").write_text(
        f"finding_id,who,when,why\n{finding_id},Eve,2024-03-01,settled by hand\n"
    )
    (tmp_path / "trueup.toml").write_text('[checks]\naccepted = "accepted.csv"\n')
    code, out, _ = run(finding_id, "logs", "--config", "trueup.toml", cwd=tmp_path)
    assert code == 0
    assert "  Accepted    by Eve on 2024-03-01: settled by hand\n" in out
