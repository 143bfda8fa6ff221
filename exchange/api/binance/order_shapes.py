"""Orders as this dialect shows them."""

from typing import Any, Final

from exchange.api.binance import numbers, pegs
from exchange.api.binance.asked import Asked
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.symbols import symbol_of
from exchange.api.binance.words import (
    MARKET_TYPES,
    SELF_TRADE_WORDS,
    SIDE_WORDS,
    expiry_word,
    status_word,
    time_in_force_word,
    type_word,
)
from exchange.core.commands import Side
from exchange.core.conditions import Conditions, Progress
from exchange.core.events import OrderUpdated, PreventedMatch, Trade
from exchange.core.instrument import Instrument

NOTHING_ASKED: Final = Conditions()
NOTHING_BECAME: Final = Progress()
NO_LIST: Final = -1
NOT_YET: Final = -1
NO_PARAMETERS: Final = Parameters({})


def client_order_id(update: OrderUpdated) -> str:
    """The client order id; an order that was placed without one is shown with one made of its id."""
    return update.terms.client_order_id or f"o{update.order_id}"


def list_id(update: OrderUpdated) -> int:
    """The list that an order is of."""
    return NO_LIST if update.progress is None else update.progress.list_id or NO_LIST


def acknowledged(update: OrderUpdated, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A new order, in the least words."""
    return {
        "symbol": symbol_of(rules),
        "orderId": update.order_id,
        "orderListId": list_id(update),
        "clientOrderId": client_order_id(update),
        "transactTime": asked.time(update.updated_ns),
    }


def placed(update: OrderUpdated, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A new order as its command left it."""
    made = acknowledged(update, rules, asked)
    made.update(amounts(update, rules))
    made["workingTime"] = working_time(update, asked)
    made["selfTradePreventionMode"] = SELF_TRADE_WORDS[(update.progress or NOTHING_BECAME).self_trade]
    made.update(further(update, rules, asked))
    return made


def fills(trades: list[Trade], rules: Instrument) -> list[dict[str, Any]]:
    """What a new order took."""
    made = []
    for trade in trades:
        paid_in = rules.fees_in(trade.taker_side is Side.BUY)
        made.append(
            {
                "price": numbers.price(rules, trade.price_ticks),
                "qty": numbers.quantity(rules, trade.quantity_lots),
                "commission": numbers.amount(paid_in, trade.taker_fee_minor),
                "commissionAsset": paid_in.symbol,
                "tradeId": trade.market_trade_id,
            }
        )
    return made


def canceled(update: OrderUpdated, rules: Instrument, cancel_id: str, asked: Asked) -> dict[str, Any]:
    """An order that was canceled; `cancel_id` is the client order id of the cancel itself."""
    return (
        {
            "symbol": symbol_of(rules),
            "origClientOrderId": client_order_id(update),
            "orderId": update.order_id,
            "orderListId": list_id(update),
            "clientOrderId": cancel_id,
            "transactTime": asked.time(update.updated_ns),
        }
        | amounts(update, rules)
        | {"selfTradePreventionMode": SELF_TRADE_WORDS[(update.progress or NOTHING_BECAME).self_trade]}
        | further(update, rules, asked)
    )


def read(update: OrderUpdated, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """An order as it was read."""
    working = working_time(update, asked)
    found = {
        "symbol": symbol_of(rules),
        "orderId": update.order_id,
        "orderListId": list_id(update),
        "clientOrderId": client_order_id(update),
    } | amounts(update, rules)
    found |= {
        "stopPrice": numbers.ZERO,
        "icebergQty": numbers.ZERO,
        "time": asked.time(update.created_ns),
        "updateTime": asked.time(update.updated_ns),
        "isWorking": working != NOT_YET,
        "workingTime": working,
        "selfTradePreventionMode": SELF_TRADE_WORDS[(update.progress or NOTHING_BECAME).self_trade],
    }
    return found | further(update, rules, asked)


def amounts(update: OrderUpdated, rules: Instrument) -> dict[str, Any]:
    """The terms of an order and how far it has come."""
    terms, progress = update.terms, update.progress or NOTHING_BECAME
    asked_minor = (terms.conditions or NOTHING_ASKED).quote_minor
    lots = terms.quantity_lots or progress.determined_lots
    # A market order's price is the worst it takes, which this dialect has no word for.
    no_price = terms.price_ticks is None or terms.order_type in MARKET_TYPES
    return {
        "price": numbers.ZERO if no_price else numbers.price(rules, terms.price_ticks or 0),
        "origQty": numbers.quantity(rules, lots),
        "executedQty": numbers.quantity(rules, update.executed_lots),
        "origQuoteOrderQty": numbers.ZERO if asked_minor is None else numbers.amount(rules.quote, asked_minor),
        "cummulativeQuoteQty": numbers.amount(rules.quote, update.executed_quote_minor),
        "status": status_word(update),
        "timeInForce": time_in_force_word(update),
        "type": type_word(update),
        "side": SIDE_WORDS[terms.side],
    }


def working_time(update: OrderUpdated, asked: Asked) -> int:
    """When an order entered the book or was matched; -1 while it waits, and if it never did."""
    progress = update.progress
    if progress is None or (not progress.pending and not progress.working_ns and not progress.refused):
        return asked.time(update.created_ns)
    return asked.time(progress.working_ns) if progress.working_ns else NOT_YET


def further(update: OrderUpdated, rules: Instrument, in_units: Asked) -> dict[str, Any]:
    """What only some orders have."""
    why = expiry_word(update)
    made: dict[str, Any] = {} if why is None else {"expiryReason": why}
    if update.terms.conditions is None and update.progress is None:
        return made
    asked, progress = update.terms.conditions or NOTHING_ASKED, update.progress or NOTHING_BECAME
    stop_ticks = asked.activation_ticks if asked.stop_ticks is None else asked.stop_ticks
    if stop_ticks is not None:
        made["stopPrice"] = numbers.price(rules, stop_ticks)
    if asked.trailing_bps is not None:
        made["trailingDelta"] = asked.trailing_bps
        made["trailingTime"] = in_units.time(progress.tracking_ns) if progress.tracking_ns else NOT_YET
    if asked.visible_lots is not None:
        made["icebergQty"] = numbers.quantity(rules, min(asked.visible_lots, update.terms.quantity_lots))
    if asked.peg_to is not None:
        made |= pegs.shown(asked)
        if progress.pegged_ticks:
            made["peggedPrice"] = numbers.price(rules, progress.pegged_ticks)
    if asked.strategy_id is not None:
        made["strategyId"] = asked.strategy_id
    if asked.strategy_type is not None:
        made["strategyType"] = asked.strategy_type
    if progress.last_match_id:
        made["preventedMatchId"] = progress.last_match_id
        made["preventedQuantity"] = numbers.quantity(rules, progress.prevented_lots)
    return made


def prevented(match: PreventedMatch, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A match that self-trade prevention did not let happen."""
    made = {
        "symbol": symbol_of(rules),
        "preventedMatchId": match.match_id,
        "takerOrderId": match.taker_order_id,
        "makerSymbol": symbol_of(rules),
        "makerOrderId": match.maker_order_id,
        "tradeGroupId": 1,
        "selfTradePreventionMode": SELF_TRADE_WORDS[match.mode],
        "price": numbers.price(rules, match.price_ticks),
    }
    for name, lots in (
        ("takerPreventedQuantity", match.taker_prevented_lots),
        ("makerPreventedQuantity", match.maker_prevented_lots),
    ):
        if lots:
            made[name] = numbers.quantity(rules, lots)
    return made | {"transactTime": asked.time(match.time_ns)}
