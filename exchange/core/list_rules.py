"""What the orders of a list must be: its shape, and the prices of legs that end each other."""

from typing import Final

from exchange.core.commands import ListType, OrderType, PlaceList, PlaceOrder, Side, TimeInForce
from exchange.core.pegs import pegged

BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT
STOP_LOSSES: Final = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
TAKE_PROFITS: Final = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
MAY_REST: Final = (TimeInForce.GTC, TimeInForce.GTD)
SIZES: Final = (2, 2, 3)  # by ListType


def wrong_shape(command: PlaceList) -> str | None:
    """What is wrong with the orders, whatever the market; None if they can be such a list."""
    orders, list_type = command.orders, command.list_type
    if len(orders) != SIZES[list_type]:
        return f"orders must be {SIZES[list_type]} of {list_type.name.lower()}"
    if any(terms.market != command.market or terms.user_id != command.user_id for terms in orders):
        return "orders must be of one market and one user"
    names = [terms.client_order_id for terms in orders if terms.client_order_id is not None]
    if len(set(names)) < len(names):
        return "orders must have client_order_ids that differ"
    if list_type is ListType.OCO:
        return _wrong_legs(orders[0], orders[1])
    if orders[0].order_type is not LIMIT:
        return "orders must begin with the working order, of order_type limit"
    if any(not terms.quantity_lots for terms in orders):
        return "orders that wait for another one must have a quantity"
    return None if list_type is ListType.OTO else _wrong_legs(orders[1], orders[2])


def _wrong_legs(first: PlaceOrder, second: PlaceOrder) -> str | None:
    if first.side is not second.side or first.quantity_lots != second.quantity_lots:
        return "orders that end each other must be of one side and one quantity"
    types = sorted((_kind(first), _kind(second)))
    if types != [0, 1]:
        return "orders that end each other must be one limit or take_profit, and one stop_loss"
    if any(terms.order_type is LIMIT and terms.time_in_force not in MAY_REST for terms in (first, second)):
        return "orders that end each other and have order_type limit must be gtc or gtd"
    return None


def _kind(terms: PlaceOrder) -> int:
    """0: it takes a profit; 1: it stops a loss; 2: neither."""
    if terms.order_type is LIMIT or terms.order_type in TAKE_PROFITS:
        return 0
    return 1 if terms.order_type in STOP_LOSSES else 2


def _at_ticks(terms: PlaceOrder) -> int | None:
    """The price where a leg trades or is triggered; None of one that trails, or takes its price from the book."""
    if terms.order_type is LIMIT:
        return None if pegged(terms) else terms.price_ticks
    return None if terms.conditions is None else terms.conditions.stop_ticks


def apart(legs: tuple[PlaceOrder, ...], last_ticks: int | None) -> bool:
    """Whether the last price is between the prices of two legs; without one, whether these are the right way round.

    To sell, the profit is above and the loss below; to buy, the other way. A leg that trails has no price of its own,
    and neither has a pegged one.
    """
    sign = -1 if legs[0].side is BUY else 1
    profit, loss = (legs[0], legs[1]) if _kind(legs[0]) == 0 else (legs[1], legs[0])
    profit_ticks, loss_ticks = _at_ticks(profit), _at_ticks(loss)
    if last_ticks is not None:
        return (profit_ticks is None or sign * profit_ticks > sign * last_ticks) and (
            loss_ticks is None or sign * loss_ticks < sign * last_ticks
        )
    return profit_ticks is None or loss_ticks is None or sign * profit_ticks > sign * loss_ticks
