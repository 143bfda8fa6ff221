"""Requests: text becomes a request of a type, and a request a command in the venue's integers.

Nothing here looks at live state.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from exchange.api.native.errors import ApiError
from exchange.api.native.malformed import batch_is_once, check_once, invalid
from exchange.api.native.models import (
    BATCH_MAX,
    BatchCancel,
    BatchCancelItem,
    BatchItemKind,
    BatchRequest,
    CancelRequest,
    MarketStatusRequest,
    PlaceOrderRequest,
    PlainBatchRequest,
)
from exchange.api.native.names import MARKET_STATUSES, ORDER_TYPES, SELF_TRADE_MODES, SIDES, TIMES_IN_FORCE
from exchange.core.administration import Origin
from exchange.core.candles import INTERVAL_NAMES
from exchange.core.commands import CancelOrder, OrderType, PlaceOrder, SetMarketStatus, Side, TimeInForce
from exchange.core.conditions import Conditions
from exchange.core.events import INTERVALS_S
from exchange.core.instrument import Asset, Instrument, InvalidNumber, OffGrid
from exchange.service.codes import Refused
from exchange.service.history import ID_MAX

# Looking a member up in its enum costs more than a comparison.
LIMIT: Final = OrderType.LIMIT
GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC
ONLY_IF: Final = {"open": False, "partially_filled": True}  # whether the order has filled in part

_SIDES: Final = SIDES
_ORDER_TYPES: Final = ORDER_TYPES
_TIMES: Final = TIMES_IN_FORCE
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[0-9]{1,19}")
_WHOLE = re.compile(r"[0-9]{1,18}")  # a converter would also take 1e2 and 5.0 for whole numbers
_WHOLE_FIELDS = ("limit", "start", "end")

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
_decoders: dict[type[msgspec.Struct], "msgspec.json.Decoder[Any]"] = {}
_plain_batch: "Final[msgspec.json.Decoder[PlainBatchRequest]]" = msgspec.json.Decoder(PlainBatchRequest)
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


def decode_batch(body: bytes) -> BatchRequest | PlainBatchRequest:
    """The batch that the JSON text is: whole if it only places orders and all is well with it, else item by item.

    Raises ApiError.
    """
    if b'"cancel"' not in body:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            plain = _plain_batch.decode(body)
            if batch_is_once(body, plain):
                return plain
    return decode(body, BatchRequest)


def decode_query(query: Sequence[tuple[str, str]], model: type[RequestT]) -> RequestT:
    """The request that the query string is. Raises ApiError."""
    fields = dict(query)
    if len(fields) != len(query):
        raise ApiError("INVALID_FIELD", "A field is given twice.")
    for name in _WHOLE_FIELDS:
        if name in fields and not _WHOLE.fullmatch(fields[name]):
            raise ApiError("INVALID_FIELD", f"{name} must be digits, 18 at most.")
    try:
        return msgspec.convert(fields, model, strict=False)
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


def choice(name: str, text: str, choices: Mapping[str, Any]) -> Any:
    """The value of a name, in letters of either case. Raises ApiError."""
    choice = choices.get(text)
    if choice is None and text.isascii():  # a Kelvin sign is a small k, too
        choice = choices.get(text.lower())
    if choice is None:
        raise ApiError("INVALID_FIELD", f"{name} must be one of {', '.join(choices)}.")
    return choice


def _client_order_id(text: str | None) -> str | None:
    if text is not None and not _CLIENT_ORDER_ID.fullmatch(text):
        raise ApiError("INVALID_FIELD", "client_order_id must be 1 to 36 of A-Z a-z 0-9 . _ -")
    return text


def minor(asset: Asset, text: str, field: str = "amount") -> int:
    """An amount in minor units. Raises ApiError."""
    try:
        return asset.minor(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", f"{field} must be a plain decimal number.") from None
    except OffGrid:
        raise ApiError(
            "INVALID_NUMBER", f"{field} is finer than the {asset.decimals} decimals of {asset.symbol}."
        ) from None


def place_order(request: PlaceOrderRequest, user_id: str, rules: Instrument) -> PlaceOrder:
    """The command to place this order. Raises ApiError."""
    side: Side = choice("side", request.side, _SIDES)
    order_type: OrderType = choice("order_type", request.order_type, _ORDER_TYPES)
    limit = order_type is LIMIT
    time_in_force = GTC if limit else IOC
    if request.time_in_force is not None:
        time_in_force = choice("time_in_force", request.time_in_force, _TIMES)
        if not limit and time_in_force is not IOC:
            raise ApiError("INVALID_FIELD", "time_in_force of a market order is ioc.")
    if request.post_only and (not limit or time_in_force is not GTC):
        raise ApiError("INVALID_FIELD", "post_only goes with limit orders that are gtc.")
    if limit and request.price is None:
        raise ApiError("INVALID_FIELD", "price is missing: a limit order has one.")
    by_quote = request.quote_quantity is not None
    if by_quote and limit:
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
        None if request.price is None else _ticks(request.price, rules),
        0 if request.quantity is None else _lots(request.quantity, rules),
        _client_order_id(request.client_order_id),
        _conditions(request, rules),
    )


def _conditions(request: PlaceOrderRequest, rules: Instrument) -> Conditions | None:
    """What the order asks beyond a plain one; None if nothing. Raises ApiError."""
    mode, quote = request.self_trade_prevention, request.quote_quantity
    strategy_id, strategy_type = request.strategy_id, request.strategy_type
    if mode is None and quote is None and strategy_id is None and strategy_type is None:
        return None
    return Conditions(
        None if mode is None else choice("self_trade_prevention", mode, SELF_TRADE_MODES),
        None if quote is None else minor(rules.quote, quote, "quote_quantity"),
        strategy_id,
        strategy_type,
    )


def _ticks(text: str, rules: Instrument) -> int:
    try:
        return rules.ticks(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", "price must be a plain decimal number.") from None
    except OffGrid:
        step = rules.price_text(1)
        raise ApiError("OFF_TICK", f"price must be a multiple of {rules.symbol}'s tick_size, {step}.") from None


def _lots(text: str, rules: Instrument) -> int:
    try:
        return rules.lots(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", "quantity must be a plain decimal number.") from None
    except OffGrid:
        step = rules.quantity_text(1)
        raise ApiError("OFF_LOT", f"quantity must be a multiple of {rules.symbol}'s lot_size, {step}.") from None


def order_ids(order_id: str | None, client_order_id: str | None) -> tuple[int | None, str | None]:
    """Either id of an order, exactly one of them given. Raises ApiError."""
    if (order_id is None) == (client_order_id is None):
        raise ApiError("INVALID_FIELD", "Give order_id or client_order_id, one of the two.")
    return (None if order_id is None else decode_id("order_id", order_id)), _client_order_id(client_order_id)


def batch_item(raw: msgspec.Raw) -> PlaceOrderRequest | BatchCancelItem:
    """One item of a batch. Raises ApiError."""
    text = memoryview(raw).tobytes()
    if text.startswith(b'{"cancel"'):
        return decode(raw, BatchCancelItem)
    try:
        return decode(raw, PlaceOrderRequest)
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
        ids = decode_id("order_id", order_id), _client_order_id(client_order_id)
    only_if = None if request.only_if is None else choice("only_if", request.only_if, ONLY_IF)
    return CancelOrder(user_id, rules.symbol, *ids, only_if)


def set_market_status(request: MarketStatusRequest, rules: Instrument, origin: Origin) -> SetMarketStatus:
    """The command to change what this market takes. Raises ApiError."""
    return SetMarketStatus(rules.symbol, choice("status", request.status, MARKET_STATUSES), origin)


def batch_commands(
    request: BatchRequest | PlainBatchRequest, user_id: str, rules: Callable[[str], Instrument]
) -> list[PlaceOrder | CancelOrder | BaseException]:
    """The commands of a batch; an item that is none is the reason why. Raises ApiError."""
    if not 1 <= len(request.orders) <= BATCH_MAX:
        raise ApiError("INVALID_FIELD", f"orders must hold 1 to {BATCH_MAX} items.")
    items: list[PlaceOrder | CancelOrder | BaseException] = []
    for order in request.orders:
        try:
            item = order if isinstance(order, PlaceOrderRequest) else batch_item(order)
            items.append(_batch_command(item, user_id, rules))
        except (ApiError, Refused) as error:
            items.append(error)
    return items


def _batch_command(
    item: PlaceOrderRequest | BatchCancelItem, user_id: str, rules: Callable[[str], Instrument]
) -> PlaceOrder | CancelOrder:
    if item.user_id is not None and item.user_id != user_id:
        raise ApiError("FORBIDDEN", "This item names another user than its batch.")
    if isinstance(item, PlaceOrderRequest):
        return place_order(item, user_id, rules(item.market))
    cancel = item.cancel
    return cancel_order(cancel, user_id, rules(cancel.market))
