"""Logs in Lambda's JSON format, made of the classic ones: the other way of `logs.lambda_json`."""

from __future__ import annotations

import json
import re
from typing import Any

from aws_shapes import Told

_APP = re.compile(r"(\S+Z)\t([^\t]+)\t([A-Z]+)\t(.*)", re.DOTALL)
_BLOCKED = re.compile(
    r"\{\s+message: '(?P<message>Subscriber will have [^']+)',\s+data: \{\s+(?P<data>.*?)\s+\}\s+\}",
    re.DOTALL,
)
_MEASURE = {
    "Duration": "durationMs",
    "Billed Duration": "billedDurationMs",
    "Memory Size": "memorySizeMB",
    "Max Memory Used": "maxMemoryUsedMB",
    "Init Duration": "initDurationMs",
}


class _Number(float):
    """A number that JSON prints as it stood."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _as_json(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, dict):
        items = (f"{json.dumps(k)}:{_as_json(v)}" for k, v in value.items() if v is not None)
        return f"{{{','.join(items)}}}"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_message(time: str, message: str) -> str:
    """Print a message as the same function does when its log format is JSON."""
    if match := _APP.fullmatch(message):
        return _application(*match.groups())
    record: dict[str, Any] = {}
    if match := re.match(r"(START|END|REPORT) RequestId: (\S+)", message):
        record["requestId"] = match[2]
    if message.startswith("START "):
        kind = "start"
        record["version"] = message.rpartition("Version: ")[2]
    elif message.startswith("END "):
        kind, record["status"] = "runtimeDone", "success"
    elif message.startswith("REPORT "):
        kind = "report"
        record["metrics"] = _measures(message)
        record["status"] = "success"
    elif message.startswith("INIT_START "):
        kind = "initStart"
        match = re.search(r"Runtime Version: (\S+)\tRuntime Version ARN: (\S+)", message)
        record |= {"initializationType": "on-demand", "phase": "init"}
        record["runtimeVersion"], record["runtimeVersionArn"] = (
            match.groups() if match else ("", "")
        )
    elif message.startswith("INIT_REPORT "):
        kind = "initReport"
        match = re.search(r"Phase: (\w+)\tStatus: (\w+)\tError Type: (\S+)", message)
        assert match is not None, message
        record["phase"], record["status"], record["errorType"] = match.groups()
        record["metrics"] = {
            "durationMs": _measures("\t" + message.partition(" ")[2])["initDurationMs"]
        }
    else:
        return message
    return _as_json({"time": time, "type": f"platform.{kind}", "record": record})


def _measures(text: str) -> dict[str, _Number]:
    found = re.findall(r"\t([A-Z][A-Za-z ]+): ([\d.]+) (?:ms|MB)", text)
    return {_MEASURE[name]: _number(value) for name, value in found}


def _application(time: str, request: str, level: str, text: str) -> str:
    message: Any = text
    if blocked := _BLOCKED.fullmatch(text.strip()):
        data: dict[str, Any] = {}
        for line in re.split(r",\s+", blocked["data"]):
            name, _, value = line.partition(": ")
            quoted = value.startswith("'")
            data[name] = (
                value.strip("'") if quoted else None if value == "undefined" else _number(value)
            )
        message = {"message": blocked["message"], "data": data}
    elif text.startswith("Uncaught Exception"):
        error = json.loads(text.partition("\t")[2])
        message = {
            "errorType": error["errorType"],
            "errorMessage": error["errorMessage"],
            "stackTrace": error.pop("stack"),
        }
    known = None if request == "undefined" else request
    return _as_json({"timestamp": time, "level": level, "requestId": known, "message": message})


def as_json(events: list[Told]) -> list[Told]:
    """Return the events of a function whose log format is JSON."""
    return [(stream, time, json_message(time, message)) for stream, time, message in events]
