"""A PostgreSQL of the exchange's own kind, and in it an exchange whose orders were never sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from exchange.core.events import MarketSet, OrderStatus, OrderUpdated, UpdateReason
from exchange.core.state import OpenOrder, VenueState
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import commit_once
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.store.postgres import PostgresStore
from tests.bench.figure import UnmeasuredError

ORDER_COLUMNS = [
    "order_id",
    "user_id",
    "market",
    "client_order_id",
    "side",
    "order_type",
    "time_in_force",
    "post_only",
    "price_ticks",
    "quantity_lots",
    "executed_lots",
    "executed_quote_minor",
    "status",
    "created_ns",
    "updated_ns",
]


@asynccontextmanager
async def postgres(data_dir: Path) -> AsyncIterator[str]:
    """Run one with full durability; its DSN."""
    server = EmbeddedPostgres(data_dir=data_dir, ephemeral=True)
    try:
        await server.start()
    except Failure as failure:
        raise UnmeasuredError(str(failure)) from failure
    try:
        connection = await asyncpg.connect(server.dsn)
        for setting in ("fsync", "synchronous_commit"):
            if await connection.fetchval(f"SELECT current_setting('{setting}')") != "on":
                raise UnmeasuredError(f"{setting} is off: nothing here is durable")
        await connection.close()
        yield server.dsn
    finally:
        await server.stop()


async def lay(dsn: str, state: VenueState) -> None:
    """Make the tables of an empty exchange, and fill them with the state, as the exchange's projector writes them."""
    store = PostgresStore(dsn)
    await store.open()
    try:
        for changes in _as_changes(state):
            await commit_once(store.tables, changes)
    finally:
        await store.close()
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE projection SET sequence = $1, time_ns = $2, last_order_id = $3, last_priority = $4",
                *(state.sequence, state.time_ns, state.last_order_id, state.last_priority),
            )
            await connection.execute("UPDATE venue SET sequence = $1", state.sequence)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _as_changes(state: VenueState) -> list[Changes]:
    """The state as two steps: one transaction writes either a market's rules or its counts."""
    rules, counts = Changes(0), Changes(1)
    rules.commands = counts.commands = 1
    rules.assets = state.assets
    rules.users = dict.fromkeys(state.users, False)
    rules.instruments = {market.instrument.symbol: MarketSet(market.instrument) for market in state.markets}
    # A venue without the orders knows how far its markets have counted.
    venue = Venue.restore(VenueState(assets=state.assets, markets=state.markets))
    counts.markets = {symbol: market.changed() for symbol, market in venue.markets.items()}
    for account in state.accounts:
        counts.accounts.setdefault(account.asset, {})[account.user_id] = account
    counts.first_order_id = 1
    counts.orders = {order.order_id: _resting(order) for order in state.orders}
    return [rules, counts]


def _resting(order: OpenOrder) -> OrderUpdated:
    return OrderUpdated(
        UpdateReason.ACCEPTED,
        order.order_id,
        order.terms,
        OrderStatus.PARTIALLY_FILLED if order.executed_lots else OrderStatus.OPEN,
        order.executed_lots,
        order.executed_quote_minor,
        None,
        order.created_ns,
        order.updated_ns,
        order.priority,
        None,
        0,
        order.rates,
        order.progress,
    )


def terms_row(terms: Any) -> tuple[Any, ...]:
    """The columns that never change of an order."""
    return (
        terms.user_id,
        terms.market,
        terms.client_order_id,
        int(terms.side),
        int(terms.order_type),
        int(terms.time_in_force),
        terms.post_only,
        terms.price_ticks,
        terms.quantity_lots,
    )
