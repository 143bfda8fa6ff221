"""What the demo shows: a table that is redrawn on a terminal, and elsewhere a line now and then."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from exchange.client import Book, Event, Feed, Step
from exchange.logs import announce, displayed

REFRESH_S = 0.5
LINE_EVERY_S = 5.0
PRICE_WIDTH, TRADES_WIDTH = 12, 8  # so that a longer number moves nothing


class View:
    """Follows the trades and the books of all markets. `ticks` has the tick size of each market."""

    def __init__(self, books: list[Book], trades: Feed, ticks: Mapping[str, Step]) -> None:
        self._books = books
        self._feed = trades
        self._ticks = ticks
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
                announce(self.line())
        with (
            Live(self.table(), console=console, auto_refresh=False) as live,
            # Log lines go above the table; written to the terminal by themselves they would tear it.
            displayed(lambda line: console.print(Text.from_ansi(line), soft_wrap=True)),
        ):
            while True:
                await asyncio.sleep(REFRESH_S)
                live.update(self.table(), refresh=True)

    def line(self) -> str:
        """The markets as one line."""
        rows = (f"{market} {bid}/{ask}, {trades} trades" for market, bid, ask, _, trades in self._rows())
        return f"{time.monotonic() - self._started:.0f} s: {'; '.join(rows)}"

    def table(self) -> Table:
        """The markets as a table, in which numbers keep their decimals and their places."""
        table = Table("market")
        for title in ("best bid", "best ask", "last"):
            table.add_column(title, justify="right", min_width=PRICE_WIDTH, no_wrap=True)
        table.add_column("trades", justify="right", min_width=TRADES_WIDTH, no_wrap=True)
        for row in self._rows():
            table.add_row(*row)
        return table

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                book.market,
                self._price(book.market, book.best_bid[0] if book.best_bid else None),
                self._price(book.market, book.best_ask[0] if book.best_ask else None),
                self._price(book.market, self._last.get(book.market)),
                str(self._trades[book.market]),
            )
            for book in self._books
        ]

    def _price(self, market: str, text: str | None) -> str:
        return "-" if text is None else self._ticks[market].fixed(text)
