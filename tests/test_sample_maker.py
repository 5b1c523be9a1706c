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
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueup.sample
from trueup.errors import BadUse
from trueup.sample import FAULTS, LABELS, labelfile, operations, write_sample
from trueup.sample.books import Books
from trueup.sample.facts import Attempt, Delivery, Finding
from trueup.sample.labels import Ledger
from trueup.sample.people import CURRENCIES
from trueup.sample.printing import inspected, money, noisy_money, quoted, stamp, ulid
from trueup.sample.tally import Tally

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
    nothing: dict[str, Any] = {name: 0}
    with pytest.raises(BadUse, match=f"{name} is 0"):
        write_sample(tmp_path / "new", **nothing)
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
    assert list(sample.labels["faults"]) == sorted(fault.name for fault in FAULTS)
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
        ("blocked_overdraft", "logged"),
        ("blocked_overdraft", "not_logged"),
        ("crashed_invocation", "init"),
        ("crashed_invocation", "run"),
        ("currency_change", None),
        ("duplicate_posting", "certain"),
        ("duplicate_posting", "likely"),
        ("duplicate_posting", "redelivered"),
        ("error_spike", "failures"),
        ("failed_sync", "never"),
        ("failed_sync", "recovered"),
        ("false_alarm", None),
        ("flow_break", "not_applied"),
        ("flow_break", "reset_to_payment"),
        ("flow_break", "stale_read"),
        ("flow_break", "unseen_change"),
        ("gap_change", "closed"),
        ("gap_change", "moved"),
        ("gap_change", "opened"),
        ("low_balance", "low"),
        ("low_balance", "short"),
        ("mismatch", None),
        ("missed_alarm", None),
        ("out_of_sync", None),
        ("overdraft", "posted"),
        ("overdraft", "refused"),
        ("payment_overdraft", "open"),
        ("payment_overdraft", "over"),
        ("unexpected_sign", "credit_lowers"),
        ("unexpected_sign", "debit_raises"),
        ("unexpected_sign", "negative_amount"),
        ("unexpected_sign", "zero_amount"),
        ("wallet_mismatch", None),
    }
    keys = [
        (finding["check"], finding["subscriber_id"] or "", finding["at"], finding["cause"] or "")
        for finding in findings
    ]
    assert keys == sorted(set(keys))
    assert len(findings) < sample.labels["counts"]["transactions"] / 5


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


@dataclass
class Announced:
    """A message as a plain reader of the text finds it."""

    delivery: Delivery
    subscriber_id: str | None = None
    row: Read | None = None

    def finished(self) -> Delivery:
        """Return the delivery with what its transaction says."""
        if self.row is None:
            return self.delivery
        transaction = self.row.attempt
        return self.delivery._replace(
            outcome=transaction.outcome,
            transaction_id=transaction.transaction_id,
            currency=self.row.currency,
            transaction=transaction,
        )


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
    rows = [row for text in streams.values() for row in read_stream(text) if isinstance(row, Read)]
    return sorted(rows, key=lambda row: (row.subscriber_id, row.attempt.at))


def read_stream(text: str) -> Iterator[Read | Announced]:
    current: Read | None = None
    message: Announced | None = None
    for entry in sorted(ENTRY.split(text)[1:], key=lambda entry: entry[:24]):
        match = re.fullmatch(r"\S+ (\S+)Z\t(\S+)\t[A-Z]+\t(.*)", entry, re.DOTALL)
        if not match:
            if " START RequestId" in entry:
                current = message = None
            continue
        at, request, said = match.groups()
        if said.startswith("Processing message"):
            current = None
            identity = said.split()[2]
            message = Announced(Delivery(moment(at), identity, request, "", None, None, None))
            yield message
        elif said.startswith("Start syncing"):
            current = read_start(at, request, said)
            if message and not message.row:
                message.row = current
                message.subscriber_id = current.subscriber_id
                message_id = message.delivery.message_id
                current.attempt = current.attempt._replace(message_id=message_id)
            yield current
        elif current:
            read_outcome(current, said)
        elif message and said.startswith("{\n  message: 'Subscriber will"):
            read_refusal(message, said)


