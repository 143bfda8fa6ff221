"""The last fields of an order that is not a plain one: what it asked beyond that, and what became of it."""

from typing import Final

from exchange.api.native import replies
from exchange.api.native.names import PEG_NAMES, PENDING_NAMES, SELF_TRADE_NAMES
from exchange.core.conditions import Conditions, Progress
from exchange.core.events import REFUSED, OrderStatus, OrderUpdated
from exchange.core.instrument import Instrument

NS_PER_MS: Final = 1_000_000


def say_further(order: replies.Order, update: OrderUpdated, rules: Instrument) -> None:
    """Fill in these fields; they are null where there is nothing to say."""
    conditions, progress = update.terms.conditions, update.progress
    if conditions is not None:
        _asked(order, conditions, rules)
        if conditions.visible_lots is not None:
            shown_lots = min(conditions.visible_lots, update.terms.quantity_lots)
            order.visible_quantity = rules.quantity_text(shown_lots)
    if progress is not None:
        _became(order, update, progress, rules)


def _asked(order: replies.Order, conditions: Conditions, rules: Instrument) -> None:
    order.quote_quantity = None if conditions.quote_minor is None else rules.quote.text(conditions.quote_minor)
    order.strategy_id, order.strategy_type = conditions.strategy_id, conditions.strategy_type
    order.peg = _peg(conditions, rules)
    order.stop_price = _price(conditions.stop_ticks, rules)
    order.trailing_delta = conditions.trailing_bps
    order.trailing_amount = _price(conditions.trailing_ticks, rules)
    order.activation_price = _price(conditions.activation_ticks, rules)
    order.expire_at = None if conditions.expire_ns is None else conditions.expire_ns // NS_PER_MS


def _became(order: replies.Order, update: OrderUpdated, progress: Progress, rules: Instrument) -> None:
    order.self_trade_prevention = SELF_TRADE_NAMES[progress.self_trade]
    if progress.last_match_id:
        order.prevented_quantity = rules.quantity_text(progress.prevented_lots)
        order.last_prevented_match_id = str(progress.last_match_id)
    if update.status is OrderStatus.PENDING:
        order.pending_for = PENDING_NAMES[progress.pending]
    order.tracking_at, order.triggered_at = _millis(progress.tracking_ns), _millis(progress.triggered_ns)
    order.trigger_price = _price(progress.trigger_ticks or None, rules)
    order.pegged_price = _price(progress.pegged_ticks or None, rules)
    if progress.working_ns or progress.pending or progress.refused:  # it has waited
        order.working_at = _millis(progress.working_ns)
    if progress.refused:
        order.refused_code = REFUSED[progress.refused].value
    if progress.list_id:
        order.list_id = str(progress.list_id)


def _peg(conditions: Conditions, rules: Instrument) -> replies.Peg | None:
    if conditions.peg_to is None:
        return None
    offset = _price(conditions.peg_offset_ticks, rules)
    follows = conditions.peg_follows is not None
    return replies.Peg(PEG_NAMES[conditions.peg_to], offset, conditions.peg_levels, follows)


def _price(ticks: int | None, rules: Instrument) -> str | None:
    return None if ticks is None else rules.price_text(ticks)


def _millis(time_ns: int) -> int | None:
    return time_ns // NS_PER_MS if time_ns else None
