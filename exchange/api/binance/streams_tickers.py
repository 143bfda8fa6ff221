"""The streams of tickers: what traded in the last 24 hours or in a shorter window, and the average price.

They look once a second, and tell what has changed since. A stream of all markets tells those that have changed.
"""

import contextlib
from typing import Any, Final, Protocol

from exchange.api.binance.numbers import ZERO, amount, price, price_ratio, quantity, ratio, text_of
from exchange.api.binance.streams_base import MarketStream, Source, Stream, Tick
from exchange.api.binance.streams_book import best_fields
from exchange.api.binance.streams_names import WINDOWS
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.core.average import average_price
from exchange.core.instrument import Instrument
from exchange.core.market_data import Day, MarketView
from exchange.pipeline.outcomes import Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.history import Page

NS_PER_S: Final = 1_000_000_000
MINUTE_S: Final = 60
DAY_S: Final = 86_400

Fields = dict[str, Any]
Seen = tuple[int, ...]
"""What a ticker depends on: it is told again when this has changed."""


class Ticker(Protocol):
    """One kind of ticker."""

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """What it depends on now."""

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""


class LastLots:
    """The quantity of each market's last trade: that of one before the start is looked up once, when it is wanted."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: dict[str, int] = {}

    def of(self, view: MarketView) -> int:
        """The quantity, 0 until it is known."""
        if view.last_lots is not None or view.last_ticks is None:
            return view.last_lots or 0
        if view.symbol not in self._found:
            self._found[view.symbol] = 0
            with contextlib.suppress(Overloaded):
                self._source.tasks.start(lambda: self._look_up(view.symbol), "look up a last trade")
        return self._found[view.symbol]

    async def _look_up(self, market: str) -> None:
        try:
            found = await self._source.reading.trades(market, Page(1))
        except (HistoryUnavailable, Overloaded, Stopping):
            del self._found[market]
            return
        if found:
            self._found[market] = found[0].quantity_lots


def _day_begin_s(now_ns: int) -> int:
    """The whole minute at which the last 24 hours begin, this minute included, as the exchange keeps them."""
    return now_ns // NS_PER_S // MINUTE_S * MINUTE_S - DAY_S + MINUTE_S


def _prices(rules: Instrument, window: Day, view: MarketView) -> Fields:
    """Close, open, high, low and volumes; the last price where nothing was traded."""
    last = view.last_ticks or 0
    opened, high, low = window.prices
    return {
        "c": price(rules, last),
        "o": price(rules, last if opened is None else opened),
        "h": price(rules, last if high is None else high),
        "l": price(rules, last if low is None else low),
        "v": quantity(rules, window.volume_lots),
        "q": amount(rules.quote, window.quote_minor),
    }


def _change(rules: Instrument, window: Day) -> Fields:
    """How the price has changed, and the average weighted by volume."""
    opened, close = window.prices[0], window.last_ticks
    if opened is None or close is None:
        return {"p": ZERO, "P": "0.000", "w": ZERO}
    return {
        "p": text_of((close - opened) * rules.tick, rules.price_decimals),
        "P": ratio((close - opened) * 100, opened, 3) if opened else "0.000",
        "w": price_ratio(rules, window.quote_minor, rules.notional_unit * window.volume_lots),
    }


def _counts(window: Day) -> Fields:
    """Which trades it is of."""
    first_id, last_id = window.ids
    return {"F": first_id, "L": last_id, "n": window.trades}


class MiniTicker:
    """The last 24 hours in short."""

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, and the minute that the 24 hours begin at."""
        return view.changed.trade_sequence, _day_begin_s(now_ns)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        head = {"e": "24hrMiniTicker", "E": now_ns // unit_ns, "s": symbol_of(rules)}
        return {**head, **_prices(rules, view.since(_day_begin_s(now_ns)), view)}


class DayTicker:
    """The last 24 hours, and the best of the book."""

    def __init__(self, last_lots: LastLots) -> None:
        self._last_lots = last_lots

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, the best of the book, and the minute that the 24 hours begin at."""
        changed, last_lots = view.changed, self._last_lots.of(view)
        return changed.trade_sequence, changed.best_sequence, last_lots, _day_begin_s(now_ns)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        window = view.since(_day_begin_s(now_ns))
        prices = _prices(rules, window, view)
        return {
            "e": "24hrTicker",
            "E": now_ns // unit_ns,
            "s": symbol_of(rules),
            **_change(rules, window),
            "x": prices["o"],
            "Q": quantity(rules, self._last_lots.of(view)),
            **best_fields(rules, view.changed),
            **prices,
            "O": _day_begin_s(now_ns) * NS_PER_S // unit_ns,
            "C": now_ns // unit_ns,
            **_counts(window),
        }


class WindowTicker:
    """A rolling window, which begins at a whole minute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._length_s = WINDOWS[name]

    def _begin_s(self, now_ns: int) -> int:
        """Memory keeps no more than the last 24 hours: a window of a day begins a minute later than it should."""
        return max((now_ns // NS_PER_S - self._length_s) // MINUTE_S * MINUTE_S, _day_begin_s(now_ns))

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, and the minute that it begins at."""
        return view.changed.trade_sequence, self._begin_s(now_ns)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        begins_s = self._begin_s(now_ns)
        window = view.since(begins_s)
        return {
            "e": f"{self._name}Ticker",
            "E": now_ns // unit_ns,
            "s": symbol_of(rules),
            **_change(rules, window),
            **_prices(rules, window, view),
            "O": begins_s * NS_PER_S // unit_ns,
            "C": now_ns // unit_ns,
            **_counts(window),
        }


class TickerStream(MarketStream):
    """A ticker of one market."""

    def __init__(self, source: Source, name: str, rules: Instrument, symbol: str, ticker: Ticker) -> None:
        super().__init__(source, name, rules, symbol)
        self._ticker = ticker
        self._seen: Seen | None = None

    def joined(self) -> None:
        """Tell it as it is to who is new."""
        self._seen = None

    def tick(self, tick: Tick) -> None:
        """Tell it if it has changed."""
        if not tick.every(1):
            return
        view, rules = self.view, self.rules
        seen = self._ticker.seen(view, tick.now_ns)
        if seen == self._seen:
            return
        self._seen = seen
        self.publish(lambda unit_ns: self._ticker.fields(rules, view, tick.now_ns, unit_ns), newest=True)


class AllTickersStream(Stream):
    """A ticker of all markets: an array of those that have changed."""

    def __init__(self, source: Source, name: str, symbols: Symbols, ticker: Ticker) -> None:
        super().__init__(source, name)
        self._symbols = symbols
        self._ticker = ticker
        self._seen: dict[str, Seen] = {}

    def tick(self, tick: Tick) -> None:
        """Tell those that have changed."""
        if not tick.every(1):
            return
        changed: list[tuple[Instrument, MarketView]] = []
        for rules in self._symbols:
            view = self.source.feeds.data.find(rules.symbol)
            if view is None:
                continue
            seen = self._ticker.seen(view, tick.now_ns)
            if self._seen.get(rules.symbol) != seen:
                self._seen[rules.symbol] = seen
                changed.append((rules, view))
        if changed:
            self.publish(
                lambda unit_ns: [self._ticker.fields(rules, view, tick.now_ns, unit_ns) for rules, view in changed]
            )


class AverageStream(MarketStream):
    """`<symbol>@avgPrice`: the average price that market orders are judged by."""

    _seen: tuple[str, int] | None = None

    def joined(self) -> None:
        """Tell it as it is to who is new."""
        self._seen = None

    def tick(self, tick: Tick) -> None:
        """Tell it if it has changed."""
        if not tick.every(1):
            return
        changed, rules = self.view.changed, self.source.engine.venue.markets[self.rules.symbol].instrument
        average = average_price(changed.average, rules.avg_price_mins, tick.now_ns)
        if average is None:
            return
        shown, last_ns = price_ratio(rules, *average), changed.last_trade_ns
        if (shown, last_ns) == self._seen:
            return
        self._seen = (shown, last_ns)

        def payload(unit_ns: int) -> Fields:
            return {
                "e": "avgPrice",
                "E": tick.now_ns // unit_ns,
                "s": self.symbol,
                "i": f"{rules.avg_price_mins}m",
                "w": shown,
                "T": last_ns // unit_ns,
            }

        self.publish(payload, newest=True)
