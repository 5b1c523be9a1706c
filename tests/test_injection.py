"""Injected faults are found as labelled, and nothing else is: in a ledger, in samples, in logs."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.config import Settings
from trueup.errors import BadUse
from trueup.injecting import FAULTS, InjectionSummary, inject
from trueup.injecting.printing import add, number, with_fields
from trueup.sample import FAULTS as PLANNED
from trueup.sample import write_sample
from trueup.sample.plan import Plan, read_plan

KEY = ("check", "cause", "subscriber_id", "currency", "transaction_id", "request_id")
STREAM = "2024-02-01-[$LATEST]" + "b" * 32


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "logs"
    write_sample(folder, subscribers=150, days=40, seed=5)
    return folder


def audited(logs: Path) -> dict[str, Counter[Any]]:
    """Audit logs that must read without a flaw; return what is found, by check."""
    with trueup.audit(logs, settings=Settings(processes=1)) as audit:
        assert audit.table("problems").to_pylist() == []
        kinds = audit.sql("SELECT count(*) AS n FROM entry_kinds WHERE kind = 'unreadable'")
        assert kinds.to_pylist() == [{"n": 0}]
        return {
            one.check.id: Counter(tuple(row[name] for name in KEY) for row in one.rows())
            for one in audit.report.findings
        }


def labels_of(folder: Path) -> list[dict[str, Any]]:
    labels: list[dict[str, Any]] = json.loads((folder / "labels.json").read_text())["labels"]
    return labels


def labelled(folder: Path, checks: Mapping[str, Any]) -> Counter[Any]:
    return Counter(
        tuple(finding[name] for name in KEY)
        for label in labels_of(folder)
        for finding in (label, *label.get("also", ()))
        if finding["check"] in checks and finding["check"] not in BY_GROUP
    )


BY_GROUP = {"crashed_invocation", "error_spike", "unusual_change", "low_balance"}
"""Checks whose findings stand for several faults, or that are no rule."""


def assert_found_as_labelled(logs: Path, folder: Path) -> None:
    before, after = audited(logs), audited(folder)
    rules = before.keys() - BY_GROUP
    new = Counter[Any]()
    for check in rules:
        new += after[check] - before[check]
    assert new == labelled(folder, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# Plans


def plan_of(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return read_plan(path)


def test_a_plan(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "seed = 7\n[rates]\nlost_update = 0.25\ncrash = 1\n[unusual_change]\nfactor = [3, 4.5]\n",
    )
    assert plan == Plan(7, {"crash": 1.0, "lost_update": 0.25}, (3.0, 4.5))
    assert plan_of(tmp_path, "") == Plan()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sede = 7", r"unknown key 'sede' \(did you mean 'seed'\?\)"),
        ("[rates]\nlost_updates = 1", r"unknown fault 'lost_updates' \(did you mean 'lost_update'"),
        ("[rates]\ncrash = 1.5", "the rate of crash is no share from 0 to 1: 1.5"),
        ("[rates]\ncrash = true", "the rate of crash is no share"),
        ("[rates]\ncrash = nan", "the rate of crash is no share"),
        ("[rates]\ncrash = 'often'", "the rate of crash is no share"),
        ("rates = 1", "rates is no table"),
        ("seed = 1.5", "seed is no whole number"),
        ("[unusual_change]\nfaktor = 1", "did you mean 'factor'"),
        ("[unusual_change]\nfactor = [20, 5]", "factor is no pair"),
        ("[unusual_change]\nfactor = 5", "factor is no pair"),
        ("[unusual_change]\nfactor = [5, inf]", "factor is no pair"),
        ("seed = ", "no valid TOML"),
    ],
)
def test_bad_plans(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadUse, match=words) as raised:
        plan_of(tmp_path, text)
    assert str(tmp_path / "plan.toml") in str(raised.value)


def test_no_plan(tmp_path: Path) -> None:
    with pytest.raises(BadUse, match=r"nothing\.toml: no such file"):
        read_plan(tmp_path / "nothing.toml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadUse, match="no valid TOML"):
        read_plan(tmp_path / "binary")


def test_every_fault_that_is_injected_can_be_planned() -> None:
    planned = {fault.name for fault in PLANNED}
    assert set(FAULTS) <= planned
    assert planned - set(FAULTS) == {"drift_closed", "drift_moved"}


# Folders


def test_bad_folders(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").touch()
    for logs, folder, words in (
        (sample, tmp_path / "full", "is not empty"),
        (sample, sample / "copy", "lies in the logs themselves"),
        (sample / "labels.json", tmp_path / "copy", "is no folder"),
        (sample, tmp_path / "full" / "note" / "copy", "cannot write the copy"),
    ):
        with pytest.raises(BadUse, match=words):
            inject(logs, folder, Plan(1, {"crash": 0.1}))
    with pytest.raises(BadUse, match="drift_closed cannot be injected into given logs"):
        inject(sample, tmp_path / "copy", Plan(1, {"drift_closed": 0.1}))


def test_same_plan_same_bytes_and_the_original_stays(tmp_path: Path, sample: Path) -> None:
    before = contents(sample)
    plan = Plan(3, dict.fromkeys(FAULTS, 0.01))
    first = inject(sample, tmp_path / "a", plan)
    inject(sample, tmp_path / "b", plan)
    inject(sample, tmp_path / "c", Plan(4, plan.rates))
    assert contents(sample) == before
    copy = contents(tmp_path / "a")
    assert copy == contents(tmp_path / "b")
    assert copy != contents(tmp_path / "c")
    assert copy.keys() == before.keys()
    assert first.files == len(copy) - 1
    assert first.edited_files == sum(copy[name] != before[name] for name in copy) - 1


def test_the_same_faults_however_the_files_are_cut(tmp_path: Path, sample: Path) -> None:
    """Streams in plain text, the larger cut in two, hold the same faults as the packed ones."""
    for name, data in contents(sample).items():
        if not name.endswith(".gz"):
            continue
        text = gzip.decompress(data)
        half = text.find(b"\n\n", len(text) // 2) + 2
        target = tmp_path / "cut" / name.removesuffix(".gz")
        target.parent.mkdir(parents=True, exist_ok=True)
        parts = [text[:half], text[half:]] if half > len(text) // 2 else [text]
        for number_of_part, part in enumerate(parts):
            Path(f"{target}.{number_of_part}.log").write_bytes(part)
    plan = Plan(3, dict.fromkeys(FAULTS, 0.01))
    inject(sample, tmp_path / "a", plan)
    inject(tmp_path / "cut", tmp_path / "b", plan)
    assert labels_of(tmp_path / "a") == labels_of(tmp_path / "b")


# Faults


def test_all_faults_at_once(tmp_path: Path, sample: Path) -> None:
    summary = inject(sample, tmp_path / "copy", Plan(2, dict.fromkeys(FAULTS, 0.004)))
    assert_found_as_labelled(sample, tmp_path / "copy")
    assert {fault for fault, count in summary.faults.items() if not count.injected} == set()
    assert summary.labels == len(labels_of(tmp_path / "copy"))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_in_a_small_ledger(
    tmp_path: Path, ledger: Callable[..., str], fault: str
) -> None:
    summary = in_ledger(tmp_path, ledger, fault)
    assert summary.faults[fault].injected >= 1
    assert_found_as_labelled(tmp_path / "logs", tmp_path / "copy")
    for label in labels_of(tmp_path / "copy"):
        assert label["fault"] == fault
        assert label["changed"]


def in_ledger(
    tmp_path: Path, ledger: Callable[..., str], fault: str, factor: tuple[float, float] = (5, 20)
) -> InjectionSummary:
    """Inject a fault into two weeks of two subscribers: one in step, one with a known gap."""
    for day in range(1, 15):
        date = f"2024-02-{day:02}"
        balance = 100 - 5 * day
        text = ledger(
            f"""
            08:00:00 A{day} s1 SAR DEBIT 5 0 {balance + 5} {balance} {balance} applied
            09:00:00 B{day} s2 BHD DEBIT 5 0 {balance + 5} {balance} 200 applied error {balance} 200
            10:00:00 C{day} s{day + 2} SAR CREDIT 11.5 1.5 20 30 30 applied
            10:30:00 D{day} s{day + 2} SAR DEBIT 5 0 30 25 25 applied
            """,
            date,
        ).replace("00000000-0000-4000", f"00000000-00{day:02}-4000")
        for letter in "ABCD":
            text = text.replace(*_with_metadata(letter, day))
        for place in range(1, 5):
            text = text.replace(f"message m{place}\n", f"message m{day}.{place}\n")
        folder = tmp_path / "logs" / STREAM.replace("02-01", f"02-{day:02}")
        folder.mkdir(parents=True)
        (folder / "000000.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return inject(tmp_path / "logs", tmp_path / "copy", Plan(1, {fault: 0.1}, factor))


def _with_metadata(letter: str, day: int) -> tuple[str, str]:
    """Return the start of a transaction, and the same as the service prints it in full."""
    subscriber = {"A": "s1", "B": "s2"}.get(letter, f"s{day + 2}")
    balance = {"A": 100 - 5 * day, "B": 200, "C": 30, "D": 25}[letter]
    before = f"    userId: '{subscriber}',\n    paymentBalance: {balance},\n"
    metadata = (
        f'{{"walletId":"wallet#{subscriber}","deliveryId":"d{letter}{day}",'
        f'"walletSk":"e{letter}{day}","note":"{{\\\\"walletId\\\\":\\\\"x\\\\"}}"}}'
    )
    extra = f"    updatePaymentBalance: true,\n    metadata: '{metadata}',\n"
    return before, before + extra


def test_an_unusual_change_is_carried_along(tmp_path: Path, ledger: Callable[..., str]) -> None:
    in_ledger(tmp_path, ledger, "unusual_change", factor=(7, 7))
    label = labels_of(tmp_path / "copy")[0]
    assert label["factor"] == "7"
    assert label["changed"]["amount"] == ["5", "35"]
    with trueup.audit(tmp_path / "copy", settings=Settings(processes=1)) as audit:
        rows = audit.sql(
            "SELECT delta, payment_balance, gap FROM transactions AS t WHERE transaction_id = ?",
            [label["transaction_id"]],
        ).to_pylist()
    (row,) = rows
    assert row["delta"] == -35


def test_unusual_changes_are_few_of_a_subscriber(tmp_path: Path, sample: Path) -> None:
    inject(sample, tmp_path / "copy", Plan(2, {"unusual_change": 0.2}))
    by_subscriber = Counter(label["subscriber_id"] for label in labels_of(tmp_path / "copy"))
    assert max(by_subscriber.values()) > 1
    with trueup.audit(sample, settings=Settings(processes=1)) as audit:
        counts = audit.sql("SELECT subscriber_id, count(*) AS n FROM transactions GROUP BY 1")
        transactions = {row["subscriber_id"]: row["n"] for row in counts.to_pylist()}
    assert all(10 * count <= transactions[who] for who, count in by_subscriber.items())
    for label in labels_of(tmp_path / "copy"):
        assert 5 <= Decimal(label["factor"]) <= 20


def test_one_fault_a_subscriber(tmp_path: Path, sample: Path) -> None:
    rates = dict.fromkeys(set(FAULTS) - {"unusual_change"}, 0.02)
    inject(sample, tmp_path / "copy", Plan(2, rates))
    whom = Counter(label["subscriber_id"] for label in labels_of(tmp_path / "copy"))
    del whom[None]
    assert set(whom.values()) == {1}


# Odd files


def test_odd_files_are_copied_as_they_are(tmp_path: Path, sample: Path) -> None:
    logs = tmp_path / "logs"
    packed = {name: data for name, data in contents(sample).items() if name.endswith(".gz")}
    names = sorted(packed)[:40]
    for name in names:
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_bytes(packed[name])
    text = gzip.decompress(packed[sorted(packed)[41]])
    odd = {
        "notes.bin": bytes(range(256)),
        "empty.log": b"",
        "torn.gz": gzip.compress(text)[:-20],
        "windows.log": text.replace(b"\n", b"\r\n"),
        "latin.log": b"2024-02-01T00:00:00.000Z caf\xe9\n",
        "truncated.log": b"2024-02-01T00:00:00.000Z START RequestId: x\n\n" + text[:-40],
    }
    for name, data in odd.items():
        (logs / name).write_bytes(data)
    repeated = logs / f"repeated-{STREAM}"
    repeated.mkdir()
    for name in names:
        (repeated / name.replace("/", "-")).write_bytes(packed[name])
    os.mkfifo(logs / "pipe")
    os.symlink(sample, logs / "elsewhere")

    inject(logs, tmp_path / "copy", Plan(1, {"mismatch": 0.05, "crash": 0.05}))

    copy = contents(tmp_path / "copy")
    changed = [name for name in names if copy[name] != packed[name]]
    assert changed
    for name, data in odd.items():
        assert copy[name] == data
    for name in names:
        twin = f"{repeated.name}/{name.replace('/', '-')}"
        assert copy[twin] == copy[name]  # what was read once is still read once
    assert copy.keys() == contents(logs).keys() - {"pipe"} | {"labels.json"}


def test_labels_of_a_sample_are_replaced(tmp_path: Path, sample: Path) -> None:
    inject(sample, tmp_path / "copy", Plan())
    labels = json.loads((tmp_path / "copy" / "labels.json").read_text())
    assert (labels["schema"], labels["labels"]) == ("trueup.injected/1", [])


# Printing


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("0", "0"),
        ("-0.0", "0"),
        ("12.500", "12.5"),
        ("1E+3", "1000"),
        ("0.000001", "0.000001"),
        ("0.00000015", "1.5e-7"),
        ("80042.13636363637", "80042.13636363637"),
        ("1080042.136363636374", "1080042.1363636364"),
    ],
)
def test_numbers_as_node_prints_them(value: str, printed: str) -> None:
    assert number(Decimal(value)) == printed


def test_fields_keep_their_layout() -> None:
    entry = "x {\n    oldBalance: 60.181000000000004,\n    newBalance: 1\n  }\n"
    changes = {"oldBalance": add(Decimal("-0.001")), "newBalance": add(Decimal(0))}
    assert with_fields(entry, changes) == entry.replace("60.181", "60.180")


@pytest.mark.corpus
def test_real_logs(tmp_path: Path, corpus: Path) -> None:
    logs = corpus / "balance-sync-logs"
    summary = inject(logs, tmp_path / "copy", Plan(9, dict.fromkeys(FAULTS, 0.005)))
    assert all(count.injected for count in summary.faults.values())
    assert_found_as_labelled(logs, tmp_path / "copy")
