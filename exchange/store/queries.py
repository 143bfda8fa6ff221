"""Reads what has passed: the History of a PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from exchange.core.candles import Candle
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import ExpireReason, OrderStatus, OrderUpdated, Trade, UpdateReason
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.history import ID_MAX, Fill, fill_of
from exchange.store.recovery import candle_of
from exchange.store.schema import candles, closed_orders, open_orders, trades

CONNECTIONS_MAX = 8
QUERY_TIMEOUT_S = 10.0


class PostgresHistory:
    """Queries over a small pool of connections of their own.

    They wait for `reached`, which returns once the tables show what is durable.
    """

    def __init__(self, dsn: str, reached: Callable[[], Awaitable[None]]) -> None:
        self._reached = reached

        async def connect() -> Any:
            return await asyncpg.connect(
                dsn,
                timeout=5,
                command_timeout=QUERY_TIMEOUT_S,
                server_settings={"application_name": "exchange history"},
            )

        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=QUERY_TIMEOUT_S,
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def order(
        self, user_id: str, market: str | None, order_id: int | None, client_order_id: str | None
    ) -> OrderUpdated | None:
        """The user's closed order of that id, the newest one of that client order id."""
        query = sa.select(closed_orders).where(closed_orders.c.user_id == user_id)
        if market is not None:
            query = query.where(closed_orders.c.market == market)
        if order_id is not None:
            query = query.where(closed_orders.c.order_id == order_id)
        else:
            query = query.where(closed_orders.c.client_order_id == client_order_id)
        rows = await self._fetch(query.order_by(closed_orders.c.order_id.desc()).limit(1))
        return _order(rows[0]) if rows else None

    async def closed_orders(
        self, user_id: str, market: str | None, limit: int, before: int = ID_MAX
    ) -> list[OrderUpdated]:
        """The user's closed orders with a smaller id."""
        query = sa.select(closed_orders).where(closed_orders.c.user_id == user_id, closed_orders.c.order_id < before)
        if market is not None:
            query = query.where(closed_orders.c.market == market)
        return [_order(row) for row in await self._fetch(query.order_by(closed_orders.c.order_id.desc()).limit(limit))]

    async def trades(self, market: str, limit: int, before: int = ID_MAX) -> list[Trade]:
        """The market's trades with a smaller id."""
        query = (
            sa.select(trades)
            .where(trades.c.market == market, trades.c.trade_id < before)
            .order_by(trades.c.trade_id.desc())
            .limit(limit)
        )
        return [_trade(row) for row in await self._fetch(query)]

    async def trades_of_order(self, order_id: int, last_trade_id: int = ID_MAX) -> list[Trade]:
        """The trades of one order, oldest first, up to a trade id."""
        sides = [
            sa.select(trades).where(column == order_id, trades.c.trade_id <= last_trade_id)
            for column in (trades.c.taker_order_id, trades.c.maker_order_id)
        ]
        found = [_trade(row) for side in sides for row in await self._fetch(side)]
        return sorted(found, key=lambda trade: trade.trade_id)

    async def fills(
        self, user_id: str, market: str | None, order_id: int | None, limit: int, before: int = ID_MAX
    ) -> list[Fill]:
        """The user's fills of trades with a smaller id."""
        halves = []
        for user, order in (("taker_user_id", "taker_order_id"), ("maker_user_id", "maker_order_id")):
            half = sa.select(trades).where(trades.c[user] == user_id, trades.c.trade_id < before)
            if market is not None:
                half = half.where(trades.c.market == market)
            if order_id is not None:
                half = half.where(trades.c[order] == order_id)
            halves.append(half.order_by(trades.c.trade_id.desc()).limit(limit).subquery().select())
        # One statement, so one snapshot: a page never holds a fill and lacks an older one.
        both = sa.union_all(*halves).subquery()
        found = [_trade(row) for row in await self._fetch(both.select().order_by(both.c.trade_id.desc()).limit(limit))]
        fills = [fill_of(trade, trade.taker_user_id == user_id) for trade in found]
        names = await self._client_order_ids(user_id, {fill.order_id for fill in fills})
        for fill in fills:
            fill.client_order_id = names.get(fill.order_id)
        return fills

    async def candles(
        self, market: str, interval_s: int, start_s: int | None, end_s: int | None, limit: int
    ) -> list[Candle]:
        """Candles that begin in a range of times, oldest first: the first of it, or the last when it has no start."""
        begin = candles.c.open_s
        query = sa.select(candles).where(candles.c.market == market, candles.c.interval_s == interval_s)
        if start_s is not None:
            query = query.where(begin >= start_s)
        if end_s is not None:
            query = query.where(begin < end_s)
        order = begin.asc() if start_s is not None else begin.desc()
        rows = await self._fetch(query.order_by(order).limit(limit))
        return sorted((candle_of(row._mapping) for row in rows), key=lambda candle: candle.open_s)

    async def _client_order_ids(self, user_id: str, order_ids: set[int]) -> dict[int, str | None]:
        found: dict[int, str | None] = {}
        # The open ones first: an order that closes in between is in the second table by then.
        for table in (open_orders, closed_orders) if order_ids else ():
            query = sa.select(table.c.order_id, table.c.client_order_id).where(
                table.c.user_id == user_id,
                table.c.order_id == sa.func.any(sa.cast(sorted(order_ids), sa.ARRAY(sa.BigInteger))),
            )
            found.update((row[0], row[1]) for row in await self._rows(query))
        return found

    async def _fetch(self, query: Any) -> Sequence[Any]:
        """The rows, with all that is durable by now."""
        await self._reached()
        return await self._rows(query)

    async def _rows(self, query: Any) -> Sequence[Any]:
        """The rows; once more on a new connection when the pooled one turns out to be dead."""
        for attempt in (1, 2):
            try:
                async with self._engine.connect() as connection:
                    return (await connection.execute(query)).all()
            except DBAPIError as error:
                if not error.connection_invalidated or attempt == 2:
                    raise HistoryUnavailable(str(error.orig)) from error
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, PoolTimeoutError) as error:
                raise HistoryUnavailable(str(error)) from error
            await asyncio.sleep(0)
        raise AssertionError("unreachable")


def _order(row: Any) -> OrderUpdated:
    terms = PlaceOrder(
        row.user_id,
        row.market,
        Side(row.side),
        OrderType(row.order_type),
        TimeInForce(row.time_in_force),
        row.post_only,
        row.price_ticks,
        row.quantity_lots,
        row.client_order_id,
    )
    return OrderUpdated(
        UpdateReason.READ,
        row.order_id,
        terms,
        OrderStatus(row.status),
        row.executed_lots,
        int(row.executed_quote_minor),
        ExpireReason(row.expire_reason) if row.expire_reason is not None else None,
        row.created_ns,
        row.updated_ns,
        0,
        None,
        0,
    )


def _trade(row: Any) -> Trade:
    return Trade(
        row.trade_id,
        row.market,
        row.price_ticks,
        row.quantity_lots,
        int(row.quote_minor),
        Side(row.taker_side),
        row.maker_order_id,
        row.taker_order_id,
        row.maker_user_id,
        row.taker_user_id,
        int(row.maker_fee_minor),
        int(row.taker_fee_minor),
        row.time_ns,
        row.market_trade_id,
        row.aggregate_id,
    )
