"""What is done to a `Side`, and what comes out.

`figures/calls.py` sets it beside the bare limit, `figures/disturbed.py` beside the same without the disturbance, and
`compare` beside the same on another revision.

Only the published interface is used: an exchange of any revision can be measured.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import orjson

from tests.bench import flow
from tests.bench.figure import UnmeasuredError
from tests.bench.load import Call, Slice
from tests.bench.processes import DEEP, SWEPT
from tests.bench.side import FAR_TICKS, READERS, SWEPT_LEVELS, Client, Side, refuse_errors
from tests.bench.socket_load import connect, masked
from tests.bench.stats import percentile

CONNECTIONS = 64
ORDER_CONNECTIONS = (1, 16, 64, 256)
CANCELS_A_SECOND_MAX = 20_000  # so many orders are laid for each second of a slice
CANCELED_LEVELS = 2_000
FILLS_CONNECTIONS = 16
FILLS_LIMIT = 1_000
BATCH_CONNECTIONS = 8
SOCKET_IN_FLIGHT = 500

MANY = 100_000  # makers swept, levels subscribed to
OTHERS_CONNECTIONS = 16
OTHERS_RATE = 500.0
OTHERS_S = 8.0  # longer than any sweep may take
SWEEP_AFTER_S = 2.0  # a generator has started and warmed up by then; checked afterwards
RESUBSCRIBE_EVERY_S = 0.2
SNAPSHOT_TIMEOUT_S = 30.0


class Value(NamedTuple):
    """One measured number."""

    unit: str
    value: float

    @property
    def more_is_better(self) -> bool:
        """Speeds and shares grow when the exchange becomes better, times shrink."""
        return self.unit.endswith("/s") or self.unit == "share"


Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Load:
    """Something to do to a side, by the name that it is chosen by."""

    name: str
    measure: Callable[[Side], Awaitable[Values]]


def milliseconds(nanoseconds: float) -> Value:
    """A time."""
    return Value("ms", nanoseconds / 1e6)


# --- calls: each is a slice of load


async def orders(connections: int, side: Side) -> Slice:
    """`POST /order`, one in flight a connection."""
    return await side.load("orders", connections)


async def signed(side: Side) -> Slice:
    """Orders with a header that differs from request to request, as a signature does."""
    return await side.load("orders", CONNECTIONS, signed=True)


async def split(side: Side) -> Slice:
    """Orders whose head and body are two writes."""
    return await side.load("orders", CONNECTIONS, split=True)


async def cancels(side: Side) -> Slice:
    """`DELETE /order` of open orders, each once. On the limit nothing has to be laid first."""
    count = int(side.pace.slice_s * CANCELS_A_SECOND_MAX)
    prefix = f"c{time.monotonic_ns()}-"
    prices = [flow.MID_TICKS // 2 - number % CANCELED_LEVELS for number in range(count)]
    await side.once(flow.laid(flow.MARKET, flow.MAKERS[0], "buy", prices, prefix))
    return await cancel_all(side, prefix, count)


async def cancel_all(side: Side, prefix: str, count: int) -> Slice:
    """The cancels of orders that were laid with that prefix."""
    bodies = (
        {"user_id": flow.MAKERS[0], "market": flow.MARKET, "client_order_id": f"{prefix}{number}"}
        for number in range(count)
    )
    calls = tuple(Call("DELETE", "/order", orjson.dumps(body).decode()) for body in bodies)
    return await side.load("", CONNECTIONS, calls=calls, warmup_s=0.0, duration_s=None, keep=False)


async def closed(side: Side) -> Slice:
    """`GET /order` of orders that were filled."""
    targets = [
        f"/order?user_id={user}&market={flow.MARKET}&order_id={order_id}"
        for user, order_id in await side.closed_orders()
    ]
    return await read(side, CONNECTIONS, *targets)


async def depth(side: Side) -> Slice:
    """`GET /depth` of the book that orders trade on, a hundred levels a side at most."""
    return await read(side, CONNECTIONS, f"/depth?market={flow.MARKET}")


async def fills(side: Side) -> Slice:
    """`GET /fills`, a thousand to a page."""
    await side.closed_orders()
    target = f"/fills?user_id={READERS[0]}&limit={FILLS_LIMIT}"
    with Client(side.url) as client:
        count = len((await asyncio.to_thread(client.ask, "GET", target))["fills"])
    if count != FILLS_LIMIT:
        raise UnmeasuredError(f"a page of {FILLS_LIMIT:,} fills had {count:,}")
    return await read(side, FILLS_CONNECTIONS, target)


async def read(side: Side, connections: int, *targets: str) -> Slice:
    """`GET` of each target in turn."""
    calls = tuple(Call("GET", target) for target in targets)
    return await side.load("", connections, calls=calls, keep=False)


async def socket_orders(side: Side) -> Slice:
    """Orders over one WebSocket, many in flight."""
    return await side.load("orders", 1, socket=True, in_flight=SOCKET_IN_FLIGHT)


async def client_ns(side: Side) -> list[int]:
    """Latencies of orders sent by `http.client`, one after the other."""
    requests = itertools.cycle(flow.requests_of("orders", side.seed))

    def measured() -> list[int]:
        with Client(side.url) as client:
            client.latencies_ns(requests, side.pace.warmup_s)
            return client.latencies_ns(requests, side.pace.slice_s)

    return await asyncio.to_thread(measured)


# --- what one client does, and what the others see of it


async def others(side: Side, duration_s: float = OTHERS_S, rate: float = OTHERS_RATE) -> Slice:
    """Orders of everybody else at a steady rate, far below what the exchange can do."""
    return await side.load("orders", OTHERS_CONNECTIONS, warmup_s=0.5, duration_s=duration_s, rate=rate)


async def sweep(side: Side) -> tuple[float, Slice]:
    """Seconds in which one order takes very many makers, and the orders of others around it."""
    makers = min(MANY, side.pace.resting_max)
    await side.lay_swept(makers)
    await side.settle()
    async with asyncio.TaskGroup() as tasks:
        beside = tasks.create_task(others(side))
        await asyncio.sleep(SWEEP_AFTER_S)
        begun_ns = time.perf_counter_ns()
        await asyncio.to_thread(_sweep, side.url, makers)
        ended_ns = time.perf_counter_ns()
    measured = beside.result()
    if not measured.begun_ns <= begun_ns <= ended_ns <= measured.begun_ns + int(OTHERS_S * 1e9):
        raise UnmeasuredError("the sweep and the orders of others were not at the same time")
    return (ended_ns - begun_ns) / 1e9, measured


def _sweep(url: str, makers: int) -> None:
    with Client(url) as client:
        left = makers
        # An exchange may bound the fills of one order; then the next order goes on.
        while left:
            path, body = flow.sweeping(SWEPT, flow.TAKERS[0], FAR_TICKS + SWEPT_LEVELS, left)
            taken = len(client.ask("POST", path, body)["fills"])
            if not taken:
                raise UnmeasuredError(f"{left:,} makers were left over")
            left -= taken


async def resubscribe(side: Side) -> tuple[int, Slice]:
    """How often a socket subscribed to a deep book, and the orders of others meanwhile."""
    await side.lay_deep(min(MANY, side.pace.resting_max))
    await side.settle()
    subscriber = asyncio.create_task(_resubscribe(side.ws_url))
    try:
        measured = await others(side, 4 * side.pace.slice_s)
    finally:
        subscriber.cancel()
    count = await subscriber  # raises what went wrong with the socket
    if not count:
        raise UnmeasuredError("no subscription was answered")
    return count, measured


async def _resubscribe(ws_url: str) -> int:
    """Subscribe and unsubscribe until cancelled; how often there was a snapshot."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    socket = await connect(ws_url, heard.put_nowait)
    count = 0
    try:
        while True:
            before = time.monotonic()
            for kind, awaited in (("SUBSCRIBE", b'"snapshot"'), ("UNSUBSCRIBE", b'"UNSUBSCRIBED"')):
                socket.transport.write(masked(orjson.dumps({"message_type": kind, "channel": f"depth@{DEEP}"})))
                async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                    while awaited not in await heard.get():
                        pass
            count += 1
            await asyncio.sleep(max(0.0, before + RESUBSCRIBE_EVERY_S - time.monotonic()))
    except asyncio.CancelledError:
        return count
    finally:
        socket.transport.close()


