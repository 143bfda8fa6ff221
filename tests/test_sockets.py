"""A closed socket leaves nothing in memory."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from exchange.api.http.ws import Sockets, _Socket


def left() -> int:
    """How many sockets are in memory."""
    return sum(isinstance(thing, _Socket) for thing in gc.get_objects())


async def test_a_closed_socket_needs_no_collector() -> None:
    """The collector does not look at what is old, and a socket that was open for long is."""
    floor: Any = SimpleNamespace(
        gate=SimpleNamespace(admit=lambda request, changes: None),
        channels=SimpleNamespace(encode=None),
        feeds=SimpleNamespace(forget=lambda subscriber: None),
    )
    sockets = Sockets(floor, 20.0)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await sockets.handle(request, "opened-1")

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client:
        gc.collect()
        gc.disable()
        try:
            opened = [await client.ws_connect("/") for _ in range(3)]
            assert left() == 3
            for socket in opened:
                await socket.close()
            for _ in range(500):  # aiohttp lets go of its own in its own time
                await asyncio.sleep(0.01)
                if not left():
                    break
            assert left() == 0
        finally:
            gc.enable()
