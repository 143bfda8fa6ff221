"""A reply is the same reply, whatever becomes of its connection."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.whole.api import Api

KEPT = "GET /time HTTP/1.1\r\nHost: localhost\r\n"
WAYS = {
    "one write": KEPT,
    "not to be kept": KEPT + "Connection: close\r\n",
    "HTTP/1.0": "GET /time HTTP/1.0\r\nHost: localhost\r\n",
}


async def answered(api: Api, *requests: str) -> list[tuple[str, dict[str, str], bytes]]:
    """The status lines, headers and bodies of requests sent together on one connection."""
    parts = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write("".join(f"{request}\r\n" for request in requests).encode())
    replies = []
    for _ in requests:
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        replies.append((status, headers, await reader.readexactly(int(headers["content-length"]))))
    if replies[-1][1].get("connection") == "close" or requests[-1].startswith("GET /time HTTP/1.0"):
        assert await reader.read() == b""
    writer.close()
    return replies


@pytest.mark.parametrize("way", WAYS)
async def test_it_says_the_same_whichever_way_it_is_sent(api: Api, way: str) -> None:
    [(status, headers, body)] = await answered(api, WAYS[way])
    assert status.split(" ", 1)[1] == "200 OK"
    assert headers.keys() - {"connection"} == {"content-type", "content-length", "date", "server", "x-request-id"}
    assert headers["content-type"] == "application/json"
    assert headers["date"].endswith(" GMT")
    assert body.startswith(b'{"timestamp":')


async def test_requests_sent_together_are_answered_in_their_order(api: Api) -> None:
    given = [f"n-{number}" for number in range(50)]
    replies = await answered(api, *(f"{KEPT}X-Request-Id: {request_id}\r\n" for request_id in given))
    assert [headers["x-request-id"] for _, headers, _ in replies] == given


async def test_head_is_answered_wherever_get_is_without_a_body(api: Api) -> None:
    for path in ("/time", "/markets", "/docs", "/openapi.json"):
        async with api.session.head(api.url + path) as reply:
            assert reply.status == 200
            assert int(reply.headers["Content-Length"]) > 0
            assert await reply.read() == b""