def read_refusal(message: Announced, said: str) -> None:
    """Read a refusal without a transaction."""
    found = re.search(r"    userId: '(.*)'", said)
    named = re.search(r"    transactionId: '(.*)'", said)
    message.subscriber_id = found[1] if found else None
    message.delivery = message.delivery._replace(
        outcome="blocked", transaction_id=named[1] if named else None
    )


def read_outcome(row: Read, said: str) -> None:
    """Add what a later entry says about a transaction."""
    if said.startswith("Subscription balance and"):
        found = re.search(r"subscriptionBalance: (.*),\n  paymentBalance: (.*)\n", said)
        assert found
        row.attempt = row.attempt._replace(error=(micro(found[1]), micro(found[2])))
    for opening, outcome in OUTCOMES.items():
        if said.startswith(opening):
            row.attempt = row.attempt._replace(outcome=outcome)


def moment(at: str) -> int:
    when = dt.datetime.fromisoformat(f"{at}+00:00")
    return int(when.timestamp()) * 1000 + when.microsecond // 1000


def read_start(at: str, request: str, said: str) -> Read:
    fields = dict(re.findall(r"^    (\w+): (.*?),?$", said, re.MULTILINE))
    payment = fields.get("paymentBalance")
    metadata = {
        name: value
        for name in ("walletId", "walletSk", "deliveryId")
        for value in re.findall(f'"{name}":"([^"]*)"', fields.get("metadata", ""))
    }
    attempt = Attempt(
        at=moment(at),
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
        action=fields["action"].strip("'") if "action" in fields else None,
        wallet_id=metadata.get("walletId"),
        wallet_entry=metadata.get("walletSk"),
        delivery_id=metadata.get("deliveryId"),
    )
    return Read(fields["userId"].strip("'"), fields["currency"].strip("'"), attempt)


OVERALL = {"crashed_invocation", "error_spike"}


def test_the_labels_follow_from_the_text(sample: Sample) -> None:
    findings: list[Finding] = []
    books: dict[str, Books] = {}
    rows = read_transactions(sample.streams)
    moments = {(row.subscriber_id, row.attempt.at) for row in rows}
    assert len(moments) == len(rows)
    for row in rows:
        its = books.setdefault(row.subscriber_id, Books(row.subscriber_id, findings))
        its.ledger(row.currency, CURRENCIES[row.currency].unit).see(row.attempt)
    for announced in read_messages(sample.streams):
        if who := announced.subscriber_id:
            its = books.setdefault(who, Books(who, findings))
            its.deliver(announced.finished())
    for its in books.values():
        its.close()
    found = sorted(findings, key=Finding.sort_key)
    labelled = [one for one in sample.labels["findings"] if one["check"] not in OVERALL]
    assert [json.loads(finding.as_json()) for finding in found] == labelled
    outcomes = Counter(row.attempt.outcome for row in rows)
    assert dict(sorted(outcomes.items())) == sample.labels["outcomes"]["transactions"]


def read_messages(streams: dict[str, str]) -> list[Announced]:
    """Return every message in order of time."""
    rows = [row for text in streams.values() for row in list(read_stream(text))]
    messages = [row for row in rows if isinstance(row, Announced)]
    return sorted(messages, key=lambda row: row.delivery.at)


