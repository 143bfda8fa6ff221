"""Long lists of a reply: made and encoded a piece at a time, with turns of the loop in between, for who trades."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from exchange.api.native.encode import json_of

PIECE = 250  # levels or rows that are encoded in one turn of the loop: half a millisecond

FoundT = TypeVar("FoundT")


async def listed(found: Sequence[FoundT], made: Callable[[Sequence[FoundT]], list[Any]]) -> Any:
    """What is made of all that was found, as a field of a reply."""
    if len(found) <= PIECE:
        return made(found)
    parts = [b"["]
    for at in range(0, len(found), PIECE):
        parts += [json_of(made(found[at : at + PIECE]))[1:-1], b","]
        await asyncio.sleep(0)
    parts[-1] = b"]"
    return msgspec.Raw(b"".join(parts))  # the encoder writes it as it is
