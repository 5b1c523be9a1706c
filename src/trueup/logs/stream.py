"""From a stream's entries to invocations, messages, transactions and sync errors.

A stream is one sandbox of the Lambda. Its entries come in order of time, and each application
entry carries its request id, so that outcomes find their message and transaction however the
file mixed the lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from trueup.logs.entries import Entry, Source, read_entries
from trueup.logs.kinds import UNREADABLE
from trueup.logs.layouts import (
    read_blocked,
    read_details,
    read_json_object,
    read_metrics,
    read_sync_error,
    read_transaction,
)
from trueup.logs.rows import Rows
from trueup.schema import TABLES

UNKNOWN = "unknown"
"""Outcome of an attempt whose log was cut off before it."""

_MEASURE = re.compile(rb"\t([A-Z][A-Za-z ]{1,30}): (\d{1,15}(?:\.\d{1,9})?) (?:ms|MB)")
_RUNTIME = re.compile(rb" Runtime Version: ([^\s]{1,100})")
_INIT_FAILED = re.compile(rb"\tPhase: init\tStatus: (?:error|timeout)")
_ERROR_LENGTH = 300  # a first line longer than this is a data dump, not an error's name

_MESSAGE = {column.name: place for place, column in enumerate(TABLES["messages"])}
_TRANSACTION = {column.name: place for place, column in enumerate(TABLES["transactions"])}
_SUBSCRIBER_ID = _TRANSACTION["subscriber_id"]


class _Invocation:
    """One invocation as far as the stream's entries have told it."""

    __slots__ = (
        "attempts", "crash", "ended_at", "error", "file", "line", "measures", "message",
        "open_message", "open_transactions", "request_id", "runtime", "started_at", "transactions",
    )  # fmt: skip

    def __init__(self, request_id: bytes, runtime: bytes | None, entry: Entry) -> None:
        self.request_id = request_id
        self.runtime = runtime
        self.started_at: bytes | None = None
        self.ended_at: bytes | None = None
        self.measures: dict[bytes, bytes] = {}
        self.error: bytes | None = None
        self.crash: bytes | None = None
        self.file = entry.file
        self.line = entry.line
        self.attempts = 0
        self.message: list[Any] | None = None  # the message under way, settled or not
        self.open_message: list[Any] | None = None  # the same while it waits for its outcome
        self.open_transactions: list[list[Any]] = []  # those that wait for their outcome
        self.transactions: list[list[Any]] = []

    def next_attempt(self) -> bytes:
        self.attempts += 1
        return b"%s.%d" % (self.request_id, self.attempts)

    def status(self) -> str:
        if self.crash is not None:
            return "crashed"
        if self.error is not None:
            return "failed"
        return "ok" if self.ended_at else "unfinished"

    def row(self, stream: str) -> tuple[Any, ...]:
        measure = self.measures.get
        return (
            self.request_id, stream, self.started_at, self.ended_at,
            measure(b"Duration"), measure(b"Billed Duration"), measure(b"Memory Size"),
            measure(b"Max Memory Used"), measure(b"Init Duration"), self.runtime,
            self.status(), self.crash if self.crash is not None else self.error,
            self.file, self.line,
        )  # fmt: skip