def test_what_is_found_overall_follows_from_the_text(sample: Sample) -> None:
    tally = Tally()
    for announced in read_messages(sample.streams):
        delivery = announced.finished()
        tally.messages_by_day[delivery.at // operations.DAY] += 1
        tally.failures_by_day[delivery.at // operations.DAY] += delivery.outcome == "failed"
    for text in sample.streams.values():
        for at in re.findall(r"^(\S+)Z .* are not in sync \{$", text, re.MULTILINE):
            tally.sync_errors_by_day[moment(at) // operations.DAY] += 1
        read_crashes(text, tally)
    found = sorted(operations.find_in_operations(tally), key=Finding.sort_key)
    labelled = [one for one in sample.labels["findings"] if one["check"] in OVERALL]
    assert [json.loads(finding.as_json()) for finding in found] == labelled


def read_crashes(text: str, tally: Tally) -> None:
    error = started = ""
    for entry in sorted(ENTRY.split(text)[1:], key=lambda entry: entry[:24]):
        if match := re.search(r'Uncaught Exception .*"errorMessage":"([^"]*)"', entry):
            error = match[1]
        elif " START RequestId" in entry:
            started = entry[:23]
        elif "Phase: init\t" in entry:
            tally.add_crash("init", error, moment(entry[:23]))
        elif "Unknown application error" in entry:
            tally.add_crash("run", error, moment(started))


def test_a_failed_message_comes_again_before_any_other(sample: Sample) -> None:
    rows = read_transactions(sample.streams)
    last = {row.attempt.transaction_id: row for row in rows}
    failed = 0
    for row, following in pairwise(rows):
        if row.attempt.outcome == "failed":
            failed += 1
            if row is last[row.attempt.transaction_id]:
                continue
            assert following.attempt.transaction_id == row.attempt.transaction_id
            assert following.attempt.request_id != row.attempt.request_id
            assert following.attempt.old == row.attempt.old
    assert failed == sample.labels["outcomes"]["transactions"]["failed"]
    never = sum(row.attempt.outcome == "failed" for row in last.values())
    assert never == sample.labels["faults"]["failed_forever"]


def test_an_unusual_change_stands_out_by_its_size_alone(sample: Sample) -> None:
    unusual = {one["transaction_id"]: one for one in sample.labels["unusual_changes"]}
    assert len(unusual) == sample.labels["faults"]["unusual_change"]
    rows = [row for row in read_transactions(sample.streams) if row.attempt.action]
    sizes: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        sizes.setdefault(kind_of(row), []).append(abs(row.attempt.new - row.attempt.old))
    for row in (row for row in rows if row.attempt.transaction_id in unusual):
        one = row.attempt
        assert one.outcome == "applied"
        assert abs(one.new - one.old) == one.amount - one.vat
        others = sorted(sizes[kind_of(row)])
        others.remove(one.amount - one.vat)
        assert len(others) >= 4
        factor = (one.amount - one.vat) / median(others)
        assert unusual[one.transaction_id]["factor"] == pytest.approx(factor, abs=0.01)
    faults = {"mismatch", "overdraft", "unexpected_sign", "duplicate_posting", "wallet_mismatch"}
    found = {one["transaction_id"] for one in sample.labels["findings"] if one["check"] in faults}
    assert not found & unusual.keys()


def kind_of(row: Read) -> tuple[str, ...]:
    return row.subscriber_id, row.currency, row.attempt.type or "", row.attempt.action or ""


# The rates of faults.


def labels_of(folder: Path, **options: Any) -> dict[str, Any]:
    write_sample(folder, **options)
    labels: dict[str, Any] = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    return labels


OFF = {fault.name: 0.0 for fault in FAULTS}
NEEDS: dict[str, dict[str, float]] = {
    "drift_closed": {"drift_opened": 0.05},
    "drift_moved": {"drift_opened": 0.05},
    "missed_alarm": {"drift_opened": 0.05},
    "refused_unlogged": {"refused_overdraft": 1.0},
    "reset_to_payment": {"drift_opened": 0.05},
}


@pytest.mark.parametrize("name", sorted(OFF))
def test_a_fault_happens_at_its_rate(tmp_path: Path, name: str) -> None:
    rates = {**OFF, **NEEDS.get(name, {}), name: 0.5}
    labels = labels_of(tmp_path / "logs", subscribers=40, days=24, rates=rates)
    expected = {name, *NEEDS.get(name, {})}
    assert {fault for fault, count in labels["faults"].items() if count} == expected
    assert labels["rates"] == rates


FOUND_BY = {
    "refused_unlogged": ("blocked_overdraft", "not_logged"),
    "failed_forever": ("failed_sync", "never"),
    "duplicate_entry": ("duplicate_posting", "certain"),
    "duplicate_delivery": ("duplicate_posting", "likely"),
    "negative_amount": ("unexpected_sign", "negative_amount"),
    "zero_amount": ("unexpected_sign", "zero_amount"),
    "credit_lowers": ("unexpected_sign", "credit_lowers"),
    "debit_raises": ("unexpected_sign", "debit_raises"),
    "wallet_mismatch": ("wallet_mismatch", None),
    "currency_change": ("currency_change", None),
    "error_burst": ("error_spike", "failures"),
}


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_fault_is_found_as_what_it_is(tmp_path: Path, name: str) -> None:
    rates = {**OFF, "refused_overdraft": 1.0}
    for folder, rate in (("with", 0.3), ("without", 0.0)):
        labels = labels_of(
            tmp_path / folder, subscribers=150, days=24, seed=2, rates={**rates, name: rate}
        )
        found = Counter((one["check"], one["cause"]) for one in labels["findings"])
        assert bool(found[FOUND_BY[name]]) == bool(rate)


def test_without_faults_there_is_little_to_find(tmp_path: Path) -> None:
    labels = labels_of(tmp_path / "logs", subscribers=60, days=40, rates=OFF)
    assert not any(labels["faults"].values())
    assert labels["unusual_changes"] == []
    # some subscribers are out of step from the first
    assert {one["check"] for one in labels["findings"]} <= {
        "gap_change",
        "out_of_sync",
        "payment_overdraft",
        "low_balance",
    }


def test_all_faults_at_full_rate_come_to_an_end(tmp_path: Path) -> None:
    rates = {fault.name: 1.0 for fault in FAULTS}
    assert labels_of(tmp_path / "logs", subscribers=10, days=6, rates=rates)["findings"]


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ({"lost_updates": 0.1}, r"no fault 'lost_updates' \(did you mean lost_update\?\).*zero_"),
        ({"what": 0.1}, r"no fault 'what': give a rate to any of crash, crash_at_init, "),
        ({"crash": 1.5}, r"rate of crash is 1\.5: give a share from 0 to 1"),
        ({"crash": -0.1}, r"rate of crash is -0\.1"),
        ({"crash": float("nan")}, r"rate of crash is nan"),
    ],
)
def test_wrong_rates_are_refused(tmp_path: Path, rates: dict[str, float], says: str) -> None:
    with pytest.raises(BadUse, match=says):
        write_sample(tmp_path / "new", rates=rates)
    assert not (tmp_path / "new").exists()


def test_every_fault_is_described() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert fault.what.endswith(".")
        assert fault.share_of
        assert 0 < fault.rate <= 1


# The ledger, by hand: BHD, of which one minor unit is a thousandth.


def millionths(amount: float) -> int:
    return round(amount * MICRO)


DETAILS = ("message_id", "action", "wallet_id", "wallet_entry", "delivery_id")


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
        transaction_id=fields.get("transaction_id", f"T{number}"),
        request_id=f"R{number}",
        type=kind,
        amount=millionths(fields.get("amount", abs(new - old) + vat)),
        vat=millionths(vat),
        old=millionths(old),
        new=millionths(new),
        payment=None if payment is None else millionths(payment),
        outcome=fields.get("outcome", "applied"),
        error=None if error is None else (millionths(error[0]), millionths(error[1])),
        **{name: fields[name] for name in DETAILS if name in fields},
    )


