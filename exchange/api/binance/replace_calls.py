"""Cancel an order and place another: two commands, the second once the first is durable.

What a filter refuses is refused before anything is canceled.
"""

from dataclasses import replace
from typing import Any, Final

from exchange.api.binance import order_codec, order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError, error_of
from exchange.api.binance.order_calls import OrderCalls, cancel_refusal, placed_shape, response_kind
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.waiting import Waiting
from exchange.core.commands import CancelOrder, PlaceOrder
from exchange.core.instrument import Instrument
from exchange.service.codes import Code, Refused
from exchange.service.results import Canceled, Placed
from exchange.service.service import Service

MODES: Final = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
RATE_MODES: Final = ("DO_NOTHING", "CANCEL_ONLY")
# Reasons that are judged with the old order still there.
FILTERS: Final = (Code.MIN_NOTIONAL, Code.OUT_OF_RANGE, Code.TOO_MANY_OPEN_ORDERS, Code.SELF_TRADE_PREVENTION)


class ReplaceCalls:
    """The call, over the service."""

    def __init__(self, service: Service, symbols: Symbols, orders: OrderCalls) -> None:
        self._service = service
        self._symbols = symbols
        self._orders = orders

    async def cancel_replace(self, asked: Asked) -> Any:
        """Cancel an order and place another."""
        params = asked.params
        rules = self._symbols.rules(params.needed("symbol"))
        mode = params.needed("cancelReplaceMode")
        if mode not in MODES:
            raise BinanceError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        params.choice("orderRateLimitExceededMode", RATE_MODES)
        cancel, cancel_id = _cancel(params, rules, asked.user_id)
        place = order_codec.place_order(params, rules, asked.user_id)
        kind = response_kind(params, params.text("type"))
        params.done()
        await self._check_filters(place)
        self._orders.name_by_number(cancel)
        canceled = await self._canceled(cancel, rules, cancel_id, asked)
        if isinstance(canceled, BinanceError) and mode == "STOP_ON_FAILURE":
            raise _failed(-2022, "Order cancel-replace failed.", 400, canceled, None)
        placed = await self._placed(place, rules, kind, asked)
        if isinstance(canceled, BinanceError) and isinstance(placed, BinanceError):
            raise _failed(-2022, "Order cancel-replace failed.", 400, canceled, placed)
        if isinstance(canceled, BinanceError) or isinstance(placed, BinanceError):
            raise _failed(-2021, "Order cancel-replace partially failed.", 409, canceled, placed)
        return _outcome(canceled, placed)

    async def _check_filters(self, place: PlaceOrder) -> None:
        try:
            # Without its client order id, which may be that of the order to be canceled.
            await self._service.trading.test(replace(place, client_order_id=None))
        except Refused as refused:
            if refused.code in FILTERS:
                raise

    async def _canceled(self, command: CancelOrder, rules: Instrument, cancel_id: str, asked: Asked) -> Any:
        waiting = Waiting()
        try:
            self._service.trading.cancel(waiting, command, rules)
            result = await waiting.result
        except Exception as error:
            return error_of(cancel_refusal(error), "cancel and replace", "")
        assert isinstance(result, Canceled)
        return order_shapes.canceled(result.order, rules, cancel_id, asked)

    async def _placed(self, command: PlaceOrder, rules: Instrument, kind: str, asked: Asked) -> Any:
        waiting = Waiting()
        try:
            self._service.trading.place(waiting, command, rules)
            result = await waiting.result
        except Exception as error:
            return error_of(error, "cancel and replace", "")
        assert isinstance(result, Placed)
        return placed_shape(result, asked, kind)


def _cancel(params: Parameters, rules: Instrument, user_id: str) -> tuple[CancelOrder, str]:
    order_id, named = params.integer("cancelOrderId"), order_codec.client_id(params, "cancelOrigClientOrderId")
    if order_id is None and named is None:
        message = "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    only_if_filled = order_codec.restriction(params)
    cancel_id = order_codec.client_id(params, "cancelNewClientOrderId") or order_codec.new_id()
    return CancelOrder(user_id, rules.symbol, order_id, named, only_if_filled), cancel_id


def _outcome(canceled: Any, placed: Any) -> dict[str, Any]:
    attempted = "NOT_ATTEMPTED" if placed is None else "SUCCESS"
    return {
        "cancelResult": "FAILURE" if isinstance(canceled, BinanceError) else "SUCCESS",
        "newOrderResult": "FAILURE" if isinstance(placed, BinanceError) else attempted,
        "cancelResponse": canceled.body() if isinstance(canceled, BinanceError) else canceled,
        "newOrderResponse": placed.body() if isinstance(placed, BinanceError) else placed,
    }


def _failed(code: int, message: str, status: int, canceled: Any, placed: Any) -> BinanceError:
    return BinanceError(code, message, status, data=_outcome(canceled, placed))
