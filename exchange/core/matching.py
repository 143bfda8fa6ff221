"""Price-time priority, as a plan: which resting orders an incoming order would meet, and for how much.

The plan only reads the book. The market decides by it whether to refuse, and then carries it out unchanged: what the
refusals were judged by is what happens.
"""

from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.book import Book, Order
from exchange.core.commands import PlaceOrder, Side


@mypyc_attr(acyclic=True)
class Plan:
    """What matching would do.

    `fills` are (maker, lots) in the order they trade, each at the maker's price: the taker gets any improvement.
    `cost_tick_lots` is the sum of price times lots. `met_own_order`: the walk ended before an order of the same user.
    `met_fills_max`: it ended before one fill too many.
    """

    __slots__ = ("cost_tick_lots", "fills", "matched_lots", "met_fills_max", "met_own_order")

    def __init__(self) -> None:
        self.fills: list[tuple[Order, int]] = []
        self.matched_lots = 0
        self.cost_tick_lots = 0
        self.met_own_order = False
        self.met_fills_max = False


BUY: Final = Side.BUY
NOTHING: Final = Plan()  # shared by all orders that meet no other; never written to


def crosses(book: Book, terms: PlaceOrder) -> bool:
    """Whether the order would meet the best level of the other side."""
    best = (book.asks if terms.side is BUY else book.bids).best
    if best is None:
        return False
    limit_ticks = terms.price_ticks
    if limit_ticks is None:
        return True
    return best.price_ticks <= limit_ticks if terms.side is BUY else best.price_ticks >= limit_ticks


def plan(book: Book, terms: PlaceOrder, fills_max: int, min_price_ticks: int = 0, cost_max: int | None = None) -> Plan:
    """Walk the other side of the book as far as the order's price, quantity and user allow, and `fills_max`.

    A sell without a price of its own walks down to `min_price_ticks`: below it are only bids of earlier rules.

    With `cost_max` (in ticks times lots) the walk also ends once it costs more: the caller then refuses the order, and
    no order makes the exchange walk further than its user can pay for.
    """
    if not crosses(book, terms):
        return NOTHING
    found = Plan()
    other = book.asks if terms.side is BUY else book.bids
    limit_ticks = terms.price_ticks
    if limit_ticks is None and terms.side is not BUY:
        limit_ticks = min_price_ticks
    sign = other.sign
    wanted_lots = terms.quantity_lots
    level = other.best
    while level is not None and (limit_ticks is None or (level.price_ticks - limit_ticks) * sign <= 0):
        maker = level.first
        while maker is not None:
            if len(found.fills) == fills_max:
                found.met_fills_max = True
                return found
            if maker.user_id == terms.user_id:
                found.met_own_order = True
                return found
            lots = min(maker.remaining_lots, wanted_lots - found.matched_lots)
            found.fills.append((maker, lots))
            found.matched_lots += lots
            found.cost_tick_lots += lots * level.price_ticks
            if found.matched_lots == wanted_lots or (cost_max is not None and found.cost_tick_lots > cost_max):
                return found
            maker = maker.following
        level = level.next_best()
    return found
