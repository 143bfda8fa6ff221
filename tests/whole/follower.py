"""A subscriber that reconnects whenever it is cut off, and continues where it was."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp

from tests.reader import Json, Reader
from tests.whole.process import POLL_S
from tests.whole.wire import Closed, Wire


class Follower:
    """Follows these channels until `finish` is asked for. Between `pause` and `go_on` it reads nothing."""

    def __init__(self, ws_url: str, *channels: str, small_buffer: bool = False) -> None:
        self.reader = Reader()
        self.connections = 0
        self._url = ws_url
        self._channels = channels
        self._small_buffer = small_buffer
        self._wire: Wire | None = None
        self._reads = asyncio.Event()
        self._reads.set()
        self._finished: Callable[[Reader], bool] | None = None

    async def follow(self) -> None:
        """Listen, come back, listen."""
        while True:
            with contextlib.suppress(Closed, aiohttp.ClientError, OSError):
                async with Wire(self._url, self.reader, small_buffer=self._small_buffer) as wire:
                    await wire.listen(*self._channels)
                    self.connections += 1
                    self._wire = wire
                    if await self._hear(wire):
                        return
            self._wire = None
            await asyncio.sleep(POLL_S)  # until there is an exchange again

    async def _hear(self, wire: Wire) -> bool:
        if self._finished is not None:
            await wire.say("PING")
        while True:
            await wire.hear()
            await self._reads.wait()
            if self._finished is not None and self._finished(self.reader):
                return True

    def pause(self) -> None:
        """Stop reading."""
        self._reads.clear()

    def go_on(self) -> None:
        """Read on."""
        self._reads.set()

    async def finish(self, finished: Callable[[Reader], bool]) -> None:
        """Let `follow` end as soon as this is so."""
        self._finished = finished
        if self._wire is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self._wire.say("PING")


def books_at(messages: list[Json], market: str, sequences: set[int]) -> dict[int, Json]:
    """The book that the messages of a depth channel make, at those of these `last_sequence` that they come to."""
    again, books = Reader(), {}
    for message in messages:
        again.hear(message)
        if message.get("data", {}).get("last_sequence") in sequences:
            book = again.book(market)
            books[book["last_sequence"]] = book
    return books
