"""A reply in JSON, sent in one write.

aiohttp builds a response from a case-blind dict of headers, and sends it in a dozen steps; for a short body to a client
that keeps its connection, which nearly every request of a bot is, the bytes can be put together at once. It is what
aiohttp asks of a response, no more; whatever is not that plain case is left to aiohttp's own.
"""

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

from exchange.api.http.request_id import json_headers
from exchange.api.native.errors import ApiError, error_response

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
        transport.write(reply_bytes(self._body, self._request_id))
        await request.writer.drain()  # a client that does not read what it asked for waits
        return None

    async def write_eof(self) -> None:
        """Finish it, if it was left to aiohttp."""
        if self._response is not None:
            await self._response.write_eof()


def reply_bytes(body: bytes, request_id: str) -> bytes:
    """The whole of a plain reply with status 200, for a connection that is kept."""
    own = f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (_head_of(int(time.time())) + own).encode() + body


def refusal_bytes(error: ApiError, request_id: str) -> bytes:
    """The whole of an error's reply, for a connection that is kept."""
    response = error_response(error, request_id)
    assert isinstance(response.body, bytes)
    lines = [
        f"HTTP/1.1 {response.status} {response.reason}",
        *(f"{name}: {value}" for name, value in response.headers.items() if name != hdrs.CONTENT_LENGTH),
        f"Date: {formatdate(usegmt=True)}",
        f"Server: {SERVER_SOFTWARE}",
        f"Content-Length: {len(response.body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + response.body


@lru_cache(maxsize=1)
def _head_of(second: int) -> str:
    """What all replies of one second begin with."""
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Date: {formatdate(second, usegmt=True)}\r\nServer: {SERVER_SOFTWARE}\r\n"
    )
