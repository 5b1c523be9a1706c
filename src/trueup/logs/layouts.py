"""The layouts that the service prints, taken apart.

The known ones go through one anchored expression each, anything else through the full parser of
`util.inspect` text.

A property test holds the two equal wherever both apply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from trueup.logs.inspect_text import Bare, Value, parse, unquote
from trueup.money import exact_text

_TEXT = rb"'([^'\\\n]+)'"
_STRING = (
    rb"('[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
    rb'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
    rb"|`[^`\\\n]*+(?:\\.[^`\\\n]*+)*+`|undefined)"
)
# The metadata of a delivery: nine in ten transactions begin with these keys and go on plainly.
_PLAIN_METADATA = (
    rb"""'(\{"walletId":"%(p)s","deliveryId":"%(p)s","walletSk":"%(p)s\""""
    rb"""(?:,"(?!walletId|deliveryId|walletSk)\w+":(?:"[^'"\\\x00-\x1f]*"|true|false|\d+))*\})'"""
    % {b"p": rb"""([^'"\\\x00-\x1f]*)"""}
)
# A number that DECIMAL(18,6) holds as it stands, and any other that is printed plainly.
_EXACT = rb"(-?\d{1,12}(?:\.\d{1,6})?)"
_PLAIN = rb"(-?\d+(?:\.\d+)?)"


