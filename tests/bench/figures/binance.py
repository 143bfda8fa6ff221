"""The Binance-compatible dialect: what its orders cost beside native ones, and what it costs while nobody uses it.

- *binance-64*: signed `POST /api/v3/order` on 64 connections, beside the same orders as native `POST /order`.
- *binance-idle*: native orders on an exchange that serves the dialect, beside one with `[binance] enabled = false`.
"""

from contextlib import AsyncExitStack

from tests.bench import binance
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Row
from tests.bench.pairs import Pairs
from tests.bench.processes import exchange_command, serving
from tests.bench.side import Side

GOAL = 0.6
IDLE_GOAL = 0.98


async def measure(bench: Bench) -> list[Row]:
    """Signed orders of the dialect, and native ones, on one exchange in turn."""
    pairs = Pairs("binance-64", "native", GOAL)
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round(pairs.name, number)
        native = binance.native("orders", bench.seed)
        await pairs.add(bench.ours, binance.signed("orders", bench.seed), bench.ours, native)
    return pairs.rows()


async def measure_idle(bench: Bench) -> list[Row]:
    """Native orders with and without the dialect, on two exchanges in turn."""
    pairs = Pairs("binance-idle", "without", IDLE_GOAL)
    async with AsyncExitStack() as stack:
        served, without = [await _side(bench, stack, enabled=enabled) for enabled in (True, False)]
        for number in range(1, bench.pace.rounds + 1):
            bench.next_round(pairs.name, number)
            orders, same = (binance.native("orders", bench.seed) for _ in range(2))
            await pairs.add(served, orders, without, same)
    return pairs.rows()


async def _side(bench: Bench, stack: AsyncExitStack, *, enabled: bool) -> Side:
    name = f"binance-{'on' if enabled else 'off'}"
    scratch = bench.scratch / name
    scratch.mkdir()
    scratch.chmod(0o755)
    more = f"\n[binance]\nenabled = {str(enabled).lower()}\n"
    served = await stack.enter_async_context(serving(exchange_command(scratch, markets=more), name, scratch))
    side = Side(served.url, served.ws_url, bench.pace, pid=served.pid)
    bench.others.append(side)
    await side.prepare()
    return side


FIGURES = [Figure("binance-64", measure), Figure("binance-idle", measure_idle, serves=False)]
