"""What an order would meet in the book, if its user can pay for it: the judgement that walks the book."""

from typing import Final

from exchange.core.band import plan_for_quote_in_band, plan_in_band
from exchange.core.book import Book, Trader
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import SelfTrade
from exchange.core.events import RejectReason
from exchange.core.fees import QUOTE, Rates, fee_minor
from exchange.core.instrument import Instrument
from exchange.core.matching import Plan

# Looking up a member in its enum costs more than a comparison.
BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT


def affordable(
    rules: Instrument, book: Book, terms: PlaceOrder, trader: Trader, mode: SelfTrade, rates: Rates | None
) -> Plan | RejectReason:
    """What the order would meet, or why a market order that would meet it is refused."""
    if terms.order_type is LIMIT:
        return plan_in_band(rules, book, terms, 0, None, mode)
    if not terms.quantity_lots:
        return _for_quote(rules, book, terms, trader, mode, rates)
    if terms.side is not BUY:
        return plan_in_band(rules, book, terms, rules.min_price_ticks, None, mode)
    cost_max = trader.quote.available // rules.notional_unit
    found = plan_in_band(rules, book, terms, 0, cost_max, mode)
    if found.cost_tick_lots > cost_max:
        return RejectReason.INSUFFICIENT_BALANCE
    return found if _cost_minor(rules, found, rates) <= trader.quote.available else RejectReason.INSUFFICIENT_BALANCE


def _for_quote(
    rules: Instrument, book: Book, terms: PlaceOrder, trader: Trader, mode: SelfTrade, rates: Rates | None
) -> Plan | RejectReason:
    conditions, limit_ticks = terms.conditions, terms.price_ticks
    assert conditions is not None
    assert conditions.quote_minor is not None
    sum_max = conditions.quote_minor // rules.notional_unit
    if limit_ticks is None and terms.side is not BUY:
        limit_ticks = rules.min_price_ticks
    found = plan_for_quote_in_band(rules, book, terms, limit_ticks, sum_max, mode)
    lots = found.matched_lots + found.prevented_lots
    if not lots:
        return RejectReason.NO_LIQUIDITY
    if terms.side is not BUY:
        return found if lots * rules.lot_minor <= trader.base.available else RejectReason.INSUFFICIENT_BALANCE
    return found if _cost_minor(rules, found, rates) <= trader.quote.available else RejectReason.INSUFFICIENT_BALANCE


def _cost_minor(rules: Instrument, found: Plan, rates: Rates | None) -> int:
    """What a buyer pays for the plan; with the fees, where these are in the quote too."""
    unit = rules.notional_unit
    cost_minor = found.cost_tick_lots * unit
    if rules.fee_asset is not QUOTE:
        return cost_minor
    taker_ppm = rules.taker_fee_ppm if rates is None else rates.taker_ppm
    return cost_minor + sum([fee_minor(maker.price_ticks * lots * unit, taker_ppm) for maker, lots in found.fills])
