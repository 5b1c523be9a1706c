"""Same input, same output: whatever the order of paths, the processes, the cuts and the names."""

from __future__ import annotations

import gzip
import json
import multiprocessing
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.books import reading
from trueup.config import Settings
from trueup.sample import write_sample
from trueup.sources.finding import find_logs

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("same") / "logs"
    write_sample(folder, subscribers=40, days=40, seed=3)
    return folder


def report(paths: Any, out: Path, processes: int = 1) -> bytes:
    settings = Settings(processes=processes)
    with trueup.audit(paths, settings=settings, generated_at=STAMP) as audit:
        audit.write(out, ["json"])
    return (out / "report.json").read_bytes()


def comparable(text: bytes) -> dict[str, Any]:
    """What must not change however the files are cut: counts, money and finding ids."""
    found = json.loads(text)
    parts = ("period", "counts", "entry_kinds", "outcomes", "currencies", "checks", "operations")
    return {
        **{name: found[name] for name in parts},
        "subscribers": found["subscribers"],
        "findings": [_without_evidence(finding) for finding in found["findings"]],
    }


def _without_evidence(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out where it stands, and so for each move of its history."""
    kept = {name: value for name, value in row.items() if name != "evidence"}
    if "history" in kept:
        kept["history"] = [_without_evidence(move) for move in kept["history"]]
    return kept


def test_order_of_paths_and_processes(logs: Path, tmp_path: Path) -> None:
    streams = sorted(path for path in logs.iterdir() if path.is_dir())
    one = report(streams, tmp_path)
    assert one == report(streams[::-1], tmp_path)
    assert one == report(streams, tmp_path, processes=2)
    assert json.loads(one)["counts"]["transactions"] > 1000


def test_spilled_or_in_memory(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report(logs, tmp_path)
    monkeypatch.setattr(reading, "BATCH_SIZE", 1_000_000)
    found = list(reading.batches(find_logs([logs]).files, 1_000_000))
    assert len(found) > 3
    spilled: list[Path] = []
    spill_batch = reading.spill_batch

    def noted(*arguments: Any, **named: Any) -> int:
        spilled.append(named["folder"])
        return spill_batch(*arguments, **named)

    monkeypatch.setattr(reading, "spill_batch", noted)
    assert report(logs, tmp_path) == whole
    assert len(spilled) == len(found)
    monkeypatch.setattr(reading, "spill_batch", spill_batch)
    assert report(logs, tmp_path, processes=2) == whole


@pytest.mark.parametrize(("given", "used"), [("1GB", 500), ("300MB", 300)])
def test_spilled_books_take_no_more_memory_than_their_text_needs(
    logs: Path, monkeypatch: pytest.MonkeyPatch, given: str, used: int
) -> None:
    monkeypatch.setattr(reading, "BATCH_SIZE", 1_000_000)
    with trueup.audit(logs, settings=Settings(processes=1, memory_limit=given)) as audit:
        (row,) = audit.sql("SELECT current_setting('memory_limit') AS most").to_pylist()
    number, unit = row["most"].split()
    assert unit == "MiB"
    assert used - 1 < float(number) * 1.048576 < used + 10


@pytest.mark.parametrize("name", ["{:06}.gz", "part-{:02}.gz", "{:02}.log"])
def test_streams_cut_into_pieces(
    logs: Path, tmp_path: Path, name: str, copy_cut: Callable[..., None]
) -> None:
    copy_cut(logs, tmp_path / "logs", name)
    assert comparable(report(tmp_path / "logs", tmp_path)) == comparable(report(logs, tmp_path))


@pytest.fixture
def copy_cut() -> Callable[..., None]:
    def copy(source: Path, target: Path, name: str) -> None:
        """Copy logs with every stream cut between lines, at no regard of entries, into pieces."""
        for stream in source.iterdir():
            if not stream.is_dir():
                continue
            text = b"".join(gzip.decompress(file.read_bytes()) for file in sorted(stream.iterdir()))
            lines = text.splitlines(keepends=True)
            step = max(1, len(lines) // 3 + 1)
            (target / stream.name).mkdir(parents=True)
            for place, start in enumerate(range(0, len(lines), step)):
                piece = b"".join(lines[start : start + step])
                path = target / stream.name / name.format(place)
                path.write_bytes(gzip.compress(piece, 1) if path.suffix == ".gz" else piece)

    return copy


def test_a_window_shows_its_part_and_carries_balances_in(
    audit: Callable[..., trueup.Audit], ledger: Callable[[str], str], tmp_path: Path
) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD CREDIT 10 0 0 10 8 applied
        11:00:00 T2 ana BHD DEBIT 1 0 10 9 7 applied
        12:00:00 T3 ana BHD DEBIT 1 0 9 8 9 applied
        12:00:00 T4 bob BHD DEBIT 1 0 9 8 8 applied
    """)
    done = audit(text, since="2024-02-01T11:00:00", until="2024-02-01T12:00:00")
    (row,) = done.report.subscribers()
    assert row["subscriber_id"] == "ana"
    assert (row["transactions"], row["opening_balance"], row["closing_balance"]) == (1, 10, 9)
    assert row["gap_at_end"] == 2
    assert done.report.currencies["BHD"]["gap_at_end"] == 2
    assert done.report.counts["transactions"] == done.report.counts["messages"] == 1
    assert done.report.counts["entries"] == 24
    assert check(done, "gap_change")["findings"] == 0
    # The gap opened before the window and is open at its end, though not at the end of the logs.
    assert check(done, "out_of_sync")["by_currency"]["BHD"]["amount_at_risk"] == 2
    later = audit(text, since="2024-02-01T12:00:00")
    assert check(later, "gap_change")["by_cause"] == {"moved": 1}


