"""The writer's PostgreSQL: one raw connection that holds the lock and commits, and the way back when it breaks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from alembic import command as alembic_command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from exchange.core.candles import Candle
from exchange.core.state import VenueState
from exchange.failure import Failure, one_line
from exchange.store import recovery
from exchange.store.commit import arguments, statement
from exchange.writer import Batch, CommitInDoubt

log = structlog.get_logger(__name__)

WRITER_LOCK = 0x45584348  # advisory locks are numbers; this one says "EXCH"
LOCK_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0  # what a backend gets to end in, before it is asked again
COMMIT_TIMEOUT_S = 10.0  # a frozen connection looks like a slow one; after this it is in doubt
CONNECT_TIMEOUT_S = 5.0
PARTITION_SEQUENCES = 1 << 24  # commands in one partition of the journal
MAX_STATEMENTS = 256  # prepared at once; a statement is some tens of kilobytes on either side

# The commit is planned once, when its tables may be empty; these keep that plan right when they have grown.
SESSION = {
    "application_name": "exchange writer",
    "jit": "off",
    "synchronous_commit": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye, and the driver still believes that something is under way
    asyncpg.OperatorInterventionError,  # the server is shutting down, starting up, or ended our backend
    asyncpg.TooManyConnectionsError,  # after a restart everybody comes back at once
    asyncpg.TransactionRollbackError,
    OSError,
    TimeoutError,
)


class PostgresStore:
    """Commits batches as the one writer of a database. `open` first, then `commit`; after CommitInDoubt, `settle`."""

    def __init__(
        self,
        dsn: str,
        *,
        ensure_running: Callable[[], Awaitable[None]] | None = None,
        lost: Callable[[], None] | None = None,
        commit_timeout_s: float = COMMIT_TIMEOUT_S,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self.dsn = dsn
        self._ensure_running = ensure_running
        self._lost = lost
        self._commit_timeout_s = commit_timeout_s
        self._lock_timeout_s = lock_timeout_s
        self._epoch = 0
        self._partitioned_to = 0
        self._connection: asyncpg.Connection[Any] | None = None
        self._ready = False  # whether the connection is ready for commits
        self._backend: tuple[int, Any] | None = None  # process id and start of the writer's server process
        self._statements: dict[tuple[str, ...], Any] = {}  # prepared, by their parts

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Have `lost` called when the server ends the connection."""
        self._lost = lost

    async def open(self) -> VenueState:
        """Become the writer: lock, migrate, claim the next epoch, and read the state to go on from."""
        try:
            with _failures():
                return await self._open()
        except BaseException:
            self._drop()
            raise

    async def _open(self) -> VenueState:
        self._backend = await self._connect()
        assert self._connection is not None
        await _refuse_unsafe(self._connection)
        await self._lock()
        await migrate(self.dsn)
        self._epoch = await self._connection.fetchval("UPDATE venue SET epoch = epoch + 1 RETURNING epoch")
        reader = await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_S)
        try:
            state = await recovery.load(reader)
        finally:
            await reader.close()
        await self._make_ready(state.sequence)
        return state

    async def candles(self, since_s: int) -> list[tuple[str, int, Candle]]:
        """The minutes since then, and the last candle of each market and interval."""
        with _failures():
            reader = await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_S)
            try:
                return await recovery.candles(reader, since_s)
            finally:
                await reader.close()

    def connected(self) -> bool:
        """Whether the connection is there and ready for a commit, as far as is known."""
        return self._ready and self._connection is not None and not self._connection.is_closed()

    async def commit(self, batch: Batch) -> None:
        """Store the batch: one statement, and exactly one fenced row."""
        try:
            if batch.to_sequence > self._partitioned_to - PARTITION_SEQUENCES // 2:
                await self._partition(batch.to_sequence)
            parts, parameters = arguments(batch, self._epoch)
            async with asyncio.timeout(self._commit_timeout_s):
                prepared = self._statements.get(parts) or await self._prepare(parts)
                fenced = await prepared.fetchval(*parameters)
        except BROKEN as error:
            self._drop()
            raise CommitInDoubt(f"{type(error).__name__}: {error}") from error
        except asyncpg.PostgresError as error:
            raise Failure(f"The database refused a commit: {one_line(error)}.") from error
        if fenced != 1:
            raise Failure("Another exchange has taken over this database.")

    async def settle(self) -> int:
        """Connect again, end the old connection's work, take the lock, and only then read where the database is."""
        self._drop()
        delay_s = 0.05
        while True:
            try:
                if self._ensure_running is not None:
                    await self._ensure_running()
                return await self._return()
            except BROKEN as error:
                self._drop()
                log.warning("database not reachable", cause=f"{type(error).__name__}: {error}", retry_s=delay_s)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 1.0)
            except asyncpg.PostgresError as error:
                raise Failure(f"The database cannot be used any more: {one_line(error)}.") from error

    async def _return(self) -> int:
        old, new = self._backend, await self._connect()
        assert self._connection is not None
        if old is not None:
            # Its statement may still be running, and would commit after we looked.
            await self._end(*old)
        await _refuse_unsafe(self._connection)
        await self._lock()
        row = await self._connection.fetchrow("SELECT epoch, sequence FROM venue")
        if row is None or row["epoch"] != self._epoch:
            raise Failure("Another exchange has taken over this database.")
        await self._make_ready(row["sequence"])
        self._backend = new  # only now: until here the old one may still have to be ended
        sequence: int = row["sequence"]
        return sequence

    async def _end(self, pid: int, backend_start: Any) -> None:
        """Return when that backend is no more. Raises TimeoutError if it does not end: it may be frozen."""
        assert self._connection is not None
        still_there = await self._connection.fetchval(
            "SELECT NOT pg_terminate_backend(pid, $3) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2",
            pid,
            backend_start,
            int(END_TIMEOUT_S * 1000),
        )
        if still_there:
            raise TimeoutError(f"the server process {pid} of the old connection does not end")

    async def close(self) -> None:
        """Give up the connection and with it the lock."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                await connection.close(timeout=CONNECT_TIMEOUT_S)
            except BROKEN:
                connection.terminate()

    # --- the connection

    async def _connect(self) -> tuple[int, Any]:
        """Connect; says which server process it is, in words that no later process can share."""
        self._connection = await asyncpg.connect(
            self.dsn, timeout=CONNECT_TIMEOUT_S, server_settings=SESSION, command_timeout=LOCK_TIMEOUT_S
        )
        row = await self._connection.fetchrow(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        assert row is not None
        self._connection.add_termination_listener(self._terminated)
        return row["pid"], row["backend_start"]

    def _terminated(self, _: Any) -> None:
        if self._lost is not None and self._connection is not None:
            self._lost()

    async def _lock(self) -> None:
        """The lock is the session's: it goes with the connection, however that ends."""
        assert self._connection is not None
        loop = asyncio.get_running_loop()
        until = loop.time() + self._lock_timeout_s
        while not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", WRITER_LOCK):
            if loop.time() > until:
                raise Failure("Another exchange runs on this database.")
            await asyncio.sleep(0.2)

    async def _make_ready(self, sequence: int) -> None:
        self._partitioned_to = 0
        await self._partition(sequence)
        self._statements = {}
        self._ready = True

    async def _prepare(self, parts: tuple[str, ...]) -> Any:
        """The statement of these parts, kept while the connection lives: some dozens of them turn up."""
        assert self._connection is not None
        if len(self._statements) == MAX_STATEMENTS:
            self._statements.clear()
        prepared = self._statements[parts] = await self._connection.prepare(statement(parts))
        return prepared

    async def _partition(self, sequence: int) -> None:
        """Have the journal's partition of this sequence, and the next one."""
        assert self._connection is not None
        first = sequence // PARTITION_SEQUENCES
        for number in (first, first + 1):
            begin = number * PARTITION_SEQUENCES
            await self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS journal_{number} PARTITION OF journal "
                f"FOR VALUES FROM ({begin}) TO ({begin + PARTITION_SEQUENCES})"
            )
        self._partitioned_to = (first + 2) * PARTITION_SEQUENCES

    def _drop(self) -> None:
        self._ready = False
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()


@contextmanager
def _failures() -> Iterator[None]:
    """Say in a sentence that the database went away, or was never there, while the exchange starts."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OSError, TimeoutError) as error:
        # ValueError: a port in the URL that is no number.
        raise Failure(f"The database cannot be used: {one_line(error)}.") from error


async def _refuse_unsafe(connection: "asyncpg.Connection[Any]") -> None:
    """A database that may forget what it has confirmed is no place for money."""
    if connection.get_server_version().major < 14:
        raise Failure("PostgreSQL 14 or newer is needed.")
    for setting in ("fsync", "full_page_writes"):
        if await connection.fetchval("SELECT current_setting($1)", setting) == "off":
            raise Failure(f"PostgreSQL runs with {setting} = off, and would lose what it confirmed: turn it on.")


def migrations_dir() -> Path:
    """The migrations: in the package when it was built, beside it in a checkout."""
    packaged = Path(__file__).parent.parent / "migrations"
    return packaged if packaged.is_dir() else packaged.parent.parent / "migrations"


async def migrate(dsn: str) -> None:
    """Bring the tables to the newest revision."""

    def upgrade(connection: Connection) -> None:
        config = AlembicConfig()
        config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
        config.attributes["connection"] = connection
        alembic_command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()
