"""Statistics of markets over windows of time: the last 24 hours, the day so far, and any window of minutes to days.

Windows are of whole minutes. Up to a day memory answers, longer ones are put together from stored candles.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.market_calls import MarketCalls, best, in_pieces
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.symbols import symbol_of
from exchange.api.binance.time_zones import time_zone_s
from exchange.core.instrument import Instrument
from exchange.core.market_data import Day, MarketView
from exchange.service.history import Page
from exchange.service.service import Service

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
SECOND_NS: Final = 1_000_000_000
_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])")
_UNITS: Final = {"m": (MINUTE_S, 59), "h": (HOUR_S, 23), "d": (DAY_S, 7)}


class TickerCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, markets: MarketCalls) -> None:
        self._service = service
        self._markets = markets
        self._last_lots: dict[str, int] = {}  # of markets that have not traded since the start

    async def day(self, asked: Asked) -> Any:
        """The last 24 hours."""
        markets, single = self._markets.chosen(asked.params)
        full = _full(asked.params)
        asked.params.done()
        made = []
        async for rules in in_pieces(markets):
            last_lots = await self._last_quantity(rules) if full else 0
            view, now_ns = self._view(rules)
            begin_s = now_ns // SECOND_NS // MINUTE_S * MINUTE_S - DAY_S + MINUTE_S
            shown = statistics(view.since(begin_s), view, rules, full=full)
            if full:
                shown |= _book(view, rules, last_lots) | {"prevClosePrice": shown["openPrice"]}
            made.append(shown | _times(asked, begin_s * SECOND_NS, now_ns))
        return made[0] if single else made

    async def trading_day(self, asked: Asked) -> Any:
        """The day so far, in a time zone."""
        markets, single = self._markets.chosen(asked.params, needed=True)
        zone_s, full = time_zone_s(asked.params), _full(asked.params)
        asked.params.done()
        made = []
        for rules in markets:
            view, now_ns = self._view(rules)
            begin_s = (now_ns // SECOND_NS + zone_s) // DAY_S * DAY_S - zone_s
            end_ns = (begin_s + DAY_S) * SECOND_NS
            shown = statistics(view.since(begin_s), view, rules, full=full)
            made.append(shown | _times(asked, begin_s * SECOND_NS, end_ns - asked.unit_ns))
        return made[0] if single else made

    async def window(self, asked: Asked) -> Any:
        """Any window of whole minutes, up to seven days."""
        markets, single = self._markets.chosen(asked.params, needed=True)
        window_s, full = window_length_s(asked.params), _full(asked.params)
        asked.params.done()
        made = []
        for rules in markets:
            now_ns = self._service.reading.time_ns()
            begin_s = (now_ns // SECOND_NS - window_s) // MINUTE_S * MINUTE_S
            day = await self._long(rules, begin_s) if window_s > DAY_S - 2 * MINUTE_S else None
            view, now_ns = self._view(rules)
            shown = statistics(day or view.since(begin_s), view, rules, full=full)
            made.append(shown | _times(asked, begin_s * SECOND_NS, now_ns))
        return made[0] if single else made

    # --- parts

    def _view(self, rules: Instrument) -> tuple[MarketView, int]:
        return self._service.reading.view(rules.symbol), self._service.reading.time_ns()

    async def _long(self, rules: Instrument, begin_s: int) -> Day:
        """A window from stored candles: minutes up to a full hour, then hours."""
        reading, day = self._service.reading, Day()
        hour_s = -(-begin_s // HOUR_S) * HOUR_S
        for interval_s, start_s, end_s in ((MINUTE_S, begin_s, hour_s), (HOUR_S, hour_s, None)):
            for candle in await reading.candles(rules.symbol, interval_s, start_s, end_s, 1000):
                day.begin(candle)
        return day

    async def _last_quantity(self, rules: Instrument) -> int:
        """The quantity of the last trade; from the database where it was before the start of the exchange."""
        view = self._service.reading.view(rules.symbol)
        if view.last_lots is not None or view.last_ticks is None:
            return view.last_lots or 0
        if rules.symbol not in self._last_lots:
            found: Sequence[Any] = await self._service.reading.trades(rules.symbol, Page(1))
            self._last_lots[rules.symbol] = found[0].quantity_lots if found else 0
        return self._last_lots[rules.symbol]


def window_length_s(params: Parameters) -> int:
    """The parameter windowSize. Raises BinanceError."""
    text = params.text("windowSize")
    if text is None:
        return DAY_S
    found = _WINDOW.fullmatch(text)
    if found is None or int(found[1]) > _UNITS[found[2]][1]:
        raise BinanceError(-1130, "Data sent for parameter 'windowSize' is not valid.")
    return int(found[1]) * _UNITS[found[2]][0]


def _full(params: Parameters) -> bool:
    kind = params.text("type")
    if kind not in (None, "FULL", "MINI"):
        raise BinanceError(-1139, "Invalid ticker type.")
    return kind != "MINI"


def statistics(day: Day, view: MarketView, rules: Instrument, *, full: bool) -> dict[str, Any]:
    """What was traded in a window; where nothing was, the last price is that of before."""
    last = view.last_ticks or 0
    opened, high, low = (last if ticks is None else ticks for ticks in day.prices)
    first_id, last_id = day.ids
    made: dict[str, Any] = {"symbol": symbol_of(rules)}
    if full:
        # In ticks, so that no scale of an asset matters.
        worth, volume = day.quote_minor, day.volume_lots * rules.notional_unit
        average = numbers.price_ratio(rules, worth, volume) if volume else numbers.ZERO
        made |= {
            "priceChange": numbers.price(rules, last - opened),
            "priceChangePercent": numbers.ratio((last - opened) * 100, opened, 3) if opened else "0.000",
            "weightedAvgPrice": average,
        }
    return made | {
        "openPrice": numbers.price(rules, opened),
        "highPrice": numbers.price(rules, high),
        "lowPrice": numbers.price(rules, low),
        "lastPrice": numbers.price(rules, last),
        "volume": numbers.quantity(rules, day.volume_lots),
        "quoteVolume": numbers.amount(rules.quote, day.quote_minor),
        "firstId": first_id,
        "lastId": last_id,
        "count": day.trades,
    }


def _book(view: MarketView, rules: Instrument, last_lots: int) -> dict[str, str]:
    return {"lastQty": numbers.quantity(rules, last_lots)} | best(view.changed, rules)


def _times(asked: Asked, open_ns: int, close_ns: int) -> dict[str, int]:
    return {"openTime": asked.time(open_ns), "closeTime": asked.time(close_ns)}
