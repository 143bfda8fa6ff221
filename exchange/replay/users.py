"""Whose order is whose: a recording names no users, so two are made up.

With the recorded trades the buyer and the seller of each differ, which is all that the recording demands: an order
meets another only to trade with it (it stops when it is full, when nothing crosses or when the book is empty), so an
order that differs from everyone it traded with never meets its owner. A post-only order never meets anyone: it would
take, or it rests. Orders are nodes, trades are edges between bids and asks; each connected component is free to have
its buyers first or its sellers first, and the choice goes to fewer switches of user in the stream, because each
switch ends a batch.

Without the trades nobody knows who met whom: all bids belong to the first user and all asks to the second, which is
safe and costs a switch wherever the side changes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from exchange.replay.recording import Command, RecordedTrade, Recording


@dataclass(slots=True)
class Batch:
    """Consecutive commands of one user, `position` being that of the first in the recording."""

    user_id: str
    position: int
    commands: list[Command]


class Owners:
    """The owner of each order: the first user's, unless its id is among the second's."""

    def __init__(self, recording: Recording, user_ids: tuple[str, str]) -> None:
        self.user_ids = user_ids
        if recording.trades is None:
            self._second = frozenset(command.order_id for command in recording.commands if not command.is_bid)
        else:
            self._second = orders_of_second_user(recording.commands, recording.trades)

    def user_of(self, command: Command) -> str:
        """The user whose order the command is about."""
        return self.user_ids[command.order_id in self._second]

    def batch_at(self, commands: Sequence[Command], position: int, items_max: int) -> Batch:
        """The longest run of one user from `position` on, at most `items_max` long."""
        user_id = self.user_of(commands[position])
        end = position + 1
        while end < len(commands) and end - position < items_max and self.user_of(commands[end]) == user_id:
            end += 1
        return Batch(user_id, position, list(commands[position:end]))

    def needs(self, commands: Sequence[Command]) -> Iterator[tuple[str, bool, int]]:
        """What each user can need at most, as (user, whether of quote, count).

        It is enough if no order ever filled or closed. Base counts quantities, quote counts price times quantity.
        A market buy has no price and is taken at the highest of the file.
        """
        highest = max((command.price for command in commands), default=0)
        counts: defaultdict[tuple[str, bool], int] = defaultdict(int)
        for command in commands:
            if command.action == "add":
                price = highest if command.kind == "market" else command.price
                counts[self.user_of(command), command.is_bid] += command.quantity * (price if command.is_bid else 1)
        for (user_id, of_quote), count in sorted(counts.items()):
            if count > 0:
                yield user_id, of_quote, count


def orders_of_second_user(commands: Sequence[Command], trades: Sequence[RecordedTrade]) -> frozenset[str]:
    """Two colours for the orders that traded, so that both sides of each trade differ and the stream switches rarely.

    The flips that pay are taken until none does: every flip lessens the switches, so it ends; the result is a local
    optimum and depends on nothing but the arguments. Orders in no trade belong to the first user.
    """
    component_of = _components(trades)
    alone, together = _switch_costs(commands, component_of)
    sellers_first = dict.fromkeys(dict.fromkeys(component_of.values()), False)
    improved = True
    while improved:
        improved = False
        for component in sellers_first:
            gain = alone[component] * (-1 if sellers_first[component] else 1)
            for other, weight in together[component].items():
                gain += weight * (1 if sellers_first[other] == sellers_first[component] else -1)
            if gain < 0:
                sellers_first[component] = not sellers_first[component]
                improved = True
    is_bid = {command.order_id: command.is_bid for command in commands if command.action == "add"}
    return frozenset(
        order_id for order_id, component in component_of.items() if is_bid[order_id] == sellers_first[component]
    )


def _components(trades: Sequence[RecordedTrade]) -> dict[str, str]:
    """Each order that traded, with the order that stands for everything connected to it (union-find)."""
    parent: dict[str, str] = {}

    def root(order_id: str) -> str:
        while parent.setdefault(order_id, order_id) != order_id:
            parent[order_id] = parent[parent[order_id]]
            order_id = parent[order_id]
        return order_id

    for trade in trades:
        parent[root(trade.buy_order_id)] = root(trade.sell_order_id)
    return {order_id: root(order_id) for order_id in parent}


def _switch_costs(
    commands: Sequence[Command], component_of: dict[str, str]
) -> tuple[defaultdict[str, int], defaultdict[str, defaultdict[str, int]]]:
    """What the neighbourhoods in the stream cost.

    `alone[c]` is how many more switches the borders of c with orders in no trade cost if c has its sellers first
    rather than its buyers. `together[c][d]` is how many more the borders of c with d cost if c and d are turned
    differently.
    """
    alone: defaultdict[str, int] = defaultdict(int)
    together: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for before, after in pairwise(commands):
        here, there = component_of.get(before.order_id), component_of.get(after.order_id)
        if here == there:
            continue
        if here is not None and there is not None:
            weight = 1 if before.is_bid == after.is_bid else -1
            together[here][there] += weight
            together[there][here] += weight
        else:
            traded = before if here is not None else after
            alone[here or there or ""] += 1 if traded.is_bid else -1
    return alone, together
