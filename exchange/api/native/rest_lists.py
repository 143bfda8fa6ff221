"""The REST calls about lists of orders."""

from collections.abc import Awaitable

from exchange.api.http.request import Request
from exchange.api.native import list_codec, models_lists, replies, replies_lists
from exchange.api.native.decoding import body_of, query_of
from exchange.api.native.fields import choice
from exchange.api.native.paging import next_of, page_of
from exchange.core.instrument import Instrument
from exchange.service.history import ListRead
from exchange.service.principal import Permission
from exchange.service.service import Service

YES_NO = {"true": True, "false": False}


class RestLists:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def place_list(self, request: Request) -> Awaitable[replies.Reply]:
        """POST /order/list."""
        body = body_of(request, models_lists.ListRequest)
        user_id = self._user(request, body.user_id, Permission.TRADE)
        rules = self._service.rules(list_codec.market_of(body))
        return self._read(self._service.lists.place(list_codec.place_list(body, user_id, rules)), rules)

    def cancel_list(self, request: Request) -> Awaitable[replies.Reply]:
        """DELETE /order/list."""
        model = models_lists.ListNameRequest
        asked = body_of(request, model) if request.body else query_of(request, model)
        user_id = self._user(request, asked.user_id, Permission.TRADE, cancels=True)
        rules = self._service.rules(asked.market)
        return self._read(self._service.lists.cancel(list_codec.cancel_list(asked, user_id, rules)), rules)

    async def order_list(self, request: Request) -> replies.Reply:
        """GET /order/list."""
        query = query_of(request, models_lists.ListNameRequest)
        user_id = self._user(request, query.user_id, Permission.READ)
        rules = self._service.rules(query.market)
        found = await self._service.lists.find(list_codec.list_name(query, user_id, rules))
        return list_codec.list_read(found, rules)

    async def lists(self, request: Request) -> replies.Reply:
        """GET /order/lists."""
        query = query_of(request, models_lists.ListsQuery)
        page = page_of(query)
        user_id = self._user(request, query.user_id, Permission.READ)
        market = None if query.market is None else self._service.rules(query.market).symbol
        is_open = None if query.open is None else choice("open", query.open, YES_NO)
        found = await self._service.lists.page(user_id, market, is_open, page)
        rows = [list_codec.list_read(each, self._service.rules(each.told.placed.market)) for each in found]
        return replies_lists.ListPage(rows[: query.limit], next_of(found, page, lambda each: each.told.list_id))

    async def _read(self, found: Awaitable[ListRead], rules: Instrument) -> replies.Reply:
        return list_codec.list_read(await found, rules)

    def _user(self, request: Request, named: str | None, needed: Permission, *, cancels: bool = False) -> str:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.user(request.principal, named, needed, cancels=cancels)
