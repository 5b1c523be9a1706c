"""What several exports of a stream all contain is counted once, and said."""

from __future__ import annotations

import gzip
import random
import re
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import trueup
from conftest import app_line, transaction_text
from trueup.books import reading
from trueup.books.reading import How, batches, read_batch
from trueup.config import Settings
from trueup.logs.bounds import Bounds
from trueup.logs.entries import CONTINUES
from trueup.logs.rows import Rows
from trueup.sample import write_sample
from trueup.schema import TABLES
from trueup.sources.finding import find_logs

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]
STREAM = "2024-02-01-[$LATEST]" + "c" * 32
SMALL = Bounds(stream=0, block=1_500, run=3_000, segment=500, part=4_000)
LEDGER = """
    10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
    10:00:01 T2 ana BHD DEBIT 8 0 15 7 7 already_synced
    10:00:02 T3 bob SAR DEBIT 90 0 50 -40 -40 blocked error 50 -40
    10:00:03 T4 bob SAR DEBIT 20 0 50 30 30 failed
    10:00:04 T5 bob SAR DEBIT 20 0 50 30 30 skipped
"""


def entries_of(text: bytes) -> list[bytes]:
    return re.split(rb"(?<=\n)(?=\d{4}-\d\d-\d\dT[\d:.]+Z )", text)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("overlaps") / "logs"
    write_sample(folder, subscribers=15, days=20, seed=8)
    return folder


def texts(folder: Path) -> dict[str, list[bytes]]:
    return {
        path.name: entries_of(
            b"".join(gzip.decompress(file.read_bytes()) for file in sorted(path.iterdir()))
        )
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }


def facts(folder: Path) -> tuple[Any, ...]:
    """Return what must be the same: counts, money, findings with their ids and sums."""
    with trueup.audit(folder, settings=Settings(processes=1)) as audit:
        report = audit.report
        found = {
            findings.check.id: sorted(
                (row["finding_id"], str(row["difference"]), str(row["amount_at_risk"]))
                for row in findings.rows()
            )
            for findings in report.findings
        }
        return (
            report.counts, report.entry_kinds, report.reading, report.outcomes,
            report.operations, repr(report.currencies), found,
        )  # fmt: skip


def exports_of(entries: list[bytes], chance: random.Random, way: str) -> dict[str, bytes]:
    """Cut a stream into exports that overlap."""
    a, b = sorted(chance.randrange(len(entries) + 1) for _ in range(2))
    parts = {
        "twice": [entries, entries],
        "windows": [entries[:b], entries[a:]],
        "reversed": [entries[a:], entries[:b]],
        "middle": [entries, entries[a:b]],
        "three": [entries[:b], entries[a:], entries[a:b]],
    }[way]
    files = {}
    for number, part in enumerate(parts):
        cut = chance.randrange(len(part) + 1)
        for place, piece in enumerate((part[:cut], part[cut:])):
            name = f"export-{number}/{{}}/{place:06}.gz"
            # One byte more or less, so that no two files are the same.
            files[name] = b"".join(piece) + b"\n" * (number + 1)
    return files


@pytest.mark.parametrize("bounds", [Bounds(), SMALL])
@given(seed=st.integers(0, 10**6))
@example(seed=328)  # they meet within a millisecond, and one has a line out of its time
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
def test_an_overlapping_export_changes_nothing(
    sample: Path, tmp_path_factory: pytest.TempPathFactory, seed: int, bounds: Bounds
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("both") / "logs"
    for stream, entries in texts(sample).items():
        way = chance.choice(["twice", "windows", "reversed", "middle", "three"])
        for name, data in exports_of(entries, chance, way).items():
            path = folder / name.format(stream)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(data, 1))
    single = folder.parent / "single"
    for stream, entries in texts(sample).items():
        (single / stream).mkdir(parents=True)
        (single / stream / "000000.gz").write_bytes(gzip.compress(b"".join(entries), 1))
    expected = facts(single)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "How", lambda **named: How(bounds=bounds, **named))
        assert facts(folder) == expected


