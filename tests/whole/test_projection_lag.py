"""The next start brings what the journal has into the tables, or reports why it cannot. On PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from exchange.core.commands import CancelOrder, Deposit
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.runtime.app import build
from exchange.service.history import Page
from exchange.store.audit import audit
from exchange.store.postgres import PostgresStore
from exchange.store.queries import PostgresHistory
from tests.whole.databases import CONFIG, MARKET, Writing, execute, order, value, writing
from tests.whole.process import until

TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def journal_only(made: Writing) -> None:
    """Commits of several commands each that the tables never heard of: trades, a cancel, a deposit."""
    for commands in (
        [order("random1", "sell 10000 @ 150", "first"), order("random2", "buy 4000 @ 150", "second")],
        [order("random2", "buy 7000 @ 140"), Deposit("random2", "USDC", 77, "once")],
        [CancelOrder("random1", MARKET, None, "first")],
    ):
        await made.store.journal.commit(made.apply(*commands))


async def test_a_start_brings_it_into_the_tables(dsn: str) -> None:
    async with writing(dsn) as made:
        await journal_only(made)
        ended = made.venue.state()
    assert await value(dsn, "SELECT count(*) FROM trades") == 0
    exchange = await build(CONFIG, PostgresStore(dsn))
    assert exchange.venue.state() == ended
    history = PostgresHistory(dsn, exchange.projector.reached)

    async def look() -> None:
        assert await value(dsn, "SELECT sequence FROM projection") == ended.sequence
        assert [trade.quantity_lots for trade in await history.trades(MARKET, Page(10))] == [4000]
        assert exchange.data.market(MARKET).changed.trade_sequence == 1
        again = await exchange.engine.submit(order("random2", "buy 4000 @ 150", "second"))
        assert again.__class__.__name__ == "Duplicate"

    await exchange.run(look)
    await history.close()
    report = await audit(dsn, replay=True)
    assert (report.findings, report.ahead) == ([], 0)


async def test_a_start_that_was_killed_in_between_is_gone_on_with(dsn: str) -> None:
    """The tables are then in the middle of what one commit wrote."""
    async with writing(dsn) as made:
        batch = made.apply(order("random1", "sell 10000 @ 150"), order("random2", "buy 4000 @ 150"))
        await made.store.journal.commit(batch)
        batch.applied = batch.applied[:1]
        await made.store.tables.commit(Changes.of(batch))
        ended = made.venue.state()
    assert (await audit(dsn, replay=True)).findings == []
    exchange = await build(CONFIG, PostgresStore(dsn))
    await exchange.store.close()
    assert exchange.venue.state() == ended
    assert (await audit(dsn, replay=True)).findings == []


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE journal SET rules_version = 999", "has codec version 5 and rules version 999, which"),
        ("DELETE FROM journal WHERE last_sequence = (SELECT max(last_sequence) FROM journal)", "commands are missing"),
        ("DELETE FROM journal WHERE last_sequence = (SELECT sequence + 2 FROM projection)", "commands are missing"),
        ("UPDATE journal SET commands = replace(commands, ',7000,', ',900000000000,')", "is refused"),
    ],
)
async def test_what_cannot_be_applied_is_a_sentence(dsn: str, sql: str, sentence: str) -> None:
    async with writing(dsn) as made:
        await journal_only(made)
    await execute(dsn, sql)
    store = PostgresStore(dsn)
    with pytest.raises(Failure, match=sentence):
        await build(CONFIG, store)
    await store.close()


@asynccontextmanager
async def replaced_while_it_fills(made: Writing, lock: str) -> AsyncIterator["asyncio.Task[None]"]:
    """A process that ends while its fill is held up by somebody's lock, and one that starts meanwhile.

    The tables have the fill once, whoever made it.
    """
    dsn = made.store.dsn
    batch = made.apply(order("random1", "sell 10000 @ 150"), order("random2", "buy 4000 @ 150"))
    await made.store.journal.commit(batch)
    holding = await asyncpg.connect(dsn)
    await holding.execute(f"BEGIN; {lock}")
    filling = asyncio.create_task(made.store.tables.commit(Changes.of(batch)))
    await waiting(dsn, 1)
    await made.store.journal.close()  # and with it goes the lock that says that an exchange runs
    opening = asyncio.create_task(build(CONFIG, PostgresStore(dsn)))
    await waiting(dsn, 2)
    assert not opening.done()
    await holding.close()
    yield filling
    exchange = await opening
    assert await value(dsn, "SELECT count(*) FROM trades") == 1
    assert exchange.venue.state() == made.venue.state()
    with pytest.raises(Failure, match="taken over"):
        await made.store.tables.commit(Changes.of(made.apply(order("random2", "buy 7000 @ 140"))))
    await exchange.store.close()


async def waiting(dsn: str, count: int) -> None:
    async def so_many() -> bool:
        return await value(dsn, WAITING) == count

    await until(so_many)


async def test_a_fill_that_a_dead_process_left_under_way_is_waited_for(dsn: str) -> None:
    # The fence is behind it, and the accounts are before it.
    lock = "SELECT 1 FROM accounts WHERE user_id = 'random1' FOR UPDATE"
    async with writing(dsn) as made, replaced_while_it_fills(made, lock) as filling:
        await filling
    assert (await audit(dsn, replay=True)).findings == []


async def test_a_fill_of_a_dead_process_that_comes_too_late_changes_nothing(dsn: str) -> None:
    # It has not even begun, and the next process claims the tables before it.
    lock = "LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"
    async with writing(dsn) as made, replaced_while_it_fills(made, lock) as filling:
        with pytest.raises(Failure, match="taken over"):
            await filling
    assert (await audit(dsn, replay=True)).findings == []


async def test_the_same_money_may_be_traded_all_day(dsn: str) -> None:
    """What a candle adds up has no bound, although each of its trades has."""
    most = (1 << 63) - 1
    async with writing(dsn) as made:
        await made.commit(
            made.apply(
                Deposit("random1", "USDC", most * most, "much"), Deposit("random2", "SOL", most * 100_000, "many")
            )
        )
        users = ["random1", "random2"]
        for _ in range(130):
            buyer, seller = users
            await made.commit(made.apply(order(seller, f"sell {most} @ {most}"), order(buyer, f"buy {most} @ {most}")))
            users.reverse()
        report = await audit(dsn, replay=True)
    assert report.findings == []
    assert await value(dsn, "SELECT max(quote_minor) >= 10::numeric ^ 40 FROM candles")


async def test_a_timeout_of_somebody_elses_does_not_cut_it_off(dsn: str) -> None:
    """A role or a database may have some: the exchange's own know what they interrupt."""
    name = str(await value(dsn, "SELECT current_database()"))
    for setting in TIMEOUTS:
        await execute(dsn, f"ALTER DATABASE {name} SET {setting} = '20s'")
    async with writing(dsn) as made:
        connection = made.store.tables._connection
        assert connection is not None
        for setting in TIMEOUTS:
            assert await connection.fetchval(f"SHOW {setting}") == "0"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "read-only transaction"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer"),
    ],
)
async def test_a_database_that_cannot_be_migrated_is_a_sentence(dsn: str, sql: str, sentence: str) -> None:
    if "alembic" in sql:
        async with writing(dsn):
            pass
    await execute(dsn, sql.format(name=await value(dsn, "SELECT current_database()")))
    store = PostgresStore(dsn)
    with pytest.raises(Failure, match=sentence) as failed:
        await store.open()
    assert "\n" not in str(failed.value)
