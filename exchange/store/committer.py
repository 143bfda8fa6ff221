"""A raw connection that commits, and the way back when it breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic

import asyncpg
import structlog

from exchange.failure import Failure, one_line
from exchange.pipeline.commits import CommitInDoubt, SpanT
from exchange.store.rows import NULL, PIECE_MAX, lines
from exchange.store.transaction import Transaction

log = structlog.get_logger(__name__)

WRITER_LOCK = 0x45584348  # advisory locks are numbers; this one says "EXCH"
LOCK_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0  # for a backend to end, before it is terminated again
COMMIT_TIMEOUT_S = 10.0  # a frozen connection looks like a slow one; after this it is in doubt
PATIENCE_MAX = 16  # times the timeout; each commit that took too long doubles what the next one may take
MEGABYTE_S = 1.0  # more for each megabyte that it says, for which a server needs about a tenth of that
ROW_S = MEGABYTE_S / 5_000  # and for each row to copy, which is at most some 200 bytes
CONNECT_TIMEOUT_S = 5.0
MAX_STATEMENTS = 256  # prepared at once; a statement is some tens of kilobytes on either side

# A statement is planned once, when its tables may be empty; these keep that plan right when they have grown.
# The committer has timeouts of its own, which know what they interrupt; those of a role or a server do not.
SESSION = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
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
    asyncpg.InternalClientError,  # the server closed the connection while the driver waits for an answer
    asyncpg.OperatorInterventionError,  # the server is shutting down, starting up, or ended our backend
    asyncpg.TooManyConnectionsError,  # after a restart all clients connect at once
    asyncpg.TransactionRollbackError,
    OSError,
    TimeoutError,
)

Connection = "asyncpg.Connection[Any]"


@dataclass(frozen=True, slots=True)
class Work(Generic[SpanT]):
    """What a connection commits.

    `head` is the table whose one row has epoch and sequence; `transaction` stores a span under an epoch, `statement` is
    the SQL of its parts; `make_room` makes room for a sequence, and returns the sequence up to which there is room now.
    """

    name: str
    head: str
    transaction: Callable[[SpanT, int], Awaitable[Transaction]]
    statement: Callable[[tuple[str, ...]], str]
    make_room: Callable[[Any, int], Awaitable[float]]
    locks: bool  # whether it holds the lock that says that this exchange is the only one


class Committer(Generic[SpanT]):
    """Commits as the one process that may. `open` and `begin` first, then `commit`; after a doubt, `settle`."""

    def __init__(
        self,
        dsn: str,
        work: Work[SpanT],
        *,
        ensure_running: Callable[[], Awaitable[None]] | None,
        commit_timeout_s: float,
        lock_timeout_s: float,
    ) -> None:
        self.lost: Callable[[], None] | None = None  # called when the server ends the connection
        self._dsn = dsn
        self._work = work
        self._ensure_running = ensure_running
        self._commit_timeout_s = commit_timeout_s
        self._patience = 1  # how many times the timeout a commit may take
        self._lock_timeout_s = lock_timeout_s
        self._epoch = 0
        self._room_to = 0.0
        self._connection: asyncpg.Connection[Any] | None = None
        self._ready = False  # whether the connection is ready for commits
        self._backend: tuple[int, Any] | None = None  # process id and start of its server process
        self._statements: dict[tuple[str, ...], Any] = {}  # prepared, by their parts

    async def open(self) -> Any:
        """Connect and take the lock; the connection, for what is to be done before `begin`."""
        self._backend = await self._connect()
        assert self._connection is not None
        await refuse_unsafe(self._connection)
        await self._lock()
        return self._connection

    async def begin(self, epoch: int, sequence: int) -> None:
        """Commit from this sequence on, under this epoch."""
        self._epoch = epoch
        await self._make_ready(sequence)

    def connected(self) -> bool:
        """Whether the connection is there and ready for a commit, as far as is known."""
        return self._ready and self._connection is not None and not self._connection.is_closed()

    async def commit(self, span: SpanT) -> None:
        """Store it in one transaction, with exactly one fenced row."""
        try:
            if span.to_sequence > self._room_to:
                self._room_to = await self._work.make_room(self._connection, span.to_sequence)
            transaction = await self._work.transaction(span, self._epoch)
            prepared = self._statements.get(transaction.parts) or await self._prepare(transaction.parts)
            # What says more may take longer: else a single command of a million orders would be in doubt for ever.
            said_mb = sum(len(value) for value in transaction.parameters if isinstance(value, str)) / 1_000_000
            timeout_s = self._timeout_s + said_mb * MEGABYTE_S
            if transaction.copies:
                fenced = await self._copy(prepared, transaction, timeout_s)
            else:
                fenced = await prepared.fetchval(*transaction.parameters, timeout=timeout_s)
        except BROKEN as error:
            if isinstance(error, TimeoutError):
                # A database that is slower than the timeout, and not frozen, would be in doubt for ever.
                self._patience = min(2 * self._patience, PATIENCE_MAX)
            self.drop()
            raise CommitInDoubt(f"{type(error).__name__}: {error}") from error
        except asyncpg.PostgresError as error:
            raise Failure(f"The database refused a commit: {one_line(error)}.") from error
        except Exception as error:
            if self.connected() or isinstance(error, Failure):
                raise
            self.drop()  # asyncpg stumbles over a connection that goes away while it writes
            raise CommitInDoubt(f"{type(error).__name__}: {error}") from error
        if fenced != 1:
            raise Failure("Another exchange has taken over this database.")
        self._patience = max(1, self._patience // 2)

    @property
    def _timeout_s(self) -> float:
        """The longest that one statement of a commit may take now."""
        return self._commit_timeout_s * self._patience

    async def _copy(self, prepared: Any, transaction: Transaction, timeout_s: float) -> Any:
        """The statement and the copies in one transaction; nothing of it when the fence holds it back."""
        connection = self._connection
        assert connection is not None
        await connection.execute("BEGIN", timeout=self._timeout_s)
        fenced = await prepared.fetchval(*transaction.parameters, timeout=timeout_s)
        if fenced != 1:
            await connection.execute("ROLLBACK", timeout=self._timeout_s)
            return fenced
        for copy in transaction.copies:
            for begin in range(0, len(copy.items), PIECE_MAX):
                piece = copy.items[begin : begin + PIECE_MAX]
                source: Any = memoryview(lines(piece, copy.row))
                # All of a piece at once: asyncpg waits without an end for more of one whose connection is gone.
                async with asyncio.timeout(self._timeout_s + len(piece) * ROW_S):
                    await connection.copy_to_table(copy.table, source=source, format="text", delimiter=",", null=NULL)
        ended = await connection.execute("COMMIT", timeout=self._timeout_s)
        if ended != "COMMIT":
            raise Failure(f"The database refused a commit: {ended}.")
        return fenced

    async def settle(self) -> int:
        """Connect again, end the old connection's work, take the lock, and only then read where the database is."""
        self.drop()
        delay_s = 0.05
        while True:
            try:
                if self._ensure_running is not None:
                    await self._ensure_running()
                return await self._return()
            except BROKEN as error:
                self.drop()
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
        await refuse_unsafe(self._connection)
        await self._lock()
        row = await self._connection.fetchrow(f"SELECT epoch, sequence FROM {self._work.head}")
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

    def drop(self) -> None:
        """Drop the connection, which cannot be used any more."""
        self._ready = False
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()

    # --- the connection

    async def _connect(self) -> tuple[int, Any]:
        """Connect; says which server process it is, in words that no later process can share."""
        settings = {"application_name": f"exchange {self._work.name}", **SESSION}
        self._connection = await asyncpg.connect(
            self._dsn, timeout=CONNECT_TIMEOUT_S, server_settings=settings, command_timeout=LOCK_TIMEOUT_S
        )
        if self._connection.get_server_version().major >= 17:  # one of before does not know it
            await self._connection.execute("SET transaction_timeout = 0")
        row = await self._connection.fetchrow(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        assert row is not None
        self._connection.add_termination_listener(self._terminated)
        return row["pid"], row["backend_start"]

    def _terminated(self, _: Any) -> None:
        if self.lost is not None and self._connection is not None:
            self.lost()

    async def _lock(self) -> None:
        """The lock is the session's: it goes with the connection, however that ends."""
        if not self._work.locks:
            return
        assert self._connection is not None
        loop = asyncio.get_running_loop()
        until, told = loop.time() + self._lock_timeout_s, False
        while not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", WRITER_LOCK):
            if loop.time() > until:
                raise Failure("Another exchange runs on this database.")
            if not told:
                log.info("waiting for another exchange to leave this database", patience_s=self._lock_timeout_s)
                told = True
            await asyncio.sleep(0.2)

    async def _make_ready(self, sequence: int) -> None:
        self._room_to = await self._work.make_room(self._connection, sequence)
        self._statements = {}
        self._ready = True

    async def _prepare(self, parts: tuple[str, ...]) -> Any:
        """The statement of these parts, kept while the connection lives: some dozens of them turn up."""
        assert self._connection is not None
        if len(self._statements) == MAX_STATEMENTS:
            self._statements.clear()
        statement = self._work.statement(parts)
        prepared = self._statements[parts] = await self._connection.prepare(statement, timeout=self._timeout_s)
        return prepared


async def refuse_unsafe(connection: Any) -> None:
    """Refuse a server that may lose what it has confirmed."""
    if connection.get_server_version().major < 14:
        raise Failure("PostgreSQL 14 or newer is needed.")
    for setting in ("fsync", "full_page_writes"):
        if await connection.fetchval("SELECT current_setting($1)", setting) == "off":
            raise Failure(f"PostgreSQL runs with {setting} = off, and would lose what it confirmed: turn it on.")
