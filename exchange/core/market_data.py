"""The public view of markets, folded from released events: books by level, the last day's ticker, running candles.

`MarketData.apply` takes a command's events in and returns their events on the public channels that have subscribers.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from exchange.core.book import Book
from exchange.core.candles import Candle, open_s
from exchange.core.events import INTERVALS_S, Event, LevelChanged, MarketChanged, MarketSet, TimePassed, Trade
from exchange.core.instrument import Instrument
from exchange.core.public import (
    FIRST_CANDLE,
    PUBLIC_KINDS,
    CandleUpdate,
    Channel,
    DepthDiff,
    Kind,
    PublicEvent,
    Ticker,
)

MINUTE_S = INTERVALS_S[0]
LONGER_S = INTERVALS_S[1:]
DAY_S = 86_400
NONE_CLOSED: Sequence[Candle | None] = (None,) * len(INTERVALS_S)


class Day:
    """The trades of the last 24 hours, minute by minute, with running sums."""

    __slots__ = ("_high_ticks", "_low_ticks", "_minutes", "quote_minor", "trades", "volume_lots")

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque()  # those that had trades; the last may still grow
        self._high_ticks: int | None = None
        self._low_ticks: int | None = None
        self.volume_lots = 0
        self.quote_minor = 0
        self.trades = 0

    def begin(self, minute: Candle) -> None:
        """Add a minute, with what it holds so far."""
        self._minutes.append(minute)
        self._count(minute.high_ticks, minute.low_ticks, minute.volume_lots, minute.quote_minor, minute.trades)

    def add(self, trade: Trade) -> None:
        """A trade has been added to the last minute."""
        self._count(trade.price_ticks, trade.price_ticks, trade.quantity_lots, trade.quote_minor, 1)

    def _count(self, high_ticks: int, low_ticks: int, volume_lots: int, quote_minor: int, trades: int) -> None:
        self._high_ticks = high_ticks if self._high_ticks is None else max(self._high_ticks, high_ticks)
        self._low_ticks = low_ticks if self._low_ticks is None else min(self._low_ticks, low_ticks)
        self.volume_lots += volume_lots
        self.quote_minor += quote_minor
        self.trades += trades

    def forget_before(self, time_s: int) -> None:
        """Drop the minutes that began before."""
        minutes, forgotten = self._minutes, False
        while minutes and minutes[0].open_s < time_s:
            minute = minutes.popleft()
            self.volume_lots -= minute.volume_lots
            self.quote_minor -= minute.quote_minor
            self.trades -= minute.trades
            forgotten = forgotten or minute.high_ticks == self._high_ticks or minute.low_ticks == self._low_ticks
        if forgotten:
            self._high_ticks = max((minute.high_ticks for minute in minutes), default=None)
            self._low_ticks = min((minute.low_ticks for minute in minutes), default=None)

    def begins_before(self, time_s: int) -> bool:
        """Whether a minute of it does."""
        return bool(self._minutes) and self._minutes[0].open_s < time_s

    def since(self, time_s: int) -> "Day":
        """What of it began then or later."""
        day = Day()
        for minute in self._minutes:
            if minute.open_s >= time_s:
                day.begin(minute)
        return day

    @property
    def last_ticks(self) -> int | None:
        """The last price."""
        return self._minutes[-1].close_ticks if self._minutes else None

    @property
    def ids(self) -> tuple[int, int]:
        """The first and the last `market_trade_id`; -1 where there is none."""
        minutes = self._minutes
        return (minutes[0].first_market_trade_id, minutes[-1].last_market_trade_id) if minutes else (-1, -1)

    @property
    def prices(self) -> tuple[int | None, int | None, int | None]:
        """Open, high and low."""
        return (self._minutes[0].open_ticks if self._minutes else None), self._high_ticks, self._low_ticks


def _day_s(time_ns: int) -> int:
    """When the last 24 hours, whole minutes of them, began as of this time."""
    return time_ns // 1_000_000_000 // MINUTE_S * MINUTE_S - DAY_S + MINUTE_S


class MarketView:
    """One market as the public sees it.

    Only the running minute takes trades; a longer candle is what was before that minute, and is read with it.
    `bids` and `asks` are the total of each level by price. `wanted` says how many listen to each kind of channel.
    """

    def __init__(self, changed: MarketChanged) -> None:
        self.symbol = changed.market
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.wanted = [0] * PUBLIC_KINDS
        self.any_wanted = 0
        self.changed = changed
        self.last_ticks: int | None = None
        self.last_lots: int | None = None  # of the last trade since the exchange started
        self._minute: Candle | None = None
        self._longer: list[Candle | None] = [None] * len(LONGER_S)
        self._closed = list(changed.candles)
        self._trades = changed.trade_sequence
        self._day = Day()

    def restore_book(self, book: Book) -> None:
        """Go on from the levels of a book that nothing has changed since."""
        self.bids, self.asks = (dict(side.depth(len(side.levels))) for side in book.sides)

    def restore(self, minutes: list[Candle], last: list[Candle | None], now_s: int) -> None:
        """Go on from stored candles: the minutes of the last day, and the last candle of each interval.

        A candle whose time is over counts as ended, whether or not the exchange was running then.
        """
        for minute in minutes:
            self._day.begin(minute)
        running = [
            candle if candle is not None and candle.open_s + interval_s > now_s else None
            for candle, interval_s in zip(last, INTERVALS_S, strict=True)
        ]
        for interval, candle in enumerate(running):
            self._closed[interval] -= candle is not None
        self.last_ticks = next((candle.close_ticks for candle in last if candle is not None), None)
        self._longer = running[1:]
        if running[0] is not None:
            self._minute = minutes[-1]  # the same one: it grows here and in the day
            for candle in self._longer:
                assert candle is not None
                candle.without(self._minute)

    def add(self, trade: Trade) -> None:
        """Take a released trade in; the candles that it is past are closed already."""
        self.last_ticks = trade.price_ticks
        self.last_lots = trade.quantity_lots
        self._trades = trade.market_trade_id
        minute = self._minute
        if minute is None:
            begin_s = open_s(trade.time_ns, MINUTE_S)
            minute = self._minute = Candle(begin_s, trade.price_ticks, trade.market_trade_id)
            self._day.begin(minute)
        minute.add(trade)
        self._day.add(trade)

    def candle(self, interval: int) -> Candle | None:
        """A copy of the running candle of an interval."""
        minute = self._minute
        if interval == 0:
            return None if minute is None else minute.copy()
        longer = self._longer[interval - 1]
        if longer is not None:
            longer = longer.copy()
            if minute is not None:
                longer.merge(minute)
        elif minute is not None:
            longer = minute.copy()
            longer.open_s = minute.open_s // INTERVALS_S[interval] * INTERVALS_S[interval]
        return longer

    def close_candles(self, time_ns: int) -> Sequence[Candle | None]:
        """End the candles whose time is over; each interval's, or None."""
        time_s, minute = time_ns // 1_000_000_000, self._minute
        if minute is not None and time_s < minute.open_s + MINUTE_S:
            return NONE_CLOSED
        self.forget(time_ns)
        closed: list[Candle | None] = [minute]
        if minute is not None:
            self._longer = [self.candle(interval) for interval in range(1, len(INTERVALS_S))]
            self._minute = None
            self._closed[0] += 1
        for index, candle in enumerate(self._longer):
            over = candle is not None and time_s >= candle.open_s + LONGER_S[index]
            closed.append(candle if over else None)
            if over:
                self._longer[index] = None
                self._closed[index + 1] += 1
        return closed

    def ends_by(self, time_ns: int) -> bool:
        """Whether a candle's time is over that has not ended."""
        time_s = time_ns // 1_000_000_000
        return any(
            candle is not None and time_s >= candle.open_s + interval_s
            for candle, interval_s in zip((self._minute, *self._longer), INTERVALS_S, strict=True)
        )

    def candle_sequence(self, interval: int) -> int:
        """How many events the channel of this interval has had: one a trade, and one a candle that ended."""
        return self._trades + self._closed[interval]

    def forget(self, time_ns: int) -> None:
        """Drop what is no more of the last 24 hours, now that so much time has passed for certain."""
        self._day.forget_before(_day_s(time_ns))

    def ticker(self, now_ns: int) -> Ticker:
        """The last 24 hours as of this time, which may be a clock's that is wrong: nothing is forgotten for it."""
        day = self.since(_day_s(now_ns))
        return Ticker(
            self.symbol,
            self.last_ticks,
            self.changed.best_bid,
            self.changed.best_ask,
            *day.prices,
            day.volume_lots,
            day.quote_minor,
            day.trades,
            now_ns,
            self.changed.status,
        )

    def since(self, time_s: int) -> Day:
        """What was traded since a minute of the last 24 hours. To be read before anything else happens."""
        return self._day.since(time_s) if self._day.begins_before(time_s) else self._day

    # --- folding

    def take_trade(self, trade: Trade, public: list[PublicEvent]) -> None:
        """Take in a released trade, after the candles that it ends."""
        wanted = self.wanted if self.any_wanted else None
        if wanted is not None and wanted[Kind.TRADE]:
            public.append(PublicEvent(Channel(Kind.TRADE, self.symbol), trade.market_trade_id, trade))
        self.end_candles(trade.time_ns, public)
        self.add(trade)
        if wanted is not None:
            for interval in range(len(INTERVALS_S)):
                candle = self.candle(interval) if wanted[FIRST_CANDLE + interval] else None
                if candle is not None:
                    self._tell_candle(interval, candle, False, public)

    def end_candles(self, time_ns: int, public: list[PublicEvent]) -> None:
        """End the candles whose time is over."""
        closed = self.close_candles(time_ns)
        if closed is NONE_CLOSED:
            return
        for interval, candle in enumerate(closed):
            if candle is not None and self.wanted[FIRST_CANDLE + interval]:
                self._tell_candle(interval, candle, True, public)

    def _tell_candle(self, interval: int, candle: Candle, closed: bool, public: list[PublicEvent]) -> None:
        channel = Channel(FIRST_CANDLE + interval, self.symbol)
        update = CandleUpdate(self.symbol, candle, closed)
        public.append(PublicEvent(channel, self.candle_sequence(interval), update))

    def take_change(
        self, changed: MarketChanged, levels: list[LevelChanged], time_ns: int, public: list[PublicEvent]
    ) -> None:
        """Take in what a command left of the market: the levels it changed, the best, and the status."""
        better = changed.best_sequence != self.changed.best_sequence
        self.changed = changed
        for level in levels:
            side = self.asks if level.side else self.bids
            if level.total_lots:
                side[level.price_ticks] = level.total_lots
            else:
                side.pop(level.price_ticks, None)
        if not self.any_wanted:
            return
        wanted, symbol = self.wanted, self.symbol
        if levels and wanted[Kind.DEPTH]:
            diff = DepthDiff(symbol, levels[0].book_sequence, changed.book_sequence, {}, {})
            for level in levels:
                (diff.asks if level.side else diff.bids)[level.price_ticks] = level.total_lots
            public.append(PublicEvent(Channel(Kind.DEPTH, symbol), changed.depth_sequence, diff))
        if better and wanted[Kind.BOOK_TICKER]:
            public.append(PublicEvent(Channel(Kind.BOOK_TICKER, symbol), changed.best_sequence, changed))
        if better and wanted[Kind.TICKER]:
            self.forget(time_ns)
            public.append(PublicEvent(Channel(Kind.TICKER, symbol), changed.best_sequence, self.ticker(time_ns)))

    def channel_sequence(self, kind: int) -> int:
        """How far a channel of this market has counted."""
        if kind == Kind.TRADE:
            return self.changed.trade_sequence
        if kind == Kind.DEPTH:
            return self.changed.depth_sequence
        return self.candle_sequence(kind - FIRST_CANDLE) if kind >= FIRST_CANDLE else self.changed.best_sequence


