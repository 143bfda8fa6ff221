"""Draws a market: book, chart, tape and one's own orders, in the size of the terminal."""

import time
from collections.abc import Sequence

from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from exchange.watch.chart import chart
from exchange.watch.market import WatchedMarket
from exchange.watch.own_orders import ORDERS_SHOWN, own_orders

UP, DOWN, DIM = "green", "red", "dim"
BOOK_WIDTH = 44
BAR_WIDTH = 12
HEAD_LINES = 4
BODY_LINES = 8  # as few as a book is of use with; orders and the log give way to it
SIDE_WIDTH = 26  # as narrow as chart and trades are of use


def screen(
    market: WatchedMarket,
    *,
    width: int,
    height: int,
    where: str,
    connected: bool,
    user_id: str | None,
    notes: Sequence[str],
) -> Layout:
    """The whole screen. `notes` are lines of the log for its foot. Where there is little room, the book stays."""
    own = 0 if user_id is None else min(len(market.orders), ORDERS_SHOWN) + 3
    foot = len(notes)
    spare = height - HEAD_LINES - BODY_LINES
    if own > spare:
        own = 0
    if foot > spare - own:
        foot = 0
    body = max(height - HEAD_LINES - own - foot, 1)
    layout = Layout()
    parts = [Layout(_head(market, where, connected), size=HEAD_LINES), Layout(name="body", size=body)]
    if user_id is not None and own:
        parts.append(Layout(own_orders(market, user_id), size=own))
    if foot:
        parts.append(Layout(Text("\n".join(notes), style=DIM, no_wrap=True, overflow="ellipsis"), size=foot))
    layout.split_column(*parts)
    if width < BOOK_WIDTH + SIDE_WIDTH:
        layout["body"].update(_book(market, body, min(width, BOOK_WIDTH)))
        return layout
    right = Layout(name="right")
    layout["body"].split_row(Layout(_book(market, body, BOOK_WIDTH), size=BOOK_WIDTH), right)
    chart_lines = max(body // 2, 4)
    right.split_column(
        Layout(_chart(market, width - BOOK_WIDTH, chart_lines), size=chart_lines),
        Layout(_tape(market, body - chart_lines)),
    )
    return layout


def _head(market: WatchedMarket, where: str, connected: bool) -> Panel:
    ticker = market.ticker
    change = ticker["change"]
    last = market.tape[0]["price"] if market.tape else ticker["last"]
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{market.symbol} ", style="bold")
    line.append(_price(market, last), style="bold")
    if change is not None:
        line.append(f"  {_signed(change, ticker['open'])}", style=DOWN if change.startswith("-") else UP)
    line.append(f"  24 h: low {_price(market, ticker['low'])}, high {_price(market, ticker['high'])}")
    line.append(f", volume {ticker['volume']} {market.base}")
    state = Text(where, style=DIM, no_wrap=True, overflow="ellipsis")
    state.append(f"  {market.status}", style=UP if market.status == "trading" else DOWN)
    book = market.book
    if not connected:
        state.append("  no connection; connecting again", style=DOWN)
    elif not book.current:
        state.append("  waiting for the book", style=DOWN)
    else:
        state.append(f"  book {book.last_sequence}, verified", style=DIM)
    if market.gaps:
        state.append(f", {market.gaps} gaps", style=DOWN)
    return Panel(Group(line, state))


def _signed(change: str, first: str | None) -> str:
    """A change with its sign, and in percent where there was a price before."""
    text = change if change.startswith("-") else f"+{change}"
    if first is None or not float(first):
        return text
    return f"{text} ({float(change) / float(first):+.2%})"


def _price(market: WatchedMarket, text: str | None) -> str:
    return "-" if text is None else market.tick.fixed(text)


def _book(market: WatchedMarket, lines: int, width: int) -> Panel:
    """The best levels of both sides, as many as fit, the asks above the bids."""
    levels = max((lines - 3) // 2, 1)
    asks, bids = market.book.asks(levels), market.book.bids(levels)
    most = max((market.lot.count(quantity) for _, quantity in (*asks, *bids)), default=1)
    widest = BAR_WIDTH if width >= BOOK_WIDTH else max(width - BOOK_WIDTH + BAR_WIDTH, 1)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(width=widest, no_wrap=True)
    for _ in range(levels - len(asks)):
        table.add_row("", "", "")
    for side, style in ((reversed(asks), DOWN), (None, DIM), (iter(bids), UP)):
        if side is None:
            table.add_row(Text(_spread(market), style=DIM), "", "")
            continue
        for price, quantity in side:
            bar = "█" * max(round(market.lot.count(quantity) / most * widest), 0)
            table.add_row(
                Text(market.tick.fixed(price), style=style), market.lot.fixed(quantity), Text(bar or "▏", style=style)
            )
    return Panel(table, title="order book", style="" if market.book.current else DIM, width=width)


def _spread(market: WatchedMarket) -> str:
    bid, ask = market.book.best_bid, market.book.best_ask
    if bid is None or ask is None:
        return "no spread"
    ticks = market.tick.count(ask[0]) - market.tick.count(bid[0])
    return f"{ticks} tick{'s' if ticks != 1 else ''}"


def _chart(market: WatchedMarket, width: int, lines: int) -> Panel:
    prices = [price for _, price in market.closes]
    columns = max(width - 4, 10)
    rows = chart(prices, columns, max(lines - 2, 1))
    shown = prices[-columns:]
    style = UP if len(shown) < 2 or shown[-1] >= shown[0] else DOWN
    span = f"{len(shown)} minutes, {min(shown):g} to {max(shown):g}" if shown else "no trades yet"
    return Panel(Text("\n".join(rows), style=style, no_wrap=True), title=span)


def _tape(market: WatchedMarket, lines: int) -> Panel:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    for trade in list(market.tape)[: max(lines - 2, 1)]:
        at = time.strftime("%H:%M:%S", time.localtime(trade["timestamp"] / 1000))
        style = UP if trade["taker_side"] == "buy" else DOWN
        table.add_row(
            Text(at, style=DIM),
            Text(market.tick.fixed(trade["price"]), style=style),
            market.lot.fixed(trade["quantity"]),
        )
    return Panel(table, title="trades")
