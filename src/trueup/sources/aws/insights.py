"""Tables that the CloudWatch console saves as CSV, and the order of Logs Insights' rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from trueup.sources.aws.events import LIMIT, TOO_LARGE, Event, Note, Tally

TIME_COLUMNS = ("@timestamp", "timestamp")
MESSAGE_COLUMNS = ("@message", "message")
_STREAM_COLUMNS = ("@logStream", "logStreamName", "logStream")

_CELL = {
    mark: re.compile(
        # A cell in quotes, and what people's editors leave behind the last of them.
        rf'(?:"([^"]*+(?:""[^"]*+)*+)"[^{mark}\r\n]*+|((?!")[^{mark}\r\n]*+))({mark}|\r?\n)'
    )
    for mark in (",", ";", "\t")
}
_MARK = re.compile(r'"?@?[a-zA-Z]\w*"?([,;\t])')
_NEXT_ROW = re.compile(r'\n(?="?\d{4}-\d\d-\d\d[ T]\d\d:|"?\d{13}\b)')


def header_of(text: str) -> list[str] | None:
    """Return the names of a table's columns, if the text begins with them."""
    rows = _rows(iter((text.lstrip("\ufeff"), "\n")), Tally(), _nothing)
    header = next(rows, None) if _MARK.match(text.lstrip("\ufeff")) else None
    return [name.strip() for name in header] if header else None


def _nothing(_: str) -> None:
    pass


def read_table(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[Event]:
    """Yield the event of each row, as they stand."""
    rows = _rows(pieces, tally, note)
    header = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
    at, message, stream = (
        next((header.index(name) for name in names if name in header), None)
        for names in (TIME_COLUMNS, MESSAGE_COLUMNS, _STREAM_COLUMNS)
    )
    if at is None or message is None:
        return
    for row in rows:
        if len(row) < len(header):
            if row != [""]:
                tally.leave_out("a row with fewer cells than the header")
            continue
        event = tally.event(row[stream] if stream is not None else "", row[at], row[message])
        if event is not None:
            yield event


def _rows(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[list[str]]:
    text, place = "", 0
    row: list[str] = []
    cell_pattern: re.Pattern[str] | None = None
    is_over = False
    while True:
        if cell_pattern is None and "\n" in text:
            mark = _MARK.match(text.lstrip("\ufeff"))
            cell_pattern = _CELL[mark[1] if mark else ","]
        while cell_pattern and (cell := cell_pattern.match(text, place)):
            quoted, plain, end = cell.groups()
            row.append(plain if quoted is None else quoted.replace('""', '"'))
            place = cell.end()
            if end.endswith("\n"):
                yield row
                row = []
        if is_over:
            if place < len(text) or row:
                note("the table is cut off in the middle of an event")
            return
        text, place = text[place:], 0
        if len(text) > LIMIT:
            # A quote that is never closed: go on at the next row that looks like one.
            tally.leave_out(TOO_LARGE.why)
            row = []
            text = _to_next_row(text, pieces)
        piece = next(pieces, None)
        if piece is None:
            is_over = True
            # The last row may end without a newline.
            piece = "\n" if text or row else ""
        text += piece


def _to_next_row(text: str, pieces: Iterator[str]) -> str:
    """Return the text from the next beginning of a row on."""
    while not (found := _NEXT_ROW.search(text)):
        piece = next(pieces, None)
        if piece is None:
            return ""
        text = text[-32:] + piece
    return text[found.end() :]


_MOST_AT_ONCE = 10_000
"""Events of one millisecond that are held back to be turned round: no log comes near it."""

_PLATFORM = re.compile(
    rb"(START|END|REPORT) RequestId: (\S++)"
    rb'|\{.{0,80}?"type":\s?"platform\.(start|runtimeDone|report)".{0,400}?"requestId":\s?"([^"]++)"',
    re.DOTALL,
)
_STEP = {b"START": 0, b"start": 0, b"END": 1, b"runtimeDone": 1, b"REPORT": 2, b"report": 2}


def in_log_order(events: Iterable[Event]) -> Iterator[Event]:
    """Put the events of each millisecond in the order of the log.

    Logs Insights shows the newest first unless told otherwise, and within a millisecond the last.
    Times are put in order later, by whoever reads the stream; ties stand as they are, so those are
    turned round here: where START, END and REPORT of an invocation that share a millisecond prove
    it, else where the times of the rows fall more often than they rise. Nothing but the events
    of one millisecond is held.
    """
    order = _Order()
    run: list[Event] = []
    for event in events:
        if run and (event.time != run[0].time or len(run) >= _MOST_AT_ONCE):
            order.step(run[0].time, event.time)
            yield from order.restored(run)
            run = []
        run.append(event)
    yield from order.restored(run)


class _Order:
    def __init__(self) -> None:
        self.rises = 0
        self.is_proved: bool | None = None
        """Whether the latest proof said that ties are turned round."""

    def step(self, before: bytes, after: bytes) -> None:
        self.rises += (after > before) - (after < before)

    def restored(self, run: list[Event]) -> list[Event]:
        if len(run) < 2:  # noqa: PLR2004
            return run
        proof = _proof(run)
        if proof is not None:
            self.is_proved = proof
        is_turned = self.rises < 0 if self.is_proved is None else self.is_proved
        return run[::-1] if is_turned else run


def _proof(run: list[Event]) -> bool | None:
    """Tell by an invocation's platform lines whether the run is turned round; None: no proof."""
    seen: dict[bytes, int] = {}
    for event in run:
        if match := _PLATFORM.match(event.message):
            step, request = match[1] or match[3], match[2] or match[4]
            if request in seen and seen[request] != _STEP[step]:
                return seen[request] > _STEP[step]
            seen[request] = _STEP[step]
    return None
