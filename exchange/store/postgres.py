"""The exchange's PostgreSQL: a connection that commits to the journal, one that writes the tables, and the start."""

from collections.abc import Awaitable, Callable, Iterator
from configparser import Error as ConfigParserError
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg

from exchange.core.candles import Candle
from exchange.core.state import VenueState
from exchange.failure import Failure, one_line
from exchange.pipeline.commits import Journaled, SpanT
from exchange.store import commit, partitions, projection, recovery
from exchange.store.committer import COMMIT_TIMEOUT_S, CONNECT_TIMEOUT_S, LOCK_TIMEOUT_S, Committer, Work
from exchange.store.migrations import migrate

Found = TypeVar("Found")


class PostgresStore:
    """The one exchange of a database. `open` first; then `journal` and `tables` commit."""

    def __init__(
        self,
        dsn: str,
        *,
        ensure_running: Callable[[], Awaitable[None]] | None = None,
        commit_timeout_s: float = COMMIT_TIMEOUT_S,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self.dsn = dsn

        def committer(work: Work[SpanT]) -> Committer[SpanT]:
            return Committer(
                dsn,
                work,
                ensure_running=ensure_running,
                commit_timeout_s=commit_timeout_s,
                lock_timeout_s=lock_timeout_s,
            )

        self.journal = committer(JOURNAL)
        self.tables = committer(TABLES)

    async def open(self) -> VenueState:
        """Become the one exchange: lock, migrate, claim the next epoch, and read the state of the tables."""
        try:
            with _failures():
                return await self._open()
        except BaseException:
            self.journal.drop()
            self.tables.drop()
            raise

    async def _open(self) -> VenueState:
        connection = await self.journal.open()
        await migrate(self.dsn)
        # Waits for the end of what an earlier process may still have under way on either row.
        row = await connection.fetchrow(
            "WITH claimed AS (UPDATE venue SET epoch = epoch + 1 RETURNING epoch, sequence) "
            "UPDATE projection SET epoch = claimed.epoch FROM claimed RETURNING claimed.epoch, claimed.sequence"
        )
        await self.tables.open()
        reader = await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_S)
        try:
            state = await recovery.load(reader)
        finally:
            await reader.close()
        await self.journal.begin(row["epoch"], row["sequence"])
        await self.tables.begin(row["epoch"], state.sequence)
        return state

    async def unprojected(self, state: VenueState) -> list[Journaled]:
        """What the journal has beyond the state of the tables."""
        return await self._read(lambda reader: recovery.unprojected(reader, state))

    async def candles(self, since_s: int) -> list[tuple[str, int, Candle]]:
        """The minutes since then, and the last candle of each market and interval."""
        return await self._read(lambda reader: recovery.candles(reader, since_s))

    async def _read(self, ask: Callable[[Any], Awaitable[Found]]) -> Found:
        with _failures():
            reader = await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_S)
            try:
                return await ask(reader)
            finally:
                await reader.close()

    async def close(self) -> None:
        """Give up the connections and with them the lock."""
        await self.tables.close()
        await self.journal.close()


JOURNAL = Work("writer", "venue", commit.transaction, commit.statement, partitions.room_in_journal, locks=True)
TABLES = Work(
    "projector", "projection", projection.transaction, projection.statement, partitions.room_in_tables, locks=False
)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn a database error during the start into a Failure, which is one sentence."""
    try:
        yield
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        ValueError,
        OSError,
        TimeoutError,
        ConfigParserError,
    ) as error:
        # ValueError: a port in the URL that is no number. ConfigParserError: the service file that the URL names.
        raise Failure(f"The database cannot be used: {one_line(error)}.") from error
