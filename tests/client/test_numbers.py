"""Texts and whole numbers, against Python's decimals."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.client import Step, decimal_key
from exchange.client.numbers import decimal_text

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


@pytest.mark.parametrize("text", ["0.015", "1e2", "-1", "", ".5"])
def test_what_is_no_whole_number_of_steps_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        Step("0.01").count(text)


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0) | st.integers(0, 10**40))
def test_a_decimal_or_an_int_is_sent_as_exact_plain_text(number: Decimal | int) -> None:
    text = decimal_text(number)
    assert Decimal(text) == number
    assert set(text) <= set("0123456789.")


@pytest.mark.parametrize("number", [1.5, True, None, b"1"])
def test_what_is_not_exact_is_a_type_error_that_says_what_to_give(number: Any) -> None:
    with pytest.raises(TypeError, match="a Decimal or an int, which are exact"):
        decimal_text(number)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_decimal_that_is_not_finite_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        decimal_text(Decimal(number))
