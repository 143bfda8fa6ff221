"""A site of a few routes, and a connection to it without a network: what goes in, and what comes out."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from exchange.api.http.admission import Admission
from exchange.api.http.connection import HttpConnection
from exchange.api.http.request import Request
from exchange.api.http.request_id import RequestIds
from exchange.api.http.response import Responder, Response
from exchange.api.http.routes import Route, Routes
from exchange.api.http.site import Site
from exchange.api.http.sockets import Peer, SocketSession
from exchange.api.native.errors import ApiError, Refusals, error_response
from exchange.config import Config, LimitsConfig, ServerConfig
from exchange.service.limits import RateLimits

BIG = b"x" * 300_000


class Shop:
    """Routes that reply at once, later, and from a task; every reply says what its request was."""

    def __init__(self) -> None:
        self.orders = 0
        self.frozen = False  # orders wait for `thaw`
        self.waiting: list[Callable[[], None]] = []
        self.tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> Routes:
        """All of them."""
        return Routes(
            [
                Route("POST", "/order", self.order, True, in_order=True),
                Route("GET", "/count", self.count, False),
                Route("DELETE", "/order", self.slow, True),
                Route("GET", "/big", self.big, False),
                Route("GET", "/page", self.page, False, page=True),
            ]
        )

    def order(self, request: Request, responder: Responder) -> None:
        """Takes effect at once, and replies after a while."""
        self.orders += 1
        number = self.orders

        def reply() -> None:
            responder.send(Response(orjson.dumps({"order": number, "body": request.body.decode("latin-1")})))

        self.waiting.append(reply)
        if not self.frozen:
            asyncio.get_running_loop().call_soon(self.thaw)

    def thaw(self) -> None:
        """Reply to all orders that wait."""
        waiting, self.waiting = self.waiting, []
        for reply in waiting:
            reply()

    def count(self, request: Request, responder: Responder) -> None:
        """How many orders there are by now, from a task."""

        async def reply() -> None:
            await asyncio.sleep(0)
            responder.send(Response(orjson.dumps({"count": self.orders, "query": request.query})))

        self._start(reply())

    def slow(self, request: Request, responder: Responder) -> None:
        """An effect that comes only with the task."""

        async def reply() -> None:
            await asyncio.sleep(0)
            self.orders -= 1
            responder.send(Response(orjson.dumps({"left": self.orders, "body": request.body.decode("latin-1")})))

        self._start(reply())

    def big(self, request: Request, responder: Responder) -> None:
        """A reply that does not fit into a socket's buffers."""
        responder.send(Response(BIG))

    def page(self, request: Request, responder: Responder) -> None:
        """A page."""
        responder.send(Response(b"<p>page", content_type="text/html"))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Echo:
    """A session that answers each message with itself, unless it is held."""

    def __init__(self, peer: Peer, request: Request) -> None:
        self.peer = peer
        self.request = request
        self.heard: list[bytes | str] = []
        self.full = False
        self.overloaded = False
        self.waiting_bytes = 0
        self.ended = False
        self.free = asyncio.Event()

    def handle(self, text: str | bytes) -> None:
        """Keep it; `boom` is a bug."""
        if text == b"boom":
            raise RuntimeError("boom")
        self.heard.append(text)

    async def room(self) -> None:
        """Return when it is freed."""
        await self.free.wait()

    def end(self) -> None:
        """The connection is gone."""
        self.ended = True

    async def close(self) -> None:
        """The exchange stops."""
        await self.peer.end(1001, "the exchange is stopping", 1.0)


def site_of(shop: Shop, sessions: list[Echo] | None = None, **server: Any) -> Site:
    """A site over the shop, with these settings."""
    made = [] if sessions is None else sessions

    def opened(peer: Peer, request: Request) -> SocketSession:
        made.append(Echo(peer, request))
        return made[-1]

    config = Config(server=ServerConfig(**server))
    limits = RateLimits(LimitsConfig(), lambda: 0.0, enabled=False)
    refusals = Refusals()

    def refuse(error: BaseException, what: str, request_id: str) -> Response:
        return error_response(refusals.error_of(error, what, request_id))

    return Site(
        config.server,
        shop.routes(),
        Admission(config, limits),
        RequestIds(),
        refuse,
        opened,
        ("/ws",),
        connections_max=100,
    )


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.out = bytearray()
        self.closing = False
        self.aborted = False
        self.ended_sending = False
        self.reading = True
        self.unsent = 0
        self.protocol: Any = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        assert not self.ended_sending, "written after the end"
        self.out += data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The peer is this machine."""
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closing

    def close(self) -> None:
        """End it after what was written."""
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        """End it at once."""
        self.aborted = True
        self.close()

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def write_eof(self) -> None:
        """Nothing is written any more."""
        self.ended_sending = True

    def pause_reading(self) -> None:
        """Stop."""
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        """Go on."""
        assert not self.reading
        self.reading = True

    def get_write_buffer_size(self) -> int:
        """What a test says."""
        return self.unsent

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol has it from now on."""
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who has it."""
        made: asyncio.BaseProtocol = self.protocol
        return made


def connected(site: Site) -> Wire:
    """A client has connected."""
    wire = Wire()
    connection = HttpConnection(site)
    wire.protocol = connection
    connection.connection_made(wire)
    return wire


async def settle() -> None:
    """Let everything that is ready happen."""
    for _ in range(12):
        await asyncio.sleep(0)


def replies(out: bytes | bytearray, heads: frozenset[int] = frozenset()) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of each reply but the interim ones; `heads` are the places of replies to HEAD."""
    found: list[tuple[int, dict[str, str], bytes]] = []
    rest = bytes(out)
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        status = int(line.split()[1])
        if status == 100:
            continue
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = 0 if len(found) in heads else int(headers["content-length"])
        assert len(rest) >= length, "a reply is not whole"
        found.append((status, headers, rest[:length]))
        rest = rest[length:]
    return found


__all__ = ["BIG", "ApiError", "Echo", "Shop", "Wire", "connected", "replies", "settle", "site_of"]
