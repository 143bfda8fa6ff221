"""Depth snapshots: one for all who subscribe, and a deep book in pieces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exchange.pipeline import depth
from tests.feeds.stage import MARKET, Listener, Stage
from tests.patience import PATIENCE_S

CHANNEL = f"depth@{MARKET}"


def asks(first: int, count: int) -> list[str]:
    """Orders on so many levels."""
    return [f"alice sell 0.01 @ {price}" for price in range(first, first + count)]


@pytest.fixture
def deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books of more than four levels are deep."""
    monkeypatch.setattr(depth, "SMALL_LEVELS", 3)
    monkeypatch.setattr(depth, "PIECE_LEVELS", 4)


@asynccontextmanager
async def running(*, levels: int) -> AsyncIterator[Stage]:
    """A stage with a loop, and a book of so many levels."""
    stage = Stage()
    stage.loop = asyncio.get_running_loop()
    stage.tell(*asks(100, levels))
    stage.frames.encoded.clear()
    yield stage


async def heard(stage: Stage, *listeners: Listener) -> None:
    """Until all of them have begun, and the book of each is that of the venue."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*stage.asked)
    for listener in listeners:
        assert listener.book(MARKET) == stage.depth()


def test_all_who_subscribe_in_one_release_share_one_snapshot() -> None:
    stage = Stage()
    stage.tell(*asks(100, 20))
    crowd = [Listener(stage.frames) for _ in range(20)]
    for listener in crowd:
        stage.ask(listener, CHANNEL)
    stage.release()
    assert stage.feeds.snapshots.made == 1
    assert stage.frames.pieces == [20]
    assert stage.frames.channels == [CHANNEL]
    assert all(listener.book(MARKET) == stage.depth() for listener in crowd)


def test_who_resubscribes_to_an_unchanged_book_makes_no_snapshot() -> None:
    stage = Stage()
    stage.tell(*asks(100, 20))
    listener = stage.listener(CHANNEL)
    for _ in range(50):
        stage.ask(listener, CHANNEL)
        stage.release()
    assert stage.feeds.snapshots.made == 1
    assert listener.book(MARKET) == stage.depth()


def test_a_small_book_is_taken_anew_when_it_has_changed() -> None:
    stage = Stage()
    first = stage.listener(CHANNEL)
    stage.tell(*asks(100, 1))
    second = stage.listener(CHANNEL)
    assert stage.feeds.snapshots.made == 2
    assert [len(listener.events(CHANNEL)) for listener in (first, second)] == [2, 1]


@pytest.mark.usefixtures("deep")
async def test_a_deep_book_is_encoded_in_pieces_with_turns_between() -> None:
    async with running(levels=30) as stage:
        listener = stage.listener(CHANNEL)
        turns = 0
        while not listener.heard:
            assert sum(stage.frames.pieces) <= 4 * (turns + 1)
            await asyncio.sleep(depth.PAUSE_S)
            turns += 1
        assert turns >= 7
        assert max(stage.frames.pieces) <= 4
        await heard(stage, listener)


@pytest.mark.usefixtures("deep")
async def test_what_changes_while_a_deep_book_is_encoded_comes_after_it() -> None:
    async with running(levels=30) as stage:
        first, second = stage.listener(CHANNEL), Listener(stage.frames)
        await asyncio.sleep(depth.PAUSE_S)
        stage.tell("bob buy 0.01 @ 100", *asks(50, 3), "bob buy 5 @ 10")
        stage.ask(second, CHANNEL)
        stage.tell("alice sell 0.01 @ 51")
        assert first.heard == second.heard == []
        await heard(stage, first, second)
        kinds = [[event["data"]["type"] for event in listener.events(CHANNEL)] for listener in (first, second)]
        assert kinds == [["snapshot", "diff"]] * 2
        stage.tell("bob buy 1 @ 20")
        assert first.book(MARKET) == second.book(MARKET) == stage.depth()
        assert stage.feeds.snapshots.made == 1


@pytest.mark.usefixtures("deep")
async def test_a_deep_snapshot_serves_later_subscribers_until_much_has_changed() -> None:
    async with running(levels=40) as stage:
        await heard(stage, stage.listener(CHANNEL))
        for price in range(200, 210):
            stage.tell(*asks(price, 1))
            await heard(stage, stage.listener(CHANNEL))
        assert stage.feeds.snapshots.made == 1
        stage.tell(*asks(300, 1))
        await heard(stage, stage.listener(CHANNEL))
        assert stage.feeds.snapshots.made == 2


@pytest.mark.usefixtures("deep")
async def test_a_snapshot_that_nobody_waits_for_any_more_is_given_up() -> None:
    async with running(levels=40) as stage:
        gone, leaves = stage.listener(CHANNEL), stage.listener(CHANNEL)
        stage.feeds.forget(gone.subscriber)
        stage.leave(leaves, CHANNEL)
        stage.release()
        pieces = len(stage.frames.pieces)
        await asyncio.sleep(10 * depth.PAUSE_S)
        assert len(stage.frames.pieces) == pieces < 10
        assert [message["message_type"] for message in leaves.heard] == ["UNSUBSCRIBED"]
        assert gone.heard == []
        assert stage.data.market(MARKET).any_wanted == 0
        await heard(stage, stage.listener(CHANNEL))


def test_a_lost_connection_keeps_nothing_that_waits() -> None:
    stage = Stage()
    listener = stage.listener("trade@SOL_USDC")
    listener.reads = False
    for _ in range(30):
        stage.tell("alice sell 0.01 @ 500", "bob buy 0.01 @ 500")
    assert listener.subscriber.slow
    assert listener.subscriber.waiting_bytes > 0
    stage.feeds.forget(listener.subscriber)
    assert listener.subscriber.waiting_bytes == 0
