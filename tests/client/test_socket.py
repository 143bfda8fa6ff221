"""Orders and events over one socket of a real exchange."""

import asyncio

import pytest
from aiohttp.test_utils import unused_port

from exchange.client import ApiError, Client, Event, Socket, Unreachable
from exchange.testing import RunningExchange
from exchange.testing.plugin import NewUser
from tests.client.proxy import proxy_of
from tests.client.stories import assert_book_is_the_exchanges, limit, trade_at_random
from tests.patience import seen


async def test_many_orders_are_in_flight_and_each_gets_its_own_answer(socket: Socket, market: str) -> None:
    prices = [str(100 + number) for number in range(200)]
    orders = await asyncio.gather(*(socket.place(limit(market, "sell", price)) for price in prices))
    assert [order["price"] for order in orders] == prices
    ids = [int(order["order_id"]) for order in orders]
    assert ids == sorted(ids), "they are applied in the order of the calls"
    canceled = await asyncio.gather(*(socket.cancel(market, order_id=order["order_id"]) for order in orders[:50]))
    assert {order["status"] for order in canceled} == {"canceled"}
    assert len(await socket.cancel_all(market)) == 150


async def test_a_batch_answers_each_item(socket: Socket, market: str) -> None:
    placed, refused = await socket.orders([limit(market, "buy", "1"), limit(market, "buy", "1.001")])
    assert placed.get("status") == "open"
    assert refused.get("code") == "OFF_TICK"


async def test_a_refusal_is_an_error_that_has_no_status(socket: Socket, market: str) -> None:
    with pytest.raises(ApiError, match=r"^OFF_TICK: ") as refused:
        await socket.place(limit(market, "buy", "1.001"))
    assert (refused.value.status, refused.value.unsettled) == (0, False)
    with pytest.raises(ApiError, match="UNKNOWN_ORDER"):
        await socket.cancel(market, client_order_id="never-placed")


async def test_every_event_comes_once_and_in_order(socket: Socket, client: Client, market: str) -> None:
    user_id = socket.user_id
    feed = await socket.subscribe(f"trade@{market}", f"orders@{user_id}", f"balances@{user_id}", f"candle_1m@{market}")
    await socket.place(limit(market, "sell", "100", "3"))
    for quantity in ("1", "2"):
        await client.place(limit(market, "buy", "100", quantity))
    trades: list[str] = []
    reasons: list[str] = []
    balances = candles = 0
    async for item in feed:
        assert isinstance(item, Event)
        match item.channel.partition("@")[0]:
            case "trade":
                trades.append(item.data["quantity"])
            case "orders":
                reasons.append(item.data.get("reason", "snapshot"))
            case "balances":
                balances += 1
            case _:
                candles += 1
        if (len(trades), len(reasons), balances, candles >= 2) == (2, 4, 4, True):
            break
    assert trades == ["1", "2"]
    assert reasons == ["snapshot", "accepted", "filled", "filled"]


async def test_every_public_channel_counts_without_a_hole(socket: Socket, client: Client, market: str) -> None:
    kinds = ("trade", "ticker", "book_ticker", "candle_1m", "candle_1d")
    feed = await socket.subscribe(*(f"{kind}@{market}" for kind in kinds))
    book = await socket.book(market)
    await trade_at_random(socket, str(client.user_id), market, seed=1)
    await assert_book_is_the_exchanges(book, client)
    for user_id in (socket.user_id, client.user_id):
        await socket.cancel_all(market, user_id)
    await socket.place(limit(market, "sell", "7"))
    await client.place(limit(market, "buy", "7"))
    counted: dict[str, int] = {}
    async for item in feed:
        assert isinstance(item, Event), item
        counted[item.channel.partition("@")[0]] = counted.get(item.channel.partition("@")[0], 0) + 1
        if item.channel.startswith("candle_1d") and item.data["close"] == "7":
            break
    assert set(counted) == set(kinds)
    assert book.gaps == 0


async def test_a_channel_that_is_refused_can_be_asked_for_again(socket: Socket, market: str) -> None:
    for _ in range(2):
        with pytest.raises(ApiError, match="UNKNOWN_MARKET"):
            await socket.subscribe("trade@NO_USDC")
    await socket.subscribe(f"trade@{market}")
    with pytest.raises(ValueError, match="already has a subscription to"):
        await socket.subscribe(f"trade@{market}")
    await socket.unsubscribe(f"trade@{market}")
    await socket.subscribe(f"trade@{market}")


async def test_a_closed_socket_ends_its_feeds_and_books(exchange_server: RunningExchange, market: str) -> None:
    async with Socket(exchange_server.ws_url) as socket:
        feed = await socket.subscribe(f"trade@{market}")
        book = await socket.book(market)
    assert [event async for event in feed] == []
    assert not book.current
    with pytest.raises(RuntimeError, match="closed"):
        await book.changed()


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        async with Socket(f"http://127.0.0.1:{unused_port()}"):
            pass


async def test_while_it_is_away_calls_are_unreachable_and_place_waits(
    exchange_server: RunningExchange, rich: NewUser, market: str
) -> None:
    async with proxy_of(exchange_server.url) as proxy, Socket(proxy.url, rich()) as socket:
        feed = await socket.subscribe(f"balances@{socket.user_id}")
        await anext(feed)
        proxy.close()
        await seen(lambda: not socket.connected)
        with pytest.raises(Unreachable):
            await socket.cancel_all(market)
        placing = asyncio.create_task(socket.place(limit(market, "buy", "1")))
        await asyncio.sleep(0)
        proxy.open()
        assert (await placing)["status"] == "open"
        assert socket.connections == 2


async def test_of_channels_that_one_is_refused_of_it_listens_to_none(socket: Socket, market: str) -> None:
    with pytest.raises(ApiError, match="UNKNOWN_MARKET"):
        await socket.subscribe(f"depth@{market}", "trade@NO_WHERE")
    with pytest.raises(ValueError, match="has no subscription"):
        await socket.unsubscribe(f"depth@{market}")
    assert (await socket.book(market)).best_bid is None


async def test_a_quote_after_a_cancel_of_everything_rests(socket: Socket, market: str) -> None:
    """The cancel is of all markets, one after the other, and the quote is of the last of them."""
    for _ in range(20):
        _, quote = await asyncio.gather(socket.cancel_all(), socket.place(limit(market, "buy", "1")))
        canceled = await socket.cancel(market, order_id=quote["order_id"])
        assert canceled["status"] == "canceled"
