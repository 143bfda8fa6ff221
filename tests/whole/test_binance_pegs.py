"""Pegged orders and icebergs that wait in the Binance-compatible dialect, and why orders have expired."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.whole.api import Api
from tests.whole.binance import Bot
from tests.whole.binance_wire import ApiSocket
from tests.whole.served import Served

PRIMARY = {"pegPriceType": "PRIMARY_PEG"}
MARKET = {"pegPriceType": "MARKET_PEG"}
SECOND = {"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 1}
PEGGED_FAR = {"abovePegPriceType": "PRIMARY_PEG", "abovePegOffsetType": "PRICE_LEVEL", "abovePegOffsetValue": 50}
PEGGED = ("price", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice")


@pytest_asyncio.fixture
async def bots(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Bot, Bot]]:
    """Two users; the second one's bids are at 9 and 8, its asks at 11 and 12."""
    base, symbol = market.partition("_")[0], market.replace("_", "")
    async with aiohttp.ClientSession() as session:
        users = [await api.user(**{"USDC": "10000", base: "1000"}) for _ in range(2)]
        one, other = (Bot.of_user(session, shared.url, user_id, symbol) for user_id in users)
        for text in ("BUY 1 @ 9", "BUY 1 @ 8", "SELL 1 @ 11", "SELL 1 @ 12"):
            await other.place(text)
        yield one, other


def peg(bot: Bot, text: str, **more: Any) -> dict[str, Any]:
    """The parameters of a limit order without a price, unless `more` has one."""
    return bot.terms(text) | {"type": "LIMIT", "timeInForce": "GTC"} | more


def shown(order: dict[str, Any]) -> list[Any]:
    return [order.get(name) for name in PEGGED]


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("BUY 1", PRIMARY, ["0.00000000", "PRIMARY_PEG", None, None, "9.00000000"]),
        ("BUY 1", PRIMARY | SECOND, ["0.00000000", "PRIMARY_PEG", "PRICE_LEVEL", 1, "8.00000000"]),
        ("SELL 1", PRIMARY | {"price": "11.5"}, ["11.50000000", "PRIMARY_PEG", None, None, "11.50000000"]),
        ("SELL 1", PRIMARY | {"price": "10"}, ["10.00000000", "PRIMARY_PEG", None, None, "11.00000000"]),
        ("SELL 2", MARKET, ["0.00000000", "MARKET_PEG", None, None, "9.00000000"]),
    ],
)
async def test_a_pegged_order_has_the_price_of_the_book(
    bots: tuple[Bot, Bot], text: str, more: dict[str, Any], expected: list[Any]
) -> None:
    one, _ = bots
    placed = await one.ok("POST", "/api/v3/order", **peg(one, text, **more))
    assert shown(placed) == expected
    named = {"symbol": one.symbol, "orderId": placed["orderId"]}
    assert shown(await one.ok("GET", "/api/v3/order", **named)) == expected
    assert shown(await one.ok("DELETE", "/api/v3/order", **named)) == expected


