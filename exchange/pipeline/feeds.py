"""The feeds: released events go out on channels, to subscribers that may be slow.

A message is made once and shared by all its receivers. For a subscriber whose connection is full, messages that show a
state (depth, tickers, candles) are conflated: the newest one stands for those that were skipped. Messages that must not
be skipped (trades, orders, balances) wait, up to a bound; past it the subscriber is closed. No subscriber waits for
another.

A conflated message carries `first_channel_sequence`, the first event that it stands for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from exchange.core.candles import INTERVAL_NAMES, Candle
from exchange.core.events import (
    BalanceChanged,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderUpdated,
    TimePassed,
    Trade,
)
from exchange.core.market_data import MarketData, MarketView, Ticker
from exchange.pipeline.commits import Applied
from exchange.pipeline.writer import Entry

QUEUE_BYTES_MAX = 4 << 20  # what may wait for one slow subscriber, beyond what its connection holds
SLOW_BYTES = 256 << 10  # a connection with this much unsent is slow
CONFLATED_BYTES = 64  # what a level or another conflated value counts for in the bound: about what it will be as text
TOO_SLOW = "fell too far behind"


# --- what goes out


@dataclass(slots=True)
class DepthDiff:
    """Level totals after changes `first_sequence` to `last_sequence` of a book; a total of 0 removes the level."""

    market: str
    first_sequence: int
    last_sequence: int
    bids: dict[int, int]
    asks: dict[int, int]


@dataclass(slots=True)
class DepthSnapshot:
    """A whole book: (price_ticks, total_lots), best first."""

    market: str
    last_sequence: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


@dataclass(slots=True)
class OrdersSnapshot:
    """A user's open orders, oldest first."""

    orders: list[OrderUpdated]


@dataclass(slots=True)
class BalancesSnapshot:
    """All of a user's accounts."""

    accounts: list[BalanceChanged]


@dataclass(slots=True)
class BalancesUpdate:
    """The accounts of a user that one command changed."""

    accounts: list[BalanceChanged]


@dataclass(slots=True)
class CandleUpdate:
    """A candle as it is now, or as it ended."""

    market: str
    candle: Candle
    closed: bool


Data = (
    Trade
    | DepthDiff
    | DepthSnapshot
    | OrderUpdated
    | OrdersSnapshot
    | BalancesUpdate
    | BalancesSnapshot
    | Ticker
    | MarketChanged
    | CandleUpdate
)


@dataclass(slots=True)
class Message:
    """One event of a channel. `first_channel_sequence` is set where it stands for several."""

    channel: str
    sequence: int
    channel_sequence: int
    data: Data
    first_channel_sequence: int | None = None


Encode = Callable[[Message], bytes]


class Connection(Protocol):
    """The connection of a subscriber."""

    def write(self, frames: list[bytes]) -> None:
        """Send whole frames; never waits."""

    def unsent_bytes(self) -> int:
        """Bytes that were written and are not sent yet."""

    def close(self, code: int, reason: str) -> None:
        """End it."""


class Subscriber:
    """One connection, its channels, and the messages that wait for it."""

    __slots__ = (
        "_conflated",
        "_conflated_values",
        "_connection",
        "_encode",
        "_out",
        "_waiting",
        "_waiting_bytes",
        "channels",
        "closed",
        "slow",
    )

    def __init__(self, connection: Connection, encode: Encode) -> None:
        self.channels: set[str] = set()
        self.slow = False
        self.closed = False
        self._connection = connection
        self._encode = encode
        self._out: list[bytes] = []  # goes out at the end of this release
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._conflated: dict[tuple[str, int], Message] = {}
        self._conflated_values = 0

    def offer(self, frame: bytes, message: Message) -> None:
        """Take an event of a channel."""
        if not self.slow:
            self._out.append(frame)
        elif (key := _conflation_key(message)) is not None:
            self._conflate(key, message)
        else:
            self._wait(frame)

    def send(self, frame: bytes) -> None:
        """Take an answer: like an event that must not be skipped."""
        if self.slow:
            self._wait(frame)
        else:
            self._out.append(frame)

    def drop(self, channel: str) -> None:
        """Drop what is conflated of this channel, because it ends or begins again with a snapshot."""
        for key in [key for key in self._conflated if key[0] == channel]:
            self._conflated_values -= _values(self._conflated.pop(key))

    def _conflate(self, key: tuple[str, int], message: Message) -> None:
        before = self._conflated.get(key)
        if before is None:
            # Its own copy, to grow with what comes: others may share the message.
            before = self._conflated[key] = _copied(message)
            self._conflated_values += _values(before)
        else:
            values = _values(before)
            _take_in(before, message)
            self._conflated_values += _values(before) - values
        self._judge()

    def _wait(self, frame: bytes) -> None:
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        self._judge()

    def _judge(self) -> None:
        """Close a subscriber past its bound, and keep nothing for it."""
        if self._waiting_bytes + self._conflated_values * CONFLATED_BYTES > QUEUE_BYTES_MAX:
            if not self.closed:
                self.closed = True
                self._connection.close(1013, TOO_SLOW)
            self._forget_waiting()

    def _forget_waiting(self) -> None:
        self._waiting, self._waiting_bytes = [], 0
        self._conflated, self._conflated_values = {}, 0

    def flush(self) -> None:
        """Write the messages of this release, and note if the connection is full."""
        if self._out:
            out, self._out = self._out, []
            self._connection.write(out)
            self.slow = self._connection.unsent_bytes() > SLOW_BYTES

    def catch_up(self) -> bool:
        """Write waiting messages if the connection has room again. Returns whether none is left."""
        if self.closed or self._connection.unsent_bytes() > SLOW_BYTES // 2:
            return self.closed
        out = self._waiting + [self._encode(message) for message in self._conflated.values()]
        self._forget_waiting()
        self._connection.write(out)
        self.slow = self._connection.unsent_bytes() > SLOW_BYTES
        return not self.slow


