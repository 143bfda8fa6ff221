"""One trade to a thousand sockets: the time from the order until the last has heard, beside aiohttp in a loop.

The limit sends the same bytes, one socket after the other, and neither trades nor commits.
"""

from tests.bench.bench import Bench
from tests.bench.fan_load import FanJob, FanSlice
from tests.bench.figure import Figure, Goal, Row, row_of
from tests.bench.processes import run_job
from tests.bench.stats import percentile

NAME = "fan-out-1000"
SUBSCRIBERS = 1_000
GOAL = Goal(1.5, at_least=False)
TRADES_A_ROUND = 150
WARMUP = 5


async def fan(url: str, subscribers: int, trades: int, message: str | None = None) -> FanSlice:
    """One job of the crowd, in a fresh process."""
    job = FanJob(url, subscribers, trades, WARMUP, message)
    return await run_job("tests.bench.fan_load", job, FanSlice)


async def measure(bench: Bench) -> list[Row]:
    tails, medians = [], []
    for number in range(1, bench.pace.rounds + 1):
        bench.tell(f"{NAME}: round {number} of {bench.pace.rounds}")
        ours = await fan(bench.ours.ws_url, SUBSCRIBERS, TRADES_A_ROUND)
        crowd_url = bench.handler.url.replace("http", "ws", 1) + "/crowd"
        limit = await fan(crowd_url, SUBSCRIBERS, TRADES_A_ROUND, ours.message)
        medians.append((percentile(ours.took_ns, 50) / 1e6, percentile(limit.took_ns, 50) / 1e6))
        tails.append((percentile(ours.took_ns, 99) / 1e6, percentile(limit.took_ns, 99) / 1e6))
    return [
        row_of(f"{NAME} p50", "ms", medians, beside="crowd"),
        row_of(f"{NAME} p99", "ms", tails, GOAL, beside="crowd"),
    ]


FIGURE = Figure(NAME, measure)
