"""Why an order may not enter, as far as that needs no walk through the book.

What needs one is judged with the plan: what a market order costs, and that a sum of the quote finds something.
"""

from typing import Final

from exchange.core.average import average_price
from exchange.core.book import Book, Trader
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import RejectReason
from exchange.core.fees import QUOTE, Rates, needs_minor
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument
from exchange.core.matching import crosses

# Looking up a member in its enum costs more than a comparison.
BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT
MAY_REST: Final = (TimeInForce.GTC, TimeInForce.GTD)
SMALL_MAX: Final = (1 << 62) - 1  # a larger number is an object, which costs a comparison much


def refusal(
    rules: Instrument,
    rates: Rates | None,
    average: tuple[int, ...],
    book: Book,
    terms: PlaceOrder,
    trader: Trader,
    now_ns: int,
) -> RejectReason | None:
    """The first reason to refuse that needs no walk through the book."""
    lots, price_ticks = terms.quantity_lots, terms.price_ticks
    if terms.conditions is not None:
        mode, quote_minor = terms.conditions.self_trade, terms.conditions.quote_minor
        if terms.conditions.expire_ns is not None and terms.conditions.expire_ns <= now_ns:
            return RejectReason.OUT_OF_RANGE
        if mode is not None and not rules.self_trade_modes >> mode & 1:
            return RejectReason.SELF_TRADE_PREVENTION
        visible = terms.conditions.visible_lots
        if visible is not None and not 0 < visible < lots:
            return RejectReason.OUT_OF_RANGE
        if quote_minor is not None and not lots and terms.order_type is not LIMIT:
            return _refusal_of_quote(rules, quote_minor, price_ticks)
    if lots <= 0 or (lots > SMALL_MAX and lots >= UNITS_MAX):
        return RejectReason.OUT_OF_RANGE
    if price_ticks is not None and (price_ticks < 0 or (price_ticks > SMALL_MAX and price_ticks >= UNITS_MAX)):
        return RejectReason.OUT_OF_RANGE
    base_minor = lots * rules.lot_minor
    if base_minor > SMALL_MAX and base_minor >= AMOUNT_MAX:
        return RejectReason.OUT_OF_RANGE
    if terms.order_type is LIMIT:
        if price_ticks is None:
            return _refusal_without_price(rules, terms, trader)
        notional_minor = price_ticks * lots * rules.notional_unit
        if notional_minor > SMALL_MAX and notional_minor >= AMOUNT_MAX:
            return RejectReason.OUT_OF_RANGE
        if notional_minor < rules.min_notional_minor:
            return RejectReason.MIN_NOTIONAL
        if price_ticks < rules.min_price_ticks:
            return RejectReason.OUT_OF_RANGE
        if len(trader.open_orders) - trader.leaving >= rules.max_open_orders and terms.time_in_force in MAY_REST:
            return RejectReason.TOO_MANY_OPEN_ORDERS
        if terms.post_only and crosses(book, terms):
            return RejectReason.WOULD_TAKE
        if terms.side is BUY:
            if rules.fee_asset is QUOTE:
                notional_minor = needs_minor(rules, rates, BUY, price_ticks, lots)
            return None if notional_minor <= trader.quote.available else RejectReason.INSUFFICIENT_BALANCE
    elif price_ticks is not None and price_ticks < rules.min_price_ticks:
        return RejectReason.OUT_OF_RANGE
    elif rules.min_notional_applies_to_market and _worth_too_little(rules, average, lots, now_ns):
        return RejectReason.MIN_NOTIONAL
    if terms.side is not BUY and base_minor > trader.base.available:
        return RejectReason.INSUFFICIENT_BALANCE
    return None


def _refusal_without_price(rules: Instrument, terms: PlaceOrder, trader: Trader) -> RejectReason | None:
    """The rest of it for a pegged order that has no price yet."""
    if len(trader.open_orders) - trader.leaving >= rules.max_open_orders and terms.time_in_force in MAY_REST:
        return RejectReason.TOO_MANY_OPEN_ORDERS
    if terms.side is not BUY and terms.quantity_lots * rules.lot_minor > trader.base.available:
        return RejectReason.INSUFFICIENT_BALANCE
    return None


def _refusal_of_quote(rules: Instrument, quote_minor: int, price_ticks: int | None) -> RejectReason | None:
    """The same for a market order by its sum of the quote; what it walks over is judged with the plan."""
    if not 0 < quote_minor < AMOUNT_MAX:
        return RejectReason.OUT_OF_RANGE
    if price_ticks is not None and not rules.min_price_ticks <= price_ticks < UNITS_MAX:
        return RejectReason.OUT_OF_RANGE
    return RejectReason.MIN_NOTIONAL if quote_minor < rules.min_notional_minor else None


def _worth_too_little(rules: Instrument, average: tuple[int, ...], lots: int, now_ns: int) -> bool:
    """Whether a market order is below min_notional at the average price; not where there is no price yet."""
    price = average_price(average, rules.avg_price_mins, now_ns)
    return price is not None and lots * price[0] * rules.notional_unit < rules.min_notional_minor * price[1]