async def test_a_stop_takes_its_price_when_it_is_triggered(bots: tuple[Bot, Bot]) -> None:
    one, other = bots
    await other.place("SELL 1 @ 10")
    await one.place("BUY 0.5 @ 10")
    stop = MARKET | {"type": "STOP_LOSS_LIMIT", "stopPrice": "9.5", "newOrderRespType": "RESULT"}
    placed = await one.ok("POST", "/api/v3/order", **peg(one, "SELL 1", **stop))
    assert shown(placed) == ["0.00000000", "MARKET_PEG", None, None, None]
    await one.place("SELL 1 @ 9")
    done = await one.ok("GET", "/api/v3/order", symbol=one.symbol, orderId=placed["orderId"])
    assert shown(done) == ["0.00000000", "MARKET_PEG", None, None, "8.00000000"]
    assert (done["status"], done["cummulativeQuoteQty"]) == ("FILLED", "8.00000000")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pegPriceType": "BEST"}, (-1210, "Invalid pegPriceType.")),
        (PRIMARY | {"pegOffsetType": "PRICE", "pegOffsetValue": 1}, (-1211, "Invalid pegOffsetType.")),
        (PRIMARY | {"pegOffsetType": "PRICE_LEVEL"}, (-1102, "Mandatory parameter 'pegOffsetValue'")),
        (PRIMARY | {"pegOffsetValue": 1}, (-1102, "Mandatory parameter 'pegOffsetType'")),
        (SECOND, (-1102, "Mandatory parameter 'pegPriceType'")),
        (PRIMARY | SECOND | {"pegOffsetValue": 101}, (-1130, "Data sent for parameter 'pegOffsetValue'")),
        (PRIMARY | SECOND | {"pegOffsetValue": -1}, (-1100, "Illegal characters found in parameter 'pegOffsetValue'")),
        (PRIMARY | SECOND | {"pegOffsetValue": 100}, (-2010, "Order book liquidity is too low for this pegged order.")),
        (PRIMARY | {"timeInForce": "IOC"}, (-2010, "This price peg cannot be used with this order type.")),
        (
            MARKET | {"type": "LIMIT_MAKER", "timeInForce": None},
            (-2010, "This price peg cannot be used with this order type."),
        ),
        (PRIMARY | {"type": "MARKET", "timeInForce": None}, (-2010, "This order type may not use pegged price.")),
        (
            MARKET | {"type": "STOP_LOSS", "timeInForce": None, "stopPrice": "9"},
            (-2010, "This order type may not use pegged price."),
        ),
        (PRIMARY | {"price": "9.001"}, (-1013, "Filter failure: PRICE_FILTER")),
        (PRIMARY | {"quantity": "0.01"}, (-1013, "Filter failure: NOTIONAL")),
        (PRIMARY | {"quantity": "100000"}, (-2010, "Account has insufficient balance for requested action.")),
    ],
)
async def test_what_is_wrong_with_a_pegged_order_is_said(
    bots: tuple[Bot, Bot], more: dict[str, Any], expected: tuple[int, str]
) -> None:
    one, _ = bots
    terms = {name: value for name, value in peg(one, "BUY 1", **more).items() if value is not None}
    status, answer = await one.call("POST", "/api/v3/order", **terms)
    assert (status, answer["code"]) == (400, expected[0])
    assert answer["msg"].startswith(expected[1])
    assert await one.ok("GET", "/api/v3/openOrders", symbol=one.symbol) == []


async def test_pegged_orders_are_tested_replaced_and_told(bots: tuple[Bot, Bot], shared: Served) -> None:
    one, _ = bots
    terms = peg(one, "BUY 1", **PRIMARY | SECOND)
    assert await one.ok("POST", "/api/v3/order/test", **terms) == {}
    async with ApiSocket(shared.ws_url, one.api_key, one.sign) as socket:
        await socket.ok("userDataStream.subscribe.signature")
        placed = await socket.ok("order.place", **terms)
        [told] = [event["event"] for event in socket.events if event["event"]["e"] == "executionReport"]
        assert [told[name] for name in ("p", "gP", "gOT", "gOV", "gp")] == shown(placed)
    mode = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
    made = await one.ok("POST", "/api/v3/order/cancelReplace", **peg(one, "BUY 1", **MARKET, price="10") | mode)
    assert shown(made["cancelResponse"]) == shown(placed)
    assert shown(made["newOrderResponse"]) == ["10.00000000", "MARKET_PEG", None, None, "10.00000000"]
    info = await one.ok("GET", "/api/v3/exchangeInfo", symbol=one.symbol)
    assert info["symbols"][0]["pegInstructionsAllowed"] is True


