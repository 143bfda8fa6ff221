"""Replaces an order: cancels it and places another, in one step, in one of three modes."""

from typing import Final

from exchange.core.book import Order, Trader
from exchange.core.commands import CancelOrder, PlaceOrder, ReplaceMode, ReplaceOrder, Side
from exchange.core.conditions import SelfTrade
from exchange.core.effects import Effects
from exchange.core.events import ExpireReason, OrderUpdated, Rejected, RejectReason
from exchange.core.filtering import OF_FILTERS
from exchange.core.ledger import Account
from exchange.core.market import Market
from exchange.core.matching import Plan
from exchange.core.outcome import Applied, Replaced
from exchange.core.refusal_detail import refusal_detail

BUY: Final = Side.BUY
# Why an order may not enter whatever else is open: judged with the old order still there, outside the mode ATOMIC.
FILTERS: Final = (
    RejectReason.MARKET_NOT_TRADING,
    RejectReason.SELF_TRADE_PREVENTION,
    RejectReason.OUT_OF_RANGE,
    RejectReason.MIN_NOTIONAL,
    RejectReason.TOO_MANY_OPEN_ORDERS,
    RejectReason.WOULD_TRIGGER,
    *OF_FILTERS,
)


def cancel_refusal(command: CancelOrder, order: Order | None, last_order_id: int) -> Rejected | None:
    """Why the order that a cancel names, None where it names none, may not be canceled."""
    if order is None:
        return Rejected(RejectReason.UNKNOWN_ORDER, None, last_order_id)
    wanted = command.only_if_filled
    if wanted is not None and wanted is not (order.executed_lots > 0):
        return Rejected(RejectReason.CANCEL_CONDITION)
    return None


def replace_order(
    market: Market, command: ReplaceOrder, order: Order | None, sequence: int, now_ns: int
) -> Applied | Rejected:
    """Cancel the order, which is None where the command names none, and place the other one."""
    refused = cancel_refusal(command.cancel, order, market.counts.last_order_id)
    terms, mode = command.place, command.mode
    trader, self_trade = market.trader(terms.user_id), market.mode_of(terms)
    if mode is not ReplaceMode.ALLOW_FAILURE and refused is not None:
        return refused
    found: Plan | RejectReason
    if mode is ReplaceMode.ATOMIC:
        assert order is not None
        found = _judged_without(market, order, terms, trader, self_trade, now_ns)
        if isinstance(found, RejectReason):
            return _rejected(market, found, terms, trader)
    else:
        found = market.judged(terms, trader, self_trade, market.rates_for(trader), now_ns)
        if isinstance(found, RejectReason) and found in FILTERS:
            return _rejected(market, found, terms, trader)
        if refused is not None and isinstance(found, RejectReason):
            why = f"Nothing was done: the cancel is refused with {refused.reason}, and the order with {found}."
            return Rejected(refused.reason, why, refused.last_order_id)

    # Past this line at least one of them must happen.
    effects = Effects(sequence)
    canceled: OrderUpdated | Rejected
    if refused is None:
        assert order is not None
        canceled = market.take_out(order, now_ns, effects, command.cancel.cancel_id)
        if mode is not ReplaceMode.ATOMIC:
            found = market.judged(terms, trader, self_trade, market.rates_for(trader), now_ns)
    else:
        canceled = refused
    placed: OrderUpdated | Rejected
    if isinstance(found, RejectReason):
        placed = _rejected(market, found, terms, trader)
    else:
        market.let_in(terms, trader, self_trade, found, now_ns, effects)
        assert effects.order is not None
        placed = effects.order
        if isinstance(canceled, OrderUpdated) and not market.before_7:
            canceled.expire_reason = ExpireReason.REPLACED
    return Replaced(market.applied(command, effects, now_ns), canceled, placed)


def _judged_without(
    market: Market, order: Order, terms: PlaceOrder, trader: Trader, mode: SelfTrade, now_ns: int
) -> Plan | RejectReason:
    """What the new order would meet, or why it may not enter, as if the old one were gone."""
    leaving = market.leaves_with(order)
    for other, locked_minor in leaving:
        _pays_from(other).release(locked_minor)
        if other.level is not None:  # else it waits
            market.book.lift(other)
    trader.leaving, trader.leaves = len(leaving), [other for other, _ in leaving]
    found = market.judged(terms, trader, mode, market.rates_for(trader), now_ns)
    trader.leaving, trader.leaves = 0, []
    for other, locked_minor in reversed(leaving):
        if other.level is not None:
            market.book.put_back(other)
        _pays_from(other).lock(locked_minor)
    return found


def _pays_from(order: Order) -> Account:
    return order.trader.quote if order.terms.side is BUY else order.trader.base


def _rejected(market: Market, reason: RejectReason, terms: PlaceOrder, trader: Trader) -> Rejected:
    return Rejected(reason, refusal_detail(reason, terms, trader, market.instrument))
