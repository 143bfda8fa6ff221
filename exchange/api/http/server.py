"""The HTTP server: one aiohttp application, its sockets, and how it ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from exchange.api.http import connection
from exchange.api.http.desk import Desk
from exchange.api.http.ws import Sockets
from exchange.api.native import openapi
from exchange.api.native.errors import ApiError
from exchange.api.native.pages import docs_page, metrics_page, openapi_page, static_pages
from exchange.api.native.rest import Rest
from exchange.config import ServerConfig
from exchange.failure import Failure

CHANGING = ("POST", "PUT", "PATCH", "DELETE")


class Server:
    """Serves the calls of a Rest, plain orders by way of the desk."""

    def __init__(
        self, config: ServerConfig, rest: Rest, desk: Desk, sockets: Sockets, metrics: Callable[[], bytes]
    ) -> None:
        self._config = config
        self._desk = desk
        self._rest = rest
        self._sockets = sockets
        self._pages = [openapi_page(lambda: document), docs_page(), metrics_page(metrics)]
        document = orjson.dumps(openapi.document(rest.calls, self._pages))
        self._pages += static_pages()
        self._runner = web.AppRunner(self._application(), handle_signals=False, shutdown_timeout=config.stop_timeout_s)
        self._listeners: list[asyncio.Server] = []

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=self._config.body_max_bytes)
        endpoint = self._rest.endpoint
        for call in self._rest.calls:
            handler = endpoint(call.handler, changes=call.method in CHANGING)
            app.router.add_route(call.method, call.path, handler, expect_handler=connection.expect)
        for page in self._pages:
            app.router.add_route("GET", page.path, self._rest.page(page), expect_handler=connection.expect)
        for path in ("/", "/ws"):
            app.router.add_route("GET", path, self._socket, expect_handler=connection.expect)
        methods: dict[str, list[str]] = {path: ["GET"] for path in ("/", "/ws", *(page.path for page in self._pages))}
        for call in self._rest.calls:
            methods.setdefault(call.path, []).append(call.method)

        async def nowhere(request: web.Request) -> Any:
            # The router comes here for a known path too, when it does not know the method.
            if request.path in methods:
                allowed = ", ".join(methods[request.path])
                raise ApiError("METHOD_NOT_ALLOWED", f"{request.path} takes {allowed}.")
            raise ApiError("NOT_FOUND", "There is no such path; GET /openapi.json lists those there are.")

        app.router.add_route("*", "/{path:.*}", endpoint(nowhere, changes=False), expect_handler=connection.expect)
        return app

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        request_id = self._rest.request_ids.of(request)
        try:
            if "Upgrade" not in request.headers:
                return self._rest.without_upgrade(request, request_id)
            return await self._sockets.handle(request, request_id)
        except Exception as error:
            return self._rest.error_answer(error, "opening a socket", request_id)

    async def start(self) -> tuple[str, str]:
        """Listen on both ports, which serve the same; their base URLs. Raises Failure when one is not to be had."""
        await self._runner.setup()
        ports = [await self._listen(port) for port in (self._config.port, self._config.ws_port)]
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return f"http://{host}:{ports[0]}", f"ws://{host}:{ports[1]}"

    async def _listen(self, port: int) -> int:
        host = self._config.host
        loop = asyncio.get_running_loop()

        def connect() -> asyncio.Protocol:
            return connection.factory(self._runner, self._rest.request_ids, self._desk)

        try:
            listener = await loop.create_server(connect, host, port, backlog=1024)
        except OSError as error:
            raise Failure(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    async def stop_listening(self) -> None:
        """Take no new connections; those there are go on."""
        while self._listeners:
            self._listeners.pop().close()

    async def stop(self) -> None:
        """Close every connection, once what it is answering is answered."""
        await self.stop_listening()
        await self._sockets.close()
        if self._runner.server is not None:
            # Idle connections would each be waited for.
            self._runner.server.pre_shutdown()
            await asyncio.sleep(0)
        await self._runner.cleanup()
