"""The composition root: the one place that knows every part, and starts and stops them in order."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from exchange.config import Config
from exchange.core.candles import Candle
from exchange.core.events import INTERVALS_S, MINUTE_NS, Rejected
from exchange.core.market_data import DAY_S, MarketData
from exchange.core.state import VenueState
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.pipeline.closed_orders import ClosedOrders
from exchange.pipeline.commits import Applied, Batch, Journaled, Store, Stored
from exchange.pipeline.engine import Engine
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.histogram import Histogram
from exchange.pipeline.projector import Projector
from exchange.pipeline.writer import Entry, Writer
from exchange.runtime import garbage
from exchange.runtime.bootstrap import differences
from exchange.runtime.clock import Clock, steady_ns
from exchange.runtime.tracing import Tracing
from exchange.service.order_lookup import last_order_id

TICK_S = 0.05
StoredCandle = tuple[str, int, Candle]  # market, interval_s

log = structlog.get_logger(__name__)


class OpenStore(Protocol):
    """A database: the journal, which is committed to, and the tables, which follow it."""

    @property
    def journal(self) -> "LosableStore[Batch]":
        """Where the writer commits."""

    @property
    def tables(self) -> "LosableStore[Changes]":
        """Where the projector commits."""

    async def open(self) -> VenueState:
        """Become its one exchange; the state of the tables."""

    async def unprojected(self, state: VenueState) -> list[Journaled]:
        """What the journal has beyond that state."""

    async def close(self) -> None:
        """Let go of it."""

    async def candles(self, since_s: int) -> list[StoredCandle]:
        """The minutes with trades since then, and the last candle of each market and interval; by market, in order."""


class LosableStore(Store[Stored], Protocol[Stored]):
    """A store that tells when its connection is gone."""

    lost: Callable[[], None] | None  # called when the connection ends by itself


class Exchange:
    """The flow, without a transport: engine, venue, writer, feeds and store. The simulator runs exactly this."""

    def __init__(
        self,
        config: Config,
        store: OpenStore,
        venue: Venue,
        data: MarketData,
        clock: Clock,
        tracing: Tracing | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.venue = venue
        self.data = data
        self.feeds = Feeds(data)
        self.closed_orders = ClosedOrders(config.engine.closed_orders_max, last_order_id(venue), venue.sequence)
        self.projector = Projector(store.tables, venue.sequence)
        self.writer = Writer(
            store.journal,
            self.projector,
            venue.sequence,
            released=self._released,
            reply_timeout_s=config.engine.reply_timeout_s,
            batch_max=config.engine.batch_max,
        )
        self.engine = Engine(
            venue,
            self.writer,
            clock.now_ns,
            self.feeds,
            market_queue_max=config.engine.market_queue_max,
            backlog_max=config.engine.backlog_max,
        )
        self.clock = clock
        self._look_at_clock()  # what is wrong at the start is told at the start
        self.loop_lag_us = Histogram(powers=23)  # to eight seconds
        self._seeded = False
        self._tracing = tracing

    def _released(self, entries: list[Entry]) -> None:
        """Show what has become durable: before those who wait are told."""
        self.closed_orders.released(entries)
        self.feeds.released(entries)
        if self._tracing is not None:
            self._tracing.released(entries, self.writer.committed_s, self.engine)

    def ready(self) -> bool:
        """Whether it can trade now."""
        return self._seeded and self.connected() and not self.engine.stopping

    def connected(self) -> bool:
        """Whether the database is there, as far as is known."""
        return self.store.journal.connected() and self.store.tables.connected()

    async def run(self, serve: Callable[[], Awaitable[None]]) -> None:
        """Run until `serve` returns, after which no further command may be submitted.

        Everything accepted is finished, durable and in the tables when this returns. Raises the Failure that ended it.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.writer.run(), name="writer"),
                group.create_task(self.projector.run(), name="projector"),
                group.create_task(self.writer.expire(), name="reply timeouts"),
                group.create_task(self._tick(), name="clock"),
            ]
            self.engine.start(group)
            self.store.journal.lost, self.store.tables.lost = self.writer.wake, self.projector.wake
            self.writer.wake()  # they may be lost already
            self.projector.wake()
            for command in differences(self.config, self.venue):
                outcome = await self.engine.carry_out(command)  # a slow database is no reason not to start
                if isinstance(outcome, Rejected):
                    raise Failure(f"The configuration cannot be applied: {command} is refused, {outcome.reason}.", 2)
            garbage.configure()
            self._seeded = True
            await serve()
            await self.stop()
            for task in [*tasks, *self.engine.tasks]:
                task.cancel()
        await self.store.close()
        if self._tracing is not None:
            await self._tracing.close()

    async def stop(self) -> None:
        """Take nothing more, and return once everything taken is released and in the tables."""
        await self.engine.stop()
        await self.projector.drained()

    def settled(self) -> bool:
        """Whether everything that was applied is durable."""
        return self.engine.durable_sequence == self.venue.sequence and not self.engine.queued()[0]

    def _look_at_clock(self) -> int:
        """The time now; how far it is from the machine's is then known to whoever asks."""
        now_ns = self.engine.time_ns()
        self.engine.clock_offset_ns = self.clock.offset_ns(now_ns)
        return now_ns

    async def _tick(self) -> None:
        """What goes by the clock: candles end, and slow subscribers get what waited."""
        minute = 0  # the last one at whose beginning all has ended whose time was over
        latest, applied = 0, 0  # the one that it is now, and what was applied before its first look
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.loop_lag_us.observe(max(0, int((loop.time() - due) * 1_000_000)))
            self.feeds.catch_up()
            now_ns = self._look_at_clock()
            self.engine.expire_due()
            if now_ns // MINUTE_NS != latest:
                latest, applied = now_ns // MINUTE_NS, self.venue.sequence
            if latest != minute:
                over = self.engine.durable_sequence >= applied  # else what is to end may not have begun yet
                if self.data.ends_by(now_ns):
                    over = self.engine.pass_time()
                if over:
                    minute = latest


