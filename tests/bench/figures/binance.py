"""The Binance-compatible dialect: what its orders cost beside native ones, and what it costs while nobody uses it.

- *binance-64*: signed `POST /api/v3/order` on 64 connections, beside the same orders as native `POST /order`.
- *binance-idle*: native orders on an exchange that serves the dialect, beside one with `[binance] enabled = false`.

Each has a row of orders/s and one of CPU time for an order, of the exchange and its PostgreSQL until both are idle
again. Where other programs use the machine, the second says more.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack

from tests.bench import binance
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Row, row_of
from tests.bench.load import Call
from tests.bench.processes import exchange_command, serving
from tests.bench.side import Side

CONNECTIONS = 64
GOAL = 0.6
IDLE_GOAL = 0.98

Pairs = list[tuple[float, float]]


async def measure(bench: Bench) -> list[Row]:
    """Signed orders of the dialect, and native ones, on one exchange in turn."""
    speeds: Pairs = []
    costs: Pairs = []
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round("binance-64", number)
        speed, cost = await _orders(bench.ours, binance.signed("orders", bench.seed))
        native_speed, native_cost = await _orders(bench.ours, binance.native("orders", bench.seed))
        speeds.append((speed, native_speed))
        costs.append((cost, native_cost))
    return _rows("binance-64", "native", GOAL, speeds, costs)


async def measure_idle(bench: Bench) -> list[Row]:
    """Native orders with and without the dialect, on two exchanges in turn."""
    speeds: Pairs = []
    costs: Pairs = []
    async with AsyncExitStack() as stack:
        sides = [await _side(bench, stack, enabled=enabled) for enabled in (True, False)]
        for number in range(1, bench.pace.rounds + 1):
            bench.next_round("binance-idle", number)
            found = {}
            # Which of the two is first changes: the first finds the machine otherwise than the second.
            for at in (0, 1) if number % 2 else (1, 0):
                found[at] = await _orders(sides[at], binance.native("orders", bench.seed))
            speeds.append((found[0][0], found[1][0]))
            costs.append((found[0][1], found[1][1]))
    return _rows("binance-idle", "without", IDLE_GOAL, speeds, costs)


async def _side(bench: Bench, stack: AsyncExitStack, *, enabled: bool) -> Side:
    name = f"binance-{'on' if enabled else 'off'}"
    scratch = bench.scratch / name
    scratch.mkdir()
    scratch.chmod(0o755)
    more = f"\n[binance]\nenabled = {str(enabled).lower()}\n"
    served = await stack.enter_async_context(serving(exchange_command(scratch, markets=more), name, scratch))
    side = Side(served.url, served.ws_url, bench.pace, pid=served.pid)
    await side.prepare()
    return side


async def _orders(side: Side, calls: Iterator[Call]) -> tuple[float, float]:
    """All of them: orders a second, and microseconds of CPU for one."""
    measured = await side.load("", CONNECTIONS, calls=tuple(calls), warmup_s=0.0, duration_s=None, keep=False)
    return measured.replies_a_second, side.cpu_us_a_reply


def _rows(name: str, beside: str, goal: float, speeds: Pairs, costs: Pairs) -> list[Row]:
    rows = [row_of(name, "orders/s", speeds, Goal(goal, at_least=True), beside=beside)]
    if all(cost for pair in costs for cost in pair):  # an exchange elsewhere does not say what it uses
        rows.append(row_of(f"{name} cpu", "µs", costs, Goal(1 / goal, at_least=False), beside=beside))
    return rows


FIGURES = [Figure("binance-64", measure), Figure("binance-idle", measure_idle, serves=False)]
