"""Entries, their order, and what they are attributed to."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trueup
from trueup.logs.entries import Source, read_entries
from trueup.logs.kinds import KINDS, other_kind
from trueup.logs.rows import FileFacts, Rows
from trueup.logs.stream import read_stream

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]

LEDGER = """
    10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
    10:00:01 T2 ana BHD DEBIT 8 0 15 7 7 already_synced
    10:00:02 T3 bob SAR DEBIT 90 0 50 -40 -40 blocked error 50 -40
    10:00:03 T4 bob SAR DEBIT 20 0 50 30 30 failed
    10:00:04 T5 bob SAR DEBIT 20 0 50 30 30 skipped
"""


def read(*files: bytes, stream: str = "s") -> Rows:
    rows = Rows(files=[FileFacts(str(place), str(place), len(f)) for place, f in enumerate(files)])
    read_stream(stream, [Source(place, b"\n" + f) for place, f in enumerate(files)], rows)
    return rows


def test_outcomes_and_sync_errors_find_their_transaction(audit: Run, ledger: Make) -> None:
    rows = audit(ledger(LEDGER)).sql(
        """SELECT t.transaction_id, t.outcome, m.outcome AS message, m.detail, m.subscriber_id,
            t.has_sync_error, t.error_payment_balance::VARCHAR AS error
        FROM transactions AS t JOIN messages AS m USING (attempt_id) ORDER BY t."at" """
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        ("T1", "applied", "applied", None, "ana", False, None),
        ("T2", "already_synced", "already_synced", None, "ana", False, None),
        ("T3", "blocked", "blocked", None, "bob", True, "-40.000000"),
        ("T4", "failed", "failed", "TypeError: Cannot read 'x'", "bob", False, None),
        ("T5", "skipped", "skipped", "create subscription", "bob", False, None),
    ]


def test_lines_out_of_order_change_nothing(ledger: Make) -> None:
    text = ledger(LEDGER)
    starts = [match.start() for match in re.finditer("^.{24} (START|REPORT)", text, re.MULTILINE)]
    runs = [text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    expected = read(text.encode()).tables
    random.Random(4).shuffle(runs)
    shuffled = read("".join(runs).encode()).tables
    for table in ("messages", "transactions", "sync_errors"):
        # All but the lines, which stand elsewhere now.
        width = -2 if table == "sync_errors" else -3
        assert [row[:width] for row in shuffled[table]] == [row[:width] for row in expected[table]]


def test_lines_are_those_of_the_file(ledger: Make) -> None:
    text = ledger(LEDGER)
    lines = text.split("\n")
    tables = read(text.encode()).tables
    for row in tables["transactions"]:
        first, last = row[-2:]
        assert "Start syncing the balance {" in lines[first - 1]
        assert lines[last - 1] == "}"
        assert lines[last] == ""
    blocked = tables["messages"][2]
    assert "Processing message m3" in lines[blocked[-2] - 1]
    assert lines[blocked[-1] - 2] == "  paymentBalance: -40"  # its sync error's end


def test_a_redelivered_message_is_an_attempt_of_its_own(audit: Run, ledger: Make) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 failed
        10:00:09 T1 ana BHD DEBIT 5 0 20 15 15 applied
    """).replace("message m2", "message m1")
    query = "SELECT attempt_id, message_id, outcome FROM transactions ORDER BY attempt_id"
    assert [tuple(row.values()) for row in audit(text).sql(query).to_pylist()] == [
        ("00000000-0000-4000-8000-000000000001.1", "m1", "failed"),
        ("00000000-0000-4000-8000-000000000002.1", "m1", "applied"),
    ]


def test_a_transaction_without_message_and_twice_under_one(ledger: Make) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied")
    start = text.index("2024-02-01T10:00:00.000Z 2024-02-01T10:00:00.000Z")
    processing = text[start : text.index("\n\n", start) + 2]
    syncing = text[
        start + len(processing) : text.index("2024-02-01T10:00:00.000Z 2024", start + 200)
    ]
    without = read(text.replace(processing, "").encode()).tables
    assert without["messages"] == []
    assert [(row[0], row[2], row[22]) for row in without["transactions"]] == [(1, b"", b"applied")]
    twice = read(text.replace(syncing, syncing * 2).encode()).tables
    assert [(row[0], row[2], row[22]) for row in twice["transactions"]] == [
        (1, b"m1", b"applied"), (2, b"m1", b"applied"),
    ]  # fmt: skip
    assert [row[4] for row in twice["messages"]] == [b"applied"]