def rows_of(files: dict[str, bytes], folder: Path, bounds: Bounds | None = None) -> Rows:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (batch,) = batches(find_logs([folder]).files, 10**12)
    *parts, rows = read_batch(batch, how=How(bounds or Bounds()))
    for part in parts:
        for name, table in part.tables.items():
            rows.tables[name] += table
    return rows


def problems(rows: Rows) -> list[tuple[str, int, str]]:
    return sorted((rows.files[row[0]].name, *row[1:3]) for row in rows.tables["problems"])


BOTH = pytest.mark.parametrize("bounds", [Bounds(), SMALL])


@BOTH
def test_it_is_said(tmp_path: Path, ledger: Make, bounds: Bounds) -> None:
    entries = entries_of(ledger(LEDGER).encode())
    files = {
        f"a/{STREAM}/000000.log": b"".join(entries[:20]),
        f"b/{STREAM}/000000.log": b"".join(entries[10:25]),
        f"c/{STREAM}/000000.log": b"".join(entries[19:]),
    }
    rows = rows_of(files, tmp_path / "logs", bounds)
    a, b, c = (f"logs/{x}/{STREAM}/000000.log" for x in "abc")
    assert problems(rows) == [
        (b, 0, f"10 entries are in {a} too, and count once"),
        (c, 0, f"6 entries are in {b} and 1 more file too, and count once"),
    ]
    counted = {facts.name: facts.entries for facts in rows.files}
    assert counted == {a: 20, b: 5, c: len(entries) - 25}
    assert sum(rows.kinds.values()) == len(entries)
    assert len(rows.tables["transactions"]) == 5


@BOTH
def test_equal_entries_of_one_export_stay_two(tmp_path: Path, bounds: Bounds) -> None:
    t = "2024-02-01T10:00:00.000Z"
    line = f"{t} {t}\tr1\tINFO\tAcquired lock\n".encode()
    one, two = f"{t} {t}\tr1\tINFO\tone\n".encode(), f"{t} {t}\tr1\tINFO\ttwo\n".encode()
    files = {"a/x.log": line * 2 + one, "a/x.log.gz": line * 3 + two, "a/x.txt": line + two}
    rows = rows_of(files, tmp_path / "logs", bounds)
    assert rows.streams == ["logs/a/x"]
    assert {name: n for name, n in rows.kinds.items() if n} == {
        (0, "other: Acquired lock"): 2, (0, "other: one"): 1,
        (1, "other: Acquired lock"): 1, (1, "other: two"): 1,
    }  # fmt: skip
    assert [facts.entries for facts in rows.files] == [3, 2, 0]
    assert {facts.status for facts in rows.files} == {"read"}


@BOTH
def test_an_entry_that_was_cut_off_is_the_whole_one(
    tmp_path: Path, ledger: Make, bounds: Bounds
) -> None:
    text = ledger(LEDGER).encode()
    entries = entries_of(text)
    whole = {f"m/{STREAM}/000000.log": text}
    expected = rows_of(whole, tmp_path / "whole").tables["transactions"]
    for number, size in enumerate(
        [len(b"".join(entries[:3])) - 40, len(b"".join(entries[:3])) + 11, text.index(b"amount")]
    ):
        for name in ("a", "z"):
            # Stored, not packed: the cut is where it is put.
            cut = gzip.compress(text, 0)[: size + 15]
            files = {f"{name}/{STREAM}/000000.gz": cut, **whole}
            rows = rows_of(files, tmp_path / f"{name}{number}", bounds)
            assert sum(rows.kinds.values()) == len(entries), (name, size)
            found = rows.tables["transactions"]
            assert [row[:-3] for row in found] == [row[:-3] for row in expected]


