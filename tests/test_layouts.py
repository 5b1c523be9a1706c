"""The fast expressions and the full parser agree wherever both apply."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.logs import layouts
from trueup.logs.layouts import (
    TRANSACTION_FIELDS,
    Transaction,
    parse_sync_error,
    parse_transaction,
    read_blocked,
    read_metrics,
    read_sync_error,
    read_transaction,
)

OPENING = b"Start syncing the balance"
AMOUNTS = ("amount", "vat", "old_balance", "new_balance", "payment_balance")

words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'\\"),
    min_size=1,
    max_size=20,
)
numbers = st.one_of(
    st.integers(-(10**14), 10**14).map(str),
    st.floats(-1e13, 1e13).filter(lambda value: "e" not in repr(value)).map(repr),
)
values = st.one_of(
    words, st.booleans(), st.integers(0, 99), st.dictionaries(words, words, max_size=2)
)
metadata = st.one_of(
    st.none(),
    words,
    st.dictionaries(
        st.sampled_from(["walletId", "walletSk", "deliveryId", "version", "source"]), values
    ).map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
    st.tuples(words, words, words, st.dictionaries(words, values, max_size=3)).map(
        lambda parts: json.dumps(
            {"walletId": parts[0], "deliveryId": parts[1], "walletSk": parts[2], **parts[3]},
            ensure_ascii=False,
            separators=(",", ":"),
        )
    ),
)


def quoted(text: str | None) -> str:
    if text is None:
        return "undefined"
    mark = next((mark for mark in "'\"`" if mark not in text), "'")
    return mark + text.replace("\\", "\\\\").replace(mark, f"\\{mark}") + mark


def comparable(transaction: Transaction | None) -> dict[str, object]:
    fields = dict(zip(TRANSACTION_FIELDS, transaction or (), strict=True))
    amounts = {
        name: value and Decimal(value.decode())
        for name in AMOUNTS
        if (value := fields[name]) or True
    }
    return {**fields, **amounts}


@given(
    words,
    words,
    words,
    words,
    st.lists(numbers, min_size=5, max_size=5),
    metadata,
)
def test_a_transaction_with_type(
    identity: str, user: str, kind: str, currency: str, sums: list[str], extra: str | None
) -> None:
    text = f""" {{
  transaction: {{
    id: '{identity}',
    type: '{kind}',
    source: 'PAYMENT',
    action: '{kind}',
    userId: '{user}',
    paymentBalance: {sums[0]},
    updatePaymentBalance: true,
    metadata: {quoted(extra)},
    currency: '{currency}',
    amount: {sums[1]},
    vat: {sums[2]},
    oldBalance: {sums[3]},
    newBalance: {sums[4]}
  }}
}}

""".encode()
    assert layouts._match(layouts._WITH_TYPE, text, 0, len(text))[0]
    fast, problems = read_transaction(text, 0, len(text))
    full, full_problems = parse_transaction(text)
    assert comparable(fast) == comparable(full)
    assert problems == full_problems


@given(words, words, words, st.lists(numbers, min_size=4, max_size=4))
def test_a_transaction_without_type(
    identity: str, user: str, currency: str, sums: list[str]
) -> None:
    text = f""" {{
  transaction: {{
    id: '{identity}',
    userId: '{user}',
    currency: '{currency}',
    amount: {sums[0]},
    vat: {sums[1]},
    oldBalance: {sums[2]},
    newBalance: {sums[3]}
  }}
}}
""".encode()
    assert layouts._match(layouts._WITHOUT_TYPE, text, 0, len(text))[0]
    fast, problems = read_transaction(text, 0, len(text))
    full, full_problems = parse_transaction(text)
    assert comparable(fast) == comparable(full)
    assert problems == full_problems


@given(words, numbers, numbers)
def test_a_sync_error(user: str, subscription: str, payment: str) -> None:
    text = (
        f" {{\n  userId: '{user}',\n  subscriptionBalance: {subscription},\n"
        f"  paymentBalance: {payment}\n}}\n"
    ).encode()
    assert layouts._match(layouts._SYNC_ERROR, text, 0, len(text))[0]
    fast, problems = read_sync_error(text, 0, len(text))
    full, full_problems = parse_sync_error(text)
    assert fast is not None
    assert full is not None
    assert [fast[0], *(v and Decimal(v.decode()) for v in fast[1:])] == [
        full[0], *(v and Decimal(v.decode()) for v in full[1:]),
    ]  # fmt: skip
    assert problems == full_problems


def test_fields_in_another_order_and_unknown_ones_are_read() -> None:
    text = b""" {
  transaction: {
    newBalance: 3, oldBalance: 5, vat: 0, amount: 2,
    fresh: { deep: [ 1, 'x' ] },
    currency: 'SAR', userId: 'u', id: 'T', type: 'DEBIT',
    metadata: '{"walletSk":"w","note":"{\\\\"walletSk\\\\":\\\\"inner\\\\"}"}'
  }
}"""
    transaction, problems = read_transaction(text, 0, len(text))
    fields = comparable(transaction)
    assert (fields["transaction_id"], fields["type"], fields["wallet_entry"]) == (
        b"T",
        b"DEBIT",
        b"w",
    )
    assert fields["new_balance"] == 3
    assert problems == []


def test_a_transaction_that_is_cut_off_keeps_what_it_has() -> None:
    transaction, problems = parse_transaction(
        b" {\n  transaction: {\n    id: 'T',\n    userId: 'u',\n    am"
    )
    assert transaction is not None
    assert transaction[:3] == (b"T", b"u", b"")
    assert ("amount is missing", "amount") in problems
    assert any("cut off" in what for what, _ in problems)
    assert parse_transaction(b" {\n  transaction: {\n    id") == (None, [])


@pytest.mark.parametrize("shape", ["{ userId: 'u', currentBalance: 6.6, transactionId: 'T' }", "{\n    metadata: undefined,\n    userId: 'u',\n    currentBalance: 6.6\n  }"])  # fmt: skip
def test_a_refusal(shape: str) -> None:
    blocked = read_blocked(f"{{\n  message: 'Subscriber ...',\n  data: {shape}\n}}".encode())
    assert blocked[:2] == (b"u", b"6.600000")
    assert blocked[2] == (b"T" if "'T'" in shape else b"")


def test_metrics_without_a_number_are_none() -> None:
    assert read_metrics(b'{"_aws":{},"service":"s","x":"text"}') == []
    assert read_metrics(b'{"_aws":{},"x":1,"y":2.5}') == [
        (b"x", b"1", b"", b""), (b"y", b"2.5", b"", b""),
    ]  # fmt: skip
