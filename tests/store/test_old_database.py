"""A database that the exchange of before made opens, trades on, and is still proved by its journal.

`old/database_0004.gz` holds its tables as COPY writes them, at revision 0004 of the migrations: under rules version 1,
with trades of several fills, open and canceled orders, client order ids, deposits and closed candles. Its journal is
twenty commands ahead of its tables, as after a crash.
"""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from exchange.core.candles import candles_of
from exchange.core.commands import AddUser, Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import Trade
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Batch
from exchange.store.audit import audit
from exchange.store.migrations import migrate
from exchange.store.postgres import PostgresStore
from exchange.store.recovery import candle_of
from tests.core.test_candles import shown
from tests.store.kept import OLD as FILES
from tests.store.kept import load
from tests.whole.databases import Server

OLD = FILES / "database_0004.gz"
TABLES_AT, JOURNAL_AT = 644, 664  # sequences
USERS = ("ann", "ben", "cat", "dan")


@pytest.fixture
async def dsn(server: Server) -> str:
    """The old database, not migrated yet."""
    dsn = server.dsn(await server.create())
    await load(dsn, OLD)
    return dsn


async def fetch(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


class Opened:
    """The exchange on that database, as `app.build` starts it: the state, and what the journal has beyond it."""

    def __init__(self, store: PostgresStore, venue: Venue) -> None:
        self.store = store
        self.venue = venue

    @classmethod
    async def at(cls, dsn: str) -> "Opened":
        store = PostgresStore(dsn)
        state = await store.open()
        opened = cls(store, Venue.restore(state))
        for sequence, time_ns, command, rules_version in await store.unprojected(state):
            outcome = opened.venue.replay(command, sequence, time_ns, rules_version)
            assert isinstance(outcome, Applied), outcome
            await store.tables.commit(Changes.of(Batch(sequence - 1, [outcome])))
        return opened

    async def carry_out(self, command: Command) -> Applied:
        """Apply and store a command."""
        before = self.venue.sequence
        outcome = self.venue.apply(command, before + 1, self.venue.time_ns + 10**9)
        assert isinstance(outcome, Applied), outcome
        await self.store.journal.commit(Batch(before, [outcome]))
        await self.store.tables.commit(Changes.of(Batch(before, [outcome])))
        return outcome


def buy(user_id: str, price_ticks: int, lots: int) -> PlaceOrder:
    """A limit order on SOL_USDC."""
    terms = (OrderType.LIMIT, TimeInForce.GTC, False, price_ticks, lots, None)
    return PlaceOrder(user_id, "SOL_USDC", Side.BUY, *terms)


async def test_it_opens_trades_on_and_is_proved_by_its_journal(dsn: str) -> None:
    opened = await Opened.at(dsn)
    assert opened.venue.sequence == JOURNAL_AT
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed, report.ahead) == ([], JOURNAL_AT, 0)
    last_order_id = opened.venue.counts.last_order_id
    book = opened.venue.markets["SOL_USDC"].book
    assert book.asks.best is not None
    price_ticks, lots = book.asks.best.price_ticks, book.asks.best.total_lots
    buyer = next(user for user in USERS if all(order.user_id != user for order in book.asks.best))
    await opened.carry_out(AddUser("eve"))
    taken = await opened.carry_out(buy(buyer, price_ticks, lots + 7))
    rested = await opened.carry_out(buy(buyer, 1_000, 500))
    ids = [applied.order.order_id for applied in (taken, rested) if applied.order is not None]
    assert ids == [last_order_id + 1, last_order_id + 2]
    assert ids[-1] != opened.venue.sequence == JOURNAL_AT + 3
    assert any(isinstance(event, Trade) for event in taken.events)
    opened.venue.check()
    await opened.store.close()
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed) == ([], JOURNAL_AT + 3)
    again = await Opened.at(dsn)
    assert again.venue.state() == opened.venue.state()
    await again.store.close()


