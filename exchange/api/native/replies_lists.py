"""The replies about lists of orders, as types."""

from typing import Annotated

import msgspec

from exchange.api.native import names
from exchange.api.native.replies import Id, Millis, Order, PageNext, Reply, Status


def _enum(values: tuple[str, ...]) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(values)})


ListType = Annotated[str, _enum(names.LIST_TYPE_NAMES)]
ListStatus = Annotated[str, _enum(names.LIST_STATUS_NAMES)]
ListEnd = Annotated[Annotated[str, _enum(names.LIST_END_NAMES)] | None, msgspec.Meta(description="once it is all_done")]
ListReason = Annotated[str, _enum(names.LIST_CHANGE_NAMES)]


class OrderList(Reply):
    """A list, with its orders."""

    list_id: Id
    client_list_id: str | None
    user_id: str
    market: str
    type: ListType
    status: ListStatus
    end_reason: ListEnd
    created_at: Millis
    updated_at: Millis
    orders: list[Order]


class Leg(Reply):
    """An order of a list that is told."""

    order_id: Id
    client_order_id: Annotated[str | None, msgspec.Meta(description="as it was placed")]
    status: Status


class ToldList(Reply):
    """A list as its channel tells it: what became of its orders is told in theirs."""

    list_id: Id
    client_list_id: str | None
    user_id: str
    market: str
    type: ListType
    status: ListStatus
    end_reason: ListEnd
    created_at: Millis
    updated_at: Millis
    orders: list[Leg]


class ListPage(Reply):
    """A page of lists."""

    lists: list[OrderList]
    next: PageNext
