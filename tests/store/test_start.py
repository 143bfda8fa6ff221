"""What the start of the store imports, and a database that goes away meanwhile: one sentence, no traceback."""

import subprocess
import sys

import asyncpg
import pytest

from exchange.failure import Failure
from exchange.store import recovery
from exchange.store.postgres import PostgresStore


def test_a_start_without_a_migration_imports_none_of_the_libraries_for_them() -> None:
    program = (
        "import sys; import exchange.runtime.serve; "
        "print([name for name in ('alembic', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


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
