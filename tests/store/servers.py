"""Embedded servers for tests, and facts about them."""

from collections.abc import Callable
from pathlib import Path

import asyncpg

from exchange.postgres import postmaster
from exchange.postgres.embedded import EmbeddedPostgres

Make = Callable[..., EmbeddedPostgres]


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def postmaster_pid(data_dir: Path) -> int:
    process = postmaster.find(data_dir / "pgdata")
    assert process is not None
    return int(process.pid)
