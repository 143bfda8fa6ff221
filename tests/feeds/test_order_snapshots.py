"""Many open orders at the begin of a subscription: encoded in pieces, and everything that happens meanwhile after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exchange.pipeline import order_snapshots, subscriber
from tests.feeds.stage import Listener, Stage
from tests.patience import PATIENCE_S

CHANNEL = "orders@alice"
COUNT = 10


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three orders are a piece."""
    monkeypatch.setattr(order_snapshots, "PIECE_ORDERS", 3)


@asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    """A stage with a loop, where alice has ten open orders."""
    stage = Stage()
    stage.loop = asyncio.get_running_loop()
    stage.tell(*(f"alice sell 0.01 @ {200 + number}" for number in range(COUNT)))
    stage.frames.pieces.clear()
    yield stage


async def heard(stage: Stage, listener: Listener) -> None:
    """Until it has begun; then it knows what is open."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*stage.asked)
    mine = [order for market in stage.venue.markets.values() for order in market.open_orders("alice")]
    assert sorted(map(int, listener.orders["alice"])) == sorted(order.order_id for order in mine)


async def test_they_are_encoded_in_pieces_with_turns_between() -> None:
    async with running() as stage:
        listener = stage.listener(CHANNEL)
        assert stage.frames.pieces == []
        assert listener.heard == []
        await heard(stage, listener)
        assert stage.frames.pieces == [3, 3, 3, 1]
        [begun, snapshot] = listener.heard
        assert begun["message_type"] == "SUBSCRIBED"
        assert begun["channel_sequence"] == snapshot["channel_sequence"] == COUNT
        assert [int(order["order_id"]) for order in snapshot["data"]["orders"]] == list(range(1, COUNT + 1))


async def test_what_happens_meanwhile_comes_after_them_and_other_channels_go_on() -> None:
    async with running() as stage:
        listener = stage.listener(CHANNEL, "trade@SOL_USDC")
        stage.tell("bob buy 0.01 @ 200", "alice sell 0.01 @ 300")
        assert [message.get("channel") for message in listener.heard] == ["trade@SOL_USDC"] * 2
        await heard(stage, listener)
        reasons = [event["data"].get("reason", "snapshot") for event in listener.events(CHANNEL)]
        assert reasons == ["snapshot", "filled", "accepted"]
        stage.tell("alice sell 0.01 @ 301")
        assert len(listener.events(CHANNEL)) == 4
        assert listener.subscriber.waiting_bytes == 0


async def test_who_leaves_or_is_gone_meanwhile_gets_none_of_it() -> None:
    async with running() as stage:
        leaver, gone = stage.listener(CHANNEL), stage.listener(CHANNEL)
        stage.leave(leaver, CHANNEL)
        stage.release()
        stage.feeds.forget(gone.subscriber)
        stage.tell("alice sell 0.01 @ 300")
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*stage.asked)
        assert [message["message_type"] for message in leaver.heard] == ["UNSUBSCRIBED"]
        assert gone.heard == []
        assert leaver.subscriber.waiting_bytes == gone.subscriber.waiting_bytes == 0
        assert len(stage.frames.pieces) <= 2


async def test_who_asks_again_meanwhile_begins_once_and_anew() -> None:
    async with running() as stage:
        listener = stage.listener(CHANNEL)
        await asyncio.sleep(0)
        stage.tell("alice sell 0.01 @ 300")
        stage.ask(listener, CHANNEL)
        stage.release()
        await heard(stage, listener)
        assert [message.get("message_type", "event") for message in listener.heard] == ["SUBSCRIBED", "event"]


async def test_what_is_kept_back_counts_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "QUEUE_BYTES_MAX", 1_000)
    async with running() as stage:
        listener = stage.listener(CHANNEL)
        stage.tell(*(f"alice sell 0.01 @ {300 + number}" for number in range(5)))
        assert listener.ended == (1013, subscriber.TOO_SLOW)
        assert listener.subscriber.waiting_bytes == 0
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*stage.asked)
        assert listener.heard == []
