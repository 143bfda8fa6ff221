"""The messages of a client on a socket, as types. One decoder takes them all, by their `message_type`."""

from typing import get_args

import msgspec

from exchange.api.native import models, models_batch, models_lists
from exchange.api.native.events import Id


class _Message(models.Request, tag_field="message_type", kw_only=True):
    id: Id = None


class Subscribe(_Message, tag="SUBSCRIBE", kw_only=True):
    """Listen to channels: one as `channel`, or several as `channels`."""

    channel: str | None = None
    channels: list[str] | None = None


class Unsubscribe(_Message, tag="UNSUBSCRIBE", kw_only=True):
    """Stop listening to channels."""

    channel: str | None = None
    channels: list[str] | None = None


class Auth(_Message, tag="AUTH", kw_only=True):
    """Sign in, as the user of a key."""

    api_key: str
    timestamp: int | str
    signature: str
    nonce: str = ""


class Ping(_Message, tag="PING", kw_only=True):
    """Ask for a sign of life."""


class PlaceOrder(models.PlaceOrderRequest, tag_field="message_type", tag="ORDER", kw_only=True):
    """Place an order."""

    id: Id = None


class PlainOrder(models.PlainOrderRequest, tag_field="message_type", tag="ORDER", kw_only=True):
    """Place an order that asks nothing further."""

    id: Id = None


class Cancel(models.CancelRequest, tag_field="message_type", tag="CANCEL", kw_only=True):
    """Cancel an order, named by one of its ids or by both."""

    id: Id = None


class Amend(models.AmendRequest, tag_field="message_type", tag="AMEND", kw_only=True):
    """Change an open order, named by one of its ids."""

    id: Id = None


class Replace(models.ReplaceRequest, tag_field="message_type", tag="REPLACE", kw_only=True):
    """Cancel an order and place another in the same market, in one step."""

    id: Id = None


class CancelAll(models.CancelAllRequest, tag_field="message_type", tag="CANCEL_ALL", kw_only=True):
    """Cancel all open orders, in one market or in all."""

    id: Id = None


class CancelAllAfter(models.CancelAllAfterRequest, tag_field="message_type", tag="CANCEL_ALL_AFTER", kw_only=True):
    """Cancel all open orders after a time, in one market or in all, unless this is asked again before."""

    id: Id = None


class PlaceList(models_lists.ListRequest, tag_field="message_type", tag="ORDER_LIST", kw_only=True):
    """Place orders that depend on each other, all of one market."""

    id: Id = None


class CancelOnDisconnect(_Message, tag="CANCEL_ON_DISCONNECT", kw_only=True):
    """Cancel the orders that this socket places from now on when it ends, or place the next ones to stay."""

    enabled: bool


class CancelList(models_lists.ListNameRequest, tag_field="message_type", tag="CANCEL_LIST", kw_only=True):
    """Cancel a list, named by one of its ids or by both."""

    id: Id = None


class PlaceOrders(models_batch.BatchRequest, tag_field="message_type", tag="ORDERS", kw_only=True):
    """Place and cancel several, applied in the order given."""

    id: Id = None


_Single = PlaceOrder | Cancel | Amend | Replace | CancelAll | PlaceOrders | PlaceList | CancelList
_Later = CancelAllAfter | CancelOnDisconnect
Message = _Single | _Later | Subscribe | Unsubscribe | Ping | Auth
AnyMessage = Message | PlainOrder

TYPES: tuple[type[msgspec.Struct], ...] = get_args(Message)
TAGS = {str(model.__struct_config__.tag): model for model in TYPES}
DECODER = msgspec.json.Decoder(Message)
PLAIN_ORDER = msgspec.json.Decoder(PlainOrder)


class Head(msgspec.Struct):
    """What every message has."""

    message_type: str
    id: Id = None