class MarketData:
    """Every market's view, as of `sequence`."""

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self._views: dict[str, MarketView] = {}

    def __iter__(self) -> Iterator[MarketView]:
        return iter(self._views.values())

    def apply(self, sequence: int, time_ns: int, events: list[Event]) -> list[PublicEvent]:
        """Take in a released command: its events on the wanted channels, in order."""
        self.sequence = sequence
        public: list[PublicEvent] = []
        levels: list[LevelChanged] = []
        for event in events:
            if isinstance(event, LevelChanged):
                levels.append(event)
            elif isinstance(event, MarketChanged):
                self._views[event.market].take_change(event, levels, time_ns, public)
                levels = []
            elif isinstance(event, Trade):
                self._views[event.market].take_trade(event, public)
            elif isinstance(event, MarketSet):
                self.set_market(event.instrument)
            elif isinstance(event, TimePassed):
                # Candles end by the clock, also where nothing trades any more.
                for view in self._views.values():
                    view.end_candles(time_ns, public)
        return public

    def want(self, channel: Channel, change: int) -> None:
        """Count those who listen to a public channel: only channels with a subscriber are made events of."""
        view = self._views[channel.subject]
        view.wanted[channel.kind] += change
        view.any_wanted += change

    def ends_by(self, time_ns: int) -> bool:
        """Whether anywhere a candle's time is over that has not ended."""
        return any(view.ends_by(time_ns) for view in self._views.values())

    def open(self, changed: MarketChanged) -> MarketView:
        """Begin a market."""
        view = self._views[changed.market] = MarketView(changed)
        return view

    def set_market(self, rules: Instrument) -> None:
        """Begin a market that nothing has happened in yet; an open one goes on, under new rules."""
        view = self._views.get(rules.symbol)
        if view is None:
            none_yet = (0,) * len(INTERVALS_S)
            self.open(MarketChanged(rules.symbol, None, None, 0, 0, 0, 0, 0, 0, none_yet, rules.status))
        else:
            view.changed = replace(view.changed, status=rules.status)

    def find(self, symbol: str) -> MarketView | None:
        """A market's view, if it is open."""
        return self._views.get(symbol)

    def market(self, symbol: str) -> MarketView:
        """A market's view."""
        return self._views[symbol]