async def test_orders_of_lists_may_be_pegged(bots: tuple[Bot, Bot]) -> None:
    one, _ = bots
    above = {"aboveType": "LIMIT_MAKER", "abovePegPriceType": "PRIMARY_PEG"}
    below: dict[str, Any] = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "8.5", "belowTimeInForce": "GTC"}
    below |= {"belowPegPriceType": "PRIMARY_PEG", "belowPegOffsetType": "PRICE_LEVEL", "belowPegOffsetValue": 1}
    terms = {"symbol": one.symbol, "side": "SELL", "quantity": 1}
    placed = await one.ok("POST", "/api/v3/orderList/oco", **terms, **above, **below)
    assert [shown(leg) for leg in placed["orderReports"]] == [
        ["0.00000000", "PRIMARY_PEG", "PRICE_LEVEL", 1, None],
        ["0.00000000", "PRIMARY_PEG", None, None, "11.00000000"],
    ]
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": "1", "workingTimeInForce": "GTC"}
    pending = {"pendingSide": "SELL", "pendingQuantity": "1", "pendingType": "LIMIT_MAKER"}
    pegs = {"workingPegPriceType": "MARKET_PEG", "pendingPegPriceType": "PRIMARY_PEG"}
    placed = await one.ok("POST", "/api/v3/orderList/oto", symbol=one.symbol, **working, **pending, **pegs)
    assert (shown(placed["orderReports"][0])[-1], placed["orderReports"][0]["status"]) == ("11.00000000", "FILLED")
    entered = await one.ok("GET", "/api/v3/order", symbol=one.symbol, orderId=placed["orders"][1]["orderId"])
    assert (entered["status"], shown(entered)[-1]) == ("NEW", "11.00000000"), "its first order sells at 11 as well"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"abovePegPriceType": "MARKET_PEG"}, (-2010, "This price peg cannot be used with this order type.")),
        ({"abovePegOffsetType": "PRICE_LEVEL"}, (-1102, "Mandatory parameter 'abovePegPriceType'")),
        (
            {"abovePegPriceType": "PRIMARY_PEG", "belowPegPriceType": "PRIMARY_PEG"},
            (-2010, "This order type may not use pegged price."),
        ),
        (PEGGED_FAR, (-2010, "Order book liquidity is too low for this pegged order.")),
    ],
)
async def test_what_is_wrong_with_a_peg_in_a_list_is_said(
    bots: tuple[Bot, Bot], more: dict[str, Any], expected: tuple[int, str]
) -> None:
    one, _ = bots
    legs = {"aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS", "belowStopPrice": "8"}
    terms = {"symbol": one.symbol, "side": "SELL", "quantity": 1} | legs | more
    status, answer = await one.call("POST", "/api/v3/orderList/oco", **terms)
    assert (status, answer["code"]) == (400, expected[0])
    assert answer["msg"].startswith(expected[1])
    assert await one.ok("GET", "/api/v3/openOrderList") == []


async def test_a_stop_with_a_limit_may_be_an_iceberg(bots: tuple[Bot, Bot]) -> None:
    one, other = bots
    await other.place("SELL 1 @ 10")
    await one.place("BUY 0.5 @ 10")
    stop = {"type": "STOP_LOSS_LIMIT", "stopPrice": "9.5", "icebergQty": "0.25", "newOrderRespType": "RESULT"}
    placed = await one.place("SELL 3 @ 9.2", **stop)
    assert (placed["icebergQty"], placed["workingTime"]) == ("0.25000000", -1)
    await one.place("SELL 1 @ 9")
    asks = (await one.ok("GET", "/api/v3/depth", symbol=one.symbol))["asks"]
    assert asks[0] == ["9.20000000", "0.25000000"]
    assert (await one.refused("SELL 1 @ 9.2", **stop | {"timeInForce": "FOK"}))[0] == -1106


async def test_an_expired_order_says_why(bots: tuple[Bot, Bot]) -> None:
    one, _ = bots
    for terms, why in (
        (one.terms("BUY 2 @ 11", timeInForce="IOC"), "UNFILLED_IOC_QUANTITY_EXPIRED"),
        (one.terms("BUY 2 @ 12", timeInForce="FOK"), "UNFILLED_FOK_ORDER_EXPIRED"),
        (one.terms("BUY 2"), "INSUFFICIENT_LIQUIDITY"),
    ):
        placed = await one.ok("POST", "/api/v3/order", **terms)
        assert (placed["status"], placed["expiryReason"]) == ("EXPIRED", why)
        read = await one.ok("GET", "/api/v3/order", symbol=one.symbol, orderId=placed["orderId"])
        assert read["expiryReason"] == why
    assert "expiryReason" not in await one.place("BUY 1 @ 9")
