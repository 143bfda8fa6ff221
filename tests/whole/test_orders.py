"""Orders: types, times in force, refusals, and that every read shows an order once it is answered."""

import asyncio
from typing import Any

import pytest

from tests.whole.api import Api, order_body
from tests.whole.conftest import Markets
from tests.whole.shapes import assert_order

RICH = "1000000"


async def book(api: Api, market: str, *texts: str) -> str:
    """A maker with these orders in the book."""
    maker = await api.user(USDC=RICH, **{market.partition("_")[0]: RICH})
    for text in texts:
        assert (await api.order(maker, market, text))["status"] == "open"
    return maker


def ended(order: dict[str, Any]) -> tuple[str, str | None, str, str]:
    """How an order came out."""
    assert_order(order, with_fills=True)
    return order["status"], order["expire_reason"], order["executed_quantity"], order["executed_quote_quantity"]


async def test_a_market_buy_walks_the_book(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10", "sell 2 @ 11")
    user = await api.user(USDC="33")
    order = await api.order(user, market, "buy 2")
    assert ended(order) == ("filled", None, "2", "21")
    assert [(fill["price"], fill["quantity"]) for fill in order["fills"]] == [("10", "1"), ("11", "1")]


async def test_a_market_order_stops_at_its_worst_price(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10", "sell 2 @ 11")
    user = await api.user(USDC="33")
    order = await api.order(user, market, "buy 2", price="10.50")
    assert ended(order) == ("expired", "unfilled", "1", "10")
    assert order["price"] == "10.5"


async def test_a_market_order_without_a_counterpart_is_a_200(api: Api, market: str) -> None:
    user = await api.user(USDC="33")
    assert ended(await api.order(user, market, "buy 2")) == ("expired", "unfilled", "0", "0")


async def test_a_market_buy_that_costs_too_much_is_refused(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10", "sell 2 @ 11")
    user = await api.user(USDC="20.99")
    assert await api.refused("POST", "/order", order_body(user, market, "buy 2")) == (422, "INSUFFICIENT_BALANCE")


async def test_ioc_takes_what_it_can_and_expires(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10")
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 3 @ 10", time_in_force="ioc")
    assert ended(order) == ("expired", "unfilled", "1", "10")
    assert await api.balances(user) == {"USDC": ("90", "0"), market.partition("_")[0]: ("1", "0")}


async def test_ioc_that_fills_nothing_is_a_200(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    assert ended(await api.order(user, market, "buy 3 @ 10", time_in_force="ioc")) == ("expired", "unfilled", "0", "0")


async def test_fok_fills_whole_or_not_at_all(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10", "sell 1 @ 11")
    user = await api.user(USDC="100")
    short = await api.order(user, market, "buy 3 @ 11", time_in_force="fok")
    assert ended(short) == ("expired", "fok_unfillable", "0", "0")
    whole = await api.order(user, market, "buy 2 @ 11", time_in_force="fok")
    assert ended(whole) == ("filled", None, "2", "21")


async def test_post_only_rests_or_is_refused(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10")
    user = await api.user(USDC="100")
    assert await api.refused("POST", "/order", order_body(user, market, "buy 1 @ 10", post_only=True)) == (
        422,
        "WOULD_TAKE",
    )
    assert (await api.order(user, market, "buy 1 @ 9.99", post_only=True))["status"] == "open"


async def test_an_order_stops_before_its_own_users_order(api: Api, market: str) -> None:
    maker = await book(api, market, "sell 1 @ 10")
    other = await api.user(**{market.partition("_")[0]: "1"})
    await api.order(other, market, "sell 1 @ 9")
    assert ended(await api.order(maker, market, "buy 2 @ 10")) == ("expired", "self_trade", "1", "9")


async def test_a_better_price_gives_the_rest_back(api: Api, market: str) -> None:
    await book(api, market, "sell 1 @ 10")
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 2 @ 12")
    assert ended(order) == ("partially_filled", None, "1", "10")
    assert (await api.balances(user))["USDC"] == ("78", "12")


async def test_the_older_order_of_a_price_trades_first(api: Api, market: str) -> None:
    base = market.partition("_")[0]
    first, second, taker = await api.user(**{base: "1"}), await api.user(**{base: "1"}), await api.user(USDC="100")
    for user in (first, second):
        await api.order(user, market, "sell 1 @ 10", client_order_id="ask")
    await api.order(taker, market, "buy 1 @ 10")
    statuses = [
        (await api.ok("GET", "/order", user_id=user, market=market, client_order_id="ask"))["status"]
        for user in (first, second)
    ]
    assert statuses == ["filled", "open"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("buy 1 @ 10.001", "OFF_TICK"),
        ("buy 0.00001 @ 100000", "OFF_LOT"),
        ("buy 0.0001 @ 999.99", "MIN_NOTIONAL"),
        ("buy 0 @ 10", "OUT_OF_RANGE"),
        ("buy 1 @ 0", "MIN_NOTIONAL"),
        ("buy 1 @ 92233720368547758.08", "OUT_OF_RANGE"),
        ("buy 922337203685477.5808 @ 1", "OUT_OF_RANGE"),
        ("buy 11 @ 10", "INSUFFICIENT_BALANCE"),
        ("sell 1 @ 10", "INSUFFICIENT_BALANCE"),
        ("sell 1", "INSUFFICIENT_BALANCE"),
    ],
)
async def test_what_the_rules_do_not_allow_is_refused(api: Api, market_of_all: str, text: str, code: str) -> None:
    user = await api.user(USDC="100")
    assert await api.refused("POST", "/order", order_body(user, market_of_all, text)) == (422, code)
    assert await api.balances(user) == {"USDC": ("100", "0")}


@pytest.fixture(scope="module")
def market_of_all(markets: Markets) -> str:
    """One market for all the orders that are refused."""
    return markets.plain()


async def test_open_orders_are_counted(api: Api, markets: Markets) -> None:
    market = markets.small()
    user = await api.user()
    for _ in range(3):
        await api.order(user, market, "buy 1 @ 10")
    assert await api.refused("POST", "/order", order_body(user, market, "buy 1 @ 10")) == (422, "TOO_MANY_OPEN_ORDERS")
    await api.ok("POST", "/order/cancel_all", {"user_id": user})
    await api.order(user, market, "buy 1 @ 10")


async def test_what_is_answered_is_seen_everywhere(api: Api, market: str) -> None:
    """Reads that follow a reply hold what it said, while others keep the writer busy."""
    base = market.partition("_")[0]
    maker, taker = await book(api, market), await api.user(USDC=RICH)

    async def trade(number: int) -> None:
        price = f"{100 + number}"
        ask = await api.order(maker, market, f"sell 1 @ {price}", client_order_id=f"ask-{number}")
        depth = await api.ok("GET", "/depth", market=market)
        open_orders = (await api.ok("GET", "/orders/open", user_id=maker))["orders"]
        shown = await api.ok("GET", "/order", user_id=maker, market=market, order_id=ask["order_id"])
        # Others may have traded with it by now, and then it is in the history.
        if shown["status"] == "open":
            assert [price, "1"] in depth["asks"]
            assert ask["order_id"] in [order["order_id"] for order in open_orders]
        bid = await api.order(taker, market, "buy 1", client_order_id=f"bid-{number}")
        (fill,) = bid["fills"]
        trades = (await api.ok("GET", "/trade/history", market=market))["trades"]
        fills = (await api.ok("GET", "/fills", user_id=taker))["fills"]
        assert fill["trade_id"] in [row["trade_id"] for row in trades]
        assert fill["trade_id"] in [row["trade_id"] for row in fills]
        assert await api.ok("GET", "/order", user_id=taker, market=market, client_order_id=f"bid-{number}") == bid

    await asyncio.gather(*(trade(number) for number in range(20)))
    assert (await api.balances(taker))[base] == ("20", "0")
    assert (await api.balances(maker))[base] == ("999980", "0")
