"""The judge: a pure function from the records of the clients to the findings.

It knows only the contract of the exchange, and reads nothing but the records. This file judges commands; `money` judges
fills and balances, `channels` what the sockets have said, `reports` what the user streams of the other dialect have.
"""

from collections import defaultdict
from collections.abc import Iterator

from exchange.torture import administration, amends, channels, filters, lists, money, reports
from exchange.torture.findings import Finding, doubled, lost, wrong
from exchange.torture.record import Command, History, OrderRow, StatusChange

CLOSED = ("filled", "canceled", "expired")
REFUSES_TO_START = "Another exchange runs on this database."
ENDED_BY_ITSELF = 1  # the exit code of an exchange that reports why it stops

Named = dict[tuple[str, str | None], list[OrderRow]]


def check(history: History) -> list[Finding]:
    """All findings; none if every promise was kept."""
    return [
        *_orders(history),
        *_refusals(history),
        *_cancels(history),
        *_cancel_alls(history),
        *_shown_orders(history),
        *money.check(history),
        *amends.check(history),
        *channels.check(history),
        *reports.check(history),
        *administration.check(history),
        *filters.check(history),
        *lists.check(history),
        *_statuses(history),
        *_ends(history),
    ]


def _named(history: History) -> Named:
    named: defaultdict[tuple[str, str | None], list[OrderRow]] = defaultdict(list)
    for order in history.final.orders:
        named[order.user_id, order.client_order_id].append(order)
    return named


def _orders(history: History) -> Iterator[Finding]:
    """Each acknowledged order is present once, as it was placed, and no other order is present."""
    named = _named(history)
    placed: set[tuple[str, str | None]] = set()
    for command in history.commands:
        if command.kind != "place":
            continue
        key = (command.user_id, command.name)
        placed.add(key)
        found = named.get(key, [])
        if len(found) > 1:
            yield doubled(f"order {command.name} of {command.user_id} is there {len(found)} times")
        if not command.settled:
            yield wrong(f"order {command.name} of {command.user_id} was never answered")
        if not command.acknowledged:
            continue
        (told,) = command.orders
        ids = [order.order_id for order in found]
        if not found:
            yield lost(
                f"order {command.name} of {command.user_id} was acknowledged as {told.order_id}, and is not there"
            )
        elif told.order_id not in ids:
            yield doubled(f"order {command.name} was acknowledged as {told.order_id}, and is there as {ids}")
        for name, asked in command.body.items():
            if getattr(told, name) != asked:
                yield wrong(f"order {command.name} was placed with {name} {asked}, and has {getattr(told, name)}")
    for key, found in named.items():
        if key not in placed:
            yield wrong(f"order {found[0].order_id} of {key[0]} is there, and nobody has placed it")
    ids = [order.order_id for order in history.final.orders]
    if len(set(ids)) != len(ids):
        yield doubled("an order_id is there more than once")


def _refusals(history: History) -> Iterator[Finding]:
    """A refused order is not present, unless another command used the same `client_order_id`."""
    named = _named(history)
    accepted = {(c.user_id, c.name) for c in history.commands if c.kind == "place" and c.acknowledged}
    for command in history.commands:
        if command.kind != "place" or command.code is None:
            continue
        key = (command.user_id, command.name)
        if command.code == "CLIENT_ORDER_ID_CONFLICT":
            if key not in accepted:
                yield wrong(f"order {command.name} of {command.user_id} was refused as a second one, and is the first")
        elif key in accepted:
            yield lost(f"order {command.name} of {command.user_id} was acknowledged and refused ({command.code})")
        elif key in named:
            yield doubled(f"order {command.name} of {command.user_id} was refused ({command.code}), and is there")


def _cancels(history: History) -> Iterator[Finding]:
    """An acknowledged cancel ends its order, and only orders with a cancel request are canceled."""
    known = {(c.user_id, c.name) for c in history.commands if c.kind == "place" and c.acknowledged}
    asked: set[tuple[str, str | None]] = set()
    asked_all: set[tuple[str, str | None]] = set()
    for command in history.commands:
        if command.kind in ("place", "amend"):
            continue
        key = (command.user_id, command.name)
        (asked if command.kind == "cancel" else asked_all).add(
            key if command.kind == "cancel" else (command.user_id, command.market)
        )
        if not command.settled:
            yield wrong(f"{command.kind} of {command.user_id} was never answered")
        if command.code == "UNKNOWN_ORDER" and key in known:
            yield lost(f"order {command.name} of {command.user_id} was acknowledged, and unknown when it was canceled")
        if command.acknowledged:
            for order in command.orders:
                if order.status != "canceled":
                    yield wrong(f"the cancel of order {order.order_id} was acknowledged with status {order.status}")
    with_lists = lists.canceled_with(history)
    for order in history.final.orders:
        if order.status == "canceled" and not (
            order.order_id in with_lists
            or (order.user_id, order.client_order_id) in asked
            or {(order.user_id, order.market), (order.user_id, None)} & asked_all
        ):
            yield wrong(f"order {order.order_id} is canceled, and nobody asked for that")


