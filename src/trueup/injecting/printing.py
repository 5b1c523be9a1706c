"""How what is injected is printed: numbers, fields, a transaction, an invocation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from trueup.sample import lines
from trueup.sample.printing import quoted

Maker = Callable[[int, str], str]
"""Makes an entry, given its time in milliseconds and the request id that it stands under."""

Change = Callable[[str], str]
"""Takes a field's value as it is printed and returns another."""

_EXPONENT = Decimal("1e-6")  # below it, Node prints a number with an exponent
_DIGITS = 17  # no double has more
_FIELD = re.compile(r"^( +(\w+): )(.*?)(?=,?$)", re.MULTILINE)


def number(value: Decimal) -> str:
    """Return an amount as Node prints the number."""
    with localcontext() as context:
        context.prec = _DIGITS
        plain = (+value).normalize()
    if not plain:
        return "0"
    return f"{plain:f}" if abs(plain) >= _EXPONENT else str(plain).lower()


def add(amount: Decimal) -> Change:
    """Return the change of a printed number by an amount."""
    return lambda printed: number(Decimal(printed) + amount) if amount else printed


def put(printed: str) -> Change:
    """Return the change of whatever stands there to this."""
    return lambda _: printed


def with_fields(entry: str, changes: Mapping[str, Change]) -> str:
    """Return an entry with some of its fields changed; each stands on a line of its own."""

    def changed(field: re.Match[str]) -> str:
        change = changes.get(field[2])
        return field[1] + change(field[3]) if change else field[0]

    return _FIELD.sub(changed, entry)


def milliseconds(time: datetime) -> int:
    """Return a time in UTC as milliseconds since 1970."""
    return round((time - datetime(1970, 1, 1)).total_seconds() * 1000)  # noqa: DTZ001  (both are UTC)


def saying(text: str, level: str = "INFO") -> Maker:
    """Return the maker of a line of the service."""
    return lambda at, request: lines.application(at, request, text, level)


def processing(message_id: str) -> Maker:
    """Return the maker of the line that takes up a message."""
    return saying(f"Processing message {message_id}")


def syncing(fields: Mapping[str, str]) -> Maker:
    """Return the maker of a transaction's entry; the fields are printed already."""
    body = ",\n".join(f"    {name}: {value}" for name, value in fields.items())
    return saying(f"Start syncing the balance {{\n  transaction: {{\n{body}\n  }}\n}}")


def sync_error(subscriber_id: str, subscription: Decimal, payment: Decimal) -> Maker:
    """Return the maker of a sync error."""
    sums = number(subscription), number(payment)
    return lambda at, request: lines.sync_error(at, request, subscriber_id, *sums)


def refusal(data: Mapping[str, str]) -> Maker:
    """Return the maker of a refused overdraft; the values are printed already."""
    return lambda at, request: lines.refusal(at, request, dict(data))


def text_or_nothing(text: str | None) -> str:
    """Return a text in quotes, `undefined` for none."""
    return "undefined" if text is None else quoted(text)


BEGINS = 5
STEP = 4
"""Milliseconds from an invocation's end to an injected one, and between the entries of that."""


def step_at(ended: int, place: int) -> int:
    """Return the time of an entry of an injected invocation; its START is the first, place 0."""
    return ended + BEGINS + STEP * place


def invocation(ended: int, request: str, entries: Sequence[Maker]) -> str:
    """Return a new invocation that follows the end of another."""
    started = step_at(ended, 0)
    last = step_at(ended, len(entries) + 1)
    return "".join(
        (
            lines.platform(started, f"START RequestId: {request} Version: $LATEST"),
            *(make(step_at(ended, place), request) for place, make in enumerate(entries, 1)),
            *closing(last, request, last - started),
        )
    )


def closing(at: int, request: str, took: int) -> tuple[str, str]:
    """Return an invocation's END and REPORT."""
    return (
        lines.platform(at, f"END RequestId: {request}"),
        lines.platform(
            at,
            f"REPORT RequestId: {request}\tDuration: {took}.50 ms\tBilled Duration: {took + 1} ms"
            "\tMemory Size: 1024 MB\tMax Memory Used: 110 MB\t",
        ),
    )
