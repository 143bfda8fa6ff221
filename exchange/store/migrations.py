"""Whether the tables are at the newest revision. The libraries that bring them there are imported only if they are not.

These libraries take as long to import as the rest of the exchange.
"""

from pathlib import Path

import asyncpg


def migrations_dir() -> Path:
    """The migrations: in the package when it was built, beside it in a checkout."""
    packaged = Path(__file__).parent.parent / "migrations"
    return packaged if packaged.is_dir() else packaged.parent.parent / "migrations"


def revisions() -> list[str]:
    """All revisions, oldest first: the numbers with which the files begin."""
    return sorted(path.name.partition("_")[0] for path in (migrations_dir() / "versions").glob("[0-9]*_*.py"))


async def migrate(dsn: str) -> None:
    """Bring the tables to the newest revision."""
    if await _revision(dsn) == revisions()[-1]:
        return
    from exchange.store.upgrade import upgrade

    await upgrade(dsn, migrations_dir())


async def _revision(dsn: str) -> str | None:
    """The revision of the tables; None if there are none."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
        return None if found is None else str(found)
    finally:
        await connection.close()
