"""How many open orders of a kind a user may have in a market: those that wait for a price, and icebergs.

All orders of a list count from its beginning, also those that wait for another one.
"""

from collections.abc import Sequence
from typing import Final

from exchange.core.book import Trader
from exchange.core.commands import OrderType, PlaceOrder
from exchange.core.events import OrderStatus, RejectReason
from exchange.core.filters import Filters

LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET
PENDING: Final = OrderStatus.PENDING


def refused_counts(filters: Filters, coming: Sequence[PlaceOrder], trader: Trader) -> RejectReason | None:
    """The first filter by which the user would have too many orders of a kind with these."""
    if filters.max_open_stops:
        stops = len([terms for terms in coming if _is_stop(terms)])
        if stops and stops + _open_stops(trader) > filters.max_open_stops:
            return RejectReason.TOO_MANY_OPEN_STOPS
    if filters.max_open_icebergs:
        icebergs = len([terms for terms in coming if _is_iceberg(terms)])
        if icebergs and icebergs + _open_icebergs(trader) > filters.max_open_icebergs:
            return RejectReason.TOO_MANY_OPEN_ICEBERGS
    return None


def _open_stops(trader: Trader) -> int:
    waiting = [order for order in trader.open_orders if order.status is PENDING and order not in trader.leaves]
    return len([order for order in waiting if _is_stop(order.terms)])


def _open_icebergs(trader: Trader) -> int:
    icebergs = [order for order in trader.open_orders if _is_iceberg(order.terms)]
    return len([order for order in icebergs if order not in trader.leaves])


def _is_stop(terms: PlaceOrder) -> bool:
    return terms.order_type is not LIMIT and terms.order_type is not MARKET


def _is_iceberg(terms: PlaceOrder) -> bool:
    return terms.conditions is not None and terms.conditions.visible_lots is not None
