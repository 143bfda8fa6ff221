"""The socket: a session's way in and out.

A message goes to its session as soon as aiohttp has found its frame, and whole frames are written straight to the
connection, so that a message to a thousand sockets is encoded and framed once.
"""

import asyncio
import contextlib
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from exchange.api.http.request_id import HEADER
from exchange.api.native.session import Floor, Session

_FOR_SESSIONS = (WSMsgType.TEXT, WSMsgType.BINARY)

log = structlog.get_logger(__name__)

MESSAGE_MAX = 1 << 20
INBOX_BYTES = 1 << 16  # that wait for a session which takes no more; with twice as many the client is not read


class _Connection:
    """A socket as the feeds reach it."""

    __slots__ = ("_patience_s", "_socket", "_transport", "closing")

    def __init__(self, socket: "_Socket", transport: asyncio.Transport, patience_s: float) -> None:
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
        self._socket.inbox.session = None  # what it says from now on is not for its session
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(patience_s):
                await self._socket.close(code=code, message=reason.encode())
        self.abort()

    def abort(self) -> None:
        """End the connection, with what has not left yet. Without this a dead peer's would wait for it for hours."""
        self._transport.abort()


class Inbox(WebSocketDataQueue):
    """What aiohttp's reader puts its messages into: one for the session goes there at once, as long as nothing waits.

    Closings and pings are aiohttp's, and what comes while the session takes nothing waits in line for its task, as does
    everything behind it: until the task has dealt with all that waits, and sets `session` again.
    """

    session: Session | None = None
    failure: Exception | None = None

    def feed_data(self, data: Any, size: int) -> None:
        """Take a message from the reader."""
        session = self.session
        if session is None or session.full or session.overloaded or data.type not in _FOR_SESSIONS:
            self.session = None
            super().feed_data(data, size)
            return
        try:
            session.handle(data.data)
        except Exception as error:
            self.session, self.failure = None, error
            self.set_exception(error)

    def attend(self, session: Session) -> None:
        """Give messages to the session, if none waits."""
        if not self._buffer:
            self.session = session


class _Socket(web.WebSocketResponse):
    """aiohttp's, with an inbox of ours.

    The messages of a client that has spoken before it was let in are in aiohttp's own queue: there they stay, and
    nothing comes into the inbox.
    """

    inbox: Inbox

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: Any) -> None:
        has_spoken = bool(request.protocol._message_tail)
        super()._post_start(request, protocol, writer)
        self.inbox = Inbox(request.protocol, INBOX_BYTES, loop=asyncio.get_running_loop())
        if not has_spoken:
            self._reader = self.inbox
            self._parser = WebSocketReader(self.inbox, MESSAGE_MAX, compress=False, decode_text=True)
            request.protocol._payload_parser = self._parser


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
        protocol: Any = request.protocol
        socket = _Socket(heartbeat=self._ping_s, compress=False, max_msg_size=MESSAGE_MAX)
        socket.headers[HEADER] = opened_as
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        connection = _Connection(socket, transport, self._ping_s)
        session = Session(self._floor, connection, request.remote, request.headers.get("X-User-Id"), opened_as)
        inbox = socket.inbox
        self._open[session] = None
        try:
            inbox.attend(session)
            async for message in socket:
                if inbox.failure is not None:
                    raise inbox.failure
                if message.type not in _FOR_SESSIONS:
                    break
                if session.full or session.overloaded:
                    await session.room()
                session.handle(message.data)
                if not socket.closed:
                    inbox.attend(session)
        except ConnectionError:
            pass  # the client has aborted the connection
        except Exception as error:
            # The upgrade is done: there is no reply any more that could carry this.
            log.error("a socket failed", request_id=opened_as, exc_info=error)
        finally:
            inbox.session = None
            protocol._data_received_cb = (
                None  # a method of the socket, which knows its request, which knows its protocol
            )
            del self._open[session]
            session.end()
            if socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:
                connection.abort()
        return socket

    async def close(self) -> None:
        """Close every socket, once it is answered: the exchange ends."""
        await asyncio.gather(*(session.close() for session in list(self._open)))
