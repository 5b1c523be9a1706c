"""The simulated service: brings one balance in line with its wallet, and logs what it does."""

from __future__ import annotations

from random import Random

from trueup.sample import lines
from trueup.sample.demand import DAY, Day
from trueup.sample.facts import Attempt, Delivery
from trueup.sample.fates import LEFT_AFTER_REFUSAL, Fate, Fates
from trueup.sample.messages import Message, SkippedMessage
from trueup.sample.printing import money, noisy_money, stamp
from trueup.sample.tally import Tally

_NOISY = 0.008
_JSON_FORM_UNTYPED = 0.03
_JSON_FORM_TYPED = 0.004
_LOCKED = 0.3
_OTHER_WORDING = 0.1
_METRIC = 0.08
_NOTIFIES = 0.02


class Invocation:
    """An invocation while it runs: its request id, its clock and where its entries go."""

    __slots__ = ("at", "entries", "request", "started")

    def __init__(self, request: str, at: int, entries: list[str]) -> None:
        self.request = request
        self.started = at
        self.at = at
        self.entries = entries

    def say(self, text: str, level: str = "INFO") -> None:
        """Log a line of the service."""
        # as lines.application does, which would be one call more for each of very many lines
        when = stamp(self.at)
        self.entries.append(f"{when} {when}\t{self.request}\t{level}\t{text}\n\n")


