"""One WebSocket: frames in, messages to its session, and the end of both.

A message goes to its session as soon as its frame is read, while the session takes messages; what comes meanwhile waits
here, within bounds, and then the client is not read. Pings and closings never wait.
"""

import asyncio
from collections import deque
from math import inf

import structlog

from exchange.api.http.request import Request
from exchange.api.http.site import DRAIN_S, Site
from exchange.api.http.sockets import SocketSession
from exchange.api.http.ws_frames import (
    BINARY,
    CLOSE,
    NO_CODE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    close_code,
    close_frame,
    control_frame,
)

log = structlog.get_logger(__name__)

MESSAGE_MAX_BYTES = 1 << 20
INBOX_MAX_BYTES = 64 << 10  # that wait for a session; then the client is not read
INTERNAL_ERROR = 1011


class WebSocketConnection(asyncio.Protocol):
    """The protocol of an upgraded connection, and the peer of its session."""

    def __init__(self, site: Site, transport: asyncio.Transport, request: Request) -> None:
        self._site = site
        self._transport = transport
        self._request = request
        self._reader = FrameReader(MESSAGE_MAX_BYTES)
        self._inbox: deque[bytes] = deque()
        self._inbox_bytes = 0
        self._pump: asyncio.Task[None] | None = None
        self._reading = True
        self._closing = False  # a close frame is sent; nothing follows it
        self._close_by = inf
        self._pong_s = site.config.ping_s / 2
        self._heard = site.now
        self._pinged = inf
        self._gone = asyncio.get_running_loop().create_future()
        self._session: SocketSession = site.open_session(self, request)
        site.connections[self] = None
        site.sessions[self._session] = None

    # --- the transport

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        self._heard, self._pinged = self._site.now, inf
        for kind, payload in self._reader.feed(data):
            if kind in (TEXT, BINARY):
                if not self._closing:
                    self._take(payload)
            elif kind == PING:
                self._send_control(control_frame(PONG, payload))
            elif kind == CLOSE:
                self._closed_by_client(payload)
                return
        failure = self._reader.failure
        if failure is not None:
            self.close(*failure)
            # An answer may never come; but a client that is still sending would not see why if it were cut off now.
            self._close_by = min(self._close_by, self._site.now + DRAIN_S)

    def eof_received(self) -> bool:
        """The client has gone without a closing handshake."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; what was asked still happens, what waits here is dropped."""
        self._site.remove(self)
        self._site.peers.leave(self._transport)
        self._site.sessions.pop(self._session, None)
        self._closing = True
        self._inbox.clear()
        if self._pump is not None:
            self._pump.cancel()
        self._session.end()
        if not self._gone.done():
            self._gone.set_result(None)

    # --- messages

    def _take(self, message: bytes) -> None:
        session = self._session
        if self._pump is None and not session.full and not session.overloaded:
            self._give(message)
            return
        self._inbox.append(message)
        self._inbox_bytes += len(message)
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._pump_inbox(), name="messages of a socket")
        if self._inbox_bytes > INBOX_MAX_BYTES:
            self._read(False)

    def _give(self, message: bytes) -> None:
        try:
            self._session.handle(message)
        except Exception as error:
            log.error("a socket failed", request_id=self._request.request_id, exc_info=error)
            self.close(INTERNAL_ERROR, "internal error")

    async def _pump_inbox(self) -> None:
        """Give the session what waits, as fast as it takes it."""
        inbox = self._inbox
        try:
            while inbox and not self._closing:
                session = self._session
                if session.full or session.overloaded:
                    await session.room()
                    continue
                message = inbox.popleft()
                self._inbox_bytes -= len(message)
                self._give(message)
        finally:
            self._pump = None
        self._read(True)

    def _read(self, reading: bool) -> None:
        if reading != self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # --- the peer

    def write(self, frames: list[bytes]) -> None:
        """Send whole frames, in one write."""
        if not self._closing and not self._transport.is_closing():
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def unsent_bytes(self) -> int:
        """How much of what was written has not left this process."""
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; a client that does not finish it is cut off."""
        if not self._closing:
            self._send_control(close_frame(code, reason))
            self._closing = True
            self._inbox.clear()
            self._close_by = self._site.now + self._site.config.ping_s
            self._read(True)  # the answer

    async def end(self, code: int, reason: str, patience_s: float) -> None:
        """Close, and return when the connection is gone, after `patience_s` at the latest."""
        self.close(code, reason)
        await asyncio.wait([self._gone], timeout=patience_s)
        self.abort()

    def become(self, session: SocketSession) -> None:
        """Give the messages that follow to another session."""
        sessions = self._site.sessions
        sessions.pop(self._session, None)
        self._session = session
        sessions[session] = None

    def be_patient(self, pong_s: float) -> None:
        """Wait so long for the answer to a ping."""
        self._pong_s = pong_s

    def _closed_by_client(self, payload: bytes) -> None:
        code = close_code(payload)
        self._send_control(close_frame(code if code != NO_CODE else NO_CODE))
        self._closing = True
        self._transport.close()

    def _send_control(self, frame: bytes) -> None:
        if not self._closing and not self._transport.is_closing():
            self._transport.write(frame)

    # --- bounds

    def sweep(self, now: float) -> None:
        """Ping an idle client; cut one that does not answer."""
        ping_s = self._site.config.ping_s
        if self._closing:
            if now > self._close_by:
                self.abort()
        elif self._pinged < inf:
            if now - self._pinged > self._pong_s:
                self._site.counts.timeouts["ping"] += 1
                self.abort()
        elif now - self._heard >= ping_s and self._reading:
            self._pinged = now
            self._send_control(control_frame(PING))

    def owed_bytes(self) -> int:
        """What waits in this process for the client to read it."""
        return self._transport.get_write_buffer_size() + self._session.waiting_bytes

    def abort(self) -> None:
        """Cut the connection, with what has not left yet."""
        self._transport.abort()

    def finish(self) -> None:
        """The session says goodbye: see `Site.say_goodbye`."""