def ledger_of(*attempts: Attempt) -> tuple[Ledger, list[Finding]]:
    findings: list[Finding] = []
    ledger = Ledger("S", "BHD", 1000, findings)
    for one in attempts:
        ledger.see(one)
    ledger.close()
    return ledger, findings


Row = tuple[str, str | None, str | None, float | None, float | None, float]


def row_of(one: Finding) -> Row:
    return (
        one.check, one.cause, one.subject.transaction_id,
        None if one.expected is None else one.expected / MICRO,
        None if one.logged is None else one.logged / MICRO,
        one.at_risk / MICRO,
    )  # fmt: skip


def find(*attempts: Attempt, low: bool = False) -> set[Row]:
    """Return check, cause, subject, expected, logged and amount at risk of all findings.

    Small sums make small examples: balances below 10 are left out unless `low`. So are
    redeliveries unless the attempts have message ids.
    """
    _, findings = ledger_of(*attempts)
    rows = [row_of(one) for one in findings if low or one.check != "low_balance"]
    if not any(one.message_id for one in attempts):
        rows = [row for row in rows if row[1] != "redelivered"]
    assert len(rows) == len(set(rows))
    return set(rows)


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
    assert find(attempt(1, 10, 11.5, 11.5, amount=-1.5, type="DEBIT")) == {
        ("unexpected_sign", "negative_amount", "T1", None, -1.5, 0)
    }
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


