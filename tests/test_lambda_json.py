"""Logs in Lambda's JSON format say what the same logs say in the classic one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aws_shapes
import trueup
from aws_shapes import events_of
from conftest import ledger_log
from lambda_json_logs import as_json
from test_aws import figures, streams_of, write_text
from trueup.logs.entries import Source
from trueup.logs.kinds import entry_pattern
from trueup.logs.lambda_json import as_classic, inspected
from trueup.logs.layouts import read_blocked
from trueup.logs.rows import FileFacts, Rows
from trueup.logs.stream import read_stream
from trueup.sample import write_sample
from trueup.sources.aws import Event, read_events, shape_of

T = "2024-02-01T10:00:00.000Z"
AT = T.encode()
Run = Callable[..., trueup.Audit]


def read(text: bytes) -> Rows:
    rows = Rows(files=[FileFacts("0", "0", len(text))])
    read_stream("s", [Source(0, b"\n" + text)], rows)
    return rows


def entry(**value: Any) -> str:
    return f"{T} {json.dumps(value)}\n"


def app(message: Any, level: str = "INFO", request: str | None = "r1", **more: Any) -> str:
    ids = {"requestId": request} if request else {}
    return entry(timestamp=T, level=level, **ids, message=message, **more)


def platform(kind: str, **record: Any) -> str:
    return entry(time=T, type=f"platform.{kind}", record=record)


REPORT = {"durationMs": 12.25, "billedDurationMs": 13, "memorySizeMB": 512, "maxMemoryUsedMB": 99}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lambda") / "logs"
    write_sample(folder, subscribers=30, days=30, seed=8)
    return folder


@pytest.fixture(scope="module")
def told(sample: Path) -> dict[str, list[aws_shapes.Told]]:
    return {stream: as_json(events) for stream, events in streams_of(sample).items()}


def as_events(told: list[aws_shapes.Told]) -> list[Event]:
    return [Event(stream, time.encode(), message.encode()) for stream, time, message in told]


def test_a_sample_in_json_reads_as_the_same_sample(
    sample: Path, told: dict[str, list[aws_shapes.Told]], tmp_path: Path
) -> None:
    for events in told.values():
        write_text(tmp_path / "logs", as_events(events))
    text = b"".join(path.read_bytes() for path in (tmp_path / "logs").rglob("*.log"))
    assert b" START RequestId" not in text
    assert b"transaction: {\n" not in text
    expected = figures(sample)
    assert {"blocked", "sync_error", "init_report", "crash", "uncaught_exception"} <= set(
        expected["kinds"]
    )
    assert figures(tmp_path / "logs") == expected


def test_a_sample_without_the_ends_that_only_debug_logs(
    sample: Path, told: dict[str, list[aws_shapes.Told]], tmp_path: Path
) -> None:
    for events in told.values():
        kept = [
            event for event in as_events(events) if b'"platform.runtimeDone"' not in event.message
        ]
        write_text(tmp_path / "logs", kept)
    expected, found = figures(sample), figures(tmp_path / "logs")
    ends = expected["kinds"].pop("end")
    assert "end" not in found["kinds"]
    assert found["counts"].pop("entries") == expected["counts"].pop("entries") - ends
    for name, value in expected.items():
        assert found[name] == value, name


@pytest.mark.parametrize("shape", ["filter-log-events", "tail as JSON", "Insights JSON"])
def test_json_logs_in_the_shapes_of_awss_tools(
    shape: str, sample: Path, told: dict[str, list[aws_shapes.Told]], tmp_path: Path
) -> None:
    name, write = aws_shapes.WITH_STREAMS[shape]
    data = write([event for events in told.values() for event in events])
    notes: list[str] = []
    assert shape_of(data[:8192]) == name
    write_text(tmp_path / "logs", list(read_events(name, io.BytesIO(data), note=notes.append)))
    assert notes == []
    assert figures(tmp_path / "logs") == figures(sample)


@pytest.mark.parametrize("write", [aws_shapes.json_lines, aws_shapes.tail_short])
def test_json_logs_without_an_exports_times(
    write: Callable[[list[aws_shapes.Told]], bytes],
    sample: Path,
    told: dict[str, list[aws_shapes.Told]],
    tmp_path: Path,
) -> None:
    notes: set[str] = set()
    for stream, events in told.items():
        data = write(events)
        shape = shape_of(data[:8192])
        assert shape in {"lambda-json", "tail-short"}
        found = read_events(shape, io.BytesIO(data), note=notes.add)
        write_text(tmp_path / "logs", [event._replace(stream=stream) for event in found])
    # The one line of a crash that is no JSON says no time.
    assert notes <= {"text between the JSON values was left out"}
    expected, read = figures(sample), figures(tmp_path / "logs")
    for name in ("outcomes", "money"):
        assert read[name] == expected[name]
    if not notes:
        assert read["findings"] == expected["findings"]


def test_lines_are_those_of_the_file() -> None:
    text = ledger_log("""
        10:00:00 T1 ana BHD CREDIT 11 1 5 15 15 applied
        10:00:02 T3 bob SAR DEBIT 90 0 50 -40 -40 blocked error 50 -40
    """)
    lines = "".join(f"{time} {message}\n\n" for _, time, message in as_json(events_of("s", text)))
    tables = read(lines.encode()).tables
    numbered = lines.split("\n")
    for row in tables["transactions"]:
        first, last = row[-2:]
        assert first == last
        assert "Start syncing" in numbered[first - 1]
    first, last = tables["messages"][1][-2:]
    assert "Processing message" in numbered[first - 1]
    assert "not in sync" in numbered[last - 1]
    spread = f'{T} {{"timestamp":"{T}","level":"INFO",\n"requestId":"r","message":"Processing message m"}}\n\n'
    blocked = app(
        {"message": "Subscriber will have a negative balance due to this action, x"}, request="r"
    )
    tables = read((spread + blocked).encode()).tables
    assert tables["messages"][0][-2:] == [1, 4]


@pytest.mark.parametrize(
    ("value", "classic"),
    [
        ({"timestamp": T, "level": "INFO", "requestId": "r", "message": "a\nb"}, f"{T}\tr\tINFO\ta\nb"),
        ({"timestamp": T, "level": "WARN", "message": 5}, f"{T}\tundefined\tWARN\t5"),
        ({"timestamp": T, "level": "INFO", "requestId": "a\tb", "message": ["x", None, True]},
         f"{T}\tundefined\tINFO\t[ 'x', null, true ]"),
        ({"timestamp": T, "level": "INFO", "requestId": "r", "message": {"it's": {"a": 1.50}}},
         f"{T}\tr\tINFO\t{{ 'it\\'s': {{ a: 1.5 }} }}"),
        ({"timestamp": T, "level": "INFO", "requestId": "r", "message": "Start", "more": {"a": 1}},
         f"{T}\tr\tINFO\tStart {{ more: {{ a: 1 }} }}"),
        ({"timestamp": T, "level": "ERROR", "requestId": "r", "message": "E: x\n at y", "errorType": "E",
          "errorMessage": "x", "stackTrace": ["E: x"]}, f"{T}\tr\tERROR\tE: x\n at y"),
        ({"timestamp": T, "level": "ERROR", "requestId": "r", "message":
          {"errorType": "E", "errorMessage": "x", "stackTrace": ["E: x", " at y"]}},
         f"{T}\tr\tERROR\tE: x\n at y"),
        ({"timestamp": T, "level": "ERROR", "message": {"errorType": "E", "errorMessage": "x"}},
         f'{T}\tundefined\tERROR\tUncaught Exception \t{{"errorType": "E", "errorMessage": "x"}}'),
        ({"time": T, "type": "platform.start", "record": {"requestId": "r", "version": "$LATEST"}},
         "START RequestId: r Version: $LATEST"),
        ({"time": T, "type": "platform.runtimeDone", "record": {"requestId": "r", "status": "success"}},
         "END RequestId: r"),
        ({"time": T, "type": "platform.report", "record": {"requestId": "r", "metrics": REPORT}},
         ("REPORT RequestId: r\tDuration: 12.25 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\t"
         "Max Memory Used: 99 MB\t")),
        ({"time": T, "type": "platform.report", "record": {"requestId": "r", "metrics":
          {**REPORT, "initDurationMs": 901.5}, "status": "error", "errorType": "Runtime.ExitError"}},
         ("REPORT RequestId: r\tDuration: 12.25 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\t"
         "Max Memory Used: 99 MB\tInit Duration: 901.5 ms\tStatus: error\tError Type: Runtime.ExitError")),
        ({"time": T, "type": "platform.initStart", "record": {"runtimeVersion": "nodejs:18.v28",
          "runtimeVersionArn": "arn"}}, "INIT_START Runtime Version: nodejs:18.v28\tRuntime Version ARN: arn"),
        ({"time": T, "type": "platform.initReport", "record": {"phase": "init", "status": "error",
          "errorType": "Runtime.ExitError", "metrics": {"durationMs": 7.09}}},
         "INIT_REPORT Init Duration: 7.09 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError"),
        ({"time": T, "type": "platform.extension", "record": {"name": "x"}}, "platform.extension"),
        ({"level": "INFO", "message": "no time"}, None),
        ({"timestamp": T, "level": 30, "message": "of another logger"}, None),
        ({"time": T, "type": "click", "record": {}}, None),
        ({"time": T, "type": "platform.start", "record": None}, None),
        ({"a": 1}, None),
    ],
)  # fmt: skip
def test_what_an_entry_is_in_the_classic_format(value: dict[str, Any], classic: str | None) -> None:
    found = as_classic(json.dumps(value).encode(), AT)
    assert found == (None if classic is None else classic.encode())


def test_a_refusal_as_an_object() -> None:
    message = {
        "message": "Subscriber will have a negative balance due to this action, the process will terminate.",
        "data": {"userId": "u'1", "currentBalance": 6.6, "transactionId": "T"},
    }
    assert read_blocked(inspected(json.loads(json.dumps(message))).encode())[0] == b"u'1"
    begun = app("Processing message m1")
    (row,) = read((begun + app(message)).encode()).tables["messages"]
    assert row[4:9] == [b"blocked", b"", b"u'1", b"6.600000", b"T"]


def test_objects_beside_the_message(audit: Run) -> None:
    """As a logger of the service's own would write them."""
    fields = {"id": "T1", "userId": "ana", "currency": "BHD", "amount": 5, "vat": 0,
              "oldBalance": 20, "newBalance": 15.5000001}  # fmt: skip
    text = (
        app("Processing message m1")
        + app("Start syncing the balance", transaction=fields)
        + app("Subscription balance and payment balance are not in sync", "ERROR", userId="ana",
              subscriptionBalance=15.5, paymentBalance=3)
    )  # fmt: skip
    (row,) = audit(text).table("transactions").to_pylist()
    assert (row["transaction_id"], str(row["new_balance"])) == ("T1", "15.500000")
    assert (row["has_sync_error"], str(row["error_payment_balance"])) == (True, "3.000000")


