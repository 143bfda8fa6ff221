"""The requests about lists of orders, as types."""

from typing import Annotated

import msgspec

from exchange.api.native.models import MarketName, PageQuery, PlaceOrderRequest, Request, User
from exchange.api.native.names import LIST_TYPE_NAMES

_NAME = msgspec.Meta(
    max_length=36, extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,36}$"}, description="your own name for the list"
)
_LIST_ID = msgspec.Meta(max_length=20, extra_json_schema={"pattern": "^[0-9]{1,19}$"})
_TYPE = msgspec.Meta(extra_json_schema={"enum": list(LIST_TYPE_NAMES)}, description="case-insensitive")
_ORDERS = msgspec.Meta(description="of an oco its legs, else the working order first", min_length=1, max_length=3)
_OPEN = msgspec.Meta(extra_json_schema={"enum": ["true", "false"]}, description="only the open ones, or the others")


class ListRequest(Request, kw_only=True):
    """Place orders that depend on each other, all of one market."""

    user_id: User = None
    type: Annotated[str, _TYPE]
    orders: Annotated[list[PlaceOrderRequest], _ORDERS]
    client_list_id: Annotated[str, _NAME] | None = None


class ListNameRequest(Request, kw_only=True):
    """Name a list, by one of its ids or by both."""

    user_id: User = None
    market: MarketName
    list_id: Annotated[str, _LIST_ID] | None = None
    client_list_id: Annotated[str, _NAME] | None = None


class ListsQuery(PageQuery, kw_only=True):
    """A page of a user's lists; ids are list ids, and the time of a list is its creation."""

    user_id: User = None
    market: MarketName | None = None
    open: Annotated[str, _OPEN] | None = None
