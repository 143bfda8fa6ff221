"""How smooth the page is while its book changes: `python -m tests.web.measure [--seconds 60] [--rate 200]`.

It starts an exchange and a browser, opens the page on a market whose book changes `rate` times a second, and prints how
long the frames took and how large the heap is at the beginning and at the end, each after a collection.
"""

import argparse
import asyncio
import random
import shutil
import time
from typing import Any

from playwright.async_api import CDPSession, async_playwright

from exchange.client import Socket
from exchange.testing import RunningExchange, running_exchange
from tests.web.conftest import OPTIONS
from tests.web.screen import Screens
from tests.whole.served import CONFIG, market_text

FRAMES = """(milliseconds) => new Promise((resolve) => {
  const gaps = [], long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const end = last + milliseconds;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(frame);
    else { observer.disconnect(); resolve({ gaps, long }); }
  };
  requestAnimationFrame(frame);
})"""
BATCH = 10


async def change(exchange: RunningExchange, user: str, rate: float, until: float) -> int:
    """Place and cancel on random levels at that rate; how many changes there were."""
    chance = random.Random(1)
    done = 0
    resting: list[str] = []
    begun = time.monotonic()
    async with Socket(exchange.url, user) as socket:
        while time.monotonic() < until:
            items: list[dict[str, Any]] = []
            for _ in range(BATCH):
                if len(resting) > 200 or (resting and chance.random() < 0.5):
                    gone = resting.pop(chance.randrange(len(resting)))
                    items.append({"cancel": {"market": "SOL_USDC", "order_id": gone}})
                else:
                    side = chance.choice(["buy", "sell"])
                    price = 100 + chance.randint(1, 60) / 100 * (1 if side == "sell" else -1)
                    items.append(
                        {
                            "market": "SOL_USDC",
                            "side": side,
                            "order_type": "limit",
                            "price": f"{price:.2f}",
                            "quantity": "1",
                        }
                    )
            results: list[Any] = list(await socket.orders(items))
            resting += [result["order_id"] for result in results if result.get("status") == "open"]
            done += BATCH
            await asyncio.sleep(max(0.0, begun + done / rate - time.monotonic()))
    return done


async def heap(session: CDPSession) -> float:
    """MB of the heap in use after a collection."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6


async def measure(seconds: float, rate: float) -> None:
    """Print the figures."""
    path = shutil.which("chromium")
    with running_exchange(CONFIG + market_text("SOL", max_open_orders=10_000)) as exchange:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
            screens = Screens(browser)
            screen = await screens.open(exchange, "SOL", exchange.user(SOL="1", USDC="1"))
            session = await screen.page.context.new_cdp_session(screen.page)
            changes = asyncio.create_task(
                change(exchange, exchange.user(SOL="1000000", USDC="1000000000"), rate, time.monotonic() + seconds + 10)
            )
            await asyncio.sleep(5)
            before = await heap(session)
            frames = await screen.page.evaluate(FRAMES, seconds * 1000)
            after = await heap(session)
            done = await changes
            gaps = sorted(frames["gaps"][1:])
            at = {share: gaps[min(len(gaps) - 1, int(share * len(gaps)))] for share in (0.5, 0.99)}
            elements = await screen.page.evaluate("document.querySelectorAll('*').length")
            badges = await screen.page.locator(".status .badge").count()
            long = frames["long"]
            print(f"{done / (seconds + 10):.0f} changes/s, {len(gaps) / seconds:.1f} frames/s over {seconds:.0f} s")
            print(f"frame: median {at[0.5]:.1f} ms, 99 % {at[0.99]:.1f} ms, longest {gaps[-1]:.1f} ms")
            print(f"tasks over 50 ms: {len(long)}, {sum(long):.0f} ms together")
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
