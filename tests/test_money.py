from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.money import Currencies, exact_text


@pytest.mark.parametrize(
    ("logged", "exact"),
    [
        ("11", "11.000000"),
        ("-1.5", "-1.500000"),
        ("60.181000000000004", "60.181000"),
        ("76862.13636363637", "76862.136364"),
        ("0.0000005", "0.000000"),  # half to even
        ("0.0000015", "0.000002"),
        ("1e-7", "0.000000"),
        ("1e-400", "0"),
        ("999999999999.9999994", "999999999999.999999"),
    ],
)
def test_numbers_round_half_even_at_the_sixth_decimal(logged: str, exact: str) -> None:
    assert exact_text(logged) == exact


@pytest.mark.parametrize(
    "logged",
    ["NaN", "Infinity", "-Infinity", "", "1_000", "١٢", "12n", " 1", "1e99", "1000000000000",
     "999999999999.9999995", "0x10"],
)  # fmt: skip
def test_what_is_no_amount_is_none(logged: str) -> None:
    assert exact_text(logged) is None


@given(st.decimals(min_value=-(10**12) + 1, max_value=10**12 - 1, places=6))
def test_six_decimals_are_kept_exactly(amount: Decimal) -> None:
    text = exact_text(f"{amount:f}")
    assert text is not None
    assert Decimal(text) == amount


def test_text_has_the_currencys_decimals_and_no_more_than_needed() -> None:
    assert Currencies().text(Decimal("11.000000"), "BHD") == "11.000"
    assert Currencies().text(Decimal("11.000000"), "SAR") == "11.00"
    assert Currencies().text(Decimal("0.136364"), "SAR") == "0.136364"
    assert Currencies().text(Decimal("5.000000"), "JPY") == "5"
    assert Currencies().text(Decimal("-0.000000"), "SAR") == "0.00"
    assert Currencies().text(None, "SAR") is None


def test_words_group_thousands() -> None:
    assert Currencies().words(Decimal("-1234.5"), "KWD") == "KWD -1,234.500"
    assert Currencies().words(Decimal("-0.5"), "AED") == "AED -0.50"
    assert Currencies().words(None, "AED") == "an unknown amount"


def test_minor_units() -> None:
    assert [Currencies().decimals(code) for code in ("BHD", "KWD", "SAR", "AED", "QAR", None)] == [
        3, 3, 2, 2, 2, 2,
    ]  # fmt: skip
    assert Currencies().minor_unit("BHD") == Decimal("0.001")
