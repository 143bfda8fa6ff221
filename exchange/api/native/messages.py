"""The messages of a client on a socket, as types. One decoder takes them all, by their `message_type`."""

from dataclasses import dataclass
from typing import get_args

import msgspec

from exchange.api.native import codec, models
from exchange.api.native.errors import ApiError
from exchange.api.native.events import Id
from exchange.api.native.malformed import check_once, check_text


class _Message(models.Request, tag_field="message_type", kw_only=True):
    id: Id = None


class Subscribe(_Message, tag="SUBSCRIBE", kw_only=True):
    """SUBSCRIBE."""

    channel: str | None = None
    channels: list[str] | None = None


class Unsubscribe(_Message, tag="UNSUBSCRIBE", kw_only=True):
    """UNSUBSCRIBE."""

    channel: str | None = None
    channels: list[str] | None = None


class Ping(_Message, tag="PING", kw_only=True):
    """PING."""


class PlaceOrder(models.PlaceOrderRequest, tag_field="message_type", tag="ORDER", kw_only=True):
    """ORDER."""

    id: Id = None


class Cancel(models.OrderRequest, tag_field="message_type", tag="CANCEL", kw_only=True):
    """CANCEL."""

    id: Id = None


class CancelAll(models.CancelAllRequest, tag_field="message_type", tag="CANCEL_ALL", kw_only=True):
    """CANCEL_ALL."""

    id: Id = None


class PlaceOrders(models.BatchRequest, tag_field="message_type", tag="ORDERS", kw_only=True):
    """ORDERS."""

    id: Id = None


Message = PlaceOrder | Cancel | CancelAll | PlaceOrders | Subscribe | Unsubscribe | Ping

TYPES: tuple[type[msgspec.Struct], ...] = get_args(Message)
TAGS = {str(model.__struct_config__.tag): model for model in TYPES}
_decoder = msgspec.json.Decoder(Message)


class _Head(msgspec.Struct):
    """What every message has."""

    message_type: str
    id: Id = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is none: why, and the name of its request, if that much can be read."""

    error: ApiError
    id: Id


def read(text: str | bytes) -> Message | Unreadable:
    """The message that the text is."""
    try:
        message: Message = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _read_slowly(text)
    try:
        check_once(text, message)
    except ApiError as error:
        return Unreadable(error, message.id)
    return message


def _read_slowly(text: str | bytes) -> Message | Unreadable:
    """A message whose type may be in other letters, or what is wrong with it."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(fields["message_type"], type=str)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, KeyError):
        return _why(text)
    if kind not in TAGS and kind.isascii() and kind.upper() in TAGS:
        try:
            check_text(text)
        except ApiError as error:
            return Unreadable(error, None)
        fields["message_type"] = msgspec.Raw(msgspec.json.encode(kind.upper()))
        return read(msgspec.json.encode(fields))
    return _why(text)


def _why(text: str | bytes) -> Unreadable:
    """What is wrong with it."""
    request_id: Id = None
    try:
        head = codec.decode(text, _Head)
        request_id = head.id
        model = TAGS.get(head.message_type)
        if model is not None:
            codec.decode(text, model)
    except ApiError as error:
        return Unreadable(error, request_id)
    if head.message_type == "AUTH":
        why = '[auth] mode = "dev" believes user_id: there is nothing to sign in to.'
    else:
        why = f"message_type must be one of {', '.join(TAGS)}."
    return Unreadable(ApiError("INVALID_FIELD", why), request_id)
