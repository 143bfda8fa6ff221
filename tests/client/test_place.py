"""Placing again until the outcome is known never makes two orders."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from exchange.client import ApiError, Client, Socket, Unsettled
from exchange.testing import RunningExchange
from exchange.testing.plugin import NewUser
from tests.client.proxy import Proxy, proxy_of
from tests.client.stories import limit


@pytest_asyncio.fixture
async def proxy(exchange_server: RunningExchange) -> AsyncIterator[Proxy]:
    async with proxy_of(exchange_server.url) as proxy:
        yield proxy


@pytest.mark.parametrize("name", [None, "mine"])
async def test_a_lost_reply_over_rest_makes_one_order(
    proxy: Proxy, rich: NewUser, exchange_server: RunningExchange, market: str, name: str | None
) -> None:
    user_id = rich()
    proxy.lose_replies(3)
    async with Client(proxy.url, user_id) as client:
        order = await client.place(limit(market, "buy", "5", client_order_id=name))
    assert proxy.asked == 4
    async with Client(exchange_server.url, user_id) as client:
        assert [found["order_id"] for found in (await client.order_history())[0]] == [order["order_id"]]
    assert order["client_order_id"] == name or name is None


async def test_a_lost_reply_over_the_socket_makes_one_order(
    proxy: Proxy, rich: NewUser, client: Client, market: str
) -> None:
    user_id = rich()
    async with Socket(proxy.url, user_id) as socket:
        await socket.request("PING")
        for side in ("buy", "sell"):
            proxy.lose_replies(1)
            order = await socket.place(limit(market, side, "5", "0.2"))
            assert order["client_order_id"]
        assert socket.connections == 3
    history, _ = await client.order_history(user_id=user_id)
    assert len(history) == 2


async def test_the_order_that_was_filled_meanwhile_is_not_placed_again(
    proxy: Proxy, rich: NewUser, client: Client, market: str
) -> None:
    await client.place(limit(market, "sell", "5", "1"))
    await client.place(limit(market, "sell", "5", "1"))
    proxy.lose_replies(1)
    async with Client(proxy.url, rich()) as buyer:
        order = await buyer.place(limit(market, "buy", "5", "1"))
        assert order["status"] == "filled"
        assert [fill["quantity"] for fill in order.get("fills", [])] == ["1"]
        base = market.partition("_")[0]
        (held,) = [row["total"] for row in await buyer.balance() if row["asset"] == base]
        assert held == "1000000001"


async def test_a_refusal_is_not_asked_for_again(proxy: Proxy, rich: NewUser, market: str) -> None:
    async with Client(proxy.url, rich()) as client:
        with pytest.raises(ApiError, match="OFF_TICK"):
            await client.place(limit(market, "buy", "5.001"))
    assert proxy.asked == 1


async def test_giving_up_names_the_order_that_may_be_there(
    proxy: Proxy, rich: NewUser, client: Client, market: str
) -> None:
    user_id = rich()
    proxy.lose_replies(1)
    async with Client(proxy.url, user_id) as placing:
        with pytest.raises(Unsettled) as unsettled:
            await placing.place(limit(market, "buy", "5"), retry_s=0)
    found = await client.order(market, client_order_id=unsettled.value.client_order_id, user_id=user_id)
    assert found["status"] == "open"


async def test_numbers_may_be_exact_ones_and_a_float_sends_nothing(rich: NewUser, client: Client, market: str) -> None:
    exact = {"market": market, "side": "buy", "order_type": "limit", "price": Decimal("5.25"), "quantity": 2}
    async with Socket(client.url, rich()) as socket:
        for connection in (client, socket):
            placed = [
                await connection.place(exact),
                *(await connection.orders([exact, exact | {"price": Decimal("1E1")}])),
            ]
            assert [(row["price"], row["quantity"]) for row in placed if "code" not in row] == [
                ("5.25", "2"),
                ("5.25", "2"),
                ("10", "2"),
            ]
            with pytest.raises(TypeError, match=r"price must be a str, .*, not float"):
                await connection.place(exact | {"price": 5.25})
            with pytest.raises(TypeError, match="quantity"):
                await connection.orders([exact, exact | {"quantity": 0.5}])
            assert len(await connection.cancel_all(market)) == 3
        await client.deposit("USDC", 5, "as-int", socket.user_id)
        await client.deposit("USDC", Decimal("0.5"), "as-decimal", socket.user_id)
        with pytest.raises(TypeError, match="amount"):
            await client.deposit("USDC", 0.5, "as-float", socket.user_id)  # type: ignore[arg-type]
