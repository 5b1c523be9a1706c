"""What a posting says by itself, and beside the earlier ones of the same ledger."""

from __future__ import annotations

from collections.abc import Callable

from trueup.sample.facts import Attempt, sign_of

LIKELY_WITHIN = 10 * 60_000
"""Milliseconds within which the same posting under other ids is a likely repeat."""

REMEMBERED = 12 * 60 * 60_000
"""Milliseconds without an attempt after which the earlier ones are forgotten, lest they all be
kept: the simulated service repeats nothing after so long."""

Sums = tuple[int | None, int | None]
NO_SUMS: Sums = (None, None)

Note = Callable[[str, str | None, Attempt, Sums, int], None]
"""Takes check, cause, subject, sums (expected, logged) and amount at risk."""


class Postings:
    """The postings of one subscriber in one currency, as they come."""

    __slots__ = ("_note", "_owners", "_recent", "_unit")

    def __init__(self, subscriber_id: str, unit: int, note: Note) -> None:
        self._unit = unit
        self._note = note
        self._owners = (f"wallet#{subscriber_id}", subscriber_id, None)
        self._recent: list[Attempt] = []

    def see(self, attempt: Attempt, sign: int, delta: int) -> None:
        """Take the next attempt, the sign of its known type (0 if it has none), its change."""
        amount = attempt.amount
        recent = self._recent
        if not recent or attempt.at - recent[-1].at > REMEMBERED:
            self._recent = [attempt]
        elif cause := self._repeats(attempt, sign):
            if cause == "redelivered":
                self._note("duplicate_posting", cause, attempt, NO_SUMS, 0)
            else:
                self._note("duplicate_posting", cause, attempt, (0, delta), _moved(attempt))
        # what has no type has its sign from the change, and never moves against it
        if delta * sign < -self._unit and amount >= 0:
            cause = "credit_lowers" if sign > 0 else "debit_raises"
            expected = sign * (amount - attempt.vat)
            at_risk = abs(delta - expected)
            self._note("unexpected_sign", cause, attempt, (expected, delta), at_risk)
        elif amount <= 0:
            cause = "negative_amount" if amount else "zero_amount"
            self._note("unexpected_sign", cause, attempt, (None, amount), 0)
        if attempt.wallet_id not in self._owners:
            self._note("wallet_mismatch", None, attempt, NO_SUMS, _moved(attempt))

    def _repeats(self, attempt: Attempt, sign: int) -> str | None:
        """Remember the attempt and return how it repeats an earlier one, if it does."""
        latest_first = self._recent[::-1]
        self._recent.append(attempt)
        for earlier in latest_first:
            if earlier.transaction_id == attempt.transaction_id:
                return "redelivered" if self._is_redelivered(attempt, earlier) else "certain"
        entry = attempt.wallet_entry
        if entry is not None and any(earlier.wallet_entry == entry for earlier in latest_first):
            return "certain"
        is_likely = any(_is_alike(attempt, sign, earlier) for earlier in latest_first)
        return "likely" if is_likely else None

    def _is_redelivered(self, attempt: Attempt, earlier: Attempt) -> bool:
        if earlier.message_id and attempt.message_id and earlier.message_id != attempt.message_id:
            return False
        both_applied = earlier.outcome == attempt.outcome == "applied"
        return not (both_applied and abs(attempt.old - earlier.old) > self._unit)


def _is_alike(attempt: Attempt, sign: int, earlier: Attempt) -> bool:
    """Tell whether an attempt is the same as a little while ago, though under other ids."""
    return (
        attempt.at - earlier.at <= LIKELY_WITHIN
        and attempt.action is not None
        and attempt.delivery_id is not None
        and earlier.action == attempt.action
        and earlier.delivery_id == attempt.delivery_id
        and earlier.amount == attempt.amount
        and sign_of(earlier) == sign
    )


def _moved(attempt: Attempt) -> int:
    """Return how far the balance moved, if it did."""
    return abs(attempt.new - attempt.old) if attempt.outcome == "applied" else 0
