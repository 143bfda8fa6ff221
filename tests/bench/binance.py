"""What the Binance-compatible dialect costs: the same orders over the native one, and signed over `POST /api/v3/order`.

`python -m exchange.runtime.compiled tests.bench.binance` starts an exchange in dev mode for each, and sends the same
orders to both in turn, over 64 connections. They are signed before the clock starts.
"""

import asyncio
import hashlib
import hmac
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlencode

import click
import orjson

from tests.bench import flow
from tests.bench.load import Call, Job
from tests.bench.processes import Server, exchange_command, raise_open_files, run_load, scratch_dir, serving
from tests.bench.side import refuse_errors

CONNECTIONS = 64
REPEATS = 2  # of the orders of `flow`: they are sent before the longest window is over
MODES = ("native", "binance")
WINDOW_MS = 60_000


def native(kind: str, seed: int) -> Iterator[Call]:
    """The requests of a kind as they are."""
    for path, body in flow.requests_of(kind, seed):
        yield Call("POST", path, body.decode())


def binance(kind: str, seed: int) -> Iterator[Call]:
    """The orders of a kind in the other dialect, each signed by its user."""
    for _, body in flow.requests_of(kind, seed):
        order = orjson.loads(body)
        user_id = order["user_id"]
        terms = {
            "symbol": order["market"].replace("_", ""),
            "side": order["side"].upper(),
            "type": "LIMIT",
            "timeInForce": order["time_in_force"].upper(),
            "quantity": order["quantity"],
            "price": order["price"],
            "recvWindow": WINDOW_MS,
            "timestamp": int(time.time() * 1000),
        }
        query = urlencode(terms)
        signature = hmac.new(f"{user_id}-secret".encode(), query.encode(), hashlib.sha256).hexdigest()
        headers = {"X-MBX-APIKEY": f"{user_id}-key"}
        yield Call("POST", f"/api/v3/order?{query}&signature={signature}", "", headers)


async def send(server: Server, calls: Iterator[Call], what: str) -> float:
    """Requests a second, all of which must succeed."""
    measured = await run_load(Job(server.url, "", CONNECTIONS, calls=tuple(calls)))
    refuse_errors(measured, what)
    return measured.replies_a_second


async def measure(rounds: int) -> dict[str, list[float]]:
    """Orders a second of each mode, by round."""
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    make = {"native": native, "binance": binance}
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_dir())
        servers: dict[str, Server] = {}
        for mode in MODES:
            place = scratch / mode
            place.mkdir()
            place.chmod(0o755)
            command = exchange_command(place, "--data-dir", str(place / "exchange"))
            servers[mode] = await stack.enter_async_context(serving(command, mode, place))
            for kind in ("deposits", "prime"):
                await send(servers[mode], native(kind, 0), kind)
        for number in range(rounds):
            for mode, server in servers.items():
                orders = itertools.chain.from_iterable(make[mode]("orders", number) for _ in range(REPEATS))
                found[mode].append(await send(server, orders, "orders"))
    return found


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(rounds: int) -> None:
    """Measure what the dialect costs."""
    raise_open_files()
    found = asyncio.run(measure(rounds))
    base = statistics.median(found["native"])
    for mode, speeds in found.items():
        middle = statistics.median(speeds)
        shown = " ".join(f"{speed:.0f}" for speed in speeds)
        click.echo(f"{mode:>8}: {middle:8.0f} orders/s, {middle / base:.2f} of native; rounds {shown}")


if __name__ == "__main__":
    sys.exit(main())
