"""Judges what amendments made of orders."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from exchange.client import Amendment
from exchange.torture.findings import Finding, doubled, lost, wrong
from exchange.torture.record import History, OrderRow


def of_orders(history: History) -> dict[str, list[Amendment]]:
    """The amendments of each order, oldest first."""
    found: defaultdict[str, list[Amendment]] = defaultdict(list)
    for amendment in sorted(history.final.amendments, key=lambda made: int(made["amendment_id"])):
        found[amendment["order_id"]].append(amendment)
    return found


def prices(order: OrderRow, amendments: list[Amendment]) -> list[Decimal]:
    """Every limit that the order ever had. The price of a pegged one is within its limit, and never changes."""
    if order.pegged_price is not None and order.locking_price is not None:
        return [Decimal(order.locking_price)]
    return [Decimal(price) for price in (order.price, *(made["price"] for made in amendments)) if price is not None]


def check(history: History) -> Iterator[Finding]:
    """Each order is what its amendments made of what was placed, and each acknowledged reduction happened once."""
    amendments = of_orders(history)
    orders = {(order.user_id, order.client_order_id): order for order in history.final.orders}
    placed = {(c.user_id, c.name): c.body for c in history.commands if c.kind == "place" and c.acknowledged}
    reduced: defaultdict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for command in history.commands:
        if command.kind == "amend":
            if not command.settled:
                yield wrong(f"an amendment of order {command.name} of {command.user_id} was never answered")
            elif command.acknowledged:
                reduced[command.user_id, command.name] += Decimal(command.body.get("reduce_by", "0"))
    less_by: dict[str, Decimal] = {}
    for key, order in orders.items():
        body = placed.get(key)
        if body is None or "quantity" not in body:
            continue  # it is judged elsewhere that somebody has placed it
        price, quantity = body.get("price"), body["quantity"]
        for made in amendments.pop(order.order_id, []):
            if (made["price"], made["quantity"]) != (price, quantity):
                yield lost(f"amendment {made['amendment_id']} of order {order.order_id} does not begin where it was")
            price, quantity = made["new_price"] or price, made["new_quantity"] or quantity
        if (price, quantity) != (order.price, order.quantity):
            yield wrong(f"order {order.order_id} is {order.quantity} at {order.price}, not what its amendments made")
        less_by[order.order_id] = Decimal(body["quantity"]) - Decimal(order.quantity)
    yield from _reduced(history, less_by, reduced)
    for order_id in amendments:
        yield wrong(f"order {order_id} has amendments, and nobody has placed it")


def _reduced(
    history: History, less_by: dict[str, Decimal], reduced: dict[tuple[str, str | None], Decimal]
) -> Iterator[Finding]:
    """What was taken off orders is what was acknowledged; of two legs, what either lost while both are open."""
    legs = {order_id: found.order_ids[-2:] for found in history.final.lists for order_id in found.order_ids[-2:]}
    names = {order.order_id: (order.user_id, order.client_order_id) for order in history.final.orders}
    together = {found.list_id for found in history.final.lists if found.list_type != "oto"}
    for order in history.final.orders:
        less = less_by.get(order.order_id)
        if less is None:
            continue
        least = most = reduced.get(names[order.order_id], Decimal(0))
        if order.list_id in together and order.order_id in legs:
            pair = [each for each in legs[order.order_id] if each in names]
            most = sum([reduced.get(names[each], Decimal(0)) for each in pair], Decimal(0))
            if all(less_by.get(each, most) < most for each in pair):
                least = most  # the leg that was there longer has all of it
        if less < least:
            yield lost(f"order {order.order_id} was reduced by {least} as acknowledged, and by {less}")
        elif less > most:
            yield doubled(f"order {order.order_id} was reduced by {most} as acknowledged, and by {less}")