def statuses(*entries: str) -> list[tuple[bytes, bytes]]:
    return [row[10:12] for row in read("".join(entries).encode()).tables["invocations"]]


def test_which_event_ends_an_invocation() -> None:
    start, done = platform("start", requestId="r1"), platform("runtimeDone", requestId="r1")
    report = platform("report", requestId="r1", metrics=REPORT, status="success")
    assert statuses(start) == [(b"unfinished", b"")]
    assert statuses(start, done) == statuses(start, report) == [(b"ok", b"")]
    assert statuses(start, done, report) == [(b"ok", b"")]
    classic = f"{T} START RequestId: r1\n{T} REPORT RequestId: r1\tDuration: 1 ms\t\n"
    assert statuses(classic) == [(b"unfinished", b"")]


def test_a_crash_is_the_status_of_the_report() -> None:
    start = platform("start", requestId="r1")
    failed = platform("report", requestId="r1", metrics=REPORT, status="failure", errorType="Error")
    assert statuses(start, failed) == [(b"ok", b"")]
    crashed = platform(
        "report", requestId="r1", metrics=REPORT, status="error", errorType="Runtime.ExitError"
    )
    assert statuses(start, crashed) == [(b"crashed", b"Runtime.ExitError")]
    late = platform("report", requestId="r1", metrics=REPORT, status="timeout")
    assert statuses(start, late) == [(b"crashed", b"timeout")]
    error = {"errorType": "Error", "errorMessage": "Cannot find module 'x'", "stackTrace": []}
    uncaught = app(error, "ERROR", None)
    assert statuses(start, uncaught, crashed) == [(b"crashed", b"Cannot find module 'x'")]
    init = platform("initReport", phase="init", status="error", metrics={"durationMs": 7})
    rows = read((uncaught + init).encode()).tables["crashes_at_init"]
    assert [row[2] for row in rows] == [b"Cannot find module 'x'"]


