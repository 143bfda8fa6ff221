"""`exchange serve`: the whole exchange in one process, from an empty directory to a listening socket and back."""

import asyncio
import contextlib
import errno
import json
import os
import resource
import socket
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import structlog

from exchange import logs
from exchange.addresses import is_loopback
from exchange.api.binance.dialect import Binance
from exchange.api.http.admission import Admission
from exchange.api.http.routes import Route
from exchange.api.http.server import Server
from exchange.api.http.tls import tls_of
from exchange.api.native.errors import STATUS, Refusals
from exchange.api.native.feed_frames import NativeFrames
from exchange.api.native.pages import Visitors
from exchange.api.native.rest import Rest
from exchange.api.native.routes import SOCKET_PATHS, native_routes
from exchange.api.native.session import Sessions
from exchange.config import Config
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.logs import announce
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.runtime import authentication, tracing
from exchange.runtime.app import Exchange, build
from exchange.runtime.assembly import limited, service_of
from exchange.runtime.bootstrap import differences
from exchange.runtime.dialects import Beside
from exchange.runtime.machine_metrics import MachineMetrics
from exchange.runtime.master_key import open_vault
from exchange.runtime.metrics import Metrics
from exchange.runtime.notify import READY, STOPPING, notify
from exchange.runtime.retention import keep_pruned
from exchange.runtime.stop import Stop
from exchange.service.order_lookup import OrderLookup
from exchange.service.service import Service
from exchange.store.postgres import PostgresStore
from exchange.store.queries import PostgresHistory
from exchange.store.tape import PostgresTape

log = structlog.get_logger(__name__)

