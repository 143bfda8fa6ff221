"""A venue, its feeds and people who listen, without a loop: what is said stands in a line until it is released."""

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import orjson

from exchange.api.native.channels import channel_of
from exchange.api.native.feed_frames import NativeFrames
from exchange.api.native.names import name_of
from exchange.core.candles import Candle, candles_of
from exchange.core.commands import Command, PassTime
from exchange.core.events import INTERVALS_S, OrderUpdated, Trade
from exchange.core.market_data import MarketData
from exchange.core.public import Channel
from exchange.core.venue import Venue
from exchange.pipeline.commits import Applied
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.subscriber import Dialect, Message, Subscriber
from exchange.pipeline.subscriptions import Joining, Leaving
from exchange.pipeline.writer import Entry
from tests.core.stories import order_of, retold, venue_of
from tests.reader import Json, Reader

MARKET = "SOL_USDC"
NOON_NS = 1_700_049_600 * 1_000_000_000  # 2023-11-15 12:00:00 UTC: every candle but the day's begins here
MINUTE_NS = 60_000_000_000
EVERY_CANDLE = tuple(f"candle_{name}@{MARKET}" for name in ("1m", "5m", "15m", "1h", "4h", "1d"))
Line = Joining | Leaving | Applied


def payloads(data: bytes) -> list[Json]:
    """The JSON texts of whole frames."""
    found: list[Json] = []
    while data:
        assert data[0] == 0x81
        head, length = 2, data[1]
        if length > 125:
            head = 4 if length == 126 else 10
            length = int.from_bytes(data[2:head], "big")
        found.append(orjson.loads(data[head : head + length]))
        data = data[head + length :]
    return found


class Listener(Reader):
    """Somebody at the end of a connection, who may read or not. Unread, all that was written stays unsent."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__()
        self.subscriber = Subscriber(self, dialect)
        self.reads = True
        self.unread: list[bytes] = []
        self.ended: tuple[int, str] | None = None

    def come_back(self, dialect: Dialect) -> None:
        """Over a new connection, knowing what it knows."""
        self.subscriber = Subscriber(self, dialect)
        self.ended = None

    def write(self, frames: list[bytes]) -> None:
        assert self.ended is None
        self.unread += frames
        if self.reads:
            self.read()

    def unsent_bytes(self) -> int:
        return 0 if self.reads else sum(map(len, self.unread)) + (1 << 20)

    def close(self, code: int, reason: str) -> None:
        assert self.ended is None
        self.ended = (code, reason)

    def read(self) -> None:
        """Take in all that has arrived."""
        unread, self.unread = self.unread, []
        for payload in payloads(b"".join(unread)):
            self.hear(payload)


class Frames:
    """The native dialect, and what it has encoded."""

    def __init__(self, venue: Venue) -> None:
        self._frames = NativeFrames(venue)
        self.encoded: list[Message] = []
        self.pieces: list[int] = []  # how many levels each part of a snapshot had

    def encode(self, message: Message) -> bytes:
        self.encoded.append(message)
        return self._frames.encode(message)

    def levels(self, market: str, levels: Sequence[tuple[int, int]]) -> bytes:
        self.pieces.append(len(levels))
        return self._frames.levels(market, levels)

    def orders(self, orders: Sequence[OrderUpdated]) -> bytes:
        self.pieces.append(len(orders))
        return self._frames.orders(orders)

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        return self._frames.subscribed(channel, channel_sequence, tag)

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        return self._frames.unsubscribed(channel, tag)

    @property
    def channels(self) -> list[str]:
        """The channels of what was encoded."""
        return [name_of(message.channel) for message in self.encoded]


class Stage:
    """One venue and the flow behind it."""

    def __init__(self, venue: Venue | None = None) -> None:
        self.venue = venue or venue_of()
        self.now_ns = max(NOON_NS, self.venue.time_ns)
        self.data = MarketData(self.venue.sequence)
        for _, market in sorted(self.venue.markets.items()):
            self.data.open(market.changed()).restore_book(market.book)
        self.frames = Frames(self.venue)
        self.feeds = Feeds(self.data)
        self.line: list[Line] = []
        self.asked: list[asyncio.Future[None]] = []
        self.loop: asyncio.AbstractEventLoop = Mock(spec=asyncio.AbstractEventLoop, get_debug=lambda: False)
        self.trades_ever: list[Trade] = []

    def restarted(self, after_ns: int = 0) -> "Stage":
        """Another process, which has what the database would hold, some time later."""
        again = Stage(retold(self.venue))
        again.now_ns = self.now_ns + after_ns
        again.trades_ever = self.trades_ever
        minutes: list[Candle] = []
        last: list[Candle | None] = [None] * len(INTERVALS_S)
        for (_, interval_s, _), candle in sorted(candles_of(self.trades_ever).items(), key=lambda item: item[0]):
            last[INTERVALS_S.index(interval_s)] = candle.copy()
            if interval_s == INTERVALS_S[0]:
                minutes.append(candle)
        again.data.market(MARKET).restore(minutes, last, again.now_ns // 1_000_000_000)
        return again

    def listener(self, *channels: str) -> Listener:
        """Somebody new, who listens to these."""
        listener = Listener(self.frames)
        self.ask(listener, *channels)
        self.release()
        return listener

    def ask(self, listener: Listener, *channels: str, request_id: Any = None) -> None:
        """Somebody asks to listen, in the line."""
        for channel in channels:
            self.line.append(
                Joining(
                    self.feeds,
                    listener.subscriber,
                    channel_of(channel),
                    request_id,
                    self.done(),
                    0.0,
                    self.venue,
                    self.now_ns,
                )
            )

    def leave(self, listener: Listener, channel: str) -> None:
        """Somebody asks to listen no more, in the line."""
        self.line.append(Leaving(self.feeds, listener.subscriber, channel_of(channel), None, self.done(), 0.0))

    def done(self) -> "asyncio.Future[None]":
        """What is done when a subscription has begun or ended."""
        done: asyncio.Future[None] = asyncio.Future(loop=self.loop)
        self.asked.append(done)
        return done

    def do(self, command: Command) -> Any:
        """The engine applies a command; nobody hears of it yet."""
        self.now_ns += 1
        outcome = self.venue.apply(command, self.venue.sequence + 1, self.now_ns)
        if isinstance(outcome, Applied):
            self.trades_ever += [event for event in outcome.events if isinstance(event, Trade)]
            self.line.append(outcome)
        return outcome

    def say(self, *texts: str) -> None:
        """Orders, as in the stories of the core; nobody hears of them yet."""
        for text in texts:
            assert isinstance(self.do(order_of(self.venue, text)), Applied), text

    def mark(self) -> None:
        """The exchange writes down what time it is."""
        self.do(PassTime())

    def release(self) -> None:
        """All that stands in the line has become durable."""
        line, self.line = self.line, []
        entries: list[Entry] = [(None, 0, outcome) for outcome in line]  # type: ignore[misc]
        self.feeds.released(entries)

    def tell(self, *texts: str) -> None:
        """Orders, durable at once."""
        self.say(*texts)
        self.release()

    def depth(self, market: str = MARKET) -> Json:
        """The book as GET /depth shows it."""
        rules, book = self.venue.markets[market].instrument, self.venue.markets[market].book
        bids, asks = (
            [[rules.price_text(level.price_ticks), rules.quantity_text(level.total_lots)] for level in levels]
            for levels in book.sides
        )
        return {"market": market, "last_sequence": book.sequence, "bids": bids, "asks": asks}