@BOTH
def test_one_millisecond_keeps_the_order_of_both(
    tmp_path: Path, ledger: Make, bounds: Bounds
) -> None:
    """The export with the earlier name has the end, and each knows what the other does not."""
    entries = entries_of(ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").encode())
    whole = rows_of({"logs/x.log": b"".join(entries)}, tmp_path / "whole")
    for a in range(len(entries) - 1):
        files = {
            f"a/{STREAM}/000000.log": b"".join(entries[a:]),
            f"b/{STREAM}/000000.log": b"".join(entries[: a + 1]),
        }
        rows = rows_of(files, tmp_path / f"logs{a}", bounds)
        for table in ("invocations", "messages", "transactions"):
            assert [row[:1] + row[6:-3] for row in map(tuple, rows.tables[table])] == [
                row[:1] + row[6:-3] for row in map(tuple, whole.tables[table])
            ], a


@BOTH
def test_exports_that_meet_within_a_millisecond_keep_their_order(
    tmp_path: Path, ledger: Make, bounds: Bounds
) -> None:
    """The export with the earlier name is the later one, and they share no entry."""
    entries = entries_of(
        ledger(
            """
            10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied
            10:00:01 T2 ana BHD DEBIT 5 0 15 10 10 applied
            """
        ).encode()
    )
    whole = rows_of({"logs/x.log": b"".join(entries)}, tmp_path / "whole")
    for a in range(1, len(entries)):
        files = {
            f"a/{STREAM}/000000.log": b"".join(entries[a:]),
            f"b/{STREAM}/000000.log": b"".join(entries[:a]),
        }
        rows = rows_of(files, tmp_path / f"logs{a}", bounds)
        for table in ("invocations", "messages", "transactions"):
            assert [row[:1] + row[6:-3] for row in map(tuple, rows.tables[table])] == [
                row[:1] + row[6:-3] for row in map(tuple, whole.tables[table])
            ], a


def test_pieces_without_numbers_continue_one_another(audit: Run, ledger: Make) -> None:
    text = ledger(LEDGER).encode()
    cut = text.index(b"newBalance")
    found = audit({f"{STREAM}/part-0.log": text[:cut], f"{STREAM}/part-1.log": text[cut:]})
    assert found.report.counts["transactions"] == 5
    assert {row["problem"] for row in found.report.problems()} == {
        "text before the first entry was read as the end of the file before"
    }


MORE = "".join(
    f"10:{minute:02}:00 T{minute} ana BHD CREDIT 5 0 {minute * 5} {minute * 5 + 5} 5 applied\n"
    for minute in range(10, 40)
)


NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?")


def money_of(rows: Rows) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(Decimal(value.decode()) if NUMBER.fullmatch(value) else value for value in row[6:-3])
        for row in rows.tables["transactions"]
    )


def counted(rows: Rows) -> tuple[list[tuple[Any, ...]], int]:
    """Return what a copy must not change: the money, and how many entries there are."""
    return money_of(rows), sum(rows.kinds.values())


@BOTH
@pytest.mark.parametrize("name", ["tail.log", "a.log"])
def test_an_end_that_was_saved_beside_the_whole_is_no_piece(
    tmp_path: Path, ledger: Make, name: str, bounds: Bounds
) -> None:
    """Cut within a transaction, its text must not become the end of another one."""
    text = ledger(MORE).encode()
    whole = rows_of({f"{STREAM}/b.log": text}, tmp_path / "whole")
    cut = text.index(b"T25") + 60
    files = {f"{STREAM}/b.log": text, f"{STREAM}/{name}": text[cut:]}
    rows = rows_of(files, tmp_path / "logs", bounds)
    assert counted(rows) == counted(whole)
    said = {problem for _, _, problem in problems(rows)}
    assert "text before the first entry belongs to none" in said


@pytest.mark.parametrize("names", [("head.log", "tail.log"), ("z/1.log", "z/2.log")])
@pytest.mark.parametrize("whole", ["x.log", f"{STREAM}/000000.gz"])
def test_beginning_and_end_saved_beside_the_whole_are_not_one_text(
    audit: Run, ledger: Make, names: tuple[str, str], whole: str
) -> None:
    text = ledger(MORE).encode()
    head, tail = text[: text.index(b"T15") + 60], text[text.index(b"T30") + 60 :]
    expected = audit({whole: text})
    found = audit({whole: text, names[0]: head, names[1]: tail})
    assert found.report.counts == expected.report.counts
    ask = """
        SELECT attempt_id, transaction_id, amount, vat, old_balance, new_balance, outcome
        FROM transactions ORDER BY attempt_id
        """
    assert found.sql(ask) == expected.sql(ask)


