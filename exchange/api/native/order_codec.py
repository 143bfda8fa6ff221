"""The body of an order as the command to place it. Nothing here looks at live state."""

from typing import Final

from msgspec.structs import astuple

from exchange.api.native import fields
from exchange.api.native.errors import ApiError
from exchange.api.native.models import PegRequest, PlaceOrderRequest, PlainOrderRequest
from exchange.api.native.names import ORDER_TYPES, PEGS, SELF_TRADE_MODES, SIDES, TIMES_IN_FORCE
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.conditions import Conditions, PegTo
from exchange.core.instrument import Instrument

# Looking a member up in its enum costs more than a comparison, and a name of another module than one of this.
_SIDES: Final = SIDES
_ORDER_TYPES: Final = ORDER_TYPES
_TIMES: Final = TIMES_IN_FORCE
LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET
GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC
GTD: Final = TimeInForce.GTD
MARKET_TYPES: Final = (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)
NS_PER_MS: Final = 1_000_000


# Where the fields of a request stand, and what a plain order has in those that follow.
_QUANTITY: Final = 4
_PRICE: Final = 5
_NAME: Final = 6
_TIME: Final = 7
_POST_ONLY: Final = 8
_FURTHER: Final = 9
_END: Final = 20
_NOTHING: Final = (None,) * (_END - _FURTHER)
_PLAIN_FIELDS: Final = PlainOrderRequest.__struct_fields__
assert _PLAIN_FIELDS[2:] == (
    *("side", "order_type", "quantity", "price", "client_order_id", "time_in_force", "post_only"),
)
assert PlaceOrderRequest.__struct_fields__[:_FURTHER] == _PLAIN_FIELDS
assert len(PlaceOrderRequest.__struct_fields__) == _END


def place_order(request: PlainOrderRequest, user_id: str, rules: Instrument) -> PlaceOrder:
    """The command to place this order. Raises ApiError."""
    side: Side = fields.choice("side", request.side, _SIDES)
    order_type: OrderType = fields.choice("order_type", request.order_type, _ORDER_TYPES)
    if order_type is LIMIT:
        plain = _plain(request, user_id, rules, side)
        if plain is not None:
            return plain
    whole = request if isinstance(request, PlaceOrderRequest) else _whole(request)
    return _any(whole, user_id, rules, side, order_type)


def _plain(request: PlainOrderRequest, user_id: str, rules: Instrument, side: Side) -> PlaceOrder | None:
    """A limit order that asks nothing beyond a plain one, which most do; None if it is another, or wrong."""
    given = astuple(request)  # all fields in one call, which costs what four of them cost one by one
    quantity, price, time, post_only = given[_QUANTITY], given[_PRICE], given[_TIME], given[_POST_ONLY]
    time_in_force = GTC if time is None else fields.choice("time_in_force", time, _TIMES)
    if quantity is None or price is None or time_in_force is GTD or (post_only and time_in_force is not GTC):
        return None
    if len(given) >= _END and given[_FURTHER:_END] != _NOTHING:
        return None
    return PlaceOrder(
        user_id,
        rules.symbol,
        side,
        LIMIT,
        time_in_force,
        post_only,
        fields.ticks(price, rules),
        fields.lots(quantity, rules),
        None if given[_NAME] is None else fields.client_order_id(given[_NAME]),
        None,
    )


def _whole(request: PlainOrderRequest) -> PlaceOrderRequest:
    """The same request, in the type that has all fields."""
    return PlaceOrderRequest(**dict(zip(_PLAIN_FIELDS, astuple(request), strict=False)))


def _any(request: PlaceOrderRequest, user_id: str, rules: Instrument, side: Side, order_type: OrderType) -> PlaceOrder:
    limit = order_type is LIMIT or order_type not in MARKET_TYPES
    time_in_force = GTC if limit else IOC
    if request.time_in_force is not None:
        time_in_force = fields.choice("time_in_force", request.time_in_force, _TIMES)
    _check_time(request, limit, time_in_force)
    if request.visible_quantity is not None and (not limit or time_in_force is not GTC):
        raise ApiError("INVALID_FIELD", "visible_quantity goes with orders that have a limit and are gtc.")
    if request.peg is not None:
        _check_peg(request, request.peg, limit, time_in_force)
    elif limit and request.price is None:
        raise ApiError("INVALID_FIELD", "price is missing: an order with a limit has one.")
    by_quote = request.quote_quantity is not None
    if by_quote and order_type is not MARKET:
        raise ApiError("INVALID_FIELD", "quote_quantity goes with market orders.")
    if (request.quantity is None) is not by_quote:
        raise ApiError("INVALID_FIELD", "Give quantity, or in a market order quote_quantity instead.")
    return PlaceOrder(
        user_id,
        rules.symbol,
        side,
        order_type,
        time_in_force,
        request.post_only,
        None if request.price is None else fields.ticks(request.price, rules),
        0 if request.quantity is None else fields.lots(request.quantity, rules),
        fields.client_order_id(request.client_order_id),
        _conditions(request, order_type, rules),
    )


