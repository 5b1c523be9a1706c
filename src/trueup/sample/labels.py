"""What a correct audit of the sample must find, worked out from the facts and not from the log.

A ledger sees the attempts of one subscriber in one currency in order of time and applies the
definitions of the log format one by one. It is written apart from the product's checks, in the
plainest way, so that the two can be held against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from trueup.sample.facts import Attempt, Finding, UnusualChange, sign_of
from trueup.sample.postings import Postings, Sums
from trueup.sample.standing import DAY, LOW_BALANCE, Standing
from trueup.sample.totals import Totals
from trueup.sample.usual import Usual


@dataclass(slots=True)
class _Episode:
    """A stretch of transactions that left the payment balance below zero."""

    first: Attempt
    lowest: int
    last: int
    transactions: int = 1

    def extend(self, payment_after: int) -> None:
        self.lowest = min(self.lowest, payment_after)
        self.last = payment_after
        self.transactions += 1


class Ledger:
    """The books of one subscriber in one currency."""

    __slots__ = (
        "_after",
        "_episode",
        "_findings",
        "_gap",
        "_last",
        "_opened",
        "_owed",
        "_postings",
        "_standing",
        "currency",
        "first",
        "subscriber_id",
        "totals",
        "unit",
        "usual",
    )

    def __init__(
        self, subscriber_id: str, currency: str, unit: int, findings: list[Finding]
    ) -> None:
        self.subscriber_id = subscriber_id
        self.currency = currency
        self.unit = unit
        self.totals = Totals()
        self.first: Attempt | None = None
        self.usual = Usual()
        self._findings = findings
        self._postings = Postings(subscriber_id, unit, self._find)
        self._standing = Standing()
        self._last: Attempt | None = None
        self._gap = 0  # the last known one; 0 also before any is known
        self._after = (0, 0)  # payment and subscription balance: what it lies between
        self._opened: Attempt | None = None
        self._episode: _Episode | None = None
        self._owed: int | None = None  # place of the overdraft that tells what is owed

    def see(self, attempt: Attempt) -> None:
        """Take the next attempt; what needs a look ahead is said about the one before."""
        sign = sign_of(attempt)
        delta = attempt.new - attempt.old
        self._add_up(attempt, sign, delta)
        if sign:
            expected = sign * (attempt.amount - attempt.vat)
            if abs(delta - expected) > self.unit:
                self._find("mismatch", None, attempt, (expected, delta), abs(delta - expected))
        self._postings.see(attempt, sign, delta)
        if attempt.action is not None:
            self.usual.see(attempt.type, attempt.action, delta)
        if self._last is None:
            self.first = attempt
        else:
            self._connect(self._last, attempt)
            self._settle(self._last, attempt)
        self._last = attempt

    def close(self) -> None:
        """Say what is known only at the end of the logs."""
        if self._last is None:
            return
        self._settle(self._last, None)
        if self._episode:
            self._end_episode(self._episode, "open", -self._episode.last)
        if self._gap and self._opened:
            size = abs(self._gap)
            self.totals.gap_at_end = size
            self.totals.subscribers_out_of_sync = 1
            self._find("out_of_sync", None, self._opened, self._after, size)
        self._find_low_balance()

    def unusual_changes(self) -> list[UnusualChange]:
        """Return those that were made so, each with what it is beside all others."""
        return [
            UnusualChange(self.subscriber_id, self.currency, attempt, self.usual.factor(attempt))
            for attempt in self.usual.marked
        ]

    def _find(
        self,
        check: str,
        cause: str | None,
        subject: Attempt,
        sums: Sums,
        at_risk: int = 0,
    ) -> None:
        """Note a finding; `sums` are expected and logged."""
        who = (self.subscriber_id, self.currency)
        self._findings.append(Finding(check, cause, *who, subject, *sums, at_risk))

    def _add_up(self, attempt: Attempt, sign: int, delta: int) -> None:
        totals = self.totals
        totals.transactions += 1
        if sign > 0:
            totals.credits += attempt.amount
            if attempt.outcome == "applied":
                totals.applied_credits += attempt.amount
        elif sign < 0:
            totals.debits += attempt.amount
            if attempt.outcome == "applied":
                totals.applied_debits += attempt.amount
                if delta < 0:
                    self._standing.deduct(-delta, attempt.at // DAY)

    def _agree(self, one: int, other: int) -> bool:
        return abs(one - other) <= self.unit

    def _connect(self, this: Attempt, following: Attempt) -> None:
        """Find a flow break: the next transaction does not start where this one ended."""
        start = following.old
        if self._agree(start, this.new):
            return
        at_risk = abs(start - this.new)
        from_old = self._agree(start, this.old)
        if from_old and this.outcome != "applied":
            cause, at_risk = "not_applied", 0
        elif from_old:
            cause = "stale_read"
        elif this.payment is not None and self._agree(start, this.payment):
            cause = "reset_to_payment"
        else:
            cause = "unseen_change"
        self._find("flow_break", cause, following, (this.new, start), at_risk)

    def _settle(self, attempt: Attempt, following: Attempt | None) -> None:
        """Find what the two balances after an attempt say, once its successor is known."""
        subscription_after = self._subscription_after(attempt, following)
        if attempt.new < 0:
            self._judge_overdraft(attempt, subscription_after)
        if subscription_after is not None:
            self._standing.last = attempt, subscription_after
            if subscription_after >= 0:
                self._settle_debt()
        if attempt.payment is not None:
            payment_after = attempt.payment
        elif attempt.error is not None:
            payment_after = attempt.error[1]
        else:
            return
        self._watch_payment(attempt, payment_after)
        if subscription_after is not None:
            self._watch_gap(attempt, subscription_after, payment_after)

    def _subscription_after(self, attempt: Attempt, following: Attempt | None) -> int | None:
        if attempt.outcome == "applied":
            return attempt.new
        if attempt.error is not None:
            return attempt.error[0]
        if attempt.outcome != "already_synced":
            return attempt.old
        if following is not None:
            for balance in (attempt.new, attempt.old):
                if self._agree(following.old, balance):
                    return balance
        return None

    def _judge_overdraft(self, attempt: Attempt, subscription_after: int | None) -> None:
        if attempt.outcome == "applied":
            cause = "posted"
        elif attempt.outcome == "blocked":
            cause = "refused"
        elif subscription_after is None:
            cause = "unknown"
        else:
            cause = "posted" if self._agree(subscription_after, attempt.new) else "not_applied"
        at_risk = -attempt.new if cause in {"posted", "unknown"} else 0
        if cause == "posted":
            self._settle_debt()
            self._owed = len(self._findings)
        self._find("overdraft", cause, attempt, (0, attempt.new), at_risk)

    def _settle_debt(self) -> None:
        """Take back what an overdraft is owed: it was paid, or is a part of the next one's."""
        if self._owed is not None:
            self._findings[self._owed] = self._findings[self._owed]._replace(at_risk=0)
            self._owed = None

    def _find_low_balance(self) -> None:
        last = self._standing.last
        if last and 0 <= last[1] < LOW_BALANCE:
            cause = "short" if self._standing.is_short() else "low"
            self._find("low_balance", cause, last[0], (LOW_BALANCE, last[1]))

    def _watch_payment(self, attempt: Attempt, payment_after: int) -> None:
        if payment_after < 0:
            if self._episode:
                self._episode.extend(payment_after)
            else:
                self._episode = _Episode(attempt, payment_after, payment_after)
        elif self._episode:
            self._end_episode(self._episode, "over", 0)
            self._episode = None

    def _end_episode(self, episode: _Episode, cause: str, at_risk: int) -> None:
        self._find("payment_overdraft", cause, episode.first, (0, episode.lowest), at_risk)
        finding = self._findings.pop()
        self._findings.append(finding._replace(transactions=episode.transactions))

    def _watch_gap(self, attempt: Attempt, subscription_after: int, payment_after: int) -> None:
        before = self._gap
        gap = subscription_after - payment_after
        if abs(gap) <= self.unit:
            gap = 0
        self._gap = gap
        self._after = (payment_after, subscription_after)
        if gap and not before:
            self._opened = attempt
            self._find("gap_change", "opened", attempt, (before, gap))
        elif before and not gap:
            self._find("gap_change", "closed", attempt, (before, gap))
        elif not self._agree(before, gap):
            self._find("gap_change", "moved", attempt, (before, gap))
        if gap and attempt.error is None:
            self._find("missed_alarm", None, attempt, self._after)
        elif attempt.error is not None and not gap:
            self._find("false_alarm", None, attempt, self._after)
