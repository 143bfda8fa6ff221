"""Embedded servers, stopped after each test."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from exchange.postgres.embedded import EmbeddedPostgres
from tests.store.servers import Make, new_directory


@pytest.fixture
def place() -> Iterator[Path]:
    with new_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data directory that was used before: to copy one takes a fraction of the time that initdb needs."""

    async def fill(directory: Path) -> None:
        server = EmbeddedPostgres(directory)
        await server.start()
        await server.stop()

    with new_directory() as directory:
        asyncio.run(fill(directory / "data"))
        yield directory / "data"


@pytest.fixture
async def make(place: Path, template: Path) -> AsyncIterator[Make]:
    """Makes servers, of `place`/data unless told otherwise, and stops them after the test."""
    made: list[EmbeddedPostgres] = []

    def make(data_dir: Path | None = None, *, fresh: bool = False, ephemeral: bool = False) -> EmbeddedPostgres:
        data_dir = data_dir or place / "data"
        if not (fresh or data_dir.exists()):
            subprocess.run(["cp", "-a", template, data_dir], check=True)
        made.append(EmbeddedPostgres(data_dir, ephemeral=ephemeral))
        return made[-1]

    yield make
    for server in made:
        await server.stop()
