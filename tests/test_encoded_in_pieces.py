"""What is long is encoded in pieces, with turns of the loop in between, and comes out as in one."""

import asyncio

import pytest

from exchange.api.native import encode, replies
from exchange.api.native.pieces import PIECE, listed
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import OrderStatus, OrderUpdated, UpdateReason
from tests.core.stories import SOL_USDC


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


async def test_open_orders_are_the_same_in_pieces() -> None:
    terms = PlaceOrder("a", "SOL_USDC", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, False, 1, 1, None)
    found = [
        OrderUpdated(UpdateReason.READ, number, terms, OrderStatus.OPEN, 0, 0, None, 1, 1, number, None, 0)
        for number in range(3 * PIECE + 1)
    ]
    task = asyncio.create_task(listed(found, lambda some: encode.orders(some, lambda _: SOL_USDC)))
    assert await turns_while(task) >= 3
    in_one = encode.orders(found, lambda _: SOL_USDC)
    assert encode.json_of(replies.Orders(task.result())) == encode.json_of(replies.Orders(in_one))
