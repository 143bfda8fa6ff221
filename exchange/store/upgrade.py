"""Runs the migrations with Alembic. Nothing imports this module unless a migration is due."""

from pathlib import Path

import asyncpg
from alembic import command as alembic_command
from alembic.config import Config as AlembicConfig
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from exchange.failure import Failure, one_line


async def upgrade(dsn: str, migrations: Path) -> None:
    """Bring the tables to the newest revision in one transaction, or say in a sentence why they cannot be."""

    def run(connection: Connection) -> None:
        config = AlembicConfig()
        config.set_main_option("script_location", str(migrations).replace("%", "%%"))
        config.attributes["connection"] = connection
        alembic_command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    except DBAPIError as error:  # what asyncpg said is the cause of the cause
        cause = error.orig.__cause__ if error.orig is not None else None
        raise Failure(f"The database cannot be used: {one_line(cause or error)}.") from error
    except CommandError as error:
        raise Failure(
            f"The migrations of the database failed; a newer exchange may have written it: {one_line(error)}."
        ) from error
    finally:
        await engine.dispose()