def test_an_attempt_whose_log_ends_has_an_unknown_outcome(audit: Run, ledger: Make) -> None:
    report = audit(ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 - -").partition(" END")[0]).report
    assert report.outcomes["transactions"] == {"unknown": 1}
    assert report.operations["invocations_by_status"]["unfinished"] == 1


CRASH = """\
{t}T10:00:00.500Z {t}T10:00:00.500Z\tundefined\tERROR\tUncaught Exception \t\
{{"errorType":"Error","errorMessage":"Cannot find module 'x'\\nDid you mean y?"}}

{t}T10:00:01.000Z INIT_REPORT Init Duration: 7.09 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError

"""
START = "{t}T10:00:01.000Z START RequestId: r1 Version: $LATEST\n\n"
ERROR = "{t}T10:00:01.000Z Unknown application error occurred\nRuntime.Unknown\n\n"
END = "{t}T10:00:01.000Z END RequestId: r1\n\n"


@pytest.mark.parametrize("order", [(START, ERROR, END), (ERROR, START, END), (START, END, ERROR)])
def test_a_crash_marks_its_invocation_in_any_order_of_one_millisecond(
    order: tuple[str, ...],
) -> None:
    text = "".join((CRASH, *order)).format(t="2024-02-01")
    (row,) = read(text.encode()).tables["invocations"]
    assert row[10:12] == (b"crashed", b"Cannot find module 'x'")


def test_a_crash_at_init_has_no_invocation(audit: Run) -> None:
    text = CRASH.replace("invoke", "init").format(t="2024-02-01")
    done = audit(text)
    assert done.report.operations["crashes_at_init"] == 1
    assert done.report.counts["invocations"] == 0
    query = "SELECT error FROM crashes_at_init"
    assert done.sql(query).to_pylist() == [{"error": "Cannot find module 'x'"}]


def test_reports_measure_invocations(audit: Run) -> None:
    text = (
        START
        + END
        + "{t}T10:00:01.000Z REPORT RequestId: r1\tDuration: 12.25 ms\tBilled Duration: "
        "13 ms\tMemory Size: 512 MB\tMax Memory Used: 99 MB\tInit Duration: 901.5 ms\t\n"
        "XRAY TraceId: 1-2\tSegmentId: 3\tSampled: true\t\n"
    )
    operations = audit(text.format(t="2024-02-01")).report.operations
    assert operations["cold_starts"] == 1
    assert operations["duration_ms"] == {"p50": 12.25, "p95": 12.25, "p99": 12.25, "max": 12.25}
    assert (operations["billed_ms"], operations["memory_mb"], operations["memory_used_mb"]) == (
        13, 512, 99,
    )  # fmt: skip


def test_every_entry_counts_under_one_kind(audit: Run) -> None:
    t = "2024-02-01T10:00:00.000Z"
    report = audit(
        f"{t} START RequestId: r1 Version: 1\n"
        f"{t} {t}\tr1\tINFO\tAcquired lock {{ id: 'x' }}\n"
        f"{t} {t}\tr1\tINFO\tAcquired lock {{ id: 'y' }}\n"
        f"{t} {t}\tr1\tERROR\tSubscription balance and payment balance are not in sync\n"
        f"2024-02-30T10:00:00.000Z END RequestId: r1\n"
        f"{t} 42\n"
    ).report
    assert report.entry_kinds == {
        "unreadable": 2,
        "start": 1,
        "other: Acquired lock": 2,
        "other": 1,
    }
    assert report.reading == {"understood": 1, "other": 3, "unreadable": 2}
    assert [(row["line"], row["problem"]) for row in report.problems()] == [
        (4, "an entry of kind sync_error cannot be read"),
        (5, "the entry's time is impossible"),
    ]


def test_unknown_kinds_are_named_by_plain_words_only() -> None:
    assert other_kind(b"Acquired lock for 'ana@example.com'") == "other: Acquired lock for"
    assert other_kind(b"{ id: 1 }") == "other"
    assert other_kind(b"12 apples") == "other"
    assert other_kind(b"Retry 3 of 5") == "other: Retry"
    assert other_kind(b"Greeting Some Body by name") == "other: Greeting"


@pytest.mark.parametrize("name", ["000000.gz", "later.gz"])
def test_amounts_that_are_none_leave_the_row(audit: Run, ledger: Make, name: str) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT NaN 0 20 1234567890123 1e-7 applied")
    done = audit({name: text.encode()})
    query = "SELECT amount, new_balance, payment_balance::VARCHAR AS p FROM transactions"
    assert done.sql(query).to_pylist() == [{"amount": None, "new_balance": None, "p": "0.000000"}]
    assert [(row["line"], row["problem"], row["excerpt"]) for row in done.report.problems()] == [
        (5, "amount is no amount", "amount: NaN"),
        (5, "newBalance is no amount", "newBalance: 1234567890123"),
    ]


def test_details_and_contacts_come_from_the_json_forms(audit: Run) -> None:
    body = (
        '{"id":"T1","userId":"ana","userBalance":2707.85,"name":"Subscriber 1",'
        '"email":"s1@example.com","phoneNumber":"+9730000","brand":"B","kitchen":"K1"}'
    )
    t = "2024-02-01T10:00:00.000Z"
    done = audit(
        f"{t} {t}\tr1\tINFO\ttransaction {body}\n"
        f"{t} {t}\tr1\tINFO\trecord.body {body}\n"
        f"{t} {t}\tr1\tINFO\trecord {{\n  messageId: 'm',\n  body: '{body}',\n  attributes: {{}}\n}}\n"
        f"{t} {t}\tr1\tINFO\ttransaction {{broken\n"
    )
    query = "SELECT DISTINCT transaction_id, user_balance::VARCHAR AS b, kitchen FROM {}"
    assert done.sql(query.format("transaction_details")).to_pylist() == [
        {"transaction_id": "T1", "b": "2707.850000", "kitchen": "K1"}
    ]
    assert done.sql("SELECT count(*) AS n, min(email) AS e FROM contacts").to_pylist() == [
        {"n": 3, "e": "s1@example.com"}
    ]
    assert done.report.entry_kinds["unreadable"] == 1


def test_metrics(audit: Run) -> None:
    text = START.format(t="2024-02-01") + (
        '2024-02-01T10:00:01.001Z {"_aws":{"Timestamp":1},"service":"s","negativeBalance":1,'
        '"userId":"ana","action":"A"}\n'
    )
    assert audit(text).table("metrics").drop(["at"]).to_pylist() == [
        {
            "request_id": "r1",
            "name": "negativeBalance",
            "value": 1.0,
            "subscriber_id": "ana",
            "action": "A",
        }
    ]


def cut(text: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[a:b] for a, b in pairwise(bounds)]


@given(st.lists(st.integers(0, 10**6), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stream_cut_at_any_byte_reads_the_same(ledger: Make, places: list[int]) -> None:
    text = ledger(LEDGER).encode()
    whole, pieces = read(text).tables, read(*cut(text, places)).tables
    for table in ("invocations", "messages", "transactions", "sync_errors"):
        kept = -3 if table in {"messages", "transactions"} else -2
        assert [row[:kept] for row in pieces[table]] == [row[:kept] for row in whole[table]], table
    assert whole["problems"] == []


def test_names_that_contradict_the_times_at_a_cut_do_not_count(ledger: Make) -> None:
    """All entries of an invocation share a millisecond; the first piece has the later name."""
    text = ledger(
        "10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied\n10:00:01 T2 ana BHD DEBIT 5 0 15 10 10 applied"
    )
    first, _, rest = text.partition("2024-02-01T10:00:01.000Z 2024")
    pieces = (f"2024-02-01T10:00:01.000Z 2024{rest}".encode(), first.encode())
    assert [row[:-3] for row in read(*pieces).tables["transactions"]] == [
        row[:-3] for row in read(text.encode()).tables["transactions"]
    ]


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    rows = read(data.decode(errors="replace").encode())
    assert sum(rows.kinds.values()) == rows.files[0].entries


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mutation_of_a_log_raises_or_loses_an_entry(ledger: Make, data: st.DataObject) -> None:
    text = bytearray(ledger(LEDGER).encode())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(text) - 1))
        change = data.draw(st.sampled_from(["flip", "drop", "copy", "junk"]))
        if change == "flip":
            text[place] = data.draw(st.integers(0, 255))
        elif change == "drop":
            del text[place : place + data.draw(st.integers(1, 60))]
        elif change == "copy":
            text[place:place] = text[place : place + 90]
        else:
            text[place:place] = data.draw(
                st.sampled_from([b"{", b"'", b"\\", b"\n", b"\x00", b"\t"])
            )
    rows = read(bytes(text).decode(errors="replace").encode())
    assert sum(rows.kinds.values()) == rows.files[0].entries


def test_kinds_have_unique_names_and_are_found_in_order() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    rows = Rows(files=[FileFacts("0", "0", 0)])
    text = b"\n2024-02-01T10:00:02.000Z END RequestId: r\n2024-02-01T10:00:01.000Z START RequestId: r\n"
    entries = read_entries([Source(0, text)], rows)
    assert [entry[1] for entry in entries] == ["start", "end"]
    assert [entry[5] for entry in entries] == [2, 1]
    facts: Any = rows.files[0]
    assert (facts.first_at[-5:], facts.last_at[-5:]) == (b".000Z", b".000Z")


def test_files_are_named_from_the_path_given(audit: Run, tmp_path: Path, ledger: Make) -> None:
    done = audit({"a/x.log": ledger(LEDGER).encode()})
    assert [row["name"] for row in done.table("files").to_pylist()] == ["logs/a/x.log"]
    with trueup.audit(tmp_path / "logs" / "a" / "x.log") as one:
        assert [row["name"] for row in one.table("files").to_pylist()] == ["x.log"]


def test_long_words_of_other_scripts_and_marks_of_windows_tools(audit: Run, ledger: Make) -> None:
    t = "2024-02-01T10:00:00.000Z"
    text = (
        f"{t} INIT_START Runtime Version: x{'é' * 400}\n"
        f"{t} START RequestId: r1 Version: 1\n"
        f"{t} {t}\tr1\tINFO\tProcessing message m1\n"
        f"{t} {t}\tr1\tINFO\tSkipping the balance sync for x{'é' * 400}\n"
    )
    done = audit({"x.log": b"\xef\xbb\xbf" + text.encode()})
    assert done.report.counts["entries"] == 4
    assert done.report.reading["understood"] == 4
    assert done.report.outcomes["messages"] == {"skipped": 1}
    assert done.report.inputs["problems"] == 0


def test_a_sync_error_of_a_message_without_transaction_is_not_that_of_an_earlier_one(
    ledger: Make,
) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied")
    request = "00000000-0000-4000-8000-000000000001"
    t = "2024-02-01T10:00:00.000Z"
    more = (
        f"{t} {t}\t{request}\tINFO\tProcessing message m9\n"
        f"{t} {t}\t{request}\tERROR\tSubscription balance and payment balance are not in sync "
        "{\n  userId: 'ana',\n  subscriptionBalance: 1,\n  paymentBalance: 2\n}\n"
    )
    tables = read((text + more).encode()).tables
    assert [row[-4] for row in tables["transactions"]] == [b"false"]
    assert [row[0] for row in tables["sync_errors"]] == [2]


def test_a_type_that_is_neither_is_said(audit: Run, ledger: Make) -> None:
    done = audit(ledger("10:00:00 T1 ana BHD credit 5 0 20 15 15 applied"))
    assert [row["problem"] for row in done.report.problems()] == [
        "the type is neither CREDIT nor DEBIT"
    ]


def test_files_that_overlap_in_time_keep_the_order_of_their_names(ledger: Make) -> None:
    """One ends in the millisecond in which the other begins, but does not follow it."""
    one = ledger(
        "10:00:05 T1 ana BHD DEBIT 5 0 20 15 15 applied\n10:00:07 T3 ana BHD DEBIT 5 0 10 5 5 applied"
    )
    two = ledger(
        "10:00:06 T4 bob BHD DEBIT 5 0 20 15 15 applied\n10:00:05 T2 ana BHD DEBIT 5 0 15 10 10 applied"
    )
    two = two.replace("-00000000000", "-99999999999")
    rows = read(one.encode(), two.encode()).tables["transactions"]
    assert [row[1] for row in rows] == [b"T1", b"T2", b"T4", b"T3"]


@pytest.mark.parametrize(
    ("wording", "outcome", "detail"),
    [
        ("SubscriptionBalanceUpdated event published", "applied", None),
        ("Skipping the process, balance is already synced from other listeners", "already_synced", None),
        ("Balance is already synced from other listeners", "already_synced", None),
        ("Skipping the balance sync for create subscription, it will be", "skipped", "create subscription"),
        ("Skipping the balance sync for create web subscription", "skipped", "create web subscription"),
        ("Skipping the process, Update Payment Balance Flag is set to false { transactionAction: 'X' }",
         "skipped", "update payment balance flag is false"),
        ("Update Payment Balance Flag is set to false {", "skipped", "update payment balance flag is false"),
        ("An error occured while syncing the balance TypeError: x\n    at y", "failed", "TypeError: x"),
        ("An error occurred while syncing the balance", "failed", None),
        ("Skipping lunch", "unknown", None),
    ],
)  # fmt: skip
def test_every_wording_of_an_outcome(
    audit: Run, wording: str, outcome: str, detail: str | None
) -> None:
    t = "2024-02-01T10:00:00.000Z"
    text = f"{t} {t}\tr1\tINFO\tProcessing message m1\n{t} {t}\tr1\tINFO\t{wording}\n"
    (row,) = audit(text).table("messages").select(["outcome", "detail"]).to_pylist()
    assert row == {"outcome": outcome, "detail": detail}
