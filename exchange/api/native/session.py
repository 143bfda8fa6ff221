"""A session: what one client says on its socket, and what it is answered.

Commands of one socket are applied in the order sent, market by market; the answers come as they become durable. What
could be overtaken, or is much to copy, is done before the next message is taken: commands of several markets, which get
in line one market after the other, and channels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import UNSET, Raw

from exchange.api.http.request import Request
from exchange.api.http.sockets import Peer
from exchange.api.native import codec, encode, events, list_codec, messages, replies
from exchange.api.native.channels import channel_of, names
from exchange.api.native.errors import ApiError, Refusals
from exchange.api.native.events import Id, sent_id
from exchange.api.native.feed_frames import NativeFrames, answer_frame
from exchange.api.native.message_reader import Unreadable, read
from exchange.api.native.on_disconnect import OnDisconnect
from exchange.api.native.order_codec import place_order
from exchange.api.native.pieces import listed
from exchange.api.native.placed import placed_json
from exchange.core.instrument import Instrument
from exchange.core.public import Channel
from exchange.pipeline.outcomes import Overloaded
from exchange.pipeline.subscriber import Subscriber
from exchange.service.history import ListRead
from exchange.service.principal import Claim, Permission
from exchange.service.read_lane import MEMORY
from exchange.service.results import BatchResult, CanceledAll, Placed, Replaced, Result
from exchange.service.service import Service
from exchange.service.trading import Submitted

CLOSING_S: Final = 2.0  # what a peer has to take its last messages when the exchange ends
GOING_AWAY: Final = 1001
POLICY: Final = 1008
IN_FLIGHT_MAX: Final = 1000  # requests of one socket that are not answered yet; then it is not read further
LOOK_UPS_MAX: Final = 1000  # requests of one socket that wait for a look-up; the next ones are refused
CROWDED_S: Final = 0.05  # how long a socket is not read whose request was refused while too many reads waited
CHANNELS_MAX: Final = 4096  # of one socket
CHANNELS_AT_A_TIME: Final = 64  # in the writer's line

# Looking a member up in its enum, or a class in its module, costs more than a comparison.
TRADE: Final = Permission.TRADE
ORDERS: Final = (messages.PlainOrder, messages.PlaceOrder)
CANCELS: Final = (messages.Cancel, messages.CancelAll, messages.CancelAllAfter, messages.CancelList)
_ResultMessage: Final = events.ResultMessage
_Raw: Final = Raw

Change = Callable[[Subscriber, Channel, object], Awaitable["asyncio.Future[None]"]]


class Sessions:
    """What all sessions share."""

    def __init__(self, service: Service, frames: NativeFrames, refusals: Refusals) -> None:
        self.service = service
        self.frames = frames
        self.refusals = refusals
        self._sending = False
        self._numbered = 0

    def open(self, peer: Peer, opened: Request) -> "Session":
        """The session of a socket; `opened` is the request that upgraded to it."""
        return Session(self, peer, opened)

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send an answer, in one write with the others of this turn of the loop."""
        self.service.feeds.send(subscriber, frame)
        if not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._flush)

    def next_number(self) -> int:
        """A number for a socket that orders are bound to."""
        self._numbered += 1
        return self._numbered

    def _flush(self) -> None:
        self._sending = False
        self.service.feeds.flush()


class _Ordering:
    """Who sent an order or a cancel: a request on a socket."""

    __slots__ = ("_looks_up", "_request_id", "_session")

    def __init__(self, session: "Session", request_id: Id) -> None:
        self._session = session
        self._request_id = request_id
        self._looks_up = False

    def done(self, result: Result) -> None:
        """Answer with the order."""
        self._finish()
        if isinstance(result, Placed):
            self._session.succeed(_Raw(placed_json(result)), self._request_id)
            return
        made = encode.result(result) if not isinstance(result, Replaced) else self._session.replaced(result)
        self._session.succeed(made, self._request_id)

    def failed(self, error: BaseException) -> None:
        """Answer with the error."""
        self._finish()
        self._session.fail(error, self._request_id)

    def looks_up(self) -> None:
        """The answer waits for a look-up, which must not keep the socket from its next orders."""
        self._looks_up = True
        self._session.count(-1)
        self._session.look_ups += 1

    def _finish(self) -> None:
        if self._looks_up:
            self._session.look_ups -= 1
        else:
            self._session.count(-1)


