"""The streams of klines: the running candle of an interval, every second or two, and each one when it ends.

A kline goes on from what is stored of its interval when the first listener comes. It ends when a trade comes that is
past it, or when all that happened before its end is released, so no later trade can belong to it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import structlog

from exchange.api.binance.intervals import interval_of
from exchange.api.binance.numbers import ZERO, amount, price, quantity
from exchange.api.binance.streams_base import MarketStream, Source, Tick
from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.core.events import Trade
from exchange.core.instrument import Instrument
from exchange.core.public import Kind, PublicData
from exchange.pipeline.outcomes import Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.history import Page, PublicTrade

NS_PER_S: Final = 1_000_000_000
TRADES_MAX: Final = 1000  # that are read of one second
PENDING_MAX: Final = 50_000  # trades that wait for what is stored
CLOSED_MAX: Final = 1000  # klines that ended in one step and are not told yet

log = structlog.get_logger(__name__)


def _candle_of(begins_s: int, trade: Trade | PublicTrade) -> Candle:
    """The candle of one trade. `Candle.add` takes trades of the core only."""
    candle = Candle(begins_s, trade.price_ticks, trade.market_trade_id)
    candle.volume_lots, candle.quote_minor, candle.trades = trade.quantity_lots, trade.quote_minor, 1
    if trade.taker_side is Side.BUY:
        candle.taker_buy_lots, candle.taker_buy_quote_minor = trade.quantity_lots, trade.quote_minor
    return candle


@dataclass(slots=True)
class Kline:
    """An interval and its trades so far; `before_ticks` is the last price before it."""

    begins_s: int
    ends_s: int
    candle: Candle | None
    before_ticks: int | None

    def add(self, trade: Trade | PublicTrade) -> None:
        """Add a trade of the interval, unless it is in it already."""
        candle = self.candle
        if candle is None:
            self.candle = _candle_of(self.begins_s, trade)
        elif trade.market_trade_id > candle.last_market_trade_id:
            candle.merge(_candle_of(self.begins_s, trade))

    @property
    def last_ticks(self) -> int | None:
        """The last price at its end, or so far."""
        return self.before_ticks if self.candle is None else self.candle.close_ticks

    def fields(self, rules: Instrument, symbol: str, interval: str, unit_ns: int, *, closed: bool) -> dict[str, Any]:
        """The `k` of an event."""
        candle, flat = self.candle, self.before_ticks or 0
        opened, high, low, close = (flat, flat, flat, flat) if candle is None else candle.prices()
        quote = rules.quote
        return {
            "t": self.begins_s * NS_PER_S // unit_ns,
            "T": self.ends_s * NS_PER_S // unit_ns - 1,
            "s": symbol,
            "i": interval,
            "f": -1 if candle is None else candle.first_market_trade_id,
            "L": -1 if candle is None else candle.last_market_trade_id,
            "o": price(rules, opened),
            "c": price(rules, close),
            "h": price(rules, high),
            "l": price(rules, low),
            "v": ZERO if candle is None else quantity(rules, candle.volume_lots),
            "n": 0 if candle is None else candle.trades,
            "x": closed,
            "q": amount(quote, 0 if candle is None else candle.quote_minor),
            "V": ZERO if candle is None else quantity(rules, candle.taker_buy_lots),
            "Q": amount(quote, 0 if candle is None else candle.taker_buy_quote_minor),
            "B": "0",
        }


class KlineStream(MarketStream):
    """`<symbol>@kline_<interval>`, with `@+08:00` or without."""

    kind = Kind.TRADE

    def __init__(
        self, source: Source, name: str, rules: Instrument, symbol: str, *, interval: str, offset_s: int
    ) -> None:
        super().__init__(source, name, rules, symbol)
        self._interval = interval_of(interval, offset_s)
        self._every_s = 1 if interval == "1s" else 2
        self._now: Kline | None = None  # until what is stored is read
        self._pending: list[Trade] = []  # meanwhile
        self._reading: asyncio.Task[None] | None = None
        self._closed: list[Kline] = []
        self._changed = True

    def joined(self) -> None:
        """Tell the running one to who is new."""
        self._changed = True
        if self._now is None:
            self._read()

    # --- trades

    def take(self, data: PublicData) -> None:
        """Add the trade."""
        assert isinstance(data, Trade)
        if self._now is not None:
            self._add(data)
        elif len(self._pending) < PENDING_MAX:
            self._pending.append(data)

    def _add(self, trade: Trade) -> None:
        assert self._now is not None
        time_s = trade.time_ns // NS_PER_S
        if time_s < self._now.begins_s:
            return  # what is stored had it already
        self._pass(time_s)
        self._now.add(trade)
        self._changed = True

    def _pass(self, time_s: int) -> None:
        """It is that time: end the kline that was before."""
        now = self._now
        assert now is not None
        if time_s < now.ends_s:
            return
        if len(self._closed) < CLOSED_MAX:
            self._closed.append(now)
        begins_s = self._interval.begin_s(time_s)
        self._now = Kline(begins_s, self._interval.next_s(begins_s), None, now.last_ticks)
        self._changed = True

    # --- telling

    def tick(self, tick: Tick) -> None:
        """Tell the klines that have ended at once, and the running one when it is time."""
        if self._now is None:
            if tick.every(1):
                self._read()
            return
        self._pass(tick.past_ns // NS_PER_S)
        if self._closed:
            closed, self._closed = self._closed, []
            for kline in closed:
                self._tell(kline, tick.now_ns, closed=True)
        if self._changed and tick.every(self._every_s):
            self._changed = False
            self._tell(self._now, tick.now_ns, closed=False)

    def _tell(self, kline: Kline, now_ns: int, *, closed: bool) -> None:
        if kline.last_ticks is None:
            return  # nothing has ever traded
        candle = kline.candle
        told = Kline(kline.begins_s, kline.ends_s, None if candle is None else candle.copy(), kline.before_ticks)
        rules, symbol, interval = self.rules, self.symbol, self._interval.name

        def payload(unit_ns: int) -> dict[str, Any]:
            fields = told.fields(rules, symbol, interval, unit_ns, closed=closed)
            return {"e": "kline", "E": now_ns // unit_ns, "s": symbol, "k": fields}

        self.publish(payload, newest=not closed)

    # --- what is stored

    def _read(self) -> None:
        if self._reading is None:
            try:
                self._reading = self.source.tasks.start(self._go_on, f"read the kline of {self.name}"[:80])
            except Overloaded:
                return

    async def _go_on(self) -> None:
        """Go on from what is stored, and from the trades since."""
        try:
            now = await self._stored()
        except (HistoryUnavailable, Overloaded, Stopping):
            return  # the next tick tries again
        finally:
            self._reading = None
        if len(self._pending) >= PENDING_MAX:
            self._pending = []
            return
        pending, self._pending = self._pending, []
        self._now = now
        for trade in pending:
            self._add(trade)

    async def _stored(self) -> Kline:
        reading, market = self.source.reading, self.rules.symbol
        time_s = self.source.engine.time_ns() // NS_PER_S
        begins_s = self._interval.begin_s(time_s)
        now = Kline(begins_s, self._interval.next_s(begins_s), None, None)
        length_s = self._interval.stored_s
        if length_s == 1:
            for trade in await reading.trades(market, Page(TRADES_MAX, start_ns=begins_s * NS_PER_S)):
                now.add(trade)
        else:
            for part in await reading.candles(market, length_s, begins_s, now.ends_s, self._interval.pieces):
                if now.candle is None:
                    now.candle = part.copy()
                else:
                    now.candle.merge(part)
        if now.candle is None:
            before = await reading.candles(market, 60, None, begins_s, 1)
            now.before_ticks = before[-1].close_ticks if before else None
        return now