async def closed_cancels(side: Side) -> tuple[Slice, Slice]:
    """Cancels of closed orders on many connections, and the orders of others, as fast as both go."""
    bodies = (
        {"user_id": user, "market": flow.MARKET, "order_id": order_id} for user, order_id in await side.closed_orders()
    )
    calls = tuple(Call("DELETE", "/order", orjson.dumps(body).decode()) for body in bodies)
    canceled, beside = await _disturbed(side, calls)
    if set(canceled.errors) != {"422 ORDER_CLOSED"} or canceled.errors["422 ORDER_CLOSED"] != canceled.answered:
        refuse_errors(canceled, "cancels of closed orders")
        raise UnmeasuredError("a closed order was canceled")
    return canceled, beside


async def pages(side: Side) -> tuple[Slice, Slice]:
    """Pages of a thousand fills on many connections, and the orders of others, as fast as both go."""
    await side.closed_orders()
    target = f"/fills?user_id={READERS[0]}&limit={FILLS_LIMIT}"
    asked, beside = await _disturbed(side, (Call("GET", target),))
    refuse_errors(asked, "pages of fills")
    return asked, beside


async def _disturbed(side: Side, calls: tuple[Call, ...]) -> tuple[Slice, Slice]:
    """Many connections with these calls, and the orders of others."""
    # Longer at both ends than the slice of the others.
    longer_s = side.pace.slice_s + 2.0
    async with asyncio.TaskGroup() as tasks:
        disturbing = tasks.create_task(
            side.any_load("", CONNECTIONS, calls=calls, warmup_s=0.0, duration_s=longer_s, keep=False)
        )
        beside = tasks.create_task(side.load("orders", OTHERS_CONNECTIONS, warmup_s=1.0))
    return disturbing.result(), beside.result()


