"""Reads the lists of orders that are open, and the client list ids in use, when the exchange starts."""

from typing import Any

import asyncpg

from exchange.core.commands import PlaceList
from exchange.core.list_events import ListEnd
from exchange.core.state import ListState
from exchange.store.journal_lists import content_from, legs_from


async def open_lists(connection: "asyncpg.Connection[Any]") -> list[ListState]:
    """The open lists, oldest first."""
    rows = await connection.fetch("SELECT * FROM order_lists WHERE status = 0 ORDER BY list_id")
    return [
        ListState(
            *(row["list_id"], placed_of(row), legs_from(row["legs"]), end_of(row["end_reason"])),
            *(row["created_ns"], row["updated_ns"]),
        )
        for row in rows
    ]


async def recent(connection: "asyncpg.Connection[Any]", lists_max: int) -> list[tuple[int, PlaceList]]:
    """The last lists that were accepted under a client list id, oldest first."""
    rows = await connection.fetch(
        "SELECT list_id, user_id, market, list_type, client_list_id, content FROM order_lists "
        "WHERE client_list_id IS NOT NULL ORDER BY list_id DESC LIMIT $1",
        lists_max,
    )
    return [(row["list_id"], placed_of(row)) for row in reversed(rows)]


async def counts(connection: "asyncpg.Connection[Any]") -> list[tuple[str, int]]:
    """The count of lists of every user who ever had one."""
    rows = await connection.fetch("SELECT user_id, lists_sequence FROM list_counts ORDER BY user_id")
    return [(row["user_id"], row["lists_sequence"]) for row in rows]


def placed_of(row: Any) -> PlaceList:
    """What was asked, of a row."""
    return content_from(row["user_id"], row["market"], row["list_type"], row["client_list_id"], row["content"])


def end_of(number: int | None) -> ListEnd | None:
    """How a list ended."""
    return None if number is None else ListEnd(number)
