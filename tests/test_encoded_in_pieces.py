"""What is long is encoded in pieces, with turns of the loop in between, and comes out as in one."""

import asyncio
import itertools

import orjson
import pytest

from exchange.api.native import encode, replies
from exchange.api.native.feed_frames import NativeFrames
from exchange.api.native.pieces import PIECE, listed
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import OrderStatus, OrderUpdated, UpdateReason
from exchange.core.public import Channel, Kind
from exchange.pipeline.subscriber import DepthSnapshot, Message, OrdersSnapshot
from tests.core.stories import SOL_USDC, venue_of


async def turns_while(work: asyncio.Task[object]) -> int:
    """How many turns the loop has had until the work is done."""
    count = 0
    while not work.done():
        count += 1
        await asyncio.sleep(0)
    return count


@pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, 10 * PIECE - 7])
async def test_a_book_is_the_same_in_pieces(count: int) -> None:
    rules = SOL_USDC
    levels = [(10_000 + number, 3 * number + 1) for number in range(count)]
    task = asyncio.create_task(listed(levels, lambda some: encode.levels(some, rules)))
    turns = await turns_while(task)
    in_pieces, in_one = task.result(), encode.levels(levels, rules)
    made, expected = (replies.Depth("SOL_USDC", 7, side, side) for side in (in_pieces, in_one))
    assert encode.json_of(made) == encode.json_of(expected)
    assert turns >= count // PIECE


def open_orders(count: int) -> list[OrderUpdated]:
    """So many open orders of one user."""
    terms = PlaceOrder("a", "SOL_USDC", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, False, 1, 1, None)
    return [
        OrderUpdated(UpdateReason.READ, number, terms, OrderStatus.OPEN, 0, 0, None, 1, 1, number, None, 0)
        for number in range(count)
    ]


@pytest.mark.parametrize("sizes", [[0], [1], [1, 1], [2, 3, 100]])
def test_the_snapshot_of_open_orders_is_the_same_in_parts(sizes: list[int]) -> None:
    frames, channel = NativeFrames(venue_of()), Channel(Kind.ORDERS, 'a"orders":[')
    found = open_orders(sum(sizes))
    ends = itertools.accumulate(sizes)
    parts = [frames.orders(found[end - size : end]) for size, end in zip(sizes, ends, strict=True) if size]
    in_parts = frames.encode(Message(channel, 7, 5, OrdersSnapshot([], parts)))
    assert in_parts == frames.encode(Message(channel, 7, 5, OrdersSnapshot(found)))


@pytest.mark.parametrize("sizes", [(0, 0), (3, 0), (0, 3), (2, 300)])
def test_a_depth_snapshot_is_the_same_in_parts(sizes: tuple[int, int]) -> None:
    frames, channel = NativeFrames(venue_of()), Channel(Kind.DEPTH, "SOL_USDC")
    sides = [[(10_000 + number, 3 * number + 1) for number in range(size)] for size in sizes]
    small, whole = (
        [[frames.levels("SOL_USDC", side[at : at + n]) for at in range(0, len(side), n)] for side in sides]
        for n in (2, 999)
    )
    made = [frames.encode(Message(channel, 7, 5, DepthSnapshot("SOL_USDC", 9, *parts))) for parts in (small, whole)]
    assert made[0] == made[1]
    payload = made[0][made[0].index(b"{") :]
    shown = [[list(pair) for pair in encode.levels(side, SOL_USDC)] for side in sides]
    assert [orjson.loads(payload)["data"][side] for side in ("bids", "asks")] == shown


async def test_open_orders_are_the_same_in_pieces() -> None:
    found = open_orders(3 * PIECE + 1)
    task = asyncio.create_task(listed(found, lambda some: encode.orders(some, lambda _: SOL_USDC)))
    assert await turns_while(task) >= 3
    in_one = encode.orders(found, lambda _: SOL_USDC)
    assert encode.json_of(replies.Orders(task.result())) == encode.json_of(replies.Orders(in_one))
