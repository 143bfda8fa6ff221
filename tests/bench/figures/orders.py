"""Durable `POST /order`, one request in flight a connection: orders/s and latency beside the handler's and the bare's.

Two rows have one value: `orders-64` stands beside the handler, `orders-64 bare` beside the bare protocol.
"""

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
BARE_GOALS = {1: None, 16: Goal(0.25, at_least=True), 64: Goal(0.45, at_least=True), 256: Goal(0.60, at_least=True)}


async def measure(connections: int, bench: Bench) -> list[Row]:
    name = f"orders-{connections}"
    rounds = await bench.rounds(name, connections)
    speeds = [(ours.replies_a_second, handler.replies_a_second) for ours, handler, _ in rounds]
    bare_speeds = [(ours.replies_a_second, bare.replies_a_second) for ours, _, bare in rounds]
    medians = [(ours.p50_ns / 1e6, handler.p50_ns / 1e6) for ours, handler, _ in rounds]
    tails = [(ours.p99_ns / 1e6, handler.p99_ns / 1e6) for ours, handler, _ in rounds]
    return [
        row_of(name, "orders/s", speeds, GOALS[connections], beside="handler"),
        row_of(f"{name} bare", "orders/s", bare_speeds, BARE_GOALS[connections], beside="bare"),
        row_of(f"{name} p50", "ms", medians, beside="handler"),
        row_of(f"{name} p99", "ms", tails, beside="handler"),
    ]


FIGURES = [Figure(f"orders-{connections}", partial(measure, connections)) for connections in GOALS]
