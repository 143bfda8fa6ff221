"""The open lists of a market, and the client list ids in use.

A list is open until all its orders have ended. Two orders are partners while either may still end the other: the legs
of an OCO, and the pending orders of an OTOCO once they have entered. Partners lock together what the larger of their
needs is.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.book import Order
from exchange.core.client_ids import same_order
from exchange.core.commands import ListType, PlaceList
from exchange.core.conditions import Pending
from exchange.core.events import Duplicate, ExpireReason, OrderStatus, OrderUpdated, Rejected, RejectReason
from exchange.core.list_events import ENDED, Leg, ListChange, ListEnd, ListUpdated
from exchange.core.state import ListState

# Such an order ended because another one had, which says how the list ended.
FOLLOWED: Final = (ExpireReason.OTHER_LEG, ExpireReason.LIST)


@mypyc_attr(acyclic=True)
class OrderList:
    """A list of which an order is open. `open` are its orders that are, by id."""

    __slots__ = ("created_ns", "end", "legs", "list_id", "open", "placed", "updated_ns")

    def __init__(self, list_id: int, placed: PlaceList, created_ns: int) -> None:
        self.list_id = list_id
        self.placed = placed
        self.created_ns = created_ns
        self.updated_ns = created_ns
        self.legs: tuple[Leg, ...] = ()
        self.end: ListEnd | None = None
        self.open: dict[int, Order] = {}

    @property
    def working_id(self) -> int:
        """The order that the pending ones wait for; 0 of an OCO."""
        return 0 if self.placed.list_type is ListType.OCO else self.legs[0].order_id

    def pending(self) -> list[Order]:
        """Its orders that wait for the working one."""
        return [order for order in self.open.values() if waits_for_list(order)]

    def note(self, order: OrderUpdated) -> bool:
        """An order of the list has changed; whether its status is another one."""
        for leg in self.legs:
            if leg.order_id == order.order_id and leg.status != order.status:
                break
        else:
            return False
        self.legs = tuple(
            [
                Leg(leg.order_id, leg.client_order_id, order.status) if leg.order_id == order.order_id else leg
                for leg in self.legs
            ]
        )
        if order.status >= ENDED:
            self.open.pop(order.order_id, None)
            if order.expire_reason not in FOLLOWED:
                self.end = _end(order)
        return True

    def told(self, change: ListChange, lists_sequence: int) -> ListUpdated:
        """The list as it is now."""
        return ListUpdated(
            *(change, self.list_id, self.placed, self.legs, self.end, self.created_ns, self.updated_ns),
            lists_sequence,
        )

    def state(self) -> ListState:
        """The same as it is stored."""
        return ListState(self.list_id, self.placed, self.legs, self.end, self.created_ns, self.updated_ns)


def _end(order: OrderUpdated) -> ListEnd:
    if order.status is OrderStatus.FILLED:
        return ListEnd.FILLED
    if order.status is OrderStatus.CANCELED:
        return ListEnd.CANCELED
    if order.expire_reason is ExpireReason.WORKING_ORDER_ENDED:
        return ListEnd.WORKING_ORDER_ENDED
    return ListEnd.REFUSED_AT_TRIGGER if order.expire_reason is ExpireReason.REFUSED_AT_TRIGGER else ListEnd.EXPIRED


def restored(state: ListState) -> OrderList:
    """An open list as it was stored; its orders are put back one by one."""
    made = OrderList(state.list_id, state.placed, state.created_ns)
    made.updated_ns, made.legs, made.end = state.updated_ns, state.legs, state.end
    return made


def waits_for_list(order: Order) -> bool:
    """Whether the order waits for the working order of its list."""
    return order.progress is not None and order.progress.pending is Pending.LIST


def may_work(found: OrderList) -> list[Order]:
    """The open orders of a list that wait for no other: two of them are partners."""
    return [order for order in found.open.values() if not waits_for_list(order)]


def check(lists: dict[int, OrderList], partners: dict[Order, Order], open_orders: Iterable[Order]) -> None:
    """Assert that lists and open orders know each other, and that partners are those who may end each other."""
    listed = {order.order_id: order for order in open_orders if order.progress is not None and order.progress.list_id}
    paired: dict[Order, Order] = {}
    for list_id, found in lists.items():
        assert found.list_id == list_id
        assert found.open
        assert len(found.legs) == len(found.placed.orders)
        for leg in found.legs:
            order = listed.pop(leg.order_id, None)
            assert (order is None) == (leg.status >= ENDED)
            assert found.open.get(leg.order_id) is order
            if order is not None:
                assert order.progress is not None
                assert order.progress.list_id == list_id
                assert order.status == leg.status
        working = may_work(found)
        if len(working) > 1:
            first, second = working
            paired[first], paired[second] = second, first
    assert not listed
    assert paired == partners


class ListIds:
    """The client list ids in use: those of open lists, and the last so many ever accepted. See client_ids."""

    __slots__ = ("_age", "_open", "_recent", "_recent_max")

    def __init__(self, recent_max: int) -> None:
        self._recent_max = recent_max
        self._open: dict[tuple[str, str], OrderList] = {}
        self._recent: dict[tuple[str, str], tuple[int, PlaceList]] = {}
        self._age: deque[tuple[int, PlaceList]] = deque()  # oldest first

    def accepted(self, list_id: int, placed: PlaceList) -> None:
        """Remember the id of an accepted list, and forget the oldest beyond the limit."""
        if placed.client_list_id is None:
            return
        self._recent[placed.user_id, placed.client_list_id] = (list_id, placed)
        self._age.append((list_id, placed))
        if len(self._age) > self._recent_max:
            old_id, old = self._age.popleft()
            assert old.client_list_id is not None
            key = (old.user_id, old.client_list_id)
            if self._recent[key][0] == old_id:
                del self._recent[key]

    def opened(self, found: OrderList) -> None:
        """Keep the id for as long as the list is open."""
        if found.placed.client_list_id is not None:
            self._open[found.placed.user_id, found.placed.client_list_id] = found

    def closed(self, found: OrderList) -> None:
        """The list is no longer open."""
        if found.placed.client_list_id is not None:
            del self._open[found.placed.user_id, found.placed.client_list_id]

    def open_list(self, user_id: str, client_list_id: str) -> OrderList | None:
        """The open list of that id."""
        return self._open.get((user_id, client_list_id))

    def taken_by(self, user_id: str, client_list_id: str) -> tuple[int, PlaceList] | None:
        """The list, open or not, that keeps the id from being used again: its list id and what was asked."""
        found = self._open.get((user_id, client_list_id))
        return self._recent.get((user_id, client_list_id)) if found is None else (found.list_id, found.placed)

    def seen_before(self, command: PlaceList) -> Rejected | Duplicate | None:
        """A retry finds its list; another list under the same id is refused."""
        if command.client_list_id is None:
            return None
        if command.refuse_while_open:
            known = self.open_list(command.user_id, command.client_list_id)
            return None if known is None else Rejected(RejectReason.CLIENT_ORDER_ID_CONFLICT)
        taken = self.taken_by(command.user_id, command.client_list_id)
        if taken is None:
            return None
        list_id, placed = taken
        return Duplicate(list_id) if _same(placed, command) else Rejected(RejectReason.CLIENT_ORDER_ID_CONFLICT)

    def recent(self) -> list[tuple[int, PlaceList]]:
        """The remembered lists, oldest first."""
        return list(self._age)


def _same(sent: PlaceList, again: PlaceList) -> bool:
    """Whether both ask the same."""
    if replace(sent, orders=()) != replace(again, orders=()) or len(sent.orders) != len(again.orders):
        return False
    return all(map(same_order, sent.orders, again.orders))
