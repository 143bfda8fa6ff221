"""Pegged orders in the judge's stories."""

from dataclasses import replace

from exchange.core.commands import CancelOrder, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.conditions import Conditions, PegTo
from tests.judge_wish import Wish
from tests.model import Model
from tests.model_records import Order


def pegged(order: PlaceOrder, chances: int, soon: int) -> PlaceOrder:
    """The order with a price that comes from the book, at once or when it is triggered; half of them follow it."""
    buys, follows, waits = order.side is Side.BUY, order.quantity_lots % 2 == 1, order.order_type is not OrderType.LIMIT
    market = buys if waits else soon in (3, 4)
    times = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK) if market and not follows else (TimeInForce.GTC,)
    limit = order.price_ticks if chances % 3 == 0 else None
    if follows and limit is None:
        limit = 7 if buys else 1
    asked = order.conditions or Conditions()
    conditions = replace(
        asked,
        peg_to=PegTo.MARKET if market else PegTo.PRIMARY,
        peg_offset_ticks=soon // 2 if chances % 4 == 0 else None,
        peg_levels=soon // 2 if chances % 4 == 1 else None,
        peg_follows=1 if follows else None,
        visible_lots=None if market else asked.visible_lots,
    )
    return replace(
        order,
        time_in_force=times[chances % len(times)],
        post_only=not market and chances % 5 == 0,
        price_ticks=limit,
        conditions=conditions,
    )


def order_to_beat(model: Model, market: str, side: Side, lots: int) -> Order | None:
    """The best order of a side, or one of the next; None if there is none."""
    of_side = [order for order in model.resting if (order.terms.market, order.terms.side) == (market, side)]
    best_first = sorted(of_side, key=lambda order: order.limit * (-1 if side is Side.BUY else 1))
    return best_first[max(0, lots - 5) // 2 % len(best_first)] if best_first else None


def better(model: Model, order: PlaceOrder, wish: Wish) -> PlaceOrder | CancelOrder:
    """The order with a better price than the best; or else one of the best leaves."""
    best = order_to_beat(model, order.market, wish.side, wish.lots)
    if best is not None and wish.lots > 4:
        return CancelOrder(best.user, order.market, best.number, None)
    price = (wish.price if best is None else best.limit) + (1 if wish.side is Side.BUY else -1)
    return replace(order, price_ticks=max(1, price))