@BOTH
@pytest.mark.parametrize(
    "damaged",
    [
        lambda text: re.sub(rb"\n +", b"\n", text),
        lambda text: text.replace(b"\n", b" \n").replace(b"\t", b"    "),
        lambda text: text.replace(b"\n\n", b"\n"),
        lambda text: text[: text.rindex(b"newBalance")],
    ],
    ids=["indentation lost", "white space added", "empty lines lost", "cut"],
)
def test_a_copy_that_lost_white_space_counts_once(
    tmp_path: Path, ledger: Make, damaged: Callable[[bytes], bytes], bounds: Bounds
) -> None:
    text = ledger(LEDGER).encode()
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    for one, other in ("ab", "ba"):
        files = {f"{one}/{STREAM}.log": text, f"{other}/{STREAM}.log": damaged(text)}
        rows = rows_of(files, tmp_path / one, bounds)
        assert counted(rows) == counted(whole)


@BOTH
def test_a_copy_cut_within_a_character_counts_once(
    tmp_path: Path, ledger: Make, bounds: Bounds
) -> None:
    text = ledger(MORE).replace("type:", "note: 'Zoë', type:").encode()
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    cut = text.index("ë".encode(), text.index(b"T25")) + 1
    files = {f"{name}/{STREAM}.log": part for name, part in (("a", text[:cut]), ("b", text))}
    rows = rows_of(files, tmp_path / "logs", bounds)
    assert counted(rows) == counted(whole)


@BOTH
def test_a_transaction_whose_copy_says_something_else_counts_once(
    tmp_path: Path, ledger: Make, bounds: Bounds
) -> None:
    text = ledger(LEDGER).encode()
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    line = text[: text.index(b"amount: 8")].count(b"\n")
    start = text[: text.rindex(b"\n20", 0, text.index(b"amount: 8"))].count(b"\n") + 2
    files = {f"a/{STREAM}.log": text, f"b/{STREAM}.log": text.replace(b"amount: 8", b"amount: 9")}
    assert start < line
    rows = rows_of(files, tmp_path / "logs", bounds)
    assert counted(rows) == counted(whole)
    a, b = (f"logs/{x}/{STREAM}.log" for x in "ab")
    different = f"this entry is in {a}, line {start}, with another text, which counts"
    assert (b, start, different) in problems(rows)


def test_a_date_for_a_name_is_no_part_of_an_export(audit: Run, ledger: Make) -> None:
    """As one would name what was saved of each day."""
    days = {f"2401{day}.log": ledger(MORE, f"2024-01-{day}").encode() for day in (28, 29)}
    found = audit(days)
    assert found.report.counts["transactions"] == 60
    streams = found.table("invocations")["stream"].to_pylist()
    assert set(streams) == {"logs/240128", "logs/240129"}


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, ledger: Make) -> None:
    paths = [
        tmp_path / "a" / "deep" / "x.log",
        tmp_path / "b" / "deep" / "x.log",
        tmp_path / "y.log",
    ]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ledger(LEDGER).replace("00000000-", f"{number}-"))
    with trueup.audit(paths, settings=Settings(processes=1)) as done:
        names = done.table("files")["name"].to_pylist()
        streams = set(done.table("invocations")["stream"].to_pylist())
    assert names == ["a/deep/x.log", "b/deep/x.log", "y.log"]
    assert streams == {"a/deep/x", "b/deep/x", "y"}


def test_names_that_are_cut_are_told_apart_as_far_as_they_can(tmp_path: Path, ledger: Make) -> None:
    """A name is shown with 300 characters at most, whatever its path has."""
    paths = [
        tmp_path / top / "/".join(["a folder with a long name"] * 14) / "x.log" for top in "ab"
    ]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        path.write_text(ledger(LEDGER).replace("00000000-", f"{number}-"))
    assert len({file.path for file in find_logs(paths).files}) == 2


