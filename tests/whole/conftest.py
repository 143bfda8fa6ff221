"""Exchanges to test: one that all tests share, each with users and a market of its own, and others for one test."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.whole import served
from tests.whole.api import Api, bases
from tests.whole.served import Served
from tests.whole.signed import Caller, Keyring, keys_exchange

FAUCET = """
[faucet]
enabled = true
amounts = { USDC = "25" }
"""
PLAIN_MARKETS, FEE_MARKETS, SMALL_MARKETS = 600, 5, 1
SHARED = (
    served.CONFIG
    + "".join(served.market_text(base) for base in bases("A", PLAIN_MARKETS))
    + "".join(served.market_text(base, maker_fee="0.001", taker_fee="0.002") for base in bases("F", FEE_MARKETS))
    + "".join(served.market_text(base, max_open_orders=3) for base in bases("S", SMALL_MARKETS))
    + served.USER
    + FAUCET
)

Start = Callable[[str], Served]


class Markets:
    """Markets that no test has used."""

    def __init__(self) -> None:
        self._plain = bases("A", PLAIN_MARKETS)
        self._fees = bases("F", FEE_MARKETS)
        self._small = bases("S", SMALL_MARKETS)

    def plain(self) -> str:
        """Tick 0.01, lot 0.0001, no fees."""
        return f"{next(self._plain)}_USDC"

    def with_fees(self) -> str:
        """The same, with 0.1 % for the maker and 0.2 % for the taker."""
        return f"{next(self._fees)}_USDC"

    def small(self) -> str:
        """The same, with three open orders a user at most."""
        return f"{next(self._small)}_USDC"


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """The exchange that all tests share which neither stop nor configure it."""
    with served.served(SHARED) as exchange:
        yield exchange
        assert exchange.stop() == 0
        said = exchange.said()
        assert "Traceback" not in said
        assert "Error handling request" not in said
        assert '"level": "error"' not in said


@pytest.fixture(scope="session")
def markets(shared: Served) -> Markets:
    """Where the fresh markets of the shared exchange come from."""
    return Markets()


@pytest.fixture
def market(markets: Markets) -> str:
    """A market of the shared exchange with nothing in its book."""
    return markets.plain()


@pytest_asyncio.fixture
async def api(shared: Served) -> AsyncIterator[Api]:
    """A client of the shared exchange."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, shared.url)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an exchange of this test's own, with that configuration and a data directory that it keeps."""
    with contextlib.ExitStack() as stack:
        yield lambda config: stack.enter_context(served.served(config))


@pytest_asyncio.fixture
async def names(api: Api, markets: Markets) -> AsyncIterator[dict[str, str]]:
    """What the place holders mean; afterwards, nothing may have changed."""
    market = markets.plain()
    base = market.partition("_")[0]
    user = await api.user(**{"USDC": "1000", base: "1000"})
    await api.order(user, market, "buy 1 @ 9", client_order_id="resting")
    before = await everything(api, user, market)
    yield {"user": user, "market": market, "base": base}
    assert await everything(api, user, market) == before


async def everything(api: Api, user: str, market: str) -> list[Any]:
    """What a bad request might have changed.

    Commands are counted by kind rather than by the sequence: that a minute has passed is a command too.
    """
    health = await api.ok("GET", "/health")
    # A session of its own: a connection on which a page was read is the application's from then on.
    async with aiohttp.ClientSession() as session, session.get(f"{api.url}/metrics") as reply:
        lines = (await reply.text()).splitlines()
    counts = [line for line in lines if line.startswith("exchange_commands_total{")]
    assert len(counts) > 1
    return [
        health["status"],
        health["markets"],
        [line for line in counts if "pass_time" not in line],
        await api.ok("GET", "/depth", market=market),
        await api.ok("GET", "/balance", user_id=user),
        await api.ok("GET", "/orders/history", user_id=user),
    ]


@pytest.fixture(scope="session")
def served_with_keys() -> Iterator[Keyring]:
    with keys_exchange() as (exchange, root):
        exchange.start()
        yield Keyring(exchange, root)
        assert exchange.stop() == 0


@pytest_asyncio.fixture
async def ring(served_with_keys: Keyring) -> AsyncIterator[Keyring]:
    async with aiohttp.ClientSession() as session:
        served_with_keys.session = session
        yield served_with_keys


@pytest_asyncio.fixture
async def ann(ring: Keyring) -> Caller:
    """A user who may read and trade."""
    return await ring.key(await ring.user())
