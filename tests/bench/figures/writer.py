"""Rows a second that writer and projector commit, journal and tables, in large batches, beside a plain COPY of them.

The batches are the events of the mixed flow on a core, so they hold what real ones do: orders that rest and close,
trades, accounts, candles, a market's counters. The limit copies the same rows in one transaction a batch; rows that are
new go into a table with the same indexes, those that change or delete an older one into one without any.
"""

import random
import time
from decimal import Decimal
from typing import Any

import asyncpg

from exchange.core.candles import candles_of
from exchange.core.commands import CancelOrder, TimeInForce
from exchange.core.events import BalanceChanged, MarketChanged, OrderStatus, OrderUpdated, Trade, UpdateReason
from exchange.core.venue import Venue
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, Batch
from exchange.store.postgres import PostgresStore
from tests.bench.bench import Bench
from tests.bench.core.books import SYMBOL, TRADERS_EACH, USERS
from tests.bench.core.deep import instrument, state_of, terms_of
from tests.bench.core.flow import CANCEL, REST, mixed, resting
from tests.bench.database import ORDER_COLUMNS, lay, postgres, terms_row
from tests.bench.figure import Figure, Goal, Row, row_of

NAME = "writer-rows"
GOAL = Goal(0.5, at_least=True)
BATCH_COMMANDS = 4_000
RESTING = 10_000

Rows = dict[str, list[tuple[Any, ...]]]

# By the writer's part: the table whose rows it makes, the columns copied, and whether they are new rows.
TABLES: dict[str, tuple[str, list[str] | None, bool]] = {
    "rested": ("open_orders", [*ORDER_COLUMNS, "priority"], True),
    "closed": ("closed_orders", [*ORDER_COLUMNS, "expire_reason"], True),
    "traded": ("trades", None, True),
    "changed": (
        "open_orders",
        ["order_id", "executed_lots", "executed_quote_minor", "status", "updated_ns", "priority"],
        False,
    ),
    "gone": ("open_orders", ["order_id"], False),
    "accounted": ("accounts", None, False),
    "counted": ("markets", ["symbol", "book_sequence", "depth_sequence", "best_sequence", "trade_sequence"], False),
    "charted": ("candles", None, False),
}


def batches(seed: int, count: int) -> tuple[Any, list[Batch]]:
    """A state, and batches of the flow that goes on from it."""
    chance = random.Random(seed)
    begin = resting(chance, RESTING, TRADERS_EACH)
    state = state_of(instrument(SYMBOL), USERS, begin)
    venue = Venue.restore(state)
    ids = list(range(1, len(begin) + 1))
    applied: list[Applied] = []
    for operation in mixed(chance, begin, count * BATCH_COMMANDS, TRADERS_EACH):
        sequence, now_ns = venue.sequence + 1, venue.time_ns + 1_000_000
        command: Any
        if operation.kind == CANCEL:
            command = CancelOrder(USERS[operation.user], SYMBOL, ids[operation.target], None)
        elif operation.kind == REST:
            ids.append(venue.counts.last_order_id + 1)
            command = terms_of(operation, SYMBOL, USERS, TimeInForce.GTC)
        else:
            command = terms_of(operation, SYMBOL, USERS, TimeInForce.IOC)
        outcome = venue.apply(command, sequence, now_ns)
        assert isinstance(outcome, Applied), outcome
        applied.append(outcome)
    return state, [
        Batch(len(begin) + at, applied[at : at + BATCH_COMMANDS]) for at in range(0, len(applied), BATCH_COMMANDS)
    ]


