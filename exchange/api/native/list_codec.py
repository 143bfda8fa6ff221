"""Lists of orders between the wire and the core."""

from exchange.api.native import codec, encode, fields, models_lists, replies_lists
from exchange.api.native.errors import ApiError
from exchange.api.native.names import LIST_STATUS_NAMES, LIST_TYPE_NAMES, LIST_TYPES
from exchange.api.native.order_codec import place_order
from exchange.api.native.told_lists import end_reason
from exchange.core.commands import CancelList, PlaceList
from exchange.core.instrument import Instrument
from exchange.core.list_rules import wrong_shape
from exchange.service.history import ListRead
from exchange.service.lists import ListName

NS_PER_MS = 1_000_000
ORDERS_MAX = 3


def market_of(request: models_lists.ListRequest) -> str:
    """The one market that the orders of the list name. Raises ApiError."""
    if not 1 <= len(request.orders) <= ORDERS_MAX:
        raise ApiError("INVALID_FIELD", "orders must hold 2 or 3 orders.")
    markets = {order.market for order in request.orders}
    if len(markets) > 1:
        raise ApiError("INVALID_FIELD", "orders must name the same market.")
    return markets.pop()


def place_list(request: models_lists.ListRequest, user_id: str, rules: Instrument) -> PlaceList:
    """The command to place this list. Raises ApiError."""
    if any(order.user_id not in (None, user_id) for order in request.orders):
        raise ApiError("FORBIDDEN", "An order names another user than the request.")
    command = PlaceList(
        user_id,
        rules.symbol,
        fields.choice("type", request.type, LIST_TYPES),
        tuple(place_order(order, user_id, rules) for order in request.orders),
        fields.client_order_id(request.client_list_id, "client_list_id"),
    )
    wrong = wrong_shape(command)
    if wrong is not None:
        raise ApiError("INVALID_FIELD", f"{wrong}.")
    return command


def list_name(request: models_lists.ListNameRequest, user_id: str, rules: Instrument) -> ListName:
    """Which list is meant. Raises ApiError."""
    list_id, name = request.list_id, request.client_list_id
    if list_id is None and name is None:
        raise ApiError("INVALID_FIELD", "Give list_id, client_list_id, or both.")
    return ListName(
        *(user_id, rules.symbol, None if list_id is None else codec.decode_id("list_id", list_id)),
        fields.client_order_id(name, "client_list_id"),
    )


def cancel_list(request: models_lists.ListNameRequest, user_id: str, rules: Instrument) -> CancelList:
    """The command to cancel this list. Raises ApiError."""
    name = list_name(request, user_id, rules)
    return CancelList(name.user_id, name.market, name.list_id, name.client_list_id)


def list_read(read: ListRead, rules: Instrument) -> replies_lists.OrderList:
    """A list, with its orders."""
    found = read.told
    return replies_lists.OrderList(
        str(found.list_id),
        found.placed.client_list_id,
        found.placed.user_id,
        found.placed.market,
        LIST_TYPE_NAMES[found.placed.list_type],
        LIST_STATUS_NAMES[found.done],
        end_reason(found),
        found.created_ns // NS_PER_MS,
        found.updated_ns // NS_PER_MS,
        [encode.order(order, rules) for order in read.orders],
    )
