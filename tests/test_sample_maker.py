"""The sample maker: what it writes is realistic, repeatable, and holds what its labels say."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueup.sample
from trueup.errors import BadUse
from trueup.sample import LABELS, labelfile, write_sample
from trueup.sample.faults import FAULTS
from trueup.sample.labels import Attempt, Finding, Ledger
from trueup.sample.people import CURRENCIES
from trueup.sample.printing import inspected, money, noisy_money, quoted, stamp, ulid

ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )", re.MULTILINE)
MICRO = 1_000_000
START = 1_700_000_000_000


@dataclass(frozen=True)
class Sample:
    """A sample, read back: its labels, and the text of every stream as it stands."""

    labels: dict[str, Any]
    streams: dict[str, str]
    summary: trueup.sample.SampleSummary

    @property
    def text(self) -> str:
        return "".join(self.streams.values())


def read_streams(folder: Path) -> dict[str, str]:
    return {
        stream.name: "".join(
            gzip.decompress(file.read_bytes()).decode() for file in sorted(stream.iterdir())
        )
        for stream in sorted(folder.iterdir())
        if stream.is_dir()
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    summary = write_sample(folder)
    labels = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    return Sample(labels, read_streams(folder), summary)


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, subscribers=30, days=10, seed=3)
    write_sample(tmp_path / "other", subscribers=30, days=10, seed=4)
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "two")
    assert all_bytes(tmp_path / "one") != all_bytes(tmp_path / "other")


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trueup.sample, "SIZE", 20)
    one = write_sample(tmp_path / "one", subscribers=50, days=8)
    three = write_sample(tmp_path / "three", subscribers=50, days=8, processes=3)
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "three")
    assert (one.files, one.findings) == (three.files, three.findings)


def test_many_cells_are_merged_with_few_files_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trueup.sample, "SIZE", 10)
    write_sample(tmp_path / "one", subscribers=70, days=6)
    monkeypatch.setattr(labelfile, "_MOST_OPEN", 2)
    write_sample(tmp_path / "two", subscribers=70, days=6)
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "two")


def test_packed_without_a_date(tmp_path: Path) -> None:
    write_sample(tmp_path, subscribers=3, days=1)
    for path in tmp_path.rglob("*.gz"):
        assert path.read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_a_full_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(BadUse, match="not empty"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for target in (file, file / "below"):
        with pytest.raises(BadUse, match="cannot write"):
            write_sample(target)


@pytest.mark.parametrize("name", ["subscribers", "days", "processes"])
def test_less_than_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadUse, match=f"{name} is 0"):
        write_sample(tmp_path / "new", **{name: 0})
    assert not (tmp_path / "new").exists()


def test_the_summary_counts_the_files(tmp_path: Path) -> None:
    summary = write_sample(tmp_path, subscribers=20, days=5)
    packed = list(tmp_path.rglob("*.gz"))
    assert summary.files == len(packed)
    assert summary.bytes == sum(path.stat().st_size for path in packed)
    texts = [gzip.decompress(path.read_bytes()) for path in packed]
    assert summary.unpacked_bytes == sum(map(len, texts))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [LABELS]


def test_counts_are_those_of_the_text(sample: Sample) -> None:
    patterns = {
        "invocations": r"^\S+ START RequestId: ",
        "messages": r"\tProcessing message ",
        "transactions": r"\tStart syncing the balance \{",
        "sync_errors": r"\tSubscription balance and payment balance are not in sync",
        "cold_starts": r" REPORT .*\tInit Duration: ",
        "crashes_at_init": r"INIT_REPORT .*Phase: init\t",
    }
    counts = {
        name: len(re.findall(pattern, sample.text, re.MULTILINE))
        for name, pattern in patterns.items()
    }
    counts["entries"] = sum(len(ENTRY.findall(text)) for text in sample.streams.values())
    users = re.findall(
        r"Start syncing the balance \{\n  transaction: \{\n(?:    .*\n)*?    userId: '(.*)'",
        sample.text,
    )
    counts["subscribers"] = len(set(users))
    assert counts == sample.labels["counts"]
    assert sample.summary.transactions == counts["transactions"]
    assert sample.summary.findings == len(sample.labels["findings"])
    by_status = sample.labels["invocations_by_status"]
    assert sum(by_status.values()) == counts["invocations"]
    assert by_status["crashed"] == sample.text.count("Unknown application error occurred")
    started = counts["invocations"] - len(re.findall(r" END RequestId", sample.text))
    assert by_status["unfinished"] == started > 0


def test_every_fault_and_outcome_is_there(sample: Sample) -> None:
    assert sorted(sample.labels["faults"]) == sorted(FAULTS)
    assert all(sample.labels["faults"].values())
    outcomes = sample.labels["outcomes"]
    assert list(outcomes["messages"]) == [
        "already_synced", "applied", "blocked", "failed", "skipped",
    ]  # fmt: skip
    assert list(outcomes["transactions"]) == ["already_synced", "applied", "blocked", "failed"]
    assert sum(outcomes["messages"].values()) == sample.labels["counts"]["messages"]
    assert sum(outcomes["transactions"].values()) == sample.labels["counts"]["transactions"]
    assert all(sample.labels["invocations_by_status"].values())
    assert list(sample.labels["currencies"]) == ["AED", "BHD", "KWD", "QAR", "SAR"]


def test_every_finding_is_there_and_in_order(sample: Sample) -> None:
    findings = sample.labels["findings"]
    assert {(finding["check"], finding["cause"]) for finding in findings} == {
        ("false_alarm", None),
        ("flow_break", "not_applied"),
        ("flow_break", "reset_to_payment"),
        ("flow_break", "stale_read"),
        ("flow_break", "unseen_change"),
        ("gap_change", "closed"),
        ("gap_change", "moved"),
        ("gap_change", "opened"),
        ("mismatch", None),
        ("missed_alarm", None),
        ("out_of_sync", None),
        ("overdraft", "posted"),
        ("overdraft", "refused"),
        ("payment_overdraft", "open"),
        ("payment_overdraft", "over"),
    }
    keys = [(finding["check"], finding["subscriber_id"], finding["at"]) for finding in findings]
    assert keys == sorted(set(keys))
    assert len(findings) < sample.labels["counts"]["transactions"] / 10


FORMS = {
    "without type": r"  transaction: \{\n    id: '\w{26}',\n    userId: ",
    "with type": r"  transaction: \{\n    id: '\w{26}',\n    type: '(CREDIT|DEBIT)',\n    source: ",
    "metadata in backticks": r"    metadata: `.*'.*`,\n",
    "metadata with an escaped quote": r"    metadata: '.*\\'.*`.*',\n",
    "no metadata": r"    metadata: undefined,\n",
    "doubled escapes": r"    metadata: '.*\\\\\".*',\n",
    "a new line": r"\\\\\\\\n",
    "braces": r"\{mild\}|\{from us\}",
    "Arabic": r"[\u0621-\u064a]{3}",
    "a string in double quotes": "  reason: \"'sync' of",
    "float noise": r"Balance: -?\d+\.\d{9,}",
    "a negative amount": r"    amount: -\d",
    "an amount of zero": r"    amount: 0,",
    "a negative payment balance": r"    paymentBalance: -\d",
    "already synced": r"\tSkipping the process, balance is already synced from other listeners\n",
    "already synced, other words": r"\tBalance is already synced from other listeners\n",
    "skip: create": r"\tSkipping the balance sync for create subscription, ",
    "skip: create web": r"\tSkipping the balance sync for create web subscription, ",
    "skip: flag": r"Flag is set to false \{ transactionAction: '\w+' \}\n",
    "refused, with its id": r"currentBalance: .*,\n    transactionId: '\w{26}'\n",
    "refused, without metadata": r"currentBalance: .*,\n    metadata: undefined\n",
    "refused, with the balance": r"currentBalance: .*,\n    newBalance: -",
    "failed": r"\tERROR\tAn error occured while syncing the balance TypeError: .*\n    at ",
    "transaction as JSON": r"\tINFO\ttransaction \{\"id\"",
    "body as JSON": r"\tINFO\trecord\.body \{\"id\"",
    "record": r"\tINFO\trecord \{\n(  .*\n)*  body: '\{\"id\"",
    "metric: gap": r"\"subBalanceDiscrapancy\":1,",
    "metric: failure": r"\"synBalanceError\":1,",
    "metric: refusal": r"\"negativeBalance\":1,",
    "notification": r"Sending slack notification \{\n",
    "lock": r"Acquired lock \{\n  id: '",
    "crash": r"\tundefined\tERROR\tUncaught Exception \t\{",
    "crash at start": r"INIT_REPORT .*Phase: init\tStatus: error",
    "crash in a run": r"INIT_REPORT .*Phase: invoke\tStatus: error",
    "trace": r"\t\nXRAY TraceId: 1-",
    "runtime": r" INIT_START Runtime Version: nodejs:",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_there(sample: Sample, form: str) -> None:
    assert re.search(FORMS[form], sample.text)


def test_both_versions_in_their_time(sample: Sample) -> None:
    days = sorted({name[:10] for name in sample.streams})
    assert (days[0], days[-1], len(days)) == ("2023-12-20", "2024-02-17", 60)
    for name, text in sample.streams.items():
        assert ("    oldBalance: " in text) >= ("    paymentBalance: " in text)
        assert "    paymentBalance: " not in text or name >= "2024"


def test_contacts_are_nobodys(sample: Sample) -> None:
    assert set(re.findall(r'"email":"[^"]*@([^"]*)"', sample.text)) == {"example.com"}
    assert all(
        name.startswith("Subscriber ") for name in re.findall(r'"name":"([^"]*)"', sample.text)
    )


def is_ordered(text: str) -> bool:
    times = [entry[:24] for entry in ENTRY.split(text)[1:]]
    return times == sorted(times)


def test_a_quarter_of_the_streams_is_out_of_order(sample: Sample) -> None:
    out_of_order = sum(not is_ordered(text) for text in sample.streams.values())
    assert 0.15 < out_of_order / len(sample.streams) < 0.4


def test_one_invocation_at_a_time(sample: Sample) -> None:
    for text in sample.streams.values():
        running = None
        for entry in sorted(ENTRY.split(text)[1:], key=lambda entry: entry[:24]):
            if match := re.match(r"\S+ START RequestId: (\S+)", entry):
                assert running is None
                running = match[1]
            elif match := re.match(r"\S+ END RequestId: (\S+)", entry):
                assert running == match[1]
                running = None
            elif match := re.match(r"\S+ \S+Z\t(\S{36})\t", entry):
                assert running == match[1]


def test_entries_stand_between_empty_lines(sample: Sample) -> None:
    for text in sample.streams.values():
        for entry in ENTRY.split(text)[1:]:
            assert entry.endswith("\n\n")
            assert "\n\n" not in entry[:-2]


@dataclass
class Read:
    """A transaction as a plain reader of the text finds it."""

    subscriber_id: str
    currency: str
    attempt: Attempt


def micro(text: str) -> int:
    return int((Decimal(text) * MICRO).quantize(Decimal(1), ROUND_HALF_EVEN))


OUTCOMES = {
    "SubscriptionBalanceUpdated": "applied",
    "Skipping the process, balance": "already_synced",
    "Balance is already": "already_synced",
    "{\n  message: 'Subscriber will": "blocked",
    "An error occured": "failed",
}


def read_transactions(streams: dict[str, str]) -> list[Read]:
    """Return every transaction, a subscriber after the other, in order of time."""
    rows = [row for text in streams.values() for row in read_stream(text)]
    return sorted(rows, key=lambda row: (row.subscriber_id, row.attempt.at))


def read_stream(text: str) -> Iterator[Read]:
    current: Read | None = None
    for entry in sorted(ENTRY.split(text)[1:], key=lambda entry: entry[:24]):
        match = re.fullmatch(r"\S+ (\S+)Z\t(\S+)\t[A-Z]+\t(.*)", entry, re.DOTALL)
        if not match:
            continue
        at, request, said = match.groups()
        if said.startswith("Processing message"):
            current = None
        elif said.startswith("Start syncing"):
            current = read_start(at, request, said)
            yield current
        elif current:
            read_outcome(current, said)


def read_outcome(row: Read, said: str) -> None:
    """Add what a later entry says about a transaction."""
    if said.startswith("Subscription balance and"):
        found = re.search(r"subscriptionBalance: (.*),\n  paymentBalance: (.*)\n", said)
        assert found
        row.attempt = row.attempt._replace(error=(micro(found[1]), micro(found[2])))
    for opening, outcome in OUTCOMES.items():
        if said.startswith(opening):
            row.attempt = row.attempt._replace(outcome=outcome)


def read_start(at: str, request: str, said: str) -> Read:
    fields = dict(re.findall(r"^    (\w+): (.*?),?$", said, re.MULTILINE))
    payment = fields.get("paymentBalance")
    when = dt.datetime.fromisoformat(f"{at}+00:00")
    attempt = Attempt(
        at=int(when.timestamp()) * 1000 + when.microsecond // 1000,
        transaction_id=fields["id"].strip("'"),
        request_id=request,
        type=fields["type"].strip("'") if "type" in fields else None,
        amount=micro(fields["amount"]),
        vat=micro(fields["vat"]),
        old=micro(fields["oldBalance"]),
        new=micro(fields["newBalance"]),
        payment=None if payment is None else micro(payment),
        outcome="",
        error=None,
    )
    return Read(fields["userId"].strip("'"), fields["currency"].strip("'"), attempt)


def test_the_labels_follow_from_the_text(sample: Sample) -> None:
    findings: list[Finding] = []
    ledgers: dict[str, Ledger] = {}
    rows = read_transactions(sample.streams)
    moments = {(row.subscriber_id, row.attempt.at) for row in rows}
    assert len(moments) == len(rows)
    for row in rows:
        if row.subscriber_id not in ledgers:
            unit = CURRENCIES[row.currency].unit
            ledgers[row.subscriber_id] = Ledger(row.subscriber_id, row.currency, unit, findings)
        ledgers[row.subscriber_id].see(row.attempt)
    for ledger in ledgers.values():
        ledger.close()
    found = sorted(findings, key=Finding.sort_key)
    assert [json.loads(finding.as_json()) for finding in found] == sample.labels["findings"]
    outcomes = Counter(row.attempt.outcome for row in rows)
    assert dict(sorted(outcomes.items())) == sample.labels["outcomes"]["transactions"]


def test_a_failed_message_comes_again_before_any_other(sample: Sample) -> None:
    rows = read_transactions(sample.streams)
    failed = 0
    for row, following in pairwise(rows):
        if row.attempt.outcome == "failed":
            failed += 1
            assert following.attempt.transaction_id == row.attempt.transaction_id
            assert following.attempt.request_id != row.attempt.request_id
            assert following.attempt.old == row.attempt.old
    assert failed == sample.labels["outcomes"]["transactions"]["failed"]


# The ledger, by hand: BHD, of which one minor unit is a thousandth.


def millionths(amount: float) -> int:
    return round(amount * MICRO)


def attempt(
    number: int,
    old: float,
    new: float,
    payment: float | None = None,
    **fields: Any,
) -> Attempt:
    """Return an attempt; its type and amount are those of its change unless given."""
    vat = fields.get("vat", 0)
    error = fields.get("error")
    kind = fields.get("type", "CREDIT" if new >= old else "DEBIT")
    return Attempt(
        at=START + number * 1000,
        transaction_id=f"T{number}",
        request_id=f"R{number}",
        type=kind,
        amount=millionths(fields.get("amount", abs(new - old) + vat)),
        vat=millionths(vat),
        old=millionths(old),
        new=millionths(new),
        payment=None if payment is None else millionths(payment),
        outcome=fields.get("outcome", "applied"),
        error=None if error is None else (millionths(error[0]), millionths(error[1])),
    )


def ledger_of(*attempts: Attempt) -> tuple[Ledger, list[Finding]]:
    findings: list[Finding] = []
    ledger = Ledger("S", "BHD", 1000, findings)
    for one in attempts:
        ledger.see(one)
    ledger.close()
    return ledger, findings


def find(*attempts: Attempt) -> set[tuple[str, str | None, str, float, float, float]]:
    """Return check, cause, subject, expected, logged and amount at risk of all findings."""
    _, findings = ledger_of(*attempts)
    rows = {
        (
            one.check, one.cause, one.subject.transaction_id,
            one.expected / MICRO, one.logged / MICRO, one.at_risk / MICRO,
        )
        for one in findings
    }  # fmt: skip
    assert len(rows) == len(findings)
    return rows


def test_balances_in_step_give_no_finding() -> None:
    assert not find()
    assert not find(
        attempt(1, 10, 5, 5), attempt(2, 5, 55, 55, amount=55, vat=5), attempt(3, 55, 47, 47)
    )


def test_a_minor_unit_is_no_difference() -> None:
    assert not find(attempt(1, 10, 5, 5.001), attempt(2, 5.001, 2, 2, amount=3))
    assert find(attempt(1, 10, 5, 5.002), attempt(2, 5.002, 2, 2)) == {
        ("flow_break", "reset_to_payment", "T2", 5, 5.002, 0.002),
        ("gap_change", "opened", "T1", 0, -0.002, 0),
        ("gap_change", "closed", "T2", -0.002, 0, 0),
        ("missed_alarm", None, "T1", 5.002, 5, 0),
    }


def test_mismatch_takes_vat_and_sign_into_account() -> None:
    assert find(attempt(1, 0, 11, 11, amount=11, vat=1)) == {("mismatch", None, "T1", 10, 11, 1)}
    assert not find(attempt(1, 10, 11.5, 11.5, amount=-1.5, type="DEBIT"))
    assert find(attempt(1, 10, 4, amount=8, type=None)) == {("mismatch", None, "T1", -8, -6, 2)}
    assert not find(attempt(1, 10, 10, amount=8, type=None))


def test_a_posted_overdraft() -> None:
    assert find(attempt(1, 3, -2, -2)) == {
        ("overdraft", "posted", "T1", 0, -2, 2),
        ("payment_overdraft", "open", "T1", 0, -2, 2),
    }


def test_a_refused_overdraft_opens_a_gap() -> None:
    assert find(attempt(1, 3, -2, -2, outcome="blocked"), attempt(2, 3, 23, 18)) == {
        ("overdraft", "refused", "T1", 0, -2, 0),
        ("payment_overdraft", "over", "T1", 0, -2, 0),
        ("flow_break", "not_applied", "T2", -2, 3, 0),
        ("gap_change", "opened", "T1", 0, 5, 0),
        ("missed_alarm", None, "T1", -2, 3, 0),
        ("missed_alarm", None, "T2", 18, 23, 0),
        ("out_of_sync", None, "T1", 18, 23, 5),
    }


def test_a_lost_update_is_a_stale_read_and_a_gap() -> None:
    assert find(attempt(1, 10, 5, 5), attempt(2, 10, 8, 3, error=(8, 3))) == {
        ("flow_break", "stale_read", "T2", 5, 10, 5),
        ("gap_change", "opened", "T2", 0, 5, 0),
        ("out_of_sync", None, "T2", 3, 8, 5),
    }


def test_an_unseen_change() -> None:
    assert find(attempt(1, 10, 5, 5), attempt(2, 7, 6, 6)) == {
        ("flow_break", "unseen_change", "T2", 5, 7, 2)
    }


def test_not_applied_comes_before_reset_to_payment() -> None:
    assert find(attempt(1, 10, 5, 10, outcome="already_synced"), attempt(2, 10, 9, 9)) == {
        ("flow_break", "not_applied", "T2", 5, 10, 0)
    }


def test_already_synced_is_settled_by_the_next_transaction() -> None:
    synced = attempt(1, 10, 5, 5, outcome="already_synced")
    assert not find(synced, attempt(2, 5, 4, 4))
    assert not find(attempt(1, 10, 5, 7, outcome="already_synced"))
    assert find(synced, attempt(2, 7, 6, 6)) == {("flow_break", "unseen_change", "T2", 5, 7, 2)}


def test_its_own_sync_error_settles_what_was_not_applied() -> None:
    synced = attempt(1, 10, 5, outcome="already_synced", error=(10, 5))
    assert find(synced, attempt(2, 5, 4)) == {
        ("gap_change", "opened", "T1", 0, 5, 0),
        ("out_of_sync", None, "T1", 5, 10, 5),
    }


def test_what_was_applied_is_not_settled_by_its_sync_error() -> None:
    assert find(attempt(1, 10, 5, error=(10, 3))) == {
        ("gap_change", "opened", "T1", 0, 2, 0),
        ("out_of_sync", None, "T1", 3, 5, 2),
    }


def test_a_failure_and_its_redelivery() -> None:
    assert find(attempt(1, 10, 5, 5, outcome="failed"), attempt(1, 10, 5, 5)) == {
        ("flow_break", "not_applied", "T1", 5, 10, 0),
        ("gap_change", "opened", "T1", 0, 5, 0),
        ("gap_change", "closed", "T1", 5, 0, 0),
        ("missed_alarm", None, "T1", 5, 10, 0),
    }


def test_a_gap_opens_moves_closes_and_opens_again() -> None:
    assert find(
        attempt(1, 10, 5, 3, error=(5, 3)),
        attempt(2, 5, 4, 2, error=(4, 2)),
        attempt(3, 4, 3, 0, error=(3, 0)),
        attempt(4, 3, 2, 2),
        attempt(5, 2, 1, 3, error=(1, 3)),
        attempt(6, 1, 0),
    ) == {
        ("gap_change", "opened", "T1", 0, 2, 0),
        ("gap_change", "moved", "T3", 2, 3, 0),
        ("gap_change", "closed", "T4", 3, 0, 0),
        ("gap_change", "opened", "T5", 0, -2, 0),
        ("out_of_sync", None, "T5", 3, 1, 2),
    }


def test_a_false_alarm() -> None:
    assert find(attempt(1, 10, 5, 5, error=(10, 5))) == {("false_alarm", None, "T1", 5, 5, 0)}


def test_payment_overdrafts_come_in_episodes() -> None:
    _, findings = ledger_of(
        attempt(1, 10, 8, -1),
        attempt(2, 8, 7),
        attempt(3, 7, 6, -4),
        attempt(4, 6, 5, -2),
        attempt(5, 5, 25, 0),
        attempt(6, 25, 24, -1),
    )
    episodes = [
        (one.cause, one.subject.transaction_id, one.logged, one.at_risk, one.transactions)
        for one in findings
        if one.check == "payment_overdraft"
    ]
    assert episodes == [("over", "T1", -4 * MICRO, 0, 3), ("open", "T6", -MICRO, MICRO, 1)]


def test_sums_as_logged_and_applied() -> None:
    ledger, _ = ledger_of(
        attempt(1, 0, 10, 10, amount=11, vat=1),
        attempt(2, 10, 4, 4, outcome="failed"),
        attempt(2, 10, 4, 4),
        attempt(3, 4, 6, type=None, amount=2),
        attempt(4, 6, 6, type=None, amount=9),
        attempt(5, 6, 7.5, amount=-1.5, type="DEBIT"),
    )
    fields = ledger.totals.as_fields()
    assert fields == {
        "transactions": 6,
        "credits": "13.000000",
        "debits": "10.500000",
        "applied_credits": "13.000000",
        "applied_debits": "4.500000",
        "gap_at_end": "0.000000",
        "subscribers_out_of_sync": 0,
    }


def test_a_label_is_text_with_six_decimals() -> None:
    _, findings = ledger_of(attempt(1, 0.5, -0.25))
    assert json.loads(findings[0].as_json()) == {
        "check": "overdraft",
        "cause": "posted",
        "subscriber_id": "S",
        "currency": "BHD",
        "at": "2023-11-14T22:13:21.000Z",
        "transaction_id": "T1",
        "request_id": "R1",
        "expected": "0.000000",
        "logged": "-0.250000",
        "difference": "-0.250000",
        "amount_at_risk": "0.250000",
    }


# Printing, as Node does it.


@given(st.integers(-(10**12), 10**12), st.integers(0, 2**32))
def test_printed_amounts_are_read_back_exactly(amount: int, seed: int) -> None:
    assert micro(money(amount)) == amount
    assert micro(noisy_money(amount, Random(seed))) == amount


def test_amounts_are_printed_in_the_shortest_way() -> None:
    printed = [money(amount) for amount in (0, 8_000_000, -1_500_000, 9_090_909, 1, -1)]
    assert printed == ["0", "8", "-1.5", "9.090909", "0.000001", "-0.000001"]


def test_strings_are_quoted_as_inspect_does() -> None:
    assert quoted("plain") == "'plain'"
    assert quoted("it's") == '"it\'s"'
    assert quoted('it\'s "so"') == '`it\'s "so"`'
    assert quoted('it\'s "so" `now`') == "'it\\'s \"so\" `now`'"
    assert quoted('it\'s "${so}"') == "'it\\'s \"${so}\"'"
    assert quoted('{"a":"{\\"b\\":1}"}\n') == '\'{"a":"{\\\\"b\\\\":1}"}\\n\''


def test_small_objects_are_printed_on_one_line() -> None:
    assert inspected({"transactionAction": "DONATE_MEAL"}) == "{ transactionAction: 'DONATE_MEAL' }"
    assert (
        inspected({"a": None, "b": [1, True], "c": {}}) == "{ a: undefined, b: [ 1, true ], c: {} }"
    )
    assert inspected({"long": "x" * 60, "b": {"c": 1}}) == (
        "{\n  long: '" + "x" * 60 + "',\n  b: { c: 1 }\n}"
    )


def test_ids_and_times() -> None:
    assert stamp(START + 7) == "2023-11-14T22:13:20.007Z"
    # the reference example of the ULID specification has this time
    assert ulid(1_469_918_176_385, bytes(16)) == "01ARYZ6S410000000000000000"