def test_entries_that_lost_their_tabs_among_others_are_said(audit: Run, ledger: Make) -> None:
    text = ledger(MORE).encode()
    cut = text.index(b"'T20'")
    found = audit({"x.log": text[:cut] + text[cut:].replace(b"\t", b"    ")})
    (said,) = [row for row in found.report.problems() if "tabs" in row["problem"]]
    assert said["problem"].endswith("(58 such entries, of which this is the first)")
    assert said["line"] == text[:cut].count(b"\n") + 15


def test_the_first_of_two_readings_leaves_nothing(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH_SIZE", 200_000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    copies(sample, tmp_path / "logs", "again")
    with trueup.audit(tmp_path / "logs", settings=Settings(processes=1)):
        folders = [path for path in (tmp_path / "temporary").iterdir() if path.is_dir()]
        assert len(folders) == 1


FIELDS = [column.name for column in TABLES["transactions"]]
TIME, REQUEST = "2024-02-01T10:00:00.000Z", "00000000-0000-4000-8000-000000000001"
START = f"{TIME} START RequestId: {REQUEST} Version: $LATEST\n\n".encode()
END = f"{TIME} END RequestId: {REQUEST}\n\n".encode()


def said_by_app(text: str) -> bytes:
    """An entry of one invocation, all of whose entries are of one millisecond."""
    return app_line(TIME, REQUEST, text).encode()


def taken_up(message: str) -> bytes:
    return said_by_app(f"Processing message {message}")


APPLIED = said_by_app("SubscriptionBalanceUpdated event published")


def posted(identity: str, old: int, new: int, wallet: str | None = None) -> bytes:
    first = {"wallet": f"{{ id: '{wallet}' }}"} if wallet else {}
    fields = {
        "id": f"'{identity}'", "type": "'CREDIT'", "userId": "'ana'", "paymentBalance": str(new),
        "currency": "'BHD'", "amount": str(new - old), "vat": "0", "oldBalance": str(old),
        "newBalance": str(new),
    }  # fmt: skip
    return said_by_app(transaction_text(**first, **fields))


def moves(rows: Rows) -> list[tuple[bytes, ...]]:
    """Return id, old and new balance and outcome of the transactions."""
    names = ("transaction_id", "old_balance", "new_balance", "outcome")
    places = [FIELDS.index(name) for name in names]
    return sorted(
        tuple(row[place].partition(b".")[0] for place in places)
        for row in rows.tables["transactions"]
    )


@BOTH
@pytest.mark.parametrize("wallet", [None, "W"])
def test_two_whole_attempts_in_one_millisecond_stay_two(
    tmp_path: Path, wallet: str | None, bounds: Bounds
) -> None:
    second = posted("T2", 10, 20, wallet) if wallet else posted("T1", 10, 20)
    files = {
        f"x/{STREAM}/000000.log": START + taken_up("m1") + posted("T1", 0, 10, wallet) + APPLIED
        + taken_up("m2"),
        f"y/{STREAM}/000000.log": second + END,
    }  # fmt: skip
    assert [row[1:3] for row in moves(rows_of(files, tmp_path / "logs", bounds))] == [
        (b"0", b"10"), (b"10", b"20"),
    ]  # fmt: skip


@BOTH
def test_a_damaged_copy_of_two_attempts_is_each_of_them(tmp_path: Path, bounds: Bounds) -> None:
    text = START + taken_up("m1") + posted("T1", 0, 10) + APPLIED
    text += taken_up("m2") + posted("T1", 10, 20) + APPLIED + END
    damaged = text.replace(b"'ana'", "'an\ufffd'".encode())
    for one, other in ((text, damaged), (damaged, text)):
        files = {f"x/{STREAM}/000000.log": one, f"y/{STREAM}/000000.log": other}
        rows = rows_of(files, tmp_path / str(one is text), bounds)
        assert [row[1:3] for row in moves(rows)] == [(b"0", b"10"), (b"10", b"20")]
        assert {row[FIELDS.index("subscriber_id")] for row in rows.tables["transactions"]} == {
            b"ana"
        }


@BOTH
@pytest.mark.parametrize("lost", [b"    amount: 8,\n", b"    oldBalance: 15,\n"])
def test_of_a_damaged_copy_and_a_whole_one_the_whole_one_counts(
    tmp_path: Path, ledger: Make, lost: bytes, bounds: Bounds
) -> None:
    text = ledger(LEDGER).encode()
    assert lost in text
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    for one, other in ("ab", "ba"):
        files = {f"{one}/{STREAM}.log": text, f"{other}/{STREAM}.log": text.replace(lost, b"")}
        rows = rows_of(files, tmp_path / one, bounds)
        assert counted(rows) == counted(whole)


@BOTH
def test_a_whole_message_is_not_the_beginning_of_another(tmp_path: Path, bounds: Bounds) -> None:
    files = {
        f"x/{STREAM}/000000.log": START + taken_up("m1"),
        f"y/{STREAM}/000000.log": taken_up("m10") + posted("T1", 0, 10) + APPLIED + END,
    }
    assert len(rows_of(files, tmp_path / "logs", bounds).tables["messages"]) == 2


def test_pieces_of_a_batch_within_one_millisecond_go_on(tmp_path: Path) -> None:
    """The second begins, behind its head, with an entry that the first has word for word."""
    text = START + taken_up("m1") + posted("T1", 0, 10) + APPLIED
    text += taken_up("m2") + posted("T2", 10, 20) + APPLIED + END
    cut = text.rindex(b"amount")
    rows = rows_of(
        {f"{STREAM}/a.log": text[:cut], f"{STREAM}/b.log": text[cut:]}, tmp_path / "logs"
    )
    assert moves(rows) == [
        (b"T1", b"0", b"10", b"applied"), (b"T2", b"10", b"20", b"applied"),
    ]  # fmt: skip


@BOTH
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_pieces_cut_anywhere_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, ledger: Make, bounds: Bounds, data: st.DataObject
) -> None:
    text = ledger(LEDGER).encode()
    folder = tmp_path_factory.mktemp("cut")
    whole = rows_of({"x.log": text}, folder / "whole")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), min_size=2, max_size=6)))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, None])]
    files = {f"{STREAM}/p{number}.log": piece for number, piece in enumerate(pieces)}
    rows = rows_of(files, folder / "logs", bounds)
    assert money_of(rows) == money_of(whole)
    assert moves(rows) == moves(whole)
    assert len(rows.tables["messages"]) == len(whole.tables["messages"])