def check(audit: trueup.Audit, name: str) -> dict[str, Any]:
    return next(one for one in audit.report.checks if one["id"] == name)


def test_states_are_shown_while_they_last(
    audit: Callable[..., trueup.Audit], ledger: Callable[[str], str]
) -> None:
    text = ledger("""
        10:00:00 T1 ana BHD DEBIT 10 0 5 -5 -5 applied
        11:00:00 T2 ana BHD DEBIT 1 0 -5 -6 -6 applied
        12:00:00 T3 ana BHD CREDIT 9 0 -6 3 3 applied
        10:00:00 T4 bob BHD DEBIT 10 0 5 -5 -5 applied
    """)
    over = ("2024-02-01T12:00:00", {"open": 1})  # bob's alone: ana's is over before
    for since, causes in (("2024-02-01T11:00:00", {"open": 1, "over": 1}), over):
        assert check(audit(text, since=since), "payment_overdraft")["by_cause"] == causes
    until = audit(text, until="2024-02-01T12:00:00")
    assert check(until, "payment_overdraft")["by_cause"] == {"open": 2}


MIDDLE = "2024-01-15"


@pytest.mark.parametrize(("since", "until"), [(None, None), (MIDDLE, None), (None, MIDDLE)])
def test_the_gaps_of_a_window_agree_everywhere(
    logs: Path, since: str | None, until: str | None
) -> None:
    with trueup.audit(logs, since=since, until=until) as audit:
        rows = list(audit.report.subscribers())
        at_risk = check(audit, "out_of_sync")["by_currency"]
        for currency, figures in audit.report.currencies.items():
            of = [row["gap_at_end"] or 0 for row in rows if row["currency"] == currency]
            assert sum(map(abs, of)) == figures["gap_at_end"]
            assert sum(1 for gap in of if gap) == figures["subscribers_out_of_sync"]
            found = at_risk.get(currency, {"findings": 0, "amount_at_risk": 0})
            assert found["amount_at_risk"] == figures["gap_at_end"]
            assert found["findings"] == figures["subscribers_out_of_sync"]
        assert sum(figures["gap_at_end"] for figures in audit.report.currencies.values()) > 0


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_reading_process_ends_when_its_parent_was_killed(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    reader = context.Process(target=reading.read_and_send, args=(a_lot, receiver, sender))
    reader.start()
    sender.close()
    receiver.close()  # as the end of the parent does
    reader.join(timeout=60)
    code = reader.exitcode
    reader.kill()
    assert code == 0


def a_lot() -> Any:
    return b" " * 10_000_000
