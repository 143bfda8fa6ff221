"""A session: what one client says on its socket, and what it is answered.

Commands of one socket are applied in the order sent, market by market; the answers come as they become durable. What
could be overtaken, or is much to copy, is done before the next message is taken: commands of several markets, which get
in line one market after the other, and channels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from exchange.api.http.auth import Gate
from exchange.api.http.request import Request
from exchange.api.http.sockets import Peer
from exchange.api.native import messages, models
from exchange.api.native.channels import channel_of, names
from exchange.api.native.errors import ApiError
from exchange.api.native.feed_frames import NativeFrames, answer_frame
from exchange.api.native.rest import api_error
from exchange.api.native.trading import Several, Trading
from exchange.core.public import Channel, Kind
from exchange.pipeline.engine import Engine
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.subscriber import Subscriber

CLOSING_S = 2.0  # what a peer has to take its last messages when the exchange ends
GOING_AWAY = 1001
IN_FLIGHT_MAX = 1000  # requests of one socket that are not answered yet; then it is not read further
CHANNELS_MAX = 4096  # of one socket
CHANNELS_AT_A_TIME = 64  # in the writer's line


Change = Callable[[Subscriber, Channel, object], "asyncio.Future[None]"]


class Floor:
    """What all sessions share."""

    def __init__(self, trading: Trading, gate: Gate, engine: Engine, feeds: Feeds, frames: NativeFrames) -> None:
        self.trading = trading
        self.gate = gate
        self.engine = engine
        self.feeds = feeds
        self.frames = frames
        self._sending = False

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send an answer, in one write with the others of this turn of the loop."""
        self.feeds.send(subscriber, frame)
        if not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._sending = False
        self.feeds.flush()


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

    def __init__(self, floor: Floor, peer: Peer, opened: Request) -> None:
        """`opened` is the request that upgraded to this socket; its X-User-Id is for messages that name no user."""
        self._floor = floor
        self._address = opened.address
        self._user_id = opened.headers.get("x-user-id")
        self._opened_as = opened.request_id
        self._peer = peer
        self._subscriber = Subscriber(peer, floor.frames)
        self._in_flight = 0  # requests that wait for their answer
        self._held = False  # something is to be done before the next is taken
        self.full = False  # held, or as many as may; then nothing more is read
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

    @property
    def waiting_bytes(self) -> int:
        """How much waits for a client that reads too slowly."""
        return self._subscriber.waiting_bytes

    def handle(self, text: str | bytes) -> None:
        """Take one message; what it asks of the engine is in line when this returns, or else the session is full."""
        message = messages.read(text)
        try:
            self._floor.gate.limits.request(self._address)
            if isinstance(message, messages.PlaceOrder):
                user_id = self._user(message.user_id)
                self._floor.trading.place_for(_Order(self, message.id), message, user_id)
                self.count(1)
            else:
                self._dispatch(message)
        except Exception as error:
            self.fail(error, message.id)

    def end(self) -> None:
        """The connection is gone; what it asked for still happens."""
        self._floor.feeds.forget(self._subscriber)

    async def close(self) -> None:
        """The exchange ends: what it has promised is answered first, for a peer that takes it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)

    # --- what can be said

    def _dispatch(self, message: messages.Message | messages.Unreadable) -> None:
        trading = self._floor.trading
        match message:
            case messages.Cancel():
                self._ask(trading.cancel(message, self._user(message.user_id)), message.id)
            case messages.CancelAll():
                self._ask_several(trading.cancel_all(message, self._user(message.user_id)), message.id)
            case messages.PlaceOrders():
                self._ask_several(trading.batch(message, self._user(message.user_id)), message.id)
            case messages.Subscribe():
                self._subscribe(message)
            case messages.Unsubscribe():
                self._unsubscribe(message)
            case messages.Ping():
                self._answer({"message_type": "PONG"}, message.id)
            case messages.Unreadable():
                raise message.error

    def _user(self, user_id: str | None) -> str:
        return self._floor.gate.known(user_id if user_id is not None else self._user_id)

    def _subscribe(self, message: messages.Subscribe) -> None:
        floor, subscriber = self._floor, self._subscriber
        wanted = [channel_of(name) for name in names(message.channel, message.channels)]
        if len(subscriber.channels) + len(wanted) > CHANNELS_MAX:
            raise ApiError("INVALID_FIELD", f"A socket may have {CHANNELS_MAX} channels.")
        for channel in wanted:
            if channel.kind >= Kind.ORDERS:
                floor.gate.known(channel.subject)
            elif channel.subject not in floor.engine.venue.markets:
                raise ApiError("UNKNOWN_MARKET")
        self._hold_until(self._do(self._listen(floor.engine.subscribe, wanted, message.id)))

    def _unsubscribe(self, message: messages.Unsubscribe) -> None:
        wanted = names(message.channel, message.channels)
        if len(wanted) > CHANNELS_MAX:
            raise ApiError("INVALID_FIELD", f"A socket may have {CHANNELS_MAX} channels.")
        channels = [channel_of(name) for name in wanted]
        self._hold_until(self._do(self._listen(self._floor.engine.unsubscribe, channels, message.id)))

    async def _listen(self, change: Change, channels: Sequence[Channel], request_id: Any) -> None:
        """Begin or end subscriptions, some at a time: other work waits in the same line."""
        changes: list[asyncio.Future[None]] = []
        try:
            for begin in range(0, len(channels), CHANNELS_AT_A_TIME):
                if self._subscriber.closed:
                    return
                for channel in channels[begin : begin + CHANNELS_AT_A_TIME]:
                    changes.append(change(self._subscriber, channel, request_id))
                await asyncio.gather(*changes)
                changes.clear()
        except Exception as error:
            self._refuse(api_error(error, "a socket's channel", self._opened_as), request_id)
            await asyncio.gather(*changes, return_exceptions=True)  # those that are in line already

    # --- answering

    def _ask(self, answer: Awaitable[Any], request_id: Any) -> None:
        """Answer when there is one; what it takes has got in line already."""
        self._do(self._result(answer, request_id))

    def _ask_several(self, answer: Several, request_id: Any) -> None:
        """The same for several commands, of which not all need be in line."""
        self._do(self._result(answer, request_id))
        if answer.outcomes is not None:
            self._hold_until(answer.outcomes)

    async def _result(self, answer: Awaitable[Any], request_id: Any) -> None:
        try:
            self.succeed(await answer, request_id)
        except Exception as error:
            self.fail(error, request_id)

    def _do(self, work: Awaitable[None]) -> "asyncio.Future[None]":
        """Have it done, as one of the requests in flight."""
        self.count(1)
        task = asyncio.create_task(self._until_done(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _until_done(self, work: Awaitable[None]) -> None:
        await work
        self.count(-1)

    def _hold_until(self, done: "asyncio.Future[Any]") -> None:
        """Take no other message before this is done."""
        self._held = True
        self.count(0)
        done.add_done_callback(self._go_on)

    def _go_on(self, _: "asyncio.Future[Any]") -> None:
        self._held = False
        self.count(0)

    def count(self, change: int) -> None:
        """Know how many requests wait for their answer; the client may go on when there are few enough."""
        self._in_flight += change
        if self._in_flight >= IN_FLIGHT_MAX or self._held:
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
        self._floor.send(self._subscriber, answer_frame(answer))

    def _refuse(self, error: ApiError, request_id: Any) -> None:
        self._floor.trading.refusals[error.code] += 1
        self.overloaded |= error.code == "OVERLOADED"
        self._answer({"message_type": "ERROR", **error.json()}, request_id)