def _conflation_key(message: Message) -> tuple[str, int] | None:
    """The key under which a newer event replaces an older one; None if events must not be skipped."""
    data = message.data
    if isinstance(data, DepthDiff | Ticker | MarketChanged):
        return message.channel, 0
    if isinstance(data, CandleUpdate):
        return message.channel, data.candle.open_s
    return None


def _copied(message: Message) -> Message:
    data = message.data
    if isinstance(data, DepthDiff):
        data = replace(data, bids=dict(data.bids), asks=dict(data.asks))
    return replace(message, data=data)


def _take_in(before: Message, after: Message) -> None:
    """Merge `new` into `before`, which then stands for both. The cost depends on the newer event only."""
    if before.first_channel_sequence is None:
        before.first_channel_sequence = before.channel_sequence
    before.sequence, before.channel_sequence = after.sequence, after.channel_sequence
    diff = after.data
    if isinstance(diff, DepthDiff):
        assert isinstance(before.data, DepthDiff)
        before.data.last_sequence = diff.last_sequence
        before.data.bids.update(diff.bids)
        before.data.asks.update(diff.asks)
    else:
        before.data = diff


def _values(message: Message) -> int:
    """How much a conflated message holds."""
    data = message.data
    return len(data.bids) + len(data.asks) if isinstance(data, DepthDiff) else 1


@dataclass(slots=True)
class Subscription:
    """A request to subscribe, in the writer's queue: when it is released, it begins exactly between two commands.

    `begin` makes what is sent first, the answer and the snapshot, from values copied when it got in line.
    """

    subscriber: Subscriber
    channel: str
    begin: Callable[[], list[bytes]]


@dataclass(slots=True)
class Departure:
    """A request to unsubscribe, in the same queue; `answer` is the last message of the channel."""

    subscriber: Subscriber
    channel: str
    answer: bytes


