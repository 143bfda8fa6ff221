"""A thousand orders that follow a book whose best changes all the time, on the engine in memory: how long the loop
pauses, and how long orders of another market wait.

python -m tests.pegging [--orders 1000] [--seconds 5]
"""

import argparse
import asyncio
import time
from dataclasses import replace

from exchange.core.commands import CancelOrder
from tests.core.stories import SOL_EUR, SOL_USDC, order_of, venue_of
from tests.fake_store import flow_of

STEP_S = 0.001


async def main(orders: int, seconds: float) -> None:
    """Run it once, and print the figures."""
    venue = venue_of(replace(SOL_USDC, max_open_orders=orders + 10), SOL_EUR)
    asked = ("maker bid 1 @ 100", "maker ask 1 @ 200", *("bob buy 0.001 pegged to primary limit 150 follows",) * orders)
    for order in asked:
        venue.apply(order_of(venue, order), venue.sequence + 1, venue.time_ns + 1)
    pauses: list[float] = []
    waits: list[float] = []
    changes = 0
    async with flow_of(venue, batch_max=4096) as flow:

        async def watch() -> None:
            while True:
                before = time.perf_counter()
                await asyncio.sleep(STEP_S)
                pauses.append(time.perf_counter() - before - STEP_S)

        async def trade_elsewhere() -> None:
            while True:
                before = time.perf_counter()
                await flow.engine.submit_all([order_of(flow.venue, "alice buy 1 @ 1 IOC on SOL_EUR")])
                waits.append(time.perf_counter() - before)

        async def change_the_best() -> None:
            nonlocal changes
            while True:
                await flow.engine.submit_all([order_of(flow.venue, f"carol buy 1 @ 101 as c{changes}")])
                await flow.engine.submit_all([CancelOrder("carol", "SOL_USDC", None, f"c{changes}")])
                changes += 2

        work = (watch(), trade_elsewhere(), change_the_best())
        tasks = [asyncio.create_task(each) for each in work]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
    print(f"{orders} orders followed {changes} changes in {seconds} s; the longest pause {max(pauses) * 1000:.1f} ms;")
    print(f"of {len(waits)} orders of another market the longest waited {max(waits) * 1000:.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    asyncio.run(main(options.orders, options.seconds))
