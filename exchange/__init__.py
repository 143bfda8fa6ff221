"""The exchange: one process, one asyncio loop, one database."""

from exchange.runtime import compiled

__version__ = "0.1.0"

compiled.use()
