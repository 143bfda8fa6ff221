"""The requests of a batch, as types. The smallest one that takes a batch costs least."""

from collections.abc import Sequence

import msgspec

from exchange.api.native.models import BatchCancel, PlaceOrderRequest, PlainOrderRequest, Request, User


class BatchCancelItem(Request, kw_only=True):
    """An item of a batch that cancels."""

    user_id: User = None
    cancel: BatchCancel


class BatchItemKind(msgspec.Struct):
    """Just enough of a batch item to see which kind it is."""

    cancel: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class BatchRequest(Request, kw_only=True):
    """Orders and cancels, applied in the order given; each is decoded, and can fail, on its own."""

    user_id: User = None
    orders: list[msgspec.Raw]


class PlainBatchRequest(Request, kw_only=True):
    """The usual batch, which only places plain orders: it is decoded in one go."""

    user_id: User = None
    orders: Sequence[PlainOrderRequest]


class PlaceBatchRequest(PlainBatchRequest, kw_only=True):
    """A batch that only places orders, of any kind."""

    orders: Sequence[PlaceOrderRequest]
