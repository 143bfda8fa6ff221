"""What all connections share: routes, limits, deadlines, and the budget of what they are owed."""

import asyncio
import contextlib
import ctypes
from collections.abc import Callable, Container, Sequence
from typing import Protocol

import structlog

from exchange.api.http.admission import Admission
from exchange.api.http.counts import HttpCounts
from exchange.api.http.dialect import Dialect, Refuse
from exchange.api.http.forwarded import TrustedProxies
from exchange.api.http.head import Head, parse_head
from exchange.api.http.peers import Peers
from exchange.api.http.request_id import RequestIds
from exchange.api.http.response import Response
from exchange.api.http.routes import Route, Routes
from exchange.api.http.sockets import OpenSession, SocketSession
from exchange.api.native.errors import ApiError
from exchange.config import ServerConfig

log = structlog.get_logger(__name__)

SWEEP_S = 0.5  # how late a deadline may be noticed
DRAIN_S = 2.0  # how long a client that was refused may go on sending before its connection is cut
MEMO_MAX = 4096  # heads that are kept parsed
MEMO_HEAD_MAX_BYTES = 1024
TRIM_BYTES = 32 << 20  # freed by closing slow clients; then the allocator is asked to give memory back


class Connection(Protocol):
    """One accepted connection, whatever is spoken on it."""

    def sweep(self, now: float) -> None:
        """Look after the deadlines."""

    def owed_bytes(self) -> int:
        """What waits in this process for the client to read it."""

    def abort(self) -> None:
        """Cut the connection."""

    def finish(self) -> None:
        """Close the connection as soon as what it promised is sent. No new request is taken."""


class Site:
    """The shared part. `run` is its task."""

    def __init__(
        self,
        config: ServerConfig,
        routes: Routes,
        admission: Admission,
        request_ids: RequestIds,
        refuse: Refuse,
        open_session: OpenSession,
        socket_paths: Container[str],
        connections_max: int,
        dialects: Sequence[Dialect] = (),
        peers: Peers | None = None,
    ) -> None:
        self.config = config
        self.routes = routes
        self.admission = admission
        self.request_ids = request_ids
        self._refuse = refuse
        self._dialects = tuple((prefix, dialect) for dialect in dialects for prefix in dialect.prefixes)
        self.open_session = open_session
        self.socket_paths = socket_paths
        self.connections_max = connections_max
        self.peers = peers or Peers(0)
        self.counts = HttpCounts()
        self.proxies = TrustedProxies(config.trusted_proxies)
        self.timeouts_s = {
            "head": config.head_timeout_s,
            "body": config.body_timeout_s,
            "idle": config.idle_timeout_s,
        }
        self.now = 0.0  # the loop's time at the last sweep
        self.connections: dict[Connection, None] = {}
        self.sessions: dict[SocketSession, None] = {}  # of the connections that are WebSockets
        self.closing = False
        self.page_server: Callable[[], asyncio.Protocol] | None = None  # makes a protocol of the aiohttp application
        self._left: asyncio.Event | None = None
        self._memo: dict[bytes, tuple[Head, Route | None]] = {}

    def head(self, data: bytes) -> tuple[Head, Route | None]:
        """The head that these bytes are, and its route. Raises ApiError."""
        known = self._memo.get(data)
        if known is not None:
            return known
        head = parse_head(data)
        found = head, self.routes.find(head.method, head.path)
        if len(data) <= MEMO_HEAD_MAX_BYTES and not head.varies:
            if len(self._memo) >= MEMO_MAX:
                self._memo.clear()
            self._memo[data] = found
        return found

    def refuse(self, error: BaseException, what: str, request_id: str, path: str = "") -> Response:
        """The reply to a request that failed, in the dialect of its path; the native one while that is not known."""
        dialect = self._dialect(path)
        return (self._refuse if dialect is None else dialect.refuse)(error, what, request_id)

    def _dialect(self, path: str) -> Dialect | None:
        for prefix, dialect in self._dialects:
            if path.startswith(prefix):
                return dialect
        return None

    def no_route(self, path: str, request_id: str) -> Response:
        """The reply to a request that no route takes."""
        methods, dialect = self.routes.allowed(path), self._dialect(path)
        if dialect is not None:
            return dialect.no_route(path, methods, request_id)
        allowed = ", ".join(methods)
        if not allowed:
            error = ApiError("NOT_FOUND", "There is no such path; GET /openapi.json lists those there are.")
            return self._refuse(error, "no route", request_id)
        error = ApiError("METHOD_NOT_ALLOWED", f"{path} takes {allowed}.")
        response = self._refuse(error, "no route", request_id)
        response.headers = [*response.headers, ("Allow", allowed)]
        return response

    def full(self) -> bool:
        """Whether there are as many connections as there may be."""
        return len(self.connections) >= self.connections_max

    def owed_bytes(self) -> int:
        """What waits for all clients together."""
        return sum(connection.owed_bytes() for connection in self.connections)

    async def run(self) -> None:
        """Sweep until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = min(SWEEP_S, self.config.ping_s / 4)
        while True:
            self.now = loop.time()
            for connection in list(self.connections):
                connection.sweep(self.now)
            self._hold_budget()
            await asyncio.sleep(pause_s)

    def _hold_budget(self) -> None:
        """Cut those that are owed most until all are owed no more than the budget."""
        owed = {connection: connection.owed_bytes() for connection in self.connections}
        total, freed = sum(owed.values()), 0
        if total <= self.config.owed_bytes_max:
            return
        for connection in sorted(owed, key=lambda connection: -owed[connection]):
            if total - freed <= self.config.owed_bytes_max:
                break
            freed += owed[connection]
            self.counts.slow_closed += 1
            connection.abort()
        log.warning("clients that do not read were cut off", owed_bytes=total, freed_bytes=freed)
        if freed >= TRIM_BYTES:
            asyncio.get_running_loop().call_soon(trim_memory)

    async def say_goodbye(self) -> None:
        """Let every WebSocket's session answer what it promised, and close."""
        await asyncio.gather(*(session.close() for session in list(self.sessions)))

    def finish(self) -> None:
        """Take no new requests; close every connection when what it promised is sent."""
        self.closing = True
        for connection in list(self.connections):
            connection.finish()

    async def closed(self, patience_s: float) -> None:
        """Return when all connections are gone; cut those that are still there after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._none_left()
        for connection in list(self.connections):
            connection.abort()
        await self._none_left()

    async def _none_left(self) -> None:
        self._left = asyncio.Event()
        while self.connections:
            self._left.clear()
            await self._left.wait()

    def remove(self, connection: Connection) -> None:
        """The connection is gone, or has become another."""
        self.connections.pop(connection, None)
        if not self.connections and self._left is not None:
            self._left.set()


def trim_memory() -> None:
    """Ask the C library to give free memory back to the system, where it can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
