"""Candles: those that are stored, put together to the interval that is asked for, with empty ones in between.

An interval in which nothing was traded has the last price before it four times. There is none before the first trade.
"""

import asyncio
from typing import Any, Final

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.intervals import YEAR_MAX, Interval, interval_of
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.time_zones import time_zone_s
from exchange.api.binance.windows import time_range
from exchange.core.candles import Candle
from exchange.core.events import INTERVALS_S
from exchange.core.instrument import Instrument
from exchange.service.service import Service
from exchange.service.tape import Tape

LIMIT_MAX: Final = 1000
LIMIT_USUAL: Final = 500
STORED_MAX: Final = 50_000  # stored candles that one call may need; then it gives fewer
ROWS_MAX: Final = 1000  # that one query gives
PIECE: Final = 250  # candles that are encoded in one turn of the loop
SECOND_NS: Final = 1_000_000_000
TIME_MAX_S: Final = (YEAR_MAX - 1970) * 365 * 86_400


class KlineCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols, tape: Tape) -> None:
        self._service = service
        self._symbols = symbols
        self._tape = tape
        self._firsts: dict[tuple[str, int], int] = {}  # when the first stored candle of a market begins

    async def klines(self, asked: Asked) -> Any:
        """Candles of a market, oldest first."""
        params = asked.params
        rules = self._symbols.rules(params.needed("symbol"))
        interval = interval_of(params.needed("interval"), time_zone_s(params))
        limit = params.limit(LIMIT_USUAL, LIMIT_MAX)
        start_ns, end_ns = time_range(params, None)
        params.done()
        limit = max(1, min(limit, STORED_MAX // interval.pieces))
        now_s = self._service.reading.time_ns() // SECOND_NS
        first_s = await self._first_s(rules.symbol, interval)
        if first_s is None:
            return []
        # Both are of beginnings: the first at or after the start, the last before the end.
        last_s = interval.begin_s(min(now_s, TIME_MAX_S if end_ns is None else (end_ns - 1) // SECOND_NS))
        if start_ns is None:
            begin_s = interval.back_s(last_s, limit - 1)
        else:
            start_s = min(-(-start_ns // SECOND_NS), TIME_MAX_S)
            begin_s = interval.begin_s(start_s)
            if begin_s < start_s:
                begin_s = interval.next_s(begin_s)
        begin_s = max(begin_s, interval.begin_s(first_s))
        if begin_s > last_s:
            return []
        begins = [begin_s]
        while len(begins) < limit and (following := interval.next_s(begins[-1])) <= last_s:
            begins.append(following)
        return await self._encoded(await self._filled(rules, interval, begins), rules, interval, asked)

    async def _first_s(self, market: str, interval: Interval) -> int | None:
        """When the first stored candle of a market begins, of those that an interval is made of."""
        stored_s = max(interval.stored_s, INTERVALS_S[0])
        key = (market, stored_s)
        if key not in self._firsts:
            found = await self._service.reading.candles(market, stored_s, 0, None, 1)
            if not found:
                return None
            self._firsts[key] = found[0].open_s
        return self._firsts[key]

    async def _filled(self, rules: Instrument, interval: Interval, begins: list[int]) -> list[Candle]:
        """A candle for each beginning."""
        end_s = interval.next_s(begins[-1])
        stored = await self._stored(rules.symbol, interval, begins[0], end_s)
        made, at, last_ticks = [], 0, None
        for begin_s in begins:
            following_s, candle = interval.next_s(begin_s), None
            while at < len(stored) and stored[at].open_s < following_s:
                if candle is None:
                    candle = stored[at].copy()
                    candle.open_s = begin_s
                else:
                    candle.merge(stored[at])
                at += 1
            if candle is None:
                if last_ticks is None:
                    last_ticks = await self._close_before(rules.symbol, interval, begin_s)
                candle = Candle(begin_s, last_ticks or 0, 0)
            last_ticks = candle.close_ticks
            if last_ticks or candle.trades:
                made.append(candle)
        return made

    async def _stored(self, market: str, interval: Interval, begin_s: int, end_s: int) -> list[Candle]:
        if interval.stored_s == 1:
            return list(await self._tape.seconds(market, begin_s, end_s))
        found: list[Candle] = []
        while begin_s < end_s:
            rows = await self._service.reading.candles(market, interval.stored_s, begin_s, end_s, ROWS_MAX)
            found += rows
            if len(rows) < ROWS_MAX:
                break
            begin_s = rows[-1].open_s + 1
        return found

    async def _close_before(self, market: str, interval: Interval, time_s: int) -> int | None:
        """The last price before a time."""
        if interval.stored_s == 1:
            minute_s = time_s // 60 * 60
            seconds = await self._tape.seconds(market, minute_s, time_s)
            if seconds:
                return seconds[-1].close_ticks
            time_s = minute_s
        stored_s = max(interval.stored_s, INTERVALS_S[0])
        rows = await self._service.reading.candles(market, stored_s, None, time_s, 1)
        return rows[0].close_ticks if rows else None

    async def _encoded(
        self, candles: list[Candle], rules: Instrument, interval: Interval, asked: Asked
    ) -> list[list[Any]]:
        made = []
        for at, candle in enumerate(candles):
            if at % PIECE == PIECE - 1:
                await asyncio.sleep(0)
            made.append(kline(candle, rules, interval, asked))
        return made


def kline(candle: Candle, rules: Instrument, interval: Interval, asked: Asked) -> list[Any]:
    """A candle as this dialect shows it."""
    close_ns = interval.next_s(candle.open_s) * SECOND_NS
    opened, high, low, close = (numbers.price(rules, ticks) for ticks in candle.prices())
    return [
        asked.time(candle.open_s * SECOND_NS),
        opened,
        high,
        low,
        close,
        numbers.quantity(rules, candle.volume_lots),
        asked.time(close_ns) - 1,
        numbers.amount(rules.quote, candle.quote_minor),
        candle.trades,
        numbers.quantity(rules, candle.taker_buy_lots),
        numbers.amount(rules.quote, candle.taker_buy_quote_minor),
        "0",
    ]
