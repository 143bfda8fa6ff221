"""The calls about lists of orders."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from exchange.client.numbers import with_texts
from exchange.client.types import Json, OrderList


class ListCalls:
    """These calls of a client."""

    async def place_list(
        self,
        list_type: str,
        orders: Sequence[Mapping[str, Any]],
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Place orders that depend on each other, of one market: an `oco`, `oto` or `otoco`; the list as it is then.

        Each is an order as in `place`, which gets no name here. With a `client_list_id` it may be sent again: a list
        that was placed is found again.
        """
        body = list_terms(list_type, orders, client_list_id) | {"user_id": self._who(user_id)}
        return cast(OrderList, await self._call("POST", "/order/list", body=body))

    async def cancel_list(
        self,
        market: str,
        *,
        list_id: str | None = None,
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Cancel what is open of a list; the list after that. ApiError `UNKNOWN_LIST`, or `LIST_DONE`."""
        body = list_name(market, list_id, client_list_id) | {"user_id": self._who(user_id)}
        return cast(OrderList, await self._call("DELETE", "/order/list", body=body))

    async def order_list(
        self,
        market: str,
        *,
        list_id: str | None = None,
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """A list as it is now, open or done, with its orders."""
        query = {"user_id": self._who(user_id)} | list_name(market, list_id, client_list_id)
        return cast(OrderList, await self._call("GET", "/order/list", query=query))

    async def order_lists(
        self,
        market: str | None = None,
        *,
        is_open: bool | None = None,
        limit: int = 100,
        before: str | None = None,
        user_id: str | None = None,
    ) -> tuple[list[OrderList], str | None]:
        """A page of the user's lists, newest first, and the `before` of the next page or None."""
        wanted = None if is_open is None else str(is_open).lower()
        query = {"market": market, "open": wanted, "limit": limit, "before": before}
        page = await self._call("GET", "/order/lists", query={"user_id": self._who(user_id), **query})
        return self._field(page, "lists"), page.get("next")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Json:
        raise NotImplementedError

    def _who(self, user_id: str | None) -> str | None:
        raise NotImplementedError

    def _field(self, body: Json, name: str) -> list[Any]:
        raise NotImplementedError


def list_terms(list_type: str, orders: Sequence[Mapping[str, Any]], client_list_id: str | None) -> Json:
    """What a list says of itself and its orders."""
    named = {} if client_list_id is None else {"client_list_id": client_list_id}
    return {"type": list_type, "orders": [with_texts(order) for order in orders]} | named


def list_name(market: str, list_id: str | None, client_list_id: str | None) -> Json:
    """The market and the id, or both ids, that name a list."""
    if list_id is None and client_list_id is None:
        raise ValueError("name the list by at least one id")
    said = {"market": market, "list_id": list_id, "client_list_id": client_list_id}
    return {name: value for name, value in said.items() if value is not None}
