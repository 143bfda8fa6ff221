"""Orders and cancels from parameters to commands, with the rules of each type of order."""

import re
import secrets
from collections.abc import Callable
from typing import Final

from exchange.api.binance.errors import BinanceError, filter_failure, illegal, mandatory, not_required, not_valid
from exchange.api.binance.numbers import DECIMALS
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.pegs import LIMIT_TYPES, asks_peg, peg
from exchange.api.binance.words import ORDER_TYPES, SELF_TRADE_MODES, SIDES, TIMES_IN_FORCE, WAITING_TYPES
from exchange.core.commands import CancelOrder, OrderType, PlaceOrder, TimeInForce
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument, InvalidNumber, OffGrid

LEGAL_ID: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_LEGAL_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
PLAIN: Final = frozenset(
    (
        *("symbol", "side", "type", "timeInForce", "quantity", "price", "newClientOrderId", "newOrderRespType"),
        *("recvWindow", "timestamp", "signature"),
    )
)
"""The parameters of an order that asks nothing beyond a limit or a market order."""
SELDOM: Final = ("newClientOrderId", "newOrderRespType", "recvWindow", "timestamp", "signature")
"""Those of PLAIN that a limit order need not have."""
PLAIN_TYPES: Final = (OrderType.LIMIT, OrderType.MARKET)
LIMIT: Final = OrderType.LIMIT  # looking a member up in its enum costs more than the rest of what is done with it
NUMBER_MAX: Final = 20  # digits and a point of a number that needs no closer look
DELTA_MAX: Final = 9999  # basis points
STRATEGY_TYPE_MIN: Final = 1_000_000
RESTRICTIONS: Final = {"ONLY_NEW": False, "ONLY_PARTIALLY_FILLED": True}  # whether the order has filled in part


