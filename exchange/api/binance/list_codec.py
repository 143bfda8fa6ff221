"""Lists of orders from parameters to commands: OCO, OTO and OTOCO, with the rules of each.

Every order of a list has its own parameters under longer names: `abovePrice` is the `price` of the leg above.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from exchange.api.binance import order_codec
from exchange.api.binance.errors import DUPLICATE, BinanceError, mandatory, not_required
from exchange.api.binance.parameters import Parameters
from exchange.core.commands import CancelList, ListType, OrderType, PlaceList, PlaceOrder, Side
from exchange.core.instrument import Instrument
from exchange.core.list_rules import wrong_shape

OWN: Final = (
    *("type", "price", "stopPrice", "trailingDelta", "timeInForce", "icebergQty", "strategyId", "strategyType"),
    *("pegPriceType", "pegOffsetType", "pegOffsetValue"),
)
WORKING_TYPES: Final = ("LIMIT", "LIMIT_MAKER")
LEG_TYPES: Final = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
STOP_LOSSES: Final = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
MODE: Final = "selfTradePreventionMode"
_QUOTED = re.compile(r"'(\w+)'")

Names = Mapping[str, str]


def _names(prefix: str, shared: str, more: Iterable[str] = ()) -> Names:
    """The parameters of an order whose own begin with `prefix`; those it shares with others begin with `shared`."""
    made = {name: _joined(prefix, name) for name in (*OWN, *more)}
    made |= {name: _joined(shared, name) for name in ("side", "quantity")}
    return made | {MODE: MODE, "newClientOrderId": f"{prefix}ClientOrderId"}


def _joined(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


ABOVE, BELOW = _names("above", ""), _names("below", "")
WORKING, PENDING = _names("working", "working"), _names("pending", "pending")
PENDING_ABOVE, PENDING_BELOW = _names("pendingAbove", "pending"), _names("pendingBelow", "pending")
LIMIT_LEG: Final[Names] = {
    "side": "side",
    "quantity": "quantity",
    "price": "price",
    "icebergQty": "limitIcebergQty",
    MODE: MODE,
    "strategyId": "limitStrategyId",
    "strategyType": "limitStrategyType",
    "newClientOrderId": "limitClientOrderId",
}
STOP_LEG: Final[Names] = {
    "side": "side",
    "quantity": "quantity",
    "stopPrice": "stopPrice",
    "trailingDelta": "trailingDelta",
    MODE: MODE,
    "price": "stopLimitPrice",
    "timeInForce": "stopLimitTimeInForce",
    "icebergQty": "stopIcebergQty",
    "strategyId": "stopStrategyId",
    "strategyType": "stopStrategyType",
    "newClientOrderId": "stopClientOrderId",
}


def place_oco(params: Parameters, rules: Instrument, user_id: str) -> PlaceList:
    """An OCO by its legs above and below. Raises BinanceError."""
    params.needed("side")
    params.needed("quantity")
    legs = _legs(params, rules, user_id, ABOVE, BELOW)
    return _list(params, rules, user_id, ListType.OCO, legs)


def place_old_oco(params: Parameters, rules: Instrument, user_id: str) -> PlaceList:
    """An OCO as the deprecated call has it: a limit and a stop. Raises BinanceError."""
    for name in ("side", "quantity", "price", "stopPrice"):
        params.needed(name)
    kind = "STOP_LOSS"
    if params.text("stopLimitPrice") is not None:
        kind = "STOP_LOSS_LIMIT"
        params.needed("stopLimitTimeInForce")
    elif "stopLimitTimeInForce" in params:
        raise not_required("stopLimitTimeInForce")
    limit = _order(params, rules, user_id, LIMIT_LEG, "LIMIT_MAKER")
    stop = _order(params, rules, user_id, STOP_LEG, kind)
    return _list(params, rules, user_id, ListType.OCO, (stop, limit))


def place_oto(params: Parameters, rules: Instrument, user_id: str) -> PlaceList:
    """A working order, and one that enters when it is filled. Raises BinanceError."""
    working = _working(params, rules, user_id)
    pending = _order(params, rules, user_id, PENDING)
    return _list(params, rules, user_id, ListType.OTO, (working, pending))


def place_otoco(params: Parameters, rules: Instrument, user_id: str) -> PlaceList:
    """A working order, and the legs of an OCO that enter when it is filled. Raises BinanceError."""
    working = _working(params, rules, user_id)
    params.needed("pendingSide")
    params.needed("pendingQuantity")
    legs = _legs(params, rules, user_id, PENDING_ABOVE, PENDING_BELOW)
    return _list(params, rules, user_id, ListType.OTOCO, (working, *legs))


def list_name(params: Parameters, rules: Instrument, user_id: str) -> CancelList:
    """Which list is to be canceled. Raises BinanceError."""
    list_id, named = params.integer("orderListId"), order_codec.client_id(params, "listClientOrderId")
    if list_id is None and named is None:
        message = "Param 'orderListId' or 'listClientOrderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    return CancelList(user_id, rules.symbol, list_id, named)


def asked_name(params: Parameters) -> tuple[int | None, str | None]:
    """Which list is asked for. Raises BinanceError."""
    list_id, named = params.integer("orderListId"), order_codec.client_id(params, "origClientOrderId")
    if list_id is None and named is None:
        message = "Param 'orderListId' or 'origClientOrderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    return list_id, named


def _working(params: Parameters, rules: Instrument, user_id: str) -> PlaceOrder:
    if params.needed("workingType") not in WORKING_TYPES:
        raise BinanceError(-1116, "Invalid orderType.")
    return _order(params, rules, user_id, WORKING)


def _legs(
    params: Parameters, rules: Instrument, user_id: str, above: Names, below: Names
) -> tuple[PlaceOrder, PlaceOrder]:
    """The leg that stops a loss, then the other. Raises BinanceError."""
    kinds = [params.needed(names["type"]) for names in (above, below)]
    for kind in kinds:
        if kind not in LEG_TYPES:
            raise BinanceError(-1158, "Order type not supported in OCO.")
    if kinds == ["LIMIT_MAKER", "LIMIT_MAKER"]:
        raise BinanceError(-1168, "At least one OCO order must be contingent.")
    upper, lower = (_order(params, rules, user_id, names) for names in (above, below))
    sells = upper.side is Side.SELL
    profit, loss = (upper, lower) if sells else (lower, upper)
    _check_place(profit, loss, sells=sells)
    return loss, profit


def _check_place(profit: PlaceOrder, loss: PlaceOrder, *, sells: bool) -> None:
    """Raise BinanceError unless each leg is on its side of the price."""
    side, up, down = ("sell", "above", "below") if sells else ("buy", "below", "above")
    if loss.order_type is OrderType.LIMIT:
        raise BinanceError(-1166 if sells else -1165, f"A limit order in a {side} OCO must be {up}.")
    if loss.order_type not in STOP_LOSSES:
        raise BinanceError(-1199 if sells else -1198, f"A take profit order in a {side} OCO must be {up}.")
    if profit.order_type in STOP_LOSSES:
        raise BinanceError(-1197 if sells else -1196, f"A stop loss order in a {side} OCO must be {down}.")


def _order(params: Parameters, rules: Instrument, user_id: str, names: Names, kind: str | None = None) -> PlaceOrder:
    """One order of the list. An error names its parameters as the list has them. Raises BinanceError."""
    part = params.part(names, kind)
    try:
        made = order_codec.place_order(part, rules, user_id)
    except BinanceError as error:
        error.msg = _QUOTED.sub(lambda found: f"'{names.get(found[1], found[1])}'", error.msg)
        raise
    finally:
        params.read_by(part, names)
    if not made.quantity_lots:
        raise mandatory(names["quantity"])
    return made


def _list(
    params: Parameters, rules: Instrument, user_id: str, list_type: ListType, orders: tuple[PlaceOrder, ...]
) -> PlaceList:
    named = order_codec.client_id(params, "listClientOrderId")
    command = PlaceList(
        *(user_id, rules.symbol, list_type, orders, named or order_codec.new_id()),
        refuse_while_open=True,
    )
    names = [order.client_order_id for order in orders]
    if len(set(names)) < len(names):
        raise BinanceError(-2010, DUPLICATE)
    if wrong_shape(command) is not None:
        raise BinanceError(-1014, "Unsupported order combination.")
    return command
