"""A stream's socket: what its path asks for, what its client says, and what it listens to."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, unquote_plus

import orjson

from exchange.api.binance import streams_messages as messages
from exchange.api.binance.errors import not_valid
from exchange.api.binance.streams_base import MICROSECOND_NS, MILLISECOND_NS, Shape, wrapped
from exchange.api.binance.streams_hub import Streams
from exchange.api.binance.streams_messages import Asked, Method, Mistake
from exchange.api.binance.streams_names import parse_name
from exchange.api.http.frames import text_frame
from exchange.api.http.request import Request
from exchange.api.http.sockets import Peer
from exchange.config import BinanceConfig
from exchange.core.public import Channel
from exchange.pipeline.subscriber import Message, Subscriber

CLOSING_S: Final = 2.0  # what a peer has to take its last messages when the exchange ends
GOING_AWAY: Final = 1001
POLICY: Final = 1008
INTERNAL_ERROR: Final = 1011
PONG_S: Final = 60.0  # what a client has to answer a ping
SHUTDOWN: Final = "!serverShutdown"
SECOND_S: Final = 1.0


class NoChannels:
    """These sockets have no channels: their frames come from streams."""

    def encode(self, message: Message) -> bytes:
        """There is no such frame."""
        raise AssertionError(message)

    def levels(self, market: str, levels: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(market)

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(channel)

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(channel)


class StreamSessions:
    """The sockets of streams, oldest first."""

    def __init__(self, streams: Streams, config: BinanceConfig) -> None:
        self.streams = streams
        self.config = config
        self.dialect = NoChannels()
        self.open_sessions: dict[StreamSession, float] = {}  # and when each was opened
        streams.sweep = self._sweep

    def open(self, peer: Peer, opened: Request) -> "StreamSession":
        """The session of a socket. Raises BinanceError."""
        combined = opened.path.startswith("/stream")
        query = _query(opened.query)
        unit_ns = _unit_ns(query.get("timeUnit"))
        names = query.get("streams", "") if combined else unquote(opened.path).removeprefix("/ws").removeprefix("/")
        session = StreamSession(self, peer, Shape(unit_ns, combined))
        self.open_sessions[session] = self._now_s()
        peer.be_patient(PONG_S)
        session.listen_to(names.split("/"))
        return session

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _sweep(self) -> None:
        """End the sockets that have been open for as long as a socket may be."""
        too_old_s = self._now_s() - self.config.socket_max_s
        for session, opened_s in list(self.open_sessions.items()):
            if opened_s > too_old_s:
                break
            del self.open_sessions[session]
            session.expire()


def _query(text: str) -> dict[str, str]:
    """The parameters of a query, the first of each name."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(unquote_plus(name), unquote(value))
    return found


def _unit_ns(text: str | None) -> int:
    """The unit that a connection wants times in. Raises BinanceError."""
    if text is None or text.lower() == "millisecond":
        return MILLISECOND_NS
    if text.lower() == "microsecond":
        return MICROSECOND_NS
    raise not_valid("timeUnit")


class StreamSession:
    """One socket's conversation."""

    full = False
    overloaded = False

    def __init__(self, sessions: StreamSessions, peer: Peer, shape: Shape) -> None:
        self.shape = shape
        self.subscriber = Subscriber(peer, sessions.dialect)
        self._sessions = sessions
        self._streams = sessions.streams
        self._peer = peer
        self._names: dict[str, None] = {}
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
        self._sessions.open_sessions.pop(self, None)
        for name in self._names:
            self._streams.leave(self, name)
        self._names.clear()
        self._streams.source.feeds.forget(self.subscriber)

    def fail(self) -> None:
        """A stream that it listens to has a bug."""
        self._peer.close(INTERNAL_ERROR, "internal error")

    def expire(self) -> None:
        """The socket has been open for as long as one may be."""
        self._peer.close(GOING_AWAY, "the connection has been open for as long as it may be")

    async def close(self) -> None:
        """The exchange ends."""
        event = {"e": "serverShutdown", "E": self._streams.source.engine.time_ns() // self.shape.unit_ns}
        payload = orjson.dumps(event)
        self._say(wrapped(SHUTDOWN, payload) if self.shape.combined else payload)
        self._streams.source.feeds.flush()
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)

    # --- what can be said

    def listen_to(self, names: Iterable[str]) -> None:
        """Listen to what the path names; what is no stream of that name is left out."""
        for name in names:
            if len(self._names) < self._sessions.config.streams_per_socket and self._streams.join(self, name):
                self._names[name] = None

    def _do(self, asked: Asked) -> object:
        """Do what is asked; the result. Raises Mistake, with nothing done."""
        if asked.method is Method.SUBSCRIBE:
            self._subscribe(asked)
        elif asked.method is Method.UNSUBSCRIBE:
            for name in asked.params:
                self._names.pop(name, None)
                self._streams.leave(self, name)
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
        for name in wanted:
            if self._streams.join(self, name):
                self._names[name] = None

    def _may_be(self, name: str) -> bool:
        return parse_name(name) is not None

    def _say(self, payload: bytes) -> None:
        self._streams.send(self, text_frame(payload))
