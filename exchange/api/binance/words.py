"""The words of this dialect for what the exchange counts, and back."""

from collections.abc import Mapping
from typing import Final

from exchange.core.commands import OrderType, Side, TimeInForce
from exchange.core.conditions import Pending, SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, OrderUpdated
from exchange.core.instrument import MarketStatus

SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
ORDER_TYPES: Final = {kind.name: kind for kind in OrderType} | {"LIMIT_MAKER": OrderType.LIMIT}
MARKET_TYPES: Final = (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)  # those without a price
WAITING_TYPES: Final = tuple(kind for kind in OrderType if kind not in (OrderType.LIMIT, OrderType.MARKET))
TIMES_IN_FORCE: Final = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
SELF_TRADE_MODES: Final = {mode.name: mode for mode in SelfTrade}

SIDE_WORDS: Final = {side: word for word, side in SIDES.items()}
TIME_IN_FORCE_WORDS: Final = {time: time.name for time in TimeInForce}  # GTD is not Binance's
SELF_TRADE_WORDS: Final = {mode: word for word, mode in SELF_TRADE_MODES.items()}
STATUS_WORDS: Final = {
    OrderStatus.PENDING: "NEW",
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
MARKET_STATUS_WORDS: Final = {
    MarketStatus.TRADING: "TRADING",
    MarketStatus.HALTED: "HALT",
    MarketStatus.POST_ONLY: "POST_ONLY",
    MarketStatus.CANCEL_ONLY: "CANCEL_ONLY",
}
# Why an order expired, by the name of the reason. The others have no word, or end an order as canceled.
EXPIRY_WORDS: Final[Mapping[str, str]] = {
    "UNFILLED": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "FOK_UNFILLABLE": "UNFILLED_FOK_ORDER_EXPIRED",
    "MAX_FILLS": "EXCHANGE_CANCELED",
    "USER_DISABLED": "EXCHANGE_CANCELED",
    "REFUSED_AT_TRIGGER": "REJECTED",
    "EXPIRE_AT": "EXCHANGE_CANCELED",
    "OTHER_LEG": "OCO_TRIGGER",
    "WORKING_ORDER_ENDED": "OTO_PHASE_ONE_EXPIRED",
    "PRICE_BAND": "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
}


def status_word(update: OrderUpdated) -> str:
    """The status of an order."""
    if update.expire_reason is ExpireReason.SELF_TRADE and update.status is OrderStatus.EXPIRED:
        return "EXPIRED_IN_MATCH"
    if update.status is OrderStatus.PENDING and update.progress is not None and update.progress.pending is Pending.LIST:
        return "PENDING_NEW"
    return STATUS_WORDS[update.status]


def type_word(update: OrderUpdated) -> str:
    """The type of an order."""
    terms = update.terms
    return "LIMIT_MAKER" if terms.post_only and terms.order_type is OrderType.LIMIT else terms.order_type.name


def time_in_force_word(update: OrderUpdated) -> str:
    """The time in force of an order; one without a price is shown as GTC."""
    return "GTC" if update.terms.order_type in MARKET_TYPES else TIME_IN_FORCE_WORDS[update.terms.time_in_force]


def expiry_word(update: OrderUpdated) -> str | None:
    """Why an order has expired, where there is a word for it."""
    why = update.expire_reason
    if why is None or update.status is not OrderStatus.EXPIRED:
        return None
    if why is ExpireReason.UNFILLED and update.terms.order_type in MARKET_TYPES:
        return "INSUFFICIENT_LIQUIDITY"
    return EXPIRY_WORDS.get(why.name)
