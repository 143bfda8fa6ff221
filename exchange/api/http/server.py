"""The HTTP server: one aiohttp application, its sockets, and how it ends."""

import asyncio

from aiohttp import web

from exchange.api.http import connection
from exchange.api.http.aiohttp_app import AiohttpApp, Refuse
from exchange.api.http.auth import Gate
from exchange.api.http.request_id import RequestIds
from exchange.api.http.routes import Routes
from exchange.api.http.ws import Sockets
from exchange.config import ServerConfig
from exchange.failure import Failure


class Server:
    """Serves a route table and sockets on both ports."""

    def __init__(
        self,
        config: ServerConfig,
        routes: Routes,
        sockets: Sockets,
        gate: Gate,
        request_ids: RequestIds,
        refuse: Refuse,
    ) -> None:
        self._config = config
        self._request_ids = request_ids
        self._sockets = sockets
        app = AiohttpApp(routes, sockets, gate, request_ids, refuse, config.body_max_bytes)
        self._runner = web.AppRunner(
            app.application(), handle_signals=False, shutdown_timeout=config.stop_timeout_s, access_log=None
        )
        self._listeners: list[asyncio.Server] = []

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
            return connection.factory(self._runner, self._request_ids)

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
