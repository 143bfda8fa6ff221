"""The socket: a session's way in and out.

Whole frames are written straight to the connection, so that a message to a thousand sockets is encoded and framed once.
"""

import asyncio
import contextlib
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from exchange.api.request_id import HEADER
from exchange.api.session import Floor, Session

log = structlog.get_logger(__name__)

MESSAGE_MAX = 1 << 20


class _Connection:
    """A socket as the feeds reach it."""

    __slots__ = ("_patience_s", "_socket", "_transport", "closing")

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, patience_s: float) -> None:
        self._socket = socket
        self._transport = transport
        self._patience_s = patience_s
        self.closing: asyncio.Task[Any] | None = None

    def write(self, frames: list[bytes]) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"".join(frames))

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        # It falls behind because it does not read: it has as long to come to the end as a silent peer has to answer.
        self.closing = asyncio.create_task(self.end(code, reason, self._patience_s), name="close a slow socket")

    async def end(self, code: int, reason: str, patience_s: float) -> None:
        """Close the socket; a peer that does not read, and so does not answer either, is cut off after a while."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(patience_s):
                await self._socket.close(code=code, message=reason.encode())
        self.abort()

    def abort(self) -> None:
        """End the connection, with what has not left yet. Without this a dead peer's would wait for it for hours."""
        self._transport.abort()


class Sockets:
    """All open sockets."""

    def __init__(self, floor: Floor, ping_s: float) -> None:
        self._floor = floor
        self._ping_s = ping_s
        self._open: dict[Session, None] = {}

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def handle(self, request: web.Request, opened_as: str) -> web.StreamResponse:
        """Serve one socket until it closes. `opened_as`: the id of the request that opens it, for its log lines."""
        self._floor.gate.admit(request, changes=True)
        socket = web.WebSocketResponse(heartbeat=self._ping_s, compress=False, max_msg_size=MESSAGE_MAX)
        socket.headers[HEADER] = opened_as
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        connection = _Connection(socket, transport, self._ping_s)
        session = Session(self._floor, connection, request.remote, request.headers.get("X-User-Id"), opened_as)
        self._open[session] = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                    break
                session.handle(message.data)
                if session.full or session.overloaded:
                    await session.room()
        except Exception as error:
            # The upgrade is done: there is no reply any more that could carry this.
            log.error("a socket failed", request_id=opened_as, exc_info=error)
        finally:
            del self._open[session]
            session.end()
            if socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:
                connection.abort()
        return socket

    async def close(self) -> None:
        """Close every socket, once it is answered: the exchange ends."""
        await asyncio.gather(*(session.close() for session in list(self._open)))
