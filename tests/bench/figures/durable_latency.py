"""Latency of a durable order on one connection, beside its floor: the limit handler's, plus one commit of one row.

The commit is a COPY of one row by asyncpg into a PostgreSQL of the exchange's own kind, started for this figure.
The limit's p99 is the sum of two p99, a little more than the p99 of the sum.
"""

import importlib
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol, cast

import asyncpg

from exchange.failure import Failure
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Row, UnmeasuredError, row_of
from tests.bench.stats import percentile

NAME = "durable-latency"
GOALS = {50: Goal(1.5, at_least=False), 99: Goal(2.0, at_least=False)}

TABLE = """
CREATE TABLE bench_orders (
    order_id bigint PRIMARY KEY,
    user_id text NOT NULL,
    market text NOT NULL,
    price_ticks bigint NOT NULL,
    quantity_lots bigint NOT NULL
)
"""


class Server(Protocol):
    """What this figure needs of `exchange.postgres.embedded.EmbeddedPostgres`."""

    @property
    def dsn(self) -> str: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def _server(data_dir: Path) -> Server:
    # Imported here and by name: the other figures need no database, and run where this module is not there.
    try:
        module = importlib.import_module("exchange.postgres.embedded")
    except ModuleNotFoundError as missing:
        raise UnmeasuredError(f"needs {missing.name}, which is not there") from missing
    return cast(Server, module.EmbeddedPostgres(data_dir=data_dir, ephemeral=True))


class Commits:
    """A connection that commits one row at a time."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.order_id = 0

    async def prepare(self) -> None:
        for setting in ("fsync", "synchronous_commit"):
            if await self.connection.fetchval(f"SHOW {setting}") != "on":
                raise UnmeasuredError(f"{setting} is off: nothing here is durable")
        await self.connection.execute(TABLE)

    async def latencies_ns(self, seconds: float) -> list[int]:
        """How long each of the commits made within `seconds` took, ascending."""
        latencies = []
        stop_ns = time.perf_counter_ns() + int(seconds * 1e9)
        while (sent_ns := time.perf_counter_ns()) < stop_ns:
            self.order_id += 1
            row = (self.order_id, "bench0001", "SOL_USDC", 15_000, 500)
            await self.connection.copy_records_to_table("bench_orders", records=[row])
            latencies.append(time.perf_counter_ns() - sent_ns)
        return sorted(latencies)


async def measure(bench: Bench) -> list[Row]:
    server = _server(bench.scratch / "commit")
    pairs: dict[int, list[tuple[float, float]]] = {percent: [] for percent in GOALS}
    async with AsyncExitStack() as stack:
        bench.tell(f"{NAME}: starting PostgreSQL")
        stack.push_async_callback(server.stop)
        try:
            await server.start()
        except Failure as failure:
            raise UnmeasuredError(str(failure)) from failure
        connection = await asyncpg.connect(server.dsn)
        stack.push_async_callback(connection.close)
        commits = Commits(connection)
        await commits.prepare()
        for number in range(1, bench.pace.rounds + 1):
            bench.next_round(NAME, number)
            exchange, limit = await bench.ours.load("orders", 1), await bench.handler.load("orders", 1)
            bench.mix.add(exchange)
            await commits.latencies_ns(bench.pace.warmup_s)
            commit_ns = await commits.latencies_ns(bench.pace.slice_s)
            pairs[50].append((exchange.p50_ns / 1e6, (limit.p50_ns + percentile(commit_ns, 50)) / 1e6))
            pairs[99].append((exchange.p99_ns / 1e6, (limit.p99_ns + percentile(commit_ns, 99)) / 1e6))
    return [
        row_of(f"{NAME} p{percent}", "ms", pairs[percent], goal, beside="handler and commit")
        for percent, goal in GOALS.items()
    ]


FIGURE = Figure(NAME, measure)
