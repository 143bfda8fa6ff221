"""Requests: text becomes a request of a type, and a request a command in the venue's integers.

Nothing here looks at live state.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from exchange.api.native import fields
from exchange.api.native.errors import ApiError
from exchange.api.native.malformed import batch_is_once, check_once, invalid
from exchange.api.native.models import (
    BATCH_MAX,
    AmendRequest,
    BatchCancel,
    CancelRequest,
    MarketStatusRequest,
    PlaceOrderRequest,
    PlainOrderRequest,
    ReplaceRequest,
)
from exchange.api.native.models_batch import (
    BatchCancelItem,
    BatchItemKind,
    BatchRequest,
    PlaceBatchRequest,
    PlainBatchRequest,
)
from exchange.api.native.names import (
    MARKET_STATUSES,
    REPLACE_MODES,
)
from exchange.api.native.order_codec import place_order
from exchange.core.administration import Origin
from exchange.core.amendments import AmendOrder
from exchange.core.candles import INTERVAL_NAMES
from exchange.core.commands import CancelOrder, PlaceOrder, ReplaceOrder, SetMarketStatus
from exchange.core.events import INTERVALS_S
from exchange.core.instrument import Instrument
from exchange.service.codes import Refused
from exchange.service.history import ID_MAX

ONLY_IF: Final = {"open": False, "partially_filled": True}  # whether the order has filled in part

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[0-9]{1,19}")
_WHOLE = re.compile(r"[0-9]{1,18}")  # a converter would also take 1e2 and 5.0 for whole numbers
_WHOLE_FIELDS = ("limit", "start", "end")

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
_decoders: dict[type[msgspec.Struct], "msgspec.json.Decoder[Any]"] = {}
_plain_order: "Final[msgspec.json.Decoder[PlainOrderRequest]]" = msgspec.json.Decoder(PlainOrderRequest)
# The smallest types first.
_batches: "Final[tuple[msgspec.json.Decoder[PlainBatchRequest], ...]]" = (
    msgspec.json.Decoder(PlainBatchRequest),
    msgspec.json.Decoder(PlaceBatchRequest),
)
_item_kind: "Final[msgspec.json.Decoder[BatchItemKind]]" = msgspec.json.Decoder(BatchItemKind)


def is_json(content_type: str) -> bool:
    """Whether a body of this type can be read."""
    return content_type == "application/json" or content_type.partition(";")[0].strip().lower() == "application/json"


def decode(body: bytes | str | msgspec.Raw, model: type[RequestT]) -> RequestT:
    """The request that the JSON text is. Raises ApiError."""
    decoder = _decoders.get(model)
    if decoder is None:
        decoder = _decoders[model] = msgspec.json.Decoder(model)
    try:
        request: RequestT = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error, model) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError("MALFORMED_JSON", f"The body is not the JSON this call takes: {error}.") from None
    check_once(body, request)
    return request


def decode_order(body: bytes | msgspec.Raw) -> PlainOrderRequest:
    """The order that the JSON text is, of the smallest type that has its fields. Raises ApiError."""
    try:
        plain = _plain_order.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode(body, PlaceOrderRequest)  # it has further fields, or something is wrong with it
    check_once(body, plain)
    return plain


def decode_batch(body: bytes) -> BatchRequest | PlainBatchRequest:
    """The batch that the JSON text is: whole if it only places orders and all is well with it, else item by item.

    Raises ApiError.
    """
    if b'"cancel"' not in body:
        for decoder in _batches:
            try:
                whole = decoder.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue  # there are further fields, or something is wrong
            if batch_is_once(body, whole):
                return whole
            break
    return decode(body, BatchRequest)


def decode_query(query: Sequence[tuple[str, str]], model: type[RequestT]) -> RequestT:
    """The request that the query string is. Raises ApiError."""
    given = dict(query)
    if len(given) != len(query):
        raise ApiError("INVALID_FIELD", "A field is given twice.")
    for name in _WHOLE_FIELDS:
        if name in given and not _WHOLE.fullmatch(given[name]):
            raise ApiError("INVALID_FIELD", f"{name} must be digits, 18 at most.")
    try:
        return msgspec.convert(given, model, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error, model) from None


def page_limit(limit: int, limit_max: int) -> int:
    """The page size, refused rather than clamped."""
    if not 1 <= limit <= limit_max:
        raise ApiError("INVALID_FIELD", f"limit must be from 1 to {limit_max}.")
    return limit


def interval_s(name: str) -> int:
    """The length of a candle. Raises ApiError."""
    if name not in INTERVAL_NAMES:  # as it is written: 1m is a minute, and 1M would be a month
        raise ApiError("INVALID_FIELD", f"interval must be one of {', '.join(INTERVAL_NAMES)}.")
    return INTERVALS_S[INTERVAL_NAMES.index(name)]


def time_range_s(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """A range of times in whole seconds, from milliseconds. Raises ApiError."""
    for name, value in (("start", start), ("end", end)):
        if value is not None:
            decode_millis(name, value)
    return (None if start is None else -(-start // 1000)), (None if end is None else -(-end // 1000))


def decode_millis(name: str, value: int) -> int:
    """A time in milliseconds since the epoch. Raises ApiError."""
    if not 0 <= value < ID_MAX:
        raise ApiError("INVALID_FIELD", f"{name} must be milliseconds since the epoch.")
    return value


def decode_id(name: str, text: str) -> int:
    """An id from its digits; one beyond all ids is the last, which nothing has. Raises ApiError."""
    if not _ID.fullmatch(text):
        raise ApiError("INVALID_FIELD", f"{name} must be digits.")
    return min(int(text), ID_MAX)


def decode_name(name: str, text: str) -> str:
    """A user or a key: what may stand in the database and in a log as it is. Raises ApiError."""
    if not _NAME.fullmatch(text):
        raise ApiError("INVALID_FIELD", f"{name} must be 1 to 64 of A-Z a-z 0-9 . _ -")
    return text


def order_ids(order_id: str | None, client_order_id: str | None) -> tuple[int | None, str | None]:
    """Either id of an order, exactly one of them given. Raises ApiError."""
    if (order_id is None) == (client_order_id is None):
        raise ApiError("INVALID_FIELD", "Give order_id or client_order_id, one of the two.")
    return (None if order_id is None else decode_id("order_id", order_id)), fields.client_order_id(client_order_id)


def batch_item(raw: msgspec.Raw) -> PlainOrderRequest | BatchCancelItem:
    """One item of a batch. Raises ApiError."""
    text = memoryview(raw).tobytes()
    if text.startswith(b'{"cancel"'):
        return decode(raw, BatchCancelItem)
    try:
        return decode_order(raw)
    except ApiError:
        if b'"cancel"' in text:  # somewhere
            with contextlib.suppress(msgspec.MsgspecError):
                if _item_kind.decode(raw).cancel is not msgspec.UNSET:
                    return decode(raw, BatchCancelItem)
        raise


def cancel_order(request: CancelRequest | BatchCancel, user_id: str, rules: Instrument) -> CancelOrder:
    """The command to cancel this order. Raises ApiError."""
    order_id, client_order_id = request.order_id, request.client_order_id
    if order_id is None or client_order_id is None:
        ids = order_ids(order_id, client_order_id)
    else:
        ids = decode_id("order_id", order_id), fields.client_order_id(client_order_id)
    only_if = None if request.only_if is None else fields.choice("only_if", request.only_if, ONLY_IF)
    return CancelOrder(user_id, rules.symbol, *ids, only_if, fields.client_order_id(request.cancel_id, "cancel_id"))


def amend_order(request: AmendRequest, user_id: str, rules: Instrument) -> AmendOrder:
    """The command to change this order. Raises ApiError."""
    ids = order_ids(request.order_id, request.client_order_id)
    quantity, reduce_by = request.quantity, request.reduce_by
    price, new_name = request.price, request.new_client_order_id
    if quantity is None and reduce_by is None and price is None and new_name is None:
        raise ApiError("INVALID_FIELD", "Give quantity, reduce_by, price or new_client_order_id.")
    if quantity is not None and reduce_by is not None:
        raise ApiError("INVALID_FIELD", "Give quantity or reduce_by, one of the two.")
    if (reduce_by is None) is not (request.key is None):
        raise ApiError("INVALID_FIELD", "reduce_by and key go together.")
    reduce_lots = None if reduce_by is None else fields.lots(reduce_by, rules, "reduce_by")
    if reduce_lots == 0:
        raise ApiError("INVALID_FIELD", "reduce_by must be more than 0.")
    return AmendOrder(
        *(user_id, rules.symbol, *ids),
        None if quantity is None else fields.lots(quantity, rules),
        reduce_lots,
        None if price is None else fields.ticks(price, rules),
        fields.client_order_id(new_name, "new_client_order_id"),
        None if request.key is None else decode_name("key", request.key),
    )


def replace_order(request: ReplaceRequest, user_id: str, rules: Instrument) -> ReplaceOrder:
    """The command to replace this order. Raises ApiError."""
    cancel, place = request.cancel, request.place
    if cancel.market != place.market:
        raise ApiError("INVALID_FIELD", "cancel and place must name the same market.")
    if place.user_id is not None and place.user_id != user_id:
        raise ApiError("FORBIDDEN", "place names another user than the request.")
    mode = fields.choice("mode", request.mode, REPLACE_MODES)
    return ReplaceOrder(cancel_order(cancel, user_id, rules), place_order(place, user_id, rules), mode)


def set_market_status(request: MarketStatusRequest, rules: Instrument, origin: Origin) -> SetMarketStatus:
    """The command to change what this market takes. Raises ApiError."""
    return SetMarketStatus(rules.symbol, fields.choice("status", request.status, MARKET_STATUSES), origin)


def batch_commands(
    request: BatchRequest | PlainBatchRequest, user_id: str, rules: Callable[[str], Instrument]
) -> list[PlaceOrder | CancelOrder | BaseException]:
    """The commands of a batch; an item that is none is the reason why. Raises ApiError."""
    if not 1 <= len(request.orders) <= BATCH_MAX:
        raise ApiError("INVALID_FIELD", f"orders must hold 1 to {BATCH_MAX} items.")
    items: list[PlaceOrder | CancelOrder | BaseException] = []
    for order in request.orders:
        try:
            item = order if isinstance(order, PlainOrderRequest) else batch_item(order)
            items.append(_batch_command(item, user_id, rules))
        except (ApiError, Refused) as error:
            items.append(error)
    return items


def _batch_command(
    item: PlainOrderRequest | BatchCancelItem, user_id: str, rules: Callable[[str], Instrument]
) -> PlaceOrder | CancelOrder:
    if item.user_id is not None and item.user_id != user_id:
        raise ApiError("FORBIDDEN", "This item names another user than its batch.")
    if isinstance(item, PlainOrderRequest):
        return place_order(item, user_id, rules(item.market))
    cancel = item.cancel
    return cancel_order(cancel, user_id, rules(cancel.market))
