"""What reads cost, beside orders: `python -m tests.bench.reads EXCHANGE [EXCHANGE…]`, each an `exchange` command.

The exchanges are measured in turn, each on a database of its own that has the same orders, so an old one and a new one
can be compared in one run. A row is requests a second and the exchange's own CPU time a request.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import psutil  # type: ignore[import-untyped]
import uvloop

from tests.bench import flow
from tests.bench.load import Connection, Job, Load
from tests.bench.processes import READY_TIMEOUT_S, write_config

CLOSED = 2_000
FILLS = 1_200  # of one user
CONNECTIONS, MANY = 32, 64
SECONDS, ROUNDS = 3.0, 3
USER, OTHER = "reader", "counterpart"
POLL_S = 0.05
TRADING, CANCELING, MISSING = "order", "cancel of a closed order", "cancel of no order"
LOOKING_UP, PAGING = "GET /order, closed", "GET /fills?limit=1000"


@dataclass
class Running:
    """An exchange that serves, and requests to send it, by what they do."""

    process: psutil.Process
    host: str
    port: int
    requests: dict[str, list[bytes]]

    def cpu_s(self) -> float:
        """What the process has used, without its children."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> bytes:
    """The body of the reply."""
    reader, writer = streams
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.index(b"content-length:") + 15
    return await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))


def request(method: str, path: str, body: object = None) -> bytes:
    """The bytes of a request."""
    data = b"" if body is None else orjson.dumps(body)
    kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if body is not None else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}\r\n".encode() + data


@contextlib.asynccontextmanager
async def running(command: str, scratch: Path) -> AsyncIterator[Running]:
    """That exchange, with the closed orders and fills that are asked for in its database."""
    ready = scratch / "ready.json"
    config = write_config(scratch)
    listen = ["--config", str(config), "--port", "0", "--ws-port", "0", "--ephemeral", "--ready-file", str(ready)]
    process = await asyncio.create_subprocess_exec(
        command, "serve", *listen, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(POLL_S)
        address = urlsplit(orjson.loads(ready.read_bytes())["url"])
        assert address.hostname is not None
        assert address.port is not None
        made = Running(psutil.Process(process.pid), address.hostname, address.port, {})
        await fill(made)
        yield made
    finally:
        process.terminate()
        await process.wait()


async def fill(exchange: Running) -> None:
    """Make the past that is asked for, and the requests that ask for it."""
    streams = await asyncio.open_connection(exchange.host, exchange.port)
    for user in (USER, OTHER):
        for asset in ("SOL", "USDC"):
            body = {"user_id": user, "asset": asset, "amount": "1000000000", "key": f"{user}-{asset}"}
            await ask(streams, request("POST", "/admin/deposit", body))
    for kind in ("deposits", "prime"):
        for path, encoded in flow.requests_of(kind, 1):
            await ask(streams, request("POST", path, orjson.loads(encoded)))

    def order(user: str, side: str, price: str, **more: str) -> bytes:
        terms = {"market": flow.MARKET, "order_type": "limit", "quantity": "0.01"}
        return request("POST", "/order", {"user_id": user, "side": side, "price": price, **terms, **more})

    for number in range(FILLS):  # at the mid, which the standing depth leaves free
        sides = ((USER, "sell"), (OTHER, "buy")) if number % 2 else ((OTHER, "buy"), (USER, "sell"))
        for user, side in sides:
            await ask(streams, order(user, side, "150.00", client_order_id=f"{user}-{number}"))
    ids = []
    for _ in range(CLOSED):
        ids.append(orjson.loads(await ask(streams, order(USER, "buy", "100", time_in_force="ioc")))["order_id"])
    trading = [request("POST", path, orjson.loads(body)) for path, body in flow.requests_of("orders", 2)]
    at = f"user_id={USER}&market={flow.MARKET}"
    exchange.requests |= {
        TRADING: trading,
        CANCELING: [
            request("DELETE", "/order", {"user_id": USER, "market": flow.MARKET, "order_id": order_id})
            for order_id in ids
        ],
        LOOKING_UP: [request("GET", f"/order?{at}&order_id={order_id}") for order_id in ids],
        MISSING: [
            request("DELETE", "/order", {"user_id": USER, "market": flow.MARKET, "order_id": str(10**15 + number)})
            for number in range(100)
        ],
        PAGING: [request("GET", f"/fills?user_id={USER}&limit=1000")],
    }
    page = orjson.loads(await ask(streams, exchange.requests[PAGING][0]))
    assert len(page["fills"]) == 1000, page
    streams[1].close()


async def load(exchange: Running, what: str, connections: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and milliseconds of the exchange's CPU time for each."""
    requests = Load(cycle(exchange.requests[what]), connections)
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(requests), exchange.host, exchange.port))[1]
        for _ in range(connections)
    ]
    before_s = exchange.cpu_s()
    requests.start(Job(url="", kind=what, connections=connections, warmup_s=0.0, duration_s=seconds))
    for connection in made:
        connection.send_next()
    await requests.finished.wait()
    assert not requests.errors, requests.errors
    done = len(requests.latencies_ns)
    return done / seconds, (exchange.cpu_s() - before_s) / done * 1000


def cycle(requests: list[bytes]) -> Iterator[bytes]:
    """The requests, from a place by chance, round and round."""
    number = random.Random(len(requests)).randrange(len(requests))
    while True:
        yield requests[number]
        number = (number + 1) % len(requests)


async def measure(commands: list[str], seconds: float, rounds: int) -> None:
    """All rows, with the exchanges in turn."""
    rows: dict[tuple[str, str], list[list[tuple[float, float]]]] = {}
    async with contextlib.AsyncExitStack() as stack:
        exchanges = []
        for command in commands:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exchange-reads-")))
            exchanges.append(await stack.enter_async_context(running(command, scratch)))
        for _ in range(rounds):
            for what in (TRADING, CANCELING, LOOKING_UP, MISSING, PAGING):
                for number, exchange in enumerate(exchanges):
                    results = rows.setdefault((what, f"{CONNECTIONS}"), [[] for _ in exchanges])
                    results[number].append(await load(exchange, what, CONNECTIONS, seconds))
            for beside in (None, CANCELING, PAGING):
                for number, exchange in enumerate(exchanges):
                    results = rows.setdefault(
                        (TRADING, f"{CONNECTIONS} beside {MANY} on {beside}"), [[] for _ in exchanges]
                    )
                    others = [load(exchange, beside, MANY, seconds)] if beside is not None else []
                    results[number].append(
                        (await asyncio.gather(load(exchange, TRADING, CONNECTIONS, seconds), *others))[0]
                    )
    for (what, how), results in rows.items():
        cells = [
            f"{statistics.median(rate for rate, _ in runs):9,.0f}/s {statistics.median(cpu for _, cpu in runs):7.3f} ms"
            for runs in results
        ]
        print(f"{what:26} {how:45} {' | '.join(cells)}", flush=True)


def main() -> None:
    """Measure the exchanges on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchange", nargs="+")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(options.exchange, options.seconds, options.rounds))


if __name__ == "__main__":
    main()
