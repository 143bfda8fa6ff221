"""A PostgreSQL with many databases, for tests that talk to the store itself; and a wire to it that can be cut."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg

from exchange.config import load, packaged_config
from exchange.core.commands import Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.venue import Venue
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, Batch
from exchange.postgres import postmaster
from exchange.postgres.data_directory import PORT, ROLE
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.runtime.bootstrap import differences
from exchange.store.postgres import PostgresStore
from tests.patience import PATIENCE_S
from tests.whole.made_once import data_directory
from tests.whole.process import directory

MARKET = "SOL_USDC"
CONFIG = load(packaged_config(), {}, {})


class Server:
    """One PostgreSQL; every test takes a database of its own."""

    def __init__(self, place: Path) -> None:
        self.socket_dir = place / "data" / "run"
        self._pgdata = place / "data" / "pgdata"
        self._embedded = EmbeddedPostgres(data_directory(place / "data"))
        self._made = 0

    async def start(self) -> None:
        await self._embedded.start()
        self.socket_dir = Path(self._embedded.dsn.rpartition("host=")[2].partition("&")[0].replace("%2F", "/"))

    async def stop(self) -> None:
        """At once: what is in it is of no use to anybody, and a checkpoint of so many databases takes a while."""
        found = postmaster.find(self._pgdata)
        if found is not None:
            found.send_signal(signal.SIGQUIT)
        await self._embedded.stop()

    def dsn(self, name: str, socket_dir: Path | None = None) -> str:
        """Where a database is; through another socket if so asked."""
        return f"postgresql://{ROLE}@/{name}?host={quote(str(socket_dir or self.socket_dir))}&port={PORT}"

    async def migrated(self) -> str:
        """The name of a new database with the tables of the exchange."""
        return await self.create("exchange")

    async def create(self, template: str = "template1") -> str:
        """The name of a new database, an empty one unless it is a copy."""
        self._made += 1
        name = f"test_{self._made}"
        await execute(self.dsn("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    with directory() as place:
        server = Server(place)
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.stop())


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def value(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def everything(dsn: str) -> list[object]:
    """Every row of every table."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    connection = await asyncpg.connect(dsn)
    try:
        return [
            (name, [row[0] for row in await connection.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")])
            for (name,) in await connection.fetch(tables)
        ]
    finally:
        await connection.close()


async def sequence_of(dsn: str) -> object:
    """How far the database is."""
    return await value(dsn, "SELECT sequence FROM venue")


class Writing:
    """A store that is open, and the venue whose commands it is given."""

    def __init__(self, store: PostgresStore, venue: Venue) -> None:
        self.store = store
        self.venue = venue

    def apply(self, *commands: Command) -> Batch:
        """What the venue makes of the commands, ready to be stored."""
        batch = Batch(self.venue.sequence, [])
        for command in commands:
            sequence, time_ns = self.venue.sequence + 1, max(time.time_ns(), self.venue.time_ns)
            applied = self.venue.apply(command, sequence, time_ns)
            assert isinstance(applied, Applied), applied
            batch.applied.append(applied)
        return batch

    async def commit(self, batch: Batch) -> None:
        """To the journal, and into the tables."""
        await self.store.journal.commit(batch)
        await self.store.tables.commit(Changes.of(batch))

    def may_take(self, seconds: float) -> None:
        """How long a commit may take from now on before it is in doubt."""
        for committer in (self.store.journal, self.store.tables):
            committer._commit_timeout_s = seconds

    def seeds(self) -> Batch:
        """The assets, markets and users of the packaged configuration."""
        seeded = self.apply()
        for command in differences(CONFIG, self.venue):
            seeded.applied += self.apply(command).applied
        return seeded


@contextlib.asynccontextmanager
async def writing(dsn: str, *, seeded: bool = True) -> AsyncIterator[Writing]:
    """The one writer of a database, with the packaged configuration in it."""
    store = PostgresStore(dsn, commit_timeout_s=PATIENCE_S)
    made = Writing(store, Venue.restore(await store.open()))
    try:
        if seeded:
            await made.commit(made.seeds())
        yield made
    finally:
        await store.close()


def order(user_id: str, text: str, name: str | None = None) -> PlaceOrder:
    """`"buy 3 @ 101"`: a limit order for that many lots at that many ticks."""
    side, lots, _, ticks = text.split()
    return PlaceOrder(
        user_id,
        MARKET,
        Side.BUY if side == "buy" else Side.SELL,
        OrderType.LIMIT,
        TimeInForce.GTC,
        False,
        int(ticks),
        int(lots),
        name,
    )


class Wire:
    """A socket that passes everything on to the server's, until it is told not to."""

    def __init__(self, directory: Path, server: Server) -> None:
        self.directory = directory
        self._server = server
        self._ends: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self.questions, self.answers, self.ends = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.last_answer = b""
        self.last_word: bytes | None = None  # instead of passing it on, this is done:
        self.at_last_word = self.cut
        self.mend()

    def mend(self) -> None:
        """Pass on everything."""
        self.questions.set()
        self.answers.set()
        self.ends.set()
        self.last_word = None

    def _is_last(self, text: bytes) -> bool:
        if self.last_word is None or self.last_word not in text:
            return False
        self.at_last_word()
        return self.at_last_word == self.cut

    def cut(self) -> None:
        """Break the connections there are. A server that is at work notices only when it wants to answer."""
        for client, server in self._ends:
            client.transport.abort()
            server.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        from_server, server = await asyncio.open_unix_connection(self._server.socket_dir / f".s.PGSQL.{PORT}")
        self._ends.append((client, server))
        await asyncio.gather(self._ask(reader, server), self._answer(from_server, client))

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while text := await client.read(65536):
                if self._is_last(text):
                    break
                await self.questions.wait()
                server.write(text)
                await server.drain()
        server.close()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while text := await server.read(65536):
                if self._is_last(text):
                    break
                await self.answers.wait()
                client.write(text)
                await client.drain()
                self.last_answer = text
        await self.ends.wait()
        client.close()

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Wire"]:
        listener = await asyncio.start_unix_server(self._connected, self.directory / f".s.PGSQL.{PORT}")
        try:
            yield self
        finally:
            self.mend()
            self.cut()
            listener.close()
