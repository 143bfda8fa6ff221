"""`exchange check`: finds the database that the configuration means, and has it audited."""

from pathlib import Path

from exchange.config import Config
from exchange.postgres.embedded import attached
from exchange.store.audit import Report, audit


async def check(config: Config, *, replay: bool) -> Report:
    """Audit the database of a running or a stopped exchange; an embedded one is started for it if it is not running."""
    if config.database.url:
        return await audit(config.database.url, replay=replay)
    async with attached(Path(config.database.data_dir)) as dsn:
        return await audit(dsn, replay=replay)
