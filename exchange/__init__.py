"""The exchange: one process, one asyncio loop, one database."""

__version__ = "0.1.0"
