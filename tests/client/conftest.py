"""One exchange for all tests of the client: the fixture that users get, with markets enough for a fresh one a test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from exchange.client import Client, Socket
from exchange.testing import RunningExchange
from exchange.testing.plugin import NewUser
from tests.whole.api import bases
from tests.whole.made_once import running_on_a_copy
from tests.whole.served import CONFIG, market_text

MARKETS = 60
RICH = {"USDC": "1000000000"}


@pytest.fixture(scope="session")
def exchange_server() -> Iterator[RunningExchange]:
    with running_on_a_copy(CONFIG + "".join(market_text(base) for base in bases("A", MARKETS))) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def _fresh_bases() -> Iterator[str]:
    return bases("A", MARKETS)


@pytest.fixture
def market(_fresh_bases: Iterator[str]) -> str:
    """A market in which nothing has happened."""
    return f"{next(_fresh_bases)}_USDC"


@pytest.fixture
def rich(exchange_user: NewUser, market: str) -> NewUser:
    """Makes users with plenty of the market's two assets."""
    base = market.partition("_")[0]
    return lambda: exchange_user(**RICH, **{base: "1000000000"})


@pytest_asyncio.fixture
async def socket(exchange_server: RunningExchange, rich: NewUser) -> AsyncIterator[Socket]:
    """A rich user's socket."""
    async with Socket(exchange_server.url, rich()) as socket:
        yield socket


@pytest_asyncio.fixture
async def client(exchange_server: RunningExchange, rich: NewUser) -> AsyncIterator[Client]:
    """Another rich user's client."""
    async with Client(exchange_server.url, rich()) as client:
        yield client
