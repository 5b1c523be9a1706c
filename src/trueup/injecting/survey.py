"""Where things stand in the text of a stream, and which of them can be edited.

Only what lies wholly in a file that reads without a flaw, in the layout that the service prints,
is touched; whatever else there is stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from trueup.logs.entries import Entry, Source, read_entries
from trueup.logs.lambda_json import lines_of
from trueup.logs.rows import FileFacts, Rows
from trueup.sources.loading import load, unpack
from trueup.sources.logfile import LogFile

Place = tuple[str, int]
"""Where an entry begins: the file's id and the line."""

OUTCOMES = frozenset({"applied", "already_synced", "skipped", "blocked", "failed"})

_AMOUNTS = frozenset(
    (b"amount", b"vat", b"oldBalance", b"newBalance", b"paymentBalance", b"subscriptionBalance")
)
_UNTYPED = (b"id", b"userId", b"currency", b"amount", b"vat", b"oldBalance", b"newBalance")
_TYPED = (
    b"id", b"type", b"source", b"action", b"userId", b"paymentBalance", b"updatePaymentBalance",
    b"metadata", b"currency", b"amount", b"vat", b"oldBalance", b"newBalance",
)  # fmt: skip
_LAYOUTS: dict[str, tuple[re.Pattern[bytes], tuple[tuple[bytes, ...], ...]]] = {
    "start_syncing": (re.compile(rb"^    (\w+): (.*?),?$", re.MULTILINE), (_UNTYPED, _TYPED)),
    "sync_error": (
        re.compile(rb"^  (\w+): (.*?),?$", re.MULTILINE),
        ((b"userId", b"subscriptionBalance", b"paymentBalance"),),
    ),
}
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text behind a newline of our own, its id, and how it was packed."""

    file_id: str
    content: bytes
    is_packed: bool
    is_flawless: bool


@dataclass(slots=True)
class Stream:
    """A stream's files, and the entries of it that can be edited."""

    texts: list[Text]
    known: dict[Place, Entry] = field(default_factory=dict)
    """Transactions with an outcome of their own, and sync errors."""
    outcomes: dict[Place, Entry] = field(default_factory=dict)
    """The outcome of each of these transactions."""
    ends: dict[str, Entry] = field(default_factory=dict)
    """The last entry of each invocation that ended, by request id."""

    def place(self, entry: Entry) -> Place:
        """Return where the entry begins."""
        return self.texts[entry[4]].file_id, entry[5]

    def can_edit(self, entry: Entry) -> bool:
        """Tell whether the entry lies in one flawless file, to its end, as classic text."""
        text = self.texts[entry[4]]
        return text.is_flawless and entry[3] <= len(text.content) and not lines_of(entry[2])


def streams(files: Sequence[LogFile]) -> Iterator[Stream]:
    """Yield the streams of the files, one at a time."""
    ordered = sorted(files, key=lambda file: (file.stream, file.name, file.path))
    for _, group in groupby(ordered, key=lambda file: file.stream):
        yield _survey(list(group))


def _survey(files: list[LogFile]) -> Stream:
    stream = Stream([_text(file) for file in files])
    rows = Rows()
    rows.files = [FileFacts(text.file_id, "", 0) for text in stream.texts]
    sources = [Source(place, text.content) for place, text in enumerate(stream.texts)]
    waiting: dict[bytes, list[Entry]] = {}
    for entry in read_entries(sources, rows):
        _note(stream, entry, waiting)
    return stream


def _text(file: LogFile) -> Text:
    loaded = load(file)
    with file.content.open() as opened:
        found = opened.read()
    is_packed = found.startswith(b"\x1f\x8b")
    plain = unpack(found)[0] if is_packed else found
    is_flawless = (
        not file.is_inner and loaded.is_whole and not loaded.problems and plain == loaded.text
    )
    return Text(loaded.file_id, b"\n" + loaded.text, is_packed, is_flawless)


def _note(stream: Stream, entry: Entry, waiting: dict[bytes, list[Entry]]) -> None:
    """Note an entry that matters; `waiting` holds each request's transactions without outcome."""
    kind, match = entry[1], entry[2]
    if kind == "start_syncing":
        waiting.setdefault(match[2], []).append(entry)
    elif kind == "processing_message":
        waiting.pop(match[2], None)
    elif kind in OUTCOMES:
        open_transactions = waiting.pop(match[2], [])
        if len(open_transactions) == 1:  # an outcome of several belongs to none of them alone
            _note_outcome(stream, open_transactions[0], entry)
    elif kind == "sync_error" and _is_known(stream, entry):
        stream.known[stream.place(entry)] = entry
    elif kind in {"end", "report"} and stream.can_edit(entry):
        stream.ends[match["ended" if kind == "end" else "reported"].decode()] = entry


def _note_outcome(stream: Stream, transaction: Entry, outcome: Entry) -> None:
    if _is_known(stream, transaction) and stream.can_edit(outcome):
        place = stream.place(transaction)
        stream.known[place] = transaction
        stream.outcomes[place] = outcome


def _is_known(stream: Stream, entry: Entry) -> bool:
    if not stream.can_edit(entry):
        return False
    _, kind, match, end, _, _ = entry
    line, layouts = _LAYOUTS[kind]
    fields = line.findall(match.string, match.end(), end)
    return tuple(name for name, _ in fields) in layouts and all(
        _NUMBER.fullmatch(value) for name, value in fields if name in _AMOUNTS
    )
