"""What the given logs say, as far as the faults need it: accounts, idle sandboxes, days."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from decimal import Decimal

from trueup.auditing import Audit
from trueup.injecting.printing import milliseconds
from trueup.injecting.survey import Place, Stream

IDLE = 200
"""Milliseconds for which a sandbox has to rest so that an invocation can be put there."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A transaction as the audit's table has it."""

    attempt_id: str
    transaction_id: str
    message_id: str | None
    request_id: str
    at: dt.datetime
    subscriber_id: str
    currency: str
    type: str | None
    type_inferred: bool
    source: str | None
    action: str | None
    amount: Decimal
    vat: Decimal
    old_balance: Decimal
    new_balance: Decimal
    payment_balance: Decimal | None
    updates_payment: bool | None
    wallet_id: str | None
    wallet_entry: str | None
    delivery_id: str | None
    metadata: str | None
    outcome: str
    has_sync_error: bool
    file_id: str
    first_line: int
    delta: Decimal
    expected_delta: Decimal | None
    subscription_after: Decimal | None
    payment_after: Decimal | None
    gap: Decimal | None
    minor_unit: Decimal

    @property
    def place(self) -> Place:
        """Return where its entry begins."""
        return self.file_id, self.first_line


@dataclass(frozen=True, slots=True)
class SyncError:
    """A sync error of a transaction: where it begins, and its subscription balance."""

    place: Place
    subscription: Decimal


@dataclass(slots=True)
class Account:
    """A subscriber's transactions in one currency, in order, and their sync errors by attempt."""

    transactions: list[Logged] = field(default_factory=list)
    errors: dict[str, list[SyncError]] = field(default_factory=dict)
    is_editable: bool = True
    """Whether all of its figures can be shifted without making anything else wrong."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A transaction in its account: what a fault can befall."""

    account: Account
    index: int

    @property
    def this(self) -> Logged:
        """Return the transaction."""
        return self.account.transactions[self.index]

    @property
    def next(self) -> Logged | None:
        """Return the account's transaction after it."""
        later = self.account.transactions[self.index + 1 : self.index + 2]
        return later[0] if later else None


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which a sandbox rested: after which invocation, when that ended."""

    request_id: str
    stream: str
    ended: int
    runtime: str | None


@dataclass(slots=True)
class Book:
    """All accounts, all rests by request id, the days and how many messages failed on each."""

    accounts: dict[tuple[str, str], Account]
    known: frozenset[Place]
    rests: dict[str, Rest]
    days: list[dt.date]
    failures: Counter[dt.date]
    repeated: frozenset[str]
    """Ids of messages and transactions that are logged more than once."""
    currencies: dict[str, set[str]]
    """The currencies of each subscriber."""

    def subjects(self) -> Iterable[Subject]:
        """Yield every transaction whose entry can be edited."""
        for account in self.accounts.values():
            for index, this in enumerate(account.transactions):
                if this.place in self.known:
                    yield Subject(account, index)


def keep_book(audit: Audit, surveyed: Iterable[Stream]) -> Book:
    """Return the book of audited logs, whose streams have been looked at for what can be edited."""
    known: set[Place] = set()
    ended: set[str] = set()
    for stream in surveyed:
        known |= stream.known.keys()
        ended |= stream.ends.keys()
    book = Book(
        accounts=_accounts(audit),
        known=frozenset(known),
        rests=_rests(audit, ended),
        days=_days(audit),
        failures=_failures(audit),
        repeated=_repeated(audit),
        currencies=defaultdict(set),
    )
    for subscriber_id, currency in book.accounts:
        book.currencies[subscriber_id].add(currency)
    _judge(book, _column(audit, _UNSTEADY))
    return book


def _accounts(audit: Audit) -> dict[tuple[str, str], Account]:
    accounts: dict[tuple[str, str], Account] = {}
    names = ", ".join(f't."{column.name}"' for column in fields(Logged))
    for row in audit.sql(f"SELECT {names} FROM transactions AS t {_COMPLETE}").to_pylist():
        logged = Logged(**row)
        account = accounts.setdefault((logged.subscriber_id, logged.currency), Account())
        account.transactions.append(logged)
    for row in audit.sql(_ERRORS).to_pylist():
        if found := accounts.get((row["subscriber_id"], row["currency"])):
            error = SyncError((row["file_id"], row["line"]), row["subscription_balance"])
            found.errors.setdefault(row["attempt_id"], []).append(error)
    return accounts


def _judge(book: Book, unsteady: set[str]) -> None:
    """Mark the accounts whose figures had better stay as they are."""
    for (subscriber_id, _), account in book.accounts.items():
        places = [this.place for this in account.transactions]
        places += [error.place for errors in account.errors.values() for error in errors]
        account.is_editable = (
            subscriber_id not in unsteady
            and book.known.issuperset(places)
            and not any(this.transaction_id in book.repeated for this in account.transactions)
        )


def _rests(audit: Audit, ended: set[str]) -> dict[str, Rest]:
    return {
        row["request_id"]: Rest(
            row["request_id"], row["stream"], milliseconds(row["ended_at"]), row["runtime"]
        )
        for row in audit.sql(_IDLE).to_pylist()
        if row["request_id"] in ended
    }


def _days(audit: Audit) -> list[dt.date]:
    return sorted(row["day"] for row in audit.sql(_DAYS).to_pylist())


def _failures(audit: Audit) -> Counter[dt.date]:
    return Counter({row["day"]: row["failures"] for row in audit.sql(_FAILURES).to_pylist()})


def _repeated(audit: Audit) -> frozenset[str]:
    return frozenset(_column(audit, _REPEATED))


def _column(audit: Audit, query: str) -> set[str]:
    return {str(row["found"]) for row in audit.sql(query).to_pylist()}


_COMPLETE = """
    WHERE t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL AND t.transaction_id IS NOT NULL
        AND t.amount IS NOT NULL AND t.vat IS NOT NULL AND t.delta IS NOT NULL
    ORDER BY t.subscriber_id, t.currency, t.position