@BOTH
def test_pieces_are_in_order_of_their_numbers(tmp_path: Path, ledger: Make, bounds: Bounds) -> None:
    text = ledger(MORE).encode()
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    cuts = [0, *(text.index(b"amount", text.index(b"T%d" % n)) + 9 for n in range(12, 34, 2)), None]
    files = {
        f"{STREAM}/part{number}.log": text[start:end]
        for number, (start, end) in enumerate(pairwise(cuts), 1)
    }
    assert len(files) == 12
    assert money_of(rows_of(files, tmp_path / "logs", bounds)) == money_of(whole)


@pytest.mark.parametrize("way", ["one entry", "white space", "reversed", "newer and older"])
def test_pieces_that_do_not_follow_each_other_are_no_one_text(
    tmp_path: Path, ledger: Make, way: str
) -> None:
    text = ledger(MORE).encode()
    entries = entries_of(text)
    place = next(n for n, entry in enumerate(entries) if b"'T15'" in entry)
    head = entries[place - 1][-12:]
    parts = {
        "one entry": {"a": text, "b": head + entries[place]},
        "white space": {
            "a": text,
            "b": head + re.sub(rb"\n +", b"\n", entries[place])
            + b"".join(entries[place + 1 : place + 20]),
        },
        "reversed": {"1": text[text.index(b"'T15'") :], "2": text[: text.index(b"'T20'")]},
        "newer and older": {"new": text[text.index(b"'T38'") :], "old": text[: text.index(b"'T12'")]},
    }[way]  # fmt: skip
    whole = rows_of({"x.log": text}, tmp_path / "whole")
    rows = rows_of(
        {f"{STREAM}/{name}.log": part for name, part in parts.items()}, tmp_path / "logs"
    )
    assert CONTINUES not in {problem for _, _, problem in problems(rows)}
    found, expected = moves(rows), moves(whole)
    unread = [row for row in found if row not in expected]
    assert len(found) - len(unread) == len(set(found).intersection(expected))
    assert [row[1:3] for row in unread if row[1] and row[2]] == []


