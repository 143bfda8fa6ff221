"""A data directory as a first start leaves it, made once for all tests of a process: copying it takes little time.

Tests of the first start itself, and of what interrupts it, launch the exchange in a directory that is not there.
"""

import asyncio
import atexit
import contextlib
import functools
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from exchange.postgres.embedded import EmbeddedPostgres
from exchange.store.migrations import migrate
from exchange.testing import RunningExchange, running_exchange


async def _make(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    await migrate(server.dsn)
    await server.stop()


@functools.cache
def _made() -> Path:
    place = place_for_all()
    maker = threading.Thread(target=lambda: asyncio.run(_make(place / "data")))  # who asks may have a loop of its own
    maker.start()
    maker.join()
    return place / "data"


def place_for_all() -> Path:
    """A directory that is there until the process ends."""
    place = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    place.chmod(0o755)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def data_directory(data_dir: Path) -> Path:
    """Where that is: a copy, unless there is a directory already."""
    if not data_dir.exists():
        copy(_made(), data_dir)
    return data_dir


@contextlib.contextmanager
def running_on_a_copy(config: str | None = None) -> Iterator[RunningExchange]:
    """A running exchange on such a directory: it starts sooner than one that makes its own."""
    place = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    place.chmod(0o755)
    try:
        with running_exchange(config, data_dir=data_directory(place / "data")) as exchange:
            yield exchange
    finally:
        shutil.rmtree(place)


def copy(made: Path, data_dir: Path) -> None:
    """Copy a data directory with its owners."""
    subprocess.run(["cp", "-a", made, data_dir], check=True)
