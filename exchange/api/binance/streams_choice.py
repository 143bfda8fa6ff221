"""Which dialect a socket speaks: its path says so, and on the path that both share the first message does.

A first message with `message_type` is the native dialect's, one with `method` and without it is of this one.
"""

import asyncio
from typing import Final

import orjson

from exchange.api.binance.socket_api_session import SocketApi
from exchange.api.binance.streams_session import StreamSessions
from exchange.api.binance.streams_sockets import CLOSING_S, GOING_AWAY
from exchange.api.http.request import Request
from exchange.api.http.sockets import OpenSession, Peer, SocketSession

SHARED: Final = "/ws"
COMBINED: Final = "/stream"
BELOW: Final = "/ws/"
API_PATHS: Final = ("/ws-api/v3", "/ws-api/v3/")


class SocketPaths:
    """The paths that can be upgraded: those given, and those of streams."""

    def __init__(self, *others: str) -> None:
        self._paths = frozenset((SHARED, COMBINED, *API_PATHS, *others))

    def __contains__(self, path: object) -> bool:
        return path in self._paths or (isinstance(path, str) and path.startswith(BELOW))


class SocketChoice:
    """Opens sessions in the dialect of the path."""

    def __init__(self, native: OpenSession, streams: StreamSessions, api: SocketApi) -> None:
        self.native = native
        self.streams = streams
        self._api = api

    def open(self, peer: Peer, opened: Request) -> SocketSession:
        """The session of a socket. Raises BinanceError."""
        path = opened.path
        if path == SHARED:
            return Undecided(self, peer, opened)
        if path == COMBINED or path.startswith(BELOW):
            return self.streams.open(peer, opened)
        if path in API_PATHS:
            return self._api.open(peer, opened)
        return self.native(peer, opened)


class Undecided:
    """A socket that has not said anything: its first message makes another session of it."""

    full = False
    overloaded = False
    waiting_bytes = 0

    def __init__(self, choice: SocketChoice, peer: Peer, opened: Request) -> None:
        self._choice = choice
        self._peer = peer
        self._opened = opened

    def handle(self, text: str | bytes) -> None:
        """Begin the session that the message belongs to, and let it take the message."""
        choice = self._choice
        opened = choice.streams.open if _is_method(text) else choice.native
        session = opened(self._peer, self._opened)
        self._peer.become(session)
        session.handle(text)

    async def room(self) -> None:
        """There always is."""
        await asyncio.sleep(0)

    def end(self) -> None:
        """The connection is gone."""

    async def close(self) -> None:
        """The exchange stops."""
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)


def _is_method(text: str | bytes) -> bool:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and "method" in said and "message_type" not in said
