"""The page on the demo for a long time: `python -m tests.web.hour [--minutes 60] [--rate 200]`.

It starts `exchange demo` and a browser, and keeps the page open. Every ten seconds it compares the book that the page
shows with `GET /depth` of the same `last_sequence`, and reads the size of the heap after a collection. Every five
minutes it watches the frames for some seconds, once as the demo trades and once with `rate` changes of the book a
second more. It exits with 1 if a book differed, if something of a book was missing, if the heap has grown from the
second quarter of the time to the last, or if the page wrote an error to the console.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import Any

from playwright.async_api import Page, async_playwright

from exchange.client import Client
from tests.bench.processes import scratch_dir, serving
from tests.web.changes import Flow, change
from tests.web.conftest import OPTIONS
from tests.web.screen import WATCH_POLICY
from tests.web.smoothness import Frames, frames, heap
from tests.whole.served import EXCHANGE

MARKET = "BTC_USDC"
TRADER = "bob"
SIZE = {"width": 1440, "height": 2000}  # tall, so that nearly the whole book is shown
COMPARE_S = 10.0
FRAMES_EVERY_S = 300.0
FRAMES_S = 15.0
SETTLE_S = 3.0
GROWTH_MAX = 1.10  # of the heap, from the second quarter to the last

# The page draws at most once a frame, so it does not show every state of the book: ask until it has shown the answer's.
SAME = """(path) => new Promise((resolve, reject) => {
  const levels = document.querySelector(".levels");
  const texts = (side) => [...levels.querySelectorAll(`.level.${side}:enabled`)].map((row) =>
    [...row.querySelectorAll("span:not(.level-bar)")].slice(0, 2).map((cell) => cell.textContent.replaceAll(",", "")));
  const rows = levels.querySelectorAll(".level.bid").length;
  const shown = new Map();
  const end = performance.now() + 60_000;
  let answer = null, asked = 0, asking = false;
  const frame = (now) => {
    shown.set(Number(levels.dataset.sequence), { bids: texts("bid"), asks: texts("ask").reverse() });
    const same = answer === null ? undefined : shown.get(answer.last_sequence);
    if (same !== undefined) return resolve({ rows, answer, shown: same });
    if (now > end) return reject(new Error("the page never showed a book of the same sequence as GET /depth"));
    if (!asking && now > asked + 300) {
      asking = true;
      asked = now;
      fetch(path).then((reply) => reply.json()).then((body) => { answer = body; asking = false; }, reject);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


@dataclass(slots=True)
class Report:
    """What was seen so far."""

    compared: int = 0
    levels: list[int] = field(default_factory=list)
    heaps: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def judge(self) -> list[str]:
        """What is wrong, as sentences."""
        quarter = len(self.heaps) // 4
        if quarter:
            early, late = median(self.heaps[quarter : 2 * quarter]), median(self.heaps[-quarter:])
            print(f"heap: {early:.2f} MB in the second quarter, {late:.2f} MB in the last")
            if late > GROWTH_MAX * early:
                self.wrong.append(f"the heap has grown from {early:.2f} MB to {late:.2f} MB")
        return self.wrong


def differences(found: dict[str, Any]) -> list[str]:
    """Where the shown book is not the one of `GET /depth`."""
    wrong = []
    for side in ("bids", "asks"):
        expected = [tuple(map(Decimal, level)) for level in found["answer"][side][: found["rows"]]]
        shown = [tuple(map(Decimal, level)) for level in found["shown"][side]]
        if expected != shown:
            wrong.append(f"{side} at {found['answer']['last_sequence']}: shown {shown}, expected {expected}")
    return wrong


async def compare(page: Page, report: Report, market: str = MARKET) -> None:
    """Compare the book once."""
    found = await page.evaluate(SAME, f"/depth?market={market}&limit=100")
    report.compared += 1
    report.levels.append(len(found["shown"]["bids"]) + len(found["shown"]["asks"]))
    report.wrong += differences(found)


async def changes_a_second(client: Client, seconds: float) -> float:
    """How often the book changes by itself."""
    before = (await client.depth(MARKET, limit=1))["last_sequence"]
    await asyncio.sleep(seconds)
    return ((await client.depth(MARKET, limit=1))["last_sequence"] - before) / seconds


async def watch_frames(page: Page, client: Client, report: Report, rate: float) -> tuple[str, Frames, Frames]:
    """The frames as the demo trades, and with more changes, while which the book is compared too."""
    natural, calm = await asyncio.gather(changes_a_second(client, FRAMES_S), frames(page, FRAMES_S))
    depth = await client.depth(MARKET, limit=1)
    flow = Flow(MARKET, middle=float(depth["bids"][0][0]), tick=1.0, near=30, far=90, quantity="0.01")
    busy = asyncio.create_task(
        change(page.url, TRADER, flow, rate=rate, seconds=FRAMES_S + 2 * SETTLE_S), name="changes of the book"
    )
    await asyncio.sleep(SETTLE_S)
    loaded, seen = await asyncio.gather(changes_a_second(client, FRAMES_S), frames(page, FRAMES_S))
    await compare(page, report)
    await busy
    return f"{natural:.0f} changes/s, then {loaded:.0f}", calm, seen


@asynccontextmanager
async def opened(url: str, report: Report) -> AsyncIterator[Page]:
    """The page in a browser; what it says on the console is wrong."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(OPTIONS))
        page = await browser.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        await page.add_init_script(WATCH_POLICY + f"localStorage.setItem('exchange.market', '{MARKET}');")
        page.on("console", lambda said: report.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: report.wrong.append(f"uncaught: {error}"))
        await page.goto(url)
        await page.locator(".book .state[data-state=live]").wait_for()
        yield page
        await browser.close()


async def follow(url: str, seconds: float, rate: float) -> list[str]:
    """Watch the page for so long; what was wrong."""
    report = Report()
    async with Client(url) as client, opened(url, report) as page:
        session = await page.context.new_cdp_session(page)
        begun = time.monotonic()
        frames_at = begun + COMPARE_S
        while time.monotonic() < begun + seconds:
            await asyncio.sleep(COMPARE_S)
            await compare(page, report)
            report.heaps.append(await heap(session))
            if time.monotonic() > frames_at:
                frames_at += FRAMES_EVERY_S
                words, calm, busy = await watch_frames(page, client, report, rate)
                minutes = (time.monotonic() - begun) / 60
                print(f"{minutes:.0f} min: {report.compared} books compared, heap {report.heaps[-1]:.2f} MB; {words}")
                print(f"  calm: {calm}\n  busy: {busy}", flush=True)
        gaps = await page.locator(".status .badge").all_text_contents()
        report.wrong += [f"the page says {text}" for text in gaps]
        print(f"{report.compared} books compared, of {median(report.levels):.0f} levels in the median")
    return report.judge()


async def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.hour", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200)
    asked = parser.parse_args()
    with scratch_dir() as scratch:
        async with serving([EXCHANGE, "demo", "--port", "0", "--ws-port", "0"], "demo", scratch) as demo:
            wrong = await follow(demo.url, asked.minutes * 60, asked.rate)
    for sentence in wrong:
        print(f"wrong: {sentence}")
    print("all is right" if not wrong else f"{len(wrong)} findings")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    asyncio.run(main())
