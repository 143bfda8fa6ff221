"""The first trade that is not as recorded is named, and what about it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from exchange.replay.compare import MadeTrade, compare
from exchange.replay.recording import RecordedTrade
from exchange.replay.wire import Units

UNITS = Units(Decimal("0.01"), Decimal("0.00000001"))
RECORDED = [
    RecordedTrade("77", 3, "buy", 10000, 200000000, "4", "1"),
    RecordedTrade("78", 5, "sell", 9900, 5, "5", "6"),
]
MADE = [
    MadeTrade(1, Decimal("100.00"), Decimal("2.00000000"), "buy", "r-4", "r-1"),
    MadeTrade(2, Decimal("99"), Decimal("0.00000005"), "sell", "r-5", "r-6"),
]


def test_equal_trades_compare_by_value_not_by_text() -> None:
    comparison = compare(RECORDED, MADE, UNITS)
    assert (comparison.recorded, comparison.made, comparison.difference) == (2, 2, None)


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (replace(MADE[1], price=Decimal("99.5")), "the price is 99.5, recorded is 99"),
        (replace(MADE[1], quantity=Decimal("1")), "the quantity is 1, recorded is 0.00000005"),
        (replace(MADE[1], taker_side="buy"), "the taker side is buy, recorded is sell"),
        (replace(MADE[1], buyer="r-4"), "the buyer is r-4, recorded is r-5"),
        (replace(MADE[1], seller=None), "the seller is a stranger, recorded is r-6"),
    ],
)
def test_what_differs_is_named(made: MadeTrade, what: str) -> None:
    difference = compare(RECORDED, [MADE[0], made], UNITS).difference
    assert difference == f"trade 2 (recorded as 78, by seq 5; made as 2): {what}"


def test_a_trade_too_few_and_a_trade_too_many_are_differences() -> None:
    assert compare(RECORDED, MADE[:1], UNITS).difference == "trade 2 (recorded as 78, by seq 5) was not made"
    assert compare(RECORDED[:1], MADE, UNITS).difference == "trade 2 (made as 2, r-5 from r-6) is not recorded"


def test_trades_in_another_order_are_different() -> None:
    assert compare(RECORDED, MADE[::-1], UNITS).difference is not None
