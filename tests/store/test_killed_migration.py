"""An exchange that is killed in the middle of a migration: nothing of it is there, and the next start finishes it."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from exchange.store.audit import audit
from exchange.store.migrations import revisions
from exchange.store.postgres import PostgresStore
from tests.store.kept import kept, load, revision_of
from tests.store.test_kept import recovered
from tests.whole.databases import Server

COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


async def looked_at(dsn: str) -> list[Any]:
    """The revision of a database, its columns, and how many rows each table has."""
    connection = await asyncpg.connect(dsn)
    try:
        columns = sorted(map(tuple, await connection.fetch(COLUMNS)))
        tables = sorted(name for (name,) in await connection.fetch(TABLES))
        counts = [await connection.fetchval(f"SELECT count(*) FROM {name}") for name in tables]
        return [await connection.fetchval("SELECT version_num FROM alembic_version"), columns, tables, counts]
    finally:
        await connection.close()


@pytest.mark.parametrize("path", kept(), ids=lambda path: path.stem)
async def test_a_kill_in_the_middle_of_each_migration_changes_nothing(server: Server, path: Path) -> None:
    dsn = server.dsn(await server.create())
    await load(dsn, path)
    before = await looked_at(dsn)
    later = [revision for revision in revisions() if revision > revision_of(path)]
    assert len(later) >= 5
    for revision in later:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.store.migrating", dsn, revision)
        assert await child.wait() == -signal.SIGKILL, f"{revision} was not cut"
        assert await looked_at(dsn) == before
    store = PostgresStore(dsn)
    venue = await recovered(store)
    await store.close()
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed, report.ahead) == ([], venue.sequence, 0)
