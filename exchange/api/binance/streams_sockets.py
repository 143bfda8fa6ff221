"""What all sockets of this dialect share: their age, their writes, and what their addresses say.

They have no channels of the feeds. A Subscriber writes their frames, so what waits for a slow client is bounded as it
is for others.
"""

import asyncio
from typing import Final, Protocol
from urllib.parse import unquote, unquote_plus

from exchange.api.binance.asked import MICROSECOND_NS, MILLISECOND_NS
from exchange.api.binance.errors import not_valid
from exchange.core.public import Channel
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.subscriber import Message, Subscriber

CLOSING_S: Final = 2.0  # what a peer has to take its last messages when the exchange ends
PONG_S: Final = 60.0  # what a client has to answer a ping
GOING_AWAY: Final = 1001
POLICY: Final = 1008
INTERNAL_ERROR: Final = 1011


class Session(Protocol):
    """A socket of this dialect."""

    def expire(self) -> None:
        """End it: it has been open for as long as a socket may be."""

    def sweep(self) -> None:
        """A second has passed, or a key was revoked."""


class NoChannels:
    """The dialect of a Subscriber that has no channels."""

    def encode(self, message: Message) -> bytes:
        """There is no such frame."""
        raise AssertionError(message)

    def levels(self, market: str, levels: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(market)

    def orders(self, orders: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(orders)

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(channel)

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        """There is no such frame."""
        raise AssertionError(channel)


class Sockets:
    """The open sockets, oldest first."""

    def __init__(self, feeds: Feeds, max_s: float) -> None:
        self.dialect = NoChannels()
        self._feeds = feeds
        self._max_s = max_s
        self._opened: dict[Session, float] = {}
        self._flushing = False

    def opened(self, session: Session) -> None:
        """A socket was opened."""
        self._opened[session] = asyncio.get_running_loop().time()

    def ended(self, session: Session) -> None:
        """A socket is gone."""
        self._opened.pop(session, None)

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send a frame, in one write with the others of this turn of the loop."""
        self._feeds.send(subscriber, frame)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def flush(self) -> None:
        """Write now what was sent."""
        self._feeds.flush()

    def _flush(self) -> None:
        self._flushing = False
        self._feeds.flush()

    def sweep(self) -> None:
        """End those that have been open for as long as a socket may be."""
        too_old_s = asyncio.get_running_loop().time() - self._max_s
        for session, opened_s in list(self._opened.items()):
            if opened_s <= too_old_s:
                del self._opened[session]
                session.expire()
            else:
                session.sweep()


def query_of(text: str) -> dict[str, str]:
    """The parameters of a query, the first of each name."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(unquote_plus(name), unquote(value))
    return found


def unit_of_query(query: dict[str, str]) -> int:
    """The unit that a connection wants times in, in nanoseconds. Raises BinanceError."""
    text = query.get("timeUnit", "MILLISECOND").upper()
    if text == "MILLISECOND":
        return MILLISECOND_NS
    if text == "MICROSECOND":
        return MICROSECOND_NS
    raise not_valid("timeUnit")
