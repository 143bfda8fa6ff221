"""`exchange journal prune`: drops the history that is older than the settings say, beside a running exchange.

Promises: whole partitions are dropped, none that has anything newer. `exchange check --replay` goes on to prove what is
left: the journal from a baseline that is made by replaying what is dropped, balances from the sums of the dropped
trades. A kill at any point leaves each partition there or gone.
Leaves out: users, accounts, transfers, prevented matches and the audit, which are kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog

from exchange.core.client_ids import RECENT_MAX
from exchange.core.events import INTERVALS_S
from exchange.core.instrument import Asset
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.failure import Failure, one_line
from exchange.store import baseline, journal, prune_lock
from exchange.store.partitions import LOCK_TIMEOUT, Partition, partitions

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 10
PIECE: Final = 10_000  # rows that are deleted at once
MOVED_MAX: Final = 50_000  # orders of a partition that stay when it goes: about a second's work
Cut = Callable[[Any, Partition], Awaitable[None]]

# What a partition's trades moved, as the view of postings says; and how far the counts of their markets went.
POSTED = """
    SELECT user_id, asset, sum(amount_minor)::text FROM postings
    WHERE cause = 'trade' AND cause_id >= $1 AND cause_id < $2 GROUP BY user_id, asset
"""
COUNTED = "SELECT market, max(market_trade_id), max(aggregate_id) FROM {} GROUP BY market"
ADD_POSTED = """
    INSERT INTO pruned_postings AS p VALUES ($1, $2, $3::text::numeric)
    ON CONFLICT (user_id, asset) DO UPDATE SET amount_minor = p.amount_minor + EXCLUDED.amount_minor
"""
ADD_COUNTED = """
    INSERT INTO pruned_markets VALUES ($1, $2, $3) ON CONFLICT (market) DO UPDATE
    SET market_trade_id = EXCLUDED.market_trade_id, aggregate_id = EXCLUDED.aggregate_id
"""
# The oldest order whose client order id is remembered; null if there is none.
REMEMBERED = f"""
    SELECT min(order_id) FROM (SELECT order_id FROM closed_orders WHERE client_order_id IS NOT NULL
    ORDER BY order_id DESC LIMIT {RECENT_MAX}) AS newest
"""
# Which orders of an old partition stay: $1 the time, $2 the oldest order that is remembered.
STAYS = "(updated_ns >= $1 OR (client_order_id IS NOT NULL AND order_id >= $2))"
MINUTES = f"""
    DELETE FROM candles WHERE ctid IN (
        SELECT c.ctid FROM candles AS c WHERE interval_s = {INTERVALS_S[0]} AND open_s < $1 AND market = $2
        AND open_s < (SELECT max(open_s) FROM candles WHERE market = $2 AND interval_s = {INTERVALS_S[0]})
        LIMIT {PIECE}
    )
"""


@dataclass(slots=True)
class Before:
    """What may go: everything before these times; None keeps it all."""

    journal_ns: int | None = None
    closed_orders_ns: int | None = None
    trades_ns: int | None = None
    minute_candles_ns: int | None = None


@dataclass(slots=True)
class Dropped:
    """What went: partitions of each table, rows of candles, and where the journal begins now."""

    journal: int = 0
    closed_orders: int = 0
    trades: int = 0
    candles: int = 0
    baseline: int = 0


async def prune(dsn: str, before: Before) -> Dropped:
    """Drop what is older. Raises Failure."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "exchange prune"})
        try:
            if not await prune_lock.alone(connection):
                raise Failure("Another `exchange journal prune` or `exchange check` runs on this database.")
            return await _prune(connection, before)
        finally:
            await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Failure(f"The database cannot be pruned: {one_line(error)}.") from error


