"""Long lists of an answer: made a piece at a time, with turns of the loop in between, for who trades."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

PIECE = 250  # rows that are made in one turn of the loop

FoundT = TypeVar("FoundT")
RowT = TypeVar("RowT")


async def listed(found: Iterable[FoundT], made: Callable[[FoundT], RowT]) -> list[RowT]:
    """What is made of each that was found."""
    rows: list[RowT] = []
    for number, one in enumerate(found, 1):
        rows.append(made(one))
        if number % PIECE == 0:
            await asyncio.sleep(0)
    return rows
