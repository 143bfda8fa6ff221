"""Orders made smaller where they stand: they keep their place in the book."""

from typing import Any, Final

from exchange.api.binance import list_shapes, numbers, order_codec, order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.order_calls import list_of
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.api.binance.waiting import Waiting
from exchange.api.binance.words import SELF_TRADE_WORDS
from exchange.core.amendments import Amended, AmendOrder
from exchange.core.events import OrderUpdated
from exchange.core.instrument import Instrument
from exchange.service.codes import Code, Refused
from exchange.service.history import Page
from exchange.service.queries import OpenOrder
from exchange.service.results import Changed
from exchange.service.service import Service

LIMIT_MAX: Final = 1000
LIMIT_USUAL: Final = 500
NO_INCREASE: Final = "Order amend (quantity increase) is not supported."
NO_CHANGE: Final = "The requested action would change no state; rejecting."
REFUSALS: Final = {
    Code.UNKNOWN_ORDER: (-2013, "Order does not exist."),
    Code.ORDER_CLOSED: (-2013, "Order does not exist."),
    Code.OUT_OF_RANGE: (-2038, "The quantity must stay above what is executed or prevented."),
    Code.CLIENT_ORDER_ID_CONFLICT: (-2038, "Duplicate order sent."),
    Code.MARKET_NOT_TRADING: (-2038, "Market is closed."),
}


class AmendCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols

    async def amend(self, asked: Asked) -> Any:
        """Make an open order smaller."""
        params = asked.params
        rules = self._symbols.rules(params.needed("symbol"))
        order_id, named = order_codec.order_ids(params)
        lots = order_codec.quantity_lots(numbers.decimal("newQty", params.needed("newQty")), rules, "newQty")
        new_name = order_codec.client_id(params, "newClientOrderId")
        params.done()
        before = await self._open(asked.user_id, rules, order_id, named)
        if lots >= before.terms.quantity_lots:
            raise BinanceError(-2038, NO_CHANGE if lots == before.terms.quantity_lots else NO_INCREASE)
        if new_name is None:
            new_name = order_codec.new_id()
        same_name = new_name == before.terms.client_order_id
        command = AmendOrder(
            asked.user_id, rules.symbol, before.order_id, None, lots, None, None, None if same_name else new_name
        )
        after = await self._changed(command, rules)
        [amended] = await self._service.reading.amendments(asked.user_id, rules.symbol, before.order_id, Page(1))
        made: dict[str, Any] = {
            "transactTime": asked.time(after.updated_ns),
            "executionId": amended.amendment_id,
            "amendedOrder": _order(before, after, rules, asked),
        }
        if order_shapes.list_id(after) != order_shapes.NO_LIST:
            found = await list_of(self._service, after)
            made["listStatus"] = list_shapes.status(found.told, rules)
        return made

    async def amendments(self, asked: Asked) -> Any:
        """How an order was amended, the first time first."""
        params = asked.params
        rules = self._symbols.rules(params.needed("symbol"))
        order_id = numbers.integer("orderId", params.needed("orderId"))
        since, limit = params.integer("fromExecutionId"), params.limit(LIMIT_USUAL, LIMIT_MAX)
        params.done()
        page = Page(limit, after=max(since or 0, 1) - 1)
        found = await self._service.reading.amendments(asked.user_id, rules.symbol, order_id, page)
        return [_amendment(amended, rules, asked) for amended in found]

    async def _open(self, user_id: str, rules: Instrument, order_id: int | None, named: str | None) -> OrderUpdated:
        query = OpenOrder(user_id, rules.symbol, order_id, None if order_id is not None else named)
        order = (await self._service.engine.read(query)).order
        if order is None:
            raise BinanceError(*REFUSALS[Code.UNKNOWN_ORDER])
        if named is not None and named != order_shapes.client_order_id(order):
            raise BinanceError(-2039, "Client order ID is not correct for this order ID.")
        return order

    async def _changed(self, command: AmendOrder, rules: Instrument) -> OrderUpdated:
        waiting = Waiting()
        try:
            self._service.trading.amend(waiting, command, rules)
            result = await waiting.result
        except Refused as refused:
            if refused.code in REFUSALS:
                raise BinanceError(*REFUSALS[refused.code]) from None
            raise
        assert isinstance(result, Changed)
        return result.order


def _order(before: OrderUpdated, after: OrderUpdated, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """The order as it is now, in the words of this one call."""
    amounts = order_shapes.amounts(after, rules)
    progress = after.progress or order_shapes.NOTHING_BECAME
    return {
        "symbol": symbol_of(rules),
        "orderId": after.order_id,
        "orderListId": order_shapes.list_id(after),
        "origClientOrderId": order_shapes.client_order_id(before),
        "clientOrderId": order_shapes.client_order_id(after),
        "price": amounts["price"],
        "qty": amounts["origQty"],
        "executedQty": amounts["executedQty"],
        "preventedQty": numbers.quantity(rules, progress.prevented_lots),
        "quoteOrderQty": amounts["origQuoteOrderQty"],
        "cumulativeQuoteQty": amounts["cummulativeQuoteQty"],
        **{name: amounts[name] for name in ("status", "timeInForce", "type", "side")},
        "workingTime": order_shapes.working_time(after, asked),
        "selfTradePreventionMode": SELF_TRADE_WORDS[progress.self_trade],
    }


def _amendment(amended: Amended, rules: Instrument, asked: Asked) -> dict[str, Any]:
    name = amended.client_order_id or f"o{amended.order_id}"
    lots, new_lots = amended.quantity_lots, amended.new_quantity_lots
    return {
        "symbol": symbol_of(rules),
        "orderId": amended.order_id,
        "executionId": amended.amendment_id,
        "origClientOrderId": name,
        "newClientOrderId": amended.new_client_order_id or name,
        "origQty": numbers.quantity(rules, lots),
        "newQty": numbers.quantity(rules, lots if new_lots is None else new_lots),
        "time": asked.time(amended.time_ns),
    }
