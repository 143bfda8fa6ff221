"""A PostgreSQL of the exchange's own kind, and in it an exchange whose orders were never sent."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from exchange.core.state import OpenOrder, VenueState
from exchange.failure import Failure
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
    """Make the tables of an empty exchange, and fill them with the state."""
    store = PostgresStore(dsn)
    await store.open()
    await store.close()
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await _copy(connection, "assets", ((asset.symbol, asset.decimals) for asset in state.assets))
            await _copy(connection, "markets", map(_market, state.markets))
            await _copy(connection, "users", ((user,) for user in state.users))
            await _copy(connection, "accounts", map(_account, state.accounts))
            columns = [*ORDER_COLUMNS, "priority"]
            await _copy(connection, "open_orders", map(_open_order, state.orders), columns)
            await connection.execute(
                "UPDATE projection SET sequence = $1, time_ns = $2, last_order_id = $3, last_priority = $4",
                *(state.sequence, state.time_ns, state.last_order_id, state.last_priority),
            )
            await connection.execute("UPDATE venue SET sequence = $1", state.sequence)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _copy(connection: Any, table: str, rows: Iterable[tuple[Any, ...]], columns: list[str] | None = None) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=columns)


def _market(market: Any) -> tuple[Any, ...]:
    rules = market.instrument
    return (
        rules.symbol,
        rules.base.symbol,
        rules.quote.symbol,
        rules.price_text(1),
        rules.quantity_text(1),
        Decimal(rules.min_notional_minor),
        rules.maker_fee_ppm,
        rules.taker_fee_ppm,
        rules.max_open_orders,
        int(rules.status),
        market.book_sequence,
        market.depth_sequence,
        market.best_sequence,
        market.trade_sequence,
        market.last_trade_ns,
        " ".join(map(str, market.candles)),
        market.last_aggregate_id,
        int(rules.fee_asset),
        rules.min_price_ticks,
        rules.max_fills_per_order,
        rules.min_notional_applies_to_market,
        rules.avg_price_mins,
        rules.fills_may_leave_nothing,
        None,
    )


def _account(account: Any) -> tuple[Any, ...]:
    return (
        account.user_id,
        account.asset,
        Decimal(account.available_minor),
        Decimal(account.locked_minor),
        account.balances_sequence,
        account.orders_sequence,
    )


def _open_order(order: OpenOrder) -> tuple[Any, ...]:
    status = 1 if order.executed_lots else 0
    ends = (order.executed_lots, Decimal(order.executed_quote_minor), status, order.created_ns, order.updated_ns)
    return order.order_id, *terms_row(order.terms), *ends, order.priority


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
