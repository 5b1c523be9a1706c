"""Writers of log events in the shapes of AWS's tools, for tests: the other way of `sources.aws`.

Each takes events as (stream, time, message): `2024-01-31-[$LATEST]<hex>`,
`2024-01-31T21:01:05.123Z`, text; in the order of the log within each stream.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

Told = tuple[str, str, str]

GROUP = "/aws/lambda/syncBalanceSQS"


_ENTRY = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ", re.MULTILINE)


def events_of(stream: str, text: str) -> list[Told]:
    """The events of a text export, in order of time."""
    found = list(_ENTRY.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    events = (
        (stream, match[1], text[match.end() : end].rstrip("\n"))
        for match, end in zip(found, ends, strict=True)
    )
    return sorted(events, key=lambda event: event[1])


def ms_of(time: str) -> int:
    found = datetime.fromisoformat(time)
    return int(found.timestamp()) * 1000 + found.microsecond // 1000


def with_slashes(stream: str) -> str:
    return stream.replace("-", "/", 3)


def by_time(events: Iterable[Told]) -> list[Told]:
    """As CloudWatch puts the events of several streams together; ties as they stand."""
    return sorted(events, key=itemgetter(1))


def filter_log_events(
    events: Sequence[Told], *, page: int = 10_000, indent: int | None = 4, sort: bool = False
) -> bytes:
    """`aws logs filter-log-events`, a document a page."""
    text = ""
    ordered = by_time(events)
    for first in range(0, max(1, len(ordered)), page):
        listed = [
            {
                "logStreamName": with_slashes(stream),
                "timestamp": ms_of(time),
                "message": message,
                "ingestionTime": ms_of(time) + 5000,
                "eventId": f"{first + place:056}",
            }
            for place, (stream, time, message) in enumerate(ordered[first : first + page])
        ]
        document: dict[str, Any] = {"events": listed, "searchedLogStreams": []}
        if first + page < len(ordered):
            document["nextToken"] = "Bxkq6kVGFtq2y_Moigeqscg"
        text += json.dumps(document, indent=indent, sort_keys=sort) + "\n"
    return text.encode()


def get_log_events(events: Sequence[Told]) -> bytes:
    """`aws logs get-log-events`, which is asked for one stream and does not say which."""
    listed = [
        {"timestamp": ms_of(time), "message": message, "ingestionTime": ms_of(time) + 5000}
        for _, time, message in events
    ]
    tokens = {"nextForwardToken": "f/3156", "nextBackwardToken": "b/3156"}
    return json.dumps({"events": listed, **tokens}, indent=4).encode()


def event_objects(events: Sequence[Told], *, as_list: bool = True) -> bytes:
    """`--query events`, or jq's `.events[]`."""
    pages: Any = json.loads(filter_log_events(events, page=max(1, len(events))))["events"]
    if as_list:
        return json.dumps(pages, indent=4).encode()
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in pages)


def tail_detailed(events: Sequence[Told], *, colours: bool = False) -> bytes:
    """`aws logs tail --format detailed`."""
    green, cyan, reset = ("\x1b[32m", "\x1b[36m", "\x1b[0m") if colours else ("",) * 3
    return "".join(
        f"{green}{time[:-1]}000+00:00{reset} {cyan}{with_slashes(stream)}{reset} {message}".rstrip()
        + "\n"
        for stream, time, message in by_time(events)
    ).encode()


def tail_json(events: Sequence[Told]) -> bytes:
    """`aws logs tail --format json`."""
    text = ""
    for stream, time, message in by_time(events):
        shown = message
        with contextlib.suppress(ValueError):
            shown = f"\n{json.dumps(json.loads(message), indent=4)}"
        at = datetime.fromisoformat(time).isoformat()
        text += f"{at} {with_slashes(stream)} {shown}".rstrip() + "\n"
    return text.encode()


def tail_short(events: Sequence[Told]) -> bytes:
    """`aws logs tail --format short`."""
    return "".join(
        f"{time[:19]} {message}".rstrip() + "\n" for _, time, message in by_time(events)
    ).encode()


def _seen_by_insights(time: str) -> str:
    return time[:-1].replace("T", " ")


def insights_csv(
    events: Sequence[Told],
    *,
    columns: str = "@timestamp,@message,@logStream",
    newest_first: bool = True,
    mark: bytes = b"",
) -> bytes:
    """Logs Insights, saved as CSV."""
    ordered = by_time(events)
    if newest_first:
        ordered.reverse()
    names = columns.split(",")
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for stream, time, message in ordered:
        cells = {
            "@timestamp": _seen_by_insights(time),
            "@message": message,
            "@logStream": with_slashes(stream),
        }
        writer.writerow([cells.get(name, "1") for name in names])
    return mark + file.getvalue().encode()