async def test_what_the_journal_is_ahead_survives_the_migration(dsn: str) -> None:
    await migrate(dsn)
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed, report.ahead) == ([], TABLES_AT, JOURNAL_AT - TABLES_AT)


async def test_the_ids_of_old_orders_and_trades_stay(dsn: str) -> None:
    orders = "SELECT order_id, user_id, status, executed_lots FROM orders ORDER BY order_id"
    trades = "SELECT trade_id, market, maker_order_id, taker_order_id, quote_minor, time_ns FROM trades ORDER BY 1"
    queues = "SELECT order_id, {} FROM open_orders ORDER BY 1"
    before = [await fetch(dsn, query) for query in (orders, trades, queues.format("rested_sequence"))]
    await migrate(dsn)
    assert [await fetch(dsn, query) for query in (orders, trades)] == before[:2]
    assert list(map(tuple, await fetch(dsn, queues.format("priority")))) == list(map(tuple, before[2]))


async def test_old_trades_are_counted_and_old_candles_widened_as_the_core_does_it(dsn: str) -> None:
    """The trades say what the core would have counted; the candles are added up from them once more."""
    await migrate(dsn)
    rows = await fetch(dsn, "SELECT * FROM trades ORDER BY trade_id")
    counted: dict[str, list[tuple[int, int]]] = {}
    last: dict[str, tuple[int, int]] = {}
    for row in rows:
        numbers = counted.setdefault(row["market"], [])
        of = (row["taker_order_id"], row["price_ticks"])
        aggregate_id = numbers[-1][1] if numbers else 0
        numbers.append((len(numbers) + 1, aggregate_id + (last.get(row["market"]) != of)))
        last[row["market"]] = of
        assert (row["market_trade_id"], row["aggregate_id"]) == numbers[-1]
    assert any(len(numbers) > numbers[-1][1] for numbers in counted.values()), "no aggregate is of several trades"
    counts = await fetch(dsn, "SELECT symbol, trade_sequence, last_aggregate_id FROM markets")
    assert {symbol: numbers[-1] for symbol, numbers in counted.items()} == {row[0]: (row[1], row[2]) for row in counts}
    made = candles_of(map(trade_of, rows))
    stored = {
        (row["market"], row["interval_s"], row["open_s"]): shown(candle_of(row))
        for row in await fetch(dsn, "SELECT * FROM candles")
    }
    assert stored == {key: shown(candle) for key, candle in made.items()}


def trade_of(row: Any) -> Trade:
    fields: dict[str, Any] = {name: int(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    return Trade(**fields | {"taker_side": Side(row["taker_side"])})


@pytest.mark.parametrize(
    ("function", "table", "group", "key", "time"),
    [
        ("first_trade_since", "trades", "market", "trade_id", "time_ns"),
        ("first_order_since", "closed_orders", "user_id", "order_id", "created_ns"),
    ],
)
async def test_a_page_by_time_begins_at_the_first_id_of_that_time(
    dsn: str, function: str, table: str, group: str, key: str, time: str
) -> None:
    await migrate(dsn)
    rows = await fetch(dsn, f"SELECT {group}, {key}, {time} FROM {table} ORDER BY {key}")
    groups: dict[str, list[tuple[int, int]]] = {}
    for name, number, time_ns in rows:
        groups.setdefault(name, []).append((number, time_ns))
    times = sorted({time_ns + off for _, _, time_ns in rows for off in (-1, 0, 1)})
    begins = f"SELECT since, {function}($1, since) FROM unnest($2::bigint[]) AS since"
    connection = await asyncpg.connect(dsn)
    try:
        for name, numbers in groups.items():
            for since_ns, begin in await connection.fetch(begins, name, times):
                assert [number for number, time_ns in numbers if time_ns >= since_ns] == [
                    number for number, _ in numbers if number >= begin
                ]
        assert await connection.fetchval(f"SELECT {function}('nobody', 1)") is None
    finally:
        await connection.close()
