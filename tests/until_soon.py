"""What ends at a time soon and must begin before it, on a slow machine too: there it is tried again with more time."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from exchange.client import ApiError, Client

SOON_S = (1.0, 6.0, 36.0)
Made = TypeVar("Made")


async def in_time(attempt: Callable[[int], Awaitable[Made | None]]) -> Made:
    """What was made by that time, in milliseconds since the epoch; `attempt` gives None if it came too late."""
    for seconds in SOON_S:
        made = await attempt(int((time.time() + seconds) * 1000))
        if made is not None:
            return made
    raise AssertionError(f"it takes longer than {SOON_S[-1]} s")


async def placed_until_soon(client: Client, order: dict[str, Any]) -> Any:
    """The order, accepted before the time at which it ends by itself."""

    async def attempt(at: int) -> Any:
        try:
            return await client.place(order | {"time_in_force": "gtd", "expire_at": at})
        except ApiError as refused:
            if refused.code != "OUT_OF_RANGE":
                raise
            return None

    return await in_time(attempt)