async def build(
    config: Config,
    store: OpenStore,
    now_ns: Callable[[], int] = time.time_ns,
    steady_ns: Callable[[], int] = steady_ns,
    tracing: Tracing | None = None,
) -> Exchange:
    """Open the store and recover: an exchange that can run.

    `now_ns` is the machine's clock, `steady_ns` one that nobody sets.
    """
    started = time.monotonic()
    gc.disable()  # all that is made here stays: to look through it takes seconds, each time
    try:
        state = await store.open()
        venue = Venue.restore(state)
        unprojected = await _carry_on(store, venue, state)
    finally:
        gc.freeze()
        gc.enable()
    if venue.sequence:
        log.info(
            "recovered",
            sequence=venue.sequence,
            open_orders=len(state.orders),
            accounts=len(state.accounts),
            from_journal=unprojected,
            seconds=round(time.monotonic() - started, 2),
        )
    clock = Clock(now_ns, steady_ns, last_ns=venue.time_ns, jump_max_s=config.engine.clock_jump_max_s)
    return Exchange(config, store, venue, await _market_data(store, venue), clock, tracing)


async def _carry_on(store: OpenStore, venue: Venue, state: VenueState) -> int:
    """Apply what the journal has beyond the tables, and bring them to it; how many commands that were."""
    unprojected = await store.unprojected(state)
    projector = Projector(store.tables, state.sequence)
    for sequence, time_ns, command, rules_version in unprojected:
        outcome = venue.replay(command, sequence, time_ns, rules_version)
        if not isinstance(outcome, Applied):
            raise Failure(f"The journal cannot be applied: command {sequence} is refused.")
        projector.add([outcome])
    while projector.lag:
        await projector.project()
    return len(unprojected)


async def _market_data(store: OpenStore, venue: Venue) -> MarketData:
    """The public view as it was."""
    data = MarketData(venue.sequence)
    # As of the last command, whatever the wall clock says by now: what had ended then has ended, and nothing else.
    now_s = venue.time_ns // 1_000_000_000
    minutes: dict[str, list[Candle]] = {}
    last: dict[str, list[Candle | None]] = {}
    for symbol, interval_s, candle in await store.candles(now_s - DAY_S):
        if interval_s == INTERVALS_S[0] and candle.open_s >= now_s - DAY_S:
            minutes.setdefault(symbol, []).append(candle)
        last.setdefault(symbol, [None] * len(INTERVALS_S))[INTERVALS_S.index(interval_s)] = candle
    for symbol, market in sorted(venue.markets.items()):
        view = data.open(market.changed())
        view.restore_book(market.book)
        view.restore(minutes.get(symbol, []), last.get(symbol, [None] * len(INTERVALS_S)), now_s)
    return data


def only_failure(error: BaseException) -> BaseException:
    """The one reason in a group of exceptions: a Failure if there is one, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves: list[BaseException] = [only_failure(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, Failure)), leaves[0])