class Feeds:
    """Channels by name, and their subscribers."""

    def __init__(self, market_data: MarketData, encode: Encode) -> None:
        self._data = market_data
        self._encode = encode
        self._channels: dict[str, dict[Subscriber, None]] = {}
        self._private = 0  # channels of users with a subscriber
        self._charted = 0  # channels of candles with a subscriber
        self._slow: dict[Subscriber, None] = {}
        self._touched: dict[Subscriber, None] = {}
        self.conflations = 0

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return sum(len(listening) for listening in self._channels.values())

    def leave(self, subscriber: Subscriber, channel: str) -> None:
        """Stop one subscription."""
        subscriber.channels.discard(channel)
        subscriber.drop(channel)
        listening = self._channels.get(channel)
        if listening is not None:
            listening.pop(subscriber, None)
            if not listening:
                del self._channels[channel]
                self._count(channel, -1)

    def forget(self, subscriber: Subscriber) -> None:
        """Remove a subscriber whose connection has closed."""
        subscriber.closed = True
        for channel in list(subscriber.channels):
            self.leave(subscriber, channel)
        self._slow.pop(subscriber, None)
        self._touched.pop(subscriber, None)

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send one subscriber an answer, with the others of this step."""
        if not subscriber.closed:
            subscriber.send(frame)
            self._touched[subscriber] = None

    def flush(self) -> None:
        """Write the messages of this step."""
        touched, self._touched = self._touched, {}
        for subscriber in touched:
            if not subscriber.closed:
                subscriber.flush()
                if subscriber.slow:
                    self._slow[subscriber] = None

    def catch_up(self) -> None:
        """Write waiting messages to slow subscribers, as far as their connections have room."""
        for subscriber in list(self._slow):
            if subscriber.catch_up():
                del self._slow[subscriber]

    # --- releasing

    def released(self, entries: Iterable[Entry]) -> None:
        """Publish what has become durable, in order, and begin each subscription at its place in the queue."""
        for _, _, outcome in entries:
            if isinstance(outcome, Applied):
                self._publish(outcome)
            elif isinstance(outcome, Subscription):
                self._join(outcome)
            elif isinstance(outcome, Departure):
                self.leave(outcome.subscriber, outcome.channel)
                self.send(outcome.subscriber, outcome.answer)
        self.flush()

    def _join(self, wanted: Subscription) -> None:
        subscriber, channel = wanted.subscriber, wanted.channel
        if subscriber.closed:
            return
        subscriber.drop(channel)
        for frame in wanted.begin():
            self.send(subscriber, frame)
        subscriber.channels.add(channel)
        if channel not in self._channels:
            self._channels[channel] = {}
            self._count(channel, 1)
        self._channels[channel][subscriber] = None

    def _count(self, channel: str, change: int) -> None:
        """Count subscriptions by kind of channel: events of a kind without any need no channel name."""
        if channel.startswith(("orders@", "balances@")):
            self._private += change
        elif channel.startswith("candle_"):
            self._charted += change

    def _emit(self, channel: str, sequence: int, channel_sequence: int, data: Data) -> None:
        listening = self._channels.get(channel)
        if not listening:
            return
        message = Message(channel, sequence, channel_sequence, data)
        frame = self._encode(message)
        touched = self._touched
        for subscriber in listening:
            if subscriber.closed:
                continue
            if subscriber.slow:
                self.conflations += 1
            subscriber.offer(frame, message)
            touched[subscriber] = None

    def _publish(self, applied: Applied) -> None:
        sequence = applied.sequence
        self._data.sequence = sequence
        levels: list[LevelChanged] = []
        for event in applied.events:
            if isinstance(event, LevelChanged):
                levels.append(event)
            elif isinstance(event, MarketChanged):
                self._publish_market(applied, event, levels)
            elif isinstance(event, Trade):
                self._publish_trade(sequence, event)
            elif isinstance(event, MarketSet):
                self._data.open_new(event.instrument.symbol)
            elif isinstance(event, TimePassed):
                self._close_candles(applied.time_ns)
        if self._private:
            self._publish_private(applied)

    def _publish_private(self, applied: Applied) -> None:
        sequence, channels = applied.sequence, self._channels
        balances: dict[str, list[BalanceChanged]] = {}
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                channel = f"orders@{event.terms.user_id}"
                if channel in channels:
                    self._emit(channel, sequence, event.orders_sequence, event)
            elif isinstance(event, BalanceChanged) and f"balances@{event.user_id}" in channels:
                balances.setdefault(event.user_id, []).append(event)
        for user_id, changed in balances.items():
            self._emit(f"balances@{user_id}", sequence, changed[-1].balances_sequence, BalancesUpdate(changed))

    def _publish_trade(self, sequence: int, trade: Trade) -> None:
        if self._channels:
            self._emit(f"trade@{trade.market}", sequence, trade.trade_sequence, trade)
        view = self._data.market(trade.market)
        self._emit_closed(view, sequence, trade.time_ns)
        view.add(trade)
        if self._charted:
            for interval, name in enumerate(INTERVAL_NAMES):
                channel = f"candle_{name}@{view.symbol}"
                candle = view.candle(interval) if channel in self._channels else None
                if candle is not None:
                    update = CandleUpdate(view.symbol, candle, False)
                    self._emit(channel, sequence, view.candle_sequence(interval), update)

    def _emit_closed(self, view: MarketView, sequence: int, time_ns: int) -> None:
        for interval, candle in enumerate(view.close_candles(time_ns)):
            if candle is not None:
                channel = f"candle_{INTERVAL_NAMES[interval]}@{view.symbol}"
                update = CandleUpdate(view.symbol, candle, True)
                self._emit(channel, sequence, view.candle_sequence(interval), update)

    def _close_candles(self, time_ns: int) -> None:
        """Close candles by the clock, also in markets without trades."""
        for view in self._data:
            self._emit_closed(view, self._data.sequence, time_ns)

    def _publish_market(self, applied: Applied, changed: MarketChanged, levels: list[LevelChanged]) -> None:
        sequence, market = applied.sequence, changed.market
        view = self._data.market(market)
        better = changed.best_sequence != view.changed.best_sequence
        view.changed = changed
        if self._channels and f"depth@{market}" in self._channels:
            sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
            for level in levels:
                sides[level.side][level.price_ticks] = level.total_lots
            diff = DepthDiff(market, levels[0].book_sequence, changed.book_sequence, *sides)
            self._emit(f"depth@{market}", sequence, changed.depth_sequence, diff)
        if better and self._channels:
            self._emit(f"book_ticker@{market}", sequence, changed.best_sequence, changed)
            if f"ticker@{market}" in self._channels:
                view.forget(applied.time_ns)
                self._emit(f"ticker@{market}", sequence, changed.best_sequence, view.ticker(applied.time_ns))
