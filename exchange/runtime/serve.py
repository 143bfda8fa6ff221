"""`exchange serve`: the whole exchange in one process, from an empty directory to a listening socket and back."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from exchange.api.http.auth import Gate
from exchange.api.http.server import Server
from exchange.api.native.errors import STATUS, Refusals
from exchange.api.native.feed_frames import NativeFrames
from exchange.api.native.rest import Rest
from exchange.api.native.routes import SOCKET_PATHS, native_routes
from exchange.api.native.session import Sessions
from exchange.config import LOOPBACK, Config
from exchange.failure import Failure
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.runtime.app import Exchange, build
from exchange.runtime.metrics import Metrics
from exchange.service.limits import RateLimits
from exchange.service.order_lookup import OrderLookup
from exchange.service.principal import DevAuthenticator
from exchange.service.reading import Reading
from exchange.service.service import Service
from exchange.service.tasks import Tasks
from exchange.service.trading import Trading
from exchange.store.postgres import PostgresStore
from exchange.store.queries import PostgresHistory

log = structlog.get_logger(__name__)

WATCH_S = 0.5  # how soon a dead PostgreSQL is noticed while nothing is asked of it


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line adds to the configuration. `on_ready` is called with the addresses of API and socket."""

    ephemeral: bool = False
    ready_file: Path | None = None
    on_ready: Callable[[str, str], None] | None = None


async def serve(config: Config, options: ServeOptions) -> None:
    """Run until SIGINT or SIGTERM. Raises Failure, or a group of exceptions that holds why it ended."""
    stop = asyncio.Event()
    _handle_signals(stop)
    _allow_many_sockets()
    if options.ready_file is not None and not options.ready_file.parent.is_dir():
        raise Failure(f"The ready file {options.ready_file} cannot be written: there is no such directory.", 2)
    if config.server.host not in LOOPBACK:
        log.warning(
            f"[auth] dev_anywhere: the exchange believes everybody, and it listens on {config.server.host}: whoever "
            "can reach it may trade as anybody."
        )
    if config.database.url:
        if options.ephemeral:
            raise Failure("--ephemeral keeps nothing, so it does not go with a database of yours.", 2)
        await _run(config, options, config.database.url, None, stop)
        return
    data_dir = Path(tempfile.mkdtemp(prefix="exchange-")) if options.ephemeral else Path(config.database.data_dir)
    postgres = EmbeddedPostgres(data_dir, say=_say, ephemeral=options.ephemeral)
    try:
        await postgres.start()
        if not stop.is_set():
            await _run(config, options, postgres.dsn, postgres, stop)
    finally:
        await postgres.stop()
        if options.ephemeral:
            shutil.rmtree(data_dir, ignore_errors=True)


async def _run(
    config: Config, options: ServeOptions, dsn: str, postgres: EmbeddedPostgres | None, stop: asyncio.Event
) -> None:
    store = PostgresStore(
        dsn,
        ensure_running=postgres.ensure_running if postgres else None,
        commit_timeout_s=config.database.commit_timeout_s,
        lock_timeout_s=config.database.lock_timeout_s,
    )
    exchange = await build(config, store)
    history = PostgresHistory(dsn, exchange.projector.reached)
    orders = OrderLookup(exchange.engine, exchange.closed_orders, history)
    service = _service(exchange, history, orders)
    gate, refusals = Gate(config, service.limits), Refusals()
    rest = Rest(service, refusals)
    sessions = Sessions(service, NativeFrames(exchange.venue), refusals)
    metrics = Metrics(exchange, refusals.by_code, STATUS, lambda: server.site, orders.sources)
    routes = native_routes(rest, metrics.text)
    server = Server(config.server, routes, gate, rest.refuse, sessions.open, SOCKET_PATHS)

    async def listen() -> None:
        watch = asyncio.create_task(_watch(postgres), name="watch PostgreSQL") if postgres else None
        try:
            urls = await server.start()
            gate.serves(*urls)
            _announce(*urls, options)
            await stop.wait()
            log.info("stopping")
            await server.stop_listening()
            await _finish(exchange)
        finally:
            if watch is not None:
                watch.cancel()
            await server.stop()

    try:
        await exchange.run(listen)
    finally:
        await history.close()
        await store.close()


def _service(exchange: Exchange, history: PostgresHistory, orders: OrderLookup) -> Service:
    """The service over a running exchange, in dev mode."""
    limits, tasks = RateLimits(exchange.config.limits, time.monotonic), Tasks()
    trading = Trading(exchange.engine, orders, limits, tasks)
    reading = Reading(exchange.engine, history, orders, exchange.data, exchange.ready)
    return Service(exchange.engine, exchange.feeds, trading, reading, DevAuthenticator(), limits, tasks)


async def _finish(exchange: Exchange) -> None:
    """Everything accepted is durable, answered and in the tables, or the process ends saying what is not."""
    try:
        async with asyncio.timeout(exchange.config.server.stop_timeout_s):
            await exchange.stop()
    except TimeoutError:
        if exchange.settled():
            raise Failure("Stopped before the tables had come after the journal: the next start sees to it.") from None
        raise Failure("Stopped without confirming the last commands: the database did not answer.") from None


async def _watch(postgres: EmbeddedPostgres) -> None:
    """Bring a dead PostgreSQL back, also while nobody asks anything of it."""
    while True:
        await asyncio.sleep(WATCH_S)
        if not postgres.alive() or postgres.ending():
            log.warning("PostgreSQL is gone, or going; starting it again")
            try:
                await postgres.ensure_running()
            except Failure as failure:
                log.error("PostgreSQL does not start", cause=str(failure))


def _handle_signals(stop: asyncio.Event) -> None:
    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)  # asked twice: at once
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)


def _allow_many_sockets() -> None:
    """As many open files as this user may have: a socket is one, and what a shell allows at first is often 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(sentence: str) -> None:
    log.info(sentence)


def _announce(url: str, ws_url: str, options: ServeOptions) -> None:
    """Say where it listens: one line for a person, and a file for a program, there only when it is whole."""
    print(f"The exchange is ready at {url} and {ws_url}", flush=True)
    if options.ready_file is not None:
        draft = options.ready_file.with_name(options.ready_file.name + ".new")
        try:
            draft.write_text(json.dumps({"url": url, "ws_url": ws_url, "pid": os.getpid()}) + "\n", encoding="utf-8")
            draft.replace(options.ready_file)
        except OSError as error:
            raise Failure(
                f"The ready file {options.ready_file} cannot be written: {error.strerror or error}."
            ) from error
    if options.on_ready is not None:
        options.on_ready(url, ws_url)
