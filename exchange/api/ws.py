"""The socket: channels, and orders as over REST, many in flight at a time.

Commands of one socket are applied in the order sent, market by market; the answers come as they become durable. Whole
frames are written straight to the connection, so that a message to a thousand sockets is encoded and framed once.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from exchange.api import codec, messages, models
from exchange.api.auth import Gate
from exchange.api.channels import PRIVATE, Channels, names, split
from exchange.api.errors import ApiError
from exchange.api.request_id import HEADER
from exchange.api.rest import api_error
from exchange.api.trading import Trading
from exchange.core.venue import Venue
from exchange.engine import Engine
from exchange.feeds import Feeds, Message, Subscriber

log = structlog.get_logger(__name__)

CLOSING_S = 2.0  # what a peer has to take its last messages when the exchange ends
IN_FLIGHT_MAX = 1000  # requests of one socket that are not answered yet; then it is not read further
CHANNELS_MAX = 4096  # of one socket
MESSAGE_MAX = 1 << 20


def frame(payload: bytes) -> bytes:
    """A whole, unmasked text frame."""
    length = len(payload)
    if length < 126:
        return b"\x81" + bytes((length,)) + payload
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload


def answer_frame(answer: models.Json) -> bytes:
    """The frame of an answer."""
    return frame(orjson.dumps(answer))


def feed_encoder(venue: Venue) -> Callable[[Message], bytes]:
    """How the feeds make frames of their events. What an instrument scales by never changes."""
    markets, assets = venue.markets, venue.assets

    def encode(message: Message) -> bytes:
        return frame(orjson.dumps(codec.feed_json(message, lambda symbol: markets[symbol].instrument, assets)))

    return encode


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
    """All open sockets over one engine and its feeds."""

    def __init__(
        self, trading: Trading, gate: Gate, engine: Engine, feeds: Feeds, channels: Channels, ping_s: float
    ) -> None:
        self.trading = trading
        self.gate = gate
        self.engine = engine
        self.feeds = feeds
        self.channels = channels
        self._ping_s = ping_s
        self._open: dict[Session, None] = {}
        self._sending = False

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def handle(self, request: web.Request, opened_as: str) -> web.StreamResponse:
        """Serve one socket until it closes. `opened_as`: the id of the request that opens it, for its log lines."""
        self.gate.admit(request, changes=True)
        socket = web.WebSocketResponse(heartbeat=self._ping_s, compress=False, max_msg_size=MESSAGE_MAX)
        socket.headers[HEADER] = opened_as
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        connection = _Connection(socket, transport, self._ping_s)
        session = Session(self, connection, request, opened_as)
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

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send an answer, in one write with the others of this turn of the loop."""
        self.feeds.send(subscriber, frame)
        if not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._sending = False
        self.feeds.flush()

    async def close(self) -> None:
        """Close every socket, once it is answered: the exchange ends."""
        await asyncio.gather(*(session.close() for session in list(self._open)))


class _Order:
    """Who asked for an order: a request on a socket."""

    __slots__ = ("_request_id", "_session")

    def __init__(self, session: "Session", request_id: messages.Id) -> None:
        self._session = session
        self._request_id = request_id

    def answer(self, order: models.Json) -> None:
        """It is durable."""
        self._session.count(-1)
        self._session.succeed(order, self._request_id)

    def refuse(self, error: BaseException) -> None:
        """There is none."""
        self._session.count(-1)
        self._session.fail(error, self._request_id)


