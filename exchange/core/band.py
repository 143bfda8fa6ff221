"""The band around the best price at entry: no order that it applies to fills further from there.

The walk of such an order ends at the edge of the band. What is left of it then expires, if there is an order beyond the
edge that it would have met.
"""

from typing import Final

from exchange.core.book import Book
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import SelfTrade
from exchange.core.filters import ONE
from exchange.core.instrument import Instrument, div_ceil
from exchange.core.matching import NOTHING, Plan, plan, plan_for_quote

BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT


def edge_of(rules: Instrument, book: Book, terms: PlaceOrder) -> int | None:
    """The worst price that the band lets the order fill at, in ticks; None where no band applies."""
    filters = rules.filters
    if filters is None or not filters.fill_band:
        return None
    if terms.order_type is LIMIT and not filters.fill_band_applies_to_limit:
        return None
    best = (book.asks if terms.side is BUY else book.bids).best
    if best is None:
        return None
    if terms.side is BUY:
        return best.price_ticks * (ONE + filters.fill_band) // ONE
    return div_ceil(best.price_ticks * (ONE - filters.fill_band), ONE)


def plan_in_band(
    rules: Instrument,
    book: Book,
    terms: PlaceOrder,
    min_price_ticks: int,
    cost_max: int | None,
    mode: SelfTrade,
) -> Plan:
    """What the order would meet, no further than its band."""
    edge_ticks = edge_of(rules, book, terms)
    if edge_ticks is None:
        return plan(book, terms, rules.max_fills_per_order, min_price_ticks, cost_max, mode)
    limit_ticks = terms.price_ticks
    if limit_ticks is None and terms.side is not BUY:
        limit_ticks = min_price_ticks
    within = _tighter(terms, limit_ticks, edge_ticks)
    found = plan(book, within, rules.max_fills_per_order, min_price_ticks, cost_max, mode)
    if cost_max is None or found.cost_tick_lots <= cost_max:
        _note_band(book, terms, limit_ticks, within.price_ticks, terms.quantity_lots, found)
    return found


def plan_for_quote_in_band(
    rules: Instrument, book: Book, terms: PlaceOrder, limit_ticks: int | None, sum_max: int, mode: SelfTrade
) -> Plan:
    """The same for a market order by its sum of the quote: its quantity is what it finds within the band."""
    edge_ticks = edge_of(rules, book, terms)
    if edge_ticks is not None:
        within = _tighter(terms, limit_ticks, edge_ticks)
        limit_ticks = within.price_ticks
    return plan_for_quote(book, terms, rules.max_fills_per_order, limit_ticks, sum_max, mode)


def _tighter(terms: PlaceOrder, limit_ticks: int | None, edge_ticks: int) -> PlaceOrder:
    """The order with the tighter one of its limit and the edge of the band."""
    if limit_ticks is not None:
        edge_ticks = min(edge_ticks, limit_ticks) if terms.side is BUY else max(edge_ticks, limit_ticks)
    return PlaceOrder(
        terms.user_id,
        terms.market,
        terms.side,
        terms.order_type,
        terms.time_in_force,
        terms.post_only,
        edge_ticks,
        terms.quantity_lots,
        terms.client_order_id,
        terms.conditions,
    )


def _note_band(
    book: Book, terms: PlaceOrder, limit_ticks: int | None, edge_ticks: int | None, wanted_lots: int, found: Plan
) -> None:
    """Note that the walk ended at the edge of the band, if there is an order beyond it that would have been met."""
    if found is NOTHING or edge_ticks == limit_ticks or found.met_own_order or found.met_fills_max:
        return
    if found.matched_lots + found.prevented_lots >= wanted_lots:
        return
    assert edge_ticks is not None
    other = book.asks if terms.side is BUY else book.bids
    level = other.best
    while level is not None and (level.price_ticks - edge_ticks) * other.sign <= 0:
        level = level.next_best()
    found.met_band = level is not None and (limit_ticks is None or (level.price_ticks - limit_ticks) * other.sign <= 0)
