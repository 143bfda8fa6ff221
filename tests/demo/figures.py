"""What a market looks like, in figures: of the demo on a virtual clock, and of a recorded market."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from sortedcontainers import SortedDict

from exchange.config import Config
from exchange.core.commands import Side
from exchange.core.events import Trade
from exchange.demo.cast import with_markets
from exchange.demo.virtual import VirtualMarket
from exchange.replay.recording import RecordedTrade, read_recording

LAGS = range(1, 11)
MINUTE_MS = 60_000
WARM_UP_S = 3.0  # until every participant has acted
SAMPLES_MS = 1000


@dataclass(slots=True)
class Tape:
    """The trades of one market and its spread, looked at often. Times in ms, prices and spreads in ticks."""

    times: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    prices: list[int] = field(default_factory=list)
    spreads: list[tuple[int, float]] = field(default_factory=list)  # (ticks, basis points)
    longest_empty_s: float = 0.0

    def add(self, time_ms: int, sign: int, price: int) -> None:
        """A trade; the sign is 1 where the taker bought."""
        self.times.append(time_ms)
        self.signs.append(sign)
        self.prices.append(price)

    def spread(self, bid: int, ask: int) -> None:
        """A look at the book."""
        self.spreads.append((ask - bid, (ask - bid) / bid * 10_000))

    def returns(self) -> list[float]:
        """The returns of whole minutes, a minute without a trade included."""
        closes: dict[int, int] = {}
        for time_ms, price in zip(self.times, self.prices, strict=True):
            closes[time_ms // MINUTE_MS] = price
        minutes = range(min(closes), max(closes) + 1)
        last, series = closes[minutes[0]], []
        for minute in minutes:
            last = closes.get(minute, last)
            series.append(last)
        return [later / earlier - 1 for earlier, later in pairwise(series)]

    def sign_correlation(self) -> float:
        """The autocorrelation of trade signs at lag 1."""
        return autocorrelation(self.signs, 1)

    def volatility_correlations(self) -> list[float]:
        """The autocorrelations of absolute one-minute returns at lags 1 to 10."""
        sizes = [abs(value) for value in self.returns()]
        return [autocorrelation(sizes, lag) for lag in LAGS]

    def median_spread(self) -> tuple[float, float]:
        """In ticks and in basis points."""
        ticks, points = zip(*self.spreads, strict=True)
        return statistics.median(ticks), statistics.median(points)


def autocorrelation(series: Sequence[float], lag: int) -> float:
    """Of a series with itself, `lag` places later."""
    mean = statistics.fmean(series)
    variance = sum((value - mean) ** 2 for value in series)
    products = zip(series, series[lag:], strict=False)
    return sum((first - mean) * (second - mean) for first, second in products) / variance if variance else 0.0


def of_demo(seed: int, until_s: float, symbol: str = "BTC_USDC") -> Tape:
    """The demo, calm, on a virtual clock. The book is looked at after every turn of a participant."""
    tape = Tape()
    empty_since: list[float] = []

    def on_trade(trade: Trade) -> None:
        if trade.market == symbol:
            tape.add(trade.time_ns // 1_000_000, 1 if trade.taker_side is Side.BUY else -1, trade.price_ticks)

    def on_turn(now_s: float) -> None:
        book = virtual.venue.markets[symbol].book
        if book.bids.best is not None and book.asks.best is not None:
            tape.spread(book.bids.best.price_ticks, book.asks.best.price_ticks)
            empty_since.clear()
        elif now_s > WARM_UP_S:
            empty_since.append(now_s)
            tape.longest_empty_s = max(tape.longest_empty_s, now_s - empty_since[0])

    virtual = VirtualMarket(with_markets(Config()), seed, on_trade=on_trade, on_turn=on_turn)
    virtual.run(until_s)
    return tape


def of_recording(commands_file: Path, trades_file: Path) -> Tape:
    """A recorded market. The book is looked at once a second; post-only orders of the recording never rest."""
    recording = read_recording(commands_file, trades_file)
    trades: dict[int, list[RecordedTrade]] = {}
    for trade in recording.trades or ():
        trades.setdefault(trade.cmd_seq, []).append(trade)
    tape = Tape()
    sides: dict[bool, SortedDict[int, int]] = {True: SortedDict(), False: SortedDict()}
    orders: dict[str, tuple[bool, int]] = {}
    last_ms = 0

    def change(order_id: str, quantity: int) -> None:
        is_bid, price = orders[order_id]
        left = sides[is_bid].get(price, 0) + quantity
        if left > 0:
            sides[is_bid][price] = left
        else:
            sides[is_bid].pop(price, None)

    for command in recording.commands:
        if command.action == "cancel":
            change(command.order_id, -command.quantity)
        elif command.kind != "post_only":
            left = command.quantity
            for trade in trades.get(command.seq, ()):
                tape.add(command.recorded_ms, 1 if command.is_bid else -1, trade.price)
                left -= trade.quantity
                change(trade.sell_order_id if command.is_bid else trade.buy_order_id, -trade.quantity)
            if command.kind == "limit":
                orders[command.order_id] = (command.is_bid, command.price)
                if left:
                    change(command.order_id, left)
        if command.recorded_ms >= last_ms + SAMPLES_MS and sides[True] and sides[False]:
            last_ms = command.recorded_ms
            tape.spread(sides[True].peekitem(-1)[0], sides[False].peekitem(0)[0])
    return tape
