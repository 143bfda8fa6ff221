"""History from a real PostgreSQL: each page is what a look through everything that happened would find."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import asyncpg
import pytest

from exchange.core.commands import CancelOrder, Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import OrderStatus, OrderUpdated, Trade, UpdateReason
from exchange.pipeline.commits import Applied, Batch
from exchange.pipeline.outcomes import Overloaded
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.history import ID_MAX, Fill, OrderRead, Page, PublicTrade, fill_of
from exchange.store import queries, read_pool
from exchange.store.queries import PostgresHistory
from exchange.store.read_pool import ReadPool
from tests.whole.databases import Server, Writing, execute, value, writing

SOL, JUP = "SOL_USDC", "JUP_USDC"
ANN, BEN = "random1", "random2"
TIME_NS = 1_000_000_000_000_000_000
Row = TypeVar("Row")
STEP_NS = 1_000  # between two commands; four at a time have the same


class Past:
    """All that happened, in memory."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.orders: dict[int, OrderUpdated] = {}

    def add(self, applied: Applied) -> None:
        """Remember what a command did."""
        for event in applied.events:
            if isinstance(event, Trade):
                self.trades.append(event)
            elif isinstance(event, OrderUpdated):
                self.orders[event.order_id] = event

    def closed(self) -> list[OrderUpdated]:
        """The orders that are over, as they are read."""
        return [as_read(order) for order in self.orders.values() if order.status >= OrderStatus.FILLED]

    def fills(self, user_id: str) -> list[Fill]:
        """A user's sides of all trades."""
        found = []
        for trade in self.trades:
            for order_id, user in (
                (trade.taker_order_id, trade.taker_user_id),
                (trade.maker_order_id, trade.maker_user_id),
            ):
                if user == user_id:
                    found.append(fill_of(trade, order_id, self.orders[order_id].terms.client_order_id))
        return found

    def read(self, order_id: int) -> OrderRead:
        """One order with its fills."""
        order = self.orders[order_id]
        return OrderRead(
            as_read(order), [fill for fill in self.fills(order.terms.user_id) if fill.order_id == order_id]
        )


def as_read(order: OrderUpdated) -> OrderUpdated:
    return OrderUpdated(
        UpdateReason.READ,
        order.order_id,
        order.terms,
        order.status,
        order.executed_lots,
        order.executed_quote_minor,
        order.expire_reason,
        order.created_ns,
        order.updated_ns,
        0,
        None,
        0,
    )


def limit_order(user_id: str, market: str, text: str, name: str | None = None) -> PlaceOrder:
    """`"buy 3 @ 101"`, in lots and ticks."""
    side, lots, _, ticks = text.split()
    terms = (Side[side.upper()], OrderType.LIMIT, TimeInForce.GTC, False, int(ticks), int(lots))
    return PlaceOrder(user_id, market, *terms, name)


