"""How many open orders and lists a user may have: of a kind in a market, and in all markets together.

All orders of a list count from its beginning, also those that wait for another one.
"""

from collections.abc import Sequence
from typing import Final

from exchange.core.book import Order, Trader
from exchange.core.commands import OrderType, PlaceOrder, TimeInForce
from exchange.core.events import RejectReason
from exchange.core.filters import Filters
from exchange.core.open_counts import OpenCounts, is_iceberg, is_stop
from exchange.core.venue_filters import VenueFilters

LIMIT: Final = OrderType.LIMIT
MAY_REST: Final = (TimeInForce.GTC, TimeInForce.GTD)


def refused_counts(
    filters: Filters, coming: Sequence[PlaceOrder], trader: Trader, lists: int = 0
) -> RejectReason | None:
    """The first filter by which the user would have too much open with these orders, which are so many lists."""
    stops = len([terms for terms in coming if is_stop(terms)])
    icebergs = len([terms for terms in coming if is_iceberg(terms)])
    if stops and 0 < filters.max_open_stops < stops + _open_stops(trader):
        return RejectReason.TOO_MANY_OPEN_STOPS
    if icebergs and 0 < filters.max_open_icebergs < icebergs + _open_icebergs(trader):
        return RejectReason.TOO_MANY_OPEN_ICEBERGS
    if lists and 0 < filters.max_open_lists < lists + len(trader.counts.lists):
        return RejectReason.TOO_MANY_OPEN_LISTS
    everywhere = trader.counts.everywhere
    if everywhere.of_market is None:
        return None
    orders = len(coming) if lists else len([terms for terms in coming if is_stop(terms) or _may_rest(terms)])
    return _refused_everywhere(everywhere.filters, trader, orders, stops, icebergs, lists)


def _refused_everywhere(
    filters: VenueFilters, trader: Trader, orders: int, stops: int, icebergs: int, lists: int
) -> RejectReason | None:
    """The same for all markets together."""
    others = _elsewhere(trader)
    if orders and filters.max_open_orders:
        there = len(trader.open_orders) - trader.leaving + sum([len(each.orders) for each in others])
        if orders + there > filters.max_open_orders:
            return RejectReason.TOO_MANY_OPEN_ORDERS_EVERYWHERE
    if stops and filters.max_open_stops:
        there = _open_stops(trader) + sum([len(each.stops) for each in others])
        if stops + there > filters.max_open_stops:
            return RejectReason.TOO_MANY_OPEN_STOPS_EVERYWHERE
    if icebergs and filters.max_open_icebergs:
        there = _open_icebergs(trader) + sum([len(each.icebergs) for each in others])
        if icebergs + there > filters.max_open_icebergs:
            return RejectReason.TOO_MANY_OPEN_ICEBERGS_EVERYWHERE
    if lists and filters.max_open_lists:
        there = len(trader.counts.lists) + sum([len(each.lists) for each in others])
        if lists + there > filters.max_open_lists:
            return RejectReason.TOO_MANY_OPEN_LISTS_EVERYWHERE
    return None


def _elsewhere(trader: Trader) -> list[OpenCounts]:
    """The counts of the user in the other markets."""
    counts = trader.counts
    return [each for each in counts.everywhere.of(trader.user.user_id) if each is not counts]


def _open_stops(trader: Trader) -> int:
    stops = trader.counts.stops
    return len(stops) - len([order for order in trader.leaves if order.order_id in stops])


def _open_icebergs(trader: Trader) -> int:
    icebergs = trader.counts.icebergs
    return len(icebergs) - len([order for order in trader.leaves if order.order_id in icebergs])


def _may_rest(terms: PlaceOrder) -> bool:
    return terms.order_type is LIMIT and terms.time_in_force in MAY_REST


def check_counts(counts: OpenCounts, orders: Sequence[Order], lists: Sequence[int]) -> None:
    """Assert that the counts of a user in a market are of these open orders and lists."""
    assert len(counts.orders) == len(orders)
    stops = [order.order_id for order in orders if order.level is None and is_stop(order.terms)]
    assert sorted(counts.stops) == sorted(stops)
    assert sorted(counts.icebergs) == sorted([order.order_id for order in orders if is_iceberg(order.terms)])
    assert sorted(counts.lists) == sorted(lists)
