"""Texts and whole numbers, against Python's decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.client import Step, decimal_key

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
