"""The kinds of entry that the logs hold: their one list, and the expression that tells them apart.

An entry starts with the export's timestamp and a space. Application entries go on with the
Lambda's own time, request id and level; platform entries say at once what they are. What comes
next, the opening, tells the kind. `docs/kinds.md` is made from this list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

TIMESTAMP = rb"\d{4}-[01]\d-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry: its name, who writes it, the expression of its opening, its meaning."""

    name: str
    writer: str
    opening: bytes
    meaning: str


KINDS: tuple[Kind, ...] = (
    Kind("processing_message", "app", rb"Processing message (?P<message_id>\S++)", "A message of the batch is taken up; what follows belongs to it."),
    Kind("start_syncing", "app", rb"Start syncing the balance\b", "The message's transaction, printed in full."),
    Kind("applied", "app", rb"SubscriptionBalanceUpdated event published", "Outcome: the subscription balance was changed to newBalance."),
    Kind("already_synced", "app", rb"(?:Skipping the process, b|B)alance is already synced from other listeners", "Outcome: another listener has dealt with it; nothing was changed here."),
    Kind("skipped", "app", rb"Skipping the (?:balance )?sync for (?P<skip>[^,\n]++)|(?:Skipping the process, )?Update Payment Balance Flag is set to false", "Outcome: no balance is to be synced for this message; which skip is kept as its detail."),
    Kind("blocked", "app", rb"\{\s+message: 'Subscriber will have a negative balance due to this action", "Outcome: refused, since the balance would have gone below zero."),
    Kind("failed", "app", rb"An error occurr?ed while syncing the balance", "Outcome: an error stopped it; the queue delivers the message again."),
    Kind("sync_error", "app", rb"Subscription balance and payment balance are not in sync\b", "The two balances differed after the transaction."),
    Kind("transaction_json", "app", rb"transaction \{", "A transaction as JSON, with contact details."),
    Kind("record_body", "app", rb"record\.body \{", "The body of a queue record as JSON, with contact details."),
    Kind("record", "app", rb"record \{", "A queue record; its body is a transaction as JSON in a string."),
    Kind("notification", "app", rb"Sending slack notification\b", "The service told its team something."),
    Kind("uncaught_exception", "app", rb"Uncaught Exception\b", "The error that crashed the sandbox."),
    Kind("start", "platform", rb"START RequestId: (?P<started>\S++)", "An invocation begins."),
    Kind("end", "platform", rb"END RequestId: (?P<ended>\S++)", "An invocation ends."),
    Kind("report", "platform", rb"REPORT RequestId: (?P<reported>\S++)", "Duration, billing and memory of an invocation; a cold start if it has an Init Duration."),
    Kind("init_start", "platform", rb"INIT_START\b", "A sandbox starts, with its runtime version."),
    Kind("init_report", "platform", rb"INIT_REPORT\b", "A sandbox's start-up ended with an error."),
    Kind("crash", "platform", rb"Unknown application error occurred\b", "The invocation that is open in the stream crashed."),
    Kind("metric", "platform", rb'\{"_aws":', "An embedded metric."),
)  # fmt: skip
"""Every kind that is understood."""

OTHER = "other"
"""Kind of an entry that nobody has seen before; its first words follow: `other: Acquired lock`."""

UNREADABLE = "unreadable"
"""Kind of an entry whose opening is known and whose rest cannot be made sense of."""


Markers = tuple[tuple[str, str], ...]
"""New wordings: how an application's line begins, and the outcome (a kind's name) that it tells."""


@cache
def entry_pattern(markers: Markers = ()) -> re.Pattern[bytes]:
    """Return the expression that finds every entry and names its kind as `lastgroup`.

    It begins with the newline before the entry, which the search jumps to (twice as fast as a
    `^` that is tried at every byte), so a text's first entry needs one put in front. Groups 1 to 3
    are the time and, of an application entry, request id and level. A marker adds an opening to
    the kind that it names; a line that is known without it keeps its meaning.
    """

    def openings(writer: str) -> bytes:
        return b"|".join(
            b"(?P<%s>%s)" % (kind.name.encode(), b"|".join((kind.opening, *_added(kind, markers))))
            for kind in KINDS
            if kind.writer == writer
        )

    return re.compile(
        rb"\n(%s) (?:%s\t([^\t\n]++)\t([A-Z]++)\t(?:%s)?|(?:%s)?)"
        % (TIMESTAMP, TIMESTAMP, openings("app"), openings("platform"))
    )


def _added(kind: Kind, markers: Markers) -> list[bytes]:
    return [re.escape(words.encode()) for words, outcome in markers if outcome == kind.name]


_MOST_WORDS = 3
_NEXT_WORD = re.compile(rb"[ \t]*([a-z][A-Za-z_.]{0,30})(?=[ \t:,;!\r\n]|$)")
_WORD = re.compile(rb"[ \t]*([A-Za-z][A-Za-z_.]{0,30})(?=[ \t:,;!\r\n]|$)")


def other_kind(text: bytes) -> str:
    """Name an unknown entry by up to three plain words at its start: enough to count it by.

    Digits, quotes, further words with a capital and whatever follows them are left out, so that
    values and most names in the text do not become kinds.
    """
    words: list[str] = []
    position = 0
    while len(words) < _MOST_WORDS and (
        word := (_NEXT_WORD if words else _WORD).match(text, position)
    ):
        words.append(word[1].decode("ascii"))
        position = word.end()
    return f"{OTHER}: {' '.join(words)}" if words else OTHER
