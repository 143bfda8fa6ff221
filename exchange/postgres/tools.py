"""PostgreSQL's own programs, from the installed package, for the database of one data directory.

Leaves out: programs that work on the files of a server, such as pg_resetwal: the exchange starts and stops its server.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from exchange.failure import Failure
from exchange.postgres import binaries
from exchange.postgres.embedded import EmbeddedPostgres, attached

ON_FILES = ("pg_combinebackup", "pg_verifybackup")  # of a backup: these need no server
ON_A_SERVER = (
    *("pg_amcheck", "pg_basebackup", "pg_dump", "pg_isready", "pg_receivewal", "pg_restore", "psql", "vacuumdb"),
)
TOOLS = tuple(sorted((*ON_FILES, *ON_A_SERVER)))


async def run_tool(data_dir: Path, tool: str, arguments: Sequence[str], *, new: bool) -> int:
    """Run one of TOOLS with the database of `data_dir`; its exit code. Raises Failure.

    The server that runs is used, else one that runs as long as the tool. With `new` the data directory must not have a
    database, and an empty one is made.
    """
    if tool in ON_FILES:
        return await _run(tool, arguments, {})
    async with _new(data_dir) if new else attached(data_dir) as dsn:
        return await _run(tool, arguments, _variables(dsn))


@asynccontextmanager
async def _new(data_dir: Path) -> AsyncIterator[str]:
    if (data_dir / "pgdata").exists():
        raise Failure(f"There is a database in {data_dir} already; --new makes one in another directory.", 2)
    server = EmbeddedPostgres(data_dir)
    await server.start()
    try:
        yield server.dsn
    finally:
        await server.stop()


def _variables(dsn: str) -> dict[str, str]:
    """How libpq finds the server."""
    parts = urlsplit(dsn)
    where = parse_qs(parts.query)
    return {
        "PGHOST": where["host"][0],
        "PGPORT": where["port"][0],
        "PGUSER": parts.username or "",
        "PGDATABASE": parts.path.removeprefix("/"),
    }


async def _run(tool: str, arguments: Sequence[str], variables: dict[str, str]) -> int:
    # The other variables of libpq are about other servers; those of the exchange may have its master key.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "EXCHANGE_"))}
    environment = kept | variables
    program = binaries.installed_programs() / tool
    try:
        process = await asyncio.create_subprocess_exec(program, *arguments, env=environment)
    except OSError as error:
        raise Failure(f"{program} cannot be run: {error.strerror or error}.") from error
    loop = asyncio.get_running_loop()
    # Ctrl-C is the tool's: it has the terminal too, and psql goes on after it.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    try:
        return await process.wait()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.terminate()
                await process.wait()
