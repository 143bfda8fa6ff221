"""Databases of earlier versions as small files: their tables as COPY writes them, at a revision of the migrations.

`python -m tests.store.kept` writes one of this version, at the newest revision, into `old/`: do so when a version is
released. It has traded: orders of every kind, some still open, users with and without keys, a disabled one, markets of
every status. Its journal is ahead of its tables, as after a crash.
"""

import asyncio
import gzip
import io
import random
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import asyncpg
from alembic import command as alembic_command

from exchange.core.administration import ApiKey, CreateKey, CreateUser, KeyType, Origin, RevokeKey, SetUserStatus
from exchange.core.commands import (
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    OrderType,
    PassTime,
    PlaceOrder,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.instrument import MarketStatus
from exchange.core.outcome import Applied
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Batch
from exchange.store.migrations import migrate
from tests.whole.databases import Server, Writing, running_server, writing

OLD = Path(__file__).parent / "old"
USERS = ("ann", "ben", "cat", "dan")
ROOT = Origin("root", "10.0.0.7")
COMMANDS, AHEAD, BATCH = 900, 20, 7
JOURNAL_ROWS = 1 << 24  # sequences in the first partition of the journal
CREATED_NS, STEP_NS = 1_790_000_000_123_456_789, 7_000_000_000


def kept() -> list[Path]:
    """The files, oldest first."""
    return sorted(OLD.glob("database_*.gz"))


def revision_of(path: Path) -> str:
    """The revision of the migrations that a file is at."""
    return path.name.removeprefix("database_").partition(".")[0]


async def load(dsn: str, path: Path) -> None:
    """Make the database of a file in an empty one, at its own revision."""
    newest = alembic_command.upgrade
    with patch.object(alembic_command, "upgrade", lambda config, _: newest(config, revision_of(path))):
        await migrate(dsn)
    content = gzip.decompress(await asyncio.to_thread(path.read_bytes)).decode()
    tables = [text.partition("\n")[::2] for text in content.split("\\.\n")]
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS journal_0 PARTITION OF journal FOR VALUES FROM (0) TO ({JOURNAL_ROWS})"
        )
        for table, rows in tables:
            if rows and table != "alembic_version":
                await connection.execute(f"TRUNCATE {table}")
                await connection.copy_to_table(table, source=io.BytesIO(rows.encode()))
    finally:
        await connection.close()


async def keep(dsn: str) -> Path:
    """Write the tables of a database to a file."""
    names = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    text = io.BytesIO()
    connection = await asyncpg.connect(dsn)
    try:
        for (name,) in await connection.fetch(names):
            text.write(f"{name}\n".encode())
            await connection.copy_from_query(f"SELECT * FROM {name} ORDER BY 1", output=text)
            text.write(b"\\.\n")
        path = OLD / f"database_{await connection.fetchval('SELECT version_num FROM alembic_version')}.gz"
    finally:
        await connection.close()
    await asyncio.to_thread(path.write_bytes, gzip.compress(text.getvalue(), mtime=0))
    return path


async def traded(made: Writing, chance: random.Random, ahead: int = AHEAD) -> None:
    """Let the exchange of an empty database trade; its journal ends so many commands ahead of its tables."""
    now_ns, batch = made.venue.time_ns, Batch(made.venue.sequence, [])
    wishes = [*_beginning(), *(_wish(chance, number) for number in range(COMMANDS)), *_end()]
    for number, command in enumerate(wishes):
        now_ns += chance.randrange(STEP_NS)
        outcome = made.venue.apply(command, made.venue.sequence + 1, now_ns)
        if isinstance(outcome, Applied):
            batch.applied.append(outcome)
        if len(batch.applied) >= BATCH or number == len(wishes) - 1:
            await made.store.journal.commit(batch)
            if number < len(wishes) - ahead:
                await made.store.tables.commit(Changes.of(batch))
            batch = Batch(made.venue.sequence, [])


def _beginning() -> Iterator[Command]:
    for user_id in USERS:
        yield CreateUser(user_id, ROOT)
        for asset, decimals in (("SOL", 9), ("JUP", 6), ("USDC", 6)):
            yield Deposit(user_id, asset, 100_000 * 10**decimals, f"first-{user_id}-{asset}", ROOT)
        key_type = KeyType.HMAC if user_id != "ben" else KeyType.ED25519
        permissions, networks = ("read", "trade"), ("10.0.0.0/8",)
        key = ApiKey(f"key-{user_id}", user_id, key_type, "c2VhbGVk", permissions, "bot", networks, None, CREATED_NS)
        yield CreateKey(key, ROOT)


def _wish(chance: random.Random, number: int) -> Command:
    user_id, market = chance.choice(USERS), chance.choice(("SOL_USDC", "SOL_USDC", "JUP_USDC"))
    kind = chance.random()
    if kind < 0.06:
        return CancelOrder(user_id, market, chance.randrange(1, number + 2), None)
    if kind < 0.08:
        return CancelAll(user_id, market)
    if kind < 0.10:
        return PassTime()
    if kind < 0.11:
        return Deposit(user_id, "USDC", chance.randrange(1, 10**9), f"later-{number}", ROOT)
    return _order(chance, user_id, market, number)


def _order(chance: random.Random, user_id: str, market: str, number: int) -> PlaceOrder:
    side, price_ticks, lots = chance.choice(tuple(Side)), 1000 + chance.randrange(-8, 9), chance.randrange(2000, 50000)
    name = f"n-{number}" if chance.random() < 0.2 else None
    in_force = chance.choice((*(TimeInForce.GTC,) * 6, TimeInForce.IOC, TimeInForce.FOK))
    asked = None
    if chance.random() < 0.25:
        asked = Conditions(chance.choice(tuple(SelfTrade)), None, number, chance.randrange(9))
    if chance.random() < 0.1:
        ioc = TimeInForce.IOC
        if chance.random() < 0.5:
            asked, lots = Conditions(None, chance.randrange(10**6, 10**8)), 0
        return PlaceOrder(user_id, market, side, OrderType.MARKET, ioc, False, None, lots, name, asked)
    post_only = in_force is TimeInForce.GTC and chance.random() < 0.1
    return PlaceOrder(user_id, market, side, OrderType.LIMIT, in_force, post_only, price_ticks, lots, name, asked)


def _end() -> Iterator[Command]:
    yield SetMarketStatus("BONK_USDC", MarketStatus.CANCEL_ONLY)
    yield SetMarketStatus("JUP_USDC", MarketStatus.POST_ONLY)
    yield RevokeKey("key-cat", ROOT)
    yield SetUserStatus("dan", True, ROOT)
    for price_ticks in range(900, 900 + AHEAD - 4):
        side, limit = Side.BUY, OrderType.LIMIT
        yield PlaceOrder("ann", "SOL_USDC", side, limit, TimeInForce.GTC, False, price_ticks, 2000, None)


async def _made(server: Server) -> str:
    dsn = server.dsn(await server.create())
    async with writing(dsn) as made:
        await traded(made, random.Random(4))
    return dsn


if __name__ == "__main__":
    with running_server() as started:
        print(asyncio.run(keep(asyncio.run(_made(started)))))