class Service:
    """Handles messages one by one; keeps balances, books and counts."""

    def __init__(self, day: Day, fates: Fates, rng: Random, tally: Tally) -> None:
        self._day = day
        self._fates = fates
        self._refused_unlogged = fates.rates.of("refused_unlogged")
        self._rng = rng
        self._tally = tally

    def skip(self, message: SkippedMessage, run: Invocation) -> None:
        """Put a message aside."""
        run.at += self._rng.randrange(1, 60)
        run.say(f"Processing message {message.id}")
        run.at += 1
        run.say(message.reason)
        self._count_message("skipped", run.at - 1)

    def sync(self, message: Message, run: Invocation, *, announced: bool) -> Fate | None:
        """Bring one subscriber's balance in line with the wallet; None: it never came to that."""
        subscriber = message.subscriber
        old, wallet = subscriber.subscription, subscriber.wallet
        change = message.change
        if message.payment is None:
            if message.moves_wallet:
                subscriber.wallet += change
            message.payment = subscriber.wallet
        fate = self._fates.decide(message, old, change, self._day, self._rng)
        if fate is None:
            subscriber.wallet = wallet
            return None
        subscriber.subscription = fate.stored
        run.at += 1 + self._rng.getrandbits(4)
        begun = run.at
        if announced:
            run.say(f"Processing message {message.id}")
            self._count_message(fate.outcome, begun)
        self._print_extras(message, run)
        if fate.outcome == "applied" and not message.failures:
            self._post(message, run, old, fate, announced=announced)
        else:
            self._deliver(message, run, old, fate, begun if announced else None)
        return fate

    def _deliver(
        self, message: Message, run: Invocation, old: int, fate: Fate, begun: int | None
    ) -> None:
        """Handle a message that fails, is refused, or has failed; `begun` is when, if announced."""
        is_blocked = fate.outcome == "blocked"
        attempt = named = None
        if is_blocked:
            self._send_home(message)
        if is_blocked and begun is not None and self._rng.random() < self._refused_unlogged:
            self._tally.faults["refused_unlogged"] += 1
            named = self._refuse(message, run, old, fate, logged=False)
        else:
            attempt = self._post(message, run, old, fate, announced=begun is not None)
            named = attempt.transaction_id
        if begun is not None:
            currency = message.subscriber.currency.code if attempt else None
            message.subscriber.books.deliver(
                Delivery(begun, message.id, run.request, fate.outcome, named, currency, attempt)
            )
        message.failures += fate.outcome == "failed"

    def _post(
        self, message: Message, run: Invocation, old: int, fate: Fate, *, announced: bool
    ) -> Attempt:
        """Log the transaction and what comes of it, and enter both in the books."""
        payment = message.payment or 0
        run.at += self._rng.getrandbits(3)
        begun = run.at
        self._print_transaction(message, run, (old, fate.new, payment))
        self._print_outcome(message, run, old, fate)
        error = self._print_sync_error(message, run, old, fate, payment)
        has_types = self._day.has_types
        has_wallet = has_types and message.wallet_id is not None
        attempt = Attempt(
            begun,
            message.transaction_id,
            run.request,
            message.action.type if has_types else None,
            message.amount,
            message.vat,
            old,
            fate.new,
            payment if has_types else None,
            fate.outcome,
            error,
            message.id if announced else None,
            message.action.name if has_types else None,
            message.wallet_id if has_types else None,
            message.entry_id if has_wallet else None,
            message.delivery_id if has_types else None,
        )
        ledger = message.subscriber.ledger
        ledger.see(attempt)
        tally = self._tally
        tally.transactions += 1
        tally.outcomes_of_transactions[fate.outcome] += 1
        if fate.fault:
            tally.faults[fate.fault] += 1
            if fate.fault == "unusual_change":
                ledger.usual.mark(attempt)
        return attempt

    def _count_message(self, outcome: str, at: int) -> None:
        tally = self._tally
        tally.messages += 1
        tally.outcomes_of_messages[outcome] += 1
        tally.messages_by_day[at // DAY] += 1
        if outcome == "failed":
            tally.failures_by_day[at // DAY] += 1

    def _send_home(self, message: Message) -> None:
        subscriber = message.subscriber
        subscriber.rests_until = self._day.number + self._rng.randrange(1, 5)
        subscriber.left = self._rng.random() < LEFT_AFTER_REFUSAL

    def _print_extras(self, message: Message, run: Invocation) -> None:
        rng = self._rng
        run.at += rng.getrandbits(2)
        rate = _JSON_FORM_TYPED if self._day.has_types else _JSON_FORM_UNTYPED
        if rng.random() < rate:
            run.entries.append(lines.json_form(run.at, run.request, message, rng))
        if self._day.prints_locks and rng.random() < _LOCKED:
            run.entries.append(lines.acquired_lock(run.at, run.request, message))
            run.at += 2
            run.say(f"Released lock {{ id: '{message.id[:8]}', tries: 1 }}", "DEBUG")

    def _print_transaction(
        self, message: Message, run: Invocation, sums: tuple[int, int, int]
    ) -> None:
        if self._rng.random() < _NOISY:
            old, new, payment = (noisy_money(amount, self._rng) for amount in sums)
        else:
            old, new, payment = money(sums[0]), money(sums[1]), money(sums[2])
        at, request = run.at, run.request
        if self._day.has_types:
            entry = lines.start_typed(at, request, message, (old, new, payment))
        else:
            entry = lines.start_untyped(at, request, message, (old, new))
        run.entries.append(entry)

    def _print_outcome(self, message: Message, run: Invocation, old: int, fate: Fate) -> None:
        rng = self._rng
        if fate.outcome == "applied":
            run.at += 24 + rng.getrandbits(6)
            run.say(lines.APPLIED)
        elif fate.outcome == "already_synced":
            run.at += rng.getrandbits(1)
            run.say(lines.ALREADY_SYNCED[rng.random() < _OTHER_WORDING])
        elif fate.outcome == "failed":
            run.at += rng.getrandbits(5)
            run.entries.append(lines.failure(run.at, run.request))
            self._print_metric("synBalanceError", message, run, 0.5)
        else:
            self._refuse(message, run, old, fate, logged=True)

    def _refuse(
        self, message: Message, run: Invocation, old: int, fate: Fate, *, logged: bool
    ) -> str | None:
        """Print one of the three variants of the refusal; return the transaction it names."""
        rng = self._rng
        user, balance = f"'{message.subscriber.id}'", money(old)
        transaction = f"'{message.transaction_id}'"
        if logged and self._day.has_types:
            data = {
                "transactionId": transaction,
                "userId": user,
                "currentBalance": balance,
                "newBalance": money(fate.new),
            }
        elif rng.getrandbits(1):
            data = {"userId": user, "currentBalance": balance, "transactionId": transaction}
        else:
            data = {"userId": user, "currentBalance": balance, "metadata": "undefined"}
        run.at += rng.getrandbits(4)
        self._print_metric("negativeBalance", message, run, 0.4)
        run.entries.append(lines.refusal(run.at, run.request, data))
        self._print_metric("negativeBalance", message, run, 0.4)
        return message.transaction_id if "transactionId" in data else None

    def _print_sync_error(
        self, message: Message, run: Invocation, old: int, fate: Fate, payment: int
    ) -> tuple[int, int] | None:
        differ = abs(fate.shown - payment) > message.subscriber.currency.unit
        if not (differ if fate.alarm is None else fate.alarm) or fate.outcome == "blocked":
            return None
        run.at += 9 + self._rng.getrandbits(5)
        subscription = old if self._day.error_shows_old else fate.shown
        user = message.subscriber.id
        run.entries.append(
            lines.sync_error(run.at, run.request, user, money(subscription), money(payment))
        )
        self._tally.sync_errors += 1
        self._tally.sync_errors_by_day[run.at // DAY] += 1
        self._print_metric("subBalanceDiscrapancy", message, run, _METRIC)
        if self._rng.random() < _NOTIFIES:
            kitchen = message.subscriber.currency.kitchen
            run.entries.append(lines.notification(run.at, run.request, kitchen))
        return subscription, payment

    def _print_metric(self, name: str, message: Message, run: Invocation, rate: float) -> None:
        if self._rng.random() < rate:
            run.at += self._rng.getrandbits(1)
            action = message.action.name
            run.entries.append(lines.metric(run.at, name, message.subscriber.id, action))
