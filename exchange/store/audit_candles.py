"""What `exchange check` says about candles: each has the next trades of its market, and they add up to the trades.

Candles change while the exchange trades, and are read a page at a time after the snapshot. So a candle is compared only
if all its trades are in the snapshot. What is kept is a few sums for each market and interval, however many there are.
"""

from collections.abc import AsyncIterator
from typing import Any

from exchange.core.candles import INTERVAL_NAMES
from exchange.core.commands import Side
from exchange.core.events import INTERVALS_S
from exchange.core.state import MarketState, VenueState
from exchange.store.pruned import Pruned

PAGE = 1000  # candles
SUMS = ("trades", "volume_lots", "quote_minor", "taker_buy_lots", "taker_buy_quote_minor")


class _Series:
    """The candles of one market and interval: what they say, and what the trades say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first_market_trade_id = 1  # of the first candle that is compared
        self.last_market_trade_id = 0  # of the last one
        self.candles = [0] * len(SUMS)
        self.trades = [0] * len(SUMS)

    def findings(self) -> list[str]:
        """The first sum that differs."""
        for what, candles, trades in zip(SUMS, self.candles, self.trades, strict=True):
            if candles != trades:
                return [f"the candles of {self.name} have {what} {candles}, and the trades have {trades}"]
        return []


class Candles:
    """The candles of all markets. `read` comes first, then every trade is added."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self._series: dict[str, list[_Series]] = {}

    async def read(self, connection: Any, state: VenueState, gone: Pruned) -> None:
        """Read the candles of a state's markets. A candle is not compared if some of its trades are dropped."""
        for market in state.markets:
            symbol = market.instrument.symbol
            self._series[symbol] = []
            for interval_s, name in zip(INTERVALS_S, INTERVAL_NAMES, strict=True):
                series = _Series(f"{symbol} {name}")
                wrong = await _read(connection, market, interval_s, series, gone)
                if wrong:
                    self.findings.append(wrong)
                else:
                    self._series[symbol].append(series)

    def add(self, row: Any) -> None:
        """A trade, in whatever order."""
        lots, quote_minor = row["quantity_lots"], int(row["quote_minor"])
        bought = row["taker_side"] == Side.BUY
        for series in self._series[row["market"]]:
            if series.first_market_trade_id <= row["market_trade_id"] <= series.last_market_trade_id:
                sums = series.trades
                sums[0] += 1
                sums[1] += lots
                sums[2] += quote_minor
                if bought:
                    sums[3] += lots
                    sums[4] += quote_minor

    def differences(self) -> list[str]:
        """What is wrong, now that all trades are added."""
        found = list(self.findings)
        for several in self._series.values():
            for series in several:
                found += series.findings()
        return found


async def _read(connection: Any, market: MarketState, interval_s: int, series: _Series, gone: Pruned) -> str | None:
    """Read a series as far as the snapshot has its trades; what is wrong with one of its candles."""
    last, dropped = 0, gone.of_market(market.instrument.symbol)[0]
    minutes_s = gone.minutes_s if interval_s == INTERVALS_S[0] else 0
    async for row in _rows(connection, market.instrument.symbol, interval_s):
        if row["first_market_trade_id"] > market.trade_sequence:
            break
        if row["open_s"] < minutes_s or (minutes_s and not last):
            # Minutes are dropped: the one that is left of before has not all of them before it.
            last = row["first_market_trade_id"] - 1
        if wrong := _wrong(row, last, interval_s):
            return f"the candle of {series.name} at {row['open_s']} {wrong}"
        last = row["last_market_trade_id"]
        if last > market.trade_sequence:
            break
        if row["first_market_trade_id"] <= dropped:
            series.first_market_trade_id = last + 1
            continue
        if not series.last_market_trade_id:
            series.first_market_trade_id = row["first_market_trade_id"]
        series.last_market_trade_id = last
        for index, name in enumerate(SUMS):
            series.candles[index] += int(row[name])
    if last < market.trade_sequence:
        return f"the candles of {series.name} end at market_trade_id {last}, and it counts {market.trade_sequence}"
    return None


def _wrong(row: Any, last: int, interval_s: int) -> str | None:
    first, end = row["first_market_trade_id"], row["last_market_trade_id"]
    if first != last + 1:
        return f"begins with market_trade_id {first}, after {last}"
    if row["trades"] != end - first + 1:
        return f"has {row['trades']} trades, and market_trade_ids {first} to {end}"
    low, high = row["low_ticks"], row["high_ticks"]
    if not (low <= row["open_ticks"] <= high and low <= row["close_ticks"] <= high):
        return "opens or closes outside of its low and high"
    if row["open_s"] % interval_s:
        return "begins at no multiple of its interval"
    return None


async def _rows(connection: Any, symbol: str, interval_s: int) -> AsyncIterator[Any]:
    after = -1
    while True:
        rows = await connection.fetch(
            "SELECT * FROM candles WHERE market = $1 AND interval_s = $2 AND open_s > $3 ORDER BY open_s LIMIT $4",
            *(symbol, interval_s, after, PAGE),
        )
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1]["open_s"]
