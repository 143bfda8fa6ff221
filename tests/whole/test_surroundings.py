"""What surrounds the exchange, and must not end it: who reads its log, libpq's variables, few open files."""

import asyncio
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from exchange.client import Client
from exchange.postgres.embedded import attached
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.process import MARKET, Exchange, directory, until
from tests.whole.served import one_sentence

LIBPQ = {
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "system",
    "PGTARGETSESSIONATTRS": "standby",
    "PGHOST": "nowhere.invalid",
    "PGPORT": "eighty",
    "PGPASSFILE": "/dev/null/pass",
    "PGOPTIONS": "-c nonsense=1",
    "PGSERVICEFILE": "/dev/null/service",
}
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


async def metric(exchange: Exchange, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{exchange.url}/metrics") as reply:
        text = await reply.text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def dropped_lines(exchange: Exchange) -> float:
    return await metric(exchange, "exchange_log_lines_dropped_total")


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
    assert {"reconnected to the database", "stopping"} <= {line["event"] for line in logged}
    assert [line for line in logged if line["level"] not in ("info", "warning")] == []


async def test_libpqs_variables_do_not_reach_the_embedded_database(exchange: Exchange) -> None:
    """Neither `serve` nor `check`, nor the connections that come back after a crash."""
    exchange.environment |= LIBPQ
    exchange.start()
    await trades_again(exchange)
    exchange.postmaster().kill()
    await trades_again(exchange)
    checked = await asyncio.to_thread(exchange.check)
    assert checked.returncode == 0, checked.stderr
    assert await asyncio.to_thread(exchange.stop) == 0
    checked = await asyncio.to_thread(exchange.check)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("postgresql://127.0.0.1:1/x", {"PGSSLMODE": "verify-full"}),
        ("postgresql://127.0.0.1:1/x", {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system"}),
        ("postgresql://127.0.0.1:1/x", {"PGSSLMODE": "nonsense"}),
        ("postgresql://127.0.0.1:1/x", {"PGSSLNEGOTIATION": "nonsense"}),
        ("postgresql://127.0.0.1:1/x", {"PGTARGETSESSIONATTRS": "nonsense"}),
        ("postgresql://127.0.0.1/x", {"PGPORT": "eighty"}),
        ("postgresql:///x", {"PGHOST": "nowhere.invalid"}),
        ("postgresql:///x?host=/nowhere&service=exchange", {"PGSERVICEFILE": str(Path(__file__))}),
    ],
)
def test_what_they_make_of_a_database_url_is_a_sentence(url: str, environment: dict[str, str]) -> None:
    for command in ("serve", "check"):
        ended = served.command(command, "--database-url", url, environment=environment)
        assert ended.returncode == 1
        assert one_sentence(ended), ended.stderr


async def test_a_killed_postgresql_comes_back_with_no_open_file_left(exchange: Exchange) -> None:
    """Connections have taken all of them; one that was there before goes on."""
    exchange.start(shell='ulimit -n 128; exec "$0" "$@"')
    async with Client(exchange.url, user_id="trader", timeout_s=PATIENCE_S) as client:
        await client.deposit("USD", "1000", "once", "trader")
        with contextlib.ExitStack() as stack:
            host, port = exchange.url.removeprefix("http://").split(":")
            for _ in range(200):
                stack.enter_context(socket.create_connection((host, int(port))))
            exchange.postmaster().kill()
            order = await client.place(ORDER, retry_s=PATIENCE_S)
            assert order["status"] == "open"
    assert await asyncio.to_thread(exchange.stop) == 0


async def test_a_journal_ahead_of_the_clock_is_told_while_that_lasts(exchange: Exchange) -> None:
    """As after a clock that jumped ahead, a restart, and a clock that was set right."""
    days = timedelta(days=3)
    exchange.start()
    await trades_again(exchange)
    assert await asyncio.to_thread(exchange.stop) == 0
    async with attached(exchange.data_dir) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "UPDATE projection SET time_ns = time_ns + $1", days // timedelta(microseconds=1) * 1000
        )
        await connection.close()
    exchange.start()
    await trades_again(exchange)
    async with Client(exchange.url) as client:

        async def is_told() -> bool:
            return bool((await client.health())["clock_offset_ms"])

        await until(is_told)
        now_ms = (await client.call("GET", "/time"))["timestamp"]
        ahead = timedelta(milliseconds=(await client.health())["clock_offset_ms"])
        assert days - timedelta(minutes=5) < ahead <= days
        assert now_ms > (time.time() + (days - timedelta(minutes=5)).total_seconds()) * 1000
    assert await metric(exchange, "exchange_clock_offset_seconds") == pytest.approx(days.total_seconds(), abs=300)
    assert "the machine's clock is behind the last command; time stands until it has caught up" in exchange.said()
