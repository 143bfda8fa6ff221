"""The calls about orders: placed, tested, canceled and queried. Each gets its parameters and gives what is sent."""

import re
from collections.abc import Awaitable
from typing import Any, Final, Protocol

from exchange.api.binance import list_shapes, numbers, order_codec, order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import UNKNOWN_ORDER, BinanceError
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.pieces import listed
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.windows import page_in_time
from exchange.core.commands import CancelOrder, PlaceOrder
from exchange.core.events import OrderUpdated
from exchange.core.instrument import Instrument
from exchange.service.codes import Code, Refused
from exchange.service.history import ID_MAX, ListRead, Page
from exchange.service.lists import ListName
from exchange.service.order_lookup import OrderName
from exchange.service.queries import OpenOrders
from exchange.service.results import Canceled, CanceledAll, Placed, Result
from exchange.service.service import Service
from exchange.service.trading import Submitted

ACK: Final = "ACK"
FULL: Final = "FULL"
RESPONSES: Final = (ACK, "RESULT", FULL)
ORDERS_MAX: Final = 1000
ORDERS_USUAL: Final = 500
_BY_NUMBER = re.compile(r"o([0-9]{1,18})")


class Answer(Protocol):
    """Who gets what a call comes to, at once or later."""

    def done(self, value: Any) -> None:
        """Take what is sent."""

    def failed(self, error: BaseException) -> None:
        """Take the reason why there is nothing."""


class _Placing:
    """The listener of a new order."""

    __slots__ = ("_answer", "_asked", "_kind")

    def __init__(self, answer: Answer, asked: Asked, kind: str) -> None:
        self._answer = answer
        self._asked = asked
        self._kind = kind

    def done(self, result: Result) -> None:
        """Answer with as much as was asked for."""
        if not isinstance(result, Placed):
            self._answer.failed(BinanceError(-2010, "Duplicate order sent."))
            return
        self._answer.done(placed_shape(result, self._asked, self._kind))

    def failed(self, error: BaseException) -> None:
        """Pass on."""
        self._answer.failed(error)

    def looks_up(self) -> None:
        """The answer comes later."""


class _Canceling:
    """The listener of a cancel."""

    __slots__ = ("_answer", "_asked", "_cancel_id", "_service")

    def __init__(self, service: Service, answer: Answer, asked: Asked, cancel_id: str) -> None:
        self._service = service
        self._answer = answer
        self._asked = asked
        self._cancel_id = cancel_id

    def done(self, result: Result) -> None:
        """Answer with the order."""
        if not isinstance(result, Canceled):
            self._answer.failed(BinanceError(-2011, UNKNOWN_ORDER))
            return
        if order_shapes.list_id(result.order) == order_shapes.NO_LIST:
            self._answer.done(order_shapes.canceled(result.order, result.rules, self._cancel_id, self._asked))
            return
        order, rules = result.order, result.rules
        self._service.tasks.start(lambda: self._whole_list(order, rules), "look up a canceled list")

    async def _whole_list(self, order: OrderUpdated, rules: Instrument) -> None:
        """With an order of a list the list is canceled."""
        try:
            found = await list_of(self._service, order)
        except Exception as error:
            self._answer.failed(error)
        else:
            self._answer.done(list_shapes.canceled(found, rules, self._cancel_id, self._asked))

    def failed(self, error: BaseException) -> None:
        """Pass on; an order that is not open is unknown here."""
        self._answer.failed(cancel_refusal(error))

    def looks_up(self) -> None:
        """The answer comes later."""


def placed_shape(result: Placed, asked: Asked, kind: str) -> dict[str, Any]:
    """A new order, in as many words as were asked for."""
    if kind == ACK:
        return order_shapes.acknowledged(result.order, result.rules, asked)
    made = order_shapes.placed(result.order, result.rules, asked)
    if kind == FULL:
        made["fills"] = order_shapes.fills(result.trades(), result.rules)
    return made


async def list_of(service: Service, order: OrderUpdated) -> ListRead:
    """The list that an order is of. Raises Refused."""
    terms = order.terms
    return await service.lists.find(ListName(terms.user_id, terms.market, order_shapes.list_id(order), None))


