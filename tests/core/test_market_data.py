"""The public view: candles that end once, a day that slides by whole minutes, and both across a restart."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core.candles import Candle, candles_of
from exchange.core.events import INTERVALS_S, MarketChanged, Trade
from exchange.core.instrument import Asset, MarketStatus, instrument_of
from exchange.core.market_data import DAY_S, MarketData, MarketView
from exchange.core.public import Ticker
from tests.core.test_candles import MIDNIGHT_S, SECOND_NS, shown, trade_at

A_B = instrument_of("A_B", Asset("A", 2), Asset("B", 2), tick_size="1", lot_size="1")
ALL = range(len(INTERVALS_S))


class Watched:
    """A market's view, what trades there, and what a core would have counted."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.begun = [0] * len(INTERVALS_S)
        self.closed: list[tuple[int, Candle]] = []  # (interval, candle)
        self.view = MarketView(self.changed())

    def changed(self) -> MarketChanged:
        last_ns = self.trades[-1].time_ns if self.trades else 0
        return MarketChanged(
            "A_B", None, None, 0, 0, 0, len(self.trades), len(self.trades), last_ns, tuple(self.begun), A_B.status
        )

    def trade(self, second: float, price_ticks: int = 100, lots: int = 1) -> None:
        """A trade, so long after midnight."""
        trade = trade_at(MIDNIGHT_S + second, price_ticks, lots, number=len(self.trades) + 1)
        last_s = self.trades[-1].time_ns // SECOND_NS if self.trades else -1
        self.trades.append(trade)
        for interval, length_s in enumerate(INTERVALS_S):
            self.begun[interval] += trade.time_ns // SECOND_NS // length_s != last_s // length_s
        self._close(trade.time_ns)
        self.view.add(trade)

    def clock(self, second: float) -> None:
        """It is so long after midnight."""
        self._close(int((MIDNIGHT_S + second) * SECOND_NS))

    def _close(self, time_ns: int) -> None:
        for interval, candle in enumerate(self.view.close_candles(time_ns)):
            if candle is not None:
                self.closed.append((interval, candle))

    def restart(self, second: float) -> None:
        """A new process, with what a database holds."""
        made = candles_of(self.trades)
        now_s = int(MIDNIGHT_S + second)
        minutes = [candle for (_, s, begin), candle in made.items() if s == 60 and begin >= now_s - DAY_S]
        last: list[Candle | None] = [None] * len(INTERVALS_S)
        for (_, interval_s, _), candle in made.items():
            last[INTERVALS_S.index(interval_s)] = candle.copy()
        if minutes and last[0] is not None:
            last[0] = minutes[-1]
        self.view = MarketView(self.changed())
        self.view.restore(minutes, last, now_s)

    def counts(self) -> list[int]:
        return [self.view.candle_sequence(interval) for interval in ALL]

    def ticker(self, second: float) -> Ticker:
        return self.view.ticker(int((MIDNIGHT_S + second) * SECOND_NS))


