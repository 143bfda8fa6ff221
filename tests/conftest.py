"""What the whole suite runs on: the compiled build with `--compiled`, signals that are not ignored, a PostgreSQL."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from exchange.runtime import compiled

if TYPE_CHECKING:
    from tests.whole.databases import Server

OPTION = "--compiled"
IN_WORKERS = "TESTS_ON_COMPILED_BUILD"  # the processes of `-n` have not the arguments, but they inherit the environment

# Here and not in a hook, because pytest loads other conftest files before it calls hooks.
if OPTION in sys.argv or IN_WORKERS in os.environ:
    os.environ[IN_WORKERS] = "1"
    compiled.use()


# A shell starts what runs in the background with SIGINT ignored, nohup with SIGHUP ignored, and the processes that the
# tests start would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--compiled`, which `make test-compiled` gives."""
    parser.addoption(OPTION, action="store_true", help="run the hot modules compiled (see `make compile`)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test as Python what was meant to be tested compiled."""
    if config.getoption(OPTION) and not compiled.in_use():
        raise pytest.UsageError(f"{OPTION}: there is no compiled build of these sources; run `make compile` first")


@pytest.fixture(scope="session")
def server() -> "Iterator[Server]":
    """A PostgreSQL for all tests of a process that talk to the store itself."""
    from tests.whole.databases import running_server

    with running_server() as running:
        yield running


@pytest.fixture
async def dsn(server: "Server") -> str:
    """A database of this test's own, as a first start leaves it."""
    return server.dsn(await server.migrated())


@pytest.fixture(autouse=True)
def _garbage_as_before() -> Iterator[None]:
    """An exchange that starts in this process sets the collector and freezes what is alive.

    Hypothesis, in a later test, would not find who holds its generator.
    """
    thresholds, callbacks = gc.get_threshold(), gc.callbacks.copy()
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks
    gc.unfreeze()