async def happen(made: Writing, past: Past, *commands: Command) -> list[Applied]:
    """Carry the commands out and store them, four of them at one time."""
    batch = Batch(made.venue.sequence, [])
    for command in commands:
        sequence = made.venue.sequence + 1
        time_ns = max(TIME_NS + sequence // 4 * STEP_NS, made.venue.time_ns)
        applied = made.venue.apply(command, sequence, time_ns)
        assert isinstance(applied, Applied), applied
        batch.applied.append(applied)
        past.add(batch.applied[-1])
    await made.commit(batch)
    return batch.applied


async def place(made: Writing, past: Past, command: PlaceOrder) -> int:
    """The id of the order."""
    placed = (await happen(made, past, command))[0].events[0]
    assert isinstance(placed, OrderUpdated)
    return placed.order_id


async def live(made: Writing, past: Past) -> None:
    """Makers filled at once and in parts, takers of several, cancels, one that stays open, in two markets."""
    for number in range(9):
        market, price = (SOL, JUP)[number % 3 == 2], 10_000 + number % 2
        ann, ben = (ANN, BEN) if number % 2 else (BEN, ANN)
        name = None if number % 3 else f"n{number}"
        await happen(
            made,
            past,
            limit_order(ann, market, f"sell 20000 @ {price}", name),
            limit_order(ben, market, f"buy 12000 @ {price}", None if number % 2 else f"t{number}"),
            limit_order(ben, market, f"buy 8000 @ {price}"),
            limit_order(ann, market, "sell 10000 @ 20000"),
            limit_order(ann, market, "sell 10000 @ 20001"),
            limit_order(ben, market, "buy 20000 @ 20001"),
        )
        resting = await place(made, past, limit_order(ann, market, "buy 10000 @ 5000", f"c{number}"))
        if number:
            await happen(made, past, CancelOrder(ann, market, resting, None))


@pytest.fixture(scope="module")
def past(server: Server) -> tuple[str, Past]:
    """The dsn of a database, and what happened in it."""

    async def make() -> tuple[str, Past]:
        dsn, found = server.dsn(await server.migrated()), Past()
        async with writing(dsn) as made:
            await live(made, found)
        return dsn, found

    return asyncio.run(make())


async def reached(sequence: int | None = None) -> None:
    """The tables show everything."""


@pytest.fixture
async def history(past: tuple[str, Past]) -> AsyncIterator[PostgresHistory]:
    made = PostgresHistory(past[0], reached)
    yield made
    await made.close()


def pages(ids: list[int], times: list[int]) -> Iterator[Page]:
    """Every combination of bounds, at rows and beside them, and outside of all."""
    id_bounds = (None, ids[0], ids[len(ids) // 3], ids[-1] + 1)
    time_bounds = (None, times[0], times[len(times) // 2], times[len(times) // 2] + 1, times[-1] + 1)
    for before, after, start, end in itertools.product(id_bounds, id_bounds, time_bounds, time_bounds):
        yield Page(4, before, after, start, end)
    yield from (Page(limit) for limit in (1, len(ids), 1000))
    for far in (2**31, 2**40, ID_MAX):
        yield from (Page(4, before=far), Page(4, after=far), Page(4, start_ns=far), Page(4, end_ns=far))


def expected(rows: list[Row], page: Page, id_of: Callable[[Row], int], time_of: Callable[[Row], int]) -> list[Row]:
    """The page, by a look at every row."""
    within = [row for row in rows if page.has(id_of(row), time_of(row))]
    return sorted(within, key=id_of, reverse=not page.oldest_first)[: page.limit]


@pytest.mark.parametrize("market", [None, SOL, JUP, "NONE"])
async def test_pages_of_trades(past: tuple[str, Past], history: PostgresHistory, market: str | None) -> None:
    rows = [
        PublicTrade(
            t.trade_id,
            t.market,
            t.price_ticks,
            t.quantity_lots,
            t.quote_minor,
            t.taker_side,
            t.time_ns,
            t.market_trade_id,
            t.aggregate_id,
        )
        for t in past[1].trades
    ]
    there = [row for row in rows if market in (None, row.market)]
    assert (len(there) > 8) == (market != "NONE")
    for page in pages([row.trade_id for row in rows], [row.time_ns for row in rows]):
        wanted = expected(there, page, lambda row: row.trade_id, lambda row: row.time_ns)
        assert await history.trades(market, page) == wanted, page


@pytest.mark.parametrize("market", [None, SOL, JUP])
@pytest.mark.parametrize("user_id", [ANN, "nobody"])
async def test_pages_of_fills(
    past: tuple[str, Past], history: PostgresHistory, user_id: str, market: str | None
) -> None:
    rows = past[1].fills(ANN)
    there = [row for row in past[1].fills(user_id) if market in (None, row.market)]
    assert {row.is_taker for row in rows} == {True, False}
    assert any(row.client_order_id for row in rows)
    for page in pages([row.trade_id for row in rows], [row.time_ns for row in rows]):
        wanted = expected(there, page, lambda row: row.trade_id, lambda row: row.time_ns)
        assert await history.fills(user_id, market, None, page) == wanted, page


async def test_pages_of_the_fills_of_one_order(past: tuple[str, Past], history: PostgresHistory) -> None:
    by_order: dict[int, list[Fill]] = {}
    for fill in past[1].fills(ANN):
        by_order.setdefault(fill.order_id, []).append(fill)
    assert max(len(found) for found in by_order.values()) > 1
    for order_id, found in by_order.items():
        for page in (Page(1), Page(5), Page(1, after=found[0].trade_id), Page(5, start_ns=found[0].time_ns)):
            wanted = expected(found, page, lambda row: row.trade_id, lambda row: row.time_ns)
            assert await history.fills(ANN, None, order_id, page) == wanted
            assert await history.fills(BEN, None, order_id, page) == []


@pytest.mark.parametrize("market", [None, SOL, JUP])
async def test_pages_of_closed_orders(past: tuple[str, Past], history: PostgresHistory, market: str | None) -> None:
    rows = [order for order in past[1].closed() if order.terms.user_id == BEN]
    there = [order for order in rows if market in (None, order.terms.market)]
    ids = sorted(order.order_id for order in rows)
    for page in pages(ids, [past[1].orders[order_id].created_ns for order_id in ids]):
        wanted = expected(there, page, lambda order: order.order_id, lambda order: order.created_ns)
        assert await history.closed_orders(BEN, market, page) == wanted, page


async def test_one_order_by_either_id(past: tuple[str, Past], history: PostgresHistory) -> None:
    closed = past[1].closed()
    assert {len(past[1].read(order.order_id).fills) for order in closed} >= {0, 1, 2}
    for order in closed:
        user_id, market, name = order.terms.user_id, order.terms.market, order.terms.client_order_id
        wanted = past[1].read(order.order_id)
        for where in (market, None):
            assert await history.order(user_id, where, order.order_id, None) == wanted
            if name is not None:
                assert await history.order(user_id, where, None, name) == wanted
        assert await history.order(user_id, "NONE", order.order_id, None) is None
        assert await history.order("nobody", market, order.order_id, None) is None
        assert await history.fills_of_order(order) == wanted.fills
        if wanted.fills:
            assert await history.fills_of_order(order, wanted.fills[0].trade_id) == wanted.fills[:1]
    still_open = set(past[1].orders) - {order.order_id for order in closed}
    assert still_open
    assert [await history.order(BEN, None, order_id, None) for order_id in still_open] == [None] * len(still_open)


async def test_of_several_orders_of_one_name_the_newest_is_found(server: Server) -> None:
    dsn, past = server.dsn(await server.migrated()), Past()
    async with writing(dsn) as made:
        made.venue.client_ids._recent_max = 0  # every name may be used again at once
        for _ in range(3):
            last = await place(made, past, limit_order(ANN, SOL, "buy 10000 @ 5000", "again"))
            await happen(made, past, CancelOrder(ANN, SOL, last, None))
    history = PostgresHistory(dsn, reached)
    assert await history.order(ANN, SOL, None, "again") == past.read(last)
    await history.close()


async def test_pages_of_a_history_in_which_nothing_happened_are_empty(server: Server) -> None:
    """Whatever their bounds are."""
    dsn = server.dsn(await server.migrated())
    async with writing(dsn):
        pass
    history = PostgresHistory(dsn, reached)
    ids, times = (None, 0, 1, ID_MAX - 1, ID_MAX), (None, 0, TIME_NS, ID_MAX)
    for before, after, start_ns, end_ns in itertools.product(ids, ids, times, times):
        page = Page(1001, before, after, start_ns, end_ns)
        assert await history.trades(None, page) == [], page
        if start_ns in (None, TIME_NS) and end_ns in (None, TIME_NS):
            for market in (SOL, None):
                assert await history.trades(market, page) == [], page
                assert await history.fills(ANN, market, None, page) == [], page
                assert await history.closed_orders(ANN, market, page) == [], page
                assert await history.prevented_matches(ANN, market, None, page) == [], page
                assert await history.amendments(ANN, market, None, page) == [], page
                assert await history.lists(ANN, market, None, page) == [], page
    await history.close()


async def test_a_look_up_waits_only_for_the_sequence_it_needs(past: tuple[str, Past]) -> None:
    asked: list[int | None] = []

    async def note(sequence: int | None = None) -> None:
        asked.append(sequence)

    history = PostgresHistory(past[0], note)
    await history.order(ANN, SOL, 1, None, 7)
    await history.trades(SOL, Page(1))
    await history.close()
    assert asked == [7, None]


# --- what goes wrong


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exchange history'"
SLEEP = "SELECT pg_sleep($1)"


async def test_a_dead_connection_is_replaced(past: tuple[str, Past], history: PostgresHistory) -> None:
    before = await asyncio.gather(*(history.trades(SOL, Page(3)) for _ in range(4)))
    await execute(past[0], CUT)
    assert await asyncio.gather(*(history.trades(SOL, Page(3)) for _ in range(4))) == before


async def test_a_call_beyond_those_that_may_wait_is_refused_at_once(past: tuple[str, Past]) -> None:
    pool = ReadPool(past[0], connections_max=2, waiting_max=3)
    calls = [asyncio.create_task(pool.fetch(SLEEP, 60.0)) for _ in range(2)]
    waiting = [asyncio.create_task(pool.fetch("SELECT 1")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.fetch("SELECT 1")
    for call in calls:  # their callers are gone: the others get their places
        call.cancel()
    assert [rows[0][0] for rows in await asyncio.gather(*waiting)] == [1, 1, 1]
    assert (await pool.fetch("SELECT 2"))[0][0] == 2
    await pool.close()


async def test_calls_that_wait_for_the_tables_are_bounded_too(
    past: tuple[str, Past], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CALLS_MAX", 3)
    shown = asyncio.Event()

    async def later(sequence: int | None = None) -> None:
        await shown.wait()

    history = PostgresHistory(past[0], later)
    waiting = [asyncio.create_task(history.trades(SOL, Page(1))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await history.trades(SOL, Page(1))
    shown.set()
    assert [len(rows) for rows in await asyncio.gather(*waiting)] == [1, 1, 1]
    assert len(await history.trades(SOL, Page(1))) == 1
    await history.close()


async def test_a_statement_that_takes_too_long_is_given_up(past: tuple[str, Past]) -> None:
    pool = ReadPool(past[0], connections_max=1, query_timeout_s=0.2)
    with pytest.raises(HistoryUnavailable):
        await pool.fetch(SLEEP, 60.0)
    pool._query_timeout_s = 60.0
    assert (await pool.fetch("SELECT 1"))[0][0] == 1
    await pool.close()


async def test_who_waits_too_long_for_a_connection_is_told(past: tuple[str, Past]) -> None:
    pool = ReadPool(past[0], connections_max=1, query_timeout_s=0.2)
    pool._query_timeout_s = 60.0
    busy = asyncio.create_task(pool.fetch(SLEEP, 60.0))
    await asyncio.sleep(0)
    pool._query_timeout_s = 0.05
    with pytest.raises(HistoryUnavailable, match="in use"):
        await pool.fetch("SELECT 1")
    busy.cancel()
    await pool.close()


async def test_no_database_is_no_history(past: tuple[str, Past], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pool, "CONNECT_TIMEOUT_S", 0.5)
    history = PostgresHistory(past[0].replace("host=", "host=/nowhere"), reached)
    with pytest.raises(HistoryUnavailable):
        await history.trades(SOL, Page(1))
    await history.close()
    with pytest.raises(HistoryUnavailable):
        await history.trades(SOL, Page(1))


async def test_a_statement_of_ours_that_is_wrong_is_no_outage(past: tuple[str, Past]) -> None:
    pool = ReadPool(past[0])
    with pytest.raises(asyncpg.SyntaxOrAccessError):
        await pool.fetch("SELECT nothing FROM nowhere")
    with pytest.raises(HistoryUnavailable, match="read-only"):
        await pool.fetch("DELETE FROM trades")
    await pool.close()
    assert await value(past[0], "SELECT count(*) > 0 FROM trades")