class _Ids:
    """Ids that no other process makes, and that one process makes once: a prefix of its own and a count."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(7)
        self._count = 10_000_000  # so that all have one length, for the first ninety million

    def next(self) -> str:
        """One more."""
        self._count += 1
        return self._prefix + str(self._count)


_IDS: Final = _Ids()


def new_id() -> str:
    """A client order id for who sends none."""
    return _IDS.next()


def client_id(params: Parameters, name: str) -> str | None:
    """A client order id. Raises BinanceError."""
    value = params.text(name)
    if value is not None and not _LEGAL_ID.fullmatch(value):
        raise illegal(name, LEGAL_ID)
    return value


def plain_limit(params: Parameters, rules: Instrument, user_id: str) -> PlaceOrder | None:
    """What `place_order` makes of a plain limit order without an error, at a fraction of its cost; else None.

    All parameters that are sent have then been looked at, but for `newOrderRespType`.
    """
    values = params.values
    if values.get("type") != "LIMIT":
        return None
    sent = 6  # symbol, side, type, timeInForce, quantity, price
    for name in SELDOM:
        if name in values:
            sent += 1
    price, quantity, named = values.get("price"), values.get("quantity"), values.get("newClientOrderId")
    side, time_in_force = SIDES.get(values.get("side", "")), TIMES_IN_FORCE.get(values.get("timeInForce", ""))
    if sent != len(values) or price is None or quantity is None or side is None or time_in_force is None:
        return None
    if len(price) > NUMBER_MAX or len(quantity) > NUMBER_MAX:
        return None
    conditions: Conditions | None = None
    if named is not None:
        if not _LEGAL_ID.fullmatch(named):
            return None
        conditions = Conditions(refuse_while_open=1)
    try:
        price_ticks, lots = rules.ticks(price), rules.lots(quantity)
    except (InvalidNumber, OffGrid):
        return None
    if not (rules.min_price_ticks <= price_ticks < UNITS_MAX and 0 < lots < UNITS_MAX):
        return None
    if lots * rules.lot_minor >= AMOUNT_MAX:
        return None
    return PlaceOrder(
        user_id,
        rules.symbol,
        side,
        LIMIT,
        time_in_force,
        False,
        price_ticks,
        lots,
        new_id() if named is None else named,
        conditions,
    )


def place_order(params: Parameters, rules: Instrument, user_id: str) -> PlaceOrder:
    """The command that the parameters ask for; `symbol` is read already. Raises BinanceError."""
    side = SIDES.get(params.needed("side"))
    if side is None:
        raise BinanceError(-1117, "Invalid side.")
    kind = params.needed("type")
    order_type = ORDER_TYPES.get(kind)
    if order_type is None:
        raise BinanceError(-1116, "Invalid orderType.")
    time_in_force = _time_in_force(params, kind)
    named = client_id(params, "newClientOrderId")
    conditions: Conditions | None = None
    if order_type in PLAIN_TYPES and not params.beyond(PLAIN):
        price_ticks, lots = _price_and_quantity(params, rules, kind, pegged=False)
    else:
        pegged = asks_peg(params)
        price_ticks, lots, quote_minor = _numbers(params, rules, kind, pegged=pegged)
        conditions = _conditions(params, quote_minor)
        if order_type in WAITING_TYPES:
            conditions = conditions or Conditions()
            _wait(conditions, params, rules)
        if pegged:
            conditions = conditions or Conditions()
            peg(conditions, params, kind, time_in_force)
        if "icebergQty" in params:
            conditions = conditions or Conditions()
            conditions.visible_lots = _visible(params, rules, kind, time_in_force)
    if named is not None:
        # One that is made here is new, so that order has nothing to say about what the same id means.
        conditions = conditions or Conditions()
        conditions.refuse_while_open = 1
    return PlaceOrder(
        user_id,
        rules.symbol,
        side,
        order_type,
        time_in_force,
        kind == "LIMIT_MAKER",
        price_ticks,
        lots,
        named or new_id(),
        conditions,
    )


def _time_in_force(params: Parameters, kind: str) -> TimeInForce:
    needs = kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
    text = params.needed("timeInForce") if needs else params.text("timeInForce")
    if text is None:
        return TimeInForce.GTC if kind == "LIMIT_MAKER" else TimeInForce.IOC
    if not needs:
        raise not_required("timeInForce")
    found = TIMES_IN_FORCE.get(text)
    if found is None:
        raise BinanceError(-1115, "Invalid timeInForce.")
    return found


def _price_and_quantity(params: Parameters, rules: Instrument, kind: str, *, pegged: bool) -> tuple[int | None, int]:
    """Price in ticks and quantity in lots. Raises BinanceError."""
    price, quantity = params.decimal("price"), params.decimal("quantity")
    if kind in LIMIT_TYPES:
        if price is None and not pegged:
            raise mandatory("price")
    elif price is not None:
        raise not_required("price")
    if quantity is None:
        if kind == "MARKET":
            message = "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
            raise BinanceError(-1102, message)
        raise mandatory("quantity")
    return None if price is None else ticks(price, rules), quantity_lots(quantity, rules)


def _numbers(params: Parameters, rules: Instrument, kind: str, *, pegged: bool) -> tuple[int | None, int, int | None]:
    """Price in ticks, quantity in lots, and the sum of the quote. Raises BinanceError."""
    quote = params.decimal("quoteOrderQty")
    stop, delta = params.decimal("stopPrice"), params.integer("trailingDelta")
    if kind in ("LIMIT", "MARKET", "LIMIT_MAKER"):
        for name, value in (("stopPrice", stop), ("trailingDelta", delta)):
            if value is not None:
                raise not_required(name)
    elif stop is None and delta is None:
        message = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    if quote is None:
        return *_price_and_quantity(params, rules, kind, pegged=pegged), None
    if params.decimal("price") is not None:
        raise not_required("price")
    if kind != "MARKET" or params.decimal("quantity") is not None:
        raise not_required("quoteOrderQty")
    return None, 0, amount_minor("quoteOrderQty", quote, rules)


def _visible(params: Parameters, rules: Instrument, kind: str, time_in_force: TimeInForce) -> int:
    """How much of an iceberg is shown. Raises BinanceError."""
    shown = params.decimal("icebergQty")
    assert shown is not None
    if kind not in LIMIT_TYPES or time_in_force is not TimeInForce.GTC:
        raise not_required("icebergQty")
    return quantity_lots(shown, rules, "icebergQty")


def _wait(conditions: Conditions, params: Parameters, rules: Instrument) -> None:
    """What an order waits for. Raises BinanceError."""
    stop, delta = params.decimal("stopPrice"), params.integer("trailingDelta")
    stop_ticks = None if stop is None else ticks(stop, rules)
    if delta is None:
        conditions.stop_ticks = stop_ticks
        return
    if not 0 < delta <= DELTA_MAX:
        raise filter_failure("TRAILING_DELTA")
    # With a delta the price is where the order begins to follow.
    conditions.trailing_bps, conditions.activation_ticks = delta, stop_ticks


def ticks(text: str, rules: Instrument, name: str = "price") -> int:
    """A price of an order. Raises BinanceError."""
    price_ticks = _steps(name, text, rules.ticks, "PRICE_FILTER")
    if not rules.min_price_ticks <= price_ticks < UNITS_MAX:
        raise filter_failure("PRICE_FILTER")
    return price_ticks


def quantity_lots(text: str, rules: Instrument, name: str = "quantity") -> int:
    """A quantity of an order. Raises BinanceError."""
    lots = _steps(name, text, rules.lots, "LOT_SIZE")
    if not 0 < lots < UNITS_MAX or lots * rules.lot_minor >= AMOUNT_MAX:
        raise filter_failure("LOT_SIZE")
    return lots


def amount_minor(name: str, text: str, rules: Instrument) -> int:
    """A sum of the quote. Raises BinanceError."""
    try:
        minor = rules.quote.minor(text)
    except OffGrid:
        raise BinanceError(-1111, f"Parameter '{name}' has too much precision.") from None
    if not 0 < minor < AMOUNT_MAX:
        raise filter_failure("NOTIONAL")
    return minor


def _steps(name: str, text: str, steps_of: Callable[[str], int], refused_by: str) -> int:
    if len(text.partition(".")[2].rstrip("0")) > DECIMALS:
        raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
    try:
        return steps_of(text)
    except OffGrid:
        raise filter_failure(refused_by) from None
    except InvalidNumber:
        raise not_valid(name) from None


def _conditions(params: Parameters, quote_minor: int | None) -> Conditions | None:
    mode = _self_trade(params.text("selfTradePreventionMode"))
    strategy_id, strategy_type = params.integer("strategyId"), params.integer("strategyType")
    if strategy_type is not None and strategy_type < STRATEGY_TYPE_MIN:
        raise BinanceError(-1134, f"`strategyType` was less than {STRATEGY_TYPE_MIN}.")
    made = Conditions(mode, quote_minor, strategy_id, strategy_type)
    return None if made == Conditions() else made


def _self_trade(text: str | None) -> SelfTrade | None:
    if text is None:
        return None
    mode = SELF_TRADE_MODES.get(text)
    if mode is None:
        if text == "TRANSFER":
            raise BinanceError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
        raise not_valid("selfTradePreventionMode")
    return mode


def order_ids(params: Parameters) -> tuple[int | None, str | None]:
    """Which order is meant. Raises BinanceError."""
    order_id, named = params.integer("orderId"), client_id(params, "origClientOrderId")
    if order_id is None and named is None:
        message = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, message)
    return order_id, named


def cancel_order(params: Parameters, rules: Instrument, user_id: str, cancel_id: str) -> CancelOrder:
    """The command to cancel an order. Raises BinanceError."""
    order_id, named = order_ids(params)
    return CancelOrder(user_id, rules.symbol, order_id, named, restriction(params), cancel_id)


def restriction(params: Parameters) -> bool | None:
    """Whether the order that is to be canceled must have filled in part, or must not. Raises BinanceError."""
    text = params.text("cancelRestrictions")
    if text is None:
        return None
    if text not in RESTRICTIONS:
        message = "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`."
        raise BinanceError(-1145, message)
    return RESTRICTIONS[text]
