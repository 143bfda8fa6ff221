"""The HTTP server: both ports, the protocol on them, the aiohttp application behind it, and how all of it ends."""

import asyncio
import resource
from collections.abc import Container, Sequence
from typing import Any

from aiohttp import web

from exchange.api.http.admission import Admission
from exchange.api.http.aiohttp_app import AiohttpApp
from exchange.api.http.connection import HttpConnection
from exchange.api.http.dialect import Dialect, Refuse
from exchange.api.http.peers import Peers
from exchange.api.http.request_id import RequestIds
from exchange.api.http.routes import Routes
from exchange.api.http.site import Site
from exchange.api.http.sockets import OpenSession
from exchange.api.http.tls import tls_of
from exchange.api.http.tls_listener import TlsListener
from exchange.config import ServerConfig
from exchange.failure import Failure

FILES_RESERVED = 64  # open files that connections leave to the database, its restart, and whatever else


class Server:
    """Serves a route table and sockets on both ports."""

    def __init__(
        self,
        config: ServerConfig,
        routes: Routes,
        admission: Admission,
        refuse: Refuse,
        open_session: OpenSession,
        socket_paths: Container[str],
        dialects: Sequence[Dialect] = (),
        *,
        connections_per_address: int = 0,
    ) -> None:
        """An address may have so many connections; 0: any number."""
        self._config = config
        request_ids = RequestIds()
        self.site = Site(
            *(config, routes, admission, request_ids, refuse, open_session, socket_paths, _connections_max(config)),
            dialects,
            Peers(connections_per_address),
        )
        app = AiohttpApp(self.site)
        self._runner = web.AppRunner(
            app.application(),
            handle_signals=False,
            shutdown_timeout=config.stop_timeout_s,
            keepalive_timeout=config.idle_timeout_s,
            access_log=None,
            auto_decompress=False,  # a signature is over the body as it was sent
        )
        self._listeners: list[asyncio.Server] = []
        self._tls = tls_of(config)
        self._tls_listener: TlsListener | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> tuple[str, str]:
        """Listen on both ports, which serve the same; their base URLs. Raises Failure when one is not to be had."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        pages: Any = server
        self.site.page_server = pages
        self.site.now = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self.site.run(), name="deadlines of connections")]
        if self._tls is not None:
            self._tasks.append(asyncio.create_task(self._tls.run(), name="TLS certificate"))
            self._tls_listener = TlsListener(
                self.site,
                self._tls.context,
                lambda: HttpConnection(self.site),
                handshake_timeout_s=self._config.head_timeout_s,
                handshakes_max=self._config.tls_handshakes_max,
            )
        ports = [await self._listen(port) for port in (self._config.port, self._config.ws_port)]
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        secure = "" if self._tls is None else "s"
        return f"http{secure}://{host}:{ports[0]}", f"ws{secure}://{host}:{ports[1]}"

    def certificate_expires_s(self) -> float:
        """Until when the certificate is valid, in seconds since the epoch; 0 without TLS."""
        return 0.0 if self._tls is None else self._tls.expires_s

    async def _listen(self, port: int) -> int:
        host, site = self._config.host, self.site
        try:
            if self._tls_listener is not None:
                return await self._tls_listener.listen(host, port)
            listener = await asyncio.get_running_loop().create_server(
                lambda: HttpConnection(site), host, port, backlog=1024
            )
        except OSError as error:
            raise Failure(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    async def stop_listening(self) -> None:
        """Take no new connections; those there are go on."""
        while self._listeners:
            self._listeners.pop().close()
        if self._tls_listener is not None:
            await self._tls_listener.close()

    async def stop(self) -> None:
        """Close every connection, once what it was promised is sent."""
        await self.stop_listening()
        self.site.finish()
        await self.site.say_goodbye()
        self.site.page_server = None
        await self._runner.cleanup()
        await self.site.closed(self._config.stop_timeout_s / 2)
        for task in self._tasks:
            task.cancel()


def _connections_max(config: ServerConfig) -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = max(files - FILES_RESERVED, 16)
    return min(config.connections_max, allowed) if config.connections_max else allowed
