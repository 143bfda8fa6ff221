"""Lists of orders in the stories for the judge."""

from dataclasses import replace

from exchange.core.commands import CancelList, ListType, OrderType, PlaceList, PlaceOrder, Side, TimeInForce
from exchange.core.conditions import Conditions
from exchange.core.instrument import Instrument
from tests.judge_pegs import pegged
from tests.judge_wish import Wish
from tests.model import Model

LIMIT = OrderType.LIMIT
WORKING = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD)


def list_of(rules: Instrument, model: Model, wish: Wish, now_ns: int) -> PlaceList:
    """A list around the last price, mostly; some of the prices are on the wrong side of it."""
    list_type = ListType((wish.lots + wish.soon) % len(ListType))
    last = model.last_price(rules.symbol) or 3
    if list_type is ListType.OCO:
        orders = _legs(rules, wish, last, now_ns)
    else:
        side = Side(1 - wish.side)
        time = WORKING[wish.soon % len(WORKING)]
        ends = Conditions(wish.mode, expire_ns=now_ns + 1 + wish.price) if time is TimeInForce.GTD else None
        ends = Conditions(wish.mode) if ends is None and wish.mode is not None else ends
        working = PlaceOrder(
            *(wish.user, rules.symbol, side, LIMIT, time, False, max(1, last + wish.price - 3), wish.lots),
            *(wish.name, ends),
        )
        legs = _legs(rules, wish, last, now_ns)
        orders = (working, *(legs if list_type is ListType.OTOCO else legs[wish.price % 2 :][:1]))
    if wish.kind == "pegged list":
        orders = tuple([_pegged(terms, wish, at) for at, terms in enumerate(orders)])
    name = {1: "l", 2: "m", 3: wish.name}.get(wish.price)
    return PlaceList(wish.user, rules.symbol, list_type, orders, name, wish.lots == 5)


def _legs(rules: Instrument, wish: Wish, last: int, now_ns: int) -> tuple[PlaceOrder, ...]:
    """A leg that takes a profit, and one that stops a loss, in either order."""
    sign = -1 if wish.side is Side.BUY else 1
    near, far = 1 + wish.lots % 2, wish.price // 3
    high, low = max(1, last + sign * (near + far)), max(1, last - sign * near)
    lots = wish.lots + wish.soon % 3
    gtd = wish.soon == 7
    times = TimeInForce.GTD if gtd else TimeInForce.GTC
    expire_ns = now_ns + 10**9 if gtd else None
    visible = 1 if wish.soon == 2 and lots > 1 and not gtd else None
    asked = Conditions(wish.mode, visible_lots=visible, expire_ns=expire_ns)
    profit = PlaceOrder(
        *(wish.user, rules.symbol, wish.side, LIMIT, times, wish.soon == 3, high, lots, None),
        None if asked == Conditions() else asked,
    )
    if wish.soon in (4, 5):
        limited = wish.soon == 5
        profit = PlaceOrder(
            *(wish.user, rules.symbol, wish.side, OrderType.TAKE_PROFIT_LIMIT if limited else OrderType.TAKE_PROFIT),
            *(TimeInForce.GTC if limited else TimeInForce.IOC, False),
            high if limited else None,
            *(lots, None),
            Conditions(wish.mode, stop_ticks=high),
        )
    limited = wish.lots % 3 > 0
    ends = limited and wish.soon == 6
    loss = PlaceOrder(
        *(wish.user, rules.symbol, wish.side, OrderType.STOP_LOSS_LIMIT if limited else OrderType.STOP_LOSS),
        *(TimeInForce.GTD if ends else TimeInForce.GTC if limited else TimeInForce.IOC, False),
        max(1, low - sign * (wish.price % 2)) if limited else None,
        *(lots, None),
        Conditions(
            wish.mode,
            stop_ticks=None if wish.terms.startswith("trail") else low,
            trailing_ticks=near if wish.terms.startswith("trail") else None,
            expire_ns=now_ns + 10**9 if ends else None,
        ),
    )
    return (profit, loss) if wish.price % 2 else (loss, profit)


def _pegged(terms: PlaceOrder, wish: Wish, at: int) -> PlaceOrder:
    """The order with a price that comes from the book, if it may have one and it is its turn."""
    limited = terms.price_ticks is not None and terms.time_in_force is not TimeInForce.GTD
    if not limited or not (1 + (wish.price + wish.lots + wish.soon) % 7) >> at & 1:
        return terms
    return replace(pegged(terms, wish.price + wish.lots + at, wish.soon), time_in_force=TimeInForce.GTC)


def list_cancel(model: Model, wish: Wish) -> CancelList:
    """One of the last lists is canceled, which may be done, or of somebody else."""
    of = model.lists[-1 - wish.price % min(len(model.lists), 6)]
    name = of.asked.client_list_id if wish.lots % 3 else None
    number = of.number if name is None or wish.lots % 2 else None
    return CancelList(of.asked.user_id if wish.lots < 8 else wish.user, of.asked.market, number, name)
