"""The JSON of an order that was placed: the reply that is sent most.

What an order asks beyond a plain one, and what became of that, are the last fields of its reply. They say the same of
every plain order: they are encoded once.
"""

from typing import Any, Final

import msgspec

from exchange.api.native import encode, replies
from exchange.api.native.names import (
    EXPIRE_REASON_NAMES,
    ORDER_TYPE_NAMES,
    SIDE_NAMES,
    STATUS_NAMES,
    TIME_IN_FORCE_NAMES,
)
from exchange.core.events import OrderStatus
from exchange.service.results import Placed

CANCELED: Final = OrderStatus.CANCELED  # looking a member up in its enum costs more than a comparison
NS_PER_MS: Final = 1_000_000

# To find a name in its module costs as much as to index a tuple.
_SIDES: Final = SIDE_NAMES
_ORDER_TYPES: Final = ORDER_TYPE_NAMES
_TIMES: Final = TIME_IN_FORCE_NAMES
_STATUSES: Final = STATUS_NAMES
_EXPIRE_REASONS: Final = EXPIRE_REASON_NAMES
_encode: Final = msgspec.json.Encoder().encode

# The first fields of the reply, which differ from one plain order to the next.
_FIELDS: Final = replies.OrderWithFills.__struct_fields__
_FIRST: Final = _FIELDS.index("self_trade_prevention")
_Begin: Final[Any] = msgspec.defstruct("_Begin", _FIELDS[:_FIRST], gc=False)


def _end_of_plain() -> bytes:
    """What the reply of a plain order has between its first fields and its fills."""
    whole: list[Any] = [None] * len(_FIELDS)
    whole[_FIRST] = encode.PLAIN_MODE
    whole[-1] = []
    begin = _encode(_Begin(*whole[:_FIRST]))
    return b"," + _encode(replies.OrderWithFills(*whole))[len(begin) : -len(b"[]}")]


_END: Final = _end_of_plain()
_END_WITHOUT_FILLS: Final = _END + b"[]}"


def placed_json(result: Placed) -> bytes:
    """The JSON of `encode.placed`."""
    update, rules = result.order, result.rules
    terms = update.terms
    if terms.conditions is not None or update.progress is not None or update.status is CANCELED:
        return encode.json_of(encode.placed(result))
    created_ms = update.created_ns // NS_PER_MS
    begin = _encode(
        _Begin(
            str(update.order_id),
            terms.client_order_id,
            terms.user_id,
            terms.market,
            _SIDES[terms.side],
            _ORDER_TYPES[terms.order_type],
            _TIMES[terms.time_in_force],
            terms.post_only,
            None if terms.price_ticks is None else rules.price_text(terms.price_ticks),
            rules.quantity_text(terms.quantity_lots),
            rules.quantity_text(update.executed_lots),
            rules.quote.text(update.executed_quote_minor),
            _STATUSES[update.status],
            None if update.expire_reason is None else _EXPIRE_REASONS[update.expire_reason],
            None,
            created_ms,
            update.updated_ns // NS_PER_MS,
            created_ms,
        )
    )
    trades = result.trades()
    if not trades:
        return begin[:-1] + _END_WITHOUT_FILLS
    fills = [encode.order_fill(trade, True, rules) for trade in trades]
    return b"".join((begin[:-1], _END, _encode(fills), b"}"))