# The other checks, by hand.


def of_check(check: str, rows: set[Row]) -> set[tuple[object, ...]]:
    return {row[1:] for row in rows if row[0] == check}


def test_an_overdraft_that_was_not_applied() -> None:
    below = attempt(1, 3, -2, outcome="already_synced")
    for rest, cause, at_risk in (
        ((), "unknown", 2),
        ((attempt(2, -2, -1),), "posted", 0),  # the next one owes what is left, once
        ((attempt(2, 3, 4),), "not_applied", 0),
    ):
        found = of_check("overdraft", find(below, *rest))
        assert (cause, "T1", 0, -2, at_risk) in found
    failed = attempt(1, 3, -2, outcome="failed")
    assert of_check("overdraft", find(failed)) == {("not_applied", "T1", 0, -2, 0)}


def test_a_low_balance() -> None:
    def low(*attempts: Attempt) -> set[tuple[object, ...]]:
        return of_check("low_balance", find(*attempts, low=True))

    assert not low(attempt(1, 15, 10))
    assert low(attempt(1, 15, 9.999)) == {("low", "T1", 10, 9.999, 0)}
    assert low(attempt(1, 16, 7)) == {("short", "T1", 10, 7, 0)}
    assert low(attempt(1, 5, 0)) == {("short", "T1", 10, 0, 0)}
    assert low(attempt(1, 0, 5)) == {("low", "T1", 10, 5, 0)}
    assert not low(attempt(1, 5, -1))
    # what was refused deducts nothing, and leaves the balance where it was
    assert low(attempt(1, 9, -1, outcome="blocked")) == {("low", "T1", 10, 9, 0)}
    # two deductions on one day are one day's pace: 9 of them; on two days 4.5 each
    assert low(attempt(1, 15, 8), attempt(2, 8, 6)) == {("short", "T2", 10, 6, 0)}
    assert low(attempt(1, 15, 8), attempt(86_400, 8, 6)) == {("low", "T86400", 10, 6, 0)}
    # the last known balance counts
    unknown = attempt(2, 7, 5, outcome="already_synced")
    assert low(attempt(1, 15, 7), unknown) == {("short", "T1", 10, 7, 0)}


def repeats(*attempts: Attempt) -> set[tuple[object, ...]]:
    return of_check("duplicate_posting", find(*attempts))


def test_a_redelivery_is_no_duplicate() -> None:
    first = attempt(1, 20, 15, message_id="M1", outcome="failed", wallet_entry="W1")
    again = attempt(2, 20, 15, message_id="M1", transaction_id="T1", wallet_entry="W1")
    assert repeats(first, again) == {("redelivered", "T1", None, None, 0)}
    applied = first._replace(outcome="applied")
    assert repeats(applied, again) == {("redelivered", "T1", None, None, 0)}
    moved = attempt(2, 15, 10, message_id="M1", transaction_id="T1")
    assert repeats(applied, moved) == {("certain", "T1", 0, -5, 5)}
    assert repeats(applied, moved._replace(message_id=None)) == {("certain", "T1", 0, -5, 5)}
    assert repeats(first, again._replace(message_id="M2")) == {("certain", "T1", 0, -5, 5)}
    assert repeats(first, again._replace(message_id=None)) == {("redelivered", "T1", None, None, 0)}


def test_the_same_wallet_entry_is_posted_twice() -> None:
    first = attempt(1, 20, 15, wallet_entry="W1", message_id="M1")
    again = attempt(2, 15, 10, wallet_entry="W1", message_id="M2")
    assert repeats(first, again) == {("certain", "T2", 0, -5, 5)}
    assert repeats(first, again._replace(outcome="blocked")) == {("certain", "T2", 0, -5, 0)}
    assert not repeats(first, again._replace(wallet_entry="W2"))
    assert not repeats(first._replace(wallet_entry=None), again._replace(wallet_entry=None))


