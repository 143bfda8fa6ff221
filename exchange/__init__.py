"""The exchange: one process, one asyncio loop, one database. Importing this package has no side effects."""

__version__ = "0.2.0"