def rows_of(batch: Batch) -> Rows:
    """The rows that the batch leaves, the last state of each, by part; without the journal's one."""
    orders: dict[int, OrderUpdated] = {}
    accepted: set[int] = set()
    accounts: dict[tuple[str, str], BalanceChanged] = {}
    trades: list[Trade] = []
    markets: dict[str, MarketChanged] = {}
    for entry in batch.applied:
        for event in entry.events:
            match event:
                case OrderUpdated():
                    orders[event.order_id] = event
                    if event.reason is UpdateReason.ACCEPTED:
                        accepted.add(event.order_id)
                case BalanceChanged():
                    accounts[event.user_id, event.asset] = event
                case Trade():
                    trades.append(event)
                case MarketChanged():
                    markets[event.market] = event
    rows: Rows = {part: [] for part in TABLES}
    for order in orders.values():
        _order(rows, order, new=order.order_id in accepted)
    rows["traded"] = [_trade(trade) for trade in trades]
    rows["accounted"] = [
        (
            a.user_id,
            a.asset,
            Decimal(a.available_minor),
            Decimal(a.locked_minor),
            a.balances_sequence,
            a.orders_sequence,
        )
        for a in accounts.values()
    ]
    rows["counted"] = [
        (m.market, m.book_sequence, m.depth_sequence, m.best_sequence, m.trade_sequence) for m in markets.values()
    ]
    rows["charted"] = [
        (
            *(market, interval_s, c.open_s, c.open_ticks, c.high_ticks, c.low_ticks, c.close_ticks),
            *(Decimal(c.volume_lots), Decimal(c.quote_minor), c.trades),
            *(c.first_market_trade_id, c.last_market_trade_id),
            *(Decimal(c.taker_buy_lots), Decimal(c.taker_buy_quote_minor)),
        )
        for (market, interval_s, _), c in candles_of(trades).items()
    ]
    return rows


def _order(rows: Rows, order: OrderUpdated, *, new: bool) -> None:
    quote = Decimal(order.executed_quote_minor)
    ends = (order.executed_lots, quote, int(order.status), order.created_ns, order.updated_ns)
    row = (order.order_id, *terms_row(order.terms), *ends)
    if order.status > OrderStatus.PARTIALLY_FILLED:
        rows["closed"].append((*row, order.expire_reason))
        if not new:
            rows["gone"].append((order.order_id,))
    elif new:
        rows["rested"].append((*row, order.priority))
    else:
        rows["changed"].append(
            (order.order_id, order.executed_lots, quote, int(order.status), order.updated_ns, order.priority)
        )


def _trade(trade: Trade) -> tuple[Any, ...]:
    return (
        trade.trade_id,
        trade.market,
        trade.price_ticks,
        trade.quantity_lots,
        Decimal(trade.quote_minor),
        int(trade.taker_side),
        trade.maker_order_id,
        trade.taker_order_id,
        trade.maker_user_id,
        trade.taker_user_id,
        Decimal(trade.maker_fee_minor),
        Decimal(trade.taker_fee_minor),
        trade.time_ns,
        trade.market_trade_id,
        trade.aggregate_id,
    )


async def _make_copies(connection: Any) -> None:
    for part, (table, columns, new) in TABLES.items():
        what = ", ".join(columns) if columns else "*"
        if new:
            await connection.execute(f"CREATE TABLE bench_{part} (LIKE {table} INCLUDING ALL)")
        else:
            await connection.execute(f"CREATE TABLE bench_{part} AS SELECT {what} FROM {table} WHERE false")


async def _copy(connection: Any, rows: Rows) -> float:
    """Seconds that it takes to copy them in one transaction."""
    before = time.perf_counter()
    async with connection.transaction():
        for part, records in rows.items():
            if records:
                await connection.copy_records_to_table(f"bench_{part}", records=records, columns=TABLES[part][1])
    return time.perf_counter() - before


async def measure(bench: Bench) -> list[Row]:
    count = 4 * bench.pace.rounds
    bench.tell(f"{NAME}: preparing")
    state, made = batches(1, count)
    pairs = []
    async with postgres(bench.scratch / "writer") as dsn:
        await lay(dsn, state)
        store, copier = PostgresStore(dsn), await asyncpg.connect(dsn)
        await store.open()
        try:
            await _make_copies(copier)
            for number, batch in enumerate(made):
                bench.tell(f"{NAME}: batch {number + 1} of {count}")
                rows = rows_of(batch)
                amount = sum(map(len, rows.values()))
                before = time.perf_counter()
                await store.journal.commit(batch)
                await store.tables.commit(Changes.of(batch))
                took = time.perf_counter() - before
                copied = await _copy(copier, rows)
                if number:  # the first prepares its statement
                    pairs.append((amount / took, amount / copied))
        finally:
            await store.close()
            await copier.close()
    return [row_of(NAME, "rows/s", pairs, GOAL, f"batches of {BATCH_COMMANDS:,} commands", beside="COPY")]


FIGURE = Figure(NAME, measure, serves=False)