def _layouts(lines: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Compile a layout for exact numbers and one for all; `%(t)s` text, `%(n)s` number."""
    parts = {b"t": _TEXT, b"s": _STRING, b"m": _PLAIN_METADATA}
    exact, plain = (
        re.compile(lines % {**parts, b"n": number} + rb"\s*") for number in (_EXACT, _PLAIN)
    )
    return exact, plain


_WITH_TYPE = _layouts(
    rb" \{\n  transaction: \{\n    id: %(t)s,\n    type: %(t)s,\n    source: %(t)s,\n"
    rb"    action: %(t)s,\n    userId: %(t)s,\n    paymentBalance: %(n)s,\n"
    rb"    updatePaymentBalance: (true|false),\n    metadata: (?:%(m)s|%(s)s),\n"
    rb"    currency: %(t)s,\n    amount: %(n)s,\n    vat: %(n)s,\n    oldBalance: %(n)s,\n"
    rb"    newBalance: %(n)s\n  \}\n\}"
)
_WITHOUT_TYPE = _layouts(
    rb" \{\n  transaction: \{\n    id: %(t)s,\n    userId: %(t)s,\n    currency: %(t)s,\n"
    rb"    amount: %(n)s,\n    vat: %(n)s,\n    oldBalance: %(n)s,\n    newBalance: %(n)s\n"
    rb"  \}\n\}"
)
_SYNC_ERROR = _layouts(
    rb" \{\n  userId: %(t)s,\n  subscriptionBalance: %(n)s,\n  paymentBalance: %(n)s\n\}"
)


def _match(
    layouts: tuple[re.Pattern[bytes], re.Pattern[bytes]], text: bytes, start: int, end: int
) -> tuple[re.Match[bytes] | None, bool]:
    """Return the match of a layout and whether its numbers can stay as they are."""
    exact, plain = layouts
    if match := exact.fullmatch(text, start, end):
        return match, True
    return plain.fullmatch(text, start, end), False


Text = bytes
"""UTF-8 text of a field, empty where the log has none."""

TRANSACTION_FIELDS = (
    "transaction_id", "subscriber_id", "currency", "type", "source", "action", "amount", "vat",
    "old_balance", "new_balance", "payment_balance", "updates_payment", "wallet_id",
    "wallet_entry", "delivery_id", "metadata",
)  # fmt: skip
"""The fields of a logged transaction, in the order of the table's columns."""

Transaction = tuple[Text, ...]
"""Values of TRANSACTION_FIELDS."""

SyncError = tuple[Text, Text, Text]
"""Subscriber, subscription balance, payment balance."""

Blocked = tuple[Text, Text, Text]
"""Subscriber, current balance and transaction id of a refusal."""


Problem = tuple[str, str]
"""What is wrong, and the words that show it."""


# Float noise repeats from line to line; 4,096 texts are a few hundred kilobytes.
@lru_cache(maxsize=4096)
def _rounded(text: bytes) -> bytes | None:
    exact = exact_text(text.decode())
    return None if exact is None else exact.encode()


def _sums(texts: Sequence[bytes], *, is_exact: bool) -> Sequence[bytes] | None:
    """Return the amounts rounded where they need it; None if one of them is none."""
    if is_exact:
        return texts
    rounded = [_rounded(text) for text in texts]
    known = [text for text in rounded if text is not None]
    return known if len(known) == len(texts) else None


def read_transaction(text: bytes, start: int, end: int) -> tuple[Transaction | None, list[Problem]]:
    """Take apart the object behind `Start syncing the balance`; None if nothing of it is readable."""
    match, is_exact = _match(_WITH_TYPE, text, start, end)
    if match:
        (identity, kind, source, action, user, payment, updates, metadata, wallet, delivery, entry,
         literal, currency, amount, vat, old, new) = match.groups(b"")  # fmt: skip
        if literal:
            metadata, wallet, entry, delivery = _metadata(literal)
        sums = _sums((amount, vat, old, new, payment), is_exact=is_exact)
        if sums is not None:
            return (
                identity, user, currency, kind, source, action, *sums, updates,
                wallet, entry, delivery, metadata,
            ), _NO_PROBLEMS  # fmt: skip
        return parse_transaction(text[start:end])
    match, is_exact = _match(_WITHOUT_TYPE, text, start, end)
    if match:
        identity, user, currency, *logged = match.groups(b"")
        sums = _sums(logged, is_exact=is_exact)
        if sums is not None:
            return (identity, user, currency, *_NO_SOURCE, *sums, *_NO_PAYMENT), _NO_PROBLEMS
    return parse_transaction(text[start:end])


_NO_PROBLEMS: list[Problem] = []
_NO_SOURCE = (b"",) * 3
_NO_PAYMENT = (b"",) * 6


def parse_transaction(text: bytes) -> tuple[Transaction | None, list[Problem]]:
    """Do what `read_transaction` does, by the full parser alone."""
    value, complete = parse(text.decode())
    value = value.get("transaction", value) if isinstance(value, dict) else value
    if not isinstance(value, dict):
        return None, []
    fields = _Fields(value)
    identity, user, currency = (fields.text(name) for name in ("id", "userId", "currency"))
    if not identity and not user:
        return None, []
    metadata, wallet, entry, delivery = _metadata_text(fields.text("metadata"))
    transaction = (
        identity,
        user,
        currency,
        *(fields.text(name) for name in ("type", "source", "action")),
        *(fields.money(name) for name in ("amount", "vat", "oldBalance", "newBalance")),
        fields.money("paymentBalance", required=False),
        fields.flag("updatePaymentBalance"),
        wallet,
        entry,
        delivery,
        metadata,
    )
    problems = fields.problems
    if not complete:
        problems.append(("the transaction is cut off or damaged", "Start syncing the balance"))
    for name in ("id", "userId", "currency"):
        if not fields.text(name):
            problems.append((f"the transaction has no {name}", "Start syncing the balance"))
    return transaction, problems


def read_sync_error(text: bytes, start: int, end: int) -> tuple[SyncError | None, list[Problem]]:
    """Take apart the object behind a sync error; None if nothing of it is readable."""
    match, is_exact = _match(_SYNC_ERROR, text, start, end)
    if match:
        user, *logged = match.groups()
        sums = _sums(logged, is_exact=is_exact)
        if sums is not None:
            return (user, sums[0], sums[1]), _NO_PROBLEMS
    return parse_sync_error(text[start:end])


def parse_sync_error(text: bytes) -> tuple[SyncError | None, list[Problem]]:
    """Do what `read_sync_error` does, by the full parser alone."""
    value, _ = parse(text.decode())
    fields = _Fields(value if isinstance(value, dict) else {})
    user = fields.text("userId")
    if not user:
        return None, []
    sums = fields.money("subscriptionBalance"), fields.money("paymentBalance")
    return (user, *sums), fields.problems


def read_blocked(text: bytes) -> Blocked:
    """Take apart a refusal; fields that it does not have are empty."""
    value, _ = parse(text.decode())
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict):
        return b"", b"", b""
    fields = _Fields(data)
    balance = fields.money("currentBalance", required=False)
    return fields.text("userId"), balance, fields.text("transactionId")


