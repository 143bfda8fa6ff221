"""History is dropped by the partition, and what is left is still proved: balances, counts, candles and the journal."""

import asyncio
import itertools
import random
import signal
import sys
from typing import Any

import asyncpg
import pytest

from exchange.core.client_ids import ClientIds
from exchange.core.commands import CancelOrder
from exchange.failure import Failure
from exchange.store import partitions, prune, prune_lock
from exchange.store.audit import audit
from exchange.store.prune import Before
from exchange.store.queries import PostgresHistory
from tests.store.kept import traded
from tests.whole.databases import Server, Writing, execute, order, value, writing

ALL = 1 << 62
SIZES = "SELECT count(*) FROM {}"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions of a hundred."""
    monkeypatch.setattr(partitions, "ROWS", 100)


async def rows(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def proved(dsn: str) -> int:
    """How many commands the replay of the journal reached."""
    report = await audit(dsn, replay=True)
    assert report.findings == []
    return report.replayed


async def busy(made: Writing) -> None:
    """Let it trade, with its tables as far as its journal."""
    await traded(made, random.Random(4), ahead=0)


async def test_old_partitions_go_and_the_rest_is_proved(server: Server, small: None) -> None:
    dsn = server.dsn(await server.migrated())
    async with writing(dsn) as made:
        await busy(made)
        last = made.venue.sequence
        assert await proved(dsn) == last
        before = [await value(dsn, SIZES.format(name)) for name in ("trades", "closed_orders", "journal", "candles")]
        postings = await rows(dsn, "SELECT user_id, asset, sum(amount_minor) FROM postings GROUP BY 1, 2 ORDER BY 1, 2")
        dropped = await prune.prune(dsn, Before(ALL, ALL, ALL, ALL))
        assert dropped.trades >= 3
        assert dropped.closed_orders >= 5
        assert dropped.journal >= 6
        assert dropped.baseline > 600
        assert await proved(dsn) == last
        after = [await value(dsn, SIZES.format(name)) for name in ("trades", "closed_orders", "journal", "candles")]
        assert all(int(str(less)) < int(str(more)) for less, more in zip(after, before, strict=True)), (before, after)
        assert postings == await rows(
            dsn, "SELECT user_id, asset, sum(amount_minor) FROM postings GROUP BY 1, 2 ORDER BY 1, 2"
        )
        # It goes on, also with an order whose partition is gone.
        (oldest, *_) = made.venue.state().orders
        batch = made.apply(CancelOrder(oldest.terms.user_id, oldest.terms.market, oldest.order_id, None))
        batch.applied += made.apply(order("ann", "buy 2000 @ 800")).applied
        await made.commit(batch)
        assert await proved(dsn) == last + 2
        assert (await prune.prune(dsn, Before(ALL, ALL, ALL, ALL))).trades == 0
        assert await proved(dsn) == last + 2
    async with writing(dsn, seeded=False) as again:
        assert again.venue.state() == made.venue.state()


async def test_what_is_not_old_enough_stays(server: Server, small: None) -> None:
    dsn = server.dsn(await server.migrated())
    async with writing(dsn) as made:
        await busy(made)
        assert await prune.prune(dsn, Before(1, 1, 1, 1)) == prune.Dropped()
        assert await prune.prune(dsn, Before()) == prune.Dropped()
        middle = int(str(await value(dsn, "SELECT time_ns FROM trades ORDER BY trade_id OFFSET 150 LIMIT 1")))
        assert (await prune.prune(dsn, Before(trades_ns=middle))).trades == 1
        assert await value(dsn, "SELECT min(trade_id) FROM trades") == 100
        # Only trades, only orders, only the journal: each in turn is proved.
        await proved(dsn)
        assert (await prune.prune(dsn, Before(closed_orders_ns=middle))).closed_orders >= 1
        await proved(dsn)
        assert (await prune.prune(dsn, Before(journal_ns=middle))).journal >= 1
        await proved(dsn)
        assert (await prune.prune(dsn, Before(minute_candles_ns=middle))).candles >= 1
        await proved(dsn)


async def test_an_order_whose_client_order_id_is_remembered_stays(
    server: Server, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = server.dsn(await server.migrated())
    named = "SELECT order_id FROM closed_orders WHERE client_order_id IS NOT NULL ORDER BY order_id"
    async with writing(dsn) as made:
        await busy(made)
        remembered = [order_id for order_id, _ in made.venue.client_ids.recent()]
        await prune.prune(dsn, Before(closed_orders_ns=ALL))
        assert [row[0] for row in await rows(dsn, named)] == [
            order_id for order_id in remembered if order_id not in {o.order_id for o in made.venue.state().orders}
        ]
        assert await value(dsn, "SELECT count(*) FROM closed_orders_default WHERE client_order_id IS NULL") == 0
    async with writing(dsn, seeded=False) as again:
        assert again.venue.client_ids.recent() == made.venue.client_ids.recent()
        # Once they are forgotten they go, too.
        monkeypatch.setattr(prune, "REMEMBERED", "SELECT 1 << 30")
        await prune.prune(dsn, Before(closed_orders_ns=ALL))
        assert await value(dsn, "SELECT count(*) FROM closed_orders_default") == 0
    assert isinstance(again.venue.client_ids, ClientIds)


async def test_pages_of_all_trades_begin_with_the_first_that_is_there(server: Server, small: None) -> None:
    from exchange.service.history import Page

    dsn = server.dsn(await server.migrated())
    async with writing(dsn) as made:
        await busy(made)
        await prune.prune(dsn, Before(trades_ns=ALL))
        first = await value(dsn, "SELECT min(trade_id) FROM trades")

        async def reached(_: int | None = None) -> None:
            return

        history = PostgresHistory(dsn, reached)
        try:
            page = await history.trades(None, Page(limit=5, after=0))
        finally:
            await history.close()
        assert [trade.trade_id for trade in page] == list(range(int(str(first)), int(str(first)) + 5))


async def test_two_prunings_and_an_audit_exclude_each_other(server: Server) -> None:
    dsn = server.dsn(await server.migrated())
    async with writing(dsn):
        connection = await asyncpg.connect(dsn)
        assert await prune_lock.alone(connection)
        with pytest.raises(Failure, match="Another"):
            await prune.prune(dsn, Before())
        waiting = asyncio.create_task(audit(dsn, replay=True))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await connection.close()
        assert (await waiting).findings == []


async def nobody(connection: Any) -> None:
    """Make no partitions: others hold the tables."""
    raise asyncpg.LockNotAvailableError


async def test_rows_of_no_range_go_to_the_default_partition_and_the_next_range_begins_after_them(
    server: Server, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = server.dsn(await server.migrated())
    async with writing(dsn) as made:
        with monkeypatch.context() as patch:
            patch.setattr(partitions, "room_for", nobody)
            await busy(made)
        assert int(str(await value(dsn, "SELECT count(*) FROM trades_default"))) > 100
        connection = await asyncpg.connect(dsn)
        await partitions.room_in_tables(connection, 0)
        found = await partitions.partitions(connection, "trades")
        await connection.close()
        assert found[-1].begin > made.venue.counts.last_trade_id
        await proved(dsn)


async def test_a_database_that_is_no_exchange_is_reported_in_a_sentence(server: Server) -> None:
    dsn = server.dsn(await server.create())
    await execute(dsn, "CREATE TABLE unrelated (x int)")
    with pytest.raises(Failure, match="cannot be pruned"):
        await prune.prune(dsn, Before(trades_ns=1))


async def test_it_runs_beside_an_exchange_that_commits(server: Server, small: None) -> None:
    """A commit in doubt, such as of a deadlock, would fail the test."""
    dsn = server.dsn(await server.migrated())
    dropped = 0

    async def again_and_again() -> None:
        nonlocal dropped
        while True:
            done = await prune.prune(dsn, Before(ALL, ALL, ALL, ALL))
            dropped += done.trades + done.closed_orders + done.journal
            await asyncio.sleep(0)

    async with writing(dsn) as made:
        pruning = asyncio.create_task(again_and_again())
        while dropped <= 5:
            await busy(made)
            assert not pruning.done(), pruning.exception()
        pruning.cancel()
        await asyncio.wait([pruning])
        await proved(dsn)


async def test_a_kill_at_any_point_leaves_each_partition_there_or_gone(server: Server, small: None) -> None:
    dsn = server.dsn(await server.migrated())
    async with writing(dsn) as made:
        await busy(made)
        last, kills = made.venue.sequence, 0
        for number in itertools.count(3, 5):
            child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.store.pruning", dsn, str(number))
            ended = await child.wait()
            assert await proved(dsn) == last
            if ended == 0:
                break
            assert ended == -signal.SIGKILL
            kills += 1
        assert kills >= 8
        assert int(str(await value(dsn, "SELECT max(sequence) FROM baseline"))) > 600
    async with writing(dsn, seeded=False) as again:
        assert again.venue.state() == made.venue.state()