def _check_time(request: PlaceOrderRequest, limit: bool, time_in_force: TimeInForce) -> None:
    if not limit and time_in_force is not IOC:
        raise ApiError("INVALID_FIELD", "time_in_force of an order without a limit is ioc.")
    if request.post_only and (not limit or (time_in_force is not GTC and time_in_force is not GTD)):
        raise ApiError("INVALID_FIELD", "post_only goes with orders that have a limit and are gtc or gtd.")
    if (request.expire_at is None) is (time_in_force is GTD):
        raise ApiError("INVALID_FIELD", "expire_at goes with time_in_force gtd, which needs it.")


def _check_peg(request: PlaceOrderRequest, peg: PegRequest, limit: bool, time_in_force: TimeInForce) -> None:
    """Which orders may be pegged, and to what. Raises ApiError."""
    if not limit:
        raise ApiError("INVALID_FIELD", "peg goes with orders that have a limit.")
    if peg.offset is not None and peg.levels is not None:
        raise ApiError("INVALID_FIELD", "Give offset or levels of peg, not both.")
    if peg.follow and (request.price is None or time_in_force is not GTC):
        raise ApiError("INVALID_FIELD", "An order whose peg follows the book has a price, its limit, and is gtc.")
    primary = fields.choice("peg.to", peg.to, PEGS) is PegTo.PRIMARY
    if primary and time_in_force is not GTC:
        raise ApiError("INVALID_FIELD", "time_in_force of an order with peg to primary is gtc.")
    if request.post_only and not primary:
        raise ApiError("INVALID_FIELD", "post_only goes with peg to primary only.")


def _conditions(request: PlaceOrderRequest, order_type: OrderType, rules: Instrument) -> Conditions | None:
    """What the order asks beyond a plain one; None if nothing. Raises ApiError."""
    mode, quote, expire_at = request.self_trade_prevention, request.quote_quantity, request.expire_at
    plain = order_type is LIMIT or order_type is MARKET
    _check_trigger(request, plain)
    visible = request.visible_quantity
    peg = request.peg
    strategic = request.strategy_id is not None or request.strategy_type is not None or visible is not None
    if plain and mode is None and quote is None and expire_at is None and peg is None and not strategic:
        return None
    stop, amount, activation = request.stop_price, request.trailing_amount, request.activation_price
    return Conditions(
        None if mode is None else fields.choice("self_trade_prevention", mode, SELF_TRADE_MODES),
        None if quote is None else fields.minor(rules.quote, quote, "quote_quantity"),
        request.strategy_id,
        request.strategy_type,
        stop_ticks=None if stop is None else fields.ticks(stop, rules, "stop_price"),
        trailing_bps=request.trailing_delta,
        trailing_ticks=None if amount is None else fields.ticks(amount, rules, "trailing_amount"),
        activation_ticks=None if activation is None else fields.ticks(activation, rules, "activation_price"),
        expire_ns=None if expire_at is None else expire_at * NS_PER_MS,
        visible_lots=None if visible is None else fields.lots(visible, rules, "visible_quantity"),
        peg_to=None if peg is None else fields.choice("peg.to", peg.to, PEGS),
        peg_offset_ticks=None if peg is None or peg.offset is None else fields.ticks(peg.offset, rules, "peg.offset"),
        peg_levels=None if peg is None else peg.levels,
        peg_follows=1 if peg is not None and peg.follow else None,
    )


def _check_trigger(request: PlaceOrderRequest, plain: bool) -> None:
    """What an order waits for, if it waits, is said once. Raises ApiError."""
    stop, delta, amount = request.stop_price, request.trailing_delta, request.trailing_amount
    given = (stop is not None) + (delta is not None) + (amount is not None)
    if plain:
        if given or request.activation_price is not None:
            raise ApiError(
                "INVALID_FIELD",
                "stop_price, trailing_delta, trailing_amount and activation_price go with stop_loss and take_profit.",
            )
        return
    if given != 1:
        raise ApiError("INVALID_FIELD", "Give stop_price, trailing_delta or trailing_amount, one of the three.")
    if request.activation_price is not None and stop is not None:
        raise ApiError("INVALID_FIELD", "activation_price goes with trailing_delta or trailing_amount.")
    if request.price is not None and request.order_type.lower() in ("stop_loss", "take_profit"):
        raise ApiError("INVALID_FIELD", "price does not go with this order_type, which takes any price.")