class Session:
    """One socket's conversation."""

    def __init__(self, sessions: Sessions, peer: Peer, opened: Request) -> None:
        """`opened` says whom messages are from that name no user."""
        self._sessions = sessions
        self._service = sessions.service
        self._principal = sessions.service.authenticator.opened(opened)
        self._opened_as = opened.request_id
        self._peer = peer
        self._subscriber = Subscriber(peer, sessions.frames)
        self._in_flight = 0  # requests that wait for their answer
        self.look_ups = 0  # those that wait for a look-up, and are not in flight
        self._on_disconnect: OnDisconnect | None = None
        self._in_line: asyncio.Future[Any] | None = None  # done when all that it sent is in line
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
            try:
                await self._service.lane.turn(MEMORY)  # so that refusals too take no more than the share of reads
            except Overloaded:  # as many reads wait as may: to refuse more of them at full speed is work as well
                await asyncio.sleep(CROWDED_S)

    @property
    def waiting_bytes(self) -> int:
        """How much waits for a client that reads too slowly."""
        return self._subscriber.waiting_bytes

    def handle(self, text: str | bytes) -> None:
        """Take one message; what it asks of the engine is in line when this returns, or else the session is full."""
        message = read(text)
        try:
            service = self._service
            if service.limits.enabled:
                self._limit(message)
            if isinstance(message, ORDERS):
                user_id = service.user(self._principal, message.user_id, TRADE)
                rules = service.rules(message.market)
                command = place_order(message, user_id, rules)
                if self._on_disconnect is not None:
                    command = self._on_disconnect.bind(command)
                service.trading.place(_Ordering(self, message.id), command, rules)
                self.count(1)
            else:
                self._dispatch(message)
        except Exception as error:
            self.fail(error, message.id)

    def _limit(self, message: messages.AnyMessage | Unreadable) -> None:
        """Count the message against its limits. Raises Refused."""
        limits, cancels = self._service.limits, isinstance(message, CANCELS)
        limits.request(self._principal.address, cancels=cancels)
        if not cancels:
            limits.frame(self._opened_as)

    def end(self) -> None:
        """The connection is gone; what it asked for still happens."""
        self._service.authenticator.release(self._principal)
        if self._principal.api_key is not None and self._principal.user_id is not None:
            self._service.limits.leave_socket(self._principal.user_id)
        self._service.feeds.forget(self._subscriber)
        if self._on_disconnect is None:
            return
        if self._in_line is None or self._in_line.done():
            self._on_disconnect.end()
        else:  # the last of what it sent are to get in line first
            self._in_line.add_done_callback(lambda _: self._end_bound())

    def _end_bound(self) -> None:
        assert self._on_disconnect is not None
        self._on_disconnect.end()

    async def close(self) -> None:
        """The exchange ends: what it has promised is answered first, for a peer that takes it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)

    # --- what can be said

    def _dispatch(self, message: messages.AnyMessage | Unreadable) -> None:
        trading = self._service.trading
        if isinstance(message, messages.Cancel):
            self._cancel(message)
        elif isinstance(message, messages.Amend):
            self._amend(message)
        elif isinstance(message, messages.Replace):
            self._replace(message)
        elif isinstance(message, messages.CancelAll):
            canceled = trading.cancel_all(self._user(message.user_id, cancels=True), message.market)
            self._answer_several(self._canceled(canceled), message.id, canceled.in_line)
        elif isinstance(message, messages.CancelAllAfter):
            user_id = self._user(message.user_id, cancels=True)
            due_ns = trading.cancel_all_after(user_id, message.market, message.timeout_ms)
            self._answer_several(encode.cancels_at(message.market, due_ns), message.id, None)
        elif isinstance(message, messages.CancelOnDisconnect):
            self._cancel_on_disconnect(message)
        elif isinstance(message, messages.PlaceOrders):
            user_id = self._user(message.user_id)
            items = codec.batch_commands(message, user_id, self._service.rules)
            if self._on_disconnect is not None:
                items = self._on_disconnect.bind_batch(items)
            batch = trading.batch(user_id, items)
            self._answer_several(self._batch(batch), message.id, batch.in_line)
        elif isinstance(message, messages.PlaceList):
            self._place_list(message)
        elif isinstance(message, messages.CancelList):
            self._cancel_list(message)
        elif isinstance(message, messages.Subscribe):
            self._subscribe(message)
        elif isinstance(message, messages.Unsubscribe):
            self._unsubscribe(message)
        elif isinstance(message, messages.Auth):
            self._sign_in(message)
        elif isinstance(message, messages.Ping):
            self._answer(events.Pong(sent_id(message.id)))
        else:
            assert isinstance(message, Unreadable)
            raise message.error

    def _sign_in(self, message: messages.Auth) -> None:
        """Act as the user whose key has signed the message, from the next message on."""
        authenticator, before = self._service.authenticator, self._principal
        claim = Claim(message.api_key, str(message.timestamp), message.signature, message.nonce)
        principal = authenticator.sign_in(claim, before.address)
        if before.user_id not in (None, principal.user_id):
            raise ApiError("FORBIDDEN", "This socket acts as another user: open one of its own.")
        if before.api_key is None and principal.user_id is not None:
            self._service.limits.enter_socket(principal.user_id)
        authenticator.release(before)
        authenticator.hold(principal, self._key_ended)
        self._principal = principal
        permissions = sorted(permission.value for permission in principal.permissions)
        self._answer(events.Authenticated(principal.user_id, permissions, sent_id(message.id)))

    def _key_ended(self) -> None:
        """The key that the socket signed in with was revoked or has expired: nothing private is sent from here on."""
        self._service.feeds.forget(self._subscriber)
        self._peer.close(POLICY, "the API key was revoked or has expired")

    def _cancel_on_disconnect(self, message: messages.CancelOnDisconnect) -> None:
        """From here on, bind what the socket places to it, or do not."""
        if self._on_disconnect is None:
            self._on_disconnect = OnDisconnect(self._service.engine, self._sessions.next_number())
        self._on_disconnect.enabled = message.enabled
        self.succeed(replies.CancelOnDisconnect(message.enabled), message.id)

    def _user(self, named: str | None, *, cancels: bool = False) -> str:
        return self._service.user(self._principal, named, TRADE, cancels=cancels)

    def _cancel(self, message: messages.Cancel) -> None:
        if self.look_ups >= LOOK_UPS_MAX:
            raise ApiError("OVERLOADED", "Too many of your look-ups of closed orders wait; nothing was done.")
        user_id = self._user(message.user_id, cancels=True)
        rules = self._service.rules(message.market)
        command = codec.cancel_order(message, user_id, rules)
        self._service.trading.cancel(_Ordering(self, message.id), command, rules)
        self.count(1)

    def _amend(self, message: messages.Amend) -> None:
        if self.look_ups >= LOOK_UPS_MAX:
            raise ApiError("OVERLOADED", "Too many of your look-ups of closed orders wait; nothing was done.")
        user_id = self._user(message.user_id)
        rules = self._service.rules(message.market)
        command = codec.amend_order(message, user_id, rules)
        self._service.trading.amend(_Ordering(self, message.id), command, rules)
        self.count(1)

    def _replace(self, message: messages.Replace) -> None:
        if self.look_ups >= LOOK_UPS_MAX:
            raise ApiError("OVERLOADED", "Too many of your look-ups of closed orders wait; nothing was done.")
        user_id = self._user(message.user_id)
        rules = self._service.rules(message.place.market)
        command = codec.replace_order(message, user_id, rules)
        if self._on_disconnect is not None:
            command = self._on_disconnect.bind_replacement(command)
        self._service.trading.replace(_Ordering(self, message.id), command, rules)
        self.count(1)

    def _place_list(self, message: messages.PlaceList) -> None:
        user_id = self._user(message.user_id)
        rules = self._service.rules(list_codec.market_of(message))
        command = list_codec.place_list(message, user_id, rules)
        if self._on_disconnect is not None:
            command = self._on_disconnect.bind_list(command)
        placed = self._service.lists.place(command)
        self._answer_several(self._list(placed, rules), message.id, None)

    def _cancel_list(self, message: messages.CancelList) -> None:
        user_id = self._user(message.user_id, cancels=True)
        rules = self._service.rules(message.market)
        canceled = self._service.lists.cancel(list_codec.cancel_list(message, user_id, rules))
        self._answer_several(self._list(canceled, rules), message.id, None)

    async def _list(self, found: Awaitable[ListRead], rules: Instrument) -> Any:
        return list_codec.list_read(await found, rules)

    def replaced(self, made: Replaced) -> Any:
        """What both parts of a replacement came to."""
        return self._sessions.refusals.replaced(made, "a socket's replacement", self._opened_as)

    async def _canceled(self, submitted: Submitted[CanceledAll]) -> Any:
        orders = (await submitted).orders
        return replies.Canceled(await listed(orders, lambda some: encode.orders(some, self._service.rules)))

    async def _batch(self, submitted: Submitted[list[BatchResult]]) -> Any:
        return self._sessions.refusals.batch_results(await submitted, "a socket's batch", self._opened_as)

    def _subscribe(self, message: messages.Subscribe) -> None:
        service, subscriber = self._service, self._subscriber
        wanted = [channel_of(name) for name in names(message.channel, message.channels)]
        most = service.limits.channels_max(CHANNELS_MAX)
        if len(subscriber.channels) + len(wanted) > most:
            raise ApiError("INVALID_FIELD", f"A socket may have {most} channels.")
        for channel in wanted:
            service.admit_channel(self._principal, channel)
        self._hold_until(self._do(self._listen(service.reading.subscribe, wanted, message.id, begins=True)))

    def _unsubscribe(self, message: messages.Unsubscribe) -> None:
        wanted = names(message.channel, message.channels)
        if len(wanted) > CHANNELS_MAX:
            raise ApiError("INVALID_FIELD", f"A socket may have {CHANNELS_MAX} channels.")
        channels = [channel_of(name) for name in wanted]
        self._hold_until(self._do(self._listen(self._service.reading.unsubscribe, channels, message.id)))

    async def _listen(
        self, change: Change, channels: Sequence[Channel], request_id: Id, *, begins: bool = False
    ) -> None:
        """Begin or end subscriptions, some at a time: other work waits in the same line.

        What a subscription begins with counts as reads do.
        """
        changes: list[asyncio.Future[None]] = []
        try:
            for begin in range(0, len(channels), CHANNELS_AT_A_TIME):
                if begins:
                    price_s = sum(map(self._service.first_price_s, channels[begin : begin + CHANNELS_AT_A_TIME]))
                    await self._service.lane.turn(MEMORY, price_s)
                if self._subscriber.closed:
                    return
                for channel in channels[begin : begin + CHANNELS_AT_A_TIME]:
                    changes.append(await change(self._subscriber, channel, request_id))
                await asyncio.gather(*changes)
                changes.clear()
        except Exception as error:
            self.fail(error, request_id)
            await asyncio.gather(*changes, return_exceptions=True)  # those that are in line already

    # --- answering

    def _answer_several(self, answer: Awaitable[Any], request_id: Id, in_line: "asyncio.Future[Any] | None") -> None:
        """Answer when there is an answer; take no other message before all commands are in line."""
        self._do(self._result(answer, request_id))
        if in_line is not None:
            self._hold_until(in_line)

    async def _result(self, answer: Awaitable[Any], request_id: Id) -> None:
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
        self._held, self._in_line = True, done
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

    def succeed(self, data: Any, request_id: Id) -> None:
        """Answer with what was asked for."""
        self._answer(_ResultMessage(data, UNSET if request_id is None else request_id))

    def fail(self, error: BaseException, request_id: Id) -> None:
        """Answer with the reason why there is nothing."""
        refused = self._sessions.refusals.error_of(error, "a socket's request", self._opened_as)
        self.overloaded |= refused.code == "OVERLOADED"
        self._answer(
            events.ErrorMessage(
                refused.code, refused.message, refused.order, refused.retry_after_s, sent_id(request_id)
            )
        )

    def _answer(self, answer: Any) -> None:
        self._sessions.send(self._subscriber, answer_frame(answer))
