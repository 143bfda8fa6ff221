"""Why the filters of a market refuse an order: what can be judged before the book is walked, and what only after that.

An order that waits is judged when it is placed and again when it enters. A change of the filters leaves open orders as
they are; one that waits may find at its trigger that it may not enter any more.
"""

from typing import Final

from exchange.core.affordable import affordable
from exchange.core.average import average_price
from exchange.core.book import Book, Order, Trader
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.events import RejectReason
from exchange.core.fees import Rates
from exchange.core.filter_counts import refused_counts
from exchange.core.filters import ONE, Filters
from exchange.core.instrument import Instrument, div_ceil
from exchange.core.matching import Plan
from exchange.core.triggers import rises

BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT
WITH_LIMIT: Final = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
# A replacement asks first for what holds whatever else is open.
AFTER_FILTERS: Final = (RejectReason.WOULD_TAKE, RejectReason.INSUFFICIENT_BALANCE)
# The reasons that are filters of a market or of the venue; those that only amendments have are not among them.
OF_FILTERS: Final = (
    RejectReason.MAX_PRICE,
    RejectReason.MIN_QUANTITY,
    RejectReason.MAX_QUANTITY,
    RejectReason.MARKET_MIN_QUANTITY,
    RejectReason.MARKET_MAX_QUANTITY,
    RejectReason.MAX_NOTIONAL,
    RejectReason.PRICE_BAND,
    RejectReason.TOO_MANY_OPEN_STOPS,
    RejectReason.TOO_MANY_OPEN_ICEBERGS,
    RejectReason.TOO_MANY_OPEN_LISTS,
    RejectReason.TOO_MANY_OPEN_ORDERS_EVERYWHERE,
    RejectReason.TOO_MANY_OPEN_STOPS_EVERYWHERE,
    RejectReason.TOO_MANY_OPEN_ICEBERGS_EVERYWHERE,
    RejectReason.TOO_MANY_OPEN_LISTS_EVERYWHERE,
    RejectReason.ICEBERG_PARTS,
    RejectReason.TRAILING_RANGE,
    RejectReason.MAX_POSITION,
    RejectReason.MAX_ASSET,
)


def refused_by_filter(
    rules: Instrument, filters: Filters, average: tuple[int, ...], terms: PlaceOrder, trader: Trader, now_ns: int
) -> RejectReason | None:
    """The first filter that refuses an order which enters, as far as that needs no walk through the book.

    The order is in range, and a limit or a market order.
    """
    lots, price_ticks, conditions = terms.quantity_lots, terms.price_ticks, terms.conditions
    if price_ticks is not None and filters.max_price_ticks and price_ticks > filters.max_price_ticks:
        return RejectReason.MAX_PRICE
    if lots:
        reason = refused_quantity(filters, terms.order_type, lots) or _refused_amounts(rules, filters, terms, trader)
        if reason is not None:
            return reason
    if _worth_too_much(rules, filters, average, terms, now_ns):
        return RejectReason.MAX_NOTIONAL
    if terms.order_type is LIMIT and out_of_band(rules, filters, average, terms, now_ns):
        return RejectReason.PRICE_BAND
    if conditions is not None and conditions.visible_lots is not None:
        return RejectReason.ICEBERG_PARTS if refused_parts(filters, lots, conditions.visible_lots) else None
    return None


def refused_at_price(
    rules: Instrument, filters: Filters, average: tuple[int, ...], terms: PlaceOrder, now_ns: int
) -> RejectReason | None:
    """The first filter by which a limit order may not have its price, whatever else it is."""
    price_ticks = terms.price_ticks
    assert price_ticks is not None
    if filters.max_price_ticks and price_ticks > filters.max_price_ticks:
        return RejectReason.MAX_PRICE
    notional_minor = price_ticks * terms.quantity_lots * rules.notional_unit
    if filters.max_quote_minor and notional_minor > filters.max_quote_minor:
        return RejectReason.MAX_ASSET
    if filters.max_notional_minor and notional_minor > filters.max_notional_minor:
        return RejectReason.MAX_NOTIONAL
    return RejectReason.PRICE_BAND if out_of_band(rules, filters, average, terms, now_ns) else None


