"""One WebSocket that reconnects: channels, and orders with many in flight.

Every event of a subscribed channel arrives once and in order, or a `Gap` names those that are missing. A lost
connection is made again, and its channels are subscribed again, for as long as the socket is open. Every request ends
with its answer, `ApiError` or `Unreachable`. Requests are sent in the order of the calls, and the exchange applies them
in that order in each market. Only `place` retries.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
import orjson

from exchange.client.book import Book
from exchange.client.channel import UNREAD_MAX, Channel, Event, Feed, Gap, Listener
from exchange.client.errors import (
    RETRY_S,
    ApiError,
    Unreachable,
    amend_terms,
    cancel_terms,
    order_name,
    placed,
    user_of,
    with_client_order_id,
)
from exchange.client.lists import list_name, list_terms
from exchange.client.numbers import Number, with_texts
from exchange.client.signing import ApiKey
from exchange.client.types import Json, Order, OrderList, Refusal, Replaced
from exchange.client.url import address_of

CONNECT_TIMEOUT_S = 10.0
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0
PING_S = 20.0  # a connection that answers none within half of it again is lost
MESSAGE_MAX = 64 << 20

BUSY = frozenset({"OVERLOADED", "RATE_LIMITED"})  # refusals that pass
# So do these for who has signed in before: the machine was too slow, or the exchange has just started.
LATE = frozenset({"TIMESTAMP_OUT_OF_WINDOW", "REPLAYED", "NOT_READY"})
_LOST = (aiohttp.ClientError, OSError, TimeoutError)


class Socket:
    """A socket of one exchange; use it as `async with Socket(url, user_id) as socket`.

    `url` is the exchange's address (`http://host:port`, whose `/ws` is taken) or that of its socket (`ws://…`), else
    ValueError. `user_id` is the user of calls that name none. `timeout_s` bounds the wait for one answer; after it the
    call raises `Unreachable`. `on_gap` is called with every `Gap`, of feeds and books. With a `key` each connection
    signs in, and acts as the user whose key it is.

    Entering it raises Unreachable if the exchange cannot be reached, and ApiError if it refuses the key; after that it
    reconnects by itself. While there is
    no connection, calls raise Unreachable at once, except `place`, which waits. Leaving it ends its feeds and books.
    """

    def __init__(
        self,
        url: str,
        user_id: str | None = None,
        *,
        timeout_s: float = 30.0,
        on_gap: Callable[[Gap], None] | None = None,
        key: ApiKey | None = None,
    ) -> None:
        address = address_of(url, ("http", "https", "ws", "wss"), "ws://127.0.0.1:8081")
        self.url = address + ("/ws" if address.lower().startswith("http") else "")
        self.user_id = user_id
        self.connections = 0
        self._timeout_s = timeout_s
        self._key = key
        self._cancels_on_disconnect = False
        self._on_gap = on_gap
        self._channels: dict[str, Channel] = {}
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._last_id = 0
        self._session: aiohttp.ClientSession | None = None
        self._connection: aiohttp.ClientWebSocketResponse | None = None
        self._running: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        try:
            connection = await self._connect()
        except BaseException:
            await self._session.close()
            raise
        self._running = asyncio.create_task(self._run(connection), name=f"socket of {self.url}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._running is not None
        assert self._session is not None
        for task in (self._running, *self._renewals):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        await asyncio.gather(*self._renewals, return_exceptions=True)
        await self._session.close()

    @property
    def connected(self) -> bool:
        """Whether there is a connection now. `connections` counts the connections so far."""
        return self._connection is not None

    # --- channels

    async def subscribe(self, *channels: str, unread_max: int = UNREAD_MAX) -> Feed:
        """One feed of these channels (`trade@M`, `orders@USER`, …), whose events come in the order of their arrival.

        Raises ApiError when the exchange refuses one, ValueError for a channel that this socket listens to already;
        then it listens to none of them.
        """
        feed = Feed(unread_max)
        begun: list[str] = []
        try:
            for channel in channels:
                await self._listen(channel, feed)
                begun.append(channel)
        except BaseException as error:
            dropped = [channel for channel in begun if self._channels.pop(channel, None) is not None]
            if isinstance(error, ApiError | ValueError):  # otherwise there is no connection to unsubscribe on
                with contextlib.suppress(ApiError, Unreachable):
                    for channel in dropped:
                        await self.request("UNSUBSCRIBE", channel=channel)
            raise
        return feed

    async def book(self, market: str) -> Book:
        """The market's verified book, kept current from now on. Raises as `subscribe` does."""
        channel = f"depth@{market}"
        book = Book(market, lambda: self._renew(channel))
        await self._listen(channel, book)
        await book.until()
        return book

    async def unsubscribe(self, *channels: str) -> None:
        """Stop listening; a feed or book without channels stays as it is.

        Raises ValueError for a channel that this socket does not listen to.
        """
        for channel in channels:
            if channel not in self._channels:
                raise ValueError(f"this socket has no subscription to {channel}")
            del self._channels[channel]
            await self.request("UNSUBSCRIBE", channel=channel)

    # --- trading

    async def place(self, order: Mapping[str, Any], user_id: str | None = None, retry_s: float = RETRY_S) -> Order:
        """Place one order, exactly once: as `Client.place`."""
        named = with_client_order_id(order) | {"user_id": self._who(user_id)}

        async def send() -> Order:
            return cast(Order, await self.request("ORDER", **named))

        return await placed(send, named["client_order_id"], retry_s)

    async def cancel(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        only_if: str | None = None,
        cancel_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Cancel an order named by either id, or by both; the reply is the order, canceled.

        With `only_if` (`open` or `partially_filled`) it is ApiError `CANCEL_CONDITION` if the order is otherwise. The
        event of the order carries `cancel_id`.

        ApiError `UNKNOWN_ORDER`, or `ORDER_CLOSED` with the order in `body`.
        """
        wanted = cancel_terms(order_id, client_order_id, only_if, cancel_id)
        return cast(Order, await self.request("CANCEL", user_id=self._who(user_id), market=market, **wanted))

    async def amend(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        quantity: Number | None = None,
        reduce_by: Number | None = None,
        key: str | None = None,
        price: Number | None = None,
        new_client_order_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Change an open order: as `Client.amend`."""
        wanted = order_name(order_id, client_order_id) | amend_terms(
            quantity, reduce_by, key, price, new_client_order_id
        )
        return cast(Order, await self.request("AMEND", user_id=self._who(user_id), market=market, **wanted))

    async def replace(
        self,
        cancel: Mapping[str, Any],
        place: Mapping[str, Any],
        mode: str = "atomic",
        user_id: str | None = None,
    ) -> Replaced:
        """Cancel an order and place another: as `Client.replace`."""
        asked = {"cancel": dict(cancel), "place": with_texts(place), "mode": mode}
        return cast(Replaced, await self.request("REPLACE", user_id=self._who(user_id), **asked))

    async def orders(self, items: Sequence[Mapping[str, Any]], user_id: str | None = None) -> list[Order | Refusal]:
        """A batch of 1 to 100 items, applied in the order given, each on its own; as many results, in that order.

        An item is an order as in `place`, or `{"cancel": {"market", "order_id" or "client_order_id"}}`.
        A refused item is a result with a `code`: it raises nothing.
        """
        reply = await self.request("ORDERS", user_id=self._who(user_id), orders=[with_texts(item) for item in items])
        return cast(list[Order | Refusal], reply["results"])

    async def place_list(
        self,
        list_type: str,
        orders: Sequence[Mapping[str, Any]],
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Place orders that depend on each other: as `Client.place_list`."""
        wanted = list_terms(list_type, orders, client_list_id)
        return cast(OrderList, await self.request("ORDER_LIST", user_id=self._who(user_id), **wanted))

    async def cancel_list(
        self,
        market: str,
        *,
        list_id: str | None = None,
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Cancel what is open of a list: as `Client.cancel_list`."""
        wanted = list_name(market, list_id, client_list_id)
        return cast(OrderList, await self.request("CANCEL_LIST", user_id=self._who(user_id), **wanted))

    async def cancel_all(self, market: str | None = None, user_id: str | None = None) -> list[Order]:
        """Cancel all of the user's open orders, in one market or in all; the canceled ones."""
        where = {} if market is None else {"market": market}
        reply = await self.request("CANCEL_ALL", user_id=self._who(user_id), **where)
        return cast(list[Order], reply["canceled"])

    async def cancel_all_after(
        self, timeout_ms: int, market: str | None = None, user_id: str | None = None
    ) -> int | None:
        """Have all of the user's open orders canceled after a time: as `Client.cancel_all_after`."""
        where = {} if market is None else {"market": market}
        asked = {"user_id": self._who(user_id), "timeout_ms": timeout_ms} | where
        return cast(int | None, (await self.request("CANCEL_ALL_AFTER", **asked))["cancel_at"])

    async def cancel_on_disconnect(self, enabled: bool = True) -> None:
        """Have the orders that are placed on this connection from now on canceled when it ends; or no further ones.

        Every later connection of this socket begins with the same.
        """
        await self.request("CANCEL_ON_DISCONNECT", enabled=enabled)
        self._cancels_on_disconnect = enabled

    async def request(self, message_type: str, **fields: Any) -> Json:
        """Any message of the contract, and the `data` of its RESULT, or the whole answer where it has no such field."""
        assert self._running is not None, "use it as `async with Socket(url) as socket`"
        texts = with_texts(fields)
        if self._connection is None:
            raise Unreachable(f"{message_type}: there is no connection to {self.url} now")
        self._last_id += 1
        request_id = self._last_id
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        message = {"message_type": message_type, "id": request_id, **texts}
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._connection.send_str(orjson.dumps(message).decode())
                return await answer
        except _LOST as error:
            raise Unreachable(f"{message_type}: {error or type(error).__name__}") from error
        finally:
            del self._waiting[request_id]
            answer.cancel()

    # --- the connection

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        assert self._session is not None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connection = await self._session.ws_connect(self.url, heartbeat=PING_S, max_msg_size=MESSAGE_MAX)
                try:
                    await self._begin(connection)
                except BaseException:
                    await connection.close()
                    raise
        except (*_LOST, TypeError) as error:  # TypeError: the connection ends instead of an answer
            raise Unreachable(f"{self.url}: {error or type(error).__name__}") from error
        self._connection = connection
        self.connections += 1
        return connection

    async def _begin(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Sign in, and ask for what every connection of this socket has."""
        if self._key is not None:
            await self._sign_in(connection, self._key)
        if self._cancels_on_disconnect:
            asked = {"message_type": "CANCEL_ON_DISCONNECT", "enabled": True}
            await connection.send_str(orjson.dumps(asked).decode())

    @staticmethod
    async def _sign_in(connection: aiohttp.ClientWebSocketResponse, key: ApiKey) -> None:
        await connection.send_str(orjson.dumps(key.auth()).decode())
        answer: Json = orjson.loads(await connection.receive_str())
        if answer.get("message_type") != "AUTHENTICATED":
            code, text = str(answer.get("code")), str(answer.get("message", ""))
            if code in BUSY:
                raise Unreachable(f"{code}: {text}")
            raise ApiError(0, code, text, None, answer)

    def _who(self, user_id: str | None) -> str | None:
        """The user of a request; a socket that has signed in need not name any."""
        if self._key is not None and user_id is None and self.user_id is None:
            return None
        return user_of(user_id, self.user_id)

    async def _run(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        failure: Exception | None = None
        wait_s = FIRST_WAIT_S
        try:
            while True:
                if await self._read(connection):
                    wait_s = FIRST_WAIT_S
                self._lost()
                while self._connection is None:
                    # At random, so that many clients of one exchange do not all return at once.
                    await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                    try:
                        connection = await self._connect()
                    except Unreachable:
                        pass
                    except ApiError as error:
                        if error.code not in LATE:
                            raise
                for channel in self._channels:
                    self._renew(channel)
        except ApiError as error:  # the exchange no longer takes the key: there is nothing to try again
            failure = error
        except Exception as error:
            failure = error
            raise
        finally:
            self._lost()
            with contextlib.suppress(*_LOST):
                await connection.close()
            for subscribed in self._channels.values():
                subscribed.listener.end(failure)

    async def _read(self, connection: aiohttp.ClientWebSocketResponse) -> bool:
        """Read messages until the connection is lost. Returns whether there were any."""
        any_came = False
        with contextlib.suppress(*_LOST):
            async for message in connection:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._take(orjson.loads(message.data))
                any_came = True
            await connection.close()
        return any_came

    def _lost(self) -> None:
        """Fail every waiting request: its answer cannot arrive any more."""
        self._connection = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unreachable(f"the connection to {self.url} was lost before the answer"))
        for channel in self._channels.values():
            channel.listener.lost()

    # --- messages

    def _take(self, message: Json) -> None:
        match message.get("message_type"):
            case None:
                self._event(message)
            case "ERROR":
                code, text = str(message.get("code")), str(message.get("message", ""))
                self._answer(message, ApiError(0, code, text, None, message))
            case kind:
                if kind == "SUBSCRIBED" and (channel := self._channels.get(message["channel"])) is not None:
                    channel.greet(message["channel_sequence"])
                self._answer(message, None)

    def _answer(self, message: Json, error: ApiError | None) -> None:
        answer = self._waiting.get(message.get("id", 0))
        if answer is None or answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(message.get("data", message))

    def _event(self, message: Json) -> None:
        channel = self._channels.get(message["channel"])
        if channel is not None:
            count: int = message["channel_sequence"]
            first: int = message.get("first_channel_sequence", count)
            channel.event(Event(channel.name, message["sequence"], count, first, message["data"]))

    async def _listen(self, channel: str, listener: Listener) -> None:
        if channel in self._channels:
            raise ValueError(f"this socket already has a subscription to {channel}")
        self._channels[channel] = Channel(channel, listener, self._on_gap)
        try:
            await self.request("SUBSCRIBE", channel=channel)
        except BaseException:
            self._channels.pop(channel, None)
            raise

    def _renew(self, channel: str) -> None:
        """Subscribe again: the connection is new, or an event was missing."""
        task = asyncio.create_task(self._renewed(channel), name=f"subscribe to {channel} again")
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _renewed(self, channel: str) -> None:
        connection = self._connection
        try:
            await self.request("SUBSCRIBE", channel=channel)
        except ApiError as error:
            if error.unsettled or error.code in BUSY:
                await self._drop(connection)
            elif channel in self._channels:
                self._channels.pop(channel).listener.end(error)
        except Unreachable:
            await self._drop(connection)

    async def _drop(self, connection: aiohttp.ClientWebSocketResponse | None) -> None:
        """Close this connection if it is still in use; the next one subscribes again."""
        if connection is not None and connection is self._connection:
            with contextlib.suppress(*_LOST):
                await connection.close()
