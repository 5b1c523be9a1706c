"""What AWS's own tools write reads as the logs it was written from."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aws_shapes
import trueup
from aws_shapes import OF_ONE_STREAM, WITH_STREAMS, Told, events_of
from trueup.config import Settings
from trueup.sample import write_sample
from trueup.sources import aws
from trueup.sources.aws import Event, export_text, read_events, shape_of


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aws") / "logs"
    write_sample(folder, subscribers=25, days=25, seed=5)
    return folder


def streams_of(logs: Path) -> dict[str, list[Told]]:
    """The events of each stream of a sample."""
    return {
        folder.name: events_of(
            folder.name,
            "".join(
                gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.iterdir())
            ),
        )
        for folder in sorted(logs.iterdir())
        if folder.is_dir()
    }


@pytest.fixture(name="streams", scope="module")
def _streams(sample: Path) -> dict[str, list[Told]]:
    return streams_of(sample)


def read(data: bytes) -> tuple[list[Event], list[str]]:
    shape = shape_of(data[:4096])
    assert shape is not None
    notes: list[str] = []
    return list(read_events(shape, io.BytesIO(data), note=notes.append)), notes


def write_text(folder: Path, events: list[Event]) -> None:
    for event in events:
        path = folder / (event.stream or "log") / "000000.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(export_text([event]))


def figures(logs: Path) -> dict[str, Any]:
    """What must not depend on the shape: counts, money, and the findings' ids."""
    with trueup.audit(logs, settings=Settings(processes=1)) as audit:
        report = audit.report
        ids = [
            row["finding_id"]
            for check in report.checks
            for row in audit.findings(check["id"]).to_pylist()
        ]
        return {
            "counts": {name: n for name, n in report.counts.items() if name != "files"},
            "kinds": report.entry_kinds,
            "outcomes": report.outcomes,
            "money": report.currencies,
            "operations": report.operations,
            "findings": sorted(ids),
        }


@pytest.fixture(scope="module")
def expected(sample: Path) -> dict[str, Any]:
    found = figures(sample)
    assert found["counts"]["transactions"] > 500
    assert len(found["findings"]) > 20
    return found


@pytest.mark.parametrize("name", WITH_STREAMS)
def test_every_shape_reads_as_the_logs_it_was_written_from(
    name: str, streams: dict[str, list[Told]], expected: dict[str, Any], tmp_path: Path
) -> None:
    shape, write = WITH_STREAMS[name]
    data = write([event for events in streams.values() for event in events])
    assert shape_of(data[:4096]) == shape
    events, notes = read(data)
    assert notes == []
    write_text(tmp_path / "logs", events)
    assert figures(tmp_path / "logs") == expected


@pytest.mark.parametrize("name", ["get-log-events", "console CSV"])
def test_shapes_of_one_stream(
    name: str, streams: dict[str, list[Told]], expected: dict[str, Any], tmp_path: Path
) -> None:
    shape, write = OF_ONE_STREAM[name]
    for stream, told in streams.items():
        data = write(told)
        assert shape_of(data[:4096]) == shape
        events, notes = read(data)
        assert (notes, {event.stream for event in events}) == ([], {""})
        write_text(tmp_path / "logs", [event._replace(stream=stream) for event in events])
    assert figures(tmp_path / "logs") == expected


def test_tail_short_knows_the_milliseconds_of_what_the_service_writes(
    streams: dict[str, list[Told]], expected: dict[str, Any], tmp_path: Path
) -> None:
    for stream, told in streams.items():
        events, notes = read(aws_shapes.tail_short(told))
        assert notes == []
        times = [event.time.decode() for event in events]
        assert times == sorted(times)
        assert [time[:19] for time in times] == [time[:19] for _, time, _ in told]
        write_text(tmp_path / "logs", [event._replace(stream=stream) for event in events])
    found = figures(tmp_path / "logs")
    # Only when an invocation began and ended is known no better than to the second.
    for name in ("counts", "kinds", "outcomes", "money", "findings"):
        assert found[name] == expected[name], name


T = "2024-01-31T21:01:05.123Z"
MS = 1706734865123
S = "2024-01-31-[$LATEST]" + "a" * 32
ONE = Event(S, T.encode(), b"START RequestId: r")


