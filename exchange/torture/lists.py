"""Judges lists of orders: each acknowledged one is there whole and once, and its orders ended each other as told."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from exchange.torture.findings import Finding, doubled, lost, wrong
from exchange.torture.record import History, ListRow, OrderRow

CLOSED = ("filled", "canceled", "expired")
BY_ANOTHER = ("other_leg", "working_order_ended")  # why an order expires since another one of its list has ended

Orders = dict[str, OrderRow]


def check(history: History) -> Iterator[Finding]:
    """All findings about lists."""
    orders = {order.order_id: order for order in history.final.orders}
    named: defaultdict[tuple[str, str | None], list[ListRow]] = defaultdict(list)
    for found in history.final.lists:
        named[found.user_id, found.client_list_id].append(found)
    yield from _placed(history, named)
    yield from _canceled(history, named)
    for found in history.final.lists:
        yield from _whole(found, orders)
        if all(order_id in orders for order_id in found.order_ids):
            yield from _ended(found, [orders[order_id] for order_id in found.order_ids])
    listed = {order_id for found in history.final.lists for order_id in found.order_ids}
    for order in history.final.orders:
        if order.list_id is not None and order.order_id not in listed:
            yield lost(f"order {order.order_id} is of list {order.list_id}, which is not there")


def canceled_with(history: History) -> set[str]:
    """The ids of orders that may be canceled since their list was, or another order of it ended."""
    asked = {(c.user_id, c.name) for c in history.commands if c.kind == "cancel"}
    lists = {(c.user_id, c.name) for c in history.lists if c.kind == "cancel"}
    orders = {order.order_id: order for order in history.final.orders}
    found: set[str] = set()
    for one in history.final.lists:
        own = [orders[order_id] for order_id in one.order_ids if order_id in orders]
        expired = any(order.status == "expired" and order.expire_reason not in BY_ANOTHER for order in own)
        if (one.user_id, one.client_list_id) in lists or expired or any((one.user_id, n) in asked for n in one.names):
            found.update(one.order_ids)
    return found


def _placed(history: History, named: dict[tuple[str, str | None], list[ListRow]]) -> Iterator[Finding]:
    accepted: set[tuple[str, str | None]] = set()
    for command in history.lists:
        if not command.settled:
            yield wrong(f"list {command.name} of {command.user_id} was never answered ({command.kind})")
        if command.kind != "place" or not command.acknowledged:
            continue
        key = (command.user_id, command.name)
        accepted.add(key)
        found = named.get(key, [])
        what = f"list {command.name} of {command.user_id}"
        if not found:
            yield lost(f"{what} was acknowledged as {command.list_id}, and is not there")
        elif command.list_id not in [one.list_id for one in found]:
            yield doubled(f"{what} was acknowledged as {command.list_id}, and is there as {found[0].list_id}")
        elif (found[0].list_type, sorted(map(str, found[0].names))) != (command.list_type, sorted(command.legs)):
            yield wrong(f"{what} is an {found[0].list_type} of {found[0].names}, and was placed with {command.legs}")
    yield from _sent_again(history)
    for (user_id, name), found in named.items():
        if len(found) > 1:
            yield doubled(f"list {name} of {user_id} is there {len(found)} times")
        if (user_id, name) not in accepted:
            yield doubled(f"list {found[0].list_id} of {user_id} is there, and nobody was told that it was placed")


def _sent_again(history: History) -> Iterator[Finding]:
    """A list that is sent again as it was is found again, and one with other content is refused."""
    first: dict[tuple[str, str], list[str]] = {}
    for command in history.lists:
        if command.kind != "place":
            continue
        key, what = (command.user_id, command.name), f"list {command.name} of {command.user_id}"
        if key not in first:
            if command.acknowledged:
                first[key] = command.quantities
        elif command.acknowledged and command.quantities != first[key]:
            yield doubled(f"{what} was acknowledged twice, with other orders")
        elif command.code is not None and command.quantities == first[key]:
            yield lost(f"{what} was acknowledged, and then refused ({command.code})")


def _canceled(history: History, named: dict[tuple[str, str | None], list[ListRow]]) -> Iterator[Finding]:
    placed = {(c.user_id, c.name) for c in history.lists if c.kind == "place" and c.acknowledged}
    for command in history.lists:
        key = (command.user_id, command.name)
        if command.kind != "cancel" or key not in placed:
            continue
        if command.code == "UNKNOWN_LIST":
            yield lost(f"list {command.name} of {command.user_id} was acknowledged, and unknown when it was canceled")
        elif command.settled and any(found.status != "all_done" for found in named.get(key, ())):
            yield wrong(f"list {command.name} of {command.user_id} was canceled, or done, and is open")


def _whole(found: ListRow, orders: Orders) -> Iterator[Finding]:
    """Its orders are there and say that they are of it."""
    what = f"list {found.list_id} of {found.user_id}"
    if len(found.order_ids) != (3 if found.list_type == "otoco" else 2):
        yield lost(f"{what}, an {found.list_type}, has {len(found.order_ids)} orders")
    for order_id in found.order_ids:
        order = orders.get(order_id)
        if order is None:
            yield lost(f"{what} has order {order_id}, which is not there")
        elif (order.list_id, order.user_id, order.market) != (found.list_id, found.user_id, found.market):
            yield wrong(f"{what} has order {order_id}, which is of list {order.list_id} of {order.user_id}")


def _ended(found: ListRow, orders: list[OrderRow]) -> Iterator[Finding]:
    """What its orders did to each other, and how it ended."""
    what = f"list {found.list_id} of {found.user_id}"
    legs = orders if found.list_type == "oco" else orders[1:]
    if len(legs) == 2:
        yield from _legs(what, legs)
    if found.list_type != "oco":
        yield from _waited(what, orders[0], legs)
    done = all(order.status in CLOSED for order in orders)
    if (found.status == "all_done") != done:
        yield wrong(f"{what} is {found.status} with orders that are {[order.status for order in orders]}")
    if found.end_reason not in _ends(orders):
        yield wrong(f"{what} ended as {found.end_reason}, and its orders as {[order.status for order in orders]}")


def _legs(what: str, legs: list[OrderRow]) -> Iterator[Finding]:
    one, other = legs
    done = [Decimal(leg.executed_quantity) for leg in legs]
    if all(done):
        yield doubled(f"{what} has two legs that filled: {one.executed_quantity} and {other.executed_quantity}")
    for leg, partner in ((one, other), (other, one)):
        acts = Decimal(leg.executed_quantity) or Decimal(leg.prevented_quantity or "0") or _was_triggered(leg)
        if leg.pending_for != "list" and acts and partner.status not in ("expired", "canceled"):
            yield wrong(f"{what} has order {leg.order_id} that traded or was triggered, and {partner.order_id} is open")
        if leg.expire_reason == "other_leg" and not acts and not _acted(partner):
            yield wrong(f"{what} has order {leg.order_id} that another leg ended, and {partner.order_id} did nothing")


def _was_triggered(leg: OrderRow) -> bool:
    return leg.triggered and leg.order_type != "limit"


def _acted(leg: OrderRow) -> bool:
    return bool(Decimal(leg.executed_quantity) or Decimal(leg.prevented_quantity or "0") or leg.triggered) or (
        leg.status == "expired" and leg.expire_reason == "self_trade"
    )


def _waited(what: str, working: OrderRow, legs: list[OrderRow]) -> Iterator[Finding]:
    for leg in legs:
        if working.status != "filled" and (Decimal(leg.executed_quantity) or leg.triggered):
            yield wrong(f"{what} has order {leg.order_id} that entered, and its working order is {working.status}")
        if leg.pending_for == "list" and working.status in CLOSED:
            yield wrong(f"{what} has order {leg.order_id} that waits for one that is {working.status}")
        if (leg.expire_reason == "working_order_ended") and working.status != "expired":
            yield wrong(f"{what} has order {leg.order_id} that ended with a working order that is {working.status}")


def _ends(orders: list[OrderRow]) -> set[str | None]:
    """How a list may have ended whose orders ended so."""
    found: set[str | None] = set()
    for order in orders:
        if order.status in ("filled", "canceled"):
            found.add(order.status)
        elif order.status == "expired" and order.expire_reason != "other_leg":
            by_reason = {"working_order_ended": "working_order_ended", "refused_at_trigger": "refused_at_trigger"}
            found.add(by_reason.get(order.expire_reason or "", "expired"))
    if any(order.status not in CLOSED for order in orders):
        found.add(None)
    return found
