"""Orders over the Binance-compatible dialect, and the same orders seen over the native one."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.whole.api import Api
from tests.whole.binance import Bot
from tests.whole.served import Served

Pair = tuple[Bot, Bot]


@pytest_asyncio.fixture
async def bots(shared: Served, api: Api, market: str) -> AsyncIterator[Pair]:
    """Two users of a fresh market."""
    base = market.partition("_")[0]
    async with aiohttp.ClientSession() as session:
        made = []
        for _ in range(2):
            user_id = await api.user(**{"USDC": "100000", base: "1000"})
            made.append(Bot.of_user(session, shared.url, user_id, market.replace("_", "")))
        yield made[0], made[1]


def user_of(bot: Bot) -> str:
    return bot.api_key.removesuffix("-key")


async def test_a_limit_order_rests_and_a_market_order_takes_it(bots: Pair) -> None:
    maker, taker = bots
    resting = await maker.place("SELL 2 @ 100.5", newClientOrderId="mine")
    assert {name: resting[name] for name in ("clientOrderId", "status", "price", "origQty", "type", "fills")} == {
        "clientOrderId": "mine",
        "status": "NEW",
        "price": "100.50000000",
        "origQty": "2.00000000",
        "type": "LIMIT",
        "fills": [],
    }
    taken = await taker.place("BUY 0.5")
    assert (taken["status"], taken["executedQty"], taken["cummulativeQuoteQty"]) == (
        *("FILLED", "0.50000000"),
        "50.25000000",
    )
    assert [(fill["price"], fill["qty"], fill["tradeId"]) for fill in taken["fills"]] == [
        ("100.50000000", "0.50000000", 1)
    ]
    assert (await maker.ok("GET", "/api/v3/order", symbol=maker.symbol, origClientOrderId="mine"))["status"] == (
        "PARTIALLY_FILLED"
    )
    [own] = await maker.ok("GET", "/api/v3/myTrades", symbol=maker.symbol)
    assert (own["id"], own["isMaker"], own["isBuyer"], own["orderId"]) == (1, True, False, resting["orderId"])


async def test_a_market_order_may_name_a_sum_of_the_quote(bots: Pair) -> None:
    maker, taker = bots
    await maker.place("SELL 2 @ 100")
    terms = {"symbol": taker.symbol, "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"}
    taken = await taker.ok("POST", "/api/v3/order", **terms)
    assert (taken["origQuoteOrderQty"], taken["origQty"], taken["executedQty"]) == (
        *("50.00000000", "0.50000000"),
        "0.50000000",
    )


async def test_what_is_said_of_a_new_order_depends_on_what_was_asked(bots: Pair) -> None:
    maker, _ = bots
    acknowledged = await maker.place("BUY 1 @ 10", newOrderRespType="ACK")
    assert set(acknowledged) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    result = await maker.place("BUY 1 @ 10", newOrderRespType="RESULT")
    assert "status" in result
    assert "fills" not in result
    assert "fills" in await maker.place("BUY 1 @ 10")
    assert "status" not in await maker.place("BUY 1 @ 10", type="LIMIT_MAKER")


async def test_a_client_order_id_may_be_used_again_once_its_order_is_closed(bots: Pair) -> None:
    maker, _ = bots
    first = await maker.place("BUY 1 @ 10", newClientOrderId="mine")
    assert await maker.refused("BUY 1 @ 10", newClientOrderId="mine") == (-2010, "Duplicate order sent.")
    canceled = await maker.ok("DELETE", "/api/v3/order", symbol=maker.symbol, origClientOrderId="mine")
    assert (canceled["status"], canceled["origClientOrderId"]) == ("CANCELED", "mine")
    assert canceled["clientOrderId"] != "mine"
    second = await maker.place("BUY 1 @ 10", newClientOrderId="mine")
    assert second["orderId"] > first["orderId"]
    found = await maker.ok("GET", "/api/v3/order", symbol=maker.symbol, origClientOrderId="mine")
    assert found["orderId"] == second["orderId"]


async def test_both_dialects_see_the_same_orders(bots: Pair, api: Api, market: str) -> None:
    maker, _ = bots
    user_id = user_of(maker)
    native = await api.order(user_id, market, "buy 1 @ 10")
    named = f"o{native['order_id']}"
    [shown] = await maker.ok("GET", "/api/v3/openOrders", symbol=maker.symbol)
    assert (shown["clientOrderId"], shown["orderId"]) == (named, int(native["order_id"]))
    found = await maker.ok("GET", "/api/v3/order", symbol=maker.symbol, origClientOrderId=named)
    assert found["orderId"] == shown["orderId"]
    ours = await maker.place("BUY 1 @ 9")
    other = await api.ok("GET", "/order", user_id=user_id, market=market, order_id=str(ours["orderId"]))
    assert other["client_order_id"] == ours["clientOrderId"]
    canceled = await maker.ok("DELETE", "/api/v3/order", symbol=maker.symbol, origClientOrderId=named)
    assert canceled["orderId"] == shown["orderId"]
    closed = await maker.ok("GET", "/api/v3/order", symbol=maker.symbol, origClientOrderId=named)
    assert closed["status"] == "CANCELED"


async def test_open_and_all_orders_are_listed_oldest_first(bots: Pair) -> None:
    maker, _ = bots
    ids = [(await maker.place(f"BUY 1 @ {price}"))["orderId"] for price in (10, 11, 12)]
    await maker.ok("DELETE", "/api/v3/order", symbol=maker.symbol, orderId=ids[1])
    shown = await maker.ok("GET", "/api/v3/openOrders", symbol=maker.symbol)
    assert [order["orderId"] for order in shown] == [ids[0], ids[2]]
    all_orders = {"symbol": maker.symbol}
    for more, expected in (
        ({}, ids),
        ({"limit": 2}, ids[1:]),
        ({"orderId": ids[1]}, ids[1:]),
        ({"orderId": ids[0], "limit": 1}, ids[:1]),
        ({"orderId": 0}, ids),
        ({"startTime": shown[0]["time"]}, ids),
        ({"endTime": shown[0]["time"] - 1}, []),
        ({"startTime": 1, "endTime": 2}, []),
    ):
        found = await maker.ok("GET", "/api/v3/allOrders", **all_orders, **more)
        assert [order["orderId"] for order in found] == expected, more
    canceled = await maker.ok("DELETE", "/api/v3/openOrders", symbol=maker.symbol)
    assert [order["orderId"] for order in canceled] == [ids[0], ids[2]]
    assert await maker.code("DELETE", "/api/v3/openOrders", symbol=maker.symbol) == -2011


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("BUY 1 @ 10", {"price": ""}, (-1105, "Parameter 'price' was empty.")),
        ("BUY 1 @ 10", {"side": "buy"}, (-1117, "Invalid side.")),
        ("BUY 1 @ 10", {"type": "limit"}, (-1116, "Invalid orderType.")),
        ("BUY 1 @ 10", {"timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
        ("BUY 1 @ 10.001", {}, (-1013, "Filter failure: PRICE_FILTER")),
        ("BUY 1.00001 @ 10", {}, (-1013, "Filter failure: LOT_SIZE")),
        ("BUY 0 @ 10", {}, (-1013, "Filter failure: LOT_SIZE")),
        ("BUY 1 @ 0", {}, (-1013, "Filter failure: PRICE_FILTER")),
        ("BUY 0.001 @ 10", {}, (-1013, "Filter failure: NOTIONAL")),
        ("BUY 1.000000001 @ 10", {}, (-1111, "Parameter 'quantity' has too much precision.")),
        ("BUY 10000 @ 100", {}, (-2010, "Account has insufficient balance for requested action.")),
        ("BUY 1 @ 10", {"stopPrice": "1"}, (-1106, "Parameter 'stopPrice' sent when not required.")),
        ("BUY 1 @ 10", {"icebergQty": "0"}, (-1013, "Filter failure: LOT_SIZE")),
        (
            "BUY 1 @ 10",
            {"icebergQty": "1", "timeInForce": "IOC"},
            (-1106, "Parameter 'icebergQty' sent when not required."),
        ),
        ("BUY 1 @ 10", {"strategyType": "5"}, (-1134, "`strategyType` was less than 1000000.")),
        ("BUY 1", {"price": "1"}, (-1106, "Parameter 'price' sent when not required.")),
        ("BUY 1", {"quoteOrderQty": "1"}, (-1106, "Parameter 'quoteOrderQty' sent when not required.")),
        (
            "BUY 1 @ 10",
            {"unheard": "of"},
            (-1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
        ),
        (
            "BUY 1 @ 10",
            {"selfTradePreventionMode": "TRANSFER"},
            (-1013, "This symbol does not allow the specified self-trade prevention mode."),
        ),
    ],
)
async def test_what_is_wrong_with_an_order_is_said(
    bots: Pair, text: str, more: dict[str, str], expected: tuple[int, str]
) -> None:
    maker, _ = bots
    before = await maker.ok("GET", "/api/v3/account")
    found = await maker.refused(text, **more)
    assert found == expected
    after = await maker.ok("GET", "/api/v3/account")
    assert after["balances"] == before["balances"]


@pytest.mark.parametrize("name", ["symbol", "side", "type", "timeInForce", "quantity", "price"])
async def test_what_is_missing_in_an_order_is_said(bots: Pair, name: str) -> None:
    maker, _ = bots
    terms = maker.terms("BUY 1 @ 10")
    del terms[name]
    status, answer = await maker.call("POST", "/api/v3/order", **terms)
    assert (status, answer["code"]) == (400, -1102)
    assert f"'{name}'" in answer["msg"]


async def test_a_limit_maker_takes_nothing(bots: Pair) -> None:
    maker, taker = bots
    await maker.place("SELL 1 @ 10")
    assert await taker.refused("BUY 1 @ 10", type="LIMIT_MAKER") == (
        -2010,
        "Order would immediately match and take.",
    )
    made = await taker.place("BUY 1 @ 9", type="LIMIT_MAKER", newOrderRespType="FULL")
    assert (made["type"], made["status"], made["timeInForce"]) == ("LIMIT_MAKER", "NEW", "GTC")


async def test_an_order_that_meets_its_owner_expires_in_match(bots: Pair) -> None:
    maker, _ = bots
    resting = await maker.place("SELL 1 @ 10")
    taker = await maker.place("BUY 1 @ 10", strategyId="7")
    assert (taker["status"], taker["selfTradePreventionMode"], taker["strategyId"]) == (
        *("EXPIRED_IN_MATCH", "EXPIRE_TAKER"),
        7,
    )
    [match] = await maker.ok("GET", "/api/v3/myPreventedMatches", symbol=maker.symbol, orderId=taker["orderId"])
    assert (match["makerOrderId"], match["takerPreventedQuantity"]) == (resting["orderId"], "1.00000000")
    assert taker["preventedMatchId"] == match["preventedMatchId"]


async def test_a_cancel_may_depend_on_what_the_order_has_filled(bots: Pair) -> None:
    maker, _ = bots
    made = await maker.place("BUY 1 @ 10")
    named = {"symbol": maker.symbol, "orderId": made["orderId"]}
    assert await maker.code("DELETE", "/api/v3/order", **named, cancelRestrictions="NEVER") == -1145
    status, answer = await maker.call("DELETE", "/api/v3/order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert (status, answer["code"]) == (400, -2011)
    assert answer["msg"] == "Order was not canceled due to cancel restrictions."
    canceled = await maker.ok("DELETE", "/api/v3/order", **named, cancelRestrictions="ONLY_NEW", newClientOrderId="why")
    assert canceled["clientOrderId"] == "why"
    assert await maker.code("DELETE", "/api/v3/order", **named) == -2011
    assert await maker.code("GET", "/api/v3/order", symbol=maker.symbol) == -1102
    assert await maker.code("GET", "/api/v3/order", **named, origClientOrderId="other") == -2039
    assert await maker.code("GET", "/api/v3/order", symbol=maker.symbol, orderId=10**9) == -2013


async def test_a_test_order_is_checked_and_not_placed(bots: Pair) -> None:
    maker, _ = bots
    path, terms = "/api/v3/order/test", maker.terms("BUY 1 @ 10")
    assert await maker.ok("POST", path, **terms) == {}
    rates = await maker.ok("POST", path, **terms, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"] == {"maker": "0.00000000", "taker": "0.00000000"}
    assert await maker.code("POST", path, **terms | {"quantity": "100000"}) == -2010
    assert await maker.ok("GET", "/api/v3/openOrders", symbol=maker.symbol) == []


async def test_the_account_has_all_assets_or_those_that_the_user_has(bots: Pair, market: str) -> None:
    maker, _ = bots
    await maker.place("BUY 1 @ 10")
    account = await maker.ok("GET", "/api/v3/account", omitZeroBalances="true")
    balances: dict[str, Any] = {row["asset"]: (row["free"], row["locked"]) for row in account["balances"]}
    base = market.partition("_")[0]
    assert balances == {"USDC": ("99990.00000000", "10.00000000"), base: ("1000.000000000", "0.000000000")}
    every = await maker.ok("GET", "/api/v3/account")
    assert len(every["balances"]) > 2


async def test_orders_are_counted_in_headers(bots: Pair) -> None:
    maker, _ = bots
    await maker.place("BUY 1 @ 10")
    assert int(maker.headers["X-MBX-ORDER-COUNT-1D"]) == 1
    counts = await maker.ok("GET", "/api/v3/rateLimit/order")
    assert [row["intervalNum"] for row in counts] == [10, 1]
    assert counts[1]["count"] == 1


async def test_an_order_counts_until_it_fills(bots: Pair) -> None:
    maker, taker = bots
    for _ in range(3):
        await maker.place("BUY 2 @ 10")
    await taker.place("SELL 1 @ 9")
    await taker.place("SELL 1 @ 11")
    # A maker's first fill takes five orders off, and a taker's one.
    for bot, left in ((maker, 0), (taker, 1)):
        counts = await bot.ok("GET", "/api/v3/rateLimit/order")
        assert counts[1]["count"] == left
    await maker.place("BUY 1 @ 8")
    await taker.place("SELL 1 @ 9")
    counts = await maker.ok("GET", "/api/v3/rateLimit/order")
    assert counts[1]["count"] == 1  # the order that was filled before has filled further


async def test_an_order_weighs_something_only_if_it_fails(bots: Pair) -> None:
    maker, _ = bots

    async def used() -> list[int]:
        """The weight after a read, an order, and one that is refused."""
        found = []
        await maker.ok("GET", "/api/v3/ping")
        found.append(int(maker.headers["X-MBX-USED-WEIGHT-1M"]))
        order = await maker.place("BUY 1 @ 10")
        found.append(int(maker.headers["X-MBX-USED-WEIGHT-1M"]))
        await maker.ok("DELETE", "/api/v3/order", symbol=maker.symbol, orderId=order["orderId"])
        found.append(int(maker.headers["X-MBX-USED-WEIGHT-1M"]))
        assert await maker.code("DELETE", "/api/v3/order", symbol=maker.symbol, orderId=order["orderId"]) == -2011
        found.append(int(maker.headers["X-MBX-USED-WEIGHT-1M"]))
        return found

    first, *following = await used()
    if following[-1] < first:  # another minute has begun
        first, *following = await used()
    assert following == [first, first, first + 1]


async def test_an_order_is_canceled_and_another_placed(bots: Pair) -> None:
    maker, _ = bots
    path = "/api/v3/order/cancelReplace"
    first = await maker.place("BUY 1 @ 10", newClientOrderId="mine")
    stop = {"cancelReplaceMode": "STOP_ON_FAILURE", "newClientOrderId": "mine"}
    made = await maker.ok("POST", path, **maker.terms("BUY 1 @ 11"), **stop, cancelOrigClientOrderId="mine")
    assert (made["cancelResult"], made["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert made["cancelResponse"]["orderId"] == first["orderId"]
    assert made["newOrderResponse"]["price"] == "11.00000000"
    named, stop = {"cancelOrderId": first["orderId"]}, {"cancelReplaceMode": "STOP_ON_FAILURE"}
    status, answer = await maker.call("POST", path, **maker.terms("BUY 1 @ 12"), **stop, **named)
    assert (status, answer["code"], answer["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
    allow = {"cancelReplaceMode": "ALLOW_FAILURE"}
    status, answer = await maker.call("POST", path, **maker.terms("BUY 1 @ 12"), **allow, **named)
    assert (status, answer["code"], answer["data"]["newOrderResult"]) == (409, -2021, "SUCCESS")
    status, answer = await maker.call("POST", path, **maker.terms("BUY 100000 @ 12"), **allow, **named)
    assert (status, answer["code"], answer["data"]["newOrderResponse"]["code"]) == (400, -2022, -2010)
    replaced = {"cancelOrderId": made["newOrderResponse"]["orderId"]}
    status, answer = await maker.call("POST", path, **maker.terms("BUY 0.001 @ 12"), **stop, **replaced)
    assert (status, answer["code"]) == (400, -1013), "a filter is judged before anything is canceled"
    status, answer = await maker.call("POST", path, **maker.terms("BUY 100000 @ 12"), **stop, **replaced)
    assert (status, answer["data"]["cancelResult"], answer["data"]["newOrderResult"]) == (409, "SUCCESS", "FAILURE")
    for missing in ("cancelReplaceMode", "cancelOrderId"):
        terms = maker.terms("BUY 1 @ 12") | stop | named
        del terms[missing]
        assert await maker.code("POST", path, **terms) == -1102


async def test_an_order_waits_for_a_price(bots: Pair) -> None:
    maker, taker = bots
    await maker.place("BUY 1 @ 90")
    await maker.place("BUY 1 @ 100")
    await taker.place("SELL 0.5")
    stop = {"type": "STOP_LOSS", "stopPrice": "95"}
    assert await taker.refused("SELL 0.5", **stop | {"stopPrice": "101"}) == (-2010, "Order would trigger immediately.")
    made = await taker.place("SELL 0.5", **stop, newOrderRespType="RESULT")
    assert (made["status"], made["type"], made["workingTime"], made["stopPrice"]) == (
        *("NEW", "STOP_LOSS", -1),
        "95.00000000",
    )
    [waits] = await taker.ok("GET", "/api/v3/openOrders", symbol=taker.symbol)
    assert (waits["isWorking"], waits["timeInForce"], waits["stopPrice"]) == (False, "GTC", "95.00000000")
    await maker.ok("DELETE", "/api/v3/openOrders", symbol=maker.symbol)
    await maker.place("BUY 1 @ 94")
    await taker.place("SELL 0.25")
    done = await taker.ok("GET", "/api/v3/order", symbol=taker.symbol, orderId=made["orderId"])
    assert (done["status"], done["executedQty"], done["isWorking"]) == ("FILLED", "0.50000000", True)


async def test_an_order_follows_the_price(bots: Pair) -> None:
    maker, taker = bots
    await maker.place("BUY 1 @ 100")
    await taker.place("SELL 0.5")
    trailing = {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "trailingDelta": "100", "price": "1"}
    made = await taker.place("SELL 0.5", **trailing, newOrderRespType="RESULT")
    assert (made["trailingDelta"], made["workingTime"], made["price"]) == (100, -1, "1.00000000")
    assert made["trailingTime"] > 0
    named = {"symbol": taker.symbol, "orderId": made["orderId"]}
    assert (await taker.ok("DELETE", "/api/v3/order", **named))["status"] == "CANCELED"
    for wrong, code in (
        ({"trailingDelta": "0"}, -1013),
        ({"trailingDelta": "10000"}, -1013),
        ({"trailingDelta": ""}, -1105),
    ):
        assert (await taker.refused("SELL 0.5", **trailing | wrong))[0] == code
    assert (await taker.refused("SELL 0.5", type="STOP_LOSS"))[0] == -1102
    assert (await taker.refused("SELL 0.5", type="STOP_LOSS", stopPrice="1", timeInForce="GTC"))[0] == -1106
    assert (await taker.refused("SELL 0.5", type="TAKE_PROFIT_LIMIT", stopPrice="1", price="1"))[0] == -1102


async def test_an_order_is_made_smaller_where_it_stands(bots: Pair) -> None:
    maker, taker = bots
    path, first = "/api/v3/order/amend/keepPriority", await maker.place("SELL 2 @ 100", newClientOrderId="first")
    second = await taker.place("SELL 1 @ 100")
    named = {"symbol": maker.symbol, "orderId": first["orderId"]}
    made = await maker.ok("PUT", path, **named, newQty="0.5")
    assert (made["amendedOrder"]["qty"], made["amendedOrder"]["origClientOrderId"]) == ("0.50000000", "first")
    assert made["amendedOrder"]["clientOrderId"] != "first"
    renamed = await maker.ok("PUT", path, **named, newQty="0.4", newClientOrderId="other")
    assert renamed["amendedOrder"]["clientOrderId"] == "other"
    depth = await maker.ok("GET", "/api/v3/depth", symbol=maker.symbol)
    assert depth["asks"] == [["100.00000000", "1.40000000"]]
    rows = await maker.ok("GET", "/api/v3/order/amendments", **named)
    assert [(row["origQty"], row["newQty"], row["newClientOrderId"]) for row in rows] == [
        ("2.00000000", "0.50000000", made["amendedOrder"]["clientOrderId"]),
        ("0.50000000", "0.40000000", "other"),
    ]
    later = {"fromExecutionId": renamed["executionId"]}
    assert await maker.ok("GET", "/api/v3/order/amendments", **named, **later) == rows[1:]
    for wrong, code in (
        ({"newQty": "0.4"}, -2038),
        ({"newQty": "3"}, -2038),
        ({"newQty": "0"}, -1013),
        ({"newQty": "0.0001"}, -1013),
        ({"newQty": ""}, -1102),
        ({"newQty": "0.3", "orderId": second["orderId"]}, -2013),
        ({"newQty": "0.3", "origClientOrderId": "first"}, -2039),
    ):
        assert await maker.code("PUT", path, **named | wrong) == code, wrong
