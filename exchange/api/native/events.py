"""What a socket sends, as types: answers, and the events of channels."""

from typing import Annotated, Any

import msgspec

from exchange.api.native import names, replies, replies_lists

# A client's own name for a request; a number is one that can be sent back.
Id = str | Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None
SentId = Id | msgspec.UnsetType
_REASONS = [name for name in names.UPDATE_REASON_NAMES if name != "read"]  # which is no event
Reason = Annotated[str, msgspec.Meta(extra_json_schema={"enum": _REASONS})]


def sent_id(request_id: Id) -> SentId:
    """The id as it goes back: left out where the request had none."""
    return msgspec.UNSET if request_id is None else request_id


class _Answer(msgspec.Struct, tag_field="message_type", omit_defaults=True, gc=False):
    """An answer to a request on a socket."""


class ResultMessage(_Answer, tag="RESULT"):
    """What was asked for."""

    data: Any
    id: SentId = msgspec.UNSET


class ErrorMessage(_Answer, tag="ERROR"):
    """Why there is nothing: the fields of an error."""

    code: str
    message: str
    order: replies.OrderWithFills | msgspec.UnsetType = msgspec.UNSET
    retry_after_s: int | msgspec.UnsetType = msgspec.UNSET
    id: SentId = msgspec.UNSET


class Subscribed(_Answer, tag="SUBSCRIBED"):
    """A subscription has begun, after the event of this count."""

    channel: str
    channel_sequence: int
    id: SentId = msgspec.UNSET


class Unsubscribed(_Answer, tag="UNSUBSCRIBED"):
    """A subscription has ended."""

    channel: str
    id: SentId = msgspec.UNSET


class Pong(_Answer, tag="PONG"):
    """The answer to PING."""

    id: SentId = msgspec.UNSET


class Authenticated(_Answer, tag="AUTHENTICATED"):
    """The answer to AUTH: who the socket acts for, and what the key may do."""

    user_id: str | None
    permissions: list[str]
    id: SentId = msgspec.UNSET


Answer = ResultMessage | ErrorMessage | Subscribed | Unsubscribed | Pong | Authenticated


_FIRST = msgspec.Meta(ge=0, description="where it stands for several: the first of them")


class Event(msgspec.Struct, omit_defaults=True, gc=False):
    """One event of a channel. `first_channel_sequence` is there where it stands for several."""

    channel: Annotated[str, msgspec.Meta(description="its name, as it was subscribed to")]
    sequence: Annotated[int, msgspec.Meta(ge=0, description="venue-wide, one a command that changed something")]
    channel_sequence: Annotated[int, msgspec.Meta(ge=0, description="counts the events of the channel without holes")]
    data: msgspec.Struct
    first_channel_sequence: Annotated[int, _FIRST] | msgspec.UnsetType = msgspec.UNSET


class TradeEvent(msgspec.Struct, gc=False):
    """`trade@MARKET`."""

    trade_id: replies.Id
    price: replies.Number
    quantity: replies.Number
    taker_side: replies.Side
    timestamp: replies.Millis
    market_trade_id: replies.Id
    aggregate_id: replies.Id


class DepthDiff(msgspec.Struct, tag_field="type", tag="diff", gc=False):
    """`depth@MARKET`: new totals of levels, 0 where a level is gone."""

    first_sequence: replies.Count
    last_sequence: replies.Count
    bids: list[replies.Level]
    asks: list[replies.Level]


class DepthSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """`depth@MARKET`: the whole book."""

    last_sequence: replies.Count
    bids: msgspec.Raw  # a list of levels, encoded before
    asks: msgspec.Raw


class BookTicker(msgspec.Struct, gc=False):
    """`book_ticker@MARKET`: the best of a book."""

    best_bid: replies.Number | None
    best_bid_quantity: replies.Number | None
    best_ask: replies.Number | None
    best_ask_quantity: replies.Number | None


class CandleEvent(replies.Candle):
    """`candle_INTERVAL@MARKET`: a candle, and whether it has ended."""

    closed: bool


_CANCEL_ID = msgspec.Meta(description="that of the cancel, where it had one")


class OrderUpdate(msgspec.Struct, tag_field="type", tag="update", omit_defaults=True, gc=False):
    """`orders@USER`: one step of an order."""

    reason: Reason
    order: replies.Order
    fill: replies.OrderFill | None
    cancel_id: Annotated[str, _CANCEL_ID] | msgspec.UnsetType = msgspec.UNSET


class OrdersSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """`orders@USER`: the open orders."""

    orders: list[replies.Order]


class ListUpdate(msgspec.Struct, tag_field="type", tag="update", gc=False):
    """`lists@USER`: a list, when an order of it has another status."""

    reason: replies_lists.ListReason
    list: replies_lists.ToldList


class ListsSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """`lists@USER`: the open lists."""

    lists: list[replies_lists.ToldList]


class BalancesUpdate(msgspec.Struct, tag_field="type", tag="update", gc=False):
    """`balances@USER`: the accounts that one command changed."""

    balances: list[replies.Balance]


class BalancesSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """`balances@USER`: all accounts."""

    balances: list[replies.Balance]
