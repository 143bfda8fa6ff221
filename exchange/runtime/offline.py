"""Calls of an administrator on an exchange that is stopped: the first admin key has to come from somewhere.

The database is opened as `exchange serve` opens it, with the writer's lock, and the call takes the way of any call,
except that no connection brings it. What it does is a command in the journal, from the actor @console.
"""

import asyncio
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from exchange.api.http.request import Request
from exchange.api.http.response import Response
from exchange.api.native.errors import Refusals
from exchange.api.native.rest import Rest
from exchange.api.native.routes import native_routes
from exchange.config import Config
from exchange.failure import Failure
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.runtime.app import build
from exchange.runtime.assembly import service_of
from exchange.runtime.master_key import open_vault
from exchange.service.order_lookup import OrderLookup
from exchange.service.principal import ADMINISTRATOR, Claim, Permission, Principal, RequestView
from exchange.store.postgres import PostgresStore
from exchange.store.queries import PostgresHistory

LOCK_TIMEOUT_S = 1.0
Json = dict[str, Any]


class _Console:
    """Whoever may open the database is an administrator. There are no sockets."""

    def authenticate(self, request: RequestView, needed: Permission) -> Principal:
        """An administrator without an address."""
        return Principal(None, ADMINISTRATOR, None)

    def opened(self, request: RequestView) -> Principal:
        """See Authenticator."""
        raise AssertionError("no socket opens")

    def sign_in(self, claim: Claim, address: str | None) -> Principal:
        """See Authenticator."""
        raise AssertionError("no socket signs in")

    def check(self, principal: Principal) -> None:
        """It stays."""

    def hold(self, principal: Principal, end: Callable[[], None]) -> None:
        """See Authenticator."""

    def release(self, principal: Principal) -> None:
        """See Authenticator."""

    def sweep(self) -> None:
        """See Authenticator."""


class _Reply:
    """Takes the one reply."""

    def __init__(self) -> None:
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def send(self, response: Response) -> None:
        """Take it."""
        self.response.set_result(response)


async def call(config: Config, method: str, target: str, body: Json | None) -> Json:
    """The reply to one call. Raises Failure if it is refused, or if the exchange is running."""
    if config.database.url:
        return await _call(config, config.database.url, method, target, body)
    postgres = EmbeddedPostgres(Path(config.database.data_dir))
    try:
        await postgres.start()
    except Failure as failure:
        raise Failure(
            f"{failure} If the exchange is running, name it: --url, and --key-file in keys mode."
        ) from failure
    try:
        return await _call(config, postgres.dsn, method, target, body)
    finally:
        await postgres.stop()


async def _call(config: Config, dsn: str, method: str, target: str, body: Json | None) -> Json:
    store = PostgresStore(dsn, lock_timeout_s=LOCK_TIMEOUT_S)
    exchange = await build(config, store)
    history = PostgresHistory(dsn, exchange.projector.reached)
    orders = OrderLookup(exchange.engine, exchange.closed_orders, history)
    vault = cache(lambda: open_vault(config, Path(config.database.data_dir), exchange.venue))
    rest = Rest(service_of(exchange, history, orders, _Console(), vault), Refusals())
    replied: list[Response] = []

    async def serve() -> None:
        replied.append(await _answered(rest, _request(method, target, body)))

    try:
        await exchange.run(serve)
    finally:
        await history.close()
        await store.close()
    reply: Json = json.loads(replied[0].body)
    if replied[0].status != 200:
        raise Failure(f"The exchange refused this: {reply['code']}: {reply['message']}")
    return reply


def _request(method: str, target: str, body: Json | None) -> Request:
    path, _, query = target.partition("?")
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    return Request(method, target.encode(), path, query, headers, data, data, None, "console")


async def _answered(rest: Rest, request: Request) -> Response:
    route = native_routes(rest, _no_metrics).find(request.method, request.path)
    assert route is not None
    reply = _Reply()
    route.handle(request, reply)
    return await reply.response


def _no_metrics() -> bytes:
    return b""
