"""Which client order ids are taken: those of all open orders, and the last so many ever accepted.

An id belongs to its user, over all markets. Older ones may be used again; and an order that asks for it may use any
again that no open order has. Then the id names the newest order. An order that is given another id is named by that
one only; the id it had stays taken among the last ones. A retry is compared with what was first sent.
"""

from collections import deque
from dataclasses import replace

from exchange.core.big_map import BigMap
from exchange.core.book import Order
from exchange.core.commands import PlaceOrder
from exchange.core.conditions import Conditions, Progress
from exchange.core.events import Duplicate, Rejected, RejectReason

RECENT_MAX = 1_000_000


class ClientIds:
    """Finds the order that a client order id names."""

    __slots__ = ("_age", "_open", "_recent", "_recent_max")

    def __init__(self, recent_max: int = RECENT_MAX) -> None:
        self._recent_max = recent_max
        self._open: BigMap[tuple[str, str], Order] = BigMap()
        self._recent: BigMap[tuple[str, str], tuple[int, PlaceOrder]] = BigMap()
        self._age: deque[tuple[int, PlaceOrder]] = deque()  # oldest first

    def accepted(self, order_id: int, terms: PlaceOrder) -> None:
        """Remember the id of an accepted order, and forget the oldest beyond the limit."""
        if terms.client_order_id is None:
            return
        key = (terms.user_id, terms.client_order_id)
        assert self._recent.get(key) is None or refuses_while_open(terms)
        self._recent.put(key, (order_id, terms))
        self._age.append((order_id, terms))
        if len(self._age) > self._recent_max:
            self._forget(*self._age.popleft())

    def _forget(self, order_id: int, terms: PlaceOrder) -> None:
        assert terms.client_order_id is not None
        key = (terms.user_id, terms.client_order_id)
        newest = self._recent.get(key)
        if newest is not None and newest[0] == order_id:
            self._recent.remove(key)

    def renamed(self, order: Order) -> None:
        """Remember the id that an open order was given besides."""
        self.accepted(order.order_id, as_placed(order.terms, order.progress))

    def rested(self, order: Order) -> None:
        """Keep the id for as long as the order is open."""
        if order.terms.client_order_id is not None:
            self._open.put((order.user_id, order.terms.client_order_id), order)

    def closed(self, order: Order) -> None:
        """The order is no longer open."""
        if order.terms.client_order_id is not None:
            self._open.remove((order.user_id, order.terms.client_order_id))

    def open_order(self, user_id: str, client_order_id: str) -> Order | None:
        """The open order of that id."""
        return self._open.get((user_id, client_order_id))

    def taken_by(self, user_id: str, client_order_id: str) -> tuple[int, PlaceOrder] | None:
        """The order, open or closed, that keeps the id from being used again: its id and what was asked."""
        key = (user_id, client_order_id)
        order = self._open.get(key)
        if order is None:
            return self._recent.get(key)
        return order.order_id, as_placed(order.terms, order.progress)

    def seen_before(self, command: PlaceOrder, leaving: Order | None = None) -> Rejected | Duplicate | None:
        """A retry finds its order; another order under the same id is refused. `leaving` is one that ends first."""
        if command.client_order_id is None:
            return None
        if refuses_while_open(command):
            other = self.open_order(command.user_id, command.client_order_id)
            return Rejected(RejectReason.CLIENT_ORDER_ID_CONFLICT) if other not in (None, leaving) else None
        taken = self.taken_by(command.user_id, command.client_order_id)
        if taken is None:
            return None
        order_id, terms = taken
        return Duplicate(order_id) if same_order(terms, command) else Rejected(RejectReason.CLIENT_ORDER_ID_CONFLICT)

    @property
    def remembers_all(self) -> bool:
        """Whether no id was forgotten: one that is not taken was never used."""
        return len(self._age) < self._recent_max

    def recent(self) -> list[tuple[int, PlaceOrder]]:
        """The remembered orders, oldest first."""
        return list(self._age)


def same_order(sent: PlaceOrder, again: PlaceOrder) -> bool:
    """Whether both ask the same; conditions that ask nothing are none."""
    return sent == again or _plain(sent) == _plain(again)


def _plain(terms: PlaceOrder) -> PlaceOrder:
    return replace(terms, conditions=None) if terms.conditions == Conditions() else terms


def refuses_while_open(terms: PlaceOrder) -> bool:
    """Whether only an open order keeps the order's client order id from being used again."""
    return terms.conditions is not None and terms.conditions.refuse_while_open is not None


def as_placed(terms: PlaceOrder, progress: Progress | None) -> PlaceOrder:
    """The terms of an order as they were before it was amended, under the id that it has now."""
    if progress is None or not progress.amendments:
        return terms
    price_ticks = None if terms.price_ticks is None else progress.first_price_ticks
    return replace(terms, price_ticks=price_ticks, quantity_lots=progress.first_quantity_lots)
