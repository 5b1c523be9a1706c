"""The columns of transactions and of subscribers.

What a subscriber's columns mean is said where they are made: `trueup.reports.subscribers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from trueup.reports.columns.look import ID, UTC, Look, count, money, text, time
from trueup.reports.subscribers import COLUMNS
from trueup.schema import Column

_TRANSACTIONS: dict[str, Look] = {
    "at": time("Time (UTC)", "when it was logged", "the entry's timestamp"),
    "subscriber_id": text("Subscriber", ID, "the subscriber's id", "userId"),
    "currency": text("Currency", 9, "the currency of all amounts in the row", "currency"),
    "type": text("Type", 9, "CREDIT raises the balance, DEBIT lowers it; inferred from the balances where not logged", "type"),
    "type_inferred": text("Type inferred", 13, "yes where the log states no type: it is that of the balance's change"),
    "source": text("Source", 18, "where the transaction comes from", "source"),
    "action": text("Action", 28, "what it is for; empty where the log states none", "action"),
    "amount": money("Amount (with VAT)", "the amount, VAT included", "amount"),
    "vat": money("VAT", "the VAT within the amount", "vat", width=12),
    "old_balance": money("Balance before", "subscription balance before the transaction", "oldBalance"),
    "new_balance": money("Balance after", "subscription balance after it, if it is applied", "newBalance"),
    "payment_balance": money("Payment balance", "payment balance after it", "paymentBalance"),
    "outcome": text("Outcome", 15, "applied; already_synced by another listener; skipped; blocked: refused; failed"),
    "delta": money("Change", "what it does to the subscription balance", formula="newBalance - oldBalance"),
    "expected_delta": money("Expected change", "what type, amount and VAT say", formula="amount - vat for a CREDIT, vat - amount for a DEBIT"),
    "subscription_after": money("Subscription after", "subscription balance after it; empty if the logs do not tell", formula="newBalance if applied, else what its sync error or the next transaction says, else oldBalance"),
    "payment_after": money("Payment after", "payment balance after it; empty if the logs do not tell", "paymentBalance", "else what its sync error says"),
    "gap": money("Gap", "how far the two balances are apart after it; 0 within the currency's smallest unit", formula="subscription after - payment after"),
    "has_sync_error": text("Sync error", 11, "yes where the service logged that the balances are not in sync", "Subscription balance and payment balance are not in sync"),
    "updates_payment": text("Updates payment", 16, "whether the payment balance is to be updated too", "updatePaymentBalance"),
    "wallet_id": text("Wallet", 44, "the wallet that it is posted to", "metadata.walletId"),
    "wallet_entry": text("Wallet entry", ID, "the wallet's own entry; the same twice is one entry posted twice", "metadata.walletSk"),
    "delivery_id": text("Delivery", ID, "the delivery that it pays for", "metadata.deliveryId"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Subscriber:
    """Title, width and log field of a subscriber's column; the rest is in its definition."""

    title: str
    width: int = 0
    field: str = ""


_SUBSCRIBERS: dict[str, _Subscriber] = {
    "transactions": _Subscriber("Transactions"),
    "credits": _Subscriber("Credits", field="amount"),
    "debits": _Subscriber("Debits", field="amount"),
    "first_at": _Subscriber("First (UTC)"),
    "last_at": _Subscriber("Last (UTC)"),
    "opening_balance": _Subscriber("Opening balance", field="oldBalance"),
    "closing_balance": _Subscriber("Closing balance", field="newBalance"),
    "lowest_balance": _Subscriber("Lowest balance", field="newBalance"),
    "highest_balance": _Subscriber("Highest balance", field="newBalance"),
    "gap_at_end": _Subscriber("Gap at the end", 15),
    "active_days": _Subscriber("Days with transactions"),
    "activity": _Subscriber("Activity", 10),
    "balance_spread": _Subscriber("Spread, % of balance"),
    "stability": _Subscriber("Balance is", 11),
    "sync_errors": _Subscriber("Sync errors"),
    "first_error_at": _Subscriber("First sync error (UTC)", 21),
    "first_error_cause": _Subscriber("Cause of the first", 24),
    "first_error_action": _Subscriber("Action behind the first", 28),
    "last_error_at": _Subscriber("Last sync error (UTC)"),
    "last_error_cause": _Subscriber("Cause of the last", 24),
    "last_error_action": _Subscriber("Action behind the last", 28),
    "loss_credits": _Subscriber("Loss at credits"),
    "loss_debits": _Subscriber("Loss at debits"),
    "risk_score": _Subscriber("Risk (of 100)"),
    "risk_gap": _Subscriber("Risk: gap (of 40)"),
    "risk_overdraft": _Subscriber("Risk: overdraft (of 25)"),
    "risk_errors": _Subscriber("Risk: errors (of 20)"),
    "risk_findings": _Subscriber("Risk: findings (of 15)"),
}

_UNITS = {"balance_spread": "%", "active_days": "days"}


def _subscribers() -> dict[str, Look]:
    meanings = {column.name: column for column in COLUMNS}
    return {name: _look(name, short, meanings[name]) for name, short in _SUBSCRIBERS.items()}


def _look(name: str, short: _Subscriber, column: Column) -> Look:
    kind, meaning = column.type, column.help.replace("`", "")
    if kind in {"money", "difference"}:
        return money(short.title, meaning, short.field)
    if kind == "time":
        return Look(short.title, short.width or 20, meaning, UTC)
    if kind == "int":
        unit = _UNITS.get(name, "points" if name.startswith("risk") else "count")
        return count(short.title, meaning, unit=unit)
    return text(short.title, short.width, meaning, short.field)


LOOKS = {**_TRANSACTIONS, **_subscribers()}