def test_a_likely_repeat_comes_within_ten_minutes() -> None:
    same: dict[str, Any] = {"action": "A", "delivery_id": "D1"}
    first = attempt(1, 20, 15, **same)
    assert repeats(first, attempt(601, 15, 10, **same)) == {("likely", "T601", 0, -5, 5)}
    assert not repeats(first, attempt(602, 15, 10, **same))
    others: list[dict[str, Any]] = [
        {"action": "B"},
        {"delivery_id": "D2"},
        {"delivery_id": None},
        {"amount": 6},
    ]
    for other in others:
        assert not repeats(first, attempt(9, 15, 10, **(same | other)))
    assert not repeats(first, attempt(9, 15, 20, **same))
    second, third = attempt(400, 15, 10, **same), attempt(900, 10, 5, **same)
    assert repeats(first, second, third) == {
        ("likely", "T400", 0, -5, 5),
        ("likely", "T900", 0, -5, 5),
    }


def test_unexpected_signs() -> None:
    def signs(*attempts: Attempt) -> set[tuple[object, ...]]:
        return of_check("unexpected_sign", find(*attempts))

    assert signs(attempt(1, 20, 15, type="CREDIT", amount=5.5, vat=0.5)) == {
        ("credit_lowers", "T1", 5, -5, 10)
    }
    assert signs(attempt(1, 20, 25, type="DEBIT", amount=5)) == {("debit_raises", "T1", -5, 5, 10)}
    assert not signs(attempt(1, 20, 20.001, type="DEBIT", amount=5))
    assert not signs(attempt(1, 20, 25, type=None, amount=5))
    assert signs(attempt(1, 20, 25, type="DEBIT", amount=0)) == {("debit_raises", "T1", 0, 5, 5)}
    assert signs(attempt(1, 20, 20, amount=0)) == {("zero_amount", "T1", None, 0, 0)}
    assert signs(attempt(1, 20, 25, type="CREDIT", amount=-5)) == {
        ("negative_amount", "T1", None, -5, 0)
    }
    assert signs(attempt(1, 20, 20, type=None, amount=-5)) == {
        ("negative_amount", "T1", None, -5, 0)
    }


def test_a_wallet_is_its_subscribers() -> None:
    for mine in (None, "S", "wallet#S"):
        assert not of_check("wallet_mismatch", find(attempt(1, 20, 15, wallet_id=mine)))
    theirs = attempt(1, 20, 15, wallet_id="wallet#X")
    assert of_check("wallet_mismatch", find(theirs)) == {(None, "T1", None, None, 5)}
    theirs = theirs._replace(outcome="failed")
    assert of_check("wallet_mismatch", find(theirs)) == {(None, "T1", None, None, 0)}


def books_of(*deliveries: Delivery, **ledgers: list[Attempt]) -> list[Finding]:
    findings: list[Finding] = []
    books = Books("S", findings)
    for currency, attempts in ledgers.items():
        for one in attempts:
            books.ledger(currency, 1000).see(one)
    for delivery in deliveries:
        books.deliver(delivery)
    books.close()
    checks = {"blocked_overdraft", "failed_sync", "currency_change"}
    return [one for one in findings if one.check in checks]


def delivery(number: int, outcome: str, transaction: Attempt | None, message: str) -> Delivery:
    return Delivery(
        at=START + number * 1000 - 500,
        message_id=message,
        request_id=f"R{number}",
        outcome=outcome,
        transaction_id=transaction.transaction_id if transaction else None,
        currency="BHD" if transaction else None,
        transaction=transaction,
    )


def test_what_becomes_of_failed_messages() -> None:
    failed = attempt(1, 20, 15, outcome="failed", amount=5.5)
    first = delivery(1, "failed", failed, "M")

    def found(*outcomes: str, transaction: Attempt | None = failed) -> list[Row]:
        later = [
            delivery(number, outcome, failed, "M") for number, outcome in enumerate(outcomes, 2)
        ]
        start = first._replace(transaction=transaction)
        return [row_of(one) for one in books_of(start, *later, BHD=[failed])][:1]

    assert found() == [("failed_sync", "never", "T1", -5.5, 0, 5.5)]
    assert found("failed") == [("failed_sync", "never", "T1", -5.5, 0, 5.5)]
    assert found("failed", "blocked")[0] != found()[0]
    for outcome in ("applied", "already_synced", "skipped"):
        assert found(outcome) == [("failed_sync", "recovered", "T1", None, None, 0)]
    assert found(transaction=None) == [("failed_sync", "never", "T1", None, None, 0)]
    refused = books_of(first, delivery(2, "blocked", failed, "M"), BHD=[failed])
    assert [row_of(one) for one in refused if one.check == "failed_sync"] == [
        ("failed_sync", "refused", "T1", -5.5, 0, 0)
    ]
    (one,) = books_of(first, BHD=[failed])
    assert (one.subject.at, one.subject.request_id, one.currency) == (first.at, "R1", "BHD")
    assert not books_of(delivery(1, "applied", failed, "M"), BHD=[failed])


