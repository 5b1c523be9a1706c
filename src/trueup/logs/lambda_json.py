"""Lambda's JSON log format, put back into the text that the same entry is in the classic one.

A function that logs as JSON writes `{"timestamp", "level", "requestId", "message"}` for what its
code says, and Lambda `{"time", "type": "platform.start", "record"}` for what it did itself. What
`console` prints is the same text in both formats (one object alone is JSON in this one), so that
a classic entry is made of each and read like any other: there is one reading of what entries say.

Sources: `formatJsonMessage` of the Node runtime (aws-lambda-nodejs-runtime-interface-client,
src/LogPatch.js) and the Telemetry API's schema of events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from trueup.logs.inspect_text import Bare

_MARK = b"{"


def convert(match: re.Match[bytes], end: int, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """Match the classic text of an entry that begins with a JSON object; None: it is no such entry.

    `match` is the entry's as it stands, up to its time. The new one is in a text of its own: a
    mark for each line of the entry in its file, a newline, the export's time and the classic
    text. By the marks `lines_of` knows how long the entry is in the file.
    """
    if not match.string.startswith(b'{"', match.end()):
        return None
    text = match.string[match.end() : end]
    classic = as_classic(text, match[1])
    if classic is None:
        return None
    lines = text.rstrip().count(b"\n") + 1
    return pattern.match(b"%b\n%b %b\n" % (_MARK * lines, match[1], classic), lines)


def lines_of(match: re.Match[bytes]) -> int:
    """Return how many lines a converted entry has in its file; 0 for one that stands there so."""
    return match.start() if match.string.startswith(_MARK) else 0


def as_classic(text: bytes, time: bytes) -> bytes | None:
    """Return what an entry of the JSON format is in the classic one, behind the export's time."""
    try:
        value = json.loads(
            text, strict=False, parse_float=Bare, parse_int=Bare, parse_constant=Bare
        )
        if not isinstance(value, dict):
            return None
        found = _platform(value) if "type" in value else _application(value, time.decode())
    except (ValueError, RecursionError):
        return None
    # A lone half of a surrogate pair becomes a question mark.
    return None if found is None else found.encode("utf-8", "replace")


# What the service says

_LEVEL = re.compile(r"[A-Z]+")
_REQUEST = re.compile(r"[^\t\n]+")
_FRAME = frozenset({"timestamp", "level", "requestId", "message", "errorType", "errorMessage", "stackTrace"})  # fmt: skip


def _application(value: dict[str, Any], time: str) -> str | None:
    level = value.get("level")
    if not isinstance(level, str) or not _LEVEL.fullmatch(level) or "timestamp" not in value:
        return None
    request = value.get("requestId")
    if not isinstance(request, str) or not _REQUEST.fullmatch(request):
        request = ""
    message = _message(value, knows_request=bool(request))
    return f"{time}\t{request or 'undefined'}\t{level}\t{message}"


def _message(value: dict[str, Any], *, knows_request: bool) -> str:
    message = value.get("message")
    if isinstance(message, dict) and {"errorType", "errorMessage"} <= set(message):
        return _error(message, knows_request=knows_request)
    if not isinstance(message, str):
        return inspected(message)
    # Loggers put an object beside the message which `console` prints behind it.
    more = {name: item for name, item in value.items() if name not in _FRAME}
    return f"{message} {inspected(more)}" if more and "{" not in message else message


def _error(error: dict[str, Any], *, knows_request: bool) -> str:
    """Print an error that was logged alone.

    The runtime logs so what nobody caught, and the format leaves out the words `Uncaught Exception`
    that tell it from the service's own prints. Without a request it is the runtime's.
    """
    if not knows_request:
        return f"Uncaught Exception \t{json.dumps(error, ensure_ascii=False)}"
    stack = error.get("stackTrace")
    lines = [line for line in stack if isinstance(line, str)] if isinstance(stack, list) else []
    return "\n".join(lines) or f"{error['errorType']}: {error['errorMessage']}"


_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$]*")
_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def inspected(value: object) -> str:
    """Print a JSON value as Node's `util.inspect` does, on one line; numbers as they stand."""
    if isinstance(value, dict):
        items = (f"{_key(name)}: {inspected(item)}" for name, item in value.items())
        return f"{{ {', '.join(items)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[ {', '.join(map(inspected, value))} ]" if value else "[]"
    if isinstance(value, str):
        return str(value) if isinstance(value, Bare) else f"'{value.translate(_ESCAPED)}'"
    return "null" if value is None else str(value).lower()


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else f"'{name.translate(_ESCAPED)}'"


# What Lambda did


def _platform(value: dict[str, Any]) -> str | None:
    kind, record = value["type"], value.get("record")
    if not isinstance(kind, str) or not isinstance(record, dict) or "time" not in value:
        return None
    if printed := _PRINTED.get(kind):
        return printed(record)
    return kind if kind.startswith("platform.") else None


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


_MEASURES = (
    ("Duration", "durationMs", "ms"),
    ("Billed Duration", "billedDurationMs", "ms"),
    ("Memory Size", "memorySizeMB", "MB"),
    ("Max Memory Used", "maxMemoryUsedMB", "MB"),
    ("Init Duration", "initDurationMs", "ms"),
)


def _start(record: dict[str, Any]) -> str:
    return f"START RequestId: {_text(record, 'requestId')} Version: {_text(record, 'version')}"


def _end(record: dict[str, Any]) -> str:
    return f"END RequestId: {_text(record, 'requestId')}"


def _report(record: dict[str, Any]) -> str:
    metrics = record.get("metrics")
    known = metrics if isinstance(metrics, dict) else {}
    measures = "".join(
        f"{title}: {known[name]} {unit}\t"
        for title, name, unit in _MEASURES
        if isinstance(known.get(name), Bare)
    )
    return f"REPORT RequestId: {_text(record, 'requestId')}\t{measures}{_status(record)}"


def _init_start(record: dict[str, Any]) -> str:
    version, arn = _text(record, "runtimeVersion"), _text(record, "runtimeVersionArn")
    return f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}"


def _init_report(record: dict[str, Any]) -> str:
    metrics = record.get("metrics")
    duration = metrics.get("durationMs") if isinstance(metrics, dict) else None
    head = f"INIT_REPORT Init Duration: {duration or '0'} ms\tPhase: {_text(record, 'phase')}\t"
    return head + _status({**record, "status": _text(record, "status").replace("failure", "error")})


def _status(record: dict[str, Any]) -> str:
    status, error = _text(record, "status"), _text(record, "errorType")
    if status in {"", "success"}:
        return ""
    return f"Status: {status}" + (f"\tError Type: {error}" if error else "")


_PRINTED: dict[str, Callable[[dict[str, Any]], str]] = {
    "platform.start": _start,
    "platform.runtimeDone": _end,
    "platform.end": _end,
    "platform.report": _report,
    "platform.initStart": _init_start,
    "platform.initReport": _init_report,
}
"""How Lambda's own events are printed; the others are counted by their type."""

_CRASH = re.compile(rb"\tStatus: (?:error|timeout)(?:\tError Type: ([^\t\n]++))?")


def crash_of(text: bytes, start: int, end: int) -> bytes | None:
    """Return what crashed the invocation that a converted report is of; None: nothing did.

    `failure` is no crash: the function itself returned an error.
    """
    match = _CRASH.search(text, start, end)
    if not match:
        return None
    return match[1] or match[0].rpartition(b": ")[2]
