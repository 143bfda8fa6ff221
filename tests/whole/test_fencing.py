"""One writer a database, and every commit once: with a real PostgreSQL, and no exchange around the store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest
import uvloop

from exchange.core.commands import AddUser
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Batch, CommitInDoubt, commit_once
from exchange.runtime.app import build
from exchange.service.history import Page
from exchange.store import committer
from exchange.store.audit import audit
from exchange.store.postgres import PostgresStore
from exchange.store.queries import PostgresHistory
from exchange.store.rows import PIECE_MAX
from tests.patience import PATIENCE_S
from tests.whole.databases import (
    CONFIG,
    MARKET,
    Server,
    Wire,
    Writing,
    everything,
    execute,
    order,
    sequence_of,
    value,
    writing,
)
from tests.whole.process import directory, gone, until

_WRITERS = "FROM pg_stat_activity WHERE application_name = 'exchange writer' AND datname = '{name}'"
PID = f"SELECT pid {_WRITERS}"
CUT = f"SELECT pg_terminate_backend(pid) {_WRITERS}"
WAITING = f"SELECT count(*) {_WRITERS} AND wait_event_type = 'Lock'"


@pytest.fixture
async def name(server: Server) -> str:
    """A database of this test's own."""
    return await server.migrated()


@pytest.fixture
def dsn(server: Server, name: str) -> str:
    return server.dsn(name)


def some_orders(made: Writing) -> Batch:
    """Two that trade, and one that rests."""
    return made.apply(
        order("random1", "sell 10000 @ 150"), order("random2", "buy 6000 @ 151"), order("random2", "buy 7000 @ 140")
    )


async def reached() -> None:
    """The tables show everything."""


async def is_right(dsn: str) -> None:
    assert (await audit(dsn, replay=True)).findings == []


# --- one writer


async def test_a_second_exchange_is_told_in_one_sentence(dsn: str) -> None:
    async with writing(dsn) as first:
        with pytest.raises(Failure, match=r"^Another exchange runs on this database\.$"):
            await PostgresStore(dsn, lock_timeout_s=0.3).open()
        await first.commit(some_orders(first))
    await is_right(dsn)