def cancel_refusal(error: BaseException) -> BaseException:
    """Why a cancel was refused: an order that is not open is unknown."""
    if isinstance(error, Refused) and error.code in (Code.UNKNOWN_ORDER, Code.ORDER_CLOSED):
        return BinanceError(-2011, UNKNOWN_ORDER)
    return error


def response_kind(params: Parameters, kind: str | None) -> str:
    """How much is said of a new order of that type. Raises BinanceError."""
    usual = FULL if kind in ("LIMIT", "MARKET") else ACK
    return params.choice("newOrderRespType", RESPONSES) or usual


class OrderCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols

    # --- changing: these answer from the step that makes them durable

    def place(self, asked: Asked, answer: Answer) -> None:
        """A new order. Raises BinanceError, Refused, Overloaded or Stopping."""
        params, rules = asked.params, self._rules(asked)
        command, kind = order_codec.plain_limit(params, rules, asked.user_id), params.values.get("newOrderRespType")
        if command is None or (kind is not None and kind not in RESPONSES):
            command, rules, kind = self._new_order(asked)
            params.done()
        self._service.trading.place(_Placing(answer, asked, kind or FULL), command, rules)

    def cancel(self, asked: Asked, answer: Answer) -> None:
        """Cancel an order. Raises as `place` does."""
        params, rules = asked.params, self._rules(asked)
        cancel_id = order_codec.client_id(params, "newClientOrderId") or order_codec.new_id()
        command = order_codec.cancel_order(params, rules, asked.user_id, cancel_id)
        self.name_by_number(command)
        params.done()
        self._service.trading.cancel(_Canceling(self._service, answer, asked, cancel_id), command, rules)

    # --- changing, and awaited

    def test(self, asked: Asked) -> Awaitable[Any]:
        """Every check of a new order, and nothing placed."""
        rates = asked.params.flag("computeCommissionRates")
        command, rules, _ = self._new_order(asked)
        asked.params.done()
        return self._test(command, rules, bool(rates))

    async def _test(self, command: PlaceOrder, rules: Instrument, rates: bool) -> Any:
        await self._service.trading.test(command)
        if not rates:
            return {}
        [(_, maker_ppm, taker_ppm)] = (await self._service.fees.of_user(command.user_id, rules.symbol)).rates
        none = {"maker": numbers.ZERO, "taker": numbers.ZERO}
        return {
            "standardCommissionForOrder": {"maker": rate(maker_ppm), "taker": rate(taker_ppm)},
            "specialCommissionForOrder": none,
            "taxCommissionForOrder": none,
            "discount": discount(),
        }

    def cancel_all(self, asked: Asked) -> Awaitable[Any]:
        """Cancel all open orders of a market."""
        rules = self._rules(asked)
        asked.params.done()
        return self._canceled(self._service.trading.cancel_all(asked.user_id, rules.symbol), rules, asked)

    async def _canceled(self, submitted: Submitted[CanceledAll], rules: Instrument, asked: Asked) -> Any:
        orders = (await submitted).orders
        if not orders:
            raise BinanceError(-2011, UNKNOWN_ORDER)
        cancel_id = order_codec.new_id()
        made = []
        lists: set[int] = set()
        for order in orders:
            list_id = order_shapes.list_id(order)
            if list_id == order_shapes.NO_LIST:
                made.append(order_shapes.canceled(order, rules, cancel_id, asked))
            elif list_id not in lists:
                lists.add(list_id)
                made.append(list_shapes.canceled(await list_of(self._service, order), rules, cancel_id, asked))
        return made

    # --- reading

    async def order(self, asked: Asked) -> Any:
        """One order, open or closed."""
        rules = self._rules(asked)
        order_id, named = order_codec.order_ids(asked.params)
        asked.params.done()
        return order_shapes.read(await self._find(asked.user_id, rules, order_id, named), rules, asked)

    async def open_orders(self, asked: Asked) -> Any:
        """The open orders of a market, or of all."""
        symbol = asked.params.text("symbol")
        rules = None if symbol is None else self._symbols.rules(symbol)
        asked.params.done()
        query = OpenOrders(asked.user_id, None if rules is None else rules.symbol)
        found = await self._service.reading.open_orders(query)
        of = self._service.rules
        shown = [order for order in found if self._symbols.has(of(order.terms.market))]
        return await listed(shown, lambda order: order_shapes.read(order, of(order.terms.market), asked))

    async def all_orders(self, asked: Asked) -> Any:
        """Orders of a market, open or closed, oldest first."""
        params, rules = asked.params, self._rules(asked)
        order_id, limit = params.integer("orderId"), params.limit(ORDERS_USUAL, ORDERS_MAX)
        page = page_in_time(params, limit)
        params.done()
        if order_id is not None:
            page.after = max(order_id, 1) - 1
        found = await self._service.reading.orders(asked.user_id, rules.symbol, page)
        found.sort(key=lambda order: order.order_id)
        return await listed(found, lambda order: order_shapes.read(order, rules, asked))

    async def prevented_matches(self, asked: Asked) -> Any:
        """What self-trade prevention kept the user's orders from."""
        params, rules = asked.params, self._rules(asked)
        match_id, order_id = params.integer("preventedMatchId"), params.integer("orderId")
        since, limit = params.integer("fromPreventedMatchId"), params.limit(ORDERS_USUAL, ORDERS_MAX)
        params.done()
        if match_id is None and order_id is None:
            message = "Param 'preventedMatchId' or 'orderId' must be sent, but both were empty/null!"
            raise BinanceError(-1102, message)
        page = Page(limit, after=max(since or 0, 1) - 1)
        if match_id is not None:
            page = Page(1, after=match_id - 1, before=min(match_id + 1, ID_MAX))
        found = await self._service.reading.prevented_matches(asked.user_id, rules.symbol, order_id, page)
        return await listed(found, lambda match: order_shapes.prevented(match, rules, asked))

    # --- parts

    def name_by_number(self, command: CancelOrder) -> None:
        """An order without a client order id is named by the one it is shown with."""
        named = command.client_order_id
        by_number = None if named is None else _BY_NUMBER.fullmatch(named)
        venue = self._service.engine.venue
        if named is None or by_number is None or venue.client_ids.open_order(command.user_id, named) is not None:
            return
        order = venue.markets[command.market].book.orders.get(int(by_number[1]))
        if order is not None and order.terms.client_order_id is None and command.order_id in (None, order.order_id):
            command.order_id, command.client_order_id = order.order_id, None

    def _rules(self, asked: Asked) -> Instrument:
        return self._symbols.rules(asked.params.needed("symbol"))

    def _new_order(self, asked: Asked) -> tuple[PlaceOrder, Instrument, str]:
        params, rules = asked.params, self._rules(asked)
        command = order_codec.place_order(params, rules, asked.user_id)
        return command, rules, response_kind(params, params.text("type"))

    async def _find(self, user_id: str, rules: Instrument, order_id: int | None, named: str | None) -> OrderUpdated:
        reading = self._service.reading
        if order_id is not None:
            found = (await reading.order(OrderName(user_id, rules.symbol, order_id, None))).order
            if named is not None and named != order_shapes.client_order_id(found):
                raise BinanceError(-2039, "Client order ID is not correct for this order ID.")
            return found
        assert named is not None
        try:
            return (await reading.order(OrderName(user_id, rules.symbol, None, named))).order
        except Refused as refused:
            by_number = _BY_NUMBER.fullmatch(named)
            if refused.code is not Code.UNKNOWN_ORDER or by_number is None:
                raise
        found = (await reading.order(OrderName(user_id, rules.symbol, int(by_number[1]), None))).order
        if found.terms.client_order_id is not None:
            raise Refused(Code.UNKNOWN_ORDER)
        return found


def rate(fee_ppm: int) -> str:
    """A fee rate."""
    return numbers.text_of(fee_ppm, 6)


def discount() -> dict[str, Any]:
    """There is none."""
    return {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "BNB",
        "discount": numbers.ZERO,
    }
