"""A stream's socket: what its path asks for, what its client says, and what it listens to."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import orjson

from exchange.api.binance import streams_messages as messages
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.streams_base import Shape, wrapped
from exchange.api.binance.streams_hub import Streams
from exchange.api.binance.streams_messages import Asked, Method, Mistake
from exchange.api.binance.streams_names import parse_name
from exchange.api.binance.streams_sockets import (
    CLOSING_S,
    GOING_AWAY,
    INTERNAL_ERROR,
    POLICY,
    PONG_S,
    Sockets,
    query_of,
    unit_of_query,
)
from exchange.api.binance.user_stream_hub import UserStreams
from exchange.api.binance.user_stream_keys import ListenKeys
from exchange.api.http.frames import text_frame
from exchange.api.http.request import Request
from exchange.api.http.sockets import Peer
from exchange.config import BinanceConfig
from exchange.pipeline.subscriber import Subscriber
from exchange.service.codes import Refused
from exchange.service.limits import RateLimits

SHUTDOWN: Final = "!serverShutdown"
SECOND_S: Final = 1.0
TOO_MANY: Final = -1003


class StreamSessions:
    """Opens the sockets of streams."""

    def __init__(
        self,
        streams: Streams,
        users: UserStreams,
        keys: ListenKeys,
        sockets: Sockets,
        limits: RateLimits,
        config: BinanceConfig,
    ) -> None:
        self.streams = streams
        self.limits = limits
        self.users = users
        self.keys = keys
        self.sockets = sockets
        self.config = config
        self.by_key: dict[str, dict[StreamSession, None]] = {}  # those that listen by a listen key
        keys.ended = self._key_ended

    def open(self, peer: Peer, opened: Request) -> "StreamSession":
        """The session of a socket. Raises BinanceError, also if the user of a listen key has as many as may be."""
        combined = opened.path.startswith("/stream")
        query = query_of(opened.query)
        unit_ns = unit_of_query(query)
        names = query.get("streams", "") if combined else unquote(opened.path).removeprefix("/ws").removeprefix("/")
        session = StreamSession(self, peer, Shape(unit_ns, combined))
        self.sockets.opened(session)
        peer.be_patient(PONG_S)
        try:
            session.listen_to(names.split("/"))
        except Refused as refused:
            session.end()
            raise BinanceError(TOO_MANY, str(refused), 429, retry_after_s=refused.retry_after_s) from None
        return session

    def _key_ended(self, name: str) -> None:
        for session in list(self.by_key.get(name, ())):
            session.key_ended(name)


class StreamSession:
    """One socket's conversation."""

    full = False
    overloaded = False

    def __init__(self, sessions: StreamSessions, peer: Peer, shape: Shape) -> None:
        self.shape = shape
        self.subscriber = Subscriber(peer, sessions.sockets.dialect)
        self._sessions = sessions
        self._streams = sessions.streams
        self._limits = sessions.limits
        self._peer = peer
        self._names: dict[str, None] = {}
        self._users: dict[str, KeyRecipient] = {}
        self._heard_s: deque[float] = deque(maxlen=sessions.config.stream_messages_per_s)

    @property
    def waiting_bytes(self) -> int:
        """How much waits for a client that reads too slowly."""
        return self.subscriber.waiting_bytes

    async def room(self) -> None:
        """There always is."""
        await asyncio.sleep(0)

    def handle(self, text: str | bytes) -> None:
        """Take one message."""
        if self.subscriber.closed or self._too_many():
            return
        try:
            asked = messages.read(text)
            answer = messages.answer(self._do(asked), asked.id)
        except Mistake as mistake:
            answer = messages.refusal(mistake)
        self._say(answer)

    def _too_many(self) -> bool:
        """Whether messages come faster than they may; then the socket is closed."""
        heard_s, now_s = self._heard_s, asyncio.get_running_loop().time()
        if len(heard_s) == heard_s.maxlen and now_s - heard_s[0] < SECOND_S:
            self.subscriber.closed = True
            self._peer.close(POLICY, "Too many requests")
            return True
        heard_s.append(now_s)
        return False

    def end(self) -> None:
        """The connection is gone."""
        self._sessions.sockets.ended(self)
        for name in list(self._names):
            self._leave(name)
        self._streams.source.feeds.forget(self.subscriber)

    def fail(self) -> None:
        """A stream that it listens to has a bug."""
        self._peer.close(INTERNAL_ERROR, "internal error")

    def expire(self) -> None:
        """The socket has been open for as long as one may be."""
        self._peer.close(GOING_AWAY, "the connection has been open for as long as it may be")

    def sweep(self) -> None:
        """Nothing: listen keys say when they end."""

    async def close(self) -> None:
        """The exchange ends."""
        event = {"e": "serverShutdown", "E": self._streams.source.engine.time_ns() // self.shape.unit_ns}
        self.tell(SHUTDOWN, orjson.dumps(event))
        self._sessions.sockets.flush()
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)

    # --- what can be said

    def listen_to(self, names: Iterable[str]) -> None:
        """Listen to what the path names; what is no stream of that name is left out."""
        for name in names:
            if len(self._names) < self._sessions.config.streams_per_socket:
                self._join(name)

    def _do(self, asked: Asked) -> object:
        """Do what is asked; the result. Raises Mistake, with nothing done."""
        if asked.method is Method.SUBSCRIBE:
            self._subscribe(asked)
        elif asked.method is Method.UNSUBSCRIBE:
            for name in asked.params:
                self._leave(name)
        elif asked.method is Method.LIST:
            return list(self._names)
        elif asked.method is Method.GET:
            return self.shape.combined
        else:
            self.shape = Shape(self.shape.unit_ns, asked.params[1])
        return None

    def _subscribe(self, asked: Asked) -> None:
        wanted = dict.fromkeys(name for name in asked.params if name not in self._names)
        if not all(self._may_be(name) for name in wanted):
            raise messages.invalid_stream(asked.id)
        most = self._sessions.config.streams_per_socket
        if len(self._names) + len(wanted) > most:
            raise messages.too_many(most, asked.id)
        joined = []
        try:
            for name in wanted:
                self._join(name)
                joined.append(name)
        except Refused as refused:
            for name in joined:
                self._leave(name)
            raise Mistake(TOO_MANY, str(refused), asked.id) from None

    def _may_be(self, name: str) -> bool:
        return parse_name(name) is not None or self._sessions.keys.find(name) is not None

    def _join(self, name: str) -> None:
        """Listen to a stream, or to a user by a listen key; nothing if the name is neither. Raises Refused."""
        if name in self._names:
            return
        if self._streams.join(self, name):
            self._names[name] = None
            return
        sessions, key = self._sessions, self._sessions.keys.find(name)
        if key is not None:
            self._limits.enter_socket(key.user_id)
            self._names[name] = None
            recipient = self._users[name] = KeyRecipient(self, name, key.user_id)
            sessions.by_key.setdefault(name, {})[self] = None
            sessions.users.join(key.user_id, recipient)

    def _leave(self, name: str) -> None:
        if name not in self._names:
            return
        del self._names[name]
        recipient = self._users.pop(name, None)
        if recipient is None:
            self._streams.leave(self, name)
            return
        sessions = self._sessions
        sessions.users.leave(recipient.user_id, recipient)
        self._limits.leave_socket(recipient.user_id)
        listening = sessions.by_key[name]
        del listening[self]
        if not listening:
            del sessions.by_key[name]

    def key_ended(self, name: str) -> None:
        """A listen key that it listens by has ended."""
        self._leave(name)
        time = self._streams.source.engine.time_ns() // self.shape.unit_ns
        self.tell(name, orjson.dumps({"e": "listenKeyExpired", "E": time, "listenKey": name}))

    # --- sending

    def tell(self, stream: str, payload: bytes) -> None:
        """Send an event that only this socket gets."""
        self._say(wrapped(stream, payload) if self.shape.combined else payload)

    def _say(self, payload: bytes) -> None:
        self._sessions.sockets.send(self.subscriber, text_frame(payload))


class KeyRecipient:
    """A stream's socket that listens to a user by a listen key."""

    __slots__ = ("_name", "_session", "user_id")

    def __init__(self, session: StreamSession, name: str, user_id: str) -> None:
        self._session = session
        self._name = name
        self.user_id = user_id

    @property
    def unit_ns(self) -> int:
        """The unit of its times."""
        return self._session.shape.unit_ns

    def deliver(self, payload: bytes) -> None:
        """Send an event."""
        self._session.tell(self._name, payload)

    def fail(self) -> None:
        """An event could not be made."""
        self._session.fail()
