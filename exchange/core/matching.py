"""Price-time priority, as a plan: which resting orders an incoming order would meet, and for how much.

The plan only reads the book. The market decides by it whether to refuse, and then carries it out unchanged: what the
refusals were judged by is what happens.
"""

from collections import deque
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.book import Book, Order
from exchange.core.commands import PlaceOrder, Side, TimeInForce
from exchange.core.conditions import SelfTrade
from exchange.core.events import ExpireReason
from exchange.core.fees import fee_minor
from exchange.core.iceberg import Refills, next_lots
from exchange.core.instrument import Instrument


@mypyc_attr(acyclic=True)
class Plan:
    """What matching would do.

    `fills` are (maker, lots) in the order they trade, each at the maker's price: the taker gets any improvement.
    `cost_tick_lots` is the sum of price times lots. `met_own_order`: the walk ended at an order of the same user.
    `met_fills_max`: it ended before one fill too many. `met_band`: it ended before a fill too far from the best price.
    `prevented` are the orders of the same user that were met, as
    (maker, what the taker loses by it, what the maker does), and `prevented_lots` what the taker loses in all.
    """

    __slots__ = (
        *("cost_tick_lots", "fills", "matched_lots", "met_band", "met_fills_max", "met_own_order"),
        *("prevented", "prevented_lots"),
    )

    def __init__(self) -> None:
        self.fills: list[tuple[Order, int]] = []
        self.matched_lots = 0
        self.cost_tick_lots = 0
        self.met_own_order = False
        self.met_fills_max = False
        self.met_band = False
        self.prevented: list[tuple[Order, int, int]] | None = None
        self.prevented_lots = 0

    def meets_own(self, maker: Order, mode: SelfTrade, left_lots: int) -> bool:
        """Note an order of the same user, with so much of the taker left; whether the walk ends at it."""
        taker_lots, maker_lots = left_lots, 0  # the taker ends
        if mode is EXPIRE_MAKER:
            taker_lots, maker_lots = 0, maker.remaining_lots
        elif mode is SelfTrade.EXPIRE_BOTH:
            maker_lots = maker.remaining_lots
        elif mode is DECREMENT:
            taker_lots = maker_lots = min(left_lots, maker.remaining_lots)
        if self.prevented is None:
            self.prevented = []
        self.prevented.append((maker, taker_lots, maker_lots))
        self.prevented_lots += taker_lots
        self.met_own_order = taker_lots == left_lots
        return self.met_own_order

    def taker_fees(self, rules: Instrument) -> int:
        """What the taker pays in fees in the quote."""
        unit, taker_ppm = rules.notional_unit, rules.taker_fee_ppm
        return sum([fee_minor(maker.price_ticks * lots * unit, taker_ppm) for maker, lots in self.fills])

    def why_unfilled(self, terms: PlaceOrder) -> ExpireReason:
        """Why an order that has met this expires."""
        if self.met_own_order:
            return ExpireReason.SELF_TRADE
        if self.met_fills_max:
            return ExpireReason.MAX_FILLS
        if self.met_band:
            return ExpireReason.PRICE_BAND
        return ExpireReason.FOK_UNFILLABLE if terms.time_in_force is TimeInForce.FOK else ExpireReason.UNFILLED

    def ended(self) -> "Plan":
        """The plan of an order whose quantity is what it has met: nothing is left of it where that was all its own."""
        self.met_own_order = self.prevented_lots > 0 and not self.matched_lots
        return self


BUY: Final = Side.BUY
EXPIRE_TAKER: Final = SelfTrade.EXPIRE_TAKER
EXPIRE_MAKER: Final = SelfTrade.EXPIRE_MAKER
DECREMENT: Final = SelfTrade.DECREMENT
NONE: Final = SelfTrade.NONE
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


