"""The tables: their one definition.

`TABLES` holds every table with its columns in order, each with its type and what it means. The
reader fills rows in this order, the books turn them into Arrow, the reports and the docs print
from it. Amounts are `money` (DECIMAL(18,6)); a difference of amounts is `difference`
(DECIMAL(20,6)), so that no subtraction of two amounts can overflow. Times are UTC, milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal[
    "text", "time", "money", "difference", "int", "number", "bool", "file", "stream", "attempt"
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type and what it holds, in a sentence."""

    name: str
    type: Type
    help: str


def _columns(*rows: tuple[str, Type, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


_PLACE: tuple[tuple[str, Type, str], ...] = (
    ("file_id", "file", "file that holds it"),
    ("first_line", "int", "first line in that file"),
    ("last_line", "int", "last line in that file"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "invocations": _columns(
        ("request_id", "text", "the Lambda's request id"),
        ("stream", "stream", "log stream: one sandbox of the Lambda"),
        ("started_at", "time", "START"),
        ("ended_at", "time", "END"),
        ("duration_ms", "number", "Duration of its REPORT"),
        ("billed_ms", "number", "Billed Duration"),
        ("memory_mb", "number", "Memory Size"),
        ("memory_used_mb", "number", "Max Memory Used"),
        ("init_ms", "number", "Init Duration; set on a cold start"),
        ("runtime", "text", "runtime version of the sandbox"),
        ("status", "text", "ok, failed, crashed or unfinished"),
        ("error", "text", "first line of what made it fail or crash"),
        ("file_id", "file", "file of its first line"),
        ("line", "int", "its first line in that file"),
    ),
    "crashes_at_init": _columns(
        ("stream", "stream", "log stream"),
        ("at", "time", "when"),
        ("error", "text", "the error's first line"),
        ("file_id", "file", "file that holds it"),
        ("line", "int", "line in that file"),
    ),
    "messages": _columns(
        ("attempt_id", "attempt", "request id and ordinal within the invocation"),
        ("message_id", "text", "id of the queue's message"),
        ("request_id", "text", "the Lambda's request id"),
        ("at", "time", "when its processing began"),
        ("outcome", "text", "applied, already_synced, skipped, blocked, failed; empty if cut off"),
        ("detail", "text", "which skip, or the error's first line"),
        ("subscriber_id", "text", "subscriber, where the message names one"),
        ("current_balance", "money", "current balance that a blocked message states"),
        ("transaction_id", "text", "transaction that a blocked message names"),
        *_PLACE,
    ),
    "transactions": _columns(
        ("attempt_id", "attempt", "request id and ordinal within the invocation"),
        ("transaction_id", "text", "id of the transaction"),
        ("message_id", "text", "id of the queue's message"),
        ("request_id", "text", "the Lambda's request id"),
        ("stream", "stream", "log stream"),
        ("place", "int", "place in the stream's order of time"),
        ("at", "time", "when it was logged"),
        ("subscriber_id", "text", "userId"),
        ("currency", "text", "currency"),
        ("type", "text", "CREDIT or DEBIT; the books infer it from the balances where not logged"),
        ("source", "text", "source"),
        ("action", "text", "action"),
        ("amount", "money", "amount, VAT included"),
        ("vat", "money", "VAT within the amount"),
        ("old_balance", "money", "oldBalance: subscription balance before"),
        ("new_balance", "money", "newBalance: subscription balance after, if applied"),
        ("payment_balance", "money", "paymentBalance: payment balance after"),
        ("updates_payment", "bool", "updatePaymentBalance"),
        ("wallet_id", "text", "walletId in metadata"),
        ("wallet_entry", "text", "walletSk in metadata: the wallet's own entry"),
        ("delivery_id", "text", "deliveryId in metadata"),
        ("metadata", "text", "metadata as logged; may name people, so no report shows it"),
        ("outcome", "text", "what came of it: applied, already_synced, blocked, failed, skipped"),
        ("error_subscription_balance", "money", "subscriptionBalance of its own sync error"),
        ("error_payment_balance", "money", "paymentBalance of its own sync error"),
        ("has_sync_error", "bool", "whether a sync error was logged for it"),
        *_PLACE,
    ),
    "sync_errors": _columns(
        ("attempt_id", "attempt", "attempt that it belongs to"),
        ("request_id", "text", "the Lambda's request id"),
        ("at", "time", "when"),
        ("subscriber_id", "text", "userId"),
        ("subscription_balance", "money", "subscriptionBalance"),
        ("payment_balance", "money", "paymentBalance"),
        ("file_id", "file", "file that holds it"),
        ("line", "int", "line in that file"),
    ),
    "metrics": _columns(
        ("request_id", "text", "invocation that was open in the stream"),
        ("at", "time", "when"),
        ("name", "text", "name of the metric"),
        ("value", "number", "its value"),
        ("subscriber_id", "text", "userId"),
        ("action", "text", "action"),
    ),
    "transaction_details": _columns(
        ("transaction_id", "text", "id of the transaction"),
        ("user_balance", "money", "userBalance"),
        ("brand", "text", "brand"),
        ("kitchen", "text", "kitchen"),
        ("invoice_id", "text", "invoiceId"),
        ("payment_method", "text", "paymentMethod"),
        ("payment_provider", "text", "paymentProvider"),
        ("created_at", "text", "createdAt"),
    ),
    "contacts": _columns(
        ("subscriber_id", "text", "userId"),
        ("name", "text", "name"),
        ("email", "text", "email"),
        ("phone", "text", "phoneNumber"),
        ("notes", "text", "notes"),
        ("actor", "text", "actor"),
        ("at", "time", "when it was logged"),
    ),
    "problems": _columns(
        ("file_id", "file", "file that holds it"),
        ("line", "int", "line in that file; 0 for the file as a whole"),
        ("problem", "text", "what is wrong with it"),
        ("excerpt", "text", "the words that show it"),
    ),
    "entry_kinds": _columns(
        ("file_id", "file", "file"),
        ("kind", "text", "kind of entry"),
        ("entries", "int", "how many"),
    ),
    "files": _columns(
        ("file_id", "text", "sha256 of the bytes as found"),
        ("name", "text", "name, from the path that was given"),
        ("size", "int", "bytes as found"),
        ("unpacked_size", "int", "bytes of text"),
        ("entries", "int", "entries in it"),
        ("first_at", "time", "earliest entry"),
        ("last_at", "time", "latest entry"),
        ("status", "text", "read, partial or rejected"),
    ),
}
"""Tables as the reader fills them, a name to its columns."""

DERIVED: tuple[Column, ...] = _columns(
    ("position", "int", "order within the subscriber: time, stream, place"),
    ("type_inferred", "bool", "whether the type was inferred"),
    ("delta", "difference", "new_balance - old_balance"),
    ("expected_delta", "difference", "what type, amount and VAT say: +-(amount - vat)"),
    (
        "next_old_balance",
        "money",
        "oldBalance of the subscriber's next transaction in the currency",
    ),
    ("next_attempt_id", "text", "attempt id of that next transaction"),
    ("subscription_after", "money", "subscription balance after it; empty if unknown"),
    ("payment_after", "money", "payment balance after it; empty if unknown"),
    ("gap", "difference", "subscription_after - payment_after; 0 within one minor unit"),
    ("minor_unit", "money", "smallest amount of the currency: the tolerance"),
)
"""Columns that the books add to `transactions`: the sums that all checks share."""
