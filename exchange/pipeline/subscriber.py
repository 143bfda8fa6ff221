"""One subscriber: a connection that listens to channels in one dialect, and may be slow.

A subscriber whose connection is full gets what only shows a state (depth, tickers, candles) conflated: the newest,
standing for all that it skipped. What must not be skipped (trades, orders, balances) waits for it, up to a bound; past
that it is closed. Whatever is conflated says so: it carries `first_channel_sequence`, the first event it stands for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from exchange.core.events import BalanceChanged, MarketChanged, OrderUpdated, Trade
from exchange.core.list_events import ListUpdated
from exchange.core.public import CandleUpdate, Channel, DepthDiff, Ticker

QUEUE_BYTES_MAX = 4 << 20  # what may wait for one slow subscriber, beyond what its connection holds
SLOW_BYTES = 256 << 10  # a connection with this much unsent is slow
CONFLATED_BYTES = 64  # what a level or another conflated value counts for in the bound: about what it will be as text
TOO_SLOW = "fell too far behind"


@dataclass(slots=True)
class DepthSnapshot:
    """A whole book, best first: parts that the dialect's `levels` made."""

    market: str
    last_sequence: int
    bids: list[bytes]
    asks: list[bytes]


@dataclass(slots=True)
class OrdersSnapshot:
    """A user's open orders, oldest first: as they are, or as parts that the dialect's `orders` made."""

    orders: list[OrderUpdated]
    parts: list[bytes] | None = None


@dataclass(slots=True)
class BalancesSnapshot:
    """All of a user's accounts."""

    accounts: list[BalanceChanged]


@dataclass(slots=True)
class BalancesUpdate:
    """The accounts of a user that one command changed."""

    accounts: list[BalanceChanged]


@dataclass(slots=True)
class ListsSnapshot:
    """A user's open lists, oldest first."""

    lists: list[ListUpdated]


Data = (
    Trade
    | DepthDiff
    | DepthSnapshot
    | OrderUpdated
    | OrdersSnapshot
    | ListUpdated
    | ListsSnapshot
    | BalancesUpdate
    | BalancesSnapshot
    | Ticker
    | MarketChanged
    | CandleUpdate
)


@dataclass(slots=True)
class Message:
    """One event of a channel. `first_channel_sequence` is set where it stands for several."""

    channel: Channel
    sequence: int
    channel_sequence: int
    data: Data
    first_channel_sequence: int | None = None


class Dialect(Protocol):
    """A wire format of the feeds: makes frames. Every subscriber belongs to one, and its frames are shared."""

    def encode(self, message: Message) -> bytes:
        """The frame of an event."""

    def levels(self, market: str, levels: Sequence[tuple[int, int]]) -> bytes:
        """A part of a depth snapshot: some levels, best first, as (price_ticks, total_lots)."""

    def orders(self, orders: Sequence[OrderUpdated]) -> bytes:
        """A part of a snapshot of open orders, oldest first."""

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        """The frame that says where a subscription begins. `tag` is what the dialect gave with the request."""

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        """The frame that says that a subscription has ended."""


class Connection(Protocol):
    """What a subscriber is reached by."""

    def write(self, frames: list[bytes]) -> None:
        """Send whole frames; never waits."""

    def unsent_bytes(self) -> int:
        """How much of what was written has not left."""

    def close(self, code: int, reason: str) -> None:
        """End it."""


class Subscriber:
    """One connection, the channels it listens to, and what waits for it."""

    __slots__ = (
        "_conflated",
        "_conflated_values",
        "_connection",
        "_held",
        "_held_bytes",
        "_out",
        "_waiting",
        "_waiting_bytes",
        "channels",
        "closed",
        "dialect",
        "slow",
    )

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.channels: set[Channel] = set()
        self.slow = False
        self.closed = False
        self._connection = connection
        self.dialect = dialect
        self._out: list[bytes] = []  # goes out at the end of this release
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._conflated: dict[tuple[Channel, int], Message] = {}
        self._conflated_values = 0
        self._held: dict[Channel, list[bytes]] = {}  # what comes on channels whose beginning is still being made
        self._held_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """How much waits for it here, beyond what its connection holds."""
        return self._waiting_bytes + self._held_bytes + self._conflated_values * CONFLATED_BYTES

    def offer(self, frame: bytes, message: Message) -> None:
        """Take an event of a channel."""
        if self._held and (held := self._held.get(message.channel)) is not None:
            held.append(frame)
            self._held_bytes += len(frame)
            self._judge()
        elif not self.slow:
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

    def drop(self, channel: Channel) -> None:
        """What is conflated of this channel is not wanted any more: it ends here, or begins anew with a snapshot."""
        for key in [key for key in self._conflated if key[0] == channel]:
            self._conflated_values -= _values(self._conflated.pop(key))
        self._held_bytes -= sum(map(len, self._held.pop(channel, ())))

    def hold(self, channel: Channel) -> list[bytes]:
        """Keep back what comes on this channel, until `let_go`: its beginning is not there yet."""
        held: list[bytes] = []
        self._held[channel] = held
        return held

    def holds(self, channel: Channel, held: list[bytes]) -> bool:
        """Whether that is still what is kept back of the channel."""
        return self._held.get(channel) is held

    def let_go(self, channel: Channel) -> None:
        """Take what was kept back."""
        frames = self._held.pop(channel)
        self._held_bytes -= sum(map(len, frames))
        for frame in frames:
            self.send(frame)

    def _conflate(self, key: tuple[Channel, int], message: Message) -> None:
        before = self._conflated.get(key)
        if before is None:
            # Its own copy, to grow with what comes: others may share the message.
            before = self._conflated[key] = _copied(message)
            self._conflated_values += _values(before)
        else:
            values = _values(before)
            merge(before, message)
            self._conflated_values += _values(before) - values
        self._judge()

    def _wait(self, frame: bytes) -> None:
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        self._judge()

    def _judge(self) -> None:
        """Close what is past its bound, and keep nothing more for it."""
        if self.waiting_bytes > QUEUE_BYTES_MAX:
            if not self.closed:
                self.closed = True
                self._connection.close(1013, TOO_SLOW)
            self._forget_waiting()
            self._held, self._held_bytes = {}, 0

    def end(self) -> None:
        """The connection is gone: keep nothing for it."""
        self.closed = True
        self._out = []
        self._forget_waiting()
        self._held, self._held_bytes = {}, 0

    def _forget_waiting(self) -> None:
        self._waiting, self._waiting_bytes = [], 0
        self._conflated, self._conflated_values = {}, 0

    def flush(self) -> None:
        """Write what this release brought; notice when the connection is full."""
        if self._out:
            out, self._out = self._out, []
            self._connection.write(out)
            self.slow = self._connection.unsent_bytes() > SLOW_BYTES

    def catch_up(self) -> bool:
        """Write what waited once the connection has room again; whether the subscriber is up with the others."""
        if self.closed or self._connection.unsent_bytes() > SLOW_BYTES // 2:
            return self.closed
        out = self._waiting + [self.dialect.encode(message) for message in self._conflated.values()]
        self._forget_waiting()
        self._connection.write(out)
        self.slow = self._connection.unsent_bytes() > SLOW_BYTES
        return not self.slow


def _conflation_key(message: Message) -> tuple[Channel, int] | None:
    """What the event replaces an older one of; None when it must not be skipped."""
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


def merge(before: Message, after: Message) -> None:
    """Make `before` one event that stands for both. The cost is that of what is new."""
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
