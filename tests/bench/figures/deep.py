"""An exchange with very many resting orders: how long it starts, what an order weighs, how long its loop pauses.

- *deep-start*: from the command to the ready file, beside asyncpg reading the same rows and doing nothing with them.
- *deep-memory*: what the process weighs more than one with a thousand orders, for each order more.
- *loop-pause*: the orders of `flow` at 80 % of what the exchange did just before as fast as it went. A task of its loop
  wants to wake every millisecond; the figure is how late it was.
"""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psutil  # type: ignore[import-untyped]

from tests.bench.bench import Bench
from tests.bench.core.deep import far_orders, instrument, state_of
from tests.bench.database import lay, postgres
from tests.bench.figure import Figure, Goal, Row, UnmeasuredError, row_of
from tests.bench.flow import MARKET, MID_TICKS, REACH_TICKS, USERS
from tests.bench.load import Job, Slice
from tests.bench.processes import exchange_command, in_a_process, run_load, serving, ticking_command
from tests.bench.side import refuse_errors
from tests.bench.stats import percentile

FEW = 1_000
LEVELS = 5_000  # of each side
START_GOAL = Goal(3.0, at_least=False)
MEMORY_BYTES_MAX = 800.0
PAUSE_MS_MAX = {"p99.9": 20.0, "longest": 50.0}
WITHIN = Goal(1.0, at_least=False)  # the limit is a number of its own here, not another measurement
LOAD_SHARE = 0.8
CONNECTIONS = 64
WRITE_TIMEOUT_S = 30.0


def lay_far_orders(dsn: str, count: int) -> None:
    """Fill a database with an exchange whose orders no flow reaches. For a process of its own."""
    rules = instrument(MARKET)
    orders = far_orders(1, count, len(USERS), REACH_TICKS + 1, LEVELS, MID_TICKS)
    asyncio.run(lay(dsn, state_of(rules, list(USERS), orders)))


def read_seconds(dsn: str) -> float:
    """How long asyncpg needs for the rows that the exchange starts from. For a process of its own.

    As in the exchange amounts travel as text, which is the fastest way.
    """

    async def read() -> float:
        connection: Any = await asyncpg.connect(dsn)
        before = time.perf_counter()
        await connection.fetch("SELECT user_id, asset, available_minor::text, locked_minor::text FROM accounts")
        await connection.fetch(
            "SELECT order_id, user_id, market, client_order_id, side, order_type, time_in_force, post_only, "
            "price_ticks, quantity_lots, executed_lots, executed_quote_minor::text, priority, "
            "created_ns, updated_ns "
            "FROM open_orders ORDER BY priority"
        )
        took = time.perf_counter() - before
        await connection.close()
        return took

    return asyncio.run(read())


async def _started(bench: Bench, dsn: str) -> tuple[float, int]:
    """Seconds until an exchange on that database is ready, and the memory of its process in bytes."""
    command = exchange_command(bench.scratch, "--database-url", dsn)
    before = time.perf_counter()
    async with serving(command, "deep", bench.scratch) as server:
        took = time.perf_counter() - before
        return took, psutil.Process(server.pid).memory_info().rss


async def start(bench: Bench) -> list[Row]:
    """Start, and memory."""
    count, rounds = bench.pace.resting_max, (bench.pace.rounds + 1) // 2
    pairs, memory = [], {}
    for orders in (FEW, count):
        async with postgres(bench.scratch / f"deep-{orders}") as dsn:
            bench.tell(f"deep: {orders:,} orders into a database")
            await in_a_process(lay_far_orders, dsn, orders)
            for number in range(1, rounds + 1):
                bench.tell(f"deep: {orders:,} orders, start {number} of {rounds}")
                took, memory[orders] = await _started(bench, dsn)
                if orders == count:
                    pairs.append((took, await in_a_process(read_seconds, dsn)))
    weight = (memory[count] - memory[FEW]) / (count - FEW)
    remark = f"{count:,} resting orders"
    return [
        row_of("deep-start", "s", pairs, START_GOAL, remark, beside="reading"),
        row_of("deep-memory", "B", [(weight, MEMORY_BYTES_MAX)], WITHIN, remark, beside="bound"),
    ]


def _read(output: Path) -> list[int] | None:
    try:
        return sorted(orjson.loads(output.read_bytes()))
    except FileNotFoundError:
        return None


async def _recorded(pid: int, output: Path) -> list[int]:
    """What the ticker of that process has written down."""
    os.kill(pid, signal.SIGUSR2)
    give_up_at = time.monotonic() + WRITE_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if (late_us := _read(output)) is not None:
            return late_us
        await asyncio.sleep(0.02)
    raise UnmeasuredError("the ticker did not write its record")


async def _load(url: str, seed: int, seconds: float, rate: float | None) -> Slice:
    measured = await run_load(Job(url, "orders", CONNECTIONS, seed, 0.0, seconds, rate=rate))
    refuse_errors(measured, "orders")
    return measured


async def pause(bench: Bench) -> list[Row]:
    """The loop of a loaded exchange."""
    count, seconds = bench.pace.resting_max, bench.pace.pause_s
    output = bench.scratch / "pauses.json"
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(postgres(bench.scratch / "pause"))
        bench.tell(f"loop-pause: {count:,} orders into a database")
        await in_a_process(lay_far_orders, dsn, count)
        command = ticking_command(bench.scratch, dsn, output)
        server = await stack.enter_async_context(serving(command, "ticking", bench.scratch))
        bench.tell("loop-pause: how much it can take")
        refuse_errors(await run_load(Job(server.url, "prime", 16)), "prime")
        await _load(server.url, 1, bench.pace.slice_s, None)
        most = await _load(server.url, 2, 2 * bench.pace.slice_s, None)
        rate = LOAD_SHARE * most.replies_a_second
        bench.tell(f"loop-pause: {seconds:.0f} s at {rate:,.0f} orders/s")
        os.kill(server.pid, signal.SIGUSR1)
        held = await _load(server.url, 3, seconds, rate)
        late_us = await _recorded(server.pid, output)
    # In tenths of a percent: the nearest-rank percentile of whole percents is too coarse here.
    p999_us = late_us[-(-len(late_us) * 999 // 1000) - 1]
    assert percentile(late_us, 100) >= p999_us
    remark = (
        f"{count:,} resting orders, {seconds:.0f} s at {held.replies_a_second:,.0f} orders/s, {len(late_us):,} ticks"
    )
    values = {"p99.9": p999_us / 1000, "longest": late_us[-1] / 1000}
    return [
        row_of(f"loop-pause {name}", "ms", [(values[name], bound)], WITHIN, remark, beside="bound")
        for name, bound in PAUSE_MS_MAX.items()
    ]


FIGURES = [Figure("deep", start, serves=False), Figure("loop-pause", pause, serves=False)]
