"""Why an order was refused, with the numbers: one sentence, made of values as they were when it was refused."""

from typing import Final

from exchange.core.book import Trader
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import SelfTrade
from exchange.core.events import RejectReason
from exchange.core.fees import needs_minor
from exchange.core.instrument import Instrument
from exchange.core.status import why_refused

WITH_LIMIT: Final = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


def refusal_detail(reason: RejectReason, terms: PlaceOrder, trader: Trader, rules: Instrument) -> str | None:
    """The sentence; None where the reason says it all."""
    if reason is RejectReason.INSUFFICIENT_BALANCE:
        return _shortfall(terms, trader, rules)
    if reason is RejectReason.MIN_NOTIONAL:
        least = rules.quote.text(rules.min_notional_minor)
        if not terms.quantity_lots:
            return f"quote_quantity must be at least {least} {rules.quote.symbol}, {rules.symbol}'s min_notional."
        of = "Price times quantity" if terms.order_type in WITH_LIMIT else "The average price times quantity"
        return f"{of} must be at least {least} {rules.quote.symbol}, {rules.symbol}'s min_notional."
    if reason is RejectReason.OUT_OF_RANGE:
        return _price_too_low(terms, rules)
    if reason is RejectReason.TOO_MANY_OPEN_ORDERS:
        return f"You have {rules.max_open_orders} open orders in {rules.symbol}, its max_open_orders."
    if reason is RejectReason.MARKET_NOT_TRADING:
        return why_refused(rules)
    if reason is RejectReason.SELF_TRADE_PREVENTION:
        allowed = ", ".join(mode.name.lower() for mode in SelfTrade if rules.self_trade_modes >> mode & 1)
        return f"self_trade_prevention in {rules.symbol} must be one of {allowed}."
    return None


def _price_too_low(terms: PlaceOrder, rules: Instrument) -> str | None:
    if terms.price_ticks is None or terms.price_ticks >= rules.min_price_ticks:
        return None
    return f"The price must be at least {rules.price_text(rules.min_price_ticks)}, {rules.symbol}'s min_price."


def _shortfall(terms: PlaceOrder, trader: Trader, rules: Instrument) -> str:
    if terms.side is Side.BUY:
        asset, available_minor = rules.quote, trader.quote.available
        price_ticks = terms.price_ticks if terms.order_type in WITH_LIMIT else None
        needed_minor = None
        if price_ticks is not None:
            needed_minor = needs_minor(rules, None, Side.BUY, price_ticks, terms.quantity_lots)
    else:
        asset, available_minor = rules.base, trader.base.available
        needed_minor = terms.quantity_lots * rules.lot_minor or None
    # What a market order costs is walked no further than what is available.
    needed = "more" if needed_minor is None else asset.text(needed_minor)
    return f"{needed} {asset.symbol} is needed; {asset.text(available_minor)} is available."
