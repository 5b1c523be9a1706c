"""One sample in every shape that logs come in: the same report, but for the names of files."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
from collections.abc import Callable
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from docx import Document

import aws_shapes
import trueup
from archives import tarred, zipped, zstd
from aws_shapes import Told, events_of
from trueup.config import Settings
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Texts = dict[str, str]
Report = dict[str, Any]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """The sample's streams as text, entries in order of time, as all of AWS's tools give them."""
    folder = tmp_path_factory.mktemp("matrix") / "logs"
    write_sample(folder, subscribers=12, days=20, seed=3)
    found: Texts = {}
    for stream in sorted(path for path in folder.iterdir() if path.is_dir()):
        parts = (gzip.decompress(path.read_bytes()) for path in sorted(stream.iterdir()))
        events = events_of(stream.name, b"".join(parts).decode())
        found[stream.name] = "".join(f"{time} {message}\n\n" for _, time, message in events)
    return found


def every_event(texts: Texts) -> list[Told]:
    return list(chain.from_iterable(events_of(*one) for one in texts.items()))


def files(texts: Texts, pack: Callable[[bytes], bytes], name: str = "{}") -> dict[str, bytes]:
    """A file for each stream."""
    return {name.format(stream): pack(text.encode()) for stream, text in texts.items()}


def folders(texts: Texts) -> dict[str, bytes]:
    return files(texts, gzip.compress, "{}/000000.gz")


def as_is(text: bytes) -> bytes:
    return text


def in_utf16(text: bytes) -> bytes:
    return b"\xff\xfe" + text.decode().encode("utf-16-le")


def docx(text: bytes) -> bytes:
    """A Word document with a paragraph for each line."""
    document = Document()
    for line in text.decode().splitlines():
        document.add_paragraph(line)
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def in_two_columns(text: bytes) -> bytes:
    """As CloudWatch's table is copied out of a browser: the time on a line of its own."""
    return re.sub(rb"(?m)^([\dT:.-]+Z) (.*)$", rb"\1\n\2", text).replace(b"\t", b" ")


def rtf(text: bytes) -> bytes:
    plain = re.sub(r"([\\{}])", r"\\\1", text.decode()).replace("\t", "\\tab ")
    coded = "".join(c if c < "\x80" else f"\\u{ord(c)}?" for c in plain)
    return ("{\\rtf1\\ansi " + coded.replace("\n", "\\par\n") + "}").encode()


