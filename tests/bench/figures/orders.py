"""Durable `POST /order`, one request in flight a connection: orders/s and latency beside the limit handler's."""

from functools import partial

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Row, row_of

# One connection waits for a commit each time, which the limit does not: its goal is that of `durable_latency`.
GOALS = {
    1: None,
    16: Goal(0.55, at_least=True),
    64: Goal(0.70, at_least=True),
    256: Goal(0.80, at_least=True),
}


async def measure(connections: int, bench: Bench) -> list[Row]:
    name = f"orders-{connections}"
    pairs = await bench.pairs(name, connections)
    speeds = [(exchange.replies_a_second, limit.replies_a_second) for exchange, limit in pairs]
    medians = [(exchange.p50_ns / 1e6, limit.p50_ns / 1e6) for exchange, limit in pairs]
    tails = [(exchange.p99_ns / 1e6, limit.p99_ns / 1e6) for exchange, limit in pairs]
    return [
        row_of(name, "orders/s", speeds, GOALS[connections]),
        row_of(f"{name} p50", "ms", medians),
        row_of(f"{name} p99", "ms", tails),
    ]


FIGURES = [Figure(f"orders-{connections}", partial(measure, connections)) for connections in GOALS]
