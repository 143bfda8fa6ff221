"""Orders over one connection: the same answers, in the same order, however their requests arrive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from yarl import URL

from tests.whole.api import Api, fresh, order_body
from tests.whole.served import Served

Reply = tuple[int, dict[str, str], Any]

PLAIN = "POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"market": "A_B"}'


def request(body: Any, head: str = PLAIN) -> bytes:
    """A whole request with this body, as it is or as JSON."""
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


class Line:
    """A connection and what comes back on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> Reply:
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, orjson.loads(body)

    async def ask(self, *sent: bytes) -> Reply:
        """The reply to what is sent, part by part."""
        for part in sent:
            self.writer.write(part)
            await self.writer.drain()
        return await self.reply()


@asynccontextmanager
async def lines_to(api: Api, count: int) -> AsyncIterator[list[Line]]:
    """Connections of their own."""
    parts = urlsplit(api.url)
    opened = [Line(*await asyncio.open_connection(parts.hostname, parts.port)) for _ in range(count)]
    try:
        yield opened
    finally:
        for line in opened:
            line.writer.close()


def without_times(order: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in order.items() if not name.endswith(("_id", "_at"))}


async def test_a_head_that_is_known_gets_the_answer_of_one_that_is_new(api: Api, market: str) -> None:
    user = await api.user(USDC="1000")
    body = order_body(user, market, "buy 1 @ 10")
    # The head is known when it comes again: on the same connection, and on another.
    async with lines_to(api, 2) as (first, second):
        replies = [await line.ask(request(body)) for line in (first, first, second)]
    statuses, headers, orders = zip(*replies, strict=True)
    assert statuses == (200, 200, 200)
    assert headers[0].keys() == headers[1].keys() == headers[2].keys()
    assert len({header["x-request-id"] for header in headers}) == 3
    assert without_times(orders[0]) == without_times(orders[1]) == without_times(orders[2])
    assert len((await api.ok("GET", "/orders/open", user_id=user))["orders"]) == 3