def _cancel_alls(history: History) -> Iterator[Finding]:
    """No order that a user placed before an acknowledged `cancel_all`, or timer, is open: a user waits for each answer,
    and by the end every timer has run."""
    there = {order.order_id: order for order in history.final.orders}
    placed: defaultdict[str, list[OrderRow]] = defaultdict(list)
    for command in history.commands:
        if command.kind == "place" and command.acknowledged:
            placed[command.user_id] += command.orders
        elif command.kind in ("cancel_all", "cancel_all_after") and command.acknowledged:
            earlier = placed[command.user_id]
            for order in (order for order in earlier if command.market in (None, order.market)):
                now = there.get(order.order_id)
                if now is not None and now.status not in CLOSED:
                    yield wrong(f"order {order.order_id} of {command.user_id} outlived an acknowledged {command.kind}")
            placed[command.user_id] = [order for order in earlier if command.market not in (None, order.market)]


def _shown_orders(history: History) -> Iterator[Finding]:
    """Every reply about an order still holds: a closed order is unchanged, and an open one has not gone backwards."""
    there = {order.order_id: order for order in history.final.orders}
    for command in history.commands:
        for told in command.orders:
            now = there.get(told.order_id)
            if now is not None:  # otherwise `_orders` or the check below reports it
                yield from _still_so(command, told, now)
            elif command.kind != "place":
                yield lost(f"order {told.order_id} was {told.status} in a reply, and is not there")
    shown_open = {order.order_id: order for order in history.final.open_orders}
    for order in history.final.orders:
        if (order.status not in CLOSED) != (order.order_id in shown_open):
            yield wrong(f"order {order.order_id} is {order.status} in the history of orders, and not so among the open")
        elif order.status not in CLOSED and shown_open[order.order_id] != order:
            yield wrong(f"open order {order.order_id} is another in the history of orders")


def _still_so(command: Command, told: OrderRow, now: OrderRow) -> Iterator[Finding]:
    if told.status in CLOSED and now != told:
        if told.status == "canceled" and now.executed_quantity != told.executed_quantity:
            yield wrong(
                f"order {told.order_id} was canceled at {told.executed_quantity} executed, and was filled after that: "
                f"{now.executed_quantity}"
            )
        else:
            yield wrong(f"order {told.order_id} was {told.status} in a reply to {command.kind}, and is now {now}")
    elif money.number(now.executed_quantity) < money.number(told.executed_quantity):
        yield lost(f"order {told.order_id} had executed {told.executed_quantity}, and has now {now.executed_quantity}")


def _statuses(history: History) -> Iterator[Finding]:
    """Every change of a status was answered; so a market that all who closed it have opened again trades."""
    left: dict[tuple[str, str], StatusChange] = {}
    for change in history.status_changes:
        if not change.settled:
            yield wrong(f"{change.user_id}'s change of {change.market} to {change.status} was never answered")
        left[change.user_id, change.market] = change
    open_again = {change.market for change in left.values()}
    open_again -= {change.market for change in left.values() if change.status != "trading"}
    for market in sorted(open_again):
        if (status := history.final.statuses.get(market)) != "trading":
            yield wrong(f"{market} is {status}, and was opened again by all who had closed it")


def _ends(history: History) -> Iterator[Finding]:
    """An exchange that stops by itself, or must not start, reports why in one sentence."""
    for end in history.ends:
        if end.exit_code != ENDED_BY_ITSELF or not end.said.startswith("exchange: "):
            yield wrong(f"the exchange ended with exit code {end.exit_code} and the words {end.said!r}")
    for end in history.second_starts:
        if end.exit_code != ENDED_BY_ITSELF or REFUSES_TO_START not in end.said:
            yield wrong(f"a second exchange on the database ended with {end.exit_code} and the words {end.said!r}")