def test_the_next_trade_ends_the_candles_that_it_is_past() -> None:
    watched = Watched()
    watched.trade(10)
    watched.trade(70)
    assert [(interval, candle.open_s) for interval, candle in watched.closed] == [(0, MIDNIGHT_S)]
    watched.trade(3600)
    assert [interval for interval, _ in watched.closed] == [0, 0, 1, 2, 3]
    watched.trade(DAY_S)
    assert [interval for interval, _ in watched.closed] == [0, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("interval", ALL)
def test_the_clock_ends_a_candle_once(interval: int) -> None:
    watched, length_s = Watched(), INTERVALS_S[interval]
    watched.trade(0)
    watched.clock(length_s - 0.001)
    assert interval not in [closed for closed, _ in watched.closed]
    for second in (length_s, length_s, length_s + 1):
        watched.clock(second)
    watched.trade(length_s + 30)
    assert [closed for closed, _ in watched.closed].count(interval) == 1


def test_a_candle_channel_counts_each_trade_and_each_end() -> None:
    watched = Watched()
    watched.trade(0)
    watched.trade(1)
    assert watched.counts() == [2] * 6
    watched.clock(60)
    assert watched.counts() == [3, 2, 2, 2, 2, 2]
    watched.trade(300)
    assert watched.counts() == [4, 4, 3, 3, 3, 3]


def test_running_candles_are_those_of_their_trades() -> None:
    watched = Watched()
    assert [watched.view.candle(interval) for interval in ALL] == [None] * 6
    for second, price in ((0, 100), (59, 120), (61, 90), (400, 95)):
        watched.trade(second, price)
    made = candles_of(watched.trades)
    for interval, length_s in enumerate(INTERVALS_S):
        candle = watched.view.candle(interval)
        assert candle is not None
        assert shown(candle) == shown(made["A_B", length_s, (MIDNIGHT_S + 400) // length_s * length_s])


def test_a_restart_in_the_middle_goes_on_with_the_same_candles() -> None:
    watched = Watched()
    watched.trade(10, 100)
    watched.trade(70, 130)
    before = watched.counts()
    watched.restart(75)
    assert watched.counts() == before
    watched.trade(80, 90)
    candle = watched.view.candle(1)
    assert candle is not None
    assert candle.prices() == (100, 130, 90, 90)
    assert candle.trades == 3


def test_a_candle_that_ended_while_nobody_was_there_counts_as_ended() -> None:
    watched = Watched()
    watched.trade(10)
    watched.restart(130)
    assert watched.counts() == [2, 1, 1, 1, 1, 1]
    assert watched.view.candle(0) is None
    running = watched.view.candle(1)
    assert running is not None
    assert running.trades == 1
    watched.clock(180)
    assert watched.closed == []


# --- the day


def test_the_day_is_the_running_minute_and_the_1439_before_it() -> None:
    watched = Watched()
    watched.trade(30, 100)
    watched.trade(90, 200)
    assert watched.ticker(DAY_S - 1).trades == 2
    assert watched.ticker(DAY_S).trades == 1
    assert watched.ticker(DAY_S).open_ticks == 200
    assert watched.ticker(DAY_S + 59).trades == 1
    gone = watched.ticker(DAY_S + 60)
    assert (gone.trades, gone.volume_lots, gone.quote_minor) == (0, 0, 0)
    assert (gone.open_ticks, gone.high_ticks, gone.low_ticks) == (None, None, None)
    assert gone.last_ticks == 200


def test_a_clock_that_is_wrong_for_once_takes_nothing_from_the_day() -> None:
    watched = Watched()
    watched.trade(30, 100)
    assert watched.ticker(10 * DAY_S).trades == 0
    assert watched.ticker(60).trades == 1


def test_what_is_over_is_forgotten_although_nobody_asks() -> None:
    watched = Watched()
    for minute in range(3):
        watched.trade(60 * minute, 100)
    watched.trade(2 * DAY_S, 200)
    watched.trade(2 * DAY_S + 60, 200)
    assert len(watched.view._day._minutes) == 2


def test_high_and_low_are_found_anew_when_they_leave() -> None:
    watched = Watched()
    for minute, price in enumerate((500, 100, 300, 200)):
        watched.trade(60 * minute, price)
    highs = [
        (ticker.high_ticks, ticker.low_ticks)
        for ticker in (watched.ticker(DAY_S - 60 + 60 * passed) for passed in range(5))
    ]
    assert highs == [(500, 100), (300, 100), (300, 200), (200, 200), (None, None)]


def test_the_running_minute_grows_in_the_day_too() -> None:
    watched = Watched()
    watched.trade(0, 100)
    watched.restart(5)
    watched.trade(10, 140, lots=3)
    ticker = watched.ticker(11)
    assert (ticker.trades, ticker.volume_lots, ticker.quote_minor) == (2, 4, 520)
    assert (ticker.open_ticks, ticker.high_ticks, ticker.low_ticks) == (100, 140, 100)
    assert watched.ticker(DAY_S).trades == 0


def test_a_market_is_opened_once() -> None:
    data = MarketData()
    data.set_market(A_B)
    data.market("A_B").add(trade_at(MIDNIGHT_S))
    data.set_market(replace(A_B, status=MarketStatus.HALTED))
    assert data.market("A_B").last_ticks == 100
    assert data.market("A_B").ticker(0).status is MarketStatus.HALTED
    assert data.find("A_C") is None


STEP = st.tuples(
    st.sampled_from(("trade", "trade", "trade", "clock", "restart")),
    st.sampled_from((0, 1, 20, 59, 60, 61, 299, 900, 3600, 30_000, 90_000)),
    st.integers(1, 9),
)


@settings(deadline=None, derandomize=True, max_examples=150, database=None)
@given(st.lists(STEP, max_size=30))
def test_whatever_happens_candles_and_the_day_are_those_of_the_trades(steps: list[tuple[str, int, int]]) -> None:
    watched, second, told = Watched(), 0, [0] * len(INTERVALS_S)
    for what, passed, price in steps:
        second += passed
        before = watched.counts()
        if what == "trade":
            watched.trade(second, price)
        elif what == "clock":
            watched.clock(second)
        else:
            watched.restart(second)
        told = [count + (what == "trade") for count in before]
        assert all(now >= count for now, count in zip(watched.counts(), told, strict=True))
        _judge(watched, second)
    for interval in ALL:
        begins = [candle.open_s for closed, candle in watched.closed if closed == interval]
        assert begins == sorted(set(begins)), "a candle ended twice"


def _judge(watched: Watched, second: int) -> None:
    """All that the view shows, from the trades alone."""
    made = candles_of(watched.trades)
    for interval, candle in watched.closed:
        assert shown(candle) == shown(made["A_B", INTERVALS_S[interval], candle.open_s])
    for interval, length_s in enumerate(INTERVALS_S):
        running = watched.view.candle(interval)
        if running is not None:
            assert shown(running) == shown(made["A_B", length_s, running.open_s])
        assert watched.counts()[interval] == len(watched.trades) + watched.begun[interval] - (running is not None)
    since_ns = ((MIDNIGHT_S + second) // 60 * 60 - DAY_S + 60) * SECOND_NS
    today = [trade for trade in watched.trades if trade.time_ns >= since_ns]
    prices = [trade.price_ticks for trade in today]
    ticker = watched.ticker(second)
    assert (ticker.trades, ticker.volume_lots, ticker.quote_minor) == (len(today), len(today), sum(prices))
    assert ticker.open_ticks == (prices[0] if prices else None)
    assert ticker.high_ticks == max(prices, default=None)
    assert ticker.low_ticks == min(prices, default=None)
    assert ticker.last_ticks == (watched.trades[-1].price_ticks if watched.trades else None)
