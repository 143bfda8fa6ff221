"""Listens for TLS: connections are accepted here, and become connections of the protocol once they have shaken hands.

Promises: a client that has connected and not finished its handshake counts as a connection, of all and of its address;
a handshake counts as a request of its address; and so many handshakes at most are in progress. One more ends the oldest
of them, so that clients that never finish cannot keep others out. Whatever is refused here is closed without an answer,
since a refusal in TLS would cost the handshake.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog

from exchange.api.http.site import Site
from exchange.service.codes import Refused

log = structlog.get_logger(__name__)

BACKLOG = 1024
FULL_S = 1.0  # how long no connection is accepted after the system had no room for one
BROKEN_S = 0.01  # the same after a connection broke while it was accepted


class TlsListener:
    """Ports that speak TLS. `make` makes the protocol of a connection."""

    def __init__(
        self,
        site: Site,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        *,
        handshake_timeout_s: float,
        handshakes_max: int,
    ) -> None:
        self._site = site
        self._context = context
        self._make = make
        self._handshake_timeout_s = handshake_timeout_s
        self._handshakes_max = handshakes_max
        self._listening: dict[asyncio.Task[None], socket.socket] = {}
        # Handshakes, the oldest first, each with its socket until that has a transport.
        self._shaking: dict[asyncio.Task[None], socket.socket | None] = {}

    async def listen(self, host: str, port: int) -> int:
        """Accept connections; the port that it is. Raises OSError."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        listeners: list[socket.socket] = []
        try:
            for family, _, _, _, address in dict.fromkeys(addresses):
                listeners.append(_bound(family, address))
        except OSError:
            for listener in listeners:
                listener.close()
            raise
        for listener in listeners:
            task = loop.create_task(self._accept(listener), name="accepts TLS connections")
            self._listening[task] = listener
        bound: int = listeners[0].getsockname()[1]
        return bound

    def shaking(self) -> int:
        """How many handshakes are in progress."""
        return len(self._shaking)

    async def close(self) -> None:
        """Accept nothing more, and end the handshakes that are in progress: no request has come on them."""
        tasks = [*self._listening, *self._shaking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listener in self._listening.values():
            listener.close()
        self._listening.clear()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listener)
            except ConnectionError:
                await asyncio.sleep(BROKEN_S)
                continue
            except OSError as error:  # no more open files, or no memory
                log.warning("no connection can be accepted", cause=error.strerror or str(error))
                await asyncio.sleep(FULL_S)
                continue
            self._begin(accepted, peer[0])
            await asyncio.sleep(0)  # the loop's turn, also while there is always one more

    def _begin(self, accepted: socket.socket, address: str) -> None:
        site = self._site
        counted = not site.proxies.trusts(address)  # behind a proxy there are many clients
        if not self._may_begin(address, counted=counted):
            site.counts.refused_connections += 1
            accepted.close()
            return
        if len(self._shaking) >= self._handshakes_max:
            oldest = next(iter(self._shaking))
            oldest.cancel()
            self._forget(oldest)
            site.counts.timeouts["handshake"] += 1
        task = asyncio.get_running_loop().create_task(self._shake(accepted), name="TLS handshake")
        self._shaking[task] = accepted
        task.add_done_callback(lambda _: self._ended(task, address if counted else None))

    def _may_begin(self, address: str, *, counted: bool) -> bool:
        site = self._site
        if site.closing or len(site.connections) + len(self._shaking) >= site.connections_max:
            return False
        if not counted:
            return True
        try:
            site.admission.limits.request(address)
        except Refused:
            return False
        return site.peers.begin(address)

    async def _shake(self, accepted: socket.socket) -> None:
        """The handshake; a client that breaks it off, or takes too long, gets no answer."""
        task = asyncio.current_task()
        assert task is not None
        self._shaking[task] = None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make, accepted, ssl=self._context, ssl_handshake_timeout=self._handshake_timeout_s
            )
        except ConnectionAbortedError:  # by the timeout
            self._site.counts.timeouts["handshake"] += 1
        except OSError:  # the errors of TLS among them
            pass

    def _ended(self, task: asyncio.Task[None], address: str | None) -> None:
        self._forget(task)
        if address is not None:
            self._site.peers.ended(address)

    def _forget(self, task: asyncio.Task[None]) -> None:
        unused = self._shaking.pop(task, None)
        if unused is not None:
            unused.close()


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
