"""Tell by its first bytes which of AWS's shapes an export has, never by its name."""

from __future__ import annotations

import re
from enum import StrEnum

from trueup.sources.aws.events import time_of
from trueup.sources.aws.insights import MESSAGE_COLUMNS, TIME_COLUMNS, header_of
from trueup.sources.aws.tail import DETAILED, SHORT
from trueup.sources.aws.text import encoding_of


class Shape(StrEnum):
    """What an export is."""

    FILTERED = "filter-log-events"
    SUBSCRIPTION = "subscription"
    QUERY_RESULTS = "query-results"
    INSIGHTS_JSON = "insights-json"
    EVENTS = "events"
    LAMBDA_JSON = "lambda-json"
    TABLE = "table"
    TAIL = "tail"
    SHORT_TAIL = "tail-short"


_ENOUGH = 2**16
_MOST_TOKENS = 4000
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]|[:,]|[^\s{}\[\]:,"]++', re.DOTALL)


def shape_of(head: bytes) -> str | None:
    """Return the shape of the export that begins with these bytes; None if it is none of them.

    A few kilobytes are enough, unless the first event is longer.
    """
    text = head[:_ENOUGH].decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n\x00")
    if text.startswith(("{", "[")):
        return _shape_of_json(_outline(text))
    return _shape_of_tail(text) or _shape_of_table(text)


_LAMBDA_WORDS = re.compile(
    r'(?:START|END|REPORT) RequestId: |INIT_START |\d{3}Z\t[^\t\n]*\t[A-Z]+\t|\{"time(?:stamp)?":'
)


def _shape_of_tail(text: str) -> str | None:
    line, _, rest = text.partition("\n")
    line = line.removesuffix("\r")
    if match := DETAILED.fullmatch(line):
        is_lambda = "[" in match[2] or _LAMBDA_WORDS.search(match[3] + rest)
        return Shape.TAIL if is_lambda else None
    # Many programs begin their lines like this; only Lambda goes on with its own words.
    is_short = SHORT.fullmatch(line) and _LAMBDA_WORDS.search(text)
    return Shape.SHORT_TAIL if is_short else None


def _shape_of_table(text: str) -> str | None:
    header = header_of(text.partition("\n")[0].removesuffix("\r"))
    if not header:
        return None
    if not any(name in header for name in MESSAGE_COLUMNS):
        return None
    if "@message" in header:
        return Shape.TABLE if "@timestamp" in header else None
    # The console's own log view; any program may name its columns so, but not write this time.
    rows = text.partition("\n")[2].split(",")
    is_first = header[0] in TIME_COLUMNS
    return Shape.TABLE if is_first and rows and time_of(rows[0].strip('"\n')) else None


def _shape_of_json(outline: dict[str, str]) -> str | None:
    first = "[]" if "[]" in outline else ""
    of = {
        path.removeprefix(f"{first}."): word
        for path, word in outline.items()
        if path.startswith(first)
    }
    return next((shape for shape, fits in _RULES if fits(of)), None)


_EVENT_KEYS = ("logStreamName", "ingestionTime", "eventId")
_LEVELS = {'"TRACE"', '"DEBUG"', '"INFO"', '"WARN"', '"ERROR"', '"FATAL"'}
_MS = re.compile(r"\d{12,14}(?:\.0+)?|\d\.\d+[eE]\+?12")


def _is_subscription(of: dict[str, str]) -> bool:
    if of.get("messageType") in {'"DATA_MESSAGE"', '"CONTROL_MESSAGE"'} or "awslogs.data" in of:
        return True
    if "logEvents" in of and {"logGroup", "owner"} & set(of):
        return True
    lists = ("Records[].kinesis.data", "records[].kinesis.data", "Records[].Data")
    return any(path in of for path in lists) or {"records[].recordId", "records[].data"} <= set(of)


def _is_filtered(of: dict[str, str]) -> bool:
    if "events" not in of:
        return False
    if "events[]" not in of:  # a page without events
        return bool({"searchedLogStreams", "nextForwardToken", "nextToken"} & set(of))
    return _is_event({path.removeprefix("events[]."): word for path, word in of.items()})


def _is_event(of: dict[str, str]) -> bool:
    has_time, has_message = _MS.fullmatch(of.get("timestamp", "")), "message" in of
    has_more = any(key in of for key in _EVENT_KEYS)
    return bool((has_time and has_message) or (has_more and (has_time or has_message)))


def _is_query_results(of: dict[str, str]) -> bool:
    return "results[][].field" in of or ("results" in of and "statistics.recordsMatched" in of)


def _is_row(of: dict[str, str]) -> bool:
    return "@message" in of and bool({"@timestamp", "@logStream", "@ptr"} & set(of))


def _is_lambda_json(of: dict[str, str]) -> bool:
    if of.get("type", "").startswith('"platform.') or "_aws.Timestamp" in of:
        return "record" in of or "_aws.Timestamp" in of
    if of.get("type") in {'"function"', '"extension"'}:
        return "record" in of and bool(time_of(of.get("time", "").strip('"')))
    has_time = bool(time_of(of.get("timestamp", "").strip('"')))
    has_words = "message" in of or "errorMessage" in of or "requestId" in of
    return has_time and of.get("level") in _LEVELS and has_words


_RULES = (
    (Shape.SUBSCRIPTION, _is_subscription),
    (Shape.FILTERED, _is_filtered),
    (Shape.QUERY_RESULTS, _is_query_results),
    (Shape.INSIGHTS_JSON, _is_row),
    (Shape.LAMBDA_JSON, _is_lambda_json),
    (Shape.EVENTS, _is_event),
)


def _outline(text: str) -> dict[str, str]:
    """Return the first value of each path in a JSON text's beginning, as `events[].timestamp`.

    A value is its first word: a string with its quotes, a number, or the bracket that opens it.
    """
    found: dict[str, str] = {}
    opened: list[tuple[str, str]] = []  # the bracket, and the path of what it holds
    path = key = ""
    for count, match in enumerate(_TOKEN.finditer(text)):
        word = match[0]
        if word in "}]":
            if opened:
                opened.pop()
            if not opened:
                break
            path = key = opened[-1][1]
        elif word == ",":
            path = key = opened[-1][1] if opened else ""
        elif word == ":":
            path = key
        elif opened and opened[-1][0] == "{" and path == opened[-1][1] and key == path:
            name = word.strip('"')
            key = f"{path}.{name}" if path else name
        else:
            found.setdefault(path, word)
            if word in "{[":
                inside = path + ("[]" if word == "[" else "")
                opened.append((word, inside))
                path = key = inside
        if count > _MOST_TOKENS or len(path) > 200:  # noqa: PLR2004  (nobody nests a log so deep)
            break
    return found