def plan(
    book: Book,
    terms: PlaceOrder,
    fills_max: int,
    min_price_ticks: int = 0,
    cost_max: int | None = None,
    mode: SelfTrade = EXPIRE_TAKER,
) -> Plan:
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
    refills: Refills | None = None
    level = other.best
    while level is not None and (limit_ticks is None or (level.price_ticks - limit_ticks) * sign <= 0):
        maker = level.first
        while maker is not None:
            if len(found.fills) == fills_max or (
                found.prevented is not None and len(found.fills) + len(found.prevented) == fills_max
            ):
                found.met_fills_max = True
                return found
            if maker.user_id == terms.user_id and mode is not NONE:
                if found.meets_own(maker, mode, wanted_lots - found.matched_lots - found.prevented_lots):
                    return found
                maker = maker.following
                continue
            hidden_lots = maker.hidden_lots
            lots = min(maker.remaining_lots - hidden_lots, wanted_lots - found.matched_lots - found.prevented_lots)
            found.fills.append((maker, lots))
            found.matched_lots += lots
            found.cost_tick_lots += lots * level.price_ticks
            if found.matched_lots + found.prevented_lots == wanted_lots or (
                cost_max is not None and found.cost_tick_lots > cost_max
            ):
                return found
            if hidden_lots:
                if refills is None:
                    refills = deque()
                refills.append((maker, hidden_lots))
            maker = maker.following
        if refills:
            left_lots = wanted_lots - found.matched_lots - found.prevented_lots
            if _ends_in_refills(found, level.price_ticks, refills, left_lots, fills_max, cost_max):
                return found
            refills = None
        level = level.next_best()
    return found


def _ends_in_refills(
    found: Plan, price_ticks: int, refills: Refills, left_lots: int, fills_max: int, cost_max: int | None
) -> bool:
    """Meet the icebergs of a level again, of which all that was shown is taken; whether the walk ends there."""
    while refills:
        if len(found.fills) + len(found.prevented or ()) == fills_max:
            found.met_fills_max = True
            return True
        maker, hidden_lots = refills.popleft()
        shown_lots = next_lots(maker, hidden_lots)
        lots = min(shown_lots, left_lots)
        found.fills.append((maker, lots))
        found.matched_lots += lots
        found.cost_tick_lots += lots * price_ticks
        left_lots -= lots
        if not left_lots or (cost_max is not None and found.cost_tick_lots > cost_max):
            return True
        if hidden_lots > shown_lots:
            refills.append((maker, hidden_lots - shown_lots))
    return False


def plan_for_quote(
    book: Book, terms: PlaceOrder, fills_max: int, limit_ticks: int | None, quote_tick_lots: int, mode: SelfTrade
) -> Plan:
    """What a market order for so much of the quote (in ticks times lots) would meet.

    At each price it takes as many whole lots as keep the sum at or below that, and goes no further than the first order
    of which it can take less than there is. What an order of the same user prevents counts as if it had traded.
    """
    found = Plan()
    other = book.asks if terms.side is BUY else book.bids
    sign, level, left = other.sign, other.best, quote_tick_lots
    refills: Refills = deque()
    while level is not None and (limit_ticks is None or (level.price_ticks - limit_ticks) * sign <= 0):
        price_ticks, maker = level.price_ticks, level.first
        while maker is not None:
            if len(found.fills) + len(found.prevented or ()) == fills_max:
                found.met_fills_max = True
                return found.ended()
            own = maker.user_id == terms.user_id and mode is not NONE
            there_lots = maker.remaining_lots if own else maker.remaining_lots - maker.hidden_lots
            lots = there_lots if not price_ticks else min(there_lots, left // price_ticks)
            if not lots:
                return found.ended()
            if own:
                if mode is EXPIRE_MAKER:
                    found.meets_own(maker, mode, lots)
                    maker = maker.following
                    continue
                found.meets_own(maker, mode, lots)
                if mode is not DECREMENT:
                    return found
                found.met_own_order = False  # what is left of the sum goes on
            else:
                found.fills.append((maker, lots))
                found.matched_lots += lots
                found.cost_tick_lots += lots * price_ticks
                if maker.hidden_lots:
                    refills.append((maker, maker.hidden_lots))
            left -= lots * price_ticks
            if lots < there_lots:
                return found.ended()
            maker = maker.following
        while refills:
            if len(found.fills) + len(found.prevented or ()) == fills_max:
                found.met_fills_max = True
                return found.ended()
            maker, hidden_lots = refills.popleft()
            shown_lots = next_lots(maker, hidden_lots)
            lots = shown_lots if not price_ticks else min(shown_lots, left // price_ticks)
            if lots:
                found.fills.append((maker, lots))
                found.matched_lots += lots
                found.cost_tick_lots += lots * price_ticks
            left -= lots * price_ticks
            if lots < shown_lots:
                return found.ended()
            if hidden_lots > shown_lots:
                refills.append((maker, hidden_lots - shown_lots))
        level = level.next_best()
    return found.ended()
