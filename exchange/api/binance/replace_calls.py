"""Cancel an order and place another, in one step.

What a filter refuses is refused before anything is canceled.
"""

from typing import Any, Final

from exchange.api.binance import order_codec, order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError, error_of
from exchange.api.binance.order_calls import OrderCalls, cancel_refusal, placed_shape, response_kind
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.waiting import Waiting
from exchange.core.commands import CancelOrder, PlaceOrder, ReplaceMode, ReplaceOrder
from exchange.core.events import OrderUpdated
from exchange.core.instrument import Instrument
from exchange.service.codes import Code, Refused
from exchange.service.results import Placed, Replaced
from exchange.service.service import Service

MODES: Final = {"STOP_ON_FAILURE": ReplaceMode.STOP_ON_FAILURE, "ALLOW_FAILURE": ReplaceMode.ALLOW_FAILURE}
RATE_MODES: Final = ("DO_NOTHING", "CANCEL_ONLY")
OF_THE_CANCEL: Final = (Code.UNKNOWN_ORDER, Code.ORDER_CLOSED, Code.CANCEL_CONDITION)
WHAT: Final = "cancel and replace"


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
        mode = MODES.get(params.needed("cancelReplaceMode"))
        if mode is None:
            raise BinanceError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        params.choice("orderRateLimitExceededMode", RATE_MODES)
        cancel, cancel_id = _cancel(params, rules, asked.user_id)
        place = order_codec.place_order(params, rules, asked.user_id)
        kind = response_kind(params, params.text("type"))
        params.done()
        self._orders.name_by_number(cancel)
        made = await self._replaced(ReplaceOrder(cancel, place, mode), rules)
        canceled: Any = made.canceled
        if isinstance(canceled, OrderUpdated):
            canceled = order_shapes.canceled(canceled, rules, cancel_id, asked)
        elif canceled is not None:
            canceled = error_of(cancel_refusal(canceled), WHAT, "")
        placed: Any = made.placed
        if isinstance(placed, Placed):
            placed = placed_shape(placed, asked, kind)
        elif isinstance(placed, BaseException):
            placed = error_of(placed, WHAT, "")
        if isinstance(canceled, BinanceError) or isinstance(placed, BinanceError):
            raise _failed(-2021, "Order cancel-replace partially failed.", 409, canceled, placed)
        return _outcome(canceled, placed)

    async def _replaced(self, command: ReplaceOrder, rules: Instrument) -> Replaced:
        waiting = Waiting()
        try:
            self._service.trading.replace(waiting, command, rules)
            result = await waiting.result
        except Refused as refused:
            if refused.code not in OF_THE_CANCEL:
                raise
            canceled, placed = error_of(cancel_refusal(refused), WHAT, ""), None
            if command.mode is ReplaceMode.ALLOW_FAILURE:
                placed = await self._why_not(command.place)
            raise _failed(-2022, "Order cancel-replace failed.", 400, canceled, placed) from None
        assert isinstance(result, Replaced)
        return result

    async def _why_not(self, place: PlaceOrder) -> BinanceError:
        """Why the new order was refused, which the refusal of the cancel does not say."""
        try:
            await self._service.trading.test(place)
        except Exception as error:
            return error_of(error, WHAT, "")
        return BinanceError(-2010, "The order was refused.")


def _cancel(params: Parameters, rules: Instrument, user_id: str) -> tuple[CancelOrder, str]:
    order_id, named = params.integer("cancelOrderId"), order_codec.client_id(params, "cancelOrigClientOrderId")
    if order_id is None and named is None:
        message = "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    only_if_filled = order_codec.restriction(params)
    cancel_id = order_codec.client_id(params, "cancelNewClientOrderId") or order_codec.new_id()
    return CancelOrder(user_id, rules.symbol, order_id, named, only_if_filled, cancel_id), cancel_id


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
