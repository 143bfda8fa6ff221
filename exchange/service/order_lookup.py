"""Where an order is found: in the book, among the orders that closed last, or in the database.

What can be answered from memory is answered at once. Only what may be in the database is asked there, by a bounded
number of calls, which hold nothing that an order needs.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from exchange.core.events import OrderUpdated
from exchange.core.venue import Venue
from exchange.pipeline.closed_orders import ClosedOrders
from exchange.pipeline.engine import Engine
from exchange.service.history import ID_MAX, Fill, History, OrderRead, fill_of
from exchange.service.queries import OpenOrder

SOURCES: Final = ("memory", "database", "none")


@dataclass(slots=True)
class OrderName:
    """Which order is meant: the user's, in that market, by exactly one of its ids."""

    user_id: str
    market: str
    order_id: int | None
    client_order_id: str | None


class Elsewhere:
    """Memory does not have the order; the database may. `order` is set if only its fills are missing."""

    __slots__ = ("order",)

    def __init__(self, order: OrderUpdated | None = None) -> None:
        self.order = order


_ELSEWHERE: Final = Elsewhere()


class OrderLookup:
    """Finds orders for those who ask. `sources` counts where the answers came from; "none" is proof without a look."""

    def __init__(self, engine: Engine, closed: ClosedOrders, history: History) -> None:
        self._engine = engine
        self._closed = closed
        self._history = history
        self.sources: Counter[str] = Counter(dict.fromkeys(SOURCES, 0))

    async def find(self, name: OrderName) -> OrderRead | None:
        """The order as it is now, open or closed, with its fills.

        Raises what `Engine.read` and `History` raise.
        """
        venue = self._engine.venue
        if name.order_id is not None and name.order_id > last_order_id(venue):
            self.sources["none"] += 1
            return None
        query = OpenOrder(name.user_id, name.market, name.order_id, name.client_order_id)
        found = await self._engine.read(query)
        order, last_trade_id = found.order, found.last_trade_id
        if order is None:
            return await self.find_closed(name)
        fills = self._fills(order, last_trade_id)
        if fills is None:
            self.sources["database"] += 1
            fills = await self._history.fills_of_order(order, last_trade_id)
        else:
            self.sources["memory"] += 1
        return OrderRead(order, fills)

    async def find_closed(self, name: OrderName) -> OrderRead | None:
        """The closed order, for one who knows that it was not open when everything durable now was not yet."""
        found = self.recall(name)
        return await self.look_up(name, found) if isinstance(found, Elsewhere) else found

    def recall(self, name: OrderName) -> OrderRead | Elsewhere | None:
        """The closed order from memory, None if there is no such order, or Elsewhere; never waits.

        To be asked once everything is durable that had been applied when the order was not open: then None is proof.
        """
        order = self._known(name)
        if isinstance(order, Elsewhere):
            return order
        if order is None:
            self.sources["none"] += 1
            return None
        fills = self._fills(order, ID_MAX)
        if fills is None:
            return Elsewhere(order)
        self.sources["memory"] += 1
        return OrderRead(order, fills)

    async def look_up(self, name: OrderName, missing: Elsewhere) -> OrderRead | None:
        """The closed order from the database, when `recall` has said Elsewhere. Raises what History raises."""
        self.sources["database"] += 1
        order = missing.order
        if order is not None:
            return OrderRead(order, await self._history.fills_of_order(order))
        # Memory has every order that closed later by its id, so the tables need not show more than this.
        sequence = self._closed.forgotten_sequence if name.order_id is not None else None
        return await self._history.order(name.user_id, name.market, name.order_id, name.client_order_id, sequence)

    def _known(self, name: OrderName) -> OrderUpdated | Elsewhere | None:
        order_id, client_ids = name.order_id, self._engine.venue.client_ids
        if order_id is None:
            assert name.client_order_id is not None
            taken = client_ids.taken_by(name.user_id, name.client_order_id)
            if taken is None:
                return None if client_ids.remembers_all else _ELSEWHERE
            order_id = taken[0]
        order = self._closed.find(order_id)
        if order is not None:
            terms = order.terms
            named = name.client_order_id in (None, terms.client_order_id)
            if terms.user_id == name.user_id and terms.market == name.market and named:
                return order
            # An order id is one order's; of a client order id there may have been an older order in this market, if
            # this one is of another or has been given another id since.
            return None if name.order_id is not None else _ELSEWHERE
        if self._closed.covers(order_id) and (name.order_id is not None or client_ids.remembers_all):
            return None
        return _ELSEWHERE

    def _fills(self, order: OrderUpdated, last_trade_id: int) -> list[Fill] | None:
        trades = self._closed.trades_of(order, last_trade_id)
        if trades is None:
            return None
        client_order_id = order.terms.client_order_id
        return [fill_of(trade, order.order_id, client_order_id) for trade in trades]


def last_order_id(venue: Venue) -> int:
    """No order has a higher id."""
    return venue.counts.last_order_id
