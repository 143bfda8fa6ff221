"""Text and integers, and the rules that an instrument must keep."""

import pytest

from exchange.core.fees import fee_minor
from exchange.core.instrument import (
    AMOUNT_MAX,
    Asset,
    Instrument,
    InvalidInstrument,
    InvalidNumber,
    OffGrid,
    decimal_text,
    div_ceil,
    instrument_of,
    parse_scaled,
)
from tests.core.stories import SOL, SOL_USDC, USDC

# --- numbers


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("150.02", 3, 150020), ("2", 3, 2000), ("0", 0, 0), ("007", 0, 7), ("1.500", 1, 15), ("0.00000001", 8, 1)],
)
def test_plain_digits_are_a_number(text: str, decimals: int, value: int) -> None:
    assert parse_scaled(text, decimals) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".5",
        "-1",
        "+1",
        "1e5",
        "1E5",
        " 1",
        "1 ",
        "1,5",
        "1.2.3",
        "0x1",
        "NaN",
        "inf",
        "1_000",
        "\u0661",
        "\u00b2",
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    with pytest.raises(InvalidNumber):
        parse_scaled(text, 3)


def test_a_number_too_long_to_be_in_range_is_not_read() -> None:
    assert parse_scaled("0" * 99 + "1", 0) == 1
    with pytest.raises(InvalidNumber):
        parse_scaled("0" * 100 + "1", 0)


def test_a_number_finer_than_its_unit_is_off_the_grid() -> None:
    with pytest.raises(OffGrid):
        parse_scaled("0.0001", 3)
    with pytest.raises(OffGrid):
        parse_scaled("0.5", 0)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (150020, 3, "150.02"),
        (2000, 3, "2"),
        (0, 6, "0"),
        (5, 0, "5"),
        (1, 18, "0.000000000000000001"),
        (-15, 1, "-1.5"),
    ],
)
def test_an_integer_shows_its_shortest_exact_text(value: int, decimals: int, text: str) -> None:
    assert decimal_text(value, decimals) == text


def test_rounding_up_is_exact() -> None:
    assert [div_ceil(n, 3) for n in (0, 1, 2, 3, 4)] == [0, 1, 1, 1, 2]
    assert [fee_minor(n, 1) for n in (0, 1, 1_000_000, 1_000_001)] == [0, 1, 1, 2]
    assert fee_minor(AMOUNT_MAX - 1, 1_000_000) == AMOUNT_MAX - 1


# --- instruments


def test_prices_are_ticks_and_quantities_lots() -> None:
    assert (SOL_USDC.ticks("150.02"), SOL_USDC.lots("0.25")) == (15002, 250)
    assert (SOL_USDC.price_text(15002), SOL_USDC.quantity_text(250)) == ("150.02", "0.25")
    assert (SOL_USDC.lot_minor, SOL_USDC.notional_unit) == (1_000_000, 10)


@pytest.mark.parametrize(("text", "ticks"), [("0.0250", 1), ("0.05", 2), ("1", 40)])
def test_a_tick_need_not_be_a_power_of_ten(text: str, ticks: int) -> None:
    rules = market(tick_size="0.0250")
    assert rules.ticks(text) == ticks
    with pytest.raises(OffGrid):
        rules.ticks("0.03")


def test_a_lot_may_be_more_than_one() -> None:
    rules = market(lot_size="100.0")
    assert (rules.lots("300"), rules.quantity_text(3), rules.lot_minor) == (3, "300", 100 * 10**9)
    with pytest.raises(OffGrid):
        rules.lots("350")


@pytest.mark.parametrize("size", ["0.01", "0.010", "00.01"])
def test_rules_written_otherwise_are_the_same_rules(size: str) -> None:
    assert market(tick_size=size) == SOL_USDC


def market(
    base: Asset = SOL, quote: Asset = USDC, *, tick_size: str = "0.01", lot_size: str = "0.001", **rules: str
) -> Instrument:
    """SOL_USDC, but for what is said."""
    return instrument_of(
        f"{base.symbol}_{quote.symbol}",
        base,
        quote,
        tick_size=tick_size,
        lot_size=lot_size,
        min_notional=rules.get("min_notional", "0"),
        maker_fee=rules.get("maker_fee", "0"),
        taker_fee=rules.get("taker_fee", "0"),
    )


def test_a_notional_must_be_a_whole_number_of_minor_units() -> None:
    with pytest.raises(InvalidInstrument, match="no whole number of USDC's minor units"):
        market(lot_size="0.00001")
    assert market(tick_size="0.02", lot_size="0.00005").notional_unit == 1


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"tick_size": "0"}, "tick_size must be greater than zero"),
        ({"lot_size": "0.0"}, "lot_size must be greater than zero"),
        ({"tick_size": "x"}, "tick_size 'x' is not a decimal number"),
        ({"lot_size": "-1"}, "lot_size '-1' is not a decimal number"),
        ({"lot_size": "0.0000000001", "tick_size": "100000"}, "lot_size 0.0000000001 is finer than SOL"),
        ({"maker_fee": "1.000001"}, "maker_fee is more than everything"),
        ({"taker_fee": "0.0000001"}, "taker_fee '0.0000001' is not a fraction"),
        ({"taker_fee": "-0.1"}, "taker_fee '-0.1' is not a fraction"),
        ({"min_notional": "0.0000001"}, "min_notional '0.0000001' is not an amount of USDC"),
        ({"min_notional": "1" + "0" * 32}, "min_notional"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidInstrument, match=sentence):
        market(**rules)  # type: ignore[arg-type]


def test_nothing_trades_against_itself() -> None:
    with pytest.raises(InvalidInstrument, match="against itself"):
        market(base=USDC, tick_size="0.01", lot_size="0.01")
