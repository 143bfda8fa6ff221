"""`exchange watch`: follows one market of a running exchange and draws it in the terminal until Ctrl-C."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from exchange.client import ApiError, ApiKey, Client, Feed, Gap, Socket, Unreachable
from exchange.failure import Failure
from exchange.logs import displayed
from exchange.watch.market import MINUTES_MAX, TAPE_MAX, WatchedMarket
from exchange.watch.screen import screen

REFRESH_S = 0.25
NOTES_MAX = 3


async def watch(
    url: str,
    market: str | None,
    user_id: str | None,
    console: Console | None = None,
    *,
    key: ApiKey | None = None,
) -> None:
    """Draw the market, or the first one, until canceled. In keys mode `key` is the user's. Raises Failure."""
    console = console or Console()
    if not console.is_terminal:
        raise Failure("exchange watch draws on a terminal, and the output is not one.", 2)
    try:
        async with _following(url, market, user_id, key) as (watched, socket, feed), asyncio.TaskGroup() as group:
            group.create_task(_follow(watched, feed), name="watch: events")
            await _draw(watched, socket, console, user_id)
    except ApiError as error:
        raise Failure(f"The exchange refused: {error.code}: {error.message}") from error
    except Unreachable as error:
        raise Failure(f"The exchange at {url} cannot be reached: {error}.") from error
    except ValueError as error:
        raise Failure(f"{error}.", 2) from error


@asynccontextmanager
async def _following(
    url: str, market: str | None, user_id: str | None, key: ApiKey | None
) -> AsyncIterator[tuple[WatchedMarket, Socket, Feed]]:
    """The market as it is now, and its events from here on."""
    watched: list[WatchedMarket] = []

    def on_gap(gap: Gap) -> None:
        for one in watched:
            one.gap(gap)

    async with Client(url) as client, Socket(url, on_gap=on_gap, key=key) as socket:
        found = await client.markets()
        rules = next((row for row in found if market in (None, row["market"])), None)
        if rules is None:
            raise Failure(f"There is no market {market}; there are {', '.join(row['market'] for row in found)}.", 2)
        symbol = rules["market"]
        channels = [f"trade@{symbol}", f"ticker@{symbol}"] + ([f"orders@{user_id}"] if user_id is not None else [])
        feed = await socket.subscribe(*channels)
        book = await socket.book(symbol)
        candles = await client.candles(symbol, "1m", limit=MINUTES_MAX)
        (ticker,) = await client.tickers(symbol)
        trades, _ = await client.trades(symbol, limit=TAPE_MAX)
        watched.append(WatchedMarket(rules, book, candles, ticker, trades))
        yield watched[0], socket, feed


async def _follow(watched: WatchedMarket, feed: Feed) -> None:
    async for item in feed:
        watched.take(item)


async def _draw(watched: WatchedMarket, socket: Socket, console: Console, user_id: str | None) -> None:
    notes: deque[str] = deque(maxlen=NOTES_MAX)

    def note(line: str) -> None:
        notes.append(Text.from_ansi(line).plain)

    with Live(console=console, auto_refresh=False, screen=True) as live, displayed(note):
        while True:
            drawn = screen(
                watched,
                width=console.width,
                height=console.height,
                where=socket.url.removesuffix("/ws"),
                connected=socket.connected,
                user_id=user_id,
                notes=tuple(notes),
            )
            live.update(drawn, refresh=True)
            await asyncio.sleep(REFRESH_S)
