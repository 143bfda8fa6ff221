"""Ten thousand stops that trigger each other, on the engine in memory: how long the loop pauses, and others wait.

python -m tests.cascade [--stops 10000] [--at-once]

With `--at-once` all of them wait for one price, which one trade reaches.

Times are of the processor: what this process has used of it meanwhile, so that they are the same on a busy machine.
"""

import argparse
import asyncio
import time
from dataclasses import replace

from exchange.runtime import garbage
from tests.core.stories import SOL_EUR, SOL_USDC, order_of, venue_of
from tests.fake_store import flow_of

STEP_S = 0.001


async def main(stops: int, *, at_once: bool) -> None:
    """Run it once, and print the figures."""
    venue = venue_of(replace(SOL_USDC, max_open_orders=10 * stops), SOL_EUR)
    for number in range(stops):
        price = f"{900 - number / 100:.2f}"
        terms = order_of(venue, f"maker bid 0.001 @ {price}")
        venue.apply(terms, venue.sequence + 1, venue.time_ns + 1)
        stop = order_of(venue, f"bob sell 0.001 at market stop {'900' if at_once else price}")
        venue.apply(stop, venue.sequence + 1, venue.time_ns + 1)
    garbage.configure()  # as an exchange does once it has its orders
    pauses: list[float] = []
    waits: list[float] = []
    async with flow_of(venue, batch_max=4096) as flow:
        market = flow.venue.markets["SOL_USDC"]

        async def watch() -> None:
            while True:
                before = time.process_time()
                await asyncio.sleep(STEP_S)
                pauses.append(time.process_time() - before)

        async def trade_elsewhere() -> None:
            while True:
                before = time.process_time()
                await flow.engine.submit_all([order_of(flow.venue, "alice buy 1 @ 1 IOC on SOL_EUR")])
                waits.append(time.process_time() - before)

        tasks = [asyncio.create_task(watch()), asyncio.create_task(trade_elsewhere())]
        await asyncio.sleep(0.05)
        pauses.clear()
        waits.clear()
        begun = time.process_time()
        await flow.engine.submit_all([order_of(flow.venue, "carol sell 0.001 at market")])
        while market.has_more:  # noqa: ASYNC110
            await asyncio.sleep(0)
        took = time.process_time() - begun
        for task in tasks:
            task.cancel()
    left = len(market.triggers.orders)
    print(f"{stops} stops in {took:.2f} s, {left} left; the longest pause {max(pauses) * 1000:.1f} ms;")
    print(f"of {len(waits)} orders of another market the longest waited {max(waits) * 1000:.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=10_000)
    parser.add_argument("--at-once", action="store_true")
    asked = parser.parse_args()
    asyncio.run(main(asked.stops, at_once=asked.at_once))
