"""What the demo shows: the book and tape of a market on a terminal, and elsewhere a line now and then."""

import asyncio
import time

from exchange.client import Client
from exchange.client.types import Ticker
from exchange.logs import announce

LINE_EVERY_S = 5.0


async def show(url: str, markets: list[str]) -> None:
    """Until canceled."""
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