def refused_quantity(filters: Filters, order_type: OrderType, lots: int) -> RejectReason | None:
    """Why an order may not have that quantity."""
    if lots < filters.min_quantity_lots:
        return RejectReason.MIN_QUANTITY
    if filters.max_quantity_lots and lots > filters.max_quantity_lots:
        return RejectReason.MAX_QUANTITY
    if order_type is LIMIT:
        return None
    if lots < filters.market_min_quantity_lots:
        return RejectReason.MARKET_MIN_QUANTITY
    if filters.market_max_quantity_lots and lots > filters.market_max_quantity_lots:
        return RejectReason.MARKET_MAX_QUANTITY
    return None


def _refused_amounts(rules: Instrument, filters: Filters, terms: PlaceOrder, trader: Trader) -> RejectReason | None:
    lots = terms.quantity_lots
    if filters.max_base_minor and lots * rules.lot_minor > filters.max_base_minor:
        return RejectReason.MAX_ASSET
    quote_minor = (terms.price_ticks or 0) * lots * rules.notional_unit if terms.order_type is LIMIT else 0
    if filters.max_quote_minor and quote_minor > filters.max_quote_minor:
        return RejectReason.MAX_ASSET
    if terms.side is BUY and filters.max_position_minor and _position(rules, trader, lots) > filters.max_position_minor:
        return RejectReason.MAX_POSITION
    return None


def _position(rules: Instrument, trader: Trader, lots: int, apart: Order | None = None) -> int:
    """What the user would have of the base if all buys that are open here fill, but for one, and so many lots more."""
    leaves = trader.leaves if apart is None else [apart]
    buys = [order for order in trader.open_orders if order.terms.side is BUY and order not in leaves]
    open_lots = sum([order.remaining_lots for order in buys])
    return trader.base.available + trader.base.locked + (open_lots + lots) * rules.lot_minor


def _worth_too_much(
    rules: Instrument, filters: Filters, average: tuple[int, ...], terms: PlaceOrder, now_ns: int
) -> bool:
    most_minor = filters.max_notional_minor
    if not most_minor:
        return False
    if terms.order_type is LIMIT:  # one that is pegged may have no price yet
        price_ticks = terms.price_ticks or 0
        return price_ticks * terms.quantity_lots * rules.notional_unit > most_minor
    if not filters.max_notional_applies_to_market:
        return False
    if not terms.quantity_lots:
        assert terms.conditions is not None
        assert terms.conditions.quote_minor is not None
        return terms.conditions.quote_minor > most_minor
    price = average_price(average, rules.avg_price_mins, now_ns)
    return price is not None and terms.quantity_lots * price[0] * rules.notional_unit > most_minor * price[1]


def out_of_band(rules: Instrument, filters: Filters, average: tuple[int, ...], terms: PlaceOrder, now_ns: int) -> bool:
    """Whether the price of an order is too far from the average price; not where there is no price yet."""
    up, down = filters.bid_multiplier_up, filters.bid_multiplier_down
    if terms.side is not BUY:
        up, down = filters.ask_multiplier_up, filters.ask_multiplier_down
    if not up and not down:
        return False
    price = average_price(average, rules.avg_price_mins, now_ns)
    if price is None:
        return False
    if terms.price_ticks is None:
        return False
    scaled = terms.price_ticks * price[1] * ONE
    return (up > 0 and scaled > price[0] * up) or scaled < price[0] * down


def refused_parts(filters: Filters, lots: int, visible_lots: int) -> bool:
    """Whether an iceberg of that quantity would have too many parts."""
    return filters.max_iceberg_parts > 0 and div_ceil(lots, visible_lots) > filters.max_iceberg_parts


def refused_waiting(filters: Filters, terms: PlaceOrder, conditions: Conditions) -> RejectReason | None:
    """The first filter that refuses an order for what it waits for."""
    most_ticks = filters.max_price_ticks
    for ticks in (conditions.stop_ticks, conditions.activation_ticks):
        if most_ticks and ticks is not None and ticks > most_ticks:
            return RejectReason.MAX_PRICE
    bps = conditions.trailing_bps
    if bps is not None:
        least, most = filters.min_trailing_below_bps, filters.max_trailing_below_bps
        if rises(terms):
            least, most = filters.min_trailing_above_bps, filters.max_trailing_above_bps
        if bps < least or (most and bps > most):
            return RejectReason.TRAILING_RANGE
    return None


