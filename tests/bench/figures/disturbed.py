"""What one client can do to the others: their orders while it does, beside their orders without it.

- *closed-cancels*: 64 connections cancel orders that are closed. The figure is the orders/s of 16 other connections.
- *fill-pages*: the same beside 64 connections that read pages of a thousand fills.
- *sweep*: one order takes 100,000 makers, beside the core alone doing that; and the longest that others waited.
- *resubscribe*: a socket subscribes to a book of 100,000 levels five times a second. Others send 500 orders/s.
"""

import time
from collections.abc import Awaitable, Callable

from exchange.core.commands import TimeInForce
from exchange.core.venue import Venue
from tests.bench import loads
from tests.bench.bench import Bench
from tests.bench.core.deep import instrument, state_of, terms_of
from tests.bench.core.flow import REST, TAKE, Operation
from tests.bench.figure import Figure, Row, UnmeasuredError, row_of
from tests.bench.flow import USERS
from tests.bench.load import Slice
from tests.bench.processes import SWEPT, in_a_process
from tests.bench.side import FAR_TICKS, SWEPT_LEVELS, Side


def core_sweep_seconds(makers: int) -> float:
    """How long the core alone takes for the sweep. For a process of its own."""
    traders_each = len(USERS) // 2
    begin = [Operation(REST, False, at % traders_each, FAR_TICKS + at % SWEPT_LEVELS, 100) for at in range(makers)]
    venue = Venue.restore(state_of(instrument(SWEPT), list(USERS), begin))
    taker = Operation(TAKE, True, traders_each, FAR_TICKS + SWEPT_LEVELS, 100 * makers)
    command = terms_of(taker, SWEPT, list(USERS), TimeInForce.IOC)
    before = time.perf_counter()
    outcome = venue.apply(command, venue.sequence + 1, venue.time_ns + 1)
    took = time.perf_counter() - before
    if venue.counts.last_trade_id != makers:
        made = venue.counts.last_trade_id
        raise UnmeasuredError(f"the core made {made:,} trades of {makers:,}: {str(outcome)[:100]}")
    return took


async def sweep(bench: Bench) -> list[Row]:
    """One order, very many makers."""
    makers = min(loads.MANY, bench.pace.resting_max)
    times, waits = [], []
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round("sweep", number)
        seconds, beside = await loads.sweep(bench.ours)
        alone = await loads.others(bench.ours, 2 * bench.pace.slice_s)
        times.append((seconds, await in_a_process(core_sweep_seconds, makers)))
        waits.append((beside.longest_ns / 1e6, alone.longest_ns / 1e6))
    return [
        row_of("sweep", "s", times, remark=f"{makers:,} makers", beside="core"),
        row_of("sweep others longest", "ms", waits, beside="without"),
    ]


async def resubscribe(bench: Bench) -> list[Row]:
    """A socket that subscribes to a deep book again and again."""
    medians, tails, counts = [], [], 0
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round("resubscribe", number)
        alone = await loads.others(bench.ours, 4 * bench.pace.slice_s)
        count, beside = await loads.resubscribe(bench.ours)
        counts += count
        medians.append((beside.p50_ns / 1e6, alone.p50_ns / 1e6))
        tails.append((beside.p99_ns / 1e6, alone.p99_ns / 1e6))
    remark = f"{min(loads.MANY, bench.pace.resting_max):,} levels, {counts:,} subscriptions"
    return [
        row_of("resubscribe others p50", "ms", medians, remark=remark, beside="without"),
        row_of("resubscribe others p99", "ms", tails, beside="without"),
    ]


async def closed_cancels(bench: Bench) -> list[Row]:
    """Many connections that cancel what is closed."""
    return await _disturbed(bench, "closed-cancels", "cancels/s", loads.closed_cancels)


async def fill_pages(bench: Bench) -> list[Row]:
    """Many connections that read pages of a thousand fills."""
    return await _disturbed(bench, "fill-pages", "pages/s", loads.pages)


async def _disturbed(
    bench: Bench, name: str, unit: str, disturb: Callable[[Side], Awaitable[tuple[Slice, Slice]]]
) -> list[Row]:
    pairs, speeds = [], []
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round(name, number)
        alone = await bench.ours.load("orders", loads.OTHERS_CONNECTIONS)
        disturbing, beside = await disturb(bench.ours)
        speeds.append(disturbing.replies_a_second)
        pairs.append((beside.replies_a_second, alone.replies_a_second))
    remark = f"beside {min(speeds):,.0f} to {max(speeds):,.0f} {unit}"
    return [row_of(f"{name} others", "orders/s", pairs, remark=remark, beside="without")]


FIGURES = [
    Figure("closed-cancels", closed_cancels),
    Figure("fill-pages", fill_pages),
    Figure("sweep", sweep),
    Figure("resubscribe", resubscribe),
]