WATCH_S = 0.5  # how soon a dead PostgreSQL is noticed while no command needs it
CLOSE_S = 3.0  # for the connections, after the last command is confirmed


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line adds to the configuration, and what a command that serves adds of its own.

    `prepare` may use the store before the exchange does, and `begin` the service before anybody else. `more_routes` are
    served beside the native ones. `on_ready` is
    called with the addresses of API and socket, `on_stop` before the exchange stops to take requests.
    """

    ephemeral: bool = False
    ready_file: Path | None = None
    prepare: Callable[[PostgresStore], Awaitable[None]] | None = None
    begin: Callable[[Service], Awaitable[None]] | None = None
    more_routes: Callable[[Rest], Sequence[Route]] | None = None
    on_ready: Callable[[str, str], None] | None = None
    on_stop: Callable[[], Awaitable[None]] | None = None


async def serve(config: Config, options: ServeOptions) -> None:
    """Run until SIGINT or SIGTERM. Raises Failure, or a group of exceptions that holds why it ended."""
    logs.set_level(config.server.log_level)
    if options.ephemeral and config.database.url:
        raise Failure("--ephemeral keeps nothing and cannot be combined with --database-url.", 2)
    if options.ready_file is not None and not options.ready_file.parent.is_dir():
        raise Failure(f"The ready file {options.ready_file} cannot be written: its directory does not exist.", 2)
    _allow_many_sockets()
    if config.auth.mode == "dev" and not is_loopback(config.server.host):
        log.warning(
            f"[auth] dev_anywhere: requests are not authenticated, and the exchange listens on {config.server.host}. "
            "Anybody who can connect can trade as any user."
        )
    _refuse_early(config, options)
    if config.database.url:
        stop = Stop(_nothing)
        await stop.run(_run(config, options, config.database.url, Path(config.database.data_dir), None, stop))
        return
    data_dir = Path(tempfile.mkdtemp(prefix="exchange-")) if options.ephemeral else Path(config.database.data_dir)
    postgres = EmbeddedPostgres(data_dir, say=_say, ephemeral=options.ephemeral)
    stop = Stop(postgres.kill)
    await stop.run(_run_embedded(config, options, data_dir, postgres, stop))


def _refuse_early(config: Config, options: ServeOptions) -> None:
    """Judge what can be judged without a database, before one is created. Raises Failure."""
    tls_of(config.server)
    tracing.refuse_early(config.tracing)
    pgdata = Path(config.database.data_dir) / "pgdata"
    if not config.database.url and (options.ephemeral or not pgdata.exists()):
        differences(config, Venue())
    for port in (config.server.port, config.server.ws_port):
        try:
            _try_to_listen(config.server.host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # of one of several addresses, perhaps
                raise Failure(f"Cannot listen on {config.server.host}:{port}: {error.strerror or error}.") from error


def _try_to_listen(host: str, port: int) -> None:
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen()


async def _run_embedded(
    config: Config, options: ServeOptions, data_dir: Path, postgres: EmbeddedPostgres, stop: Stop
) -> None:
    try:
        await postgres.start()
        await _run(config, options, postgres.dsn, data_dir, postgres, stop)
    finally:
        await postgres.stop()
        postgres.remove_ephemeral()


async def _run(
    config: Config, options: ServeOptions, dsn: str, data_dir: Path, postgres: EmbeddedPostgres | None, stop: Stop
) -> None:
    if options.prepare is not None:
        await options.prepare(_store(config, dsn, postgres))
    store = _store(config, dsn, postgres)
    exchange = await build(config, store, tracing=tracing.tracing_of(config.tracing))
    history = PostgresHistory(dsn, exchange.projector.reached)
    orders = OrderLookup(exchange.engine, exchange.closed_orders, history)
    vault = cache(lambda: open_vault(config, data_dir, exchange.venue))
    authenticator = authentication.authenticator_of(config, exchange, vault)
    service = service_of(exchange, history, orders, authenticator, vault)
    admission, refusals = Admission(config, service.limits), Refusals()
    rest, sessions = Rest(service, refusals), Sessions(service, NativeFrames(exchange.venue), refusals)
    machine = MachineMetrics(exchange.venue, data_dir if postgres else None, lambda: server.certificate_expires_s())
    metrics = Metrics(exchange, refusals.by_code, STATUS, lambda: server.site, orders.sources, service.lane, machine)
    signers = authentication.signers_of(authenticator, exchange)
    binance = partial(Binance, service, signers, PostgresTape(history), refusals.by_code, config.binance)
    beside = Beside(binance if config.binance.enabled else None, sessions.open, SOCKET_PATHS)
    more_routes = [*(options.more_routes(rest) if options.more_routes else ()), *beside.routes]
    visitors = Visitors([user.id for user in config.users], sign_in=config.auth.mode == "keys")
    routes = native_routes(rest, metrics.text, more_routes, visitors=visitors)
    server = Server(
        *(config.server, routes, admission, rest.refuse, beside.open, beside.socket_paths, beside.dialects),
        connections_per_address=config.limits.connections_per_address if limited(config) else 0,
    )

    async def listen() -> None:
        tasks = [
            asyncio.create_task(authentication.sweep(authenticator), name="sweep keys"),
            asyncio.create_task(beside.run(), name="streams that go by the clock"),
            asyncio.create_task(keep_pruned(config, data_dir), name="retention"),
        ]
        if postgres:
            tasks.append(asyncio.create_task(_watch(postgres), name="watch PostgreSQL"))
        try:
            if options.begin is not None:
                await options.begin(service)
            await authentication.ready(authenticator)
            urls = await server.start()
            admission.serves(*urls)
            _announce(*urls, options)
            notify(READY)
            await stop.wait()
            notify(STOPPING)
            log.info("stopping")
            if options.on_stop is not None:
                await options.on_stop()
            await server.stop_listening()
            await _finish(exchange)
        finally:
            for task in tasks:
                task.cancel()
            await _close(server)

    try:
        await exchange.run(listen)
    finally:
        await history.close()
        await store.close()


def _store(config: Config, dsn: str, postgres: EmbeddedPostgres | None) -> PostgresStore:
    return PostgresStore(
        dsn,
        ensure_running=postgres.ensure_running if postgres else None,
        commit_timeout_s=config.database.commit_timeout_s,
        lock_timeout_s=config.database.lock_timeout_s,
    )


async def _finish(exchange: Exchange) -> None:
    """Wait until everything accepted is durable, answered and in the tables. Raises Failure if that takes too long."""
    try:
        async with asyncio.timeout(exchange.config.server.stop_timeout_s):
            await exchange.stop()
    except TimeoutError:
        reason = "Stopped without confirming the last commands: the database did not answer in time."
        if exchange.settled():
            reason = "Stopped with the query tables behind the journal; the next start will catch them up."
        raise Failure(reason) from None


async def _close(server: Server) -> None:
    """Close every connection. A client that is still sending a request must not delay the stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await server.stop()


async def _watch(postgres: EmbeddedPostgres) -> None:
    """Restart PostgreSQL when it has ended, also while no command needs it."""
    while True:
        await asyncio.sleep(WATCH_S)
        if not postgres.alive() or postgres.ending():
            log.warning("PostgreSQL stopped or is shutting down; restarting it")
            try:
                await postgres.ensure_running()
            except (Failure, OSError) as failure:
                log.error("PostgreSQL could not be restarted; trying again", cause=str(failure))


def _allow_many_sockets() -> None:
    """As many open files as this user may have: a socket is one, and what a shell allows at first is often 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _nothing() -> None:
    """There is no PostgreSQL of ours to end."""


def _say(sentence: str) -> None:
    log.info(sentence)


def _announce(url: str, ws_url: str, options: ServeOptions) -> None:
    """Say where it listens: one line for a person, and a file for a program, there only when it is whole."""
    announce(f"The exchange is ready at {url} and {ws_url}")
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
