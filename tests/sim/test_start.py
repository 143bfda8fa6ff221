"""Starting, on virtual time: what an exchange must come back from."""

import asyncio
from collections.abc import Callable

from exchange import app
from exchange.writer import Batch
from tests.sim.store import FaultyStore
from tests.sim.world import CONFIG, MARKETS, World, encoder, simulate


class SlowStore(FaultyStore):
    """Every commit takes a minute."""

    async def commit(self, batch: Batch) -> None:
        """Store it, in the end."""
        await asyncio.sleep(60)
        await super().commit(batch)


async def start_and_stop(world: World, store_of: Callable[[World], FaultyStore]) -> None:
    """One life of an exchange where nobody asks for anything."""
    store = store_of(world)
    store.calm = True
    exchange = await app.build(CONFIG, store, encoder, world.now_ns)

    async def serve() -> None:
        assert exchange.ready()
        assert sorted(exchange.venue.markets) == sorted(MARKETS)

    await exchange.run(serve)


def test_an_exchange_where_nobody_ever_traded_starts_again() -> None:
    async def two_lives(world: World) -> None:
        for _ in range(2):
            await start_and_stop(world, lambda world: FaultyStore(world.disk, world.chance("store"), world.trace))

    assert simulate(0, two_lives).disk.trades == []


def test_a_slow_database_is_no_reason_not_to_start() -> None:
    async def slow_start(world: World) -> None:
        await start_and_stop(world, lambda world: SlowStore(world.disk, world.chance("store"), world.trace))

    world = simulate(0, slow_start)
    assert world.loop.time() > 60 * world.disk.sequence > 0
