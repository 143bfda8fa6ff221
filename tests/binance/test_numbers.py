"""Numbers as text with eight decimals, and which markets have a symbol of this dialect."""

from types import SimpleNamespace

import pytest

from exchange.api.binance.errors import ERRORS, BinanceError, error_of
from exchange.api.binance.numbers import amount, decimal, integer, price, ratio, text_of
from exchange.api.binance.symbols import Symbols
from exchange.api.native.errors import STATUS, ApiError
from exchange.core.instrument import Asset, Instrument, instrument_of


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (15002, 2, "150.02000000"),
        (0, 0, "0.00000000"),
        (1, 8, "0.00000001"),
        (-5, 1, "-0.50000000"),
        (1, 18, "0.000000000000000001"),
    ],
)
def test_a_number_has_eight_decimals_or_more(value: int, decimals: int, expected: str) -> None:
    assert text_of(value, decimals) == expected


def test_a_quotient_is_rounded_toward_zero() -> None:
    assert (ratio(2, 3), ratio(-2, 3, 3), ratio(-1, 10**9)) == ("0.66666666", "-0.666", "0.00000000")


@pytest.mark.parametrize("text", ["1e-05", "", "-1", "+1", ".5", "1.", "1" * 21, "\u0661", "1\n", "0x1"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(BinanceError) as refused:
        decimal("price", text)
    assert refused.value.code == -1100


def test_a_whole_number_has_a_limit() -> None:
    assert integer("orderId", "0012") == 12
    with pytest.raises(BinanceError) as refused:
        integer("orderId", "9" * 20)
    assert refused.value.code == -1108


def market(base: str, quote: str, *, tick_size: str = "0.01", lot_size: str = "0.001") -> Instrument:
    return instrument_of(f"{base}_{quote}", Asset(base, 18), Asset(quote, 18), tick_size=tick_size, lot_size=lot_size)


def test_a_symbol_has_no_line_and_the_first_of_two_has_it() -> None:
    there = [
        market("AB", "C"),
        market("A", "BC"),
        market("SOL", "USDC"),
        market("FINE", "USDC", tick_size="0.000000001"),
    ]
    symbols = Symbols({rules.symbol: SimpleNamespace(instrument=rules) for rules in there})
    assert symbols.rules("SOLUSDC") is there[2]
    assert symbols.rules("ABC").symbol == "AB_C"
    assert [symbols.has(rules) for rules in there] == [True, False, True, False]
    for name, code in (("FINEUSDC", -1121), ("solusdc", -1100), ("", -1100), ("SOL/USDC", -1100)):
        with pytest.raises(BinanceError) as refused:
            symbols.rules(name)
        assert refused.value.code == code


def test_amounts_have_the_decimals_of_their_asset() -> None:
    rules = market("SOL", "USDC")
    assert price(rules, 15002) == "150.02000000"
    assert amount(Asset("ETH", 18), 10**18) == "1.000000000000000000"
    assert amount(Asset("USDC", 6), 1) == "0.00000100"


def test_the_codes_of_the_table_are_those_of_the_exchange() -> None:
    assert set(ERRORS) <= set(STATUS)


def test_a_code_without_words_of_its_own_is_a_refused_order() -> None:
    for code in set(STATUS) - set(ERRORS):
        assert error_of(ApiError(code, "why"), "asked", "1").code == -2010
