"""The socket: channels, and orders as over REST, many in flight at a time.

Commands of one socket are applied in the order sent, market by market; the answers come as they become durable. Whole
frames are written straight to the connection, so that a message to a thousand sockets is encoded and framed once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import orjson
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from exchange.api import codec, models
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

PING_S = 20.0  # a connection that answers none within half of it again is closed
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


class SocketMessage(msgspec.Struct):
    """What every message of a client has."""

    message_type: str
    id: str | int | None = None


class ChannelMessage(models.Request, kw_only=True):
    """SUBSCRIBE and UNSUBSCRIBE."""

    message_type: str
    id: str | int | None = None
    channel: str | None = None
    channels: list[str] | None = None


class PingMessage(models.Request, kw_only=True):
    """PING."""

    message_type: str
    id: str | int | None = None


class OrderMessage(models.PlaceOrderRequest, kw_only=True):
    """ORDER."""

    message_type: str
    id: str | int | None = None


class CancelMessage(models.OrderRequest, kw_only=True):
    """CANCEL."""

    message_type: str
    id: str | int | None = None


class CancelAllMessage(models.CancelAllRequest, kw_only=True):
    """CANCEL_ALL."""

    message_type: str
    id: str | int | None = None


class OrdersMessage(models.BatchRequest, kw_only=True):
    """ORDERS."""

    message_type: str
    id: str | int | None = None


class _Connection:
    """A socket as the feeds reach it."""

    __slots__ = ("_socket", "_transport", "closing")

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        self.closing: asyncio.Task[Any] | None = None

    def write(self, frames: list[bytes]) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"".join(frames))

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        self.closing = asyncio.create_task(self._close(code, reason), name="close a slow socket")

    async def _close(self, code: int, reason: str) -> None:
        # A peer that does not read does not answer a close either: it gets a moment, and then the connection ends.
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            pass
        self._transport.abort()


class Sockets:
    """All open sockets over one engine and its feeds."""

    def __init__(self, trading: Trading, gate: Gate, engine: Engine, feeds: Feeds, channels: Channels) -> None:
        self.trading = trading
        self.gate = gate
        self.engine = engine
        self.feeds = feeds
        self.channels = channels
        self._open: dict[web.WebSocketResponse, None] = {}

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def handle(self, request: web.Request, opened_as: str) -> web.StreamResponse:
        """Serve one socket until it closes. `opened_as`: the id of the request that opens it, for its log lines."""
        self.gate.admit(request, changes=True)
        socket = web.WebSocketResponse(heartbeat=PING_S, compress=False, max_msg_size=MESSAGE_MAX)
        socket.headers[HEADER] = opened_as
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        session = Session(self, _Connection(socket, transport), request.headers.get("X-User-Id"), opened_as)
        self._open[socket] = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                    break
                await session.handle(message.data)
        except Exception as error:
            # The upgrade is done: there is no reply any more that could carry this.
            log.error("a socket failed", request_id=opened_as, exc_info=error)
        finally:
            del self._open[socket]
            session.end()
        return socket

    async def close(self) -> None:
        """Close every socket: the exchange ends."""
        closing = [
            socket.close(code=WSCloseCode.GOING_AWAY, message=b"the exchange is stopping") for socket in self._open
        ]
        await asyncio.gather(*closing, return_exceptions=True)


class Session:
    """One socket's conversation."""

    def __init__(self, sockets: Sockets, connection: _Connection, user_id: str | None, opened_as: str) -> None:
        self._sockets = sockets
        self._user_id = user_id
        self._opened_as = opened_as
        self._subscriber = Subscriber(connection, sockets.channels.encode)
        self._in_flight = 0
        self._room = asyncio.Event()
        self._room.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, text: str | bytes) -> None:
        """Take one message; what it asks of the engine is in line when this returns."""
        await self._room.wait()
        body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        request_id: Any = None
        try:
            head = codec.decode(body, SocketMessage)
            request_id = head.id
            self._dispatch(head.message_type, body, request_id)
        except ApiError as error:
            self._refuse(error, request_id)
        self._sockets.feeds.flush()

    def end(self) -> None:
        """The connection is gone; what it asked for still happens."""
        self._sockets.feeds.forget(self._subscriber)

    # --- what can be said

    def _dispatch(self, message_type: str, body: bytes, request_id: Any) -> None:
        trading = self._sockets.trading
        match message_type:
            case "SUBSCRIBE":
                self._subscribe(codec.decode(body, ChannelMessage), request_id)
            case "UNSUBSCRIBE":
                self._unsubscribe(codec.decode(body, ChannelMessage), request_id)
            case "PING":
                codec.decode(body, PingMessage)
                self._answer({"message_type": "PONG"}, request_id)
            case "ORDER":
                order = codec.decode(body, OrderMessage)
                self._ask(trading.place(order, self._user(order.user_id)), request_id)
            case "CANCEL":
                cancel = codec.decode(body, CancelMessage)
                self._ask(trading.cancel(cancel, self._user(cancel.user_id)), request_id)
            case "CANCEL_ALL":
                cancel_all = codec.decode(body, CancelAllMessage)
                self._ask(trading.cancel_all(cancel_all, self._user(cancel_all.user_id)), request_id)
            case "ORDERS":
                batch = codec.decode(body, OrdersMessage)
                self._ask(trading.batch(batch, self._user(batch.user_id)), request_id)
            case _:
                raise ApiError("INVALID_FIELD", "message_type is none that is known.")

    def _user(self, user_id: str | None) -> str:
        return self._sockets.gate.known(user_id if user_id is not None else self._user_id)

    def _subscribe(self, message: ChannelMessage, request_id: Any) -> None:
        sockets, subscriber = self._sockets, self._subscriber
        wanted = names(message.channel, message.channels)
        if len(subscriber.channels) + len(wanted) > CHANNELS_MAX:
            raise ApiError("INVALID_FIELD", f"A socket may have {CHANNELS_MAX} channels.")
        for channel in wanted:
            kind, subject = split(channel)
            if kind in PRIVATE:
                sockets.gate.known(subject)
            elif subject not in sockets.engine.venue.markets:
                raise ApiError("UNKNOWN_MARKET")
        for channel in wanted:
            joined = sockets.engine.read(partial(sockets.channels.subscribe, subscriber, channel, request_id))
            joined.add_done_callback(lambda done: self._joined(done, request_id))

    def _joined(self, done: "asyncio.Future[Any]", request_id: Any) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._refuse(api_error(error, "SUBSCRIBE", self._opened_as), request_id)
            self._sockets.feeds.flush()

    def _unsubscribe(self, message: ChannelMessage, request_id: Any) -> None:
        for channel in names(message.channel, message.channels):
            split(channel)
            self._sockets.feeds.leave(self._subscriber, channel)
            self._answer({"message_type": "UNSUBSCRIBED", "channel": channel}, request_id)

    # --- answering

    def _ask(self, answer: Awaitable[Any], request_id: Any) -> None:
        """Answer when the coroutine has; it has got in line already."""
        self._in_flight += 1
        if self._in_flight >= IN_FLIGHT_MAX:
            self._room.clear()
        task = asyncio.create_task(self._result(answer, request_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _result(self, answer: Awaitable[Any], request_id: Any) -> None:
        try:
            self._answer({"message_type": "RESULT", "data": await answer}, request_id)
        except Exception as error:
            self._refuse(api_error(error, "a socket's request", self._opened_as), request_id)
        self._in_flight -= 1
        self._room.set()
        self._sockets.feeds.flush()

    def _answer(self, answer: models.Json, request_id: Any) -> None:
        if request_id is not None:
            answer["id"] = request_id
        self._sockets.feeds.send(self._subscriber, answer_frame(answer))

    def _refuse(self, error: ApiError, request_id: Any) -> None:
        self._sockets.trading.refusals[error.code] += 1
        self._answer({"message_type": "ERROR", **error.json()}, request_id)
