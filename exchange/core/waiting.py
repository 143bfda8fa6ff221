"""Orders that wait for a price: whether one does, what it is once it enters, and why it may not wait."""

from typing import Final

from exchange.core.book import Book, Trader
from exchange.core.commands import OrderType, PlaceOrder, TimeInForce
from exchange.core.conditions import Conditions
from exchange.core.events import RejectReason
from exchange.core.fees import Rates
from exchange.core.filter_counts import refused_counts
from exchange.core.filtering import refused_by_filter, refused_waiting
from exchange.core.filters import Filters
from exchange.core.instrument import UNITS_MAX, Instrument
from exchange.core.refusal import refusal
from exchange.core.status import POST_ONLY, TRADING
from exchange.core.triggers import WHOLE_BPS, reached

LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET
WITH_LIMIT: Final = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


def waits(terms: PlaceOrder) -> bool:
    """Whether the order waits for a price."""
    return terms.order_type is not LIMIT and terms.order_type is not MARKET


def as_entered(terms: PlaceOrder) -> PlaceOrder:
    """The order as it will be once it enters: a limit order, or a market order."""
    return PlaceOrder(
        terms.user_id,
        terms.market,
        terms.side,
        LIMIT if terms.order_type in WITH_LIMIT else MARKET,
        terms.time_in_force,
        terms.post_only,
        terms.price_ticks,
        terms.quantity_lots,
        terms.client_order_id,
        terms.conditions,
    )


def refusal_of_waiting(
    rules: Instrument,
    filters: Filters | None,
    rates: Rates | None,
    average: tuple[int, ...],
    book: Book,
    terms: PlaceOrder,
    trader: Trader,
    now_ns: int,
    *,
    money_first: bool = False,
) -> RejectReason | None:
    """The first reason not to let the order wait. Whether it would take is judged when it enters.

    What its user has comes last: a replacement asks first for what holds whatever else is open. `filters` are those of
    the market, None where neither it nor the venue has any. `money_first`: as in the rules before version 6.
    """
    if rules.status is not TRADING and rules.status is not POST_ONLY:
        return RejectReason.MARKET_NOT_TRADING
    conditions = terms.conditions
    assert conditions is not None
    if not _in_range(conditions, rules):
        return RejectReason.OUT_OF_RANGE
    later = as_entered(terms)
    later.post_only = False
    if later.order_type is LIMIT:
        later.time_in_force = TimeInForce.GTC
    reason = refusal(rules, rates, average, book, later, trader, now_ns)
    if reason is not None and (money_first or reason is not RejectReason.INSUFFICIENT_BALANCE):
        return reason
    if filters is not None:
        refused = refused_waiting(filters, terms, conditions)
        refused = refused or refused_by_filter(rules, filters, average, later, trader, now_ns)
        refused = refused or refused_counts(filters, (terms,), trader)
        if refused is not None:
            return refused
    if len(trader.open_orders) - trader.leaving >= rules.max_open_orders:
        return RejectReason.TOO_MANY_OPEN_ORDERS
    stop_ticks = conditions.stop_ticks
    if stop_ticks is not None and average and reached(terms, stop_ticks, average[0]):
        return RejectReason.WOULD_TRIGGER
    return reason


def _in_range(conditions: Conditions, rules: Instrument) -> bool:
    prices = (conditions.stop_ticks, conditions.activation_ticks)
    if any(ticks is not None and not max(1, rules.min_price_ticks) <= ticks < UNITS_MAX for ticks in prices):
        return False
    bps, ticks = conditions.trailing_bps, conditions.trailing_ticks
    return (bps is None or 0 < bps < WHOLE_BPS) and (ticks is None or 0 < ticks < UNITS_MAX)
