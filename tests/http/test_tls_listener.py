"""What is bounded before a TLS handshake is over: connections, of all and of an address, handshakes, and their time."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.api.http import tls_listener
from exchange.api.http.connection import HttpConnection
from exchange.api.http.peers import Peers
from exchange.api.http.site import Site
from exchange.api.http.tls import Tls
from exchange.api.http.tls_listener import TlsListener
from exchange.config import LimitsConfig
from exchange.service.limits import RateLimits
from tests.http.stage import Shop, site_of
from tests.patience import seen
from tests.whole import certificates

REQUEST = b"GET /count HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Stage:
    """A listener, and its clients."""

    def __init__(self, site: Site, place: Path) -> None:
        self.site = site
        self._certificate = place / "certificate.pem"
        certificates.make(self._certificate, place / "key.pem")
        self._tls = Tls(self._certificate, place / "key.pem")
        self.listener = self._made(100, 60.0)
        self.port = 0
        self._silent: list[asyncio.StreamWriter] = []

    async def open(self, *, handshakes_max: int = 100, handshake_timeout_s: float = 60.0) -> None:
        """Listen with these bounds."""
        self.listener = self._made(handshakes_max, handshake_timeout_s)
        self.port = await self.listener.listen("127.0.0.1", 0)

    def _made(self, handshakes_max: int, handshake_timeout_s: float) -> TlsListener:
        return TlsListener(
            self.site,
            self._tls.context,
            lambda: HttpConnection(self.site),
            handshake_timeout_s=handshake_timeout_s,
            handshakes_max=handshakes_max,
        )

    async def silent(self) -> asyncio.StreamReader:
        """A client that connects and says nothing."""
        before = self.listener.shaking()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._silent.append(writer)
        await seen(lambda: self.listener.shaking() != before or reader.at_eof())
        return reader

    async def count(self) -> bytes:
        """The status line of a request over a connection of its own; nothing if it was closed."""
        context = certificates.trusting(self._certificate)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
            writer.write(REQUEST)
            reply = await reader.read()
            writer.close()
        except OSError:
            return b""
        return reply.split(b"\r\n")[0]

    def leave(self) -> None:
        """All silent clients hang up."""
        while self._silent:
            self._silent.pop().close()

    async def close(self) -> None:
        """The end of it."""
        self.leave()
        await self.listener.close()
        await seen(lambda: not self.site.connections)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(site_of(Shop()), tmp_path)
    yield made
    await made.close()


async def test_a_client_that_says_nothing_is_a_connection_of_its_address(stage: Stage) -> None:
    stage.site.peers = Peers(2)
    await stage.open()
    await stage.silent()
    assert await stage.count() == b"HTTP/1.1 200 OK"
    await seen(lambda: not stage.site.connections)
    await stage.silent()
    assert await stage.count() == b""
    assert stage.site.counts.refused_connections == 1
    stage.leave()
    await seen(lambda: not stage.listener.shaking())
    assert await stage.count() == b"HTTP/1.1 200 OK"


async def test_it_is_one_of_all_connections_too(stage: Stage) -> None:
    stage.site.connections_max = 2
    await stage.open()
    await stage.silent()
    await stage.silent()
    assert await stage.count() == b""
    assert stage.site.counts.refused_connections == 1


async def test_one_more_ends_the_oldest_and_keeps_nobody_out(stage: Stage) -> None:
    await stage.open(handshakes_max=2)
    first, second = await stage.silent(), await stage.silent()
    assert await stage.count() == b"HTTP/1.1 200 OK"
    assert await first.read() == b""
    assert not second.at_eof()
    assert stage.site.counts.timeouts["handshake"] == 1


async def test_a_handshake_takes_no_longer_than_it_may(stage: Stage) -> None:
    await stage.open(handshake_timeout_s=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    assert await reader.read() == b""
    writer.close()
    assert stage.site.counts.timeouts["handshake"] == 1
    assert stage.listener.shaking() == 0


async def test_a_handshake_counts_as_a_request_of_its_address(stage: Stage) -> None:
    stage.site.admission.limits = RateLimits(LimitsConfig(requests_burst=3), lambda: 0.0, enabled=True)
    await stage.open()
    assert await stage.count() == b"HTTP/1.1 200 OK"
    assert await stage.count() == b"HTTP/1.1 429 Too Many Requests"
    assert await stage.count() == b""
    assert stage.site.counts.refused_connections == 1


async def test_clients_of_a_proxy_do_not_count_as_one(tmp_path: Path) -> None:
    site = site_of(Shop(), trusted_proxies=["127.0.0.1"])
    site.peers = Peers(1)
    site.admission.limits = RateLimits(LimitsConfig(requests_burst=1), lambda: 0.0, enabled=True)
    stage = Stage(site, tmp_path)
    await stage.open()
    await stage.silent()
    await stage.silent()
    assert await stage.count() == b"HTTP/1.1 200 OK"
    await stage.close()


async def test_a_stop_ends_handshakes_and_listens_no_more(stage: Stage) -> None:
    await stage.open()
    reader = await stage.silent()
    stage.site.closing = True
    await stage.listener.close()
    assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", stage.port)


async def test_what_it_cannot_listen_to_leaves_nothing_open(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await stage.listener.listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.ECONNABORTED])
async def test_it_accepts_again_after_the_system_had_no_room(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(tls_listener, "FULL_S", 0.01)
    loop = asyncio.get_running_loop()
    accept = loop.sock_accept
    failed: list[int] = []

    async def failing(listener: socket.socket) -> tuple[socket.socket, object]:
        if not failed:
            failed.append(number)
            raise OSError(number, os.strerror(number))
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", failing)
    await stage.open()
    assert await stage.count() == b"HTTP/1.1 200 OK"
    assert failed == [number]
