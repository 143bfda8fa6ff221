"""Signatures grow old: what waits is signed when it is sent, and a socket that was too late signs in again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exchange.client import ApiError, ApiKey, Client, Socket
from tests.patience import seen

KEY = ApiKey.hmac("a-key", "a-secret")


class FakeExchange:
    """Keeps the timestamps of requests, answers the first when told to, and each AUTH with the next of `answers`."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.timestamps: list[int] = []
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.sockets: list[web.WebSocketResponse] = []

    async def rest(self, request: web.Request) -> web.Response:
        self.timestamps.append(int(request.headers["X-Timestamp"]))
        self.asked.set()
        await self.answers.wait()
        return web.json_response({"status": "trading"})

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.json()["message_type"] == "AUTH":
                code = self._answers.pop(0)
                refused: dict[str, Any] = {"message_type": "ERROR", "code": code, "message": ""}
                await socket.send_json({"message_type": code} if code == "AUTHENTICATED" else refused)
                self.sockets.append(socket)
        return socket


@asynccontextmanager
async def serving(fake: FakeExchange) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/health", fake.rest)
    app.router.add_get("/ws", fake.socket)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def test_a_call_that_waits_for_the_connection_is_signed_when_its_turn_comes() -> None:
    fake = FakeExchange()
    async with serving(fake) as url, Client(url, key=KEY) as client:
        calls = [asyncio.create_task(client.health()) for _ in range(2)]
        await fake.asked.wait()
        await asyncio.sleep(0.01)  # the second one waits
        answered_us = time.time_ns() // 1000
        fake.answers.set()
        await asyncio.gather(*calls)
        first_us, second_us = fake.timestamps
        assert first_us < answered_us <= second_us


@pytest.mark.parametrize("late", ["TIMESTAMP_OUT_OF_WINDOW", "REPLAYED", "NOT_READY", "OVERLOADED", "RATE_LIMITED"])
async def test_a_socket_that_was_late_signs_in_again(late: str) -> None:
    fake = FakeExchange("AUTHENTICATED", late, "AUTHENTICATED")
    async with serving(fake) as url, Socket(url, key=KEY) as socket:
        await fake.sockets[-1].close()
        await seen(lambda: socket.connections == 2)
        assert len(fake.sockets) == 3


async def test_a_socket_whose_key_is_gone_ends_its_feeds() -> None:
    fake = FakeExchange("AUTHENTICATED", "UNAUTHENTICATED")
    async with serving(fake) as url, Socket(url, key=KEY) as socket:
        await fake.sockets[-1].close()
        await seen(lambda: len(fake.sockets) == 2 and not socket.connected)
        assert socket.connections == 1


async def test_who_signs_in_for_the_first_time_is_told_that_the_clock_is_wrong() -> None:
    fake = FakeExchange("TIMESTAMP_OUT_OF_WINDOW")
    async with serving(fake) as url:
        with pytest.raises(ApiError, match="TIMESTAMP_OUT_OF_WINDOW"):
            async with Socket(url, key=KEY):
                pass