class _Stream:
    """The reading of one stream: what is open, and the rows so far."""

    def __init__(self, name: str, rows: Rows) -> None:
        self.name = name
        self.rows = rows
        self.tables = rows.tables
        self.place = 0
        self.invocations: dict[bytes, _Invocation] = {}
        self.current: _Invocation | None = None  # between START and END
        self.ended: _Invocation | None = None
        self.runtime: bytes | None = None
        self.uncaught: bytes | None = None  # the latest exception that nothing has claimed yet
        self.early_crash: tuple[bytes, bytes] | None = None
        self.readers: dict[str, Callable[[Entry], None]] = {
            "processing_message": self.begin_message,
            "start_syncing": self.add_transaction,
            "applied": self.settle,
            "already_synced": self.settle,
            "skipped": self.skip,
            "blocked": self.block,
            "failed": self.fail,
            "sync_error": self.add_sync_error,
            "transaction_json": self.add_details,
            "record_body": self.add_details,
            "record": self.add_details,
            "uncaught_exception": self.note_exception,
            "start": self.start,
            "end": self.end,
            "report": self.report,
            "init_start": self.init_start,
            "init_report": self.init_report,
            "crash": self.crash,
            "metric": self.add_metrics,
        }

    def read(self, entries: list[Entry]) -> None:
        readers = self.readers
        for entry in entries:
            reader = readers.get(entry.kind)
            if reader:
                reader(entry)
        self.close()

    # Messages and transactions

    def begin_message(self, entry: Entry) -> None:
        invocation = self.invocation(entry)
        self.drop_open(invocation)
        message = [
            invocation.next_attempt(), entry.match["message_id"], invocation.request_id,
            entry.time, UNKNOWN, None, None, None, None, entry.file, entry.line, entry.line,
        ]  # fmt: skip
        invocation.message = invocation.open_message = message
        self.tables["messages"].append(message)

    def add_transaction(self, entry: Entry) -> None:
        invocation = self.invocation(entry)
        transaction, problems = read_transaction(
            entry.match.string, entry.match.end(), entry.end
        )
        for problem in problems:
            self.rows.add_problem(entry.file, entry.line, *problem)
        if transaction is None:
            self.mark_unreadable(entry)
            return
        message = invocation.open_message
        if message is None or invocation.open_transactions:
            # Logged without a message of its own, or again under the same one.
            attempt_id = invocation.next_attempt()
        else:
            attempt_id = message[0]
        if message is not None and message[_MESSAGE["subscriber_id"]] is None:
            message[_MESSAGE["subscriber_id"]] = transaction.subscriber_id
        self.place += 1
        row = [
            attempt_id, transaction.transaction_id, message[1] if message else None,
            invocation.request_id, self.name, self.place, entry.time, *transaction[1:],
            UNKNOWN, None, None, b"false", entry.file, entry.line, entry.last_line,
        ]  # fmt: skip
        invocation.open_transactions.append(row)
        invocation.transactions.append(row)
        self.tables["transactions"].append(row)

    def settle(self, entry: Entry, detail: bytes | None = None) -> None:
        """Give the outcome to the message under way and to its transactions."""
        invocation = self.invocation(entry)
        message = invocation.open_message
        if message is not None:
            message[_MESSAGE["outcome"]] = entry.kind
            message[_MESSAGE["detail"]] = detail
            self.extend(message, entry)
        for transaction in invocation.open_transactions:
            transaction[_TRANSACTION["outcome"]] = entry.kind
        self.drop_open(invocation)

    def skip(self, entry: Entry) -> None:
        detail = entry.match["skip"] or b"update payment balance flag is false"
        self.settle(entry, detail)

    def block(self, entry: Entry) -> None:
        message = self.invocation(entry).open_message
        if message is not None:
            text = entry.match.string[entry.match.start(entry.kind) : entry.end]
            blocked = read_blocked(text)
            if blocked.subscriber_id:
                message[_MESSAGE["subscriber_id"]] = blocked.subscriber_id
            message[_MESSAGE["current_balance"]] = blocked.current_balance
            message[_MESSAGE["transaction_id"]] = blocked.transaction_id
        self.settle(entry)

    def fail(self, entry: Entry) -> None:
        error = _first_line(entry.match.string[entry.match.end() : entry.end])
        self.invocation(entry).error = error
        self.settle(entry, error)

    def add_sync_error(self, entry: Entry) -> None:
        invocation = self.invocation(entry)
        error, problems = read_sync_error(entry.match.string, entry.match.end(), entry.end)
        for problem in problems:
            self.rows.add_problem(entry.file, entry.line, *problem)
        if error is None:
            self.mark_unreadable(entry)
            return
        message = invocation.message
        attempt_id = message[0] if message else None
        # It follows its transaction: the latest of the same subscriber in the invocation.
        for transaction in reversed(invocation.transactions):
            if transaction[_SUBSCRIBER_ID] == error.subscriber_id:
                attempt_id = transaction[0]
                if transaction[_TRANSACTION["has_sync_error"]] == b"false":
                    place = _TRANSACTION["error_subscription_balance"]
                    transaction[place : place + 3] = (*error[1:], b"true")
                break
        if message is not None and message[0] == attempt_id:
            self.extend(message, entry)
        self.tables["sync_errors"].append(
            (attempt_id, invocation.request_id, entry.time, *error, entry.file, entry.line)
        )

    def add_details(self, entry: Entry) -> None:
        text = entry.match.string[entry.match.start(entry.kind) : entry.end]
        rows = read_details(text, entry.kind)
        if rows is None:
            self.mark_unreadable(entry)
            return
        details, contacts = rows
        self.tables["transaction_details"].append(details)
        self.tables["contacts"].append(contacts)

    @staticmethod
    def extend(message: list[Any], entry: Entry) -> None:
        """Let the message's lines reach to this entry, where it stands below in the same file."""
        last = _MESSAGE["last_line"]
        if message[_MESSAGE["file_id"]] == entry.file and message[last] < entry.last_line:
            message[last] = entry.last_line

    @staticmethod
    def drop_open(invocation: _Invocation) -> None:
        invocation.open_message = None
        if invocation.open_transactions:
            invocation.open_transactions = []

    # Invocations and the sandbox

    def invocation(self, entry: Entry, request_id: bytes | None = None) -> _Invocation:
        request_id = request_id or entry.match[2]
        found = self.invocations.get(request_id)
        if found is None:
            found = self.invocations[request_id] = _Invocation(request_id, self.runtime, entry)
        return found

    def start(self, entry: Entry) -> None:
        invocation = self.invocation(entry, entry.match["started"])
        invocation.started_at = invocation.started_at or entry.time
        self.current = invocation
        if self.early_crash and self.early_crash[0] == entry.time:
            invocation.crash = self.early_crash[1]
        self.early_crash = None

    def end(self, entry: Entry) -> None:
        invocation = self.invocation(entry, entry.match["ended"])
        invocation.ended_at = entry.time
        self.ended = invocation
        if self.current is invocation:
            self.current = None

    def report(self, entry: Entry) -> None:
        text = entry.match.string
        measures = dict(_MEASURE.findall(text, entry.match.end(), entry.end))
        if not measures:
            self.mark_unreadable(entry)
            return
        self.invocation(entry, entry.match["reported"]).measures = measures

    def init_start(self, entry: Entry) -> None:
        found = _RUNTIME.match(entry.match.string, entry.match.end(), entry.end)
        self.runtime = found[1] if found else None

    def init_report(self, entry: Entry) -> None:
        if _INIT_FAILED.search(entry.match.string, entry.match.end(), entry.end):
            error = self.claim_exception() or b"the sandbox did not start"
            self.tables["crashes_at_init"].append(
                (self.name, entry.time, error, entry.file, entry.line)
            )

    def note_exception(self, entry: Entry) -> None:
        text = entry.match.string[entry.match.end() : entry.end].strip()
        message = read_json_object(text).get("errorMessage")
        self.uncaught = _first_line(message.encode("utf-8", "replace") if isinstance(message, str) else text)

    def claim_exception(self) -> bytes | None:
        error, self.uncaught = self.uncaught, None
        return error

    def crash(self, entry: Entry) -> None:
        """Mark the invocation that is open in the stream.

        START, error and END may share a millisecond and stand in any order: then it is the one
        that ended, or the one that will start, in that millisecond.
        """
        text = entry.match.string[entry.match.start(entry.kind) : entry.end]
        error = self.claim_exception() or b" ".join(text.split())[:_ERROR_LENGTH]
        if self.current is not None:
            self.current.crash = error
        elif self.ended is not None and self.ended.ended_at == entry.time:
            self.ended.crash = error
        else:
            self.early_crash = (entry.time, error)

    def add_metrics(self, entry: Entry) -> None:
        text = entry.match.string[entry.match.start(entry.kind) : entry.end]
        request_id = self.current.request_id if self.current else None
        found = False
        for name, value, subscriber_id, action in read_metrics(text):
            found = True
            self.tables["metrics"].append(
                (request_id, entry.time, name, value, subscriber_id, action)
            )
        if not found:
            self.mark_unreadable(entry)

    def mark_unreadable(self, entry: Entry) -> None:
        """Count the entry as unreadable instead of as its kind, and say so."""
        self.rows.kinds[entry.file, entry.kind] -= 1
        self.rows.kinds[entry.file, UNREADABLE] += 1
        self.rows.add_problem(
            entry.file, entry.line, f"an entry of kind {entry.kind} cannot be read", entry.kind
        )

    def close(self) -> None:
        self.tables["invocations"].extend(
            invocation.row(self.name) for invocation in self.invocations.values()
        )


def _first_line(text: bytes) -> bytes:
    line = text.strip().partition(b"\n")[0].strip()
    # The cut may split a character; what is left of it goes.
    return line[:_ERROR_LENGTH].decode("utf-8", "ignore").encode()


def read_stream(name: str, sources: Sequence[Source], rows: Rows) -> None:
    """Read the files of one stream, given in order of name, into rows.

    `Rows.files` already holds the facts of each source's file; nothing in the text raises.
    """
    _Stream(name, rows).read(read_entries(sources, rows))
