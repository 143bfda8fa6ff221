"""What the demo shows: a table that lives on a terminal, and elsewhere a line now and then."""

import asyncio
import time
from collections import Counter

from rich.console import Console
from rich.live import Live
from rich.table import Table

from exchange.client import Book, Event, Feed

REFRESH_S = 0.5
LINE_EVERY_S = 5.0


class View:
    """Follows the trades and the books of all markets."""

    def __init__(self, books: list[Book], trades: Feed) -> None:
        self._books = books
        self._feed = trades
        self._trades: Counter[str] = Counter()
        self._last: dict[str, str] = {}
        self._started = time.monotonic()

    async def follow(self) -> None:
        """Count the trades."""
        async for event in self._feed:
            if isinstance(event, Event):
                market = event.channel.partition("@")[2]
                self._trades[market] += 1
                self._last[market] = event.data["price"]

    async def show(self) -> None:
        """Until canceled."""
        console = Console()
        if not console.is_terminal:
            while True:
                await asyncio.sleep(LINE_EVERY_S)
                print(self._line(), flush=True)
        with Live(self._table(), console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(REFRESH_S)
                live.update(self._table(), refresh=True)

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                book.market,
                book.best_bid[0] if book.best_bid else "-",
                book.best_ask[0] if book.best_ask else "-",
                self._last.get(book.market, "-"),
                str(self._trades[book.market]),
            )
            for book in self._books
        ]

    def _line(self) -> str:
        rows = (f"{market} {bid}/{ask}, {trades} trades" for market, bid, ask, _, trades in self._rows())
        return f"{time.monotonic() - self._started:.0f} s: {'; '.join(rows)}"

    def _table(self) -> Table:
        table = Table("market", "best bid", "best ask", "last", "trades")
        for row in self._rows():
            table.add_row(*row)
        return table
