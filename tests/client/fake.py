"""A server of channels that says what a test tells it to, right or wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
CHANNEL = "depth@M"


class FakeFeeds:
    """Answers each SUBSCRIBE with the next of `beginnings`: a greeting's count, or an error's code; then `say`."""

    def __init__(self, *beginnings: int | str) -> None:
        self._beginnings = list(beginnings)
        self._sockets: list[web.WebSocketResponse] = []
        self.subscribed = 0
        self.arrived = asyncio.Event()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        async for message in socket:
            asked = message.json()
            begin = self._beginnings.pop(0) if self._beginnings else 0
            if isinstance(begin, str):
                answer: Json = {"message_type": "ERROR", "code": begin, "message": ""}
            else:
                answer = {"message_type": "SUBSCRIBED", "channel": asked["channel"], "channel_sequence": begin}
            await socket.send_json(answer | {"id": asked["id"]})
            self.subscribed += 1
            self.arrived.set()
        return socket

    async def say(self, *events: Json) -> None:
        """To the newest connection."""
        for event in events:
            await self._sockets[-1].send_json(event)

    async def hang_up(self) -> None:
        """End the newest connection."""
        await self._sockets[-1].close()

    async def subscription(self, number: int) -> None:
        """Return when so many have been asked for."""
        while self.subscribed < number:
            self.arrived.clear()
            await self.arrived.wait()


def event(count: int, data: Json | None = None, *, first: int | None = None) -> Json:
    made: Json = {"channel": CHANNEL, "sequence": 1000 + count, "channel_sequence": count, "data": data or {"n": count}}
    return made if first is None else made | {"first_channel_sequence": first}


def snapshot(last: int, bids: list[list[str]], asks: list[list[str]]) -> Json:
    return {"type": "snapshot", "last_sequence": last, "bids": bids, "asks": asks}


def diff(first: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> Json:
    return {"type": "diff", "first_sequence": first, "last_sequence": last, "bids": bids, "asks": asks}


@asynccontextmanager
async def serving(fake: FakeFeeds) -> AsyncIterator[str]:
    """The address of the fake's socket."""
    app = web.Application()
    app.router.add_get("/", fake.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).replace("http://", "ws://")
