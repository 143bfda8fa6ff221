"""How long a test waits before it gives up, and how it waits. Nothing is asserted about time."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 180.0


async def seen(fact: Callable[[], bool], poll_s: float = 0.005) -> None:
    """Return when it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not fact():  # noqa: ASYNC110 - whose state it is announces no such thing
            await asyncio.sleep(poll_s)
