"""A pruning that ends by SIGKILL: `python -m tests.store.pruning DSN NUMBER` drops what it may, in partitions of a
hundred, and is gone after so many statements."""

import asyncio
import functools
import os
import signal
import sys
from typing import Any

import asyncpg

from exchange.store import partitions, prune
from exchange.store.prune import Before

ALL = 1 << 62
METHODS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")


def kill_after(number: int) -> None:
    """Let the process end after so many statements."""
    left = number

    def counted(method: Any) -> Any:
        @functools.wraps(method)
        async def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            result = await method(*arguments, **options)
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in METHODS:
        setattr(asyncpg.Connection, name, counted(getattr(asyncpg.Connection, name)))


if __name__ == "__main__":
    partitions.ROWS = 100
    kill_after(int(sys.argv[2]))
    asyncio.run(prune.prune(sys.argv[1], Before(ALL, ALL, ALL, ALL)))
