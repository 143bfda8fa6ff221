"""A wire between a client and an exchange that can be cut, in the way that a test needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on, unless told otherwise."""

    def __init__(self, url: str) -> None:
        self.url = ""
        self.asked = 0  # how often the client has sent something
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._open: set[asyncio.StreamWriter] = set()
        self._replies_to_lose = 0
        self._closed = False

    def lose_replies(self, count: int) -> None:
        """Each of the next `count` replies is lost, and the connection with it."""
        self._replies_to_lose = count

    def close(self) -> None:
        """Cut all connections, and let none in."""
        self._closed = True
        self._cut()

    def open(self) -> None:
        """Let connections in again."""
        self._closed = False

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._open |= {writer, far_writer}
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._there(reader, far_writer))
                group.create_task(self._back(far_reader, writer))

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.asked += 1
                writer.write(data)
        writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self._replies_to_lose:
                    self._replies_to_lose -= 1
                    self._cut()
                    return
                writer.write(data)
        writer.close()


@asynccontextmanager
async def proxy_of(url: str) -> AsyncIterator[Proxy]:
    """A proxy of the exchange at `url`, at a `url` of its own."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        proxy.close()
        server.close()
        await server.wait_closed()
