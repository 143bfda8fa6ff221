"""The History of a PostgreSQL: each call is one prepared statement, so one snapshot of the tables.

Amounts are NUMERIC in the tables and text here: asyncpg needs several times as long to decode a number of that type.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from exchange.core.amendments import Amended
from exchange.core.candles import Candle
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.conditions import SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, OrderUpdated, PreventedMatch, UpdateReason
from exchange.core.list_events import ListChange, ListUpdated
from exchange.core.money import Withdrawal, WithdrawalStatus
from exchange.pipeline.outcomes import Overloaded
from exchange.service.history import (
    ID_MAX,
    AuditedAction,
    Fill,
    LedgerFees,
    LedgerFill,
    LedgerTransfer,
    ListRead,
    OrderRead,
    Page,
    PublicTrade,
)
from exchange.store import ledger_statements, statements
from exchange.store.journal_lists import legs_from
from exchange.store.numbers_text import conditions_from, progress_from
from exchange.store.read_pool import ReadPool
from exchange.store.recovery_lists import end_of, placed_of

COLUMNS_OF_ORDER = 18
CALLS_MAX = 264  # in progress, those that wait for the tables or a connection included

# Looking a member up in its enum costs more than finding it in a tuple; their values count from zero.
_SIDES = tuple(Side)
_ORDER_TYPES = tuple(OrderType)
_TIMES_IN_FORCE = tuple(TimeInForce)
_STATUSES = tuple(OrderStatus)
_EXPIRE_REASONS = tuple(ExpireReason)


class PostgresHistory:
    """Answers from the tables, once `reached` has returned: it waits until they show what is durable.

    `reached` may be given a sequence, and then waits for that one only.
    """

    def __init__(self, dsn: str, reached: Callable[..., Awaitable[None]], **bounds: Any) -> None:
        """`bounds` are those of the pool of connections."""
        self._pool = ReadPool(dsn, **bounds)
        self._reached = reached
        self._calls = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def order(
        self,
        user_id: str,
        market: str | None,
        order_id: int | None,
        client_order_id: str | None,
        sequence: int | None = None,
    ) -> OrderRead | None:
        """The user's closed order of that id, or the newest one of that client order id, with all its fills."""
        by_id = order_id is not None
        statement = statements.closed_order(by_id=by_id, market=market is not None)
        arguments = (user_id, order_id if by_id else client_order_id)
        rows = await self._fetch(statement, *arguments, *_some(market), sequence=sequence)
        if not rows:
            return None
        order = _order(rows[0])
        return OrderRead(
            order, [_fill_of_order(row, order) for row in rows] if rows[0][COLUMNS_OF_ORDER] is not None else []
        )

    async def fills_of_order(
        self, order: OrderUpdated, last_trade_id: int = ID_MAX, sequence: int | None = None
    ) -> list[Fill]:
        """The fills of an order, open or closed, up to a trade id; oldest first."""
        rows = await self._fetch(statements.FILLS_OF_ORDER, order.order_id, last_trade_id, sequence=sequence)
        return [_fill_of_order(row, order) for row in rows]

    async def closed_orders(self, user_id: str, market: str | None, page: Page) -> list[OrderUpdated]:
        """The user's closed orders, in one market or in all; the ids of the page are order ids."""
        statement = statements.closed_orders(page, market=market is not None)
        return [_order(row) for row in await self._fetch(statement, *_bounds(page), user_id, *_some(market))]

    async def trades(self, market: str | None, page: Page) -> list[PublicTrade]:
        """The trades of one market, or of all; the ids of the page are trade ids."""
        statement = statements.trades(page, market=market is not None)
        return [_trade(row) for row in await self._fetch(statement, *_bounds(page), *_some(market))]

    async def fills(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> list[Fill]:
        """The user's fills, in one market or in all, of one order or of all; the ids of the page are trade ids."""
        statement = statements.fills(page, market=market is not None, order=order_id is not None)
        rows = await self._fetch(statement, *_bounds(page), user_id, *_some(market), *_some(order_id))
        return [_fill(row) for row in rows]

    async def prevented_matches(
        self, user_id: str, market: str | None, order_id: int | None, page: Page
    ) -> list[PreventedMatch]:
        """A page of the matches of a user's orders that were prevented; the ids of the page are match ids."""
        statement = statements.prevented_matches(page, market=market is not None, order=order_id is not None)
        rows = await self._fetch(statement, *_bounds(page), user_id, *_some(market), *_some(order_id))
        return [_prevented_match(row) for row in rows]

    async def amendments(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> list[Amended]:
        """A page of the amendments of a user's orders; the ids of the page are amendment ids."""
        statement = statements.amendments(page, market=market is not None, order=order_id is not None)
        rows = await self._fetch(statement, *_bounds(page), user_id, *_some(market), *_some(order_id))
        return [Amended(*row) for row in rows]

    async def order_list(
        self, user_id: str, market: str, list_id: int | None, client_list_id: str | None
    ) -> ListRead | None:
        """The user's list of that id, and of that client list id; without an id the newest of the other."""
        statement = statements.order_list(by_id=list_id is not None, by_name=client_list_id is not None)
        rows = await self._fetch(statement, user_id, market, *_some(list_id), *_some(client_list_id))
        return (await self._with_orders(user_id, rows))[0] if rows else None

    async def lists(self, user_id: str, market: str | None, is_open: bool | None, page: Page) -> list[ListRead]:
        """The user's lists, in one market or in all, the open ones, the others or all; ids are list ids."""
        statement = statements.lists(page, market=market is not None, status=is_open is not None)
        status = None if is_open is None else int(not is_open)
        rows = await self._fetch(statement, *_bounds(page), user_id, *_some(market), *_some(status))
        return await self._with_orders(user_id, rows)

    async def _with_orders(self, user_id: str, rows: list[Any]) -> list[ListRead]:
        lists = [_list(row) for row in rows]
        wanted = [leg.order_id for found in lists for leg in found.legs]
        # A moment later, so an order may be further than its list: it is the newer word.
        orders = {row[0]: _order(row) for row in await self._fetch(statements.ORDERS_BY_ID, user_id, wanted)}
        return [
            ListRead(found, [orders[leg.order_id] for leg in found.legs if leg.order_id in orders]) for found in lists
        ]

    async def ledger_fills(self, user_id: str, markets: list[str] | None, upto: int, limit: int) -> list[LedgerFill]:
        """The user's newest fills up to a trade id, in some markets or in all; newest first."""
        statement = ledger_statements.fills(some_markets=markets is not None)
        rows = await self._fetch(statement, user_id, min(upto, ID_MAX), limit, *_some(markets))
        return [
            LedgerFill(trade_id, market, Side(side), is_taker, lots, int(quote), int(fee), time_ns)
            for trade_id, market, side, is_taker, lots, quote, fee, time_ns in rows
        ]

    async def ledger_fees(self, upto: int, trades: int) -> LedgerFees:
        """The fees of so many trades up to a trade id."""
        rows = await self._fetch(ledger_statements.FEES, min(upto, ID_MAX), trades)
        fills = []
        for _, _, trade_id, market, side, taker_fee, maker_fee, time_ns in rows:
            if trade_id is not None:
                sides = ((True, Side(side), int(taker_fee)), (False, Side(1 - side), int(maker_fee)))
                fills += [LedgerFill(trade_id, market, of, is_taker, 0, 0, fee, time_ns) for is_taker, of, fee in sides]
        return LedgerFees(fills, rows[0]["low"], rows[0]["more"])

    async def withdrawals(self, user_id: str | None, pending: bool, page: Page) -> list[Withdrawal]:
        """Withdrawals of one user or of all, perhaps only pending ones; the ids of the page are sequences."""
        statement = statements.withdrawals(page, user=user_id is not None, pending=pending)
        return [
            Withdrawal(sequence, key, user, asset, int(amount), WithdrawalStatus(status), requested_ns, ended_ns)
            for sequence, key, user, asset, amount, status, requested_ns, ended_ns in await self._fetch(
                statement, *_bounds(page), *_some(user_id)
            )
        ]

    async def ledger_transfers(
        self, user_id: str, asset: str | None, sequence: int, before: str, limit: int
    ) -> list[LedgerTransfer]:
        """The user's newest transfers before a sequence and asset, of one asset or of all; newest first."""
        statement = ledger_statements.transfers(one_asset=asset is not None)
        rows = await self._fetch(statement, user_id, sequence, before, limit, *_some(asset))
        return [
            LedgerTransfer(at, symbol, int(amount), kind, key, time_ns)
            for at, symbol, amount, kind, key, time_ns in rows
        ]

    async def candles(
        self, market: str, interval_s: int, start_s: int | None, end_s: int | None, limit: int
    ) -> list[Candle]:
        """Candles that begin in a range of times, oldest first: the first ones of it, or the last without a start."""
        first = start_s is not None
        bounds = (start_s if start_s is not None else 0, ID_MAX if end_s is None else end_s)
        rows = await self._fetch(statements.candles(first=first), market, interval_s, *bounds, limit)
        found = [_candle(row) for row in rows]
        return found if first else found[::-1]

    async def audit(self, page: Page) -> list[AuditedAction]:
        """What administrators did; the ids of the page are sequences."""
        return [AuditedAction(*row) for row in await self._fetch(statements.audit(page), *_bounds(page))]

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        """The rows of another statement, with all that is durable by now."""
        return await self._fetch(statement, *arguments)

    async def _fetch(self, statement: str, *arguments: Any, sequence: int | None = None) -> list[Any]:
        """The rows, with all that is durable by now, or at least with what was up to a sequence."""
        if self._calls >= CALLS_MAX:
            raise Overloaded
        self._calls += 1
        try:
            await (self._reached() if sequence is None else self._reached(sequence))
            return await self._pool.fetch(statement, *arguments)
        finally:
            self._calls -= 1


def _some(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _bounds(page: Page) -> tuple[int, ...]:
    after = -1 if page.after is None else min(page.after, ID_MAX - 1)
    before = ID_MAX if page.before is None else page.before
    return page.limit, after, before, *_some(page.start_ns), *_some(page.end_ns)


def _order(row: Any) -> OrderUpdated:
    (
        order_id,
        user_id,
        market,
        client_order_id,
        side,
        order_type,
        time_in_force,
        post_only,
        price_ticks,
        quantity_lots,
        executed_lots,
        executed_quote_minor,
        status,
        created_ns,
        updated_ns,
        expire_reason,
        conditions,
        progress,
    ) = row[:COLUMNS_OF_ORDER]
    return OrderUpdated(
        UpdateReason.READ,
        order_id,
        PlaceOrder(
            user_id,
            market,
            _SIDES[side],
            _ORDER_TYPES[order_type],
            _TIMES_IN_FORCE[time_in_force],
            post_only,
            price_ticks,
            quantity_lots,
            client_order_id,
            conditions_from(conditions),
        ),
        _STATUSES[status],
        executed_lots,
        int(executed_quote_minor),
        None if expire_reason is None else _EXPIRE_REASONS[expire_reason],
        created_ns,
        updated_ns,
        0,
        None,
        0,
        None,
        progress_from(progress),
    )


def _fill_of_order(row: Any, order: OrderUpdated) -> Fill:
    """The last seven columns are the trade's."""
    trade_id, is_taker, price_ticks, quantity_lots, quote_minor, fee_minor, time_ns = row[-7:]
    terms = order.terms
    return Fill(
        trade_id,
        order.order_id,
        terms.client_order_id,
        terms.market,
        terms.side,
        is_taker,
        price_ticks,
        quantity_lots,
        int(quote_minor),
        int(fee_minor),
        time_ns,
    )


def _fill(row: Any) -> Fill:
    (
        trade_id,
        order_id,
        client_order_id,
        market,
        side,
        is_taker,
        price_ticks,
        quantity_lots,
        quote_minor,
        fee_minor,
        time_ns,
    ) = row
    return Fill(
        trade_id,
        order_id,
        client_order_id,
        market,
        _SIDES[side],
        is_taker,
        price_ticks,
        quantity_lots,
        int(quote_minor),
        int(fee_minor),
        time_ns,
    )


def _list(row: Any) -> ListUpdated:
    return ListUpdated(
        *(ListChange.READ, row["list_id"], placed_of(row), legs_from(row["legs"]), end_of(row["end_reason"])),
        *(row["created_ns"], row["updated_ns"], 0),
    )


def _trade(row: Any) -> PublicTrade:
    (
        trade_id,
        market,
        price_ticks,
        quantity_lots,
        quote_minor,
        taker_side,
        time_ns,
        market_trade_id,
        aggregate_id,
    ) = row
    return PublicTrade(
        trade_id,
        market,
        price_ticks,
        quantity_lots,
        int(quote_minor),
        _SIDES[taker_side],
        time_ns,
        market_trade_id,
        aggregate_id,
    )


def _prevented_match(row: Any) -> PreventedMatch:
    match_id, market_match_id, market, user_id, taker_order_id, maker_order_id, mode, *rest = row
    ids = match_id, market_match_id, market, user_id, taker_order_id, maker_order_id
    return PreventedMatch(*ids, SelfTrade(mode), *rest)


def _candle(row: Any) -> Candle:
    (
        open_s,
        open_ticks,
        high_ticks,
        low_ticks,
        close_ticks,
        volume_lots,
        quote_minor,
        trades,
        first_market_trade_id,
        last_market_trade_id,
        taker_buy_lots,
        taker_buy_quote_minor,
    ) = row
    candle = Candle(open_s, open_ticks, first_market_trade_id)
    candle.last_market_trade_id = last_market_trade_id
    candle.taker_buy_lots, candle.taker_buy_quote_minor = int(taker_buy_lots), int(taker_buy_quote_minor)
    candle.high_ticks, candle.low_ticks, candle.close_ticks = high_ticks, low_ticks, close_ticks
    candle.volume_lots, candle.quote_minor, candle.trades = int(volume_lots), int(quote_minor), trades
    return candle
