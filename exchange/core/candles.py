"""Candles: open, high, low, close and volume of the trades in an interval of time, and which trades these are."""

from collections.abc import Iterable
from typing import Final

from exchange.core.commands import Side
from exchange.core.events import INTERVALS_S, Trade

INTERVAL_NAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
assert len(INTERVAL_NAMES) == len(INTERVALS_S)
BUY: Final = Side.BUY


class Candle:
    """One interval of one market, as far as it has come. Prices in ticks, times in seconds since the epoch.

    Its trades are those from `first_market_trade_id` to `last_market_trade_id`; `taker_buy_lots` and
    `taker_buy_quote_minor` are the parts of the volumes in which the taker bought.
    """

    __slots__ = (
        "close_ticks",
        "first_market_trade_id",
        "high_ticks",
        "last_market_trade_id",
        "low_ticks",
        "open_s",
        "open_ticks",
        "quote_minor",
        "taker_buy_lots",
        "taker_buy_quote_minor",
        "trades",
        "volume_lots",
    )

    def __init__(self, open_s: int, price_ticks: int, first_market_trade_id: int) -> None:
        self.open_s = open_s
        self.open_ticks = self.high_ticks = self.low_ticks = self.close_ticks = price_ticks
        self.volume_lots = 0
        self.quote_minor = 0
        self.taker_buy_lots = 0
        self.taker_buy_quote_minor = 0
        self.trades = 0
        self.first_market_trade_id = self.last_market_trade_id = first_market_trade_id

    def add(self, trade: Trade) -> None:
        """Add a later trade."""
        price_ticks = self.close_ticks = trade.price_ticks
        self.high_ticks = max(self.high_ticks, price_ticks)
        self.low_ticks = min(self.low_ticks, price_ticks)
        self.volume_lots += trade.quantity_lots
        self.quote_minor += trade.quote_minor
        if trade.taker_side is BUY:
            self.taker_buy_lots += trade.quantity_lots
            self.taker_buy_quote_minor += trade.quote_minor
        self.trades += 1
        self.last_market_trade_id = trade.market_trade_id

    def merge(self, later: "Candle") -> None:
        """Add the candle of the trades that came after."""
        self.high_ticks = max(self.high_ticks, later.high_ticks)
        self.low_ticks = min(self.low_ticks, later.low_ticks)
        self.close_ticks = later.close_ticks
        self.volume_lots += later.volume_lots
        self.quote_minor += later.quote_minor
        self.taker_buy_lots += later.taker_buy_lots
        self.taker_buy_quote_minor += later.taker_buy_quote_minor
        self.trades += later.trades
        self.last_market_trade_id = later.last_market_trade_id

    def without(self, part: "Candle") -> None:
        """Subtract the volumes of the last part. Prices and ids stay, as merging that part again would leave them."""
        self.volume_lots -= part.volume_lots
        self.quote_minor -= part.quote_minor
        self.taker_buy_lots -= part.taker_buy_lots
        self.taker_buy_quote_minor -= part.taker_buy_quote_minor
        self.trades -= part.trades

    def copy(self) -> "Candle":
        """The candle as it is now."""
        made = Candle(self.open_s, self.open_ticks, self.first_market_trade_id)
        made.high_ticks, made.low_ticks, made.close_ticks = self.high_ticks, self.low_ticks, self.close_ticks
        made.volume_lots, made.quote_minor, made.trades = self.volume_lots, self.quote_minor, self.trades
        made.taker_buy_lots, made.taker_buy_quote_minor = self.taker_buy_lots, self.taker_buy_quote_minor
        made.last_market_trade_id = self.last_market_trade_id
        return made

    def prices(self) -> tuple[int, int, int, int]:
        """Open, high, low and close."""
        return self.open_ticks, self.high_ticks, self.low_ticks, self.close_ticks


def open_s(time_ns: int, interval_s: int) -> int:
    """When the candle of that time begins."""
    return time_ns // 1_000_000_000 // interval_s * interval_s


def candles_of(trades: Iterable[Trade]) -> dict[tuple[str, int, int], Candle]:
    """The candles that these trades alone make, by (market, interval_s, open_s), in time order."""
    shortest_s = INTERVALS_S[0]
    shortest: dict[tuple[str, int, int], Candle] = {}
    market, begin_ns, end_ns = "", 0, 0  # of the candle that the last trade was added to
    candle: Candle | None = None
    for trade in trades:
        # Most trades fall into the candle of the one before.
        if candle is None or not begin_ns <= trade.time_ns < end_ns or trade.market != market:
            market = trade.market
            key = (market, shortest_s, open_s(trade.time_ns, shortest_s))
            begin_ns = key[2] * 1_000_000_000
            end_ns = begin_ns + shortest_s * 1_000_000_000
            candle = shortest.get(key)
            if candle is None:
                candle = shortest[key] = Candle(key[2], trade.price_ticks, trade.market_trade_id)
        candle.add(trade)
    made = dict(shortest)
    for (market, _, begin_s), candle in shortest.items():
        for interval_s in INTERVALS_S[1:]:
            key = (market, interval_s, begin_s // interval_s * interval_s)
            longer = made.get(key)
            if longer is None:
                longer = made[key] = Candle(key[2], candle.open_ticks, candle.first_market_trade_id)
            longer.merge(candle)
    return made


def begun(counts: tuple[int, ...], last_ns: int, now_ns: int) -> tuple[int, ...]:
    """How many candles of each interval have begun, after a trade now; the one before it was at `last_ns`."""
    now_s, last_s = now_ns // 1_000_000_000, last_ns // 1_000_000_000
    return tuple(
        count + (now_s // interval_s != last_s // interval_s)
        for count, interval_s in zip(counts, INTERVALS_S, strict=True)
    )
