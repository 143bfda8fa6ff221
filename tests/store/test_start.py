"""A database that goes away while the exchange reads it at the start: one sentence, no traceback."""

import asyncpg
import pytest

from exchange.failure import Failure
from exchange.store import recovery
from exchange.store.postgres import PostgresStore


async def test_a_database_that_goes_away_while_candles_are_read_is_a_failure_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Reader:
        async def close(self) -> None:
            """It is closed already."""

    async def connect(*_: object, **__: object) -> Reader:
        return Reader()

    async def candles(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(asyncpg, "connect", connect)
    monkeypatch.setattr(recovery, "candles", candles)
    with pytest.raises(Failure, match="The database cannot be used: connection was closed"):
        await PostgresStore("postgresql://nowhere").candles(0)
