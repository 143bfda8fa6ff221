"""An exchange starts on a database that the benchmarks fill, with the state that was to be in it."""

from exchange.core.venue import Venue
from exchange.runtime.app import build
from exchange.store.postgres import PostgresStore
from tests.bench.core.deep import far_orders, instrument, state_of
from tests.bench.database import lay
from tests.whole.databases import CONFIG, Server

USERS = ["ann", "ben", "cat"]


async def test_a_state_that_was_laid_is_read_back(server: Server) -> None:
    dsn = server.dsn(await server.migrated())
    laid = state_of(
        instrument("SOL_USDC"), USERS, far_orders(1, 200, len(USERS), nearest_ticks=10, levels=20, mid_ticks=10_000)
    )
    await lay(dsn, laid)
    exchange = await build(CONFIG, PostgresStore(dsn))
    try:
        assert exchange.venue.state() == Venue.restore(laid).state()
    finally:
        await exchange.store.close()
