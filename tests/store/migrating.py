"""A start that ends by SIGKILL in the middle of a migration: `python -m tests.store.migrating DSN REVISION`.

It opens the database as an exchange does. Once half of the statements of that migration are carried out, it is gone.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from alembic import op

from exchange.store.postgres import PostgresStore


class Killer:
    """Counts the statements of a migration, and ends the process after the first half of them."""

    def __init__(self, revision: str) -> None:
        self._revision = revision
        self._execute = op.execute
        self._done = 0

    def execute(self, statement: Any, *arguments: Any, **options: Any) -> None:
        """Carry it out; it may be the last."""
        self._execute(statement, *arguments, **options)
        caller = sys._getframe(1).f_globals
        if caller.get("revision") == self._revision:
            self._done += 1
            if self._done >= statements_of(caller) // 2:
                os.kill(os.getpid(), signal.SIGKILL)


def statements_of(migration: dict[str, Any]) -> int:
    """How many statements a migration has, about: so many as its file says `op.execute`, or as it lists."""
    listed = [value for name, value in migration.items() if name.isupper() and isinstance(value, list)]
    text = Path(migration["__file__"]).read_text(encoding="utf-8")
    return max(2, sum(len(value) for value in listed), text.count("op.execute"))


if __name__ == "__main__":
    op.execute = Killer(sys.argv[2]).execute  # type: ignore[assignment]
    asyncio.run(PostgresStore(sys.argv[1]).open())