def test_other_events_are_counted_by_their_type(audit: Run) -> None:
    text = platform("extension", name="x") + platform("initRuntimeDone", status="success")
    text += f'{T} {{"timestamp":"{T}","level":"INFO","message":"Acquired lock"}}\n{T} {{"x":1}}\n'
    assert audit(text).report.entry_kinds == {
        "other: platform.extension": 1,
        "other: platform.initRuntimeDone": 1,
        "other: Acquired lock": 1,
        "other": 1,
    }


def test_a_proof_shows_the_entrys_line(audit: Run) -> None:
    text = ledger_log("10:00:00 T1 ana BHD DEBIT 5 0 20 15 9 applied error 15 9")
    lines = "".join(f"{time} {message}\n" for _, time, message in as_json(events_of("s", text)))
    done = audit(lines)
    (row,) = done.findings("out_of_sync").to_pylist()
    shown = json.dumps(done.explain(row["finding_id"]).as_dict())
    assert "Start syncing the balance" in shown
    assert "SubscriptionBalanceUpdated event published" in shown


def test_classic_entries_stand_as_they_are() -> None:
    text = f'{T} {T}\tr\tINFO\t{{"timestamp":"{T}","level":"INFO","message":"END RequestId: x"}}\n'
    assert set(read(text.encode()).kinds) == {(0, "other")}


