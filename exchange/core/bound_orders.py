"""Orders that are bound to the socket that placed them: they are canceled when it ends.

A socket is a number that says which orders belong together, and nothing outlives the process that gave it: the next one
begins by canceling all orders that are bound, before it takes any command.
"""

from dataclasses import replace
from heapq import nsmallest

from exchange.core.book import Order
from exchange.core.commands import PlaceOrder
from exchange.core.conditions import Conditions


class BoundOrders:
    """The open orders of a market that are bound, by socket."""

    __slots__ = ("orders", "sockets")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.sockets: dict[int, dict[int, Order]] = {}

    def add(self, order: Order) -> None:
        """The order is open; it may be known already."""
        socket = socket_of(order.terms)
        if socket is not None:
            self.orders[order.order_id] = order
            self.sockets.setdefault(socket, {})[order.order_id] = order

    def remove(self, order: Order) -> None:
        """The order has ended."""
        socket = socket_of(order.terms)
        if socket is not None and self.orders.pop(order.order_id, None) is not None:
            placed = self.sockets[socket]
            del placed[order.order_id]
            if not placed:
                del self.sockets[socket]

    def of(self, socket: int | None, orders_max: int) -> list[Order]:
        """The orders of a socket, or of any (None), oldest first: at most so many."""
        placed = self.orders if socket is None else self.sockets.get(socket, {})
        return [placed[order_id] for order_id in nsmallest(orders_max, placed)]

    def check(self, open_orders: dict[int, Order]) -> None:
        """Assert that these are the open orders that are bound."""
        bound = {order_id: order for order_id, order in open_orders.items() if socket_of(order.terms) is not None}
        assert bound == self.orders
        assert all(self.sockets.values())
        assert {order_id: order for placed in self.sockets.values() for order_id, order in placed.items()} == bound
        assert all(socket_of(order.terms) == socket for socket in self.sockets for order in self.of(socket, len(bound)))


def socket_of(terms: PlaceOrder) -> int | None:
    """The socket that the order is bound to."""
    return None if terms.conditions is None else terms.conditions.socket


def bound_to(terms: PlaceOrder, socket: int) -> PlaceOrder:
    """The same order, bound to a socket."""
    asked = Conditions() if terms.conditions is None else terms.conditions
    return replace(terms, conditions=replace(asked, socket=socket))
