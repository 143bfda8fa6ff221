"""How smooth the page is while its book changes: `python -m tests.web.measure [--seconds 60] [--rate 200]`.

It starts an exchange and a browser, opens the page on a market whose book changes `rate` times a second, and prints how
long the frames took and how large the heap is at the beginning and at the end, each after a collection.
"""

import argparse
import asyncio
import shutil

from playwright.async_api import async_playwright

from exchange.testing import running_exchange
from tests.web.changes import Flow, change
from tests.web.conftest import OPTIONS
from tests.web.screen import Screens
from tests.web.smoothness import frames, heap
from tests.whole.served import CONFIG, market_text

FLOW = Flow("SOL_USDC", middle=100.0, tick=0.01, near=1, far=60, quantity="1")
SETTLE_S = 5.0


async def measure(seconds: float, rate: float) -> None:
    """Print the figures."""
    path = shutil.which("chromium")
    with running_exchange(CONFIG + market_text("SOL", max_open_orders=10_000)) as exchange:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
            screens = Screens(browser)
            screen = await screens.open(exchange, "SOL", exchange.user(SOL="1", USDC="1"))
            session = await screen.page.context.new_cdp_session(screen.page)
            trader = exchange.user(SOL="1000000", USDC="1000000000")
            changes = asyncio.create_task(
                change(exchange.url, trader, FLOW, rate=rate, seconds=seconds + 2 * SETTLE_S), name="changes"
            )
            await asyncio.sleep(SETTLE_S)
            before = await heap(session)
            watched = await frames(screen.page, seconds)
            after = await heap(session)
            elements = await screen.page.evaluate("document.querySelectorAll('*').length")
            badges = await screen.page.locator(".status .badge").count()
            print(f"{await changes:.0f} changes/s over {seconds:.0f} s: {watched}")
            print(f"heap: {before:.2f} MB, then {after:.2f} MB; {elements} elements")
            print(f"book: {await screen.book_state.text_content()}; badges of gaps: {badges}")
            await screens.close()
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200)
    asked = parser.parse_args()
    asyncio.run(measure(asked.seconds, asked.rate))
