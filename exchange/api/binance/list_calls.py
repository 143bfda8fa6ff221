"""The calls about lists of orders: placed, canceled and queried."""

import re
from collections.abc import Callable
from typing import Any, Final

from exchange.api.binance import list_codec, list_shapes, order_codec
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import UNKNOWN_ORDER, BinanceError
from exchange.api.binance.order_calls import response_kind
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.windows import page_in_time
from exchange.core.commands import PlaceList
from exchange.core.instrument import Instrument
from exchange.service.codes import Code, Refused
from exchange.service.history import ID_MAX, Page
from exchange.service.service import Service

NO_LIST: Final = "Order list does not exist."
LISTS_MAX: Final = 1000
LISTS_USUAL: Final = 500
_BY_NUMBER = re.compile(r"l([0-9]{1,18})")

Codec = Callable[[Parameters, Instrument, str], PlaceList]


class ListCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols

    # --- changing

    async def oco(self, asked: Asked) -> Any:
        """A new OCO."""
        return await self._place(asked, list_codec.place_oco)

    async def old_oco(self, asked: Asked) -> Any:
        """A new OCO, by the deprecated call."""
        return await self._place(asked, list_codec.place_old_oco)

    async def oto(self, asked: Asked) -> Any:
        """A new OTO."""
        return await self._place(asked, list_codec.place_oto)

    async def otoco(self, asked: Asked) -> Any:
        """A new OTOCO."""
        return await self._place(asked, list_codec.place_otoco)

    async def _place(self, asked: Asked, codec: Codec) -> Any:
        params, rules = asked.params, self._rules(asked)
        command = codec(params, rules, asked.user_id)
        kind = response_kind(params, "LIMIT")
        params.done()
        return list_shapes.placed(await self._service.lists.place(command), rules, asked, kind)

    async def cancel(self, asked: Asked) -> Any:
        """Cancel a list."""
        params, rules = asked.params, self._rules(asked)
        command = list_codec.list_name(params, rules, asked.user_id)
        cancel_id = order_codec.client_id(params, "newClientOrderId") or order_codec.new_id()
        params.done()
        try:
            canceled = await self._service.lists.cancel(command)
        except Refused as refused:
            if refused.code not in (Code.UNKNOWN_LIST, Code.LIST_DONE):
                raise
            raise BinanceError(-2011, UNKNOWN_ORDER) from None
        return list_shapes.canceled(canceled, rules, cancel_id, asked)

    # --- reading

    async def order_list(self, asked: Asked) -> Any:
        """One list, open or done, in whichever market."""
        list_id, named = list_codec.asked_name(asked.params)
        asked.params.done()
        if named is not None:
            known = self._number(asked.user_id, named)
            if known is None or list_id not in (None, known):
                raise BinanceError(-2013, NO_LIST)
            list_id = known
        assert list_id is not None
        page = Page(1, after=list_id - 1, before=min(list_id + 1, ID_MAX))
        shown: list[Any] = await self._shown(asked, None, page)
        if not shown:
            raise BinanceError(-2013, NO_LIST)
        return shown[0]

    async def all_lists(self, asked: Asked) -> Any:
        """Lists, open or done, oldest first."""
        params = asked.params
        since, limit = params.integer("fromId"), params.limit(LISTS_USUAL, LISTS_MAX)
        if since is not None and ("startTime" in params or "endTime" in params):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        page = page_in_time(params, limit)
        params.done()
        if since is not None:
            page.after = max(since, 1) - 1
        return await self._shown(asked, None, page)

    async def open_lists(self, asked: Asked) -> Any:
        """Lists of which an order is open, oldest first."""
        asked.params.done()
        return await self._shown(asked, True, Page(LISTS_MAX))

    async def _shown(self, asked: Asked, is_open: bool | None, page: Page) -> Any:
        found = await self._service.lists.page(asked.user_id, None, is_open, page)
        made = []
        for one in sorted(found, key=lambda one: one.told.list_id):
            rules = self._service.rules(one.told.placed.market)
            if self._symbols.has(rules):
                made.append(list_shapes.read(one.told, rules, asked))
        return made

    # --- parts

    def _number(self, user_id: str, named: str) -> int | None:
        """The id of the list of that client id, as far as these are remembered, or that is shown with it."""
        known = self._service.engine.venue.list_ids.taken_by(user_id, named)
        number = _BY_NUMBER.fullmatch(named)
        return known[0] if known is not None else None if number is None else int(number[1])

    def _rules(self, asked: Asked) -> Instrument:
        return self._symbols.rules(asked.params.needed("symbol"))