def console_csv(events: Sequence[Told]) -> bytes:
    """The console's view of a log, saved as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(["timestamp", "message"])
    writer.writerows((ms_of(time), message) for _, time, message in by_time(events))
    return file.getvalue().encode()


def insights_json(events: Sequence[Told], *, newest_first: bool = True) -> bytes:
    """Logs Insights, saved as JSON: a message that is an object is shown as one."""
    rows = []
    for stream, time, message in by_time(events):
        shown: Any = message
        if message.startswith("{"):
            with contextlib.suppress(ValueError):
                shown = json.loads(message)
        rows.append(
            {
                "@timestamp": _seen_by_insights(time),
                "@message": shown,
                "@logStream": with_slashes(stream),
            }
        )
    return json.dumps(rows[::-1] if newest_first else rows, ensure_ascii=False).encode()


def query_results(events: Sequence[Told], *, newest_first: bool = True) -> bytes:
    """`aws logs get-query-results`."""
    rows = [
        [
            {"field": "@timestamp", "value": _seen_by_insights(time)},
            {"field": "@message", "value": message},
            {"field": "@logStream", "value": with_slashes(stream)},
            {"field": "@ptr", "value": "CmEKJgoiMTIz"},
        ]
        for stream, time, message in by_time(events)
    ]
    statistics = {"recordsMatched": float(len(rows)), "recordsScanned": 9.0, "bytesScanned": 1.0}
    document = {
        "results": rows[::-1] if newest_first else rows,
        "statistics": statistics,
        "status": "Complete",
    }
    return json.dumps(document, indent=4).encode()


CONTROL = {
    "messageType": "CONTROL_MESSAGE",
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "logEvents": [
        {
            "id": "",
            "timestamp": 1706734865123,
            "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose.",
        }
    ],
}


def subscription_objects(
    events: Sequence[Told], *, batch: int = 50, sort: bool = False
) -> list[bytes]:
    """What a subscription sends: a control message, then objects of one stream's events each."""
    objects: list[Any] = [CONTROL]
    for stream, group in groupby(events, key=itemgetter(0)):
        told = list(group)
        for first in range(0, len(told), batch):
            listed = [
                {"id": f"{place:056}", "timestamp": ms_of(time), "message": message}
                for place, (_, time, message) in enumerate(told[first : first + batch])
            ]
            objects.append(
                {
                    "messageType": "DATA_MESSAGE",
                    "owner": "123456789012",
                    "logGroup": GROUP,
                    "logStream": with_slashes(stream),
                    "subscriptionFilters": ["all"],
                    "logEvents": listed,
                }
            )
    return [
        json.dumps(item, separators=(",", ":"), ensure_ascii=False, sort_keys=sort).encode()
        for item in objects
    ]


def subscription(
    events: Sequence[Told], *, between: bytes = b"", batch: int = 50, sort: bool = False
) -> bytes:
    """Objects as Firehose writes them to a bucket: one behind the other."""
    return between.join(subscription_objects(events, batch=batch, sort=sort))


def _packed(item: bytes) -> str:
    return base64.b64encode(gzip.compress(item, 1)).decode()


def awslogs(events: Sequence[Told]) -> bytes:
    """What a Lambda is called with by a subscription, an event a line."""
    objects = subscription_objects(events)
    return b"\n".join(json.dumps({"awslogs": {"data": _packed(item)}}).encode() for item in objects)


def kinesis(events: Sequence[Told]) -> bytes:
    """What a Lambda is called with by a Kinesis stream behind a subscription."""
    records = [
        {"kinesis": {"partitionKey": "1", "data": _packed(item)}, "eventSource": "aws:kinesis"}
        for item in subscription_objects(events)
    ]
    return json.dumps({"Records": records}).encode()


def firehose(events: Sequence[Told]) -> bytes:
    """What a Lambda that transforms for Firehose is called with."""
    records = [
        {"recordId": f"4966{place}", "approximateArrivalTimestamp": 1, "data": _packed(item)}
        for place, item in enumerate(subscription_objects(events))
    ]
    return json.dumps({"invocationId": "i", "records": records}, indent=2).encode()


def json_lines(events: Sequence[Told], *, indent: int | None = None) -> bytes:
    """The messages of Lambda's JSON log format alone; some of them may be plain text."""
    return b"".join(
        (
            json.dumps(json.loads(message), indent=indent, ensure_ascii=False)
            if message.startswith("{")
            else message
        ).encode()
        + b"\n"
        for _, _, message in by_time(events)
    )


Writer = Callable[[Sequence[Told]], bytes]

WITH_STREAMS: dict[str, tuple[str, Writer]] = {
    "filter-log-events": ("filter-log-events", filter_log_events),
    "filter-log-events, a line a page": (
        "filter-log-events",
        lambda events: filter_log_events(events, page=97, indent=None),
    ),
    "filter-log-events, keys sorted": (
        "filter-log-events",
        lambda events: filter_log_events(events, sort=True),
    ),
    "filter-log-events, in UTF-16": (
        "filter-log-events",
        lambda events: filter_log_events(events).decode().encode("utf-16"),
    ),
    "list of events": ("events", event_objects),
    "lines of events": ("events", lambda events: event_objects(events, as_list=False)),
    "tail": ("tail", tail_detailed),
    "tail in colours": ("tail", lambda events: tail_detailed(events, colours=True)),
    "tail as JSON": ("tail", tail_json),
    "Insights CSV": ("table", insights_csv),
    "Insights CSV, oldest first, other columns": (
        "table",
        lambda events: insights_csv(
            events,
            columns="@logStream,@message,@ptr,@timestamp",
            newest_first=False,
            mark=b"\xef\xbb\xbf",
        ),
    ),
    "Insights JSON": ("insights-json", insights_json),
    "Insights JSON, oldest first": (
        "insights-json",
        lambda events: insights_json(events, newest_first=False),
    ),
    "query results": ("query-results", query_results),
    "subscription": ("subscription", subscription),
    "subscription, an object a line, keys sorted": (
        "subscription",
        lambda events: subscription(events, between=b"\n", batch=7, sort=True),
    ),
    "awslogs": ("subscription", awslogs),
    "Kinesis": ("subscription", kinesis),
    "Firehose": ("subscription", firehose),
}
"""Shapes that say each event's stream: what `shape_of` calls each, and its writer."""

OF_ONE_STREAM: dict[str, tuple[str, Writer]] = {
    "get-log-events": ("filter-log-events", get_log_events),
    "console CSV": ("table", console_csv),
    "tail, short": ("tail-short", tail_short),
}
"""Shapes of text logs that do not say the stream; what `tail --format short` lacks more is the milliseconds."""
