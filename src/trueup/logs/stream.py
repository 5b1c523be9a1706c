"""From a stream's entries to invocations, messages, transactions and sync errors.

A stream is one sandbox of the Lambda. Its entries come in order of time, and each application
entry carries its request id, so that outcomes find their message and transaction however the
file mixed the lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trueup.logs.entries import (
    MOST_OF_ENTRY,
    Entry,
    Source,
    entry_text,
    last_line,
    read_entries,
)
from trueup.logs.kinds import UNREADABLE, Markers
from trueup.logs.lambda_json import crash_of, lines_of
from trueup.logs.layouts import (
    Measures,
    Problem,
    encode,
    read_blocked,
    read_details,
    read_json_object,
    read_measures,
    read_metrics,
    read_sync_error,
    read_transaction,
)
from trueup.logs.rows import Rows
from trueup.schema import TABLES

UNKNOWN = b"unknown"
"""Outcome of an attempt whose log was cut off before it."""

_RUNTIME = re.compile(rb"INIT_START Runtime Version: (\S++)")
_INIT_FAILED = re.compile(rb"\tPhase: init\tStatus: (?:error|timeout)")
_FLAG_IS_FALSE = b"Update Payment Balance Flag is set to false"
_ERROR_LENGTH = 300  # a first line longer than this is a data dump, not an error's name

_MESSAGE = [column.name for column in TABLES["messages"]]
_OUTCOME_OF_MESSAGE = _MESSAGE.index("outcome")
_SUBSCRIBER_OF_MESSAGE = _MESSAGE.index("subscriber_id")
_FILE_OF_MESSAGE = _MESSAGE.index("file_id")
_LAST_LINE_OF_MESSAGE = _MESSAGE.index("last_line")

_TRANSACTION = [column.name for column in TABLES["transactions"]]
_SUBSCRIBER = _TRANSACTION.index("subscriber_id")
_OUTCOME = _TRANSACTION.index("outcome")
_REQUEST_OF = {
    "messages": _MESSAGE.index("request_id"),
    "transactions": _TRANSACTION.index("request_id"),
}
"""Where the request id stands in the rows that later entries of the invocation change."""

_TYPES = {b"CREDIT", b"DEBIT", b""}
_ERROR = _TRANSACTION.index("error_subscription_balance")


class _Invocation:
    """One invocation as far as the stream's entries have told it."""

    __slots__ = (
        "attempts",
        "crash",
        "ended_at",
        "error",
        "file",
        "latest",
        "line",
        "measures",
        "message",
        "open_message",
        "open_transactions",
        "request_id",
        "runtime",
        "started_at",
    )  # fmt: skip

    def __init__(self, request_id: bytes, runtime: bytes, entry: Entry) -> None:
        self.request_id = request_id
        self.runtime = runtime
        self.started_at = b""
        self.ended_at = b""
        self.measures: Measures = (b"",) * 5
        self.error: bytes | None = None
        self.crash: bytes | None = None
        self.file = entry[4]
        self.line = entry[5]
        self.attempts = 0
        self.message: list[Any] | None = None  # the message under way, settled or not
        self.open_message: list[Any] | None = None  # the same while it waits for its outcome
        self.open_transactions: list[list[Any]] = []  # those that wait for their outcome
        self.latest: dict[bytes, list[Any]] = {}
        """The latest transaction of each subscriber since the message under way began."""

    def status(self) -> bytes:
        if self.crash is not None:
            return b"crashed"
        if self.error is not None:
            return b"failed"
        return b"ok" if self.ended_at else b"unfinished"

    def row(self, stream: int) -> tuple[Any, ...]:
        return (
            self.request_id, stream, self.started_at, self.ended_at,
            *self.measures, self.runtime,
            self.status(), self.crash or self.error or b"",
            self.file, self.line,
        )  # fmt: skip


