"""What bytes a log can come as: encodings, newlines, packings, whole and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import trueup
from trueup.sources.decoding import DECIDING, decoded
from trueup.sources.limits import Limits
from trueup.sources.loading import beginning, load
from trueup.sources.logfile import LogFile
from trueup.sources.packing import PIECE, packing_of, unpack

Run = Callable[..., trueup.Audit]
LINE = "2024-02-01T10:00:00.000Z START RequestId: r1 Version: 1\n"
LOG = LINE + "2024-02-01T10:00:00.001Z caf\N{LATIN SMALL LETTER E WITH ACUTE}\n\n" + LINE

zstd = zstandard.ZstdCompressor(write_checksum=True).compress  # as its command does
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda text: gzip.compress(text, 1),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def text_of(found: bytes, tmp_path: Path, limits: Limits | None = None) -> tuple[str, list[str]]:
    path = tmp_path / "found"
    path.write_bytes(found)
    loaded = load(LogFile("found", str(path), "s", len(found)), limits)
    assert loaded.size == len(found)
    assert loaded.is_whole == (not loaded.problems or "UTF" in loaded.problems[0])
    return loaded.text.decode(), list(loaded.problems)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


LATIN, REPLACED = "not UTF-8: read as Latin-1", "some bytes are not UTF-8 and were replaced"


@pytest.mark.parametrize(
    ("found", "shown", "said"),
    [
        (LOG.encode(), LOG, []),
        (LOG.encode("utf-8-sig"), LOG, []),
        (b"\xff\xfe" + LOG.encode("utf-16-le"), LOG, []),
        (b"\xfe\xff" + LOG.encode("utf-16-be"), LOG, []),
        (b"\xff\xfe" + LOG.replace("\n", "\r\n").encode("utf-16-le"), LOG, []),
        (b"\xff\xfe" + LOG.encode("utf-16-le") + b"x", LOG + "\ufffd",
         ["some bytes are not UTF-16 and were replaced"]),
        (LOG.encode("latin-1"), LOG, [LATIN]),
        (LOG.encode() + b"\xe9", LOG + "\ufffd", [REPLACED]),
        (LOG.encode() + b"\xed\xa0\x80", LOG + "\ufffd" * 3, [REPLACED]),
        (LOG.replace("\n", "\r\n").encode(), LOG, []),
        (LOG.replace("\n", "\r").encode(), LOG, []),
        (b"a\rb\n", "a\rb\n", []),
        (b"a\r", "a\n", []),
        (b"a\r\n\r\nb\r", "a\n\nb\r", []),
        (LOG.encode() + bytes(5000), LOG + "\0" * 5000, []),
        (bytes(10), "\0" * 10, []),
        (b"\xff\xfe", "", []),
        (b"", "", []),
    ],
)  # fmt: skip
def test_text(found: bytes, shown: str, said: list[str], tmp_path: Path) -> None:
    assert text_of(found, tmp_path) == (shown, said)
    assert text_of(gzip.compress(found), tmp_path) == (shown, said) if found else True


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")), st.integers(1, 7))
@settings(max_examples=300)
def test_pieces_decode_as_the_whole(text: str, size: int) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        found = text.encode(encoding, "replace")
        said: list[str] = []
        whole = b"".join(decoded([found], said.append))
        again: list[str] = []
        # Pieces are gathered; what lies behind the deciding bytes is decoded as it comes.
        assert b"".join(decoded(pieces(found, size), again.append)) == whole
        assert again == said


@pytest.mark.parametrize("tail", [b"\xe9", b"\xc3", b"\xf0\x9f\x98", b"\r"])
def test_a_piece_may_end_within_a_character(tail: bytes) -> None:
    rest = {b"\xe9": b" e", b"\xc3": b"\xa9", b"\xf0\x9f\x98": b"\x80", b"\r": b"\n"}[tail]
    first = "é".encode() + b"\n" * (max(DECIDING, PIECE) - 2 - len(tail)) + tail
    said: list[str] = []
    text = b"".join(decoded([first, rest + b"x"], said.append))
    expected = (first + rest + b"x").decode(errors="replace").replace("\r\n", "\n").encode()
    assert text == expected
    assert said == ([REPLACED] if tail == b"\xe9" else [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_have_the_numbers_of_an_editor(
    audit: Run, ledger: Callable[[str], str], encoding: str, newline: str
) -> None:
    text = "\n" + ledger("10:00:00 T1 éva BHD DEBIT NaN 0 20 15 15 applied")
    found = audit({"x.log": text.replace("\n", newline).encode(encoding)})
    (row,) = found.sql("SELECT subscriber_id, first_line FROM transactions").to_pylist()
    assert row == {"subscriber_id": "éva", "first_line": 6}
    said = [row for row in found.report.problems() if row["line"]]
    assert [(row["line"], row["problem"]) for row in said] == [(6, "amount is no amount")]


def test_zeros_do_not_break_a_log(audit: Run, ledger: Callable[[str], str]) -> None:
    text = ledger("10:00:00 T1 ana BHD DEBIT 5 0 20 15 15 applied").encode()
    found = audit({"a.log": text + bytes(9000), "zeros.log": bytes(9000)})
    assert found.report.counts["transactions"] == 1
    assert [row["name"] for row in found.report.inputs["rejected"]] == ["logs/zeros.log"]


@pytest.mark.parametrize("name", PACKINGS)
def test_packings(name: str, tmp_path: Path) -> None:
    pack = PACKINGS[name]
    packing = packing_of(pack(b"x"))
    assert packing
    assert packing.name == name
    chance = random.Random(4)
    text = "".join(f"{LINE}{chance.random()}\n" for _ in range(100_000))
    packed = pack(text.encode())
    assert text_of(packed, tmp_path) == (text, [])
    assert text_of(packed + pack(LINE.encode()), tmp_path) == (text + LINE, [])
    assert text_of(packed + bytes(512), tmp_path) == (text, [])
    tail = f"bytes after the end of the {name} data"
    assert text_of(packed + b"garbage", tmp_path) == (text, [tail])
    cut, said = text_of(packed[: len(packed) * 2 // 3], tmp_path)
    assert said == [f"the {name} data is cut off"]
    assert len(text) // 3 < len(cut) < len(text)
    assert text.startswith(cut)
    damaged = bytearray(packed)
    damaged[len(packed) * 2 // 3] ^= 0xFF
    before, said = text_of(bytes(damaged), tmp_path)
    assert said
    assert said[0].startswith(f"damaged {name} data (")
    assert before.startswith(text[: len(text) // 3])


@pytest.mark.parametrize("name", PACKINGS)
def test_any_pieces_unpack_alike(name: str) -> None:
    pack = PACKINGS[name]
    packing = packing_of(pack(b"x"))
    assert packing
    data = pack(LOG.encode()) + pack(b"") + pack(LOG.encode() * 3) + b"\0\0"
    for size in (1, 2, 3, 7, len(data)):
        said: list[str] = []
        assert b"".join(unpack(pieces(data, size), packing, said.append)) == LOG.encode() * 4
        assert said == []


@given(st.sampled_from(sorted(PACKINGS)), st.data())
@settings(max_examples=300)
def test_no_bytes_break_the_unpacking(name: str, data: st.DataObject) -> None:
    packed = bytearray(PACKINGS[name](LOG.encode() * 20))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    if packing := packing_of(bytes(packed)):
        b"".join(unpack([bytes(packed)], packing, lambda _: None))


def test_packed_more_than_once(tmp_path: Path) -> None:
    twice = gzip.compress(bz2.compress(LINE.encode()))
    assert text_of(twice, tmp_path) == (LINE, [])
    for _ in range(3):
        twice = zstd(twice)
    assert text_of(twice, tmp_path) == (LINE, [])
    problem = "packed more than 5 times over: not unpacked any further"
    assert text_of(lzma.compress(twice), tmp_path) == ("", [problem])
    assert text_of(lzma.compress(twice), tmp_path, Limits(nesting=6)) == (LINE, [])


@pytest.mark.parametrize("name", PACKINGS)
def test_bombs_stop(name: str, tmp_path: Path) -> None:
    limits = Limits(expansion=20, expansion_from=2 * 10**6)
    packed = PACKINGS[name](bytes(8 * 10**6))
    text, said = text_of(packed, tmp_path, limits)
    assert len(text) == max(2 * 10**6, 20 * len(packed))
    (problem,) = said
    assert problem.startswith("it unpacks to more than 20 times its size: reading stopped after ")
    nested, _ = text_of(gzip.compress(packed), tmp_path, limits)
    assert len(nested) <= 2 * 10**6


def test_a_damaged_log_keeps_what_stands_before(audit: Run) -> None:
    packed = lzma.compress(LINE.encode() * 3)
    found = audit({"a.log": packed[:-20], "b.log": packed})
    rows = found.table("files").select(["name", "status"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("logs/a.log", "partial"),
        ("logs/b.log", "read"),
    ]
    assert found.report.counts["entries"] == 3


def test_the_beginning_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + LINE.encode() * 200_000))
    file = LogFile("x", str(path), "s", path.stat().st_size)
    assert beginning(file) == (LINE * 2)[:64].encode()