BAD: dict[str, Callable[[str, str], Any]] = {
    "no JSON": lambda user, market: b"{" * 12,
    "no object": lambda user, market: [],
    "an unknown field": lambda user, market: order_body(user, market, "buy 1 @ 10", worst=1),
    "a number": lambda user, market: order_body(user, market, "buy 1 @ 10") | {"price": 10},
    "nobody": lambda user, market: order_body(None, market, "buy 1 @ 10"),
    "a stranger": lambda user, market: order_body(fresh("stranger"), market, "buy 1 @ 10"),
    "no market": lambda user, market: order_body(user, "NO_WHERE", "buy 1 @ 10"),
    "too much": lambda user, market: order_body(user, market, "buy 1 @ 100000"),
    "off the tick": lambda user, market: order_body(user, market, "buy 1 @ 10.001"),
    "bytes that are no text": lambda user, market: b'{"market": "\xff\xfe"}',
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_order_is_refused_the_same_by_the_short_way(api: Api, market: str, name: str) -> None:
    user = await api.user(USDC="1000")
    bad = request(BAD[name](user, market))
    head = bad[: bad.index(b"\r\n\r\n")]
    length = int(head.rsplit(b" ", 1)[1])
    good = orjson.dumps(order_body(user, market, "buy 1 @ 10"))
    async with lines_to(api, 1) as (line,):
        new = await line.ask(bad)  # by aiohttp's way, and its head is known from here on
        known = await line.ask(bad)
        assert 400 <= known[0] < 500
        assert (known[0], known[2]) == (new[0], new[2])
        assert known[1].keys() == new[1].keys()
        # The connection goes on, with a head that is known and one that is new.
        status, _, order = await line.ask(request(good.ljust(max(length, len(good)))))
        assert (status, order["status"]) == (200, "open")


async def test_a_retry_finds_its_order_by_the_short_way_too(api: Api, market: str) -> None:
    user = await api.user(USDC="1000")
    body = order_body(user, market, "buy 1 @ 10", client_order_id=fresh("id"))
    async with lines_to(api, 1) as (line,):
        orders = [(await line.ask(request(body)))[2] for _ in range(3)]
        other = await line.ask(request(body | {"quantity": "2"}))
    assert len({order["order_id"] for order in orders}) == 1
    assert (other[0], other[2]["code"]) == (409, "CLIENT_ORDER_ID_CONFLICT")


async def test_a_length_of_thousands_of_digits_is_none_of_the_desks(api: Api, market: str) -> None:
    """aiohttp takes it for what it is, and Python would refuse to read it: whichever way it comes, it is answered."""
    order = request(order_body(await api.user(USDC="100000"), market, "buy 1 @ 10"))
    time = f"GET /time HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'0' * 4400}\r\n\r\n".encode()
    async with lines_to(api, 1) as (line,):
        assert (await line.ask(time))[0] == 200
        assert (await line.ask(order))[0] == 200
        for _ in range(20):
            line.writer.write(order)
            await line.writer.drain()
            line.writer.write(time)  # held while the order is at the desk, if it is there still
            assert ("order_id" in (await line.reply())[2], "timestamp" in (await line.reply())[2]) == (True, True)


async def test_what_is_sent_ahead_is_answered_in_its_order(api: Api, market: str) -> None:
    user = await api.user(USDC="100000")
    order = request(order_body(user, market, "buy 1 @ 10"))
    time = b"GET /time HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with lines_to(api, 1) as (line,):
        assert (await line.ask(order))[0] == 200  # the head is known now
        line.writer.write(order)
        await line.writer.drain()
        line.writer.write(time + order + time)
        line.writer.write(order * 20)
        replies = [(await line.reply())[2] for _ in range(24)]
    kinds = ["order" if "order_id" in reply else "time" for reply in replies]
    assert kinds == ["order", "time", "order", "time", *["order"] * 20]
    ids = [int(reply["order_id"]) for reply in replies if "order_id" in reply]
    assert ids == sorted(ids)


async def test_a_request_that_cannot_be_read_drops_those_after_it(api: Api, market: str) -> None:
    """Nobody knows where the next one begins; those before it, in the same segment, are carried out."""
    user = await api.user(USDC="1000")
    order = request(order_body(user, market, "buy 1 @ 10"))
    async with lines_to(api, 1) as (line,):
        line.writer.write(order + b"NO HTTP\r\n\r\n" + order)
        assert [(await line.reply())[0] for _ in range(2)] == [200, 400]
        assert await line.reader.read() == b""
    assert len((await api.ok("GET", "/orders/open", user_id=user))["orders"]) == 1


async def test_a_request_in_parts_is_one_request(api: Api, market: str) -> None:
    user = await api.user(USDC="1000")
    order = request(order_body(user, market, "buy 1 @ 10"))
    end = order.index(b"\r\n\r\n") + 4
    async with lines_to(api, 1) as (line,):
        assert (await line.ask(order))[0] == 200
        for cut in (1, end - 2, end, end + 1, len(order) - 1):
            line.writer.write(order[:cut])
            await line.writer.drain()
            # Somebody else's order is taken meanwhile.
            await api.order(user, market, "buy 1 @ 9")
            assert (await line.ask(order[cut:]))[0] == 200
    assert len((await api.ok("GET", "/orders/open", user_id=user))["orders"]) == 11


async def test_clients_that_are_cut_off_with_an_order_under_way_disturb_nobody(api: Api, market: str) -> None:
    user = await api.user(USDC="1000")
    order = request(order_body(user, market, "buy 1 @ 10"))
    async with lines_to(api, 11) as (stays, *leave):
        assert (await stays.ask(order))[0] == 200
        for line in leave:
            line.writer.write(order)
            line.writer.transport.abort()
        assert (await stays.ask(order))[0] == 200
        assert (await stays.ask(order * 2))[0] == 200
        assert (await stays.reply())[0] == 200


async def test_clients_that_leave_with_an_order_under_way_disturb_nobody(api: Api, market: str) -> None:
    user = await api.user(USDC="1000")
    order = request(order_body(user, market, "buy 1 @ 10"))
    async with lines_to(api, 11) as (stays, *leave):
        assert (await stays.ask(order))[0] == 200
        for line in leave:
            line.writer.write(order)
            line.writer.write_eof()
        for line in leave:
            await line.reader.read()
        assert (await stays.ask(order))[0] == 200
    assert len((await api.ok("GET", "/orders/open", user_id=user))["orders"]) == 12


@pytest.mark.parametrize("page", ["", "/docs"])  # after a page the application serves the connection
async def test_a_path_in_disguise_is_not_there(shared: Served, page: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        found = {}
        for path in (page, "/metrics", "/%6detrics", "/metrics%2F", "/%74ime", "/admin%2Fusers"):
            async with session.get(URL(f"{shared.url}{path or '/time'}", encoded=True)) as reply:
                await reply.read()
                found[path] = reply.status
    assert found == {page: 200, "/metrics": 200} | dict.fromkeys(
        ("/%6detrics", "/metrics%2F", "/%74ime", "/admin%2Fusers"), 404
    )