async def _prune(connection: Any, before: Before) -> Dropped:
    dropped = Dropped()
    if before.journal_ns is not None:
        dropped.journal = await _journal(connection, before.journal_ns)
    if before.trades_ns is not None:
        dropped.trades = await _trades(connection, before.trades_ns)
    if before.closed_orders_ns is not None:
        dropped.closed_orders = await _closed_orders(connection, before.closed_orders_ns)
    if before.minute_candles_ns is not None:
        dropped.candles = await _minutes(connection, before.minute_candles_ns // 1_000_000_000)
    dropped.baseline = await connection.fetchval("SELECT max(sequence) FROM baseline")
    return dropped


async def _cut(connection: Any, table: str, partition: Partition, cut: Cut) -> None:
    """One transaction that ends with a partition dropped, again if others hold the table for too long.

    It begins with the lock that it ends with: who takes a lesser one first may wait for another who waits for it.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                await cut(connection, partition)
                await connection.execute(f"DROP TABLE {partition.name}")
            break
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.5 * (attempt + 1))
    log.info("dropped a partition", table=partition.name, begin=partition.begin, end=partition.end)


# --- trades


async def _trades(connection: Any, before_ns: int) -> int:
    count = 0
    while True:
        (oldest, *_), last = await partitions(connection, "trades"), await _last(connection, "last_trade_id")
        newest_ns = await connection.fetchval(f"SELECT max(time_ns) FROM {oldest.name}")
        strays = await connection.fetchval("SELECT count(*) FROM trades_default WHERE trade_id < $1", oldest.end)
        if oldest.end > last or strays or newest_ns is None or newest_ns >= before_ns:
            return count
        # Before the lock, which stops the exchange's own transactions: these rows do not change any more.
        posted = await connection.fetch(POSTED, oldest.begin, oldest.end)
        counted = await connection.fetch(COUNTED.format(oldest.name))

        async def cut(
            connection: Any,
            partition: Partition,
            posted: Any = posted,
            counted: Any = counted,
            last_ns: int = newest_ns,
        ) -> None:
            await connection.executemany(ADD_POSTED, posted)
            await connection.executemany(ADD_COUNTED, counted)
            await connection.execute("UPDATE pruned SET trade_id = $1, trades_ns = $2", partition.end - 1, last_ns)

        await _cut(connection, "trades", oldest, cut)
        count += 1


async def _last(connection: Any, name: str) -> int:
    last: int = await connection.fetchval(f"SELECT {name} FROM projection")
    return last


# --- closed orders


async def _closed_orders(connection: Any, before_ns: int) -> int:
    count = 0
    remembered = await connection.fetchval(REMEMBERED)
    while True:
        (oldest, *_), last = await partitions(connection, "closed_orders"), await _last(connection, "last_order_id")
        newest_ns = await connection.fetchval(f"SELECT max(created_ns) FROM {oldest.name}")
        if oldest.end > last or newest_ns is None or newest_ns >= before_ns:
            break
        kept = f"SELECT count(*) FROM {oldest.name} WHERE {STAYS}"
        if await connection.fetchval(kept, before_ns, remembered) > MOVED_MAX:
            break  # most of them will be forgotten at the same time

        async def cut(connection: Any, partition: Partition, newest_ns: int = newest_ns) -> None:
            # What has closed since, or has a client order id that is remembered, goes to the default partition, which
            # takes what no range has.
            await connection.execute(f"ALTER TABLE closed_orders DETACH PARTITION {partition.name}")
            await connection.execute(
                f"INSERT INTO closed_orders SELECT * FROM {partition.name} WHERE {STAYS}",
                before_ns,
                remembered,
            )
            await connection.execute("UPDATE pruned SET order_id = $1, orders_ns = $2", partition.end - 1, newest_ns)

        await _cut(connection, "closed_orders", oldest, cut)
        count += 1
    await _strays(connection, before_ns, remembered)
    return count


async def _strays(connection: Any, before_ns: int, remembered: int | None) -> None:
    """Delete what the default partition has of dropped ranges, once it is as old and not remembered."""
    condition = (
        "updated_ns < $1 AND order_id <= (SELECT order_id FROM pruned) "
        "AND (client_order_id IS NULL OR $2::bigint IS NULL OR order_id < $2)"
    )
    rows = f"SELECT ctid FROM closed_orders_default WHERE {condition} LIMIT {PIECE}"
    while True:
        done = await connection.execute(
            f"DELETE FROM closed_orders_default WHERE ctid IN ({rows})", before_ns, remembered
        )
        if done == "DELETE 0":
            return


# --- candles


async def _minutes(connection: Any, before_s: int) -> int:
    """Delete the minutes of each market but its last one: they are few, and share a table with the other intervals."""
    await connection.execute("UPDATE pruned SET minutes_s = GREATEST(minutes_s, $1)", before_s)
    count = 0
    for (market,) in await connection.fetch("SELECT symbol FROM markets"):
        while True:
            done = int((await connection.execute(MINUTES, before_s, market)).removeprefix("DELETE "))
            count += done
            if done < PIECE:
                break
    return count


# --- the journal


async def _journal(connection: Any, before_ns: int) -> int:
    """Let the journal begin after the partitions that are old as a whole: replay them, and store what they come to."""
    old = []
    projected = await _last(connection, "sequence")
    for partition in await partitions(connection, "journal"):
        newest_ns = await _newest_ns(connection, partition)
        if partition.end > projected or newest_ns is None or newest_ns >= before_ns:
            break
        old.append(partition)
    if not old:
        return 0
    venue = await _replayed(connection, old[-1])

    async def begin(connection: Any, partition: Partition) -> None:
        await baseline.store(connection, venue.state())
        for earlier in old[:-1]:
            await connection.execute(f"DROP TABLE {earlier.name}")

    await _cut(connection, "journal", old[-1], begin)
    return len(old)


async def _newest_ns(connection: Any, partition: Partition) -> int | None:
    """The time of the last command in a partition of the journal."""
    row = await connection.fetchrow(
        f"SELECT codec_version, rules_version, commands FROM {partition.name} ORDER BY last_sequence DESC LIMIT 1"
    )
    if row is None:
        return None
    versions, assets = (row["codec_version"], row["rules_version"]), await _assets(connection)
    return max(entry.time_ns for entry in journal.decode(*versions, row["commands"], assets))


async def _assets(connection: Any) -> dict[str, Asset]:
    rows = await connection.fetch("SELECT symbol, decimals FROM assets")
    return {symbol: Asset(symbol, decimals) for symbol, decimals in rows}


async def _replayed(connection: Any, last: Partition) -> Venue:
    """The venue as it was at the end of a partition of the journal. Raises Failure."""
    begun = await baseline.load(connection)
    venue = Venue.restore(begun)
    assets = {asset.symbol: asset for asset in begun.assets}
    while True:
        rows = await connection.fetch(
            "SELECT * FROM journal WHERE last_sequence > $1 AND last_sequence < $2 ORDER BY last_sequence LIMIT 200",
            venue.sequence,
            last.end,
        )
        if not rows:
            venue.check()
            return venue
        for row in rows:
            if row["first_sequence"] != venue.sequence + 1:
                raise Failure(f"The journal goes from {venue.sequence} to {row['first_sequence']}: see exchange check.")
            entries = journal.decode(row["codec_version"], row["rules_version"], row["commands"], assets)
            for sequence, time_ns, command, rules_version in entries:
                if not isinstance(venue.replay(command, sequence, time_ns, rules_version), Applied):
                    raise Failure(f"The journal cannot be replayed at command {sequence}: see exchange check --replay.")
