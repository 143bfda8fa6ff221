"""A reply as bytes: the one place that writes HTTP."""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from exchange.api.http.response import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


def reply_bytes(
    response: Response,
    request_id: str,
    *,
    keep_alive: bool = True,
    old: bool = False,
    head_only: bool = False,
    left: int | None = None,
) -> bytes:
    """The whole of a reply. `old`: to HTTP/1.0. `head_only`: to `HEAD`, without the body. `left`: of a rate limit."""
    body = response.body
    own = f"X-Request-Id: {request_id}\r\n"
    if response.status != 304:
        own += f"Content-Length: {len(body)}\r\n"
    if left is not None:
        own += f"X-RateLimit-Remaining: {left}\r\n"
    for name, value in response.headers:
        own += f"{name}: {value}\r\n"
    if not keep_alive:
        own += "Connection: close\r\n"
    elif old:
        own += "Connection: keep-alive\r\n"
    begin = _begin(response.status, response.content_type, int(time.time()))
    head = f"{begin}{own}\r\n".encode("latin-1", "replace")
    return head if head_only else head + body


@lru_cache(maxsize=64)
def _begin(status: int, content_type: str, second: int) -> str:
    """What the replies of one kind and second begin with."""
    reason = _REASONS.get(status, "")
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n"
        f"Date: {formatdate(second, usegmt=True)}\r\nServer: exchange\r\n"
    )


def switching_bytes(accept: str, request_id: str) -> bytes:
    """The reply that makes a connection a WebSocket."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\nX-Request-Id: {request_id}\r\nServer: exchange\r\n\r\n"
    ).encode()