class _Fields:
    """Typed access to the fields of one object, collecting what is wrong with them."""

    def __init__(self, values: dict[str, Value]) -> None:
        self.values = values
        self.problems: list[Problem] = []

    def text(self, name: str) -> Text:
        value = self.values.get(name)
        if not isinstance(value, str) or (isinstance(value, Bare) and value in _NOTHING):
            return b""
        return encode(value)

    def money(self, name: str, *, required: bool = True) -> Text:
        value = self.values.get(name)
        if value is None or (isinstance(value, Bare) and value in _NOTHING):
            if required:
                self.problems.append((f"{name} is missing", name))
            return b""
        exact = exact_text(value) if isinstance(value, str) else None
        if exact is None:
            shown = value if isinstance(value, Bare) else "(not a number)"
            self.problems.append((f"{name} is no amount", f"{name}: {shown[:40]}"))
            return b""
        return exact.encode()

    def flag(self, name: str) -> Text:
        value = self.values.get(name)
        return value.encode() if isinstance(value, Bare) and value in {"true", "false"} else b""


_NOTHING = frozenset({"undefined", "null"})


def encode(text: str) -> bytes:
    """Return text as UTF-8; a lone half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace")


_Metadata = tuple[Text, Text, Text, Text]


def _metadata(literal: bytes) -> _Metadata:
    if literal == b"undefined":
        return b"", b"", b"", b""
    return _metadata_text(encode(unquote(literal.decode())))


def _metadata_text(text: Text) -> _Metadata:
    """Return the metadata, wallet id, wallet entry and delivery id."""
    values = read_json_object(text)
    found = [values.get(name) for name in ("walletId", "walletSk", "deliveryId")]
    wallet, entry, delivery = (encode(v) if isinstance(v, str) else b"" for v in found)
    return text, wallet, entry, delivery


def read_json_object(text: bytes) -> dict[str, Any]:
    """Return the JSON object, numbers as text; an empty one where the text is not an object."""
    try:
        value = json.loads(text, parse_float=Bare, parse_int=Bare, parse_constant=Bare)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


_DETAILS = ("brand", "kitchen", "invoiceId", "paymentMethod", "paymentProvider", "createdAt")
_CONTACTS = ("name", "email", "phoneNumber", "notes", "actor")


def read_details(text: bytes, kind: str) -> tuple[tuple[Text, ...], tuple[Text, ...]] | None:
    """Take apart a JSON form of a transaction; None if it is none.

    Returns a row of `transaction_details`, and one of `contacts` but for its time.
    """
    body = text[text.find(b"{") :]
    if kind == "record":
        record, _ = parse(body.decode())
        inner = record.get("body") if isinstance(record, dict) else None
        body = encode(inner) if isinstance(inner, str) else b""
    values = read_json_object(body)
    if not isinstance(values.get("id"), str):
        return None
    fields = _Fields({key: value for key, value in values.items() if isinstance(value, str)})
    details = (
        fields.text("id"),
        fields.money("userBalance", required=False),
        *(fields.text(name) for name in _DETAILS),
    )
    return details, (fields.text("userId"), *(fields.text(name) for name in _CONTACTS))


_METRIC_FRAME = frozenset({"_aws", "service", "userId", "action"})


def read_metrics(text: bytes) -> list[tuple[Text, Text, Text, Text]]:
    """Return name, value, subscriber and action of each metric of an embedded-metric line."""
    values = read_json_object(text)
    user, action = (
        encode(value) if isinstance(value := values.get(name), str) else b""
        for name in ("userId", "action")
    )
    return [
        (encode(name), value.encode(), user, action)
        for name, value in values.items()
        if name not in _METRIC_FRAME and isinstance(value, Bare) and exact_text(value)
    ]


Measures = tuple[Text, Text, Text, Text, Text]
"""Duration, billed duration (ms), memory size, memory used (MB), init duration (ms)."""

_MEASURE = rb"(\d{1,12}(?:\.\d{1,6})?)"
_REPORT = re.compile(
    rb"\tDuration: %(m)s ms\tBilled Duration: %(m)s ms\tMemory Size: %(m)s MB"
    rb"\tMax Memory Used: %(m)s MB(?:\tInit Duration: %(m)s ms)?" % {b"m": _MEASURE}
)
_ANY_MEASURE = re.compile(rb"\t([A-Z][A-Za-z ]{1,30}): %s (?:ms|MB)" % _MEASURE)
_MEASURES = (b"Duration", b"Billed Duration", b"Memory Size", b"Max Memory Used", b"Init Duration")


def read_measures(text: bytes, start: int, end: int) -> Measures | None:
    """Take apart what follows `REPORT RequestId: ...`; None if there is no measure in it."""
    if match := _REPORT.match(text, start, end):
        return cast("Measures", match.groups(b""))
    found = dict(_ANY_MEASURE.findall(text, start, end))
    if not found:
        return None
    duration, billed, memory, used, init = (found.get(name, b"") for name in _MEASURES)
    return duration, billed, memory, used, init
