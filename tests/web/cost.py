"""What open pages cost the exchange: `python -m tests.web.cost [--pages 10] [--seconds 8] [--rounds 3]`.

It measures orders a second without a page and with so many, in alternating rounds on one exchange: as fast as it goes,
and at a rate that the exchange reaches easily. All pages show the market that is traded, and run in one browser on this
machine, at the lowest priority, so that they take what the exchange and the load generator leave. Beside each rate is
the CPU time that an order costs the exchange and its PostgreSQL.
"""

import argparse
import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright

from tests.bench.flow import MARKET
from tests.bench.pace import USUAL
from tests.bench.processes import exchange_command, scratch_dir, serving
from tests.bench.side import Side, cpu_seconds
from tests.web.conftest import OPTIONS

CONNECTIONS = 64
WARMUP_S = 2.0
RATE = 500


@asynccontextmanager
async def pages(browser: Browser, url: str, count: int) -> AsyncIterator[None]:
    """So many pages with a live book, each in a profile of its own."""
    contexts = [await browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(count)]
    for context in contexts:
        await context.add_init_script(f"localStorage.setItem('exchange.market', '{MARKET}');")
        page = await context.new_page()
        await page.goto(url)
        await page.locator(".book .state[data-state=live]").wait_for()
    yield
    for context in contexts:
        await context.close()


def line(name: str, rates: list[float], costs: list[float], paced: list[float]) -> str:
    """One line of the report."""
    each = ", ".join(f"{rate:,.0f}" for rate in rates)
    return (
        f"{name}: {median(rates):,.0f} orders/s ({each}), {median(costs):.0f} µs of CPU an order, "
        f"{median(paced):.0f} µs at {RATE} orders/s"
    )


def polite_browser(scratch: Path) -> Path:
    """A program that starts the browser at the lowest priority."""
    program = scratch / "polite-chromium"
    # Linux shares its cores by session first, where it has autogroups; the browser is started in one of its own.
    group = "echo 19 2>/dev/null >/proc/$$/autogroup"
    program.write_text(f'#!/bin/sh\n{group}\nexec nice -n 19 {shutil.which("chromium")} "$@"\n')
    program.chmod(0o755)
    return program


async def at_rate(side: Side, rate: float, seconds: float) -> float:
    """CPU time of an order in microseconds, at so many orders a second."""
    await side.settle()
    before_s = cpu_seconds(side.pid)
    measured = await side.load("orders", CONNECTIONS, rate=rate, duration_s=seconds)
    return (cpu_seconds(side.pid) - before_s) * 1e6 / measured.answered


async def measure(count: int, seconds: float, rounds: int) -> None:
    """Print the figures."""
    rates: dict[int, list[float]] = {0: [], count: []}
    costs: dict[int, list[float]] = {0: [], count: []}
    paced: dict[int, list[float]] = {0: [], count: []}
    with scratch_dir() as scratch:
        polite = polite_browser(scratch)
        async with serving(exchange_command(scratch), "exchange", scratch) as served, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=polite, args=list(OPTIONS))
            side = Side(served.url, served.ws_url, replace(USUAL, warmup_s=WARMUP_S, slice_s=seconds), pid=served.pid)
            await side.prepare()
            for turn in range(rounds):
                for opened in (0, count) if turn % 2 == 0 else (count, 0):
                    side.seed += 1
                    async with pages(browser, served.url, opened):
                        measured = await side.load("orders", CONNECTIONS)
                        rates[opened].append(measured.replies_a_second)
                        costs[opened].append(side.cpu_us_a_reply)
                        paced[opened].append(await at_rate(side, RATE, seconds))
            await browser.close()
    print(line("without a page", rates[0], costs[0], paced[0]))
    print(line(f"with {count} pages", rates[count], costs[count], paced[count]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.web.cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    asyncio.run(measure(asked.pages, asked.seconds, asked.rounds))
