"""The orders of a market that have a time to end, by that time."""

from sortedcontainers import SortedList

from exchange.core.book import Order
from exchange.core.timers import NEVER_NS


class Deadlines:
    """Which orders are due. `next_ns` is the earliest time."""

    __slots__ = ("_times", "next_ns", "orders")

    def __init__(self) -> None:
        self._times: SortedList[tuple[int, int]] = SortedList()  # with the order id
        self.orders: dict[int, Order] = {}
        self.next_ns = NEVER_NS

    def add(self, order: Order) -> None:
        """The order has a time to end, if it is not known already."""
        time_ns = expire_ns(order)
        if time_ns is not None and order.order_id not in self.orders:
            self.orders[order.order_id] = order
            self._times.add((time_ns, order.order_id))
            self.next_ns = self._times[0][0]

    def remove(self, order: Order) -> None:
        """The order has ended."""
        time_ns = expire_ns(order)
        if time_ns is not None and self.orders.pop(order.order_id, None) is not None:
            self._times.remove((time_ns, order.order_id))
            self.next_ns = self._times[0][0] if self._times else NEVER_NS

    def due(self, now_ns: int) -> Order | None:
        """The first order whose time is over."""
        return self.orders[self._times[0][1]] if self.next_ns <= now_ns else None

    def check(self, open_orders: set[int]) -> None:
        """Assert that these are the open orders that have a time."""
        assert open_orders == set(self.orders)
        assert list(self._times) == sorted((expire_ns(order), number) for number, order in self.orders.items())
        assert self.next_ns == (self._times[0][0] if self._times else NEVER_NS)


def expire_ns(order: Order) -> int | None:
    """The time at which the order ends, if it has one."""
    conditions = order.terms.conditions
    return None if conditions is None else conditions.expire_ns
