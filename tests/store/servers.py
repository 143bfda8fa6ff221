"""Embedded servers for tests, and facts about them."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]

from exchange.postgres import postmaster
from exchange.postgres.embedded import EmbeddedPostgres

Make = Callable[..., EmbeddedPostgres]


@contextlib.contextmanager
def new_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user can reach too: pytest's own is closed to all but its maker."""
    directory = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and Path(process.cwd()).is_relative_to(directory):
                process.kill()
    shutil.rmtree(directory)


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


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not fact():  # noqa: ASYNC110 (facts about other processes have no event to wait for)
            await asyncio.sleep(0.01)
