"""How far one exchange goes: a million resting orders, a thousand markets, ten thousand sockets.

`python -m exchange.runtime.compiled tests.scale [orders] [markets] [sockets]` runs the named parts, or all of them, and
prints a table. It takes minutes. It is no test: it asserts only that each step took place.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from exchange.cli import run
from exchange.client import Client
from exchange.config import load
from exchange.core.commands import AddAsset, CancelOrder, Deposit, OrderType, PlaceOrder, SetMarket, Side, TimeInForce
from exchange.core.instrument import Asset, instrument_of
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.runtime.app import Exchange as Flow
from exchange.runtime.app import build
from exchange.store.postgres import PostgresStore
from tests.whole.process import MARKET, Exchange, directory
from tests.whole.wire import masked

ORDERS = (1_000, 1_000_000)
MARKETS = 1_000
SOCKETS = 10_000
CLIENTS = 4
USERS = 100
LEVELS = 5_000  # of each side
TRIES = 400

PATIENT = {"EXCHANGE_ENGINE_REPLY_TIMEOUT_S": "600", "EXCHANGE_DATABASE_COMMIT_TIMEOUT_S": "600"}

Row = tuple[str, str]


def main() -> None:
    """The parts that are named on the command line, or all."""
    parts: dict[str, Callable[[], list[Row]]] = {"orders": orders, "markets": markets, "sockets": sockets}
    rows: list[Row] = []
    for name in sys.argv[1:] or parts:
        rows += parts[name]()
    width = max(len(what) for what, _ in rows)
    for what, figure in rows:
        print(f"{what:{width}}  {figure}")


@contextlib.contextmanager
def place_of(config: str | None = None) -> Iterator[Exchange]:
    """An exchange that has not been started."""
    with directory() as place:
        exchange = Exchange(place, environment=PATIENT)
        if config is not None:
            exchange.config.write_text(exchange.config.read_text() + config, encoding="utf-8")
        try:
            yield exchange
        finally:
            exchange.end()


def started(exchange: Exchange) -> float:
    """Start it; how many seconds that took."""
    before = time.perf_counter()
    ready, until = exchange.launch(), time.monotonic() + 600
    while not ready.exists():
        assert exchange.running(), exchange.said()
        assert time.monotonic() < until
        time.sleep(0.01)
    return time.perf_counter() - before


def rss_mib(exchange: Exchange) -> float:
    """The memory of its process."""
    return float(psutil.Process(exchange.pid).memory_info().rss) / (1 << 20)


# --- resting orders


def resting(count: int) -> Iterator[PlaceOrder]:
    """Orders that do not meet: bids below 50,000.00, asks above."""
    for number in range(count):
        side = Side.BUY if number % 2 else Side.SELL
        away = 1 + (number // 2 * 7919) % LEVELS
        price_ticks = 5_000_000 - away if side is Side.BUY else 5_000_000 + away
        name = f"o-{number}"
        user_id = f"user-{number % USERS}"
        yield PlaceOrder(user_id, MARKET, side, OrderType.LIMIT, TimeInForce.GTC, False, price_ticks, 1000, name)


async def fill(exchange: Exchange, count: int) -> float:
    """Put so many orders into its database, through engine and writer; orders a second."""
    config = load(exchange.config, PATIENT, {})
    postgres = EmbeddedPostgres(exchange.data_dir, say=lambda _: None)
    await postgres.start()
    seconds = 0.0
    try:
        flow = await build(config, PostgresStore(postgres.dsn, ensure_running=postgres.ensure_running))

        async def work() -> None:
            nonlocal seconds
            for number in range(USERS):
                for asset in ("BTC", "USD"):
                    amount = 10 ** (6 + flow.venue.assets[asset].decimals)
                    await flow.engine.submit(Deposit(f"user-{number}", asset, amount, f"{number}-{asset}"))
            before = time.perf_counter()
            await place_all(flow, count)
            seconds = time.perf_counter() - before

        await flow.run(work)
    finally:
        await postgres.stop()
    return count / seconds


async def place_all(flow: Flow, count: int) -> None:
    """A few thousand at a time, which is what one commit takes."""
    orders, took = resting(count), []
    while batch := list(itertools.islice(orders, 4000)):
        before = time.perf_counter()
        for outcome in await flow.engine.submit_all(batch):
            assert hasattr(outcome, "events"), outcome
        took.append(time.perf_counter() - before)
        if len(took) % 25 == 0:
            print(f"{4 * len(took)} thousand written, last at {sum(took[-25:]) / 25:.2f} s for 4 thousand", flush=True)


def core_us(count: int) -> dict[str, float]:
    """What a cancel and a match cost in the core alone, beside so many resting orders: microseconds, median."""
    venue = Venue()
    for command in _stage():
        venue.apply(command, venue.sequence + 1, 1)
    for terms in resting(count):
        assert isinstance(venue.apply(terms, venue.sequence + 1, 1), Applied)
    book = venue.markets[MARKET].book
    orders = sorted(book.orders.values(), key=lambda order: order.order_id)[:: max(1, count // TRIES)][:TRIES]
    took: dict[str, list[float]] = {"cancel": [], "match": []}
    for order in orders:
        _timed(venue, CancelOrder(order.user_id, MARKET, order.order_id, None), took["cancel"])
    for _ in range(min(TRIES, count // 4)):
        taker = PlaceOrder("taker", MARKET, Side.BUY, OrderType.MARKET, TimeInForce.IOC, False, None, 1000, None)
        _timed(venue, taker, took["match"])
    return {what: statistics.median(times) * 1e6 for what, times in took.items()}


def _stage() -> list[Any]:
    base, quote = Asset("BTC", 8), Asset("USD", 10)
    rules = instrument_of(
        MARKET,
        base,
        quote,
        tick_size="0.01",
        lot_size="0.00000001",
        max_open_orders=1_000_000,
        taker_fee="0.002",
        fills_may_leave_nothing=True,
    )
    users = [*(f"user-{number}" for number in range(USERS)), "taker"]
    deposits = [Deposit(user, asset, 10**18, f"{user}-{asset}") for user in users for asset in ("BTC", "USD")]
    return [AddAsset(base), AddAsset(quote), SetMarket(rules), *deposits]


def _timed(venue: Venue, command: Any, times: list[float]) -> None:
    before = time.perf_counter()
    outcome = venue.apply(command, venue.sequence + 1, 1)
    times.append(time.perf_counter() - before)
    assert isinstance(outcome, Applied), outcome


async def rest_ms(exchange: Exchange) -> dict[str, float]:
    """Durable latencies of one client: milliseconds, median."""
    took: dict[str, list[float]] = {"place and match": [], "cancel": []}
    async with Client(exchange.url, timeout_s=120) as client:
        for asset in ("BTC", "USD"):
            await client.deposit(asset, "1000000", f"taker-{asset}", "taker")
        history, _ = await client.order_history(limit=TRIES // 2, user_id="user-1")
        for order in history:
            before = time.perf_counter()
            if order["status"] == "open":
                await client.cancel(MARKET, order_id=order["order_id"], user_id="user-1")
                took["cancel"].append(time.perf_counter() - before)
        for _ in range(TRIES // 2):
            buy = {"market": MARKET, "side": "buy", "order_type": "market", "quantity": "0.00001"}
            before = time.perf_counter()
            placed = await client.place(buy, "taker")
            took["place and match"].append(time.perf_counter() - before)
            assert placed["fills"]
    return {what: statistics.median(times) * 1e3 for what, times in took.items()}


def orders() -> list[Row]:
    """A book of a thousand, and one of a million."""
    rows: list[Row] = []
    memory: dict[int, float] = {}
    for count in ORDERS:
        with place_of() as exchange:
            rate = run(partial(fill, exchange, count))
            seconds = started(exchange)
            memory[count] = rss_mib(exchange)
            [line] = [line for line in exchange.said().splitlines() if "recovered" in line]
            recovered = re.search(r"seconds\W+([\d.]+)", re.sub(r"\x1b\[\d*m", "", line))
            assert recovered is not None
            rows.append((f"{count:,} orders: written through engine and writer", f"{rate:,.0f} orders/s"))
            rows.append((f"{count:,} orders: from start to ready, PostgreSQL included", f"{seconds:.1f} s"))
            rows.append((f"{count:,} orders: of which recovery", f"{recovered[1]} s"))
            rows.append((f"{count:,} orders: memory of the process", f"{memory[count]:,.0f} MiB"))
            for what, ms in asyncio.run(rest_ms(exchange)).items():
                rows.append((f"{count:,} orders: {what}, durable, one client", f"{ms:.2f} ms"))
            assert exchange.stop() == 0
        for what, us in core_us(count).items():
            rows.append((f"{count:,} orders: {what} in the core", f"{us:.1f} µs"))
    few, many = ORDERS
    per_order = (memory[many] - memory[few]) * (1 << 20) / (many - few)
    return [*rows, ("memory of one resting order", f"{per_order:,.0f} bytes")]


# --- markets


def markets() -> list[Row]:
    """A thousand markets, seeded and started again, with an order on each."""
    config = "".join(
        f'\n[[assets]]\nsymbol = "M{n}"\ndecimals = 8\n'
        f'\n[[markets]]\nsymbol = "M{n}_USD"\ntick_size = "0.01"\nlot_size = "0.0001"\n'
        for n in range(MARKETS)
    )
    with place_of(config) as exchange:
        first = started(exchange)
        orders_s = asyncio.run(_order_on_each(exchange))
        memory = rss_mib(exchange)
        assert exchange.stop() == 0
        again = started(exchange)
        assert exchange.stop() == 0
    return [
        (f"{MARKETS:,} markets: first start, which writes them", f"{first:.1f} s"),
        (f"{MARKETS:,} markets: start", f"{again:.1f} s"),
        (f"{MARKETS:,} markets: an order on each, in batches of 100", f"{orders_s:.2f} s"),
        (f"{MARKETS:,} markets: memory of the process", f"{memory:,.0f} MiB"),
    ]


async def _order_on_each(exchange: Exchange) -> float:
    async with Client(exchange.url, "user", timeout_s=120) as client:
        await client.deposit("USD", "1000000", "once")
        order = {"side": "buy", "order_type": "limit", "price": "10", "quantity": "1"}
        items = [order | {"market": f"M{n}_USD"} for n in range(MARKETS)]
        before = time.perf_counter()
        for begin in range(0, MARKETS, 100):
            results = await client.orders(items[begin : begin + 100])
            assert all("order_id" in result for result in results)
        return time.perf_counter() - before


# --- sockets


class Idle(asyncio.Protocol):
    """One socket that has subscribed, and counts what it hears."""

    def __init__(self, request: bytes, joined: Callable[[], None], traded: Callable[[], None]) -> None:
        self._request = request
        self._joined = joined
        self._traded = traded
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if b"SUBSCRIBED" in self._heard:
            self._heard = self._heard.partition(b"SUBSCRIBED")[2]
            self._joined()
        if b'"trade_id"' in self._heard:
            self._heard = b""
            self._traded()


def client_process(pipe: Connection, port: int, count: int, source: str) -> None:
    """Open so many sockets; say when all have joined, and when all have heard of a trade."""
    limits()
    asyncio.run(_client(pipe, port, count, source))


async def _client(pipe: Connection, port: int, count: int, source: str) -> None:
    left = {"join": count, "trade": count}
    done = {what: asyncio.Event() for what in left}

    def one(what: str) -> Callable[[], None]:
        def count_down() -> None:
            left[what] -= 1
            if not left[what]:
                done[what].set()

        return count_down

    request = (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode() + masked(json.dumps({"message_type": "SUBSCRIBE", "channel": f"trade@{MARKET}"}).encode())
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(100)

    async def connect() -> None:
        async with room:
            await loop.create_connection(
                lambda: Idle(request, one("join"), one("trade")), "127.0.0.1", port, local_addr=(source, 0)
            )

    await asyncio.gather(*(connect() for _ in range(count)))
    for what in left:
        await done[what].wait()
        pipe.send((what, time.time()))
    await asyncio.to_thread(pipe.recv)


def limits() -> None:
    """As many open files as there may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.asynccontextmanager
