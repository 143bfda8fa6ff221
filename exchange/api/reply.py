"""A reply in JSON, sent in one write.

aiohttp builds a response from a case-blind dict of headers, and sends it in a dozen steps; for a short body to a client
that keeps its connection, which nearly every request of a bot is, the bytes can be put together at once. It is what
aiohttp asks of a response, no more; whatever is not that plain case is left to aiohttp's own.
"""

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

from exchange.api.request_id import json_headers

PLAIN_MAX_BYTES = 1 << 16


class Reply:
    """A body of JSON with status 200."""

    __slots__ = ("_body", "_request_id", "_response", "keep_alive")

    def __init__(self, body: bytes, request_id: str) -> None:
        self._body = body
        self._request_id = request_id
        self._response: web.Response | None = None
        self.keep_alive: bool | None = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it."""
        plain = request.keep_alive and request.version == HttpVersion11 and request.method != "HEAD"
        if not plain or len(self._body) > PLAIN_MAX_BYTES:
            self._response = web.Response(body=self._body, headers=json_headers(self._request_id))
            writer = await self._response.prepare(request)
            self.keep_alive = self._response.keep_alive
            return writer
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        own = f"X-Request-Id: {self._request_id}\r\nContent-Length: {len(self._body)}\r\n\r\n"
        head = _head_of(int(time.time())) + own
        transport.write(head.encode() + self._body)
        await request.writer.drain()  # a client that does not read what it asked for waits
        return None

    async def write_eof(self) -> None:
        """Finish it, if it was left to aiohttp."""
        if self._response is not None:
            await self._response.write_eof()


@lru_cache(maxsize=1)
def _head_of(second: int) -> str:
    """What all replies of one second begin with."""
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Date: {formatdate(second, usegmt=True)}\r\nServer: {SERVER_SOFTWARE}\r\n"
    )
