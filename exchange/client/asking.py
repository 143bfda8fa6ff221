"""A client for a command of the command line: whatever goes wrong is a Failure, in one sentence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exchange.client import ApiError, ApiKey, Client, KeyRing, Unreachable
from exchange.failure import Failure


@asynccontextmanager
async def asking(
    url: str, key: ApiKey | KeyRing | None = None, *, what: str = "this", user_id: str | None = None
) -> AsyncIterator[Client]:
    """A client of the exchange at `url`; `what` is what it may refuse. Raises Failure."""
    try:
        client = Client(url, user_id, key=key)
    except ValueError as error:
        raise Failure(f"{error}.", 2) from error
    try:
        async with client:
            yield client
    except ApiError as error:
        raise Failure(f"The exchange refused {what}: {error.code}: {error.message}") from error
    except Unreachable as error:
        raise Failure(f"The exchange at {url} cannot be reached: {error}.") from error