# --- all of them, as values by name


async def _speed(name: str, unit: str, times: int, load: Callable[[Side], Awaitable[Slice]], side: Side) -> Values:
    measured = await load(side)
    values = {
        name: Value(unit, measured.replies_a_second * times),
        f"{name} p50": milliseconds(measured.p50_ns),
        f"{name} p99": milliseconds(measured.p99_ns),
    }
    if side.pid is not None:
        values[f"{name} cpu"] = Value("µs", side.cpu_us_a_reply / times)
    return values


async def _client(side: Side) -> Values:
    latencies_ns = await client_ns(side)
    return {f"http-client-1 p{at}": milliseconds(percentile(latencies_ns, at)) for at in (50, 99)}


async def _batches(side: Side) -> Slice:
    return await side.load("batches", BATCH_CONNECTIONS)


async def _sweep_values(side: Side) -> Values:
    seconds, beside = await sweep(side)
    return {"sweep": Value("s", seconds), "sweep others longest": milliseconds(beside.longest_ns)}


async def _resubscribe_values(side: Side) -> Values:
    _, beside = await resubscribe(side)
    return {
        "resubscribe others p50": milliseconds(beside.p50_ns),
        "resubscribe others p99": milliseconds(beside.p99_ns),
    }


async def _disturbed_values(
    name: str, unit: str, disturb: Callable[[Side], Awaitable[tuple[Slice, Slice]]], side: Side
) -> Values:
    disturbing, beside = await disturb(side)
    alone = await side.load("orders", OTHERS_CONNECTIONS)
    return {
        name: Value(unit, disturbing.replies_a_second),
        f"{name} others": Value("orders/s", beside.replies_a_second),
        f"{name} others p99": milliseconds(beside.p99_ns),
        f"{name} others share": Value("share", beside.replies_a_second / alone.replies_a_second),
    }


CALLS: dict[str, tuple[str, Callable[[Side], Awaitable[Slice]]]] = {
    "signed-64": ("orders/s", signed),
    "split-64": ("orders/s", split),
    "cancel-64": ("cancels/s", cancels),
    "closed-64": ("replies/s", closed),
    "depth-64": ("replies/s", depth),
    "fills-16": ("replies/s", fills),
}
LOADS = [
    *(
        Load(name, partial(_speed, name, "orders/s", 1, partial(orders, connections)))
        for connections in ORDER_CONNECTIONS
        for name in (f"orders-{connections}",)
    ),
    *(Load(name, partial(_speed, name, unit, 1, load)) for name, (unit, load) in CALLS.items()),
    Load("http-client-1", _client),
    Load("batches-8", partial(_speed, "batches-8", "orders/s", flow.BATCH_ORDERS, _batches)),
    Load("socket-500", partial(_speed, "socket-500", "orders/s", 1, socket_orders)),
    Load("closed-cancels", partial(_disturbed_values, "closed-cancels", "cancels/s", closed_cancels)),
    Load("fill-pages", partial(_disturbed_values, "fill-pages", "replies/s", pages)),
    Load("sweep", _sweep_values),
    Load("resubscribe", _resubscribe_values),
]
