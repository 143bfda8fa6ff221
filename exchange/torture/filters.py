"""The judge of filters: what is taken fits them, and what they refuse does not."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from exchange.torture.findings import Finding, wrong
from exchange.torture.record import History


def check(history: History) -> Iterator[Finding]:
    """All findings about the largest quantity of a market and the most open orders in all of them."""
    yield from _quantities(history)
    yield from _open_orders(history)


def _quantities(history: History) -> Iterator[Finding]:
    bounds = {market["market"]: market["filters"]["max_quantity"] for market in history.markets}
    for command in history.commands:
        if command.kind != "place" or command.body.get("quantity") is None:
            continue
        most, quantity = bounds.get(command.market or ""), str(command.body["quantity"])
        fits = most is None or Decimal(quantity) <= Decimal(most)
        if command.acknowledged and not fits:
            yield wrong(f"order {command.name} of {quantity} was taken, and max_quantity is {most}")
        if command.code == "MAX_QUANTITY" and fits:
            yield wrong(f"order {command.name} of {quantity} was refused, and max_quantity is {most or 'none'}")


def _open_orders(history: History) -> Iterator[Finding]:
    most = history.final.max_open_orders
    for user_id, count in Counter(order.user_id for order in history.final.open_orders).items():
        if most is not None and count > most:
            yield wrong(f"{user_id} has {count} open orders, and may have {most} in all markets")
    if most is None and any(command.code == "TOO_MANY_OPEN_ORDERS_EVERYWHERE" for command in history.commands):
        yield wrong("an order was refused for those in all markets, which nothing bounds")
