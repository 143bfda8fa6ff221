"""What the demo shows: the first market on a terminal, as `exchange watch` does, and elsewhere a line now and then."""

import asyncio
import time

from rich.console import Console

from exchange.client import ApiKey, Client
from exchange.client.types import Ticker
from exchange.logs import announce
from exchange.watch.command import watch

WATCHED_USER = "alice"
LINE_EVERY_S = 5.0


async def show(url: str, markets: list[str], key: ApiKey | None) -> None:
    """Until canceled. In keys mode `key` is that of the watched user."""
    console = Console()
    if console.is_terminal:
        await watch(url, markets[0], WATCHED_USER, console, key=key)
    started = time.monotonic()
    async with Client(url) as client:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            announce(f"{time.monotonic() - started:.0f} s: {line(await client.tickers())}")


def line(tickers: list[Ticker]) -> str:
    """The markets as one line."""
    return "; ".join(
        f"{row['market']} {row['best_bid'] or '-'}/{row['best_ask'] or '-'}, {row['trades']} trades" for row in tickers
    )
