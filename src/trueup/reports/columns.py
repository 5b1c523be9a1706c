"""What the columns of the reports are called in plain English, and how wide they are."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """A column's title and its width in characters."""

    title: str
    width: int


_ID = 38
_MONEY = 14
_TIME = 20

LOOKS: dict[str, Look] = {
    "check": Look("Check", 18),
    "finding_id": Look("Finding", 18),
    "severity": Look("Severity", 10),
    "cause": Look("Cause", 17),
    "subscriber_id": Look("Subscriber", _ID),
    "currency": Look("Currency", 9),
    "at": Look("Time (UTC)", _TIME),
    "expected": Look("Expected", _MONEY),
    "logged": Look("Logged", _MONEY),
    "difference": Look("Difference", _MONEY),
    "amount_at_risk": Look("At risk", _MONEY),
    "explanation": Look("What happened", 80),
    "transaction_id": Look("Transaction", 29),
    "attempt_id": Look("Attempt", 40),
    "request_id": Look("Request", _ID),
    "message_id": Look("Message", _ID),
    "file": Look("File", 60),
    "first_line": Look("First line", 10),
    "last_line": Look("Last line", 10),
    "first_at": Look("First (UTC)", _TIME),
    "last_at": Look("Last (UTC)", _TIME),
    "previous_at": Look("Transaction before (UTC)", _TIME),
    "previous_transaction_id": Look("Transaction before", 29),
    "previous_attempt_id": Look("Attempt before", 40),
    "last_transaction_id": Look("Last transaction", 29),
    "previous_outcome": Look("Its outcome", 15),
    "previous_change": Look("Its change", _MONEY),
    "last_balance": Look("Balance now", _MONEY),
    "gap_when_opened": Look("Gap when opened", 16),
    "changes": Look("Moves since", 12),
    "gap_at_end": Look("Gap at the end", _MONEY),
    "opening_balance": Look("Opening balance", 16),
    "closing_balance": Look("Closing balance", 16),
    "lowest_balance": Look("Lowest balance", 16),
    "highest_balance": Look("Highest balance", 16),
    "payment_balance": Look("Payment balance", 16),
    "old_balance": Look("Balance before", 15),
    "new_balance": Look("Balance after", 15),
    "delta": Look("Change", _MONEY),
    "expected_delta": Look("Expected change", 16),
    "subscription_after": Look("Subscription after", 17),
    "payment_after": Look("Payment after", _MONEY),
    "gap": Look("Gap", _MONEY),
    "amount": Look("Amount (with VAT)", 17),
    "vat": Look("VAT", 12),
    "credits": Look("Credits", _MONEY),
    "debits": Look("Debits", _MONEY),
    "applied_credits": Look("Credits applied", 15),
    "applied_debits": Look("Debits applied", 15),
    "has_sync_error": Look("Sync error", 11),
    "type_inferred": Look("Type inferred", 13),
    "updates_payment": Look("Updates payment", 16),
    "wallet_id": Look("Wallet", 44),
    "wallet_entry": Look("Wallet entry", _ID),
    "delivery_id": Look("Delivery", _ID),
    "action": Look("Action", 28),
    "source": Look("Source", 18),
    "subscribers_out_of_sync": Look("Out of sync", 12),
    "kind": Look("Kind of entry", 44),
    "accepted_by": Look("Accepted by", 18),
    "accepted_on": Look("Accepted on", 13),
    "accepted_why": Look("Accepted, since", 40),
    "rank": Look("Rank", 6),
    "steps": Look("Who has to do what", 80),
    "outcome": Look("Outcome", 15),
    "opened_by": Look("Opened by", 15),
    "move_cause": Look("What it did", 12),
    "move": Look("Its part of the gap", 18),
    "crossed_from": Look("Balance before it", 17),
    "back_at": Look("Back at zero (UTC)", _TIME),
    "still": Look("Since then", 48),
    "current_balance": Look("Balance then", _MONEY),
    "currency_note": Look("Note", 48),
    "deducted_per_day": Look("Deducted a day", 15),
    "days_covered": Look("Days covered", 13),
    "stopped_message_id": Look("Message in between", _ID),
    "stopped_outcome": Look("What it came to", 16),
    "skipped_between": Look("Skipped in between", 18),
    "hint": Look("Hint", 60),
    "first_transaction_id": Look("Transaction before", 29),
    "first_attempt_id": Look("Attempt before", 40),
    "repeated": Look("What is repeated", 48),
    "known_type": Look("Type", 9),
    "recovered_at": Look("Recovered (UTC)", _TIME),
    "deliveries": Look("Deliveries", 11),
    "failures": Look("Failures", 10),
    "error": Look("Error", 60),
    "crashes": Look("Crashes", 9),
    "errors": Look("Errors", 9),
    "usual": Look("Usual", 9),
    "threshold": Look("Unusual above", 14),
    "first_currency": Look("First currency", 14),
    "allowed": Look("Give or take", _MONEY),
    "score": Look("Times that", 11),
    "basis": Look("Judged by", 60),
    "problem": Look("Problem", 70),
    "excerpt": Look("Words", 50),
}


def look(name: str) -> Look:
    """Return the look of a column; one that is not listed is titled by its name."""
    return LOOKS.get(name) or Look(name.replace("_", " ").capitalize(), 14)
