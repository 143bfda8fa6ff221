"""A list of orders as its channel tells it."""

from exchange.api.native import replies_lists
from exchange.api.native.names import LIST_END_NAMES, LIST_STATUS_NAMES, LIST_TYPE_NAMES, STATUS_NAMES
from exchange.core.list_events import ListUpdated

NS_PER_MS = 1_000_000


def end_reason(found: ListUpdated) -> str | None:
    """How a list ended, if it has."""
    return LIST_END_NAMES[found.end] if found.done and found.end is not None else None


def told_list(found: ListUpdated) -> replies_lists.ToldList:
    """The list, with the ids and statuses of its orders."""
    return replies_lists.ToldList(
        str(found.list_id),
        found.placed.client_list_id,
        found.placed.user_id,
        found.placed.market,
        LIST_TYPE_NAMES[found.placed.list_type],
        LIST_STATUS_NAMES[found.done],
        end_reason(found),
        found.created_ns // NS_PER_MS,
        found.updated_ns // NS_PER_MS,
        [replies_lists.Leg(str(leg.order_id), leg.client_order_id, STATUS_NAMES[leg.status]) for leg in found.legs],
    )
