"""The partitions of what only grows: made ahead of need, and found again.

A partition has a range of ids, which begins where the one before it ends. What no range has goes to a default
partition, so that the exchange never stops for want of one: an order that closes after the partition of its id is
dropped, for one.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

ROWS = 1 << 20  # ids, or sequences of the journal, in one partition
AHEAD: Final = 2  # partitions
LOCK_TIMEOUT: Final = "2s"  # a partition is made and dropped under a lock that stops all who use the table
_BOUND = re.compile(r"FOR VALUES FROM \((.+)\) TO \((.+)\)")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: ids from `begin` to before `end`; the first one of an older database has no begin."""

    name: str
    begin: int
    end: int


async def partitions(connection: Any, table: str) -> list[Partition]:
    """The partitions of a table that have a range, in order."""
    rows = await connection.fetch(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass",
        table,
    )
    found = []
    for row in rows:
        # The default partition has no range, and one that is being dropped has no bound any more.
        bound = _BOUND.fullmatch(row["bound"] or "")
        if bound is not None:
            begin, end = (text.strip("'") for text in bound.groups())
            found.append(Partition(row["relname"], 0 if begin == "MINVALUE" else int(begin), int(end)))
    return sorted(found, key=lambda partition: partition.end)


async def leaves(connection: Any, table: str) -> list[str]:
    """The tables that have the rows of a table: its partitions, or itself."""
    rows = await connection.fetch(
        "SELECT relid::regclass::text FROM pg_partition_tree($1::text::regclass) WHERE isleaf ORDER BY relid", table
    )
    return [row[0] for row in rows] or [table]


async def make_ahead(connection: Any, table: str, last: int) -> int:
    """Have partitions for the ids after `last`; the end of the last one."""
    there, rows = await partitions(connection, table), ROWS
    end = there[-1].end if there else last // rows * rows
    while end < last + AHEAD * rows:
        # A default partition must have no row of a new range.
        begin = max(end, await _last_of_default(connection, table) + 1)
        end = (begin // rows + 1) * rows
        with_options = "" if table == "journal" else " WITH (autovacuum_analyze_scale_factor = 1.0)"
        await connection.execute(
            f"CREATE TABLE {table}_{begin} PARTITION OF {table} FOR VALUES FROM ({begin}) TO ({end}){with_options}"
        )
    return end


async def _last_of_default(connection: Any, table: str) -> int:
    key = KEYS[table]
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{table}_default"):
        return -1
    last: int = await connection.fetchval(f"SELECT COALESCE(max({key}), -1) FROM {table}_default")
    return last


KEYS: Final = {"journal": "last_sequence", "trades": "trade_id", "closed_orders": "order_id"}


async def room_in_journal(connection: Any, sequence: int) -> float:
    """Have the journal's partitions for this sequence and those after it; up to which sequence that is enough."""
    return await make_ahead(connection, "journal", sequence) - ROWS / 2


async def room_in_tables(connection: Any, sequence: int) -> float:
    """The same for trades and closed orders, whose ids are counts of their own: when to look again.

    A table that somebody reads for long is looked at again later; until then the default partition takes the rows.
    """
    try:
        await room_for(connection)
    except asyncpg.LockNotAvailableError:
        return sequence + ROWS / 128
    return sequence + ROWS / 8


async def room_for(connection: Any) -> None:
    """Have partitions for the trades and orders after those that are given. Raises LockNotAvailableError."""
    heads = await connection.fetchrow("SELECT last_trade_id, last_order_id FROM projection")
    for table, last in (("trades", heads["last_trade_id"]), ("closed_orders", heads["last_order_id"])):
        async with connection.transaction():  # one each: whoever prunes holds one table at a time, too
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            await make_ahead(connection, table, last)