class _Stream:
    """The reading of one stream: what is open, and the rows so far."""

    def __init__(self, name: str, rows: Rows) -> None:
        self.stream = len(rows.streams)
        rows.streams.append(name)
        self.rows = rows
        self.messages = rows.tables["messages"]
        self.transactions = rows.tables["transactions"]
        self.sync_errors = rows.tables["sync_errors"]
        self.place = 0
        self.invocations: dict[bytes, _Invocation] = {}
        self.current: _Invocation | None = None  # between START and END
        self.ended: _Invocation | None = None
        self.runtime = b""
        self.uncaught: bytes | None = None  # the latest exception that nothing has claimed yet
        self.early_crash: tuple[bytes, bytes] | None = None

    def read(self, entries: Iterable[Entry]) -> None:
        """Take entries, which come in order of time."""
        for entry in entries:
            reader = _READERS.get(entry[1])
            if reader:
                reader(self, entry)

    # Messages and transactions

    def begin_message(self, entry: Entry) -> None:
        time, _, match, _, file, line = entry
        invocation = self.invocations.get(match[2]) or self.meet(match[2], entry)
        if invocation.open_transactions:
            invocation.open_transactions = []
        if invocation.latest:
            invocation.latest = {}
        invocation.attempts += 1
        message = [
            invocation.attempts, match["message_id"], match[2], time,
            UNKNOWN, b"", b"", b"", b"", file, line, line,
        ]  # fmt: skip
        invocation.message = invocation.open_message = message
        self.messages.append(message)

    def add_transaction(self, entry: Entry) -> None:
        time, _, match, end, file, line = entry
        invocation = self.invocations.get(match[2]) or self.meet(match[2], entry)
        fields, problems = read_transaction(match.string, match.end(), end)
        if problems:
            self.note(entry, problems)
        if fields is None:
            self.mark_unreadable(entry)
            return
        if fields[3] not in _TYPES:
            self.note(entry, [("the type is neither CREDIT nor DEBIT", "type")])
        message = invocation.open_message
        if message is None or invocation.open_transactions:
            # Logged without a message of its own, or again under the same one.
            invocation.attempts += 1
            attempt = invocation.attempts
        else:
            attempt = message[0]
        message_id = b""
        if message is not None:
            message_id = message[1]
            if not message[_SUBSCRIBER_OF_MESSAGE]:
                message[_SUBSCRIBER_OF_MESSAGE] = fields[1]
        self.place += 1
        row = [
            attempt, fields[0], message_id, match[2], self.stream, self.place, time,
            *fields[1:], UNKNOWN, b"", b"", b"false", file, line, last_line(entry),
        ]  # fmt: skip
        invocation.open_transactions.append(row)
        invocation.latest[fields[1]] = row
        self.transactions.append(row)

    def settle(self, entry: Entry, detail: bytes = b"") -> None:
        """Give the outcome to the message under way and to its transactions."""
        _, kind, match, _, file, line = entry
        invocation = self.invocations.get(match[2]) or self.meet(match[2], entry)
        message = invocation.open_message
        outcome = kind.encode()
        if message is not None:
            message[_OUTCOME_OF_MESSAGE] = outcome
            message[_OUTCOME_OF_MESSAGE + 1] = detail
            if message[_FILE_OF_MESSAGE] == file and message[_LAST_LINE_OF_MESSAGE] < line:
                message[_LAST_LINE_OF_MESSAGE] = line
            invocation.open_message = None
        for transaction in invocation.open_transactions:
            transaction[_OUTCOME] = outcome
        invocation.open_transactions = []

    def skip(self, entry: Entry) -> None:
        which = entry[2]["skip"] or entry_text(entry)
        if _FLAG_IS_FALSE in which:
            which = b"update payment balance flag is false"
        self.settle(entry, _first_line(which))

    def block(self, entry: Entry) -> None:
        message = self.invocation(entry).open_message
        if message is not None:
            subscriber_id, balance, transaction_id = read_blocked(entry_text(entry))
            place = _SUBSCRIBER_OF_MESSAGE
            message[place] = subscriber_id or message[place]
            message[place + 1 : place + 3] = balance, transaction_id
        self.settle(entry)
        self.extend(message, entry)

    def fail(self, entry: Entry) -> None:
        invocation = self.invocation(entry)
        error = _first_line(entry_text(entry)[entry[2].end() - entry[2].start("failed") :])
        message = invocation.open_message
        if message is not None or invocation.open_transactions:
            invocation.error = error
        self.settle(entry, error)
        self.extend(message, entry)

    def add_sync_error(self, entry: Entry) -> None:
        time, _, match, end, file, line = entry
        invocation = self.invocations.get(match[2]) or self.meet(match[2], entry)
        error, problems = read_sync_error(match.string, match.end(), end)
        if problems:
            self.note(entry, problems)
        if error is None:
            self.mark_unreadable(entry)
            return
        message = invocation.message
        attempt = message[0] if message else 0
        transaction = invocation.latest.get(error[0])
        if transaction is not None:
            attempt = transaction[0]
            if transaction[_ERROR + 2] == b"false":
                transaction[_ERROR : _ERROR + 3] = error[1], error[2], b"true"
        if message is not None and message[0] == attempt:
            self.extend(message, entry)
        self.sync_errors.append((attempt, match[2], time, *error, file, line))

    def add_details(self, entry: Entry) -> None:
        rows = read_details(entry_text(entry), entry[1])
        if rows is None:
            self.mark_unreadable(entry)
            return
        details, contacts = rows
        self.rows.tables["transaction_details"].append(details)
        self.rows.tables["contacts"].append((*contacts, entry[0]))

    @staticmethod
    def extend(message: list[Any] | None, entry: Entry) -> None:
        """Let the message's lines reach to the end of this entry, if it stands below it."""
        if message is not None and message[_FILE_OF_MESSAGE] == entry[4]:
            line = last_line(entry)
            message[_LAST_LINE_OF_MESSAGE] = max(message[_LAST_LINE_OF_MESSAGE], line)

    # Invocations and the sandbox

    def invocation(self, entry: Entry) -> _Invocation:
        request_id = entry[2][2]
        return self.invocations.get(request_id) or self.meet(request_id, entry)

    def meet(self, request_id: bytes, entry: Entry) -> _Invocation:
        """Begin an invocation at the first entry that names it."""
        met = self.invocations[request_id] = _Invocation(request_id, self.runtime, entry)
        return met

    def start(self, entry: Entry) -> None:
        request_id = entry[2]["started"]
        invocation = self.invocations.get(request_id) or self.meet(request_id, entry)
        invocation.started_at = invocation.started_at or entry[0]
        self.current = invocation
        if self.early_crash:
            time, error = self.early_crash
            if time == entry[0]:
                invocation.crash = error
            self.early_crash = None

    def end(self, entry: Entry) -> None:
        request_id = entry[2]["ended"]
        invocation = self.invocations.get(request_id) or self.meet(request_id, entry)
        invocation.ended_at = entry[0]
        self.ended = invocation
        if self.current is invocation:
            self.current = None

    def report(self, entry: Entry) -> None:
        _, _, match, end, _, _ = entry
        measures = read_measures(match.string, match.end(), end)
        if measures is None:
            self.mark_unreadable(entry)
            return
        request_id = match["reported"]
        invocation = self.invocations.get(request_id) or self.meet(request_id, entry)
        invocation.measures = measures
        if lines_of(match):
            self.end_by_report(invocation, entry)

    def end_by_report(self, invocation: _Invocation, entry: Entry) -> None:
        """End the invocation of a report in Lambda's JSON format.

        There the report may be all that tells: `platform.runtimeDone` is logged only where the
        level of system logs is DEBUG, or something went wrong, and a crash is the report's status.
        """
        time, _, match, end, _, _ = entry
        if not invocation.ended_at:
            invocation.ended_at = time
            self.ended = invocation
        if self.current is invocation:
            self.current = None
        crash = crash_of(match.string, match.end(), end)
        if crash is not None and invocation.crash is None:
            invocation.crash = self.claim_exception() or crash

    def init_start(self, entry: Entry) -> None:
        found = _RUNTIME.match(entry_text(entry))
        self.runtime = _first_line(found[1]) if found else b""

    def init_report(self, entry: Entry) -> None:
        time, _, _, _, file, line = entry
        if _INIT_FAILED.search(entry_text(entry)):
            error = self.claim_exception() or b"the sandbox did not start"
            self.rows.tables["crashes_at_init"].append((self.stream, time, error, file, line))

    def note_exception(self, entry: Entry) -> None:
        text = entry_text(entry).removeprefix(b"Uncaught Exception").strip()
        message = read_json_object(text).get("errorMessage")
        self.uncaught = _first_line(encode(message) if isinstance(message, str) else text)

    def claim_exception(self) -> bytes | None:
        error, self.uncaught = self.uncaught, None
        return error

    def crash(self, entry: Entry) -> None:
        """Mark the invocation that is open in the stream.

        START, error and END may share a millisecond and stand in any order: then it is the one
        that ended, or the one that will start, in that millisecond.
        """
        text = b" ".join(entry_text(entry).split())
        error = self.claim_exception() or _first_line(text)
        if self.current is not None:
            self.current.crash = error
        elif self.ended is not None and self.ended.ended_at == entry[0]:
            self.ended.crash = error
        else:
            self.early_crash = (entry[0], error)

    def add_metrics(self, entry: Entry) -> None:
        request_id = self.current.request_id if self.current else b""
        metrics = read_metrics(entry_text(entry))
        if not metrics:
            self.mark_unreadable(entry)
        self.rows.tables["metrics"].extend((request_id, entry[0], *metric) for metric in metrics)

    # Bad data

    def note(self, entry: Entry, problems: list[Problem]) -> None:
        for problem in problems:
            self.rows.add_problem(entry[4], entry[5], *problem)

    def mark_unreadable(self, entry: Entry) -> None:
        """Count the entry as unreadable instead of as its kind, and say so."""
        _, kind, _, _, file, line = entry
        self.rows.kinds[file, kind] -= 1
        self.rows.kinds[file, UNREADABLE] += 1
        problem = f"an entry of kind {kind} cannot be read"
        self.rows.add_problem(file, line, problem, kind)

    def close(self) -> None:
        """Add the rows of the invocations: the stream has ended."""
        rows = [invocation.row(self.stream) for invocation in self.invocations.values()]
        self.rows.tables["invocations"].extend(rows)
        self.invocations = {}

    def hand_on(self, over: Iterable[bytes]) -> Rows:
        """Return the rows that nothing will change any more, and forget them.

        `over` names the invocations that have ended; the one that is open in the stream, and the
        one that ended last, stay.
        """
        for request_id in over:
            invocation = self.invocations[request_id]
            if invocation is not self.current and invocation is not self.ended:
                self.rows.tables["invocations"].append(invocation.row(self.stream))
                del self.invocations[request_id]
        handed = Rows(self.rows.files, self.rows.streams, is_last=False)
        for name, rows in self.rows.tables.items():
            place = _REQUEST_OF.get(name)
            stay: list[Any] = []
            if place is not None:
                stay = [row for row in rows if row[place] in self.invocations]
                rows = [row for row in rows if row[place] not in self.invocations]  # noqa: PLW2901
            handed.tables[name] = rows[:]
            self.rows.tables[name][:] = stay
        return handed


