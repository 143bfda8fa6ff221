"""Texts and whole numbers, against Python's decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.client import Step, decimal_key
from exchange.client.numbers import decimal_text, with_texts

TEXTS = st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,5})?", fullmatch=True)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_keys_compare_as_the_numbers_do(a: str, b: str) -> None:
    assert (decimal_key(a) < decimal_key(b)) == (Decimal(a) < Decimal(b))
    assert (decimal_key(a) == decimal_key(b)) == (Decimal(a) == Decimal(b))


@settings(deadline=None)
@given(st.sampled_from(["0.01", "1", "100", "0.00000001", "0.025"]), st.integers(0, 10**30))
def test_steps_are_exact_both_ways(size: str, count: int) -> None:
    step = Step(size)
    assert step.count(step.text(count)) == count
    assert Fraction(step.text(count)) == Fraction(size) * count


@pytest.mark.parametrize(
    ("size", "text", "fixed"),
    [
        ("0.01", "150.5", "150.50"),
        ("0.01", "150", "150.00"),
        ("0.01", "0.1", "0.10"),
        ("1", "7", "7"),
        ("0.00000001", "0.00002", "0.00002000"),
    ],
)
def test_a_column_of_prices_has_fixed_decimals(size: str, text: str, fixed: str) -> None:
    assert Step(size).fixed(text) == fixed


@pytest.mark.parametrize("text", ["0.015", "1e2", "-1", "", ".5"])
def test_what_is_no_whole_number_of_steps_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        Step("0.01").count(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.50", "1.50"),
        ("nonsense", "nonsense"),  # the exchange says what is wrong with it
        (7, "7"),
        (Decimal("150.02"), "150.02"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("0.10"), "0.10"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_numbers_are_sent_in_plain_digits(number: str | int | Decimal, text: str) -> None:
    assert decimal_text("price", number) == text


@pytest.mark.parametrize("number", [0.1, 1.0, float("nan"), True, b"1", [1], Fraction(1, 2)])
def test_what_is_not_exact_is_a_type_error_that_names_the_field(number: object) -> None:
    with pytest.raises(TypeError, match=r"^quantity must be a str, an int or a decimal\.Decimal, not "):
        decimal_text("quantity", number)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_decimal_that_is_no_number_is_a_value_error(number: str) -> None:
    with pytest.raises(ValueError, match="price must be a finite number"):
        decimal_text("price", Decimal(number))


def test_every_number_of_a_request_becomes_text_and_nothing_else_does() -> None:
    asked = {
        "user_id": "ann",
        "price": None,
        "balances": {"USDC": 5, "SOL": Decimal("0.5")},
        "orders": [{"price": Decimal(1), "quantity": 2, "post_only": True}, {"cancel": {"order_id": "3"}}],
        "peg": {"to": "primary", "offset": Decimal("0.02"), "levels": 3},
        "trailing_delta": 100,
        "expire_at": 1_700_000_000_000,
    }
    assert with_texts(asked) == {
        "user_id": "ann",
        "price": None,
        "balances": {"USDC": "5", "SOL": "0.5"},
        "orders": [{"price": "1", "quantity": "2", "post_only": True}, {"cancel": {"order_id": "3"}}],
        "peg": {"to": "primary", "offset": "0.02", "levels": 3},
        "trailing_delta": 100,
        "expire_at": 1_700_000_000_000,
    }


@pytest.mark.parametrize("asked", [{"balances": {"USDC": 0.5}}, {"orders": [{"price": 0.5}]}, {"peg": {"offset": 0.5}}])
def test_a_float_is_refused_wherever_it_is(asked: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="not float"):
        with_texts(asked)
