"""Starts on virtual time: the states from which an exchange must recover."""

import asyncio
from collections.abc import Callable

from exchange.core.commands import Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import MINUTE_NS
from exchange.pipeline.commits import Batch
from exchange.runtime import app
from exchange.runtime.app import TICK_S, Exchange
from tests.sim.disk import Disk
from tests.sim.script import Script
from tests.sim.store import FaultyConnection, FaultyStore
from tests.sim.world import CONFIG, MARKETS, START_NS, World, simulate

SECOND_NS = 10**9


class SlowJournal(FaultyConnection[Batch]):
    """Every commit takes a minute."""

    async def commit(self, span: Batch) -> None:
        """Store it, in the end."""
        await asyncio.sleep(60)
        await super().commit(span)


class SlowStore(FaultyStore):
    """One with such a journal."""

    def __init__(self, disk: Disk, script: Script) -> None:
        super().__init__(disk, script)
        self.journal = SlowJournal(disk.journal, disk, script, 1)


async def start_and_stop(world: World, store_of: Callable[[World], FaultyStore]) -> None:
    """One life of an exchange where nobody asks for anything."""
    store = store_of(world)
    store.be_calm()
    exchange = await app.build(CONFIG, store, world.now_ns, world.steady_ns)

    async def serve() -> None:
        assert exchange.ready()
        assert sorted(exchange.venue.markets) == sorted(MARKETS)

    await exchange.run(serve)


def test_an_exchange_where_nobody_ever_traded_starts_again() -> None:
    async def two_lives(world: World) -> None:
        for _ in range(2):
            await start_and_stop(world, lambda world: FaultyStore(world.disk, world.script))

    assert simulate(0, two_lives).disk.tables.trades == []


def test_a_slow_database_is_no_reason_not_to_start() -> None:
    async def slow_start(world: World) -> None:
        await start_and_stop(world, lambda world: SlowStore(world.disk, world.script))

    world = simulate(0, slow_start)
    assert world.loop.time() > 60 * world.disk.journal.sequence > 0


def test_a_clock_set_back_between_two_lives_reopens_no_candle() -> None:
    """A candle was heard to end a second after its minute; the next life begins two seconds before that."""
    counts: list[int] = []

    async def two_lives(world: World) -> None:
        minute_end_ns = (START_NS // MINUTE_NS + 1) * MINUTE_NS
        await life(world, START_NS, [order(Side.SELL), order(Side.BUY)])
        for now_ns in (minute_end_ns + SECOND_NS, minute_end_ns - SECOND_NS):
            exchange = await life(world, now_ns, [])
            counts.append(exchange.data.market("COIN_CASH").candle_sequence(0))

    simulate(0, two_lives)
    assert counts == [2, 2], "a trade, and the candle's end"


async def life(world: World, now_ns: int, commands: list[Command]) -> Exchange:
    """One life at this time of the wall clock, with these commands."""
    store = FaultyStore(world.disk, world.script)
    store.be_calm()
    exchange = await app.build(CONFIG, store, lambda: now_ns, world.steady_ns)

    async def serve() -> None:
        if commands:
            await exchange.engine.submit_all(commands)
        await asyncio.sleep(10 * TICK_S)

    await exchange.run(serve)
    return exchange


def order(side: Side) -> PlaceOrder:
    user = "ann" if side is Side.SELL else "ben"
    return PlaceOrder(user, "COIN_CASH", side, OrderType.LIMIT, TimeInForce.GTC, False, 4, 5, None)