_READERS: dict[str, Callable[[_Stream, Entry], None]] = {
    "processing_message": _Stream.begin_message,
    "start_syncing": _Stream.add_transaction,
    "applied": _Stream.settle,
    "already_synced": _Stream.settle,
    "skipped": _Stream.skip,
    "blocked": _Stream.block,
    "failed": _Stream.fail,
    "sync_error": _Stream.add_sync_error,
    "transaction_json": _Stream.add_details,
    "record_body": _Stream.add_details,
    "record": _Stream.add_details,
    "uncaught_exception": _Stream.note_exception,
    "start": _Stream.start,
    "end": _Stream.end,
    "report": _Stream.report,
    "init_start": _Stream.init_start,
    "init_report": _Stream.init_report,
    "crash": _Stream.crash,
    "metric": _Stream.add_metrics,
}
"""What is done with an entry, by its kind; kinds that are only counted are not here."""


def _first_line(text: bytes) -> bytes:
    line = text.strip().partition(b"\n")[0].strip()
    # The cut may split a character; what is left of it goes.
    return line[:_ERROR_LENGTH].decode("utf-8", "ignore").encode()


def read_stream(
    name: str,
    sources: Sequence[Source],
    rows: Rows,
    markers: Markers = (),
    most: int = MOST_OF_ENTRY,
) -> None:
    """Read the files of one stream, given in order of name, into rows.

    `Rows.files` already holds the facts of each source's file; nothing in the text raises.
    """
    stream = _Stream(name, rows)
    stream.read(read_entries(sources, rows, markers, most))
    stream.close()
