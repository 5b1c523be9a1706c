"""Log events in JSON: documents with a list of events, or an object for each.

Documents are what filter-log-events, get-log-events and get-query-results print and what
subscriptions send, one or many in a file; objects of their own are rows of Logs Insights, events
taken out of such a document, and the lines of Lambda's JSON log format.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from trueup.sources.aws.events import DAMAGED, LIMIT, Event, Note, Tally
from trueup.sources.aws.json_text import BrokenJsonError, JsonText
from trueup.sources.aws.text import PIECE, pieces_of

_CONTROL = "CONTROL_MESSAGE"
"""Type of the message by which a subscription tries its destination."""

_RECORDS = frozenset({"Records", "records"})
_DEEPEST = 3
"""Documents inside documents: a subscription's, in a record, in an event that was saved."""


def read_documents(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[Event]:
    """Yield the events of documents that hold lists of them, as they stand."""
    yield from _Documents(JsonText(pieces), tally, note).read()


def read_objects(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[Event]:
    """Yield an event for each object, as they stand; lists of objects are taken apart."""
    json = JsonText(pieces)

    def read() -> Iterator[Event]:
        value = json.value()
        event = _row(tally, value) if _is_row(value) else _line(tally, value, json.raw)
        if event is not None:
            yield event

    yield from _of_objects(json, read, note)


def _of_objects(json: JsonText, read: Callable[[], Iterator[Event]], note: Note) -> Iterator[Event]:
    """Yield what `read` makes of each object of the text, at the top or in lists."""
    depth = 0
    try:
        while following := json.peek():
            if following == "{":
                yield from read()
                continue
            if following in "[]":
                depth = max(0, depth + (1 if following == "[" else -1))
            elif following not in ",\x1e":
                note("text between the JSON values was left out")
                json.skip_line()
                continue
            json.skip()
        if depth:
            note("the JSON is cut off")
    except BrokenJsonError as broken:
        note(str(broken))


@dataclass(slots=True)
class _Told:
    """What a document has told of itself so far, and the events that wait for more."""

    stream: str | None = None
    is_control: bool = False
    waiting: list[Event] = field(default_factory=list)
    size: int = 0

    def keep(self, event: Event) -> None:
        self.waiting.append(event)
        self.size += len(event.message)

    def release(self) -> Iterator[Event]:
        """Yield the events that wait, now that their stream is known or never will be."""
        waiting, self.waiting, self.size = self.waiting, [], 0
        if not self.is_control:
            for event in waiting:
                yield event._replace(stream=self.stream or "")


class _Documents:
    def __init__(self, json: JsonText, tally: Tally, note: Note, depth: int = 0) -> None:
        self.json = json
        self.tally = tally
        self.note = note
        self.depth = depth

    def read(self) -> Iterator[Event]:
        yield from _of_objects(self.json, self._document, self.note)

    def _document(self) -> Iterator[Event]:
        told = _Told()
        try:
            for key in self.json.keys():  # noqa: SIM118  (it is no dict)
                yield from self._field(key, told)
        except BrokenJsonError:
            yield from told.release()
            raise
        yield from told.release()

    def _field(self, key: str, told: _Told) -> Iterator[Event]:
        is_list = self.json.peek() == "["
        if is_list and key == "logEvents":
            yield from self._log_events(told)
        elif is_list and (key in _RECORDS or key in _LISTED):
            for item in self.json.items():
                if key in _RECORDS:
                    yield from self._packed(_data_of(item))
                elif (event := _LISTED[key](self.tally, item)) is not None:
                    yield event
        else:
            value = self.json.value()
            if key == "logStream":
                told.stream = self.tally.stream(value)
            elif key == "messageType":
                told.is_control = value == _CONTROL
            elif key == "awslogs":
                yield from self._packed(value.get("data") if isinstance(value, dict) else None)

    def _log_events(self, told: _Told) -> Iterator[Event]:
        """Read a subscription's events, whose stream the document tells, before them or after."""
        for item in self.json.items():
            if told.is_control:
                continue
            event = _listed(self.tally, item)
            if event is not None:
                told.keep(event)
            if told.stream is not None or told.size > LIMIT:
                yield from told.release()

    def _packed(self, data: object) -> Iterator[Event]:
        """Read the documents in a record's data: base64, and gzip under it."""
        try:
            found = base64.b64decode(data) if isinstance(data, str) else b""
        except ValueError:
            found = b""
        if not found or self.depth >= _DEEPEST:
            self.tally.leave_out(DAMAGED.why)
            return
        json = JsonText(pieces_of(_unpacked(found), self.note))
        yield from _Documents(json, self.tally, self.note, self.depth + 1).read()


def _data_of(record: object) -> object:
    if not isinstance(record, dict):
        return None
    inner = record.get("kinesis", record)
    return inner.get("data", inner.get("Data")) if isinstance(inner, dict) else None


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """Yield what gzip data holds, to its damage, a piece at a time; other data as it is."""
    while packed.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                piece = member.decompress(packed, PIECE)
            except zlib.error:
                return
            packed = member.unconsumed_tail
            yield piece
            if not piece and not packed and not member.eof:
                return
        packed = member.unused_data
    yield packed


def _listed(tally: Tally, item: object) -> Event | None:
    """Take an event as filter-log-events prints it."""
    if not isinstance(item, dict):
        tally.unreadable(item)
        return None
    return tally.event(item.get("logStreamName"), item.get("timestamp"), item.get("message"))


def _result(tally: Tally, item: object) -> Event | None:
    """Take a row of get-query-results: a list of its fields."""
    if not isinstance(item, list):
        tally.unreadable(item)
        return None
    cells = (cell for cell in item if isinstance(cell, dict))
    return _row(tally, {str(cell.get("field")): cell.get("value") for cell in cells})


_LISTED: dict[str, Callable[[Tally, object], Event | None]] = {
    "events": _listed,
    "results": _result,
}
"""How an item is read, by the key of its list."""


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and ("@message" in value or "@timestamp" in value)


def _row(tally: Tally, value: object) -> Event | None:
    """Take a row of Logs Insights."""
    row = value if isinstance(value, dict) else {}
    return tally.event(row.get("@logStream"), row.get("@timestamp"), row.get("@message"))


_OUTSIDE_STRINGS = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|\s+', re.DOTALL)


def on_one_line(json: str) -> str:
    """Return a JSON text without the space between its tokens, which stay as they are."""
    return _OUTSIDE_STRINGS.sub(r"\1", json)


def _line(tally: Tally, value: object, raw: Callable[[], str]) -> Event | None:
    """Take an object of Lambda's JSON log format, which is a message, or a single event."""
    if not isinstance(value, dict):
        tally.unreadable(value)
        return None
    at = value.get("timestamp")
    if not isinstance(at, str) and "message" in value and "level" not in value:
        return _listed(tally, value)
    record = value.get("record")
    if isinstance(record, str) and "time" in value:  # a line of text, as the Telemetry API has it
        return tally.event("", value["time"], record)
    metric = value.get("_aws")
    at = at or value.get("time") or (metric.get("Timestamp") if isinstance(metric, dict) else None)
    text = raw()
    return tally.event("", at, on_one_line(text) if "\n" in text else text)
