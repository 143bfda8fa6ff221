"""The contract's shapes: every field it names, and what may stand in it."""

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]
Shape = dict[str, Check]


def an_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[1-9][0-9]*", value) is not None


def a_number(value: Any) -> bool:
    """Plain decimal text without a needless zero."""
    return isinstance(value, str) and re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", value) is not None


def a_fee(value: Any) -> bool:
    """A number, or a rebate: a negative one."""
    return isinstance(value, str) and a_number(value.removeprefix("-")) and value != "-0"


def a_time(value: Any) -> bool:
    """Milliseconds of this century."""
    return type(value) is int and 1_500_000_000_000 < value < 4_000_000_000_000


def a_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def a_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def a_flag(value: Any) -> bool:
    return type(value) is bool


def or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def one_of(*values: str) -> Check:
    return lambda value: value in values


def a_peg(value: Any) -> bool:
    return (
        set(value) == {"to", "offset", "levels", "follow"}
        and value["to"] in ("primary", "market")
        and or_null(a_number)(value["offset"])
        and or_null(a_count)(value["levels"])
        and a_flag(value["follow"])
    )


SIDE = one_of("buy", "sell")
SELF_TRADE = one_of("expire_taker", "expire_maker", "expire_both", "decrement", "none")

ORDER: Shape = {
    "order_id": an_id,
    "client_order_id": or_null(a_text),
    "user_id": a_text,
    "market": a_text,
    "side": SIDE,
    "order_type": one_of("limit", "market", "stop_loss", "stop_loss_limit", "take_profit", "take_profit_limit"),
    "time_in_force": one_of("gtc", "ioc", "fok", "gtd"),
    "post_only": a_flag,
    "price": or_null(a_number),
    "quantity": a_number,
    "executed_quantity": a_number,
    "executed_quote_quantity": a_number,
    "status": one_of("pending", "open", "partially_filled", "filled", "canceled", "expired"),
    "expire_reason": or_null(a_text),
    "cancel_reason": or_null(a_text),
    "created_at": a_time,
    "updated_at": a_time,
    "working_at": or_null(a_time),
    "self_trade_prevention": SELF_TRADE,
    "prevented_quantity": or_null(a_number),
    "last_prevented_match_id": or_null(an_id),
    "quote_quantity": or_null(a_number),
    "visible_quantity": or_null(a_number),
    "peg": or_null(a_peg),
    "pegged_price": or_null(a_number),
    "strategy_id": or_null(a_count),
    "strategy_type": or_null(a_count),
    "stop_price": or_null(a_number),
    "trailing_delta": or_null(a_count),
    "trailing_amount": or_null(a_number),
    "activation_price": or_null(a_number),
    "expire_at": or_null(a_time),
    "pending_for": or_null(one_of("trigger", "list")),
    "tracking_at": or_null(a_time),
    "trigger_price": or_null(a_number),
    "triggered_at": or_null(a_time),
    "refused_code": or_null(a_text),
    "list_id": or_null(an_id),
}
ORDER_FILL: Shape = {
    "trade_id": an_id,
    "price": a_number,
    "quantity": a_number,
    "fee": a_fee,
    "fee_asset": a_text,
    "liquidity": one_of("maker", "taker"),
    "timestamp": a_time,
}
FILL: Shape = ORDER_FILL | {
    "order_id": an_id,
    "client_order_id": or_null(a_text),
    "market": a_text,
    "side": SIDE,
    "quote_quantity": a_number,
}
TRADE: Shape = {
    "trade_id": an_id,
    "market": a_text,
    "price": a_number,
    "quantity": a_number,
    "quote_quantity": a_number,
    "taker_side": SIDE,
    "timestamp": a_time,
    "market_trade_id": an_id,
    "aggregate_id": an_id,
}
BALANCE: Shape = {"asset": a_text, "available": a_number, "locked": a_number, "total": a_number}
FILTERS: Shape = {
    **dict.fromkeys(("max_price", "min_quantity", "max_quantity", "max_notional"), or_null(a_number)),
    **dict.fromkeys(("market_min_quantity", "market_max_quantity", "fill_band"), or_null(a_number)),
    **dict.fromkeys(("bid_multiplier_up", "bid_multiplier_down"), or_null(a_number)),
    **dict.fromkeys(("ask_multiplier_up", "ask_multiplier_down"), or_null(a_number)),
    **dict.fromkeys(("max_position", "max_base", "max_quote"), or_null(a_number)),
    **dict.fromkeys(("max_notional_applies_to_market", "fill_band_applies_to_limit"), a_flag),
    **dict.fromkeys(("max_open_stops", "max_open_icebergs", "max_open_lists"), or_null(a_count)),
    "max_iceberg_parts": or_null(a_count),
    **dict.fromkeys(("min_trailing_above_bps", "max_trailing_above_bps"), or_null(a_count)),
    **dict.fromkeys(("min_trailing_below_bps", "max_trailing_below_bps"), or_null(a_count)),
    "max_amends_per_order": or_null(a_count),
}
EXCHANGE_FILTERS: Shape = dict.fromkeys(
    ("max_open_orders", "max_open_stops", "max_open_icebergs", "max_open_lists"), or_null(a_count)
)
MARKET: Shape = {
    "market": a_text,
    "base": a_text,
    "quote": a_text,
    "base_decimals": a_count,
    "quote_decimals": a_count,
    "tick_size": a_number,
    "lot_size": a_number,
    "min_notional": a_number,
    "maker_fee": a_fee,
    "taker_fee": a_number,
    "max_open_orders": a_count,
    "status": one_of("trading", "halted", "post_only", "cancel_only"),
    "fee_asset": one_of("received", "quote"),
    "min_price": a_number,
    "max_fills_per_order": a_count,
    "min_notional_applies_to_market": a_flag,
    "avg_price_mins": a_count,
    "self_trade_prevention": SELF_TRADE,
    "allowed_self_trade_prevention": lambda value: all(SELF_TRADE(mode) for mode in value),
    "filters": lambda value: value.keys() == FILTERS.keys() and all(FILTERS[name](value[name]) for name in value),
}
HEALTH: Shape = {"status": one_of("ok"), "version": a_text, "sequence": a_count}


def assert_shape(value: dict[str, Any], shape: Shape) -> None:
    """Every field is there, and each is what the contract says."""
    for name, check in shape.items():
        assert name in value, f"{name} is missing in {value}"
        assert check(value[name]), f"{name} is {value[name]!r}"


def assert_order(order: dict[str, Any], *, with_fills: bool) -> None:
    """An order, and its fills where the call gives them."""
    assert_shape(order, ORDER)
    assert ("fills" in order) or not with_fills
    for fill in order.get("fills", []):
        assert_shape(fill, ORDER_FILL)


def assert_depth(depth: dict[str, Any]) -> None:
    """A book, best first on both sides."""
    assert a_text(depth["market"])
    assert a_count(depth["last_sequence"])
    for side in ("bids", "asks"):
        for price, quantity in depth[side]:
            assert a_number(price)
            assert a_number(quantity)
    bids, asks = ([float(price) for price, _ in depth[side]] for side in ("bids", "asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
