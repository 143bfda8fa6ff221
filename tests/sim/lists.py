"""Lists of orders in the simulation: what a client asks for, what it was told, and what is there at the end."""

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from exchange.core.commands import ListType, OrderType, PlaceList, PlaceOrder, Side, TimeInForce
from exchange.core.conditions import Conditions, PegTo, Pending, SelfTrade
from exchange.core.events import Duplicate, OrderStatus, OrderUpdated, Rejected, RejectReason
from exchange.core.list_events import ListUpdated
from exchange.core.outcome import Applied

OCO, OTO, OTOCO = ListType
LIMIT, GTC, IOC, GTD = OrderType.LIMIT, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD


@dataclass
class Lists:
    """The lists of a client by their names: what was asked, and the number of each that was accepted."""

    placed: dict[str, PlaceList] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    legs: set[str] = field(default_factory=set)  # the names of all their orders

    def note(self, command: PlaceList, outcome: Any) -> dict[str, int]:
        """What the answer says; the ids of its orders by name, where it tells them."""
        name = command.client_list_id
        assert name is not None
        known = self.numbers.get(name)
        if isinstance(outcome, Rejected):
            assert known is None, f"list {name} was taken, and is now refused"
            assert outcome.reason is not RejectReason.CLIENT_ORDER_ID_CONFLICT
            self.refused.add(name)
            return {}
        assert isinstance(outcome, Applied | Duplicate), outcome
        told = [event for event in outcome.events if isinstance(event, ListUpdated)] if type(outcome) is Applied else []
        number = outcome.order_id if isinstance(outcome, Duplicate) else told[0].list_id
        assert known in (None, number), f"{name} is two lists"
        assert known is None or isinstance(outcome, Duplicate), f"list {name} was carried out again"
        assert number is not None
        self.placed[name], self.numbers[name] = command, number
        self.legs |= {str(terms.client_order_id) for terms in command.orders}
        self.refused.discard(name)
        return {str(leg.client_order_id): leg.order_id for leg in told[0].legs} if told else {}


def list_of(user: str, market: str, name: str, now_ns: int, chance: Random) -> PlaceList:
    """A list around the prices of the simulation; some legs are pegged, icebergs, trailing or good till a time."""
    kind, side, middle = chance.choice(tuple(ListType)), chance.choice((Side.BUY, Side.SELL)), chance.randrange(3, 6)
    mode, lots = chance.choice((None, None, None, *SelfTrade)), chance.randrange(2, 10)
    shared = (user, market, side)
    away = 1 if side is Side.SELL else -1
    high, low = middle + away, max(1, middle - away)
    expire_ns = now_ns + chance.randrange(20 * 10**9) if chance.random() < 0.2 else None
    visible = 1 if chance.random() < 0.2 else None
    profit = PlaceOrder(*shared, LIMIT, GTD if expire_ns else GTC, False, high, lots, None, None)
    profit.conditions = _or_none(Conditions(mode, expire_ns=expire_ns, visible_lots=visible))
    if expire_ns is None and chance.random() < 0.3:
        follows = chance.choice((None, 1))
        pegged = Conditions(mode, peg_to=PegTo.PRIMARY, peg_follows=follows, visible_lots=visible)
        profit = replace(profit, conditions=pegged, price_ticks=high if follows else None)
    trails = chance.random() < 0.3
    waits = Conditions(mode, stop_ticks=None if trails else low, trailing_ticks=1 if trails else None)
    limited = chance.random() < 0.5
    stop = OrderType.STOP_LOSS_LIMIT if limited else OrderType.STOP_LOSS
    loss = PlaceOrder(*shared, stop, GTC if limited else IOC, False, low if limited else None, lots, None, waits)
    legs = [profit, loss] if chance.random() < 0.5 else [loss, profit]
    if kind is not OCO:
        first = (user, market, Side(1 - side), LIMIT, chance.choice((GTC, GTC, GTC, IOC)), False)
        own = _or_none(Conditions(mode))
        working = PlaceOrder(*first, chance.randrange(2, 8), chance.randrange(1, 10), None, own)
        legs = [working, *(legs if kind is OTOCO else legs[:1])]
    named = [replace(terms, client_order_id=f"{name}.{at}") for at, terms in enumerate(legs)]
    return PlaceList(user, market, kind, tuple(named), f"{name}.list")


def _or_none(asked: Conditions) -> Conditions | None:
    return None if asked == Conditions() else asked


def check_lists(
    user: str,
    lists: Lists,
    there: dict[tuple[str, str | None], list[int]],
    orders: dict[int, OrderUpdated],
    reduced: Counter[int],
) -> None:
    """Each accepted list is there whole and once, its orders have ended each other, and no refused one is there.

    `there` has the ids of the orders of each name; those of lists are taken from it.
    """
    for name, command in lists.placed.items():
        ids = [there.pop((user, terms.client_order_id), []) for terms in command.orders]
        assert all(len(found) == 1 for found in ids), f"list {name} is there as {ids}"
        own = [orders[found[0]] for found in ids]
        numbers = {order.progress.list_id for order in own if order.progress is not None}
        assert numbers == {lists.numbers[name]}, f"orders of list {name} are of {numbers}"
        legs = own if command.list_type is OCO else own[1:]
        if len(legs) == 2:
            assert not all(leg.executed_lots for leg in legs), f"both legs of list {name} filled"
            for leg, other in (legs, legs[::-1]):
                assert not leg.executed_lots or other.status >= OrderStatus.FILLED, f"a leg of {name} is still there"
        if command.list_type is not OCO and own[0].status is OrderStatus.FILLED:
            waits = [leg for leg in legs if leg.progress is not None and leg.progress.pending is Pending.LIST]
            # What was released has entered, unless its time was over by then.
            ended = [leg.status >= OrderStatus.FILLED and leg.progress.triggered_ns for leg in waits if leg.progress]
            assert all(ended), f"an order of list {name} waits for one that is filled"
        elif command.list_type is not OCO:
            assert not any(leg.executed_lots for leg in legs), f"an order of list {name} entered too early"
        for group in [own] if command.list_type is OCO else [own[:1], legs]:
            less = [_asked(command, order).quantity_lots - order.terms.quantity_lots for order in group]
            wanted = sum([reduced[order.order_id] for order in group])
            assert max(less) == wanted, f"list {name} was reduced by {less}, and {wanted} was acknowledged"
    for name in lists.refused:
        begin = name.removesuffix("list")
        assert not any(str(found).startswith(begin) for _, found in there), f"list {name} was refused, and is there"


def _asked(command: PlaceList, order: OrderUpdated) -> PlaceOrder:
    return next(terms for terms in command.orders if terms.client_order_id == order.terms.client_order_id)
