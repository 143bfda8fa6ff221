"""Retention: what the settings say is old, dropped by a process of its own now and then."""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

import structlog

from exchange.config import Config, RetentionConfig, packaged_config
from exchange.postgres.embedded import attached
from exchange.store.prune import Before, Dropped, prune

log = structlog.get_logger(__name__)

EVERY_S = 600.0
DAY_NS = 86_400 * 1_000_000_000
NICE = 10  # orders go first


def before(retention: RetentionConfig, now_ns: int) -> Before:
    """What is old by now; a setting of 0 keeps everything."""

    def since(days: float) -> int | None:
        return now_ns - int(days * DAY_NS) if days else None

    return Before(
        journal_ns=since(retention.journal_days),
        closed_orders_ns=since(retention.closed_orders_days),
        trades_ns=since(retention.trades_days),
        minute_candles_ns=since(retention.minute_candles_days),
    )


async def prune_configured(config: Config) -> Dropped:
    """`exchange journal prune`: drop what is old, of a running or a stopped exchange. Raises Failure."""
    old = before(config.retention, time.time_ns())
    if config.database.url:
        return await prune(config.database.url, old)
    async with attached(Path(config.database.data_dir)) as dsn:
        return await prune(dsn, old)


async def keep_pruned(config: Config, data_dir: Path) -> None:
    """Run `exchange journal prune` every so often, until cancelled. It replays commands, which this loop must not."""
    if before(config.retention, 0) == Before():
        return
    while True:
        await asyncio.sleep(EVERY_S)
        process = await asyncio.create_subprocess_exec(
            *_program(),
            *("journal", "prune", "--config", str(packaged_config())),
            env=_environment(config, data_dir),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            if await process.wait():
                log.warning("old history was not dropped; trying again later", exit_code=process.returncode)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                    await process.wait()


def _program() -> list[str]:
    frozen = getattr(sys, "frozen", False)  # a binary is the program itself
    return [sys.executable] if frozen else [sys.executable, "-m", "exchange"]


def _environment(config: Config, data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    retention = config.retention
    return kept | {
        "EXCHANGE_DATABASE_URL": config.database.url,
        "EXCHANGE_DATABASE_DATA_DIR": str(data_dir),
        **{f"EXCHANGE_RETENTION_{name}".upper(): str(getattr(retention, name)) for name in retention.__struct_fields__},
    }


def be_nice() -> None:
    """Let the exchange have the CPU first."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
