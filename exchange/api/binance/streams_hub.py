"""All streams that somebody listens to, what they are made of, and the clock that they are told by.

While nobody listens to any, nothing that is released comes here. Every connection is in one step of the loop at a time,
and what a step brings it leaves in one write.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from exchange.api.binance.streams_base import TICKS_PER_S, Listener, MarketStream, Source, Stream, Tick
from exchange.api.binance.streams_book import BestStream, DiffStream, LevelsStream
from exchange.api.binance.streams_klines import KlineStream
from exchange.api.binance.streams_names import Shows, StreamName, parse_name
from exchange.api.binance.streams_tickers import (
    AllTickersStream,
    AverageStream,
    DayTicker,
    LastLots,
    MiniTicker,
    Ticker,
    TickerStream,
    WindowTicker,
)
from exchange.api.binance.streams_trades import AggregateStream, TradeStream
from exchange.api.binance.symbols import Symbols
from exchange.core.instrument import Instrument
from exchange.core.outcome import Applied
from exchange.core.public import Channel, PublicEvent
from exchange.service.service import Service

log = structlog.get_logger(__name__)

TICK_S: Final = 1 / TICKS_PER_S


class Streams:
    """The streams by their names. `run` is its task."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self.service = service
        self.symbols = symbols
        self.source = Source(service.engine, service.feeds, service.reading, service.tasks)
        self._last_lots = LastLots(self.source)
        self._streams: dict[str, Stream] = {}
        self._homeless: dict[str, dict[Listener, None]] = {}  # of markets that there are not
        self._by_channel: dict[Channel, dict[Stream, None]] = {}
        self._touched: dict[Stream, None] = {}
        self._markets = 0  # when the homeless were looked at last
        self._count = 0
        self._past_ns = 0
        self._mark = (0, 0)  # a time, and what was applied by then
        self.sweep: Callable[[], None] | None = None  # called once a second

    def __len__(self) -> int:
        return len(self._streams)

    # --- listening

    def join(self, listener: Listener, name: str) -> bool:
        """Begin to listen to a stream; whether there can be one of that name."""
        parsed = parse_name(name)
        if parsed is None:
            return False
        stream = self._streams.get(name)
        if stream is None:
            made = self._made(name, parsed)
            if made is None:
                self._homeless.setdefault(name, {})[listener] = None
                return True
            stream = self._streams[name] = made
            self._begin(stream)
        stream.listeners[listener] = None
        stream.joined()
        return True

    def leave(self, listener: Listener, name: str) -> None:
        """Stop listening to a stream."""
        waiting = self._homeless.get(name)
        if waiting is not None:
            waiting.pop(listener, None)
            if not waiting:
                del self._homeless[name]
        stream = self._streams.get(name)
        if stream is not None:
            stream.listeners.pop(listener, None)
            if not stream.listeners:
                del self._streams[name]
                self._end(stream)

    def _made(self, name: str, parsed: StreamName) -> Stream | None:
        """The stream; None if there is no such market."""
        if parsed.symbol is None:
            return AllTickersStream(self.source, name, self.symbols, _ticker(parsed, self._last_lots))
        rules = self.symbols.find(parsed.symbol)
        return None if rules is None else self._of_market(name, parsed, rules, parsed.symbol)

    def _of_market(self, name: str, parsed: StreamName, rules: Instrument, symbol: str) -> Stream:
        source = self.source
        match parsed.shows:
            case Shows.TRADES:
                return TradeStream(source, name, rules, symbol)
            case Shows.AGGREGATES:
                return AggregateStream(source, name, rules, symbol)
            case Shows.BEST:
                return BestStream(source, name, rules, symbol)
            case Shows.DIFFS:
                return DiffStream(source, name, rules, symbol, fast=parsed.fast)
            case Shows.LEVELS:
                return LevelsStream(source, name, rules, symbol, levels=parsed.levels, fast=parsed.fast)
            case Shows.KLINE:
                return KlineStream(source, name, rules, symbol, interval=parsed.detail, offset_s=parsed.offset_s)
            case Shows.AVERAGE:
                return AverageStream(source, name, rules, symbol)
        return TickerStream(source, name, rules, symbol, _ticker(parsed, self._last_lots))

    def _begin(self, stream: Stream) -> None:
        channel = _channel(stream)
        if channel is None:
            return
        if not self._by_channel:
            self.source.feeds.tap(self)
        listening = self._by_channel.get(channel)
        if listening is None:
            listening = self._by_channel[channel] = {}
            self.source.feeds.data.want(channel, 1)
        listening[stream] = None

    def _end(self, stream: Stream) -> None:
        self._touched.pop(stream, None)
        channel = _channel(stream)
        if channel is None:
            return
        listening = self._by_channel[channel]
        del listening[stream]
        if not listening:
            del self._by_channel[channel]
            self.source.feeds.data.want(channel, -1)
        if not self._by_channel:
            self.source.feeds.untap(self)

    # --- what is released

    def take(self, applied: Applied, public: Sequence[PublicEvent]) -> None:
        """Give each stream the events that it is made of."""
        for event in public:
            for stream in list(self._by_channel.get(event.channel, ())):
                self._touched[stream] = None
                self._safely(stream, stream.take, event.data)

    def flush(self) -> None:
        """The events of this step have been taken."""
        touched, self._touched = self._touched, {}
        for stream in touched:
            self._safely(stream, stream.flush)

    def _safely(self, stream: Stream, step: Callable[..., None], *arguments: object) -> None:
        """Do one step of one stream. A bug of it ends the stream; it must not end the exchange."""
        try:
            step(*arguments)
        except Exception as error:
            log.error("a stream failed", stream=stream.name, exc_info=error)
            listeners = list(stream.listeners)
            for listener in listeners:
                self.leave(listener, stream.name)
                listener.fail()

    # --- time

    async def run(self) -> None:
        """Tell what goes by the clock, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + TICK_S, loop.time())
            await asyncio.sleep(due - loop.time())
            self.tick()

    def tick(self) -> None:
        """A tenth of a second has passed."""
        self._count += 1
        if self._count % TICKS_PER_S == 0:
            self._find_homes()
            if self.sweep is not None:
                self.sweep()
        if not self._streams:
            return
        self._look_at_clock()
        tick = Tick(self._count, self.source.engine.time_ns(), self._past_ns)
        for stream in list(self._streams.values()):
            self._safely(stream, stream.tick, tick)
            self._safely(stream, stream.catch_up)
        self.source.feeds.flush()

    def _look_at_clock(self) -> None:
        """Find out up to which time everything is released: what is applied later has a later time."""
        engine = self.source.engine
        time_ns, sequence = self._mark
        if engine.durable_sequence >= sequence:
            self._past_ns = time_ns
            self._mark = (engine.time_ns(), engine.applied_sequence)

    def _find_homes(self) -> None:
        """A market may have come that somebody listens to already."""
        markets = len(self.source.engine.venue.markets)
        if markets == self._markets:
            return
        self._markets = markets
        homeless, self._homeless = self._homeless, {}
        for name, listeners in homeless.items():
            for listener in listeners:
                self.join(listener, name)


def _channel(stream: Stream) -> Channel | None:
    if stream.kind is None or not isinstance(stream, MarketStream):
        return None
    return Channel(stream.kind, stream.rules.symbol)


def _ticker(parsed: StreamName, last_lots: LastLots) -> Ticker:
    if parsed.shows is Shows.MINI_TICKER:
        return MiniTicker()
    return DayTicker(last_lots) if parsed.shows is Shows.TICKER else WindowTicker(parsed.detail)
