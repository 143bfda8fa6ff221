"""The streams of tickers: what traded in the last 24 hours or in a shorter window, and the average price.

They look once a second, and tell what has changed since. A stream of all markets tells those that have changed.
"""

from typing import Any, Final, Protocol

from exchange.api.binance.numbers import ZERO, amount, price, price_ratio, quantity, ratio, text_of
from exchange.api.binance.streams_base import MarketStream, Source, Stream, Tick
from exchange.api.binance.streams_book import best_fields
from exchange.api.binance.streams_names import WINDOWS
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.core.average import average_price
from exchange.core.candles import Candle
from exchange.core.instrument import Instrument
from exchange.core.market_data import MarketView

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


def _begin_s(now_ns: int, length_s: int) -> int:
    """The whole minute at which a window begins that is at least so long."""
    return (now_ns // NS_PER_S - length_s) // MINUTE_S * MINUTE_S


def _day_begin_s(now_ns: int) -> int:
    """The whole minute at which the last 24 hours begin, this minute included, as the exchange keeps them."""
    return now_ns // NS_PER_S // MINUTE_S * MINUTE_S - DAY_S + MINUTE_S


def _prices(rules: Instrument, window: Candle | None, view: MarketView) -> Fields:
    """Close, open, high, low and volumes."""
    last = view.last_ticks or 0
    opened, high, low, close = (last, last, last, last) if window is None else window.prices()
    return {
        "c": price(rules, close),
        "o": price(rules, opened),
        "h": price(rules, high),
        "l": price(rules, low),
        "v": ZERO if window is None else quantity(rules, window.volume_lots),
        "q": amount(rules.quote, 0 if window is None else window.quote_minor),
    }


def _change(rules: Instrument, window: Candle | None) -> Fields:
    """How the price has changed, and the average weighted by volume."""
    if window is None:
        return {"p": ZERO, "P": "0.000", "w": ZERO}
    change = window.close_ticks - window.open_ticks
    return {
        "p": text_of(change * rules.tick, rules.price_decimals),
        "P": ratio(change * 100, window.open_ticks, 3) if window.open_ticks else "0.000",
        "w": price_ratio(rules, window.quote_minor, rules.notional_unit * window.volume_lots),
    }


def _counts(window: Candle | None) -> Fields:
    """Which trades it is of."""
    if window is None:
        return {"F": -1, "L": -1, "n": 0}
    return {"F": window.first_market_trade_id, "L": window.last_market_trade_id, "n": window.trades}


class MiniTicker:
    """The last 24 hours in short."""

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, and the minute that the 24 hours begin at."""
        return view.changed.trade_sequence, _day_begin_s(now_ns)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        window = view.window(_day_begin_s(now_ns))
        head = {"e": "24hrMiniTicker", "E": now_ns // unit_ns, "s": symbol_of(rules)}
        return {**head, **_prices(rules, window, view)}


class DayTicker:
    """The last 24 hours, and the best of the book."""

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, the best of the book, and the minute that the 24 hours begin at."""
        return view.changed.trade_sequence, view.changed.best_sequence, _day_begin_s(now_ns)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        begins_s = _day_begin_s(now_ns)
        window = view.window(begins_s)
        before = view.close_before(begins_s)
        if before is None:
            before = window.open_ticks if window is not None else view.last_ticks or 0
        return {
            "e": "24hrTicker",
            "E": now_ns // unit_ns,
            "s": symbol_of(rules),
            **_change(rules, window),
            "x": price(rules, before),
            "Q": quantity(rules, view.last_lots),
            **best_fields(rules, view.changed),
            **_prices(rules, window, view),
            "O": (now_ns - DAY_S * NS_PER_S) // unit_ns,
            "C": now_ns // unit_ns,
            **_counts(window),
        }


class WindowTicker:
    """A rolling window, which begins at a whole minute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._length_s = WINDOWS[name]

    def seen(self, view: MarketView, now_ns: int) -> Seen:
        """Trades, and the minute that it begins at."""
        return view.changed.trade_sequence, _begin_s(now_ns, self._length_s)

    def fields(self, rules: Instrument, view: MarketView, now_ns: int, unit_ns: int) -> Fields:
        """The event."""
        begins_s = _begin_s(now_ns, self._length_s)
        window = view.window(begins_s)
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