@pytest.mark.parametrize(
    "text",
    [
        f"{T} START RequestId: r",
        f'{T} {{"events":[{{"timestamp":{MS},"message":"x"}}]}}',
        "{}", "[]", "[[]]", "{", "[", "", "null", '"text"', "17", "\x00\x00",
        '{"events":[{"name":"concert","date":"2024-01-31"}]}',
        '{"events":[]}', '{"results":[{"id":1}]}', '{"results":[],"count":0}',
        '{"Records":[{"eventSource":"aws:s3","s3":{"object":{"key":"x"}}}]}',
        '{"Records":[{"eventVersion":"1.08","eventName":"ConsoleLogin"}]}',
        '[{"@timestamp":"2023-01-01T00:00:00Z","message":"x","log":{"level":"info"}}]',
        '{"level":"info","timestamp":"2024-01-31T21:01:05.123Z","message":"winston"}',
        '{"timestamp":"2024-01-31T21:01:05.123Z","message":"no level"}',
        '{"time":"2024-01-31T21:01:05.123Z","type":"click","record":{}}',
        '{"id":"T1","amount":10,"message":"a document"}',
        '{"findings":[{"logStream":"x"}],"logEvents":3}',
        "id,amount\n1,2\n", "timestamp,message\nyesterday,hello\n", "message,timestamp\nx,1\n",
        "date;message\n2024-01-31;x\n", "@timestamp,count\n2024-01-31 21:01:05.123,3\n",
        "2024-01-31T21:01:05 kernel: boot\n2024-01-31T21:01:06 kernel: more\n",
        "2024-01-31T21:01:05+00:00 host sshd[12]x: opened\n"[:20] + "\n",
        "2024-01-31 21:01:05.123 START RequestId: r\n",
    ],
)  # fmt: skip
def test_other_texts_are_none_of_the_shapes(text: str) -> None:
    assert shape_of(text.encode()) is None


def test_a_time_is_read_however_it_is_written() -> None:
    for at in (
        MS, float(MS), str(MS), "2024-01-31 21:01:05.123", "2024-01-31T21:01:05.123Z",
        "2024-01-31T21:01:05.1234567+00:00", "2024-01-31T23:01:05.123+02:00",
        "2024-01-31T18:01:05.123 -0300",
    ):  # fmt: skip
        data = json.dumps({"events": [{"timestamp": at, "message": "m"}], "nextToken": ""})
        notes: list[str] = []
        (event,) = read_events("filter-log-events", io.BytesIO(data.encode()), note=notes.append)
        assert event.time == T.encode(), at


def test_what_is_no_event_is_counted_and_never_raises() -> None:
    data = (
        '{"events":[{"timestamp":1706734865123,"message":"one","logStreamName":7},'
        '{"timestamp":NaN,"message":"a"},{"timestamp":-1,"message":"a"},{"timestamp":1e300,"message":"a"},'
        '{"timestamp":Infinity,"message":"a"},{"timestamp":true,"message":"a"},{"message":"a"},'
        '{"timestamp":"2024-02-30T00:00:00.000Z","message":"a"},{"timestamp":[],"message":"a"},'
        '{"timestamp":99999999999999999999999999,"message":"a"},'
        f'{{"timestamp":{"9" * 5000},"message":"a"}},'
        '{"timestamp":1706734865123},{"timestamp":1706734865123,"message":null},'
        '{"timestamp":1706734865123,"message":""},'
        'null,3,"text",[],true,{"a":'
        + "[" * 20_000
        + "]" * 20_000
        + '},{"timestamp":1706734865123,"message":"nul \\u0000, half \\ud83d"}],"nextToken":null}'
    )
    events, notes = read(data.encode())
    assert [event.message for event in events] == [b"one", b"nul \x00, half ?"]
    assert [event.stream for event in events] == ["", ""]
    assert notes == [
        "3 events were left out: no message",
        "9 events were left out: no time",
        "7 events were left out: not to be read",
    ]  # fmt: skip


def test_an_event_of_many_megabytes_is_left_out() -> None:
    big = {"timestamp": MS, "message": "x" * 9_000_000, "logStreamName": S}
    small = {"timestamp": MS, "message": "y", "logStreamName": S}
    events, notes = read(json.dumps({"events": [small, big, small], "nextToken": "t"}).encode())
    assert [event.message for event in events] == [b"y", b"y"]
    assert notes == ["1 event was left out: over 4 MB"]
    rows = f'@timestamp,@message\n2024-01-31 21:01:05.123,"{"x" * 9_000_000}\n'
    events, notes = read((rows + "2024-01-31 21:01:05.123,y\n").encode())
    assert [event.message for event in events] == [b"y"]
    assert notes == ["1 event was left out: over 4 MB"]
    lines = f"{T[:-1]}000+00:00 {aws_shapes.with_slashes(S)} x\n" + "x" * 5_000_000 + "\n"
    events, notes = read((lines + lines[: lines.index("\n")]).encode())
    assert [event.message for event in events] == [b"x", b"x"]
    assert notes == ["an event of over 4 MB was cut"]