def refused_amendment(
    rules: Instrument, filters: Filters, average: tuple[int, ...], changed: PlaceOrder, order: Order, now_ns: int
) -> RejectReason | None:
    """The first filter that refuses what an open order is to become. What does not change is not judged."""
    terms, progress = order.terms, order.progress
    if filters.max_amends_per_order and progress is not None and progress.amendments >= filters.max_amends_per_order:
        return RejectReason.TOO_MANY_AMENDS
    lots, price_ticks = changed.quantity_lots, changed.price_ticks
    if (lots, price_ticks) == (terms.quantity_lots, terms.price_ticks):
        return None
    if price_ticks is not None and price_ticks != terms.price_ticks:
        if filters.max_price_ticks and price_ticks > filters.max_price_ticks:
            return RejectReason.MAX_PRICE
        if out_of_band(rules, filters, average, changed, now_ns):
            return RejectReason.PRICE_BAND
    if lots != terms.quantity_lots:
        reason = refused_quantity(filters, LIMIT if terms.order_type in WITH_LIMIT else OrderType.MARKET, lots)
        if reason is not None:
            return reason
        if filters.max_base_minor and lots * rules.lot_minor > filters.max_base_minor:
            return RejectReason.MAX_ASSET
        conditions = terms.conditions
        visible_lots = None if conditions is None else conditions.visible_lots
        if visible_lots is not None and lots > terms.quantity_lots and refused_parts(filters, lots, visible_lots):
            return RejectReason.ICEBERG_PARTS
    notional_minor = 0 if price_ticks is None else price_ticks * lots * rules.notional_unit
    if filters.max_quote_minor and notional_minor > filters.max_quote_minor:
        return RejectReason.MAX_ASSET
    if filters.max_notional_minor and notional_minor > filters.max_notional_minor:
        return RejectReason.MAX_NOTIONAL
    if lots > terms.quantity_lots and terms.side is BUY and filters.max_position_minor:
        left_lots = order.remaining_lots + lots - terms.quantity_lots
        if _position(rules, order.trader, left_lots, order) > filters.max_position_minor:
            return RejectReason.MAX_POSITION
    return None


def refused_by_plan(
    rules: Instrument, filters: Filters, terms: PlaceOrder, trader: Trader, found: Plan
) -> RejectReason | None:
    """The first filter that refuses a market order for what it would meet: its quantity, if that was found by a sum,
    and what it would pay or bring of the quote."""
    if terms.order_type is LIMIT:
        return None
    if filters.max_quote_minor and found.cost_tick_lots * rules.notional_unit > filters.max_quote_minor:
        return RejectReason.MAX_ASSET
    if terms.quantity_lots:
        return None
    lots = found.matched_lots + found.prevented_lots
    reason = refused_quantity(filters, terms.order_type, lots)
    if reason is None and filters.max_base_minor and lots * rules.lot_minor > filters.max_base_minor:
        return RejectReason.MAX_ASSET
    if terms.side is BUY and filters.max_position_minor and _position(rules, trader, lots) > filters.max_position_minor:
        return reason or RejectReason.MAX_POSITION
    return reason


def filtered(
    rules: Instrument,
    filters: Filters,
    reason: RejectReason | None,
    average: tuple[int, ...],
    book: Book,
    terms: PlaceOrder,
    trader: Trader,
    mode: SelfTrade,
    rates: Rates | None,
    now_ns: int,
) -> Plan | RejectReason:
    """What an order that enters would meet, or the first reason to refuse it. `reason` is what else refuses it."""
    if reason is None or reason in AFTER_FILTERS:
        refused = refused_by_filter(rules, filters, average, terms, trader, now_ns)
        reason = refused or refused_counts(filters, (terms,), trader) or reason
    if reason is not None:
        return reason
    found = affordable(rules, book, terms, trader, mode, rates)
    if isinstance(found, RejectReason):
        return found
    reason = refused_by_plan(rules, filters, terms, trader, found)
    return found if reason is None else reason
