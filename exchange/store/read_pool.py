"""A bounded pool of connections that only read, with their prepared statements.

asyncpg keeps the prepared statements of a connection, by their text. Everything here has a bound: connections, calls
that wait for one, and the time of each.
"""

import asyncio
from typing import Any

import asyncpg

from exchange.pipeline.outcomes import Overloaded
from exchange.pipeline.projector import HistoryUnavailable

CONNECTIONS_MAX = 8
WAITING_MAX = 256
CONNECT_TIMEOUT_S = 5.0
QUERY_TIMEOUT_S = 10.0
STATEMENTS_MAX = 256  # prepared statements of one connection

# A connection that PostgreSQL said goodbye on while it was idle answers the next call with the third of these.
_DEAD = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
_FAILURES = (*_DEAD, asyncpg.PostgresError, TimeoutError)


class ReadPool:
    """Connections that are opened as they are needed and kept until they break."""

    def __init__(
        self,
        dsn: str,
        *,
        connections_max: int = CONNECTIONS_MAX,
        waiting_max: int = WAITING_MAX,
        query_timeout_s: float = QUERY_TIMEOUT_S,
    ) -> None:
        self._dsn = dsn
        self._waiting_max = waiting_max
        self._query_timeout_s = query_timeout_s
        self._slots = asyncio.Semaphore(connections_max)
        self._idle: list[asyncpg.Connection[Any]] = []
        self._waiting = 0
        self._closed = False

    async def fetch(self, statement: str, *arguments: Any) -> "list[asyncpg.Record]":
        """The rows of a statement that only reads.

        Raises Overloaded at once when too many wait already, and HistoryUnavailable when the database does not answer.
        """
        await self._slot()
        try:
            return await self._fetch(statement, arguments)
        except asyncpg.SyntaxOrAccessError:
            raise  # a bug of ours, which trying again does not mend
        except _FAILURES as error:
            raise HistoryUnavailable(str(error) or error.__class__.__name__) from error
        finally:
            self._slots.release()

    async def _slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # does not wait
            return
        if self._waiting >= self._waiting_max:
            raise Overloaded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._query_timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            raise HistoryUnavailable("all connections are in use") from None
        finally:
            self._waiting -= 1

    async def _fetch(self, statement: str, arguments: tuple[Any, ...]) -> "list[asyncpg.Record]":
        """On a kept connection, and on a new one if that turns out to be dead."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_closed():
                continue
            try:
                return await self._fetch_on(connection, statement, arguments)
            except (asyncpg.QueryCanceledError, TimeoutError):
                raise  # it took too long, and would again
            except _DEAD:
                break  # the others may be dead as well: a new one decides
        return await self._fetch_on(await self._connect(), statement, arguments)

    async def _fetch_on(
        self, connection: "asyncpg.Connection[Any]", statement: str, arguments: tuple[Any, ...]
    ) -> "list[asyncpg.Record]":
        try:
            rows = await connection.fetch(statement, *arguments)
        except BaseException:
            connection.terminate()  # what it is doing is of no use to anybody any more
            raise
        if self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)
        return rows

    async def _connect(self) -> "asyncpg.Connection[Any]":
        if self._closed:
            raise HistoryUnavailable("the exchange is ending")
        return await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=self._query_timeout_s,
            statement_cache_size=STATEMENTS_MAX,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": "exchange history", "default_transaction_read_only": "on"},
        )

    async def close(self) -> None:
        """End the connections; those in use end with their call."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.terminate()