class Counting(io.RawIOBase):
    """An export without an end that counts what is asked of it."""

    def __init__(self, begin: bytes, again: bytes) -> None:
        self.begin, self.again, self.asked = begin, again, 0

    def read(self, size: int = -1) -> bytes:
        self.asked += size
        begin, self.begin = self.begin, b""
        return begin or self.again * (size // len(self.again))


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b'{"events":[', json.dumps({"timestamp": MS, "message": "m"}).encode() + b","),
        (b"", b"".join(aws_shapes.subscription_objects([(S, T, "m")]))),
        (b"@timestamp,@message\n", b"2024-01-31 21:01:05.123,m\n2024-01-31 21:01:04.123,m\n"),
        (b"", aws_shapes.tail_detailed([(S, T, "m")])),
    ],
)
def test_events_come_before_the_export_is_read_to_its_end(begin: bytes, again: bytes) -> None:
    endless: Any = Counting(begin, again)
    shape = shape_of(begin + again * 3)
    assert shape is not None
    events = read_events(shape, endless, note=str)
    for _ in range(50):
        assert next(events).message == b"m"
    assert endless.asked < 2**20


def test_text_that_is_not_utf_8_is_noted_once() -> None:
    data = aws_shapes.tail_detailed([(S, T, "START RequestId: é")] * 3).replace(b"\xc3", b"")
    events, notes = read(data)
    assert events[0].message == "START RequestId: \ufffd".encode()
    assert notes == ["some bytes are not UTF-8 and were replaced"]


def test_documents_are_read_wherever_they_stand() -> None:
    told = [(S, T, "START RequestId: r")]
    page = aws_shapes.filter_log_events(told)
    events, notes = read(
        page
        + b"An error occurred (ThrottlingException)\n"
        + page
        + b"["
        + page
        + b","
        + page
        + b"]"
    )
    assert events == [ONE] * 4
    assert notes == ["text between the JSON values was left out"]


def test_damage_ends_a_reading() -> None:
    told = [(S, T, "START RequestId: r")]
    page = aws_shapes.filter_log_events(told * 3, indent=None)
    events, notes = read(page.replace(b'"}, {"logStreamName"', b'"} {"logStreamName"', 1))
    assert events == [ONE]
    assert notes == ["the JSON is damaged: what follows was not read"]


def test_ties_are_turned_round_where_invocations_prove_it() -> None:
    lines = ["START RequestId: r1", "work", "END RequestId: r1", "REPORT RequestId: r1\tx"]
    told = [(S, T, line) for line in lines] + [
        (S, T.replace("05.123", "06.123"), line) for line in ("one", "two")
    ]
    expected = {T.encode(): lines, T.replace("05.123", "06.123").encode(): ["one", "two"]}
    for write in (aws_shapes.insights_csv, aws_shapes.insights_json, aws_shapes.query_results):
        for newest_first in (True, False):
            events, _ = read(write(told, newest_first=newest_first))
            for time, of_time in expected.items():
                assert [e.message.decode() for e in events if e.time == time] == of_time
    # Times that fall, and ties that the platform's lines prove to stand as in the log.
    rows = (
        b"@timestamp,@message\n2024-01-31 21:01:06.123,one\n2024-01-31 21:01:06.123,two\n"
        + b"".join(f"2024-01-31 21:01:05.123,{line}\n".encode() for line in lines)
    )
    events, _ = read(rows)
    assert [event.message.decode() for event in events][2:] == lines


def test_lambdas_json_lines_alone() -> None:
    lines = [
        {"time": T, "type": "platform.start", "record": {"requestId": "r", "version": "1"}},
        {"timestamp": T, "level": "INFO", "requestId": "r", "message": "a\nb"},
        {"_aws": {"Timestamp": MS, "CloudWatchMetrics": []}, "negativeBalance": 1},
    ]
    told = [(S, T, json.dumps(line, separators=(",", ":"))) for line in lines]
    wanted = [Event("", T.encode(), message.encode()) for _, _, message in told]
    compact = b"".join(f"{message}\n".encode() for _, _, message in told)
    for data in (
        compact,
        aws_shapes.json_lines(told, indent=2),
        b"[" + compact.replace(b"}\n{", b"},\n{") + b"]",
    ):
        assert shape_of(data) == "lambda-json"
        assert read(data) == (wanted, [])
    telemetry = {"time": T, "type": "function", "record": f"{T}\tr\tINFO\tx\n"}
    assert read(json.dumps([telemetry]).encode())[0] == [
        Event("", T.encode(), f"{T}\tr\tINFO\tx\n".encode())
    ]