Shape = Callable[[Texts], dict[str, bytes]]
SHAPES: dict[str, Shape] = {
    "gzip": folders,
    "gzip of several members": lambda t: files(
        t, lambda x: gzip.compress(x[:5000]) + gzip.compress(x[5000:]), "{}/000000.gz"
    ),
    "gzip twice": lambda t: files(t, lambda x: gzip.compress(gzip.compress(x)), "{}.gz"),
    "log": lambda t: files(t, as_is, "{}.log"),
    "txt": lambda t: files(t, as_is, "{}.txt"),
    "no ending": lambda t: files(t, as_is),
    "bzip2": lambda t: files(t, bz2.compress, "{}.bz2"),
    "xz": lambda t: files(t, lzma.compress, "{}.xz"),
    "zstd": lambda t: files(t, zstd, "{}.zst"),
    "UTF-8 with a mark": lambda t: files(t, lambda x: b"\xef\xbb\xbf" + x, "{}.log"),
    "UTF-16": lambda t: files(t, in_utf16, "{}.log"),
    "CRLF": lambda t: files(t, lambda x: x.replace(b"\n", b"\r\n"), "{}.log"),
    "CR": lambda t: files(t, lambda x: x.replace(b"\n", b"\r"), "{}.log"),
    "pasted with blanks for tabs": lambda t: files(
        t, lambda x: x.replace(b"\t", b"    "), "{}.txt"
    ),
    "pasted under an export's name": lambda t: files(
        t, lambda x: gzip.compress(x.replace(b"\t", b" ")), "{}/000000.gz"
    ),
    "copied out of a wide table": lambda t: files(
        t, lambda x: re.sub(rb"(?m)^([\dT:.-]+Z) ", rb"\1\t", x).replace(b"\t", b"   "), "{}.txt"
    ),
    "copied out of a table": lambda t: files(t, in_two_columns, "{}.txt"),
    "packed, pasted, with odd spaces": lambda t: files(
        t, lambda x: gzip.compress(x.replace(b"\t", b"\xc2\xa0")), "{}.gz"
    ),
    "docx": lambda t: files(t, docx, "{}.docx"),
    "rtf": lambda t: files(t, rtf, "{}.rtf"),
    "zip": lambda t: {"a.zip": zipped(folders(t))},
    "zips in a zip": lambda t: {
        "a.zip": zipped({f"{name}.zip": zipped({name: file}) for name, file in folders(t).items()})
    },
    "tar": lambda t: {"a.tar": tarred(folders(t))},
    "tar.gz": lambda t: {"a.tgz": tarred(folders(t), "w:gz")},
    "tar.bz2": lambda t: {"a.tar.bz2": tarred(folders(t), "w:bz2")},
    "tar.xz": lambda t: {"a.tar.xz": tarred(folders(t), "w:xz")},
    "tar.zst": lambda t: {"a.tar.zst": zstd(tarred(folders(t)))},
    "folder and zip, twice the same": lambda t: {**folders(t), "a.zip": zipped(folders(t))},
    "filter-log-events": lambda t: {"e.json": aws_shapes.filter_log_events(every_event(t))},
    "filter-log-events in UTF-16": lambda t: {
        "e.json": in_utf16(aws_shapes.filter_log_events(every_event(t)))
    },
    "get-log-events": lambda t: {
        f"{name}.json": aws_shapes.get_log_events(events_of(name, text)) for name, text in t.items()
    },
    "tail": lambda t: {"tail.txt": aws_shapes.tail_detailed(every_event(t))},
    "tail as JSON": lambda t: {"tail.txt": aws_shapes.tail_json(every_event(t))},
    "Insights CSV": lambda t: {"results.csv": aws_shapes.insights_csv(every_event(t))},
    "Insights JSON": lambda t: {"results.json": aws_shapes.insights_json(every_event(t))},
    "get-query-results": lambda t: {"r.json": aws_shapes.query_results(every_event(t))},
    "subscription": lambda t: {"f": gzip.compress(aws_shapes.subscription(every_event(t)))},
    "subscription, gzip twice": lambda t: {
        "f": gzip.compress(gzip.compress(aws_shapes.subscription(every_event(t))))
    },
}


def audited(contents: dict[str, bytes], folder: Path) -> Report:
    for name, content in contents.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings = Settings(processes=1)
    with trueup.audit(folder / "in", settings=settings, generated_at=STAMP) as done:
        done.write(folder / "out", ["json"])
    report: Report = without_names(json.loads((folder / "out" / "report.json").read_text()))
    return report


def without_names(value: Any) -> Any:
    """Leave out what is a file's own: its name, its bytes, and what is said of it as a whole."""
    if isinstance(value, list):
        return [without_names(one) for one in value if not is_of_file(one)]
    if isinstance(value, dict):
        own = (
            {"file", "bytes", "unpacked_bytes", "ignored", "problems"}
            if "unpacked_bytes" in value
            else {"file"}
        )
        return {name: without_names(one) for name, one in value.items() if name not in own}
    return value


def is_of_file(row: Any) -> bool:
    return isinstance(row, dict) and "problem" in row and row.get("line") == 0


@pytest.fixture(scope="module")
def expected(texts: Texts, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return audited(folders(texts), tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize(
    "twice",
    [
        lambda t: {**folders(t), **files(t, as_is, "{}.log")},
        lambda t: {**folders(t), "e.json": aws_shapes.filter_log_events(every_event(t))},
    ],
    ids=["folder and text", "folder and JSON"],
)
def test_what_is_there_in_two_shapes_counts_once(
    texts: Texts, expected: Report, twice: Shape, tmp_path: Path
) -> None:
    found = audited(twice(texts), tmp_path)
    assert found.pop("inputs")["files"] == 2 * len(texts)
    assert found == {name: value for name, value in expected.items() if name != "inputs"}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_report(
    texts: Texts, expected: Report, shape: str, tmp_path: Path
) -> None:
    assert expected["counts"]["transactions"] > 100
    assert audited(SHAPES[shape](texts), tmp_path) == expected