Values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["timestamp", "level", "requestId", "message", "time", "type", "record", "metrics",
                         "durationMs", "status", "errorType", "errorMessage", "stackTrace", "phase", "x y"])
        | st.just("type"), inner, max_size=6,
    ),
    max_leaves=14,
)  # fmt: skip
Kinds = st.sampled_from(["platform.start", "platform.report", "platform.initReport", "platform.x"])


@given(
    st.dictionaries(st.sampled_from(["level", "message", "requestId", "record", "x"]), Values),
    Kinds,
    st.booleans(),
)
def test_no_json_raises_or_loses_an_entry(
    value: dict[str, Any],
    kind: str,
    is_platform: bool,  # noqa: FBT001
) -> None:
    known = (
        {"time": T, "type": kind, "record": {}}
        if is_platform
        else {"timestamp": T, "level": "INFO"}
    )
    text = f"{T} {json.dumps({**known, **value})}\n".encode()
    rows = read(text)
    assert sum(rows.kinds.values()) == rows.files[0].entries == 1


@pytest.mark.parametrize(
    "inside", ["[" * 50_000 + "]" * 50_000, "9" * 5000, "NaN", "1e999", '"\\ud800"', "["]
)
def test_hostile_json_is_one_entry(inside: str) -> None:
    text = f'{T} {{"timestamp":"{T}","level":"INFO","message":{inside}}}\n'
    assert sum(read(text.encode()).kinds.values()) == 1


def test_an_entry_is_found_in_its_own_text() -> None:
    from trueup.logs.lambda_json import convert, lines_of

    pattern = entry_pattern()
    match = pattern.search(("\n" + platform("start", requestId="r", version="1")).encode())
    assert match is not None
    assert lines_of(match) == 0
    converted = convert(match, len(match.string), pattern)
    assert converted is not None
    assert (converted.lastgroup, converted["started"], lines_of(converted)) == ("start", b"r", 1)
