"""Who takes a connection over from the HTTP protocol: the aiohttp application for pages, or a WebSocket."""

import asyncio
import base64
import binascii
import hashlib

from exchange.api.http.request import Request
from exchange.api.http.site import Site
from exchange.api.http.websocket import WebSocketConnection
from exchange.api.http.wire import switching_bytes
from exchange.api.native.errors import ApiError

EOF_PATIENCE_S = 5.0  # what a page may take after its client has sent its last byte
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class PageConnection(asyncio.Protocol):
    """Stands between a connection and aiohttp's protocol, which has it from now on.

    aiohttp closes at a half-close and loses the reply that is under way; this lets it finish first.
    """

    def __init__(self, site: Site, transport: asyncio.Transport) -> None:
        assert site.page_server is not None
        self._site = site
        self._transport = transport
        self._inner = site.page_server()
        site.connections[self] = None

    def begin(self, data: bytes) -> None:
        """Give aiohttp the connection and what was read of it."""
        self._inner.connection_made(self._transport)
        self.data_received(data)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool:
        """Let the reply that is under way be sent."""
        if self._transport.get_extra_info("sslcontext") is not None:
            return False  # TLS has no half-closed connection
        loop = asyncio.get_running_loop()
        loop.call_soon(self._close_inner)  # what was passed on is begun first
        loop.call_later(EOF_PATIENCE_S, self._transport.close)
        return True

    def _close_inner(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()

    def pause_writing(self) -> None:
        """Pass on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on."""
        self._site.remove(self)
        self._site.peers.leave(self._transport)
        self._inner.connection_lost(error)

    def sweep(self, now: float) -> None:
        """The deadlines are aiohttp's."""

    def owed_bytes(self) -> int:
        """What waits in this process for the client to read it."""
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def finish(self) -> None:
        """aiohttp's own shutdown closes it."""


def open_page(site: Site, transport: asyncio.Transport, data: bytes, *, resume: bool, eof: bool) -> None:
    """Hand the connection over to the aiohttp application. `resume`: reading was paused; `eof`: it has ended."""
    page = PageConnection(site, transport)
    transport.set_protocol(page)
    page.begin(data)
    if eof:
        page.eof_received()
    elif resume and not transport.is_closing():
        transport.resume_reading()


def open_socket(site: Site, transport: asyncio.Transport, request: Request) -> WebSocketConnection:
    """Make the connection a WebSocket. Raises ApiError, with nothing done."""
    headers = request.headers
    if request.raw_body:
        raise ApiError("INVALID_FIELD", "A request to upgrade has no body.")
    if headers.get("sec-websocket-version") != "13":
        raise ApiError("INVALID_FIELD", "Sec-WebSocket-Version must be 13.")
    key = headers.get("sec-websocket-key", "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        whole = False
    if not whole:
        raise ApiError("INVALID_FIELD", "Sec-WebSocket-Key must be 16 bytes in base64.")
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    socket = WebSocketConnection(site, transport, request)
    transport.set_protocol(socket)
    transport.write(switching_bytes(accept, request.request_id))
    return socket
