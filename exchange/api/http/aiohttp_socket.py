"""A WebSocket on a connection that the aiohttp application has, because its client has read a page on it before."""

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from exchange.api.http.request import Request
from exchange.api.http.request_id import HEADER
from exchange.api.http.site import Site
from exchange.api.http.sockets import SocketSession
from exchange.api.http.websocket import MESSAGE_MAX_BYTES


class AiohttpSocket:
    """The peer of a session, by aiohttp's public interface: one `receive` a message, slower than the protocol's own."""

    def __init__(self, site: Site, request: Request) -> None:
        self._site = site
        self._request = request
        self._socket = web.WebSocketResponse(
            heartbeat=site.config.ping_s, compress=False, max_msg_size=MESSAGE_MAX_BYTES
        )
        self._transport: asyncio.Transport | None = None
        self._closing: asyncio.Task[None] | None = None
        self._session: SocketSession = site.open_session(self, request)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve the socket until it ends."""
        site, socket = self._site, self._socket
        socket.headers[HEADER] = self._request.request_id
        site.connections[self] = None
        site.sessions[self._session] = None
        try:
            await socket.prepare(request)
            self._transport = request.transport
            async for message in socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                while self._session.full or self._session.overloaded:
                    await self._session.room()
                self._session.handle(message.data)
        finally:
            del site.sessions[self._session]
            site.remove(self)
            self._session.end()
        return socket

    # --- the peer

    def write(self, frames: list[bytes]) -> None:
        """Send whole frames, in one write."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and not self._socket.closed:
            transport.write(b"".join(frames))

    def unsent_bytes(self) -> int:
        """How much of what was written has not left this process."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; a client that does not finish it is cut off."""
        if self._closing is None:
            end = self.end(code, reason, self._site.config.ping_s)
            self._closing = asyncio.get_running_loop().create_task(end, name="close a socket")

    async def end(self, code: int, reason: str, patience_s: float) -> None:
        """Close, and return when the connection is gone, after `patience_s` at the latest."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(patience_s):
                await self._socket.close(code=code, message=reason.encode())
        self.abort()

    def become(self, session: SocketSession) -> None:
        """Give the messages that follow to another session."""
        sessions = self._site.sessions
        sessions.pop(self._session, None)
        self._session = session
        sessions[session] = None

    def be_patient(self, pong_s: float) -> None:
        """Nothing: aiohttp waits for half of what it pings after."""

    # --- the connection; its deadlines are aiohttp's

    def sweep(self, now: float) -> None:
        """Nothing: aiohttp pings."""

    def owed_bytes(self) -> int:
        """What waits in the session; what the transport holds is counted with the page's connection."""
        return self._session.waiting_bytes

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """The session says goodbye."""
