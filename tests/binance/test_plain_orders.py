"""Plain limit orders are read in a short way: it must say what the long way says, or leave the order to it."""

from dataclasses import replace
from itertools import product

import pytest

from exchange.api.binance.errors import BinanceError
from exchange.api.binance.order_calls import response_kind
from exchange.api.binance.order_codec import place_order, plain_limit
from exchange.api.binance.parameters import Parameters
from exchange.core.commands import PlaceOrder
from exchange.core.instrument import Instrument
from tests.core.stories import SOL_USDC

PLAIN = {
    "symbol": "SOLUSDC",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1.5",
    "price": "150.02",
}
NUMBERS = (
    *("1", "150.02", "0.01", "001.50", "1.", ".5", "0", "0.00", "-1", "+1", "1e3", "1_0", "", " 1", "1.0000000000"),
    *("0.001", "9" * 19, "9" * 20, "9" * 25, "0.123456789", "1.000000000000000000000", "²", "NaN"),
)
OTHERS = {
    "side": ("SELL", "buy", ""),
    "type": ("MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "limit", ""),
    "timeInForce": ("IOC", "FOK", "GTD", "gtc", ""),
    "newClientOrderId": ("mine", "a b", "", "x" * 36, "x" * 37),
    "newOrderRespType": ("ACK", "RESULT", "FULL", "full", ""),
    "recvWindow": ("5000",),
    "timestamp": ("1700000000000",),
    "signature": ("ab",),
    "stopPrice": ("140",),
    "icebergQty": ("0.5",),
    "strategyId": ("1",),
    "selfTradePreventionMode": ("NONE", "TRANSFER"),
    "pegPriceType": ("PRIMARY_PEG",),
    "unknown": ("1", ""),
}


def long_way(values: dict[str, str], rules: Instrument) -> PlaceOrder | None:
    """The command, or None where there is none."""
    params = Parameters(values)
    try:
        params.needed("symbol")
        command = place_order(params, rules, "ann")
        response_kind(params, params.text("type"))
        params.done()
    except BinanceError:
        return None
    return command


def assert_same(values: dict[str, str]) -> bool:
    """Whether the short way takes the order, as the long way then does."""
    short, long = plain_limit(Parameters(values), SOL_USDC, "ann"), long_way(values, SOL_USDC)
    if short is None:
        return False
    if long is None:
        assert "newOrderRespType" in values, values  # the caller looks at that
        return True
    if "newClientOrderId" not in values:
        assert short.client_order_id != long.client_order_id  # each is made
        short = replace(short, client_order_id=long.client_order_id)
    assert short == long, values
    return True


def test_a_plain_order_goes_the_short_way() -> None:
    signed = {"timestamp": "1", "recvWindow": "5000", "signature": "ab"}
    for more in ({}, signed, {**signed, "newClientOrderId": "mine"}, {**signed, "newOrderRespType": "ACK"}):
        assert assert_same({**PLAIN, **more}), more


@pytest.mark.parametrize("name", ["price", "quantity"])
def test_every_number_means_the_same_both_ways(name: str) -> None:
    taken = [text for text in NUMBERS if assert_same({**PLAIN, name: text})]
    assert "150.02" in taken
    assert "1e3" not in taken
    assert "" not in taken


def test_every_pair_of_parameters_means_the_same_both_ways() -> None:
    changes: list[dict[str, str]] = [{name: text} for name, texts in OTHERS.items() for text in texts]
    taken = sum(assert_same({**PLAIN, **one, **other}) for one, other in product(changes, changes))
    assert 0 < taken < len(changes) ** 2


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_an_order_that_lacks_a_parameter_goes_the_long_way(name: str) -> None:
    values = {**PLAIN, "timestamp": "1"}
    del values[name]
    assert not assert_same(values)
