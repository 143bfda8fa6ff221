"""The wire passes everything on, until it is frozen or cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exchange.torture.proxy import Proxy


class Stage:
    """A server that answers with what it is told, in capitals, and a proxy before it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.told: list[bytes] = []
        self.arrived = asyncio.Event()
        self._ends: list[asyncio.StreamWriter] = []
        (place / "wire").mkdir()
        self.proxy = Proxy(place / "wire", place / "server")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        with contextlib.suppress(OSError):
            while text := await reader.read(100):
                self.told.append(text)
                self.arrived.set()
                writer.write(text.upper())
        writer.close()

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Stage"]:
        listener = await asyncio.start_unix_server(self._answer, self._place / "server")
        try:
            async with self.proxy.up():
                yield self
        finally:
            listener.close()
            await hung_up(*self._ends)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(self.proxy.path)
        self._ends.append(writer)
        return reader, writer


async def hung_up(*writers: asyncio.StreamWriter) -> None:
    """Close them, and see them closed."""
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path).up() as made:
        yield made


async def test_it_passes_on_both_ways(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(b"select")
    assert await reader.readexactly(6) == b"SELECT"
    assert stage.proxy.open_connections == 1
    writer.close()
    assert await reader.read() == b""


async def test_frozen_it_keeps_what_comes_until_it_thaws(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(b"one")
    await reader.readexactly(3)
    stage.proxy.freeze()
    writer.write(b"two")
    answer = asyncio.ensure_future(reader.readexactly(3))
    later, _ = await stage.connect()  # is taken, and waits too
    await asyncio.sleep(0.02)
    assert stage.told == [b"one"]
    assert not answer.done()
    stage.proxy.thaw()
    assert await answer == b"TWO"
    assert not later.at_eof()


async def test_what_a_dead_sender_has_sent_still_arrives(stage: Stage) -> None:
    _, writer = await stage.connect()
    stage.proxy.freeze()
    writer.write(b"commit")
    await writer.drain()
    writer.transport.abort()
    stage.proxy.thaw()
    await stage.arrived.wait()
    assert stage.told == [b"commit"]


async def test_answers_can_be_held_back_and_lost(stage: Stage) -> None:
    reader, writer = await stage.connect()
    stage.proxy.hold_answers()
    writer.write(b"commit")
    await stage.arrived.wait()
    stage.proxy.cut()
    stage.proxy.thaw()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readexactly(6)
    assert stage.told == [b"commit"]


async def test_cut_it_takes_new_connections(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(b"one")
    await reader.readexactly(3)
    stage.proxy.cut()
    reader, writer = await stage.connect()
    writer.write(b"two")
    assert await reader.readexactly(3) == b"TWO"
    assert stage.proxy.connections == 2


async def test_without_a_server_it_hangs_up(tmp_path: Path) -> None:
    async with Proxy(tmp_path, tmp_path / "nobody").up() as proxy:
        reader, writer = await asyncio.open_unix_connection(proxy.path)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        await hung_up(writer)