def test_a_packed_copy_of_a_loose_file_counts_once(audit: Run, ledger: Make) -> None:
    text = ledger(LEDGER).encode()
    found = audit({"x.log": text, "x.log.gz": text, "y.log": text.replace(b"00000000-", b"1-")})
    assert found.report.counts["transactions"] == 10
    (said,) = [row for row in found.report.problems() if "too" in row["problem"]]
    assert said["file"] == "logs/x.log.gz"
    assert said["problem"].endswith("entries are in logs/x.log too, and count once")


def test_two_folders_of_the_same_name_are_two_exports(tmp_path: Path, ledger: Make) -> None:
    text = ledger(LEDGER).encode()
    for number, data in (("1", text), ("2", text + b"\n")):
        folder = tmp_path / number / "export" / STREAM
        folder.mkdir(parents=True)
        (folder / "000000.log").write_bytes(data)
    paths = [tmp_path / "1" / "export", tmp_path / "2" / "export"]
    with trueup.audit(paths, settings=Settings(processes=1)) as done:
        assert done.report.counts["transactions"] == 5


def copies(sample: Path, target: Path, way: str) -> None:
    """Lay copies under other names and with other bytes beside the sample's logs."""
    logs = {name: b"".join(entries) for name, entries in texts(sample).items()}
    if way == "alone, twice":
        everything = b"".join(logs.values())
        files = {"all.log": everything, "all (1).log": everything + b"\n"}
    else:
        shutil.copytree(sample, target)
        files = {
            "again": {f"download ({n}).txt": text + b"\n" for n, text in enumerate(logs.values())},
            "beginnings": {
                f"{n}.txt": b"".join(text.splitlines(keepends=True)[: 3 + n % 40])
                for n, text in enumerate(logs.values())
            },
            "all in one": {"all.log": b"".join(logs.values())},
        }[way]
    for name, data in files.items():
        (target / "copies").mkdir(parents=True, exist_ok=True)
        (target / "copies" / name).write_bytes(data)


@pytest.mark.parametrize("size", [reading.BATCH_SIZE, 200_000])
@pytest.mark.parametrize("way", ["again", "beginnings", "all in one", "alone, twice"])
def test_a_log_under_two_names_counts_once(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, size: int
) -> None:
    monkeypatch.setattr(reading, "BATCH_SIZE", size)
    copies(sample, tmp_path / "logs", way)
    expected = facts(sample)
    assert facts(tmp_path / "logs") == expected
    with trueup.audit(tmp_path / "logs", settings=Settings(processes=1)) as done:
        said = [row["problem"] for row in done.report.problems() if "count" in row["problem"]]
        streams = set(done.table("invocations")["stream"].to_pylist())
    assert any("entries are in" in problem for problem in said)
    if way != "alone, twice":
        assert streams <= {path.name for path in sample.iterdir()}


def test_two_attempts_at_one_request_are_no_copies(audit: Run, ledger: Make) -> None:
    """Lambda tries an event again under the same request id."""
    text = ledger(LEDGER).encode()
    again = text.replace(b"T10:", b"T11:")
    found = audit({"x.log": text, "y.log": again})
    assert found.report.counts["transactions"] == 10
    assert not list(found.report.problems())
