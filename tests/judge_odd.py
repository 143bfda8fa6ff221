"""Orders at the end of some range in the judge's stories."""

from dataclasses import replace

from exchange.core.commands import PlaceOrder
from exchange.core.instrument import UNITS_MAX


def odd(order: PlaceOrder, price: int, lots: int) -> PlaceOrder:
    """An order at the end of some range, or of somebody or somewhere unknown."""
    huge = (UNITS_MAX, UNITS_MAX - 1, 0, UNITS_MAX // 2, 10**12, UNITS_MAX // 7)[price - 1]
    match lots:
        case 1:
            return replace(order, user_id="nobody")
        case 2:
            return replace(order, market="NO_WHERE")
        case 3 | 4 | 5:
            return replace(order, quantity_lots=huge)
        case 6 if order.price_ticks is not None:
            return replace(order, price_ticks=huge)
        case 7 if order.price_ticks is not None:
            return replace(order, price_ticks=huge, quantity_lots=huge)
    return replace(order, quantity_lots=10**12)
