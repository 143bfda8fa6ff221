"""Embedded servers, stopped after each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from exchange.postgres.embedded import EmbeddedPostgres
from tests.store.servers import Make
from tests.whole.made_once import data_directory
from tests.whole.process import directory


@pytest.fixture
def place() -> Iterator[Path]:
    with directory() as made:
        yield made


@pytest.fixture
async def make(place: Path) -> AsyncIterator[Make]:
    """Makes servers, of `place`/data unless told otherwise, and stops them after the test."""
    made: list[EmbeddedPostgres] = []

    def make(data_dir: Path | None = None, *, fresh: bool = False, ephemeral: bool = False) -> EmbeddedPostgres:
        data_dir = data_dir or place / "data"
        if not fresh:
            data_directory(data_dir)  # of one that was used before: to copy it takes a fraction of what initdb takes
        made.append(EmbeddedPostgres(data_dir, ephemeral=ephemeral))
        return made[-1]

    yield make
    for server in made:
        await server.stop()