async def test_a_second_exchange_waits_for_the_first_to_end(dsn: str) -> None:
    async with writing(dsn) as first:
        await first.commit(some_orders(first))
        second = PostgresStore(dsn)
        opening = asyncio.create_task(second.open())

        async def is_waiting() -> bool:
            return await value(dsn, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%try_advisory%'") != 0

        await until(is_waiting)
        assert not opening.done()
    assert (await opening).sequence == first.venue.sequence
    await second.close()


async def test_a_writer_that_was_overtaken_changes_nothing(dsn: str) -> None:
    async with writing(dsn) as old:
        await execute(dsn, "UPDATE venue SET epoch = epoch + 1")
        before = await everything(dsn)
        with pytest.raises(Failure, match=r"^Another exchange has taken over this database\.$"):
            await old.store.journal.commit(some_orders(old))
        assert await everything(dsn) == before
        with pytest.raises(Failure, match=r"^Another exchange has taken over this database\.$"):
            await old.store.journal.settle()
        assert await everything(dsn) == before
    await is_right(dsn)


async def test_a_commit_sent_twice_is_applied_once(dsn: str) -> None:
    async with writing(dsn) as made:
        batch = some_orders(made)
        await made.store.journal.commit(batch)
        once = await everything(dsn)
        with pytest.raises(Failure):
            await made.store.journal.commit(batch)
        assert await everything(dsn) == once
    await is_right(dsn)


async def test_what_can_never_be_stored_is_no_doubt(dsn: str) -> None:
    """To send it again and again would be an exchange that stands still without a word."""
    async with writing(dsn) as made:
        batch = some_orders(made)
        batch.applied[0].time_ns = 2**63
        batch.applied[-1].time_ns = 2**63
        with pytest.raises(Failure, match="refused a commit"):
            await made.store.tables.commit(Changes.of(batch))
    await is_right(dsn)


async def test_what_says_more_may_take_longer(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what one command does to a million orders would be in doubt each time, for ever."""
    monkeypatch.setattr(committer, "MEGABYTE_S", 60.0)
    async with writing(dsn) as made:
        made.may_take(0.2)
        batch = made.apply(*(AddUser(f"{number:064}") for number in range(20_000)))
        holding = await asyncpg.connect(dsn)
        await holding.execute(f"BEGIN; INSERT INTO users VALUES ('{0:064}', 0)")  # the first of them waits for this
        filling = asyncio.create_task(made.store.tables.commit(Changes.of(batch)))
        await asyncio.sleep(0.5)
        assert not filling.done()
        await holding.close()
        await filling
    assert await value(dsn, "SELECT count(*) FROM users WHERE length(user_id) = 64") == 20_000


async def test_a_database_slower_than_the_timeout_comes_to_an_end(dsn: str) -> None:
    """Each attempt may take longer than the one before: else every one of them would be in doubt."""
    slow = """
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION wait();
    """
    async with writing(dsn):
        pass
    async with writing(dsn, seeded=False) as made:
        made.may_take(0.1)
        await execute(dsn, slow)
        batch = some_orders(made)
        async with asyncio.timeout(PATIENCE_S):  # for ever would be longer
            await commit_once(made.store.journal, batch)
        assert await sequence_of(dsn) == batch.to_sequence
        await execute(dsn, "DROP TRIGGER slow ON journal")
        await commit_once(made.store.tables, Changes.of(batch))
    await is_right(dsn)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_may_forget_is_refused(dsn: str, name: str, setting: str) -> None:
    """At the start, and when it comes back otherwise than it was."""
    async with writing(dsn) as made:
        await _set(dsn, f"ALTER SYSTEM SET {setting} = off", setting, "off")
        try:
            with pytest.raises(Failure, match=rf"{setting} = off"):
                await made.store.journal.settle()
            await made.store.close()
            with pytest.raises(Failure, match=rf"{setting} = off"):
                await PostgresStore(dsn).open()
        finally:
            await _set(dsn, f"ALTER SYSTEM RESET {setting}", setting, "on")


async def _set(dsn: str, sql: str, setting: str, expected: str) -> None:
    await execute(dsn, sql)
    await execute(dsn, "SELECT pg_reload_conf()")

    async def is_set() -> bool:
        return await value(dsn, f"SELECT current_setting('{setting}')") == expected

    await until(is_set)


# --- a commit in doubt


@asynccontextmanager
async def held_up(dsn: str, table: str = "journal") -> AsyncIterator[asyncpg.transaction.Transaction]:
    """Another session locks a table, here one that every commit needs, until it rolls back."""
    connection = await asyncpg.connect(dsn)
    holding = connection.transaction()
    await holding.start()
    await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    try:
        yield holding
    finally:
        await connection.close()


async def is_held_up(dsn: str, name: str) -> None:
    async def waits() -> bool:
        return await value(dsn, WAITING.format(name=name)) == 1

    await until(waits)


async def finish(made: Writing, batch: Batch, expected: int) -> None:
    """Settle, and go on as the writer does."""
    settled = await made.store.journal.settle()
    assert settled == expected
    if settled == batch.from_sequence:
        await made.store.journal.commit(batch)
    await commit_once(made.store.tables, Changes.of(batch))
    await made.commit(made.apply(order("random1", "sell 5000 @ 200")))
    await is_right(made.store.dsn)


async def test_a_backend_ended_in_the_middle_of_a_commit_leaves_nothing(dsn: str, name: str) -> None:
    async with writing(dsn) as made, held_up(dsn) as lock:
        batch = some_orders(made)
        commit = asyncio.create_task(made.store.journal.commit(batch))
        await is_held_up(dsn, name)
        await execute(dsn, CUT.format(name=name))
        with pytest.raises(CommitInDoubt):
            await commit
        await lock.rollback()
        await finish(made, batch, batch.from_sequence)


async def test_a_statement_still_running_on_a_cut_connection_is_ended_before_anything_is_read(
    server: Server, dsn: str, name: str
) -> None:
    with directory() as place:
        async with Wire(place, server).up() as wire, writing(server.dsn(name, place)) as made:
            async with held_up(dsn) as lock:
                batch = some_orders(made)
                commit = asyncio.create_task(made.store.journal.commit(batch))
                await is_held_up(dsn, name)
                old = psutil.Process(await value(dsn, PID.format(name=name)))
                wire.cut()
                with pytest.raises(CommitInDoubt):
                    await commit
                # The lock is still held: only the end of the statement lets settle take its look.
                settling = asyncio.create_task(made.store.journal.settle())
                await gone(old)
                await lock.rollback()
                assert await settling == batch.from_sequence
            assert await sequence_of(dsn) == batch.from_sequence
            await finish(made, batch, batch.from_sequence)


async def test_a_commit_whose_answer_was_lost_is_found(server: Server, dsn: str, name: str) -> None:
    with directory() as place:
        async with Wire(place, server).up() as wire, writing(server.dsn(name, place)) as made:
            # The first of its kind has its statement prepared, which would wait for an answer too.
            await made.commit(made.apply(order("random1", "sell 10000 @ 150")))
            batch = made.apply(order("random1", "sell 10000 @ 151"))
            wire.answers.clear()
            commit = asyncio.create_task(made.store.journal.commit(batch))

            async def is_stored() -> bool:
                return await sequence_of(dsn) == batch.to_sequence

            await until(is_stored)
            wire.cut()
            wire.mend()
            with pytest.raises(CommitInDoubt):
                await commit
            await finish(made, batch, batch.to_sequence)


async def test_a_commit_that_never_arrived_is_known_to_be_missing(server: Server, name: str) -> None:
    with directory() as place:
        dsn = server.dsn(name, place)
        async with Wire(place, server).up() as wire, writing(dsn) as made:
            batch = some_orders(made)
            made.may_take(0.5)
            wire.questions.clear()
            with pytest.raises(CommitInDoubt):
                await made.store.journal.commit(batch)
            made.may_take(PATIENCE_S)
            wire.cut()
            wire.mend()
            await finish(made, batch, batch.from_sequence)


LAST_WORDS = {
    "before it begins": (b"BEGIN", False),
    "at its first copy": (b'COPY "open_orders"', False),
    "at its last copy": (b'COPY "trades"', False),
    "when all is copied": (b"COMMIT", False),
    "when it is durable": (b"COMMIT\0Z", True),
}
"""Where a fill is cut off, what is said there, and whether the tables have it then."""


@pytest.mark.parametrize("where", LAST_WORDS)
async def test_a_fill_that_is_cut_off_is_made_once(server: Server, dsn: str, name: str, where: str) -> None:
    last_word, is_stored = LAST_WORDS[where]
    with directory() as place:
        async with Wire(place, server).up() as wire, writing(server.dsn(name, place)) as made:
            await made.commit(made.apply(order("random1", "sell 10000 @ 150")))
            batch = some_orders(made)
            await made.store.journal.commit(batch)
            wire.last_word = last_word
            with pytest.raises(CommitInDoubt):
                await made.store.tables.commit(Changes.of(batch))
            wire.mend()
            assert await made.store.journal.settle() == batch.to_sequence
            settled = await made.store.tables.settle()
            assert settled == (batch.to_sequence if is_stored else batch.from_sequence)
            if not is_stored:
                await made.store.tables.commit(Changes.of(batch))
            await made.commit(made.apply(order("random1", "sell 5000 @ 200")))
            await is_right(dsn)


@pytest.mark.parametrize("how", ["cut", "frozen"])
def test_a_fill_of_many_pieces_that_is_broken_off_is_made_once(server: Server, how: str) -> None:
    """In the middle of what it copies, more than the socket takes at once; on the loop that the exchange runs on."""

    async def story() -> None:
        name = await server.migrated()
        dsn = server.dsn(name)
        with directory() as place:
            async with Wire(place, server).up() as wire, writing(server.dsn(name, place)) as made:
                buys = [order("random2", "buy 1000 @ 150")] * (5 * PIECE_MAX)
                batch = made.apply(order("random1", f"sell {1000 * len(buys)} @ 150"), *buys)
                await made.store.journal.commit(batch)
                wire.last_word = b",random2,SOL_USDC,"
                if how == "frozen":
                    wire.at_last_word = wire.questions.clear
                    made.may_take(1.0)
                with pytest.raises(CommitInDoubt):
                    async with asyncio.timeout(PATIENCE_S):  # for ever would be longer
                        await made.store.tables.commit(Changes.of(batch))
                made.may_take(PATIENCE_S)
                wire.mend()
                wire.cut()
                assert await made.store.journal.settle() == batch.to_sequence
                assert await made.store.tables.settle() == batch.from_sequence
                await made.store.tables.commit(Changes.of(batch))
                await is_right(dsn)

    uvloop.run(story())


async def test_a_server_that_says_goodbye_before_it_hangs_up_leaves_a_doubt(
    server: Server, dsn: str, name: str
) -> None:
    """The driver calls it a fault of its own when it is asked in between."""
    with directory() as place:
        async with Wire(place, server).up() as wire, writing(server.dsn(name, place)) as made:
            batch = some_orders(made)
            wire.ends.clear()
            await execute(dsn, CUT.format(name=name))

            async def has_said_goodbye() -> bool:
                return b"terminating connection" in wire.last_answer

            await until(has_said_goodbye)
            commit = asyncio.create_task(made.store.journal.commit(batch))
            await asyncio.wait([commit], timeout=0.1)
            wire.mend()
            with pytest.raises(CommitInDoubt):
                await commit
            await finish(made, batch, batch.from_sequence)


async def test_history_is_read_again_after_such_a_goodbye(server: Server, dsn: str, name: str) -> None:
    async with writing(dsn) as made:
        await made.commit(some_orders(made))
    with directory() as place:
        async with Wire(place, server).up() as wire:
            history = PostgresHistory(server.dsn(name, place), reached)
            assert len(await history.trades(MARKET, Page(10))) == 1
            wire.ends.clear()
            await execute(dsn, CUT.replace("writer", "history").format(name=name))

            async def has_said_goodbye() -> bool:
                return b"terminating connection" in wire.last_answer

            await until(has_said_goodbye)
            reading = asyncio.create_task(history.trades(MARKET, Page(10)))
            await asyncio.wait([reading], timeout=0.1)
            wire.mend()
            assert len(await reading) == 1
            await history.close()


async def test_an_old_backend_that_does_not_end_is_waited_for(
    dsn: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still holds the lock, for longer than anybody waits for one; but it is no other exchange."""
    monkeypatch.setattr(committer, "END_TIMEOUT_S", 0.05)
    monkeypatch.setattr(committer, "LOCK_TIMEOUT_S", 0.5)
    async with writing(dsn) as made:
        made.may_take(1.0)
        pid = await value(dsn, PID.format(name=name))
        backend = psutil.Process(pid)
        batch = some_orders(made)
        backend.suspend()
        with pytest.raises(CommitInDoubt):
            await made.store.journal.commit(batch)
        settling = asyncio.create_task(made.store.journal.settle())
        others: set[object] = set()

        async def has_tried_often() -> bool:
            assert not settling.done()
            sql = PID.format(name=name) + f" AND pid <> {pid} LIMIT 1"
            others.add(await value(dsn, sql))
            return len(others) > 4

        await until(has_tried_often)
        backend.resume()
        settled = await settling
        assert settled in (batch.from_sequence, batch.to_sequence)
        assert settled == await sequence_of(dsn)
        assert made.store.journal.connected()


async def test_a_server_without_room_is_tried_again(dsn: str, server: Server) -> None:
    """After a restart everybody comes back at once."""
    async with writing(dsn) as made:
        crowd: list[asyncpg.Connection[asyncpg.Record]] = []
        await made.store.close()
        with pytest.raises(asyncpg.TooManyConnectionsError):  # noqa: PT012
            while True:
                crowd.append(await asyncpg.connect(server.dsn("postgres")))
        settling = asyncio.create_task(made.store.journal.settle())
        done, _ = await asyncio.wait([settling], timeout=0.5)
        assert not done
        for connection in crowd:
            await connection.close()
        assert await settling == made.venue.sequence


async def test_a_connection_lost_while_idle_is_mended_before_anybody_asks(dsn: str, name: str) -> None:
    exchange = await build(CONFIG, PostgresStore(dsn))

    async def lose_it() -> None:
        pid = PID.format(name=name)
        before = await value(dsn, pid)
        await execute(dsn, CUT.format(name=name))

        async def is_another() -> bool:
            return await value(dsn, pid) not in (None, before) and exchange.ready()

        await until(is_another)

    await exchange.run(lose_it)
    await is_right(dsn)


async def test_an_exchange_is_not_ready_while_it_settles(dsn: str, name: str, tmp_path: Path) -> None:
    async with writing(dsn) as made:
        async with held_up(dsn, "venue"):  # which tells how far the database has come
            settling = asyncio.create_task(made.store.journal.settle())
            await is_held_up(dsn, name)
            assert not made.store.journal.connected()
        assert await settling == made.venue.sequence
        assert made.store.journal.connected()
