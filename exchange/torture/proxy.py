"""A proxy between the exchange and its PostgreSQL, whose connections can be cut or frozen.

What was on its way when it froze arrives when it thaws, also from a sender who is dead by then, as in a network.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

CHUNK = 65536
SOCKET_NAME = ".s.PGSQL.5432"


class Proxy:
    """Listens in `directory` like a PostgreSQL server, and connects to the one whose socket is `target`."""

    def __init__(self, directory: Path, target: Path) -> None:
        self.path = directory / SOCKET_NAME
        self.connections = 0
        self._target = target
        self._questions, self._answers = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self.thaw()

    @property
    def open_connections(self) -> int:
        """The number of open connections."""
        return len(self._writers) // 2

    def freeze(self) -> None:
        """Pass on nothing until `thaw`; connections stay open, and new ones are accepted."""
        self._questions.clear()
        self._answers.clear()

    def hold_answers(self) -> None:
        """Pass on the exchange's requests, and none of the answers."""
        self._answers.clear()

    def thaw(self) -> None:
        """Pass on everything again, the waiting bytes first."""
        self._questions.set()
        self._answers.set()

    def cut(self) -> None:
        """Break every connection; bytes in transit are lost."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Proxy"]:
        """Listen within this context."""
        listener = await asyncio.start_unix_server(self._connected, self.path)
        try:
            yield self
        finally:
            listener.close()
            self.thaw()
            self.cut()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass_on(from_client, client))
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)

    async def _pass_on(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_unix_connection(self._target)
        except OSError:
            client.transport.abort()
            return
        self.connections += 1
        pair = {client, server}
        self._writers |= pair
        try:
            await asyncio.gather(
                _pass_on(from_client, server, self._questions), _pass_on(from_server, client, self._answers)
            )
        finally:
            self._writers -= pair
            for writer in pair:
                writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while text := await reader.read(CHUNK):
            await passing.wait()
            writer.write(text)
            await writer.drain()
    await passing.wait()
    with contextlib.suppress(OSError):
        writer.close()
