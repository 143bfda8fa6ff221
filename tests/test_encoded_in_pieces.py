"""What is long is encoded in pieces, with turns of the loop in between, and comes out as in one."""

import asyncio

import pytest

from exchange.api.native import encode, replies, rest
from tests.core.stories import SOL_USDC


async def turns_while(work: asyncio.Task[object]) -> int:
    """How many turns the loop has had until the work is done."""
    count = 0
    while not work.done():
        count += 1
        await asyncio.sleep(0)
    return count


@pytest.mark.parametrize("count", [0, 1, rest.PIECE, rest.PIECE + 1, 10 * rest.PIECE - 7])
async def test_a_book_is_the_same_in_pieces(count: int) -> None:
    rules = SOL_USDC
    levels = [(10_000 + number, 3 * number + 1) for number in range(count)]
    task = asyncio.create_task(rest._side(levels, rules))
    turns = await turns_while(task)
    in_pieces, in_one = task.result(), encode.levels(levels, rules)
    made, expected = (replies.Depth("SOL_USDC", 7, side, side) for side in (in_pieces, in_one))
    assert encode.json_of(made) == encode.json_of(expected)
    assert turns >= count // rest.PIECE


async def test_rows_of_a_page_are_the_same_in_pieces() -> None:
    found = list(range(3 * rest.PIECE + 1))
    task = asyncio.create_task(rest._rows(found, lambda some: [str(number) for number in some]))
    assert await turns_while(task) >= 3
    assert task.result() == [str(number) for number in found]
