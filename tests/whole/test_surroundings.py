"""What surrounds the exchange, and must not end it: who reads its log, libpq's variables, few open files."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Iterator

import aiohttp
import pytest

from exchange.client import Client
from tests.whole.process import MARKET, Exchange, directory, until

ORDER = {"market": MARKET, "side": "buy", "order_type": "limit", "price": "1", "quantity": "0.001"}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with directory() as place:
        made = Exchange(place)
        yield made
        made.end()


async def trades_again(exchange: Exchange) -> None:
    """Return when an order is accepted."""

    async def accepted() -> bool:
        async with Client(exchange.url, user_id="trader") as client:
            try:
                await client.deposit("USD", "1000", "once", "trader")
                return "order_id" in await client.place(ORDER, retry_s=0)
            except Exception:  # it is away, or not ready
                return False

    await until(accepted)


async def dropped_lines(exchange: Exchange) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{exchange.url}/metrics") as reply:
        text = await reply.text()
    (line,) = [line for line in text.splitlines() if line.startswith("exchange_log_lines_dropped_total ")]
    return float(line.split()[1])


@pytest.mark.parametrize("where", ["a pipe without a reader", "a full disk", "a full pipe"])
async def test_a_log_that_cannot_be_written_ends_nothing(exchange: Exchange, where: str) -> None:
    """Standard output, with its ready line, is the same."""
    reader = -1
    if where == "a full disk":
        writer = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        if where == "a pipe without a reader":
            os.close(reader)
        else:
            while True:
                try:
                    os.write(writer, bytes(4096))
                except BlockingIOError:
                    break
            os.set_blocking(writer, True)
    exchange.start(output=writer)
    os.close(writer)
    exchange.postmaster().kill()
    await trades_again(exchange)
    assert await dropped_lines(exchange) > 0
    assert await asyncio.to_thread(exchange.stop) == 0
    if where == "a full pipe":
        os.close(reader)


async def test_standard_streams_may_be_closed(exchange: Exchange) -> None:
    exchange.start(shell='exec "$0" "$@" <&- >&- 2>&-')
    exchange.postmaster().kill()
    await trades_again(exchange)
    assert await dropped_lines(exchange) > 0
    assert await asyncio.to_thread(exchange.stop) == 0


def abort_sockets(exchange: Exchange, count: int) -> None:
    """Open sockets, ask for a channel of which much is sent, and answer the exchange's words with a reset."""
    host, port = exchange.url.removeprefix("http://").split(":")
    for number in range(count):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(
                f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Sec-WebSocket-Protocol: nonsense, words-{number}\r\n\r\n".encode()
            )
            assert client.recv(1000).startswith(b"HTTP/1.1 101 ")
            client.sendall(b"\x89\x80\0\0\0\0" * 1000)  # pings
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_every_line_of_a_log_is_one_json_object(exchange: Exchange) -> None:
    """Also with a client's words in it, and after sockets that were aborted."""
    exchange.start()
    await asyncio.to_thread(abort_sockets, exchange, 20)
    exchange.postmaster().kill()
    await trades_again(exchange)
    assert exchange.stop() == 0
    lines = [line for line in exchange.said().splitlines() if not line.startswith("The exchange is ready at ")]
    logged = [json.loads(line) for line in lines]
    assert len(logged) > 3
    assert [line for line in logged if line["level"] not in ("info", "warning")] == []
