"""Draws the open orders of one user: what each is, what it waits for, and how much of it has traded."""

import time
from typing import Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from exchange.client import decimal_key
from exchange.watch.market import Json, WatchedMarket

UP, DOWN, DIM = "green", "red", "dim"
ORDERS_SHOWN: Final = 6


def own_orders(market: WatchedMarket, user_id: str) -> Panel:
    """The newest open orders."""
    table = Table.grid(padding=(0, 2))
    for _ in range(5):
        table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", style=DIM)
    newest = sorted(market.orders.values(), key=lambda order: decimal_key(order["order_id"]), reverse=True)
    for order in newest[:ORDERS_SHOWN]:
        style = UP if order["side"] == "buy" else DOWN
        price = "-" if order["price"] is None else market.tick.fixed(order["price"])
        done = f"{order['executed_quantity']} of {order['quantity']} {market.base}"
        side, kind = Text(order["side"], style=style), order["order_type"].replace("_", " ")
        table.add_row(order["order_id"], side, kind, price, done, _more(market, order))
    if not newest:
        table.add_row(Text("none", style=DIM))
    return Panel(table, title=f"open orders of {user_id} ({len(newest)})")


def _more(market: WatchedMarket, order: Json) -> str:
    """What the order waits for, what it shows and when it ends."""
    words = []
    if order["status"] == "pending":
        words.append(_waits_for(market, order))
    if order["visible_quantity"] is not None:
        words.append(f"shows {order['visible_quantity']}")
    if order["expire_at"] is not None:
        words.append(time.strftime("until %Y-%m-%d %H:%M:%S", time.localtime(order["expire_at"] / 1000)))
    return ", ".join(words)


def _waits_for(market: WatchedMarket, order: Json) -> str:
    """A stop-loss to buy and a take-profit to sell wait for a higher price, the others for a lower one."""
    rises = order["order_type"].startswith("stop_loss") is (order["side"] == "buy")
    if order["stop_price"] is not None:
        return f"waits for {'>=' if rises else '<='} {market.tick.fixed(order['stop_price'])}"
    if order["trailing_delta"] is not None:
        distance = f"{order['trailing_delta']} basis points"
    elif order["trailing_amount"] is not None:
        distance = market.tick.fixed(order["trailing_amount"])
    else:
        return "waits"
    words = f"trails by {distance}"
    if order["activation_price"] is not None and order["tracking_at"] is None:
        words += f" from {market.tick.fixed(order['activation_price'])} on"
    return words