def test_refused_messages() -> None:
    refused = attempt(1, 3, -2, outcome="blocked")
    (one,) = books_of(delivery(1, "blocked", refused, "M"), BHD=[refused])
    assert row_of(one) == ("blocked_overdraft", "logged", "T1", 0, -2, 0)
    unlogged = delivery(2, "blocked", None, "M")
    (one,) = books_of(unlogged, BHD=[refused])
    assert row_of(one) == ("blocked_overdraft", "not_logged", None, None, None, 0)
    assert (one.currency, one.subject.at) == ("BHD", unlogged.at)
    (one,) = books_of(unlogged)
    assert one.currency is None
    (one, _) = books_of(unlogged, BHD=[refused], SAR=[attempt(3, 30, 20)])
    assert one.currency is None


def test_a_change_of_currency() -> None:
    found = books_of(SAR=[attempt(3, 30, 20)], BHD=[attempt(1, 30, 20)], AED=[attempt(5, 40, 30)])
    assert [(one.currency, one.subject.transaction_id) for one in found] == [
        ("SAR", "T3"),
        ("AED", "T5"),
    ]
    assert not books_of(BHD=[attempt(1, 30, 20)])


def spikes(errors: list[int], days: int | None = None) -> list[tuple[str | None, int | None]]:
    tally = Tally()
    for day, count in enumerate(errors[:days]):
        tally.messages_by_day[day] = 1
        tally.failures_by_day[day] = count
    return [
        (stamp(one.subject.at)[8:10], one.errors) for one in operations.find_in_operations(tally)
    ]


def test_a_day_with_many_errors_stands_out() -> None:
    quiet = [0, 1, 0, 0, 1, 0]
    assert spikes([*quiet, 5]) == [("07", 5)]
    assert spikes([*quiet, 4]) == []
    assert spikes([*quiet, 50], days=6) == []
    # usual 100: its square root of 10 is the spread, so that 135 is not enough
    assert spikes([100] * 7 + [135]) == []
    assert spikes([100] * 7 + [136]) == [("08", 136)]
    # the median deviation of 20 makes 1.4826 times that: 100 + 3.5 * 29.652 = 203.78
    assert spikes([80, 120] * 4 + [100, 100, 203]) == []
    assert spikes([80, 120] * 4 + [100, 100, 204]) == [("11", 204)]


def test_a_day_of_sync_errors_alone_is_a_day() -> None:
    tally = Tally(messages_by_day=Counter(dict.fromkeys(range(6), 1)))
    tally.sync_errors_by_day[9] = 8
    (one,) = operations.find_in_operations(tally)
    assert json.loads(one.as_json()) == {
        "check": "error_spike",
        "cause": "sync_errors",
        "subscriber_id": None,
        "currency": None,
        "at": "1970-01-10T00:00:00.000Z",
        "transaction_id": None,
        "request_id": None,
        "expected": None,
        "logged": None,
        "difference": None,
        "amount_at_risk": "0.000000",
        "errors": 8,
    }


def test_crashes_are_counted_by_error_and_dated_by_the_first() -> None:
    tally, other = Tally(), Tally()
    tally.add_crash("run", "gone", 5000)
    other.add_crash("run", "gone", 2000)
    other.add_crash("init", "gone", 7000)
    tally.add(other)
    found = operations.find_in_operations(tally)
    assert [(one.cause, one.error, one.crashes, one.subject.at) for one in found] == [
        ("run", "gone", 2, 2000),
        ("init", "gone", 1, 7000),
    ]


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