class Session:
    """One socket's conversation."""

    def __init__(self, sockets: Sockets, connection: _Connection, request: web.Request, opened_as: str) -> None:
        self._sockets = sockets
        self._address = request.remote
        self._user_id = request.headers.get("X-User-Id")
        self._opened_as = opened_as
        self._connection = connection
        self._subscriber = Subscriber(connection, sockets.channels.encode)
        self._in_flight = 0  # requests that wait for their answer
        self._joining = 0  # channels that wait for their beginning
        self.full = False  # as many as may; then nothing more is read
        self.overloaded = False  # one was refused as more than the exchange can take
        self._room = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def room(self) -> None:
        """Return when the client may ask for more, and after an OVERLOADED when everybody else has had a turn.

        Else all that it has sent would be refused in one go, and with many such clients nothing else be done.
        """
        if self.full:
            await self._room.wait()
        else:
            self.overloaded = False
            await asyncio.sleep(0)

    def handle(self, text: str | bytes) -> None:
        """Take one message; what it asks of the engine is in line when this returns."""
        message = messages.read(text)
        try:
            self._sockets.gate.limits.request(self._address)
            self._dispatch(message)
        except Exception as error:
            self.fail(error, message.id)

    def end(self) -> None:
        """The connection is gone; what it asked for still happens."""
        self._sockets.feeds.forget(self._subscriber)

    async def close(self) -> None:
        """The exchange ends: what it has promised is answered first, for a peer that takes it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        await self._connection.end(WSCloseCode.GOING_AWAY, "the exchange is stopping", CLOSING_S)

    # --- what can be said

    def _dispatch(self, message: messages.Message | messages.Unreadable) -> None:
        trading = self._sockets.trading
        match message:
            case messages.PlaceOrder():
                trading.place_for(_Order(self, message.id), message, self._user(message.user_id))
                self.count(1)
            case messages.Cancel():
                self._ask(trading.cancel(message, self._user(message.user_id)), message.id)
            case messages.CancelAll():
                self._ask(trading.cancel_all(message, self._user(message.user_id)), message.id)
            case messages.PlaceOrders():
                self._ask(trading.batch(message, self._user(message.user_id)), message.id)
            case messages.Subscribe():
                self._subscribe(message)
            case messages.Unsubscribe():
                self._unsubscribe(message)
            case messages.Ping():
                self._answer({"message_type": "PONG"}, message.id)
            case messages.Unreadable():
                raise message.error

    def _user(self, user_id: str | None) -> str:
        return self._sockets.gate.known(user_id if user_id is not None else self._user_id)

    def _subscribe(self, message: messages.Subscribe) -> None:
        request_id = message.id
        sockets, subscriber = self._sockets, self._subscriber
        wanted = names(message.channel, message.channels)
        if len(subscriber.channels) + self._joining + len(wanted) > CHANNELS_MAX:
            raise ApiError("INVALID_FIELD", f"A socket may have {CHANNELS_MAX} channels.")
        for channel in wanted:
            kind, subject = split(channel)
            if kind in PRIVATE:
                sockets.gate.known(subject)
            elif subject not in sockets.engine.venue.markets:
                raise ApiError("UNKNOWN_MARKET")
        for channel in wanted:
            joined = sockets.engine.read(partial(sockets.channels.subscribe, subscriber, channel, request_id))
            self._joining += 1
            joined.add_done_callback(partial(self._joined, request_id))

    def _joined(self, request_id: Any, done: "asyncio.Future[Any]") -> None:
        self._joining -= 1
        self._heard(request_id, done)

    def _heard(self, request_id: Any, done: "asyncio.Future[Any]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._refuse(api_error(error, "a socket's channel", self._opened_as), request_id)

    def _unsubscribe(self, message: messages.Unsubscribe) -> None:
        sockets, request_id = self._sockets, message.id
        for channel in names(message.channel, message.channels):
            split(channel)
            leave = partial(sockets.channels.unsubscribe, self._subscriber, channel, request_id)
            left = sockets.engine.read(leave)
            left.add_done_callback(partial(self._heard, request_id))

    # --- answering

    def _ask(self, answer: Awaitable[Any], request_id: Any) -> None:
        """Answer when the coroutine has; it has got in line already."""
        self.count(1)
        task = asyncio.create_task(self._result(answer, request_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _result(self, answer: Awaitable[Any], request_id: Any) -> None:
        try:
            self.succeed(await answer, request_id)
        except Exception as error:
            self.fail(error, request_id)
        self.count(-1)

    def count(self, change: int) -> None:
        """Know how many requests wait for their answer; the client may go on when there are few enough."""
        self._in_flight += change
        if self._in_flight >= IN_FLIGHT_MAX:
            self.full = True
            self._room.clear()
        elif self.full:
            self.full = False
            self._room.set()

    def succeed(self, data: models.Json, request_id: Any) -> None:
        """Answer with what was asked for."""
        self._answer({"message_type": "RESULT", "data": data}, request_id)

    def fail(self, error: BaseException, request_id: Any) -> None:
        """Answer with the reason why there is nothing."""
        self._refuse(api_error(error, "a socket's request", self._opened_as), request_id)

    def _answer(self, answer: models.Json, request_id: Any) -> None:
        if request_id is not None:
            answer["id"] = request_id
        self._sockets.send(self._subscriber, answer_frame(answer))

    def _refuse(self, error: ApiError, request_id: Any) -> None:
        self._sockets.trading.refusals[error.code] += 1
        self.overloaded |= error.code == "OVERLOADED"
        self._answer({"message_type": "ERROR", **error.json()}, request_id)