async def crowd(port: int) -> AsyncIterator[list[Connection]]:
    """Client processes, each on an address of its own."""
    from tests.scale import client_process  # by its module's name, also where this module is `__main__`

    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for number in range(CLIENTS):
        ours, theirs = spawn.Pipe()
        arguments = (theirs, port, SOCKETS // CLIENTS, f"127.0.0.{number + 2}")
        process = spawn.Process(target=client_process, args=arguments, daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    try:
        yield pipes
    finally:
        for process in processes:
            process.terminate()
            process.join()


async def heard(pipes: list[Connection]) -> float:
    """When the last process has said the next thing."""
    times: list[float] = [(await asyncio.to_thread(pipe.recv))[1] for pipe in pipes]
    return max(times)


def sockets() -> list[Row]:
    """Ten thousand sockets that hear of one trade."""
    limits()
    # Who has never been asked needs not answer: the pings of ten thousand are not what is looked at.
    with place_of() as exchange:
        exchange.config.write_text(exchange.config.read_text().replace("[server]\n", "[server]\nping_s = 600\n"))
        started(exchange)
        before_mib = rss_mib(exchange)
        opened_s, told_s = asyncio.run(_trade_before_a_crowd(exchange))
        after_mib = rss_mib(exchange)
        before = time.perf_counter()
        assert exchange.stop() == 0
        stopped_s = time.perf_counter() - before
    each_kib = (after_mib - before_mib) * 1024 / SOCKETS
    return [
        (f"{SOCKETS:,} sockets: all open and subscribed", f"{opened_s:.1f} s"),
        (f"{SOCKETS:,} sockets: from sending the order to the last that heard of its trade", f"{told_s * 1000:.0f} ms"),
        (f"{SOCKETS:,} sockets: memory of the process, each", f"{after_mib:,.0f} MiB, {each_kib:.1f} KiB"),
        (f"{SOCKETS:,} sockets: stop", f"{stopped_s:.1f} s"),
    ]


async def _trade_before_a_crowd(exchange: Exchange) -> tuple[float, float]:
    port = int(exchange.url.rpartition(":")[2])
    begun = time.time()
    async with crowd(port) as pipes, Client(exchange.url, "user") as client:
        for asset in ("BTC", "USD"):
            await client.deposit(asset, "1000000", asset)
            await client.deposit(asset, "1000000", f"taker-{asset}", "taker")
        opened = await heard(pipes)
        order = {"market": MARKET, "order_type": "limit", "price": "10", "quantity": "1"}
        await client.place(order | {"side": "sell"})
        sent = time.time()
        await client.place(order | {"side": "buy"}, "taker")
        told = await heard(pipes)
    return opened - begun, told - sent


if __name__ == "__main__":
    assert Path("tests").is_dir(), "run it in the repository"
    main()
