"""Subscribers: what a client learns from the feeds, session after session.

A watcher folds snapshots and updates, asserts that every channel counts on without a hole, also after a restart, and
remembers how everything stood at each count, so that a read can be compared with the feed at the same point.
"""

import asyncio
import pickle
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from exchange.api.native.channels import channel_of
from exchange.api.native.names import name_of
from exchange.core.candles import Candle
from exchange.core.events import OrderStatus, OrderUpdated, Trade, UpdateReason
from exchange.core.public import CandleUpdate, Channel, DepthDiff
from exchange.pipeline.outcomes import OutcomeUnknown, Overloaded
from exchange.pipeline.subscriber import (
    SLOW_BYTES,
    BalancesSnapshot,
    BalancesUpdate,
    DepthSnapshot,
    Message,
    OrdersSnapshot,
    Subscriber,
)
from tests.sim.world import MARKETS, USERS, Server, World

CHANNELS = (
    *(f"{kind}@{market}" for market in MARKETS for kind in ("depth", "trade", "book_ticker", "candle_1m")),
    *(f"{kind}@{user}" for user in USERS for kind in ("orders", "balances")),
)
OPEN = (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
Book = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


class Frames:
    """A dialect whose frames a watcher can read back."""

    def encode(self, message: Message) -> bytes:
        """The message itself."""
        return pickle.dumps(message)

    def levels(self, market: str, levels: Sequence[tuple[int, int]]) -> bytes:
        """The levels themselves."""
        return pickle.dumps(list(levels))

    def orders(self, orders: Sequence[OrderUpdated]) -> bytes:
        """The orders themselves."""
        return pickle.dumps(list(orders))

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        """The channel and where it begins."""
        return pickle.dumps((name_of(channel), channel_sequence))

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        """Nobody leaves."""
        raise AssertionError(channel)


FRAMES = Frames()


def whole(parts: list[bytes]) -> dict[int, int]:
    """One side of a book, from the parts of its snapshot."""
    return {price: lots for part in parts for price, lots in pickle.loads(part)}


class Learned:
    """What all watchers together have seen, over all sessions."""

    def __init__(self, trace: Callable[[str], None]) -> None:
        self.trace = trace
        self.said: dict[tuple[str, int], str] = {}  # what a count of a channel was; it can never become something else
        self.heights: dict[str, int] = {}
        self.tape: dict[tuple[str, int], Trade] = {}  # by market and count
        self.fills: dict[tuple[int, int], tuple[int, Trade]] = {}  # (sequence, trade) by (order_id, trade_id)
        self.accepted: dict[int, int] = {}
        self.books: dict[tuple[str, int], Book] = {}
        self.balances: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
        self.open_orders: dict[tuple[str, int], frozenset[int]] = {}
        self.candles: dict[tuple[str, int], Candle] = {}  # of a minute, as they ended, by market and second
        self.messages = 0

    def hear(self, message: Message) -> None:
        """An event that stands for itself alone; the same count always says the same."""
        self.messages += 1
        text = repr(message.data)
        assert self.said.setdefault((name_of(message.channel), message.channel_sequence), text) == text, message
        if isinstance(message.data, Trade):
            self.tape[message.data.market, message.channel_sequence] = message.data
        elif isinstance(message.data, OrderUpdated):
            order = message.data
            if order.trade is not None:
                self.fills[order.order_id, order.trade.trade_id] = (message.sequence, order.trade)
            if order.reason is UpdateReason.ACCEPTED:
                self.accepted.setdefault(order.order_id, message.channel_sequence)
                assert self.accepted[order.order_id] == message.channel_sequence, "accepted twice"

    def hear_candle(self, update: CandleUpdate) -> None:
        """A minute as it ended, which it does once."""
        if update.closed:
            key, candle = (update.market, update.candle.open_s), update.candle
            before = self.candles.setdefault(key, candle)
            assert minute_of(before) == minute_of(candle), f"the minute {key} ended twice, and otherwise"


class Watcher:
    """One connection of one session. A sluggish one is too slow at times, and gets states conflated."""

    def __init__(
        self, world: World, server: Server, learned: Learned, before: dict[str, int], sluggish: Random | None
    ) -> None:
        """`before` is how far the channels were in the sessions that are over."""
        self._server = server
        self._learned = learned
        self._sluggish = sluggish
        self._loop = world.loop
        self._stuck_until_s = 0.0
        self._before = before
        self._counts: dict[str, int] = {}
        self._books: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        self._book_counts: dict[str, int] = {}
        self._balances: dict[str, dict[str, tuple[int, int]]] = {}
        self._orders: dict[str, set[int]] = {}
        self._subscriber = Subscriber(self, FRAMES)

    async def subscribe(self) -> None:
        """Listen to everything there is."""
        missing = list(CHANNELS)
        while missing:
            if await self._subscribed(missing[0]):
                missing.pop(0)
            else:
                await asyncio.sleep(0.05)

    async def _subscribed(self, channel: str) -> bool:
        server, subscriber = self._server, self._subscriber
        try:
            await server.exchange.engine.subscribe(subscriber, channel_of(channel), None)
        except (Overloaded, OutcomeUnknown):
            return False
        return True

    # --- a Connection

    def write(self, frames: list[bytes]) -> None:
        """What the exchange sends."""
        if self._server.dead:
            return
        for frame in frames:
            what: Any = pickle.loads(frame)
            if isinstance(what, Message):
                self._take(what)
            else:
                self._begin(*what)
        if self._sluggish is not None and self._sluggish.random() < 0.05:
            self._stuck_until_s = self._loop.time() + self._sluggish.uniform(0.1, 4.0)

    def unsent_bytes(self) -> int:
        """How much has not left yet."""
        return 2 * SLOW_BYTES if self._loop.time() < self._stuck_until_s else 0

    def close(self, code: int, reason: str) -> None:
        """Nobody here falls so far behind."""
        raise AssertionError(reason)

    # --- what it says

    def _begin(self, channel: str, count: int) -> None:
        before = self._before.get(channel, 0)
        assert count >= before, f"{channel} began at {count}, and was at {before} before"
        self._learned.trace(f"{channel} begins at {count}")
        self._counts[channel] = count

    def _take(self, message: Message) -> None:
        channel, count = name_of(message.channel), message.channel_sequence
        kind, _, subject = channel.partition("@")
        if (
            isinstance(message.data, DepthSnapshot | OrdersSnapshot | BalancesSnapshot)
            or count == self._counts[channel]
        ):
            assert count == self._counts[channel], f"{channel}: {count} after {self._counts[channel]}"
        else:
            first = message.first_channel_sequence or count
            assert first == self._counts[channel] + 1, f"{channel}: {first} after {self._counts[channel]}"
            self._counts[channel] = count
            self._learned.heights[channel] = max(count, self._learned.heights.get(channel, 0))
            if message.first_channel_sequence is None and kind != "candle_1m":
                self._learned.hear(message)
        if self._sluggish is None:
            self._learned.trace(f"{channel} {count} {_words(message.data)}")
        match kind:
            case "candle_1m" if isinstance(message.data, CandleUpdate):
                self._learned.hear_candle(message.data)
            case "depth":
                self._take_depth(subject, message.data)
            case "orders":
                self._take_orders(subject, count, message.data)
            case "balances":
                self._take_balances(subject, count, message.data)

    def _take_depth(self, market: str, data: Any) -> None:
        if isinstance(data, DepthSnapshot):
            self._books[market] = (whole(data.bids), whole(data.asks))
        else:
            assert isinstance(data, DepthDiff)
            assert data.first_sequence == self._book_counts[market] + 1
            for levels, changes in zip(self._books[market], (data.bids, data.asks), strict=True):
                levels.update(changes)
                for price in [price for price, total in levels.items() if not total]:
                    del levels[price]
        self._book_counts[market] = data.last_sequence
        bids, asks = self._books[market]
        assert not (bids and asks) or max(bids) < min(asks), "a crossed book"
        book = tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items()))
        assert self._learned.books.setdefault((market, data.last_sequence), book) == book

    def _take_orders(self, user: str, count: int, data: Any) -> None:
        if isinstance(data, OrdersSnapshot):
            parts = [data.orders, *map(pickle.loads, data.parts or ())]
            self._orders[user] = {order.order_id for part in parts for order in part}
        elif data.status in OPEN:
            self._orders[user].add(data.order_id)
        else:
            self._orders[user].discard(data.order_id)
        orders = frozenset(self._orders[user])
        assert self._learned.open_orders.setdefault((user, count), orders) == orders

    def _take_balances(self, user: str, count: int, data: Any) -> None:
        assert isinstance(data, BalancesSnapshot | BalancesUpdate)
        theirs = self._balances.setdefault(user, {})
        theirs.update({account.asset: (account.available_minor, account.locked_minor) for account in data.accounts})
        assert self._learned.balances.setdefault((user, count), dict(theirs)) == theirs


def minute_of(candle: Candle) -> tuple[int, ...]:
    """All that a candle says: open, high, low, close, volumes, what takers bought of them, and its trades."""
    volumes = (candle.volume_lots, candle.quote_minor, candle.taker_buy_lots, candle.taker_buy_quote_minor)
    return *candle.prices(), *volumes, candle.trades, candle.first_market_trade_id, candle.last_market_trade_id


def _words(data: Any) -> str:
    return f"{data.candle.prices()} {data.closed}" if isinstance(data, CandleUpdate) else str(data)