def test_text_among_json_lines_is_left_out() -> None:
    line = json.dumps({"timestamp": T, "level": "INFO", "message": "a"})
    data = f"{line}\nsaid {{ \"a: it's }} [\n{line}\n2 { {1} }\n{line}".encode()
    events, notes = read(data)
    assert events == [Event("", T.encode(), line.encode())] * 3
    assert notes == ["text between the JSON values was left out"]


def test_export_text_has_an_empty_line_behind_a_message() -> None:
    assert list(export_text([Event("", T.encode(), b"x\t\r\n\n")])) == [f"{T} x\t\n\n".encode()]


FEW = [
    (S, T, "START RequestId: r1 Version: $LATEST"),
    (S, T, f'{T}\tr1\tINFO\tSaid "{{}}", é and {{\n  a: 1\n}}'),
    (S.replace("a", "b"), T.replace("05.123", "05.200"), "END RequestId: r1"),
    (S, T.replace("05.123", "06.000"), '{"_aws":{"Timestamp":1},"x":"\\\\"}'),
]
ALL = {**WITH_STREAMS, **OF_ONE_STREAM}
FILES = {name: write(FEW) for name, (_, write) in ALL.items()}


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
@settings(max_examples=60)
def test_any_beginning_of_an_export_gives_the_beginning_of_its_events(
    name: str, data: st.DataObject
) -> None:
    shape, _ = ALL[name]
    whole = FILES[name]
    cut = data.draw(st.integers(0, len(whole)))
    events = list(read_events(shape, io.BytesIO(whole), note=str))
    found = list(read_events(shape, io.BytesIO(whole[:cut]), note=str))
    if name == "subscription, an object a line, keys sorted":
        # The stream, and that a message is none of a log, is told behind the events.
        events, found = ([e._replace(stream="") for e in some] for some in (events, found))
        found = [event for event in found if b"CWL CONTROL" not in event.message]
    if shape in {"table", "tail", "tail-short"}:
        # Nothing in a text says that a message ends: one may be shorter.
        assert len([event for event in found if event not in events]) <= 1
    elif shape in {"query-results", "insights-json"}:
        assert all(event in events for event in found)
    else:
        assert found == events[: len(found)]
    assert len(found) <= len(events)


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
@settings(max_examples=60)
def test_no_change_of_an_export_raises(name: str, data: st.DataObject) -> None:
    shape, _ = ALL[name]
    changed = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b"\\",
                    b"\n",
                    b"\x00",
                    b"1e999",
                    b"null",
                    b"\xff",
                ]
            )
        )
    shape_of(bytes(changed))
    list(read_events(shape, io.BytesIO(changed), note=str))


@given(st.sampled_from(sorted({shape for shape, _ in ALL.values()} | {"lambda-json"})), st.binary())
def test_no_bytes_raise(shape: str, data: bytes) -> None:
    shape_of(data)
    list(read_events(shape, io.BytesIO(data), note=str))


Values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["events", "logEvents", "results", "Records", "awslogs", "data", "kinesis", "timestamp",
                         "message", "logStream", "messageType", "field", "value", "@message", "@timestamp", "record", "time"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(sorted({shape for shape, _ in ALL.values()} | {"lambda-json"})), Values)
def test_no_json_raises(shape: str, value: Any) -> None:
    data = json.dumps(value).encode()
    shape_of(data)
    for event in read_events(shape, io.BytesIO(data), note=str):
        assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.time)


def test_the_pieces_in_which_bytes_come_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    from trueup.sources.aws import text

    for name, (shape, _) in ALL.items():
        whole = read_events(shape, io.BytesIO(FILES[name]), note=str)
        expected = list(whole)
        for size in (1, 2, 3, 7, 64):
            monkeypatch.setattr(text, "PIECE", size)
            assert list(read_events(shape, io.BytesIO(FILES[name]), note=str)) == expected, name
        monkeypatch.undo()


def test_the_package_shows_what_it_is_for() -> None:
    assert aws.__all__ == ["Event", "Shape", "export_text", "read_events", "shape_of"]
    _: Callable[..., Any] = aws.read_events