"""

# A refused message and a balance below zero bind figures together; what is incomplete, or a sync
# error without a transaction, cannot be shifted along.
_UNSTEADY = """
    SELECT subscriber_id AS found FROM messages
    WHERE outcome = 'blocked' AND subscriber_id IS NOT NULL
    UNION
    SELECT subscriber_id FROM transactions
    WHERE subscriber_id IS NOT NULL AND (
        least(new_balance, old_balance, payment_after) < 0 OR outcome IS NULL
        OR currency IS NULL OR transaction_id IS NULL OR amount IS NULL OR vat IS NULL
        OR delta IS NULL
    )
    UNION
    SELECT e.subscriber_id FROM sync_errors AS e
    LEFT JOIN transactions AS t
        ON t.attempt_id = e.attempt_id AND t.subscriber_id = e.subscriber_id
    WHERE e.subscriber_id IS NOT NULL AND (
        t.attempt_id IS NULL OR e.subscription_balance IS NULL OR e.payment_balance IS NULL
    )
"""

_ERRORS = """
    SELECT e.attempt_id, e.subscriber_id, t.currency, e.subscription_balance, e.file_id, e.line
    FROM sync_errors AS e
    INNER JOIN transactions AS t
        ON t.attempt_id = e.attempt_id AND t.subscriber_id = e.subscriber_id
    WHERE e.subscription_balance IS NOT NULL
    ORDER BY e.file_id, e.line
"""

_IDLE = f"""
    WITH followed AS (
        SELECT
            i.*,
            lead(started_at) OVER w AS next_at,
            lead(status) OVER w AS next_status
        FROM invocations AS i
        WINDOW w AS (PARTITION BY stream ORDER BY coalesce(started_at, ended_at))
    )
    SELECT request_id, stream, ended_at, runtime FROM followed
    WHERE status IN ('ok', 'failed') AND ended_at IS NOT NULL
        AND coalesce(next_status, '') <> 'crashed'
        AND coalesce(next_at >= ended_at + INTERVAL {IDLE} MILLISECONDS, next_status IS NULL)
    ORDER BY request_id
"""  # a START of a crashed one may come after its error

_DAYS = """
    SELECT DISTINCT CAST(m."at" AS DATE) AS day FROM messages AS m
    UNION
    SELECT DISTINCT CAST(e."at" AS DATE) FROM sync_errors AS e
"""

_FAILURES = """
    SELECT CAST(m."at" AS DATE) AS day, count(*) AS failures FROM messages AS m
    WHERE m.outcome = 'failed' GROUP BY day
"""

_REPEATED = """
    SELECT message_id AS found FROM messages WHERE message_id IS NOT NULL
    GROUP BY 1 HAVING count(*) > 1
    UNION
    SELECT message_id FROM transactions WHERE message_id IS NOT NULL
    GROUP BY 1 HAVING count(*) > 1
    UNION
    SELECT transaction_id FROM transactions WHERE transaction_id IS NOT NULL
    GROUP BY 1 HAVING count(*) > 1
"""
