"""What everybody was waiting for when an exchange did not answer: for the report of a run that came to no end."""

import asyncio
import contextlib
from collections import Counter

import asyncpg

from exchange.client import ApiError, Client, Unreachable
from exchange.torture.database import Database
from exchange.torture.record import Command, Deposit, History, Move, StatusChange
from exchange.torture.server import Server

ASKS_S = 3.0  # how long each of them may take to say it
LINES = 12
ACTIVITY = """
    SELECT pid, application_name, state, wait_event_type, wait_event, xact_start, left(query, 120)
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


async def told(server: Server, database: Database, history: History) -> str:
    """Some paragraphs: the clients, the exchange and PostgreSQL."""
    parts = {
        "commands without an answer": _waiting(history),
        "GET /health": await _health(server.url),
        "PostgreSQL": await _activity(database.dsn),
        "the exchange's stacks": await server.stacks(ASKS_S),
        "the end of its log": server.last_lines(LINES),
    }
    return "".join(f"\n--- {what}:\n{text.strip()}" for what, text in parts.items())


def _waiting(history: History) -> str:
    kinds = Counter[str]()
    asked: list[Command | Deposit | Move | StatusChange] = [*history.commands, *history.deposits, *history.moves]
    asked += history.status_changes
    for command in asked:
        if not command.settled:
            kinds[f"{type(command).__name__} of {command.user_id}, sent {command.attempts}, lost {command.lost}"] += 1
    return "\n".join(f"{kind}: {count}" for kind, count in kinds.items()) or "none"


async def _health(url: str) -> str:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ASKS_S), Client(url) as client:
            try:
                return str(await client.health())
            except (ApiError, Unreachable) as error:
                return str(error)
    return "no answer"


async def _activity(dsn: str) -> str:
    try:
        async with asyncio.timeout(ASKS_S):
            connection = await asyncpg.connect(dsn)
            try:
                rows = await connection.fetch(ACTIVITY)
            finally:
                connection.terminate()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"{type(error).__name__}: {error}"
    return "\n".join(" ".join(str(field) for field in row) for row in rows) or "no connections"
