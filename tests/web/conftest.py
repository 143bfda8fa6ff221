"""A browser and an exchange for the tests of the page.

The browser is Debian's Chromium. Without it these tests are skipped, except in CI (`CI` is set), where they fail.
Every test ends by looking for what a reader must never have: an error on the console, an uncaught exception, a
violation of the Content-Security-Policy, a request to anywhere else.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from exchange.testing import RunningExchange
from tests.web.screen import PATIENCE_MS, Screen, Screens
from tests.whole.api import bases
from tests.whole.made_once import running_on_a_copy
from tests.whole.served import CONFIG, USER, market_text

MARKETS = 70
OPTIONS = (
    "--no-sandbox",  # CI is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    path = shutil.which("chromium")
    if path is None:
        message = "the tests of the page need chromium on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(OPTIONS))
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def exchange() -> Iterator[RunningExchange]:
    """An exchange with fees and markets enough for a fresh one a test."""
    markets = (market_text(base, maker_fee="0.001", taker_fee="0.002") for base in bases("A", MARKETS))
    with running_on_a_copy(CONFIG + USER + "".join(markets)) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def fresh_bases() -> Iterator[str]:
    """The base assets of markets in which nothing has happened."""
    return bases("A", MARKETS)


@pytest.fixture
def base(fresh_bases: Iterator[str]) -> str:
    """One of them."""
    return next(fresh_bases)


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser) -> AsyncIterator[Screens]:
    """Opens pages, and judges them at the end."""
    screens = Screens(browser)
    yield screens
    await screens.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(screens: Screens, exchange: RunningExchange, base: str) -> Screen:
    """The page at the fresh market, for a new user with 1000 of the base and 100,000 USDC."""
    return await screens.open(exchange, base, exchange.user(**{base: "1000", "USDC": "100000"}))


@pytest_asyncio.fixture(loop_scope="session")
async def traded(screen: Screen) -> Screen:
    """The page at a market whose last price is 100 and whose book is 98, 99 and 101."""
    await screen.trade_at("100")
    await screen.quote(bids=["99", "98"], asks=["101"])
    return screen
