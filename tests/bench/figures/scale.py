"""Orders/s by the number of connections, resting orders, markets and subscribers, for the plots.

Each point stands beside the limit handler's requests/s on as many connections, measured just after it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from tests.bench.bench import Bench
from tests.bench.database import postgres
from tests.bench.figure import Figure, Row, row_of
from tests.bench.figures.deep import lay_far_orders
from tests.bench.flow import MARKET
from tests.bench.load import Job
from tests.bench.plots import draw
from tests.bench.processes import exchange_command, in_a_process, more_markets, run_load, serving
from tests.bench.side import refuse_errors
from tests.bench.socket_load import connect, masked

CONNECTIONS = 64
Speed = Callable[[Bench, int], Awaitable[float]]


async def _speed(bench: Bench, url: str, kind: str = "orders", connections: int = CONNECTIONS) -> float:
    bench.seed += 1
    job = Job(url, kind, connections, bench.seed, bench.pace.warmup_s, bench.pace.slice_s)
    measured = await run_load(job)
    refuse_errors(measured, kind)
    return measured.replies_a_second


async def with_connections(bench: Bench, count: int) -> float:
    """So many connections with one order in flight each."""
    return await _speed(bench, bench.ours.url, connections=count)


async def with_resting(bench: Bench, count: int) -> float:
    """So many orders that rest out of reach."""
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(postgres(bench.scratch / f"scale-{count}"))
        await in_a_process(lay_far_orders, dsn, count)
        command = exchange_command(bench.scratch, "--database-url", dsn)
        server = await stack.enter_async_context(serving(command, "scale", bench.scratch))
        refuse_errors(await run_load(Job(server.url, "prime", 16)), "prime")
        return await _speed(bench, server.url)


async def with_markets(bench: Bench, count: int) -> float:
    """So many markets, which the orders go to in turn."""
    command = exchange_command(bench.scratch, markets=more_markets(count))
    async with serving(command, "scale", bench.scratch) as server:
        for kind in ("deposits", "prime"):
            refuse_errors(await run_load(Job(server.url, f"markets-{kind}-{count}", 16)), kind)
        return await _speed(bench, server.url, f"markets-orders-{count}")


async def with_subscribers(bench: Bench, count: int) -> float:
    """So many sockets that hear of every trade."""
    sockets = [await connect(bench.ours.ws_url, lambda body: None) for _ in range(count)]
    for socket in sockets:
        socket.transport.write(masked(b'{"message_type":"SUBSCRIBE","channel":"trade@%s"}' % MARKET.encode()))
    try:
        return await _speed(bench, bench.ours.url)
    finally:
        for socket in sockets:
            socket.transport.close()


async def measure(name: str, what: str, counts: Sequence[int], speed: Speed, bench: Bench) -> list[Row]:
    """A row for each count, and the plot of them all."""
    rows, points = [], []
    for count in counts:
        bench.tell(f"{name}: {count:,} {what}")
        connections = count if speed is with_connections else CONNECTIONS
        value = await speed(bench, count)
        limit = await _speed(bench, bench.handler.url, connections=connections)
        rows.append(row_of(f"{name} {count:,}", "orders/s", [(value, limit)], beside="handler"))
        points.append((count, value, limit))
    draw(name, what, points)
    return rows


SCALES: dict[str, tuple[str, Sequence[int], Speed]] = {
    "scale-connections": ("connections", (1, 4, 16, 64, 256, 1_000), with_connections),
    "scale-resting": ("resting orders", (1_000, 10_000, 100_000, 1_000_000), with_resting),
    "scale-markets": ("markets", (1, 10, 100, 1_000), with_markets),
    "scale-subscribers": ("subscribers of the trades", (0, 10, 100, 1_000), with_subscribers),
}
FIGURES = [Figure(name, partial(measure, name, *scale), only_full=True) for name, scale in SCALES.items()]
