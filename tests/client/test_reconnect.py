"""What was missed while the connection was away shows, and the book is whole again after it."""

import asyncio
from collections.abc import Iterator

import pytest

from exchange.client import Client, Event, Gap, Socket
from exchange.testing import RunningExchange
from tests.client.proxy import proxy_of
from tests.client.stories import assert_book_is_the_exchanges, limit, trade_at_random
from tests.patience import seen
from tests.whole.made_once import running_on_a_copy


async def test_missed_events_are_a_gap_of_exactly_those(
    exchange_server: RunningExchange, socket: Socket, client: Client, market: str
) -> None:
    heard: list[Gap] = []
    async with proxy_of(exchange_server.url) as proxy, Socket(proxy.url, on_gap=heard.append) as listening:
        feed = await listening.subscribe(f"trade@{market}")
        book = await listening.book(market)
        await _one_trade(socket, client, market, "100")
        assert isinstance(first := await anext(feed), Event)
        await book.until(1)
        proxy.close()
        while book.current:
            await book.changed()
        for _ in range(3):
            await _one_trade(socket, client, market, "101")
        proxy.open()
        missed = await anext(feed)
        assert missed == Gap(f"trade@{market}", first.channel_sequence + 1, first.channel_sequence + 3, "reconnected")
        await _one_trade(socket, client, market, "102")
        after = await anext(feed)
        assert isinstance(after, Event)
        assert (after.channel_sequence, after.data["price"]) == (first.channel_sequence + 4, "102")
        assert missed in heard
        await assert_book_is_the_exchanges(book, client)
        assert book.gaps == 0


async def test_without_a_missed_event_there_is_no_gap(
    exchange_server: RunningExchange, socket: Socket, client: Client, market: str
) -> None:
    async with proxy_of(exchange_server.url) as proxy, Socket(proxy.url) as listening:
        feed = await listening.subscribe(f"trade@{market}")
        for price in ("100", "101"):
            await _one_trade(socket, client, market, price)
            event = await anext(feed)
            assert isinstance(event, Event)
            assert event.data["price"] == price
            proxy.close()
            await seen(lambda: not listening.connected)
            proxy.open()
            await seen(lambda: listening.connected)
            await listening.request("PING")


async def _one_trade(socket: Socket, client: Client, market: str, price: str) -> None:
    await socket.place(limit(market, "sell", price))
    assert (await client.place(limit(market, "buy", price)))["status"] == "filled"


@pytest.fixture
def kept() -> Iterator[RunningExchange]:
    """An exchange that keeps what it has."""
    with running_on_a_copy() as exchange:
        yield exchange


async def test_the_book_is_the_exchanges_again_after_it_was_killed_and_restarted(kept: RunningExchange) -> None:
    market = "SOL_USDC"
    user_id, other = (kept.user(SOL="1000000", USDC="1000000000") for _ in range(2))
    async with Socket(kept.ws_url, user_id) as socket, Client(kept.url) as client:
        feed = await socket.subscribe(f"trade@{market}", f"orders@{user_id}")
        book = await socket.book(market)
        await trade_at_random(socket, other, market, seed=1, rounds=4)
        await assert_book_is_the_exchanges(book, client)
        assert book.best_bid is not None
        assert book.best_ask is not None
        await asyncio.to_thread(kept.restart, kill=True)
        await seen(lambda: book.current and socket.connections > 1)
        await assert_book_is_the_exchanges(book, client)
        await trade_at_random(socket, other, market, seed=2, rounds=4)
        await assert_book_is_the_exchanges(book, client)
        assert book.gaps == 0
    items = [item async for item in feed]
    gaps = [item for item in items if isinstance(item, Gap)]
    assert all(gap.reason == "reconnected" for gap in gaps)
    counted = [item.channel_sequence for item in items if isinstance(item, Event) and item.channel.startswith("trade")]
    assert counted == sorted(set(counted))
    assert len(counted) >= 10
