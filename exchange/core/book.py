"""The book of one market: price levels in order, first in first out within a level.

The orders of a level are a linked list through the orders themselves, so that adding, finding and removing one costs
the same in a book of a thousand orders and of a million. The levels of a side are linked in the same way, best first,
and a level that has become empty keeps its place for a while: near the best, prices empty and fill again all the time,
and to find a level's place costs as much as all the rest of an order.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from mypy_extensions import mypyc_attr
from sortedcontainers import SortedList

from exchange.core.big_map import BigMap
from exchange.core.commands import PlaceOrder, Side
from exchange.core.conditions import Pending, Progress
from exchange.core.events import OrderStatus
from exchange.core.fees import Rates
from exchange.core.ledger import Account, User
from exchange.core.open_counts import Everywhere

BUY: Final = Side.BUY
NOT_PENDING: Final = Pending.NOTHING
Best = tuple[int, int] | None  # (price_ticks, total_lots)
IDLE_LEVELS_MAX: Final = 256  # of each side; this bounds their memory, and how many of them a walk can meet


# Orders, their level and their trader do refer to each other; but an order is taken out of its level before it is
# dropped, and a book lives as long as its process. So orders need no garbage collector, whose lists would run through
# a million of them.
@mypyc_attr(acyclic=True)
class Order:
    """An order while it can still trade, in a level of a book or waiting beside it. What was asked is in `terms` and
    never changes.

    `priority` is its place in its level: the venue's count, given when the order joins the back of a level. It is
    neither the order's id nor a sequence, so an order can lose its place and keep its id. `rates` are its fees; without
    them it entered when an order had the market's rates of the moment. `progress` is what else became of it.
    """

    __slots__ = (
        "created_ns",
        "executed_quote_minor",
        "following",
        "hidden_lots",
        "level",
        "order_id",
        "previous",
        "price_ticks",
        "priority",
        "progress",
        "rates",
        "remaining_lots",
        "terms",
        "trader",
        "updated_ns",
        "user_id",
    )

    def __init__(
        self, order_id: int, terms: PlaceOrder, trader: "Trader", price_ticks: int, now_ns: int, rates: Rates | None
    ) -> None:
        self.order_id = order_id
        self.terms = terms
        self.user_id = terms.user_id
        self.trader = trader
        self.price_ticks = price_ticks
        self.remaining_lots = terms.quantity_lots
        self.hidden_lots = 0  # of those; the others are shown
        self.executed_quote_minor = 0
        self.created_ns = now_ns
        self.updated_ns = now_ns
        self.priority = 0
        self.rates = rates
        self.progress: Progress | None = None
        self.level: Level | None = None
        self.previous: Order | None = None  # the order of its level that trades before this one
        self.following: Order | None = None

    @property
    def executed_lots(self) -> int:
        """How much has traded."""
        progress = self.progress
        if progress is None:
            return self.terms.quantity_lots - self.remaining_lots
        asked_lots = self.terms.quantity_lots or progress.determined_lots
        return asked_lots - progress.prevented_lots - self.remaining_lots

    @property
    def status(self) -> OrderStatus:
        """The status of an order that is still open."""
        if self.progress is not None and self.progress.pending is not NOT_PENDING:
            return OrderStatus.PENDING
        return OrderStatus.PARTIALLY_FILLED if self.executed_lots else OrderStatus.OPEN


class Trader:
    """A user in one market: the two accounts it moves money on, and their open orders, in priority order.

    `leaving` of them, which are `leaves`, do not count while another one is judged. `counts` are of those that are not
    plain ones.
    """

    __slots__ = ("base", "counts", "leaves", "leaving", "open_orders", "quote", "user")

    def __init__(self, user: User, base: Account, quote: Account, everywhere: Everywhere) -> None:
        self.user = user
        self.base = base
        self.quote = quote
        self.open_orders: dict[Order, None] = {}
        self.counts = everywhere.counts(user.user_id, self.open_orders)
        self.leaving = 0
        self.leaves: list[Order] = []


class Level:
    """All orders at one price, first in first out; none while it is idle.

    `total_lots` is what its orders show, and `told_lots` the total that was last reported: a level is reported when the
    two differ. `touched_sequence` is the sequence of the last command that changed it: a command reports a level once.
    """

    __slots__ = (
        *("better", "book_side", "first", "last", "price_ticks", "told_lots", "total_lots", "touched_sequence"),
        "worse",
    )

    def __init__(self, book_side: "BookSide", price_ticks: int) -> None:
        self.book_side = book_side
        self.price_ticks = price_ticks
        self.total_lots = 0
        self.told_lots = 0
        self.touched_sequence = 0
        self.first: Order | None = None
        self.last: Order | None = None
        self.better: Level | None = None  # the neighbours, idle or not
        self.worse: Level | None = None

    def __iter__(self) -> Iterator[Order]:
        order = self.first
        while order is not None:
            yield order
            order = order.following

    def next_best(self) -> "Level | None":
        """The next level that has orders."""
        level = self.worse
        while level is not None and level.first is None:
            level = level.worse
        return level


class BookSide:
    """The bids or the asks. `best` is the first level that has orders; iteration yields only such levels."""

    __slots__ = ("_idle", "_keys", "best", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = -1 if side is Side.BUY else 1
        self.best: Level | None = None
        self.levels: dict[int, Level] = {}  # by price, idle or not
        self._keys: SortedList[int] = SortedList()  # their prices, times the sign: the best is first
        self._idle: dict[Level, None] = {}  # the longest idle is first

    def level(self, price_ticks: int) -> Level:
        """The level of that price, which the caller adds an order to at once."""
        level = self.levels.get(price_ticks)
        if level is None:
            level = self._made(price_ticks)
        elif level.first is None:
            del self._idle[level]
        else:
            return level
        if self.best is None or (price_ticks - self.best.price_ticks) * self.sign < 0:
            self.best = level
        return level

    def _made(self, price_ticks: int) -> Level:
        level = self.levels[price_ticks] = Level(self, price_ticks)
        key = price_ticks * self.sign
        place = self._keys.bisect_left(key)
        if place > 0:
            level.better = better = self.levels[self._keys[place - 1] * self.sign]
            better.worse = level
        if place < len(self._keys):
            level.worse = worse = self.levels[self._keys[place] * self.sign]
            worse.better = level
        self._keys.add(key)
        return level

    def emptied(self, level: Level) -> None:
        """The level's last order has left: it is idle now. Above the limit the longest idle level is dropped."""
        if level is self.best:
            self.best = level.next_best()
        self._idle[level] = None
        if len(self._idle) > IDLE_LEVELS_MAX:
            self._forget(next(iter(self._idle)))

    def _forget(self, level: Level) -> None:
        better, worse = level.better, level.worse
        if better is not None:
            better.worse = worse
        if worse is not None:
            worse.better = better
        level.better = level.worse = None
        self._keys.remove(level.price_ticks * self.sign)
        del self.levels[level.price_ticks], self._idle[level]

    def depth(self, levels_max: int) -> list[tuple[int, int]]:
        """The best levels as (price_ticks, total_lots), best first."""
        return [(level.price_ticks, level.total_lots) for level in islice(self, levels_max)]

    def __iter__(self) -> Iterator[Level]:
        level = self.best
        while level is not None:
            yield level
            level = level.next_best()

    def check(self) -> None:
        """Assert that every level is in its place, and that exactly those without orders are idle."""
        keys, better, best = list(self._keys), None, None
        assert keys == sorted(price_ticks * self.sign for price_ticks in self.levels)
        for key in keys:
            level = self.levels[key * self.sign]
            assert level.book_side is self
            assert level.price_ticks == key * self.sign
            assert level.better is better
            assert better is None or better.worse is level
            assert (level in self._idle) == (level.first is None)
            if best is None and level.first is not None:
                best = level
            better = level
        assert better is None or better.worse is None
        assert self.best is best
        assert all(self.levels[level.price_ticks] is level for level in self._idle)
        assert len(self._idle) <= IDLE_LEVELS_MAX


class Book:
    """Both sides and every order in them, by id. `sequence` counts the changes of level totals, ever."""

    __slots__ = ("asks", "bids", "orders", "sequence", "sides")

    def __init__(self, sequence: int = 0) -> None:
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.sides = (self.bids, self.asks)  # indexed by Side
        self.orders: BigMap[int, Order] = BigMap()
        self.sequence = sequence

    def add(self, order: Order) -> Level:
        """Rest the order at the back of its level."""
        level = (self.bids if order.terms.side is BUY else self.asks).level(order.price_ticks)
        last = level.last
        if last is None:
            level.first = order
        else:
            last.following = order
            order.previous = last
        level.last = order
        order.level = level
        level.total_lots += order.remaining_lots - order.hidden_lots
        self.orders.put(order.order_id, order)
        order.trader.open_orders[order] = None
        return level

    def remove(self, order: Order) -> Level:
        """Take the order out, with whatever remains of it."""
        level, previous, following = order.level, order.previous, order.following
        assert level is not None
        if previous is None:
            level.first = following
        else:
            previous.following = following
        if following is None:
            level.last = previous
        else:
            following.previous = previous
        order.level = order.previous = order.following = None
        level.total_lots -= order.remaining_lots - order.hidden_lots
        if level.first is None:
            level.book_side.emptied(level)
        self.orders.remove(order.order_id)
        del order.trader.open_orders[order]
        return level

    def lift(self, order: Order) -> None:
        """Leave the order out of its level, for who judges another one as if it were gone, until it is put back."""
        level, previous, following = order.level, order.previous, order.following
        assert level is not None
        if previous is None:
            level.first = following
        else:
            previous.following = following
        if following is None:
            level.last = previous
        else:
            following.previous = previous
        level.total_lots -= order.remaining_lots - order.hidden_lots
        side = level.book_side
        if level.first is None and side.best is level:
            side.best = level.next_best()

    def put_back(self, order: Order) -> None:
        """Put an order that was lifted back into its place."""
        level, previous, following = order.level, order.previous, order.following
        assert level is not None
        if previous is None:
            level.first = order
        else:
            previous.following = order
        if following is None:
            level.last = order
        else:
            following.previous = order
        level.total_lots += order.remaining_lots - order.hidden_lots
        side = level.book_side
        if side.best is None or (level.price_ticks - side.best.price_ticks) * side.sign < 0:
            side.best = level

    def reduce(self, order: Order, lots: int) -> None:
        """Take a fill off what an order shows, and the order out of the book when nothing remains of it."""
        level = order.level
        assert level is not None
        order.remaining_lots -= lots
        level.total_lots -= lots
        if order.remaining_lots == 0:
            self.remove(order)

    def refill(self, order: Order, lots: int) -> None:
        """Show so much more of an order that shows nothing, at the back of its level."""
        level, open_orders = order.level, order.trader.open_orders
        assert level is not None
        if order is not level.last:
            previous, following = order.previous, order.following
            assert following is not None
            if previous is None:
                level.first = following
            else:
                previous.following = following
            following.previous = previous
            last = level.last
            assert last is not None
            last.following = order
            order.previous, order.following = last, None
            level.last = order
        order.hidden_lots -= lots
        level.total_lots += lots
        del open_orders[order]
        open_orders[order] = None

    def restored(self) -> None:
        """All orders are back, and what the levels hold was reported before."""
        for side in self.sides:
            for level in side:
                level.told_lots = level.total_lots

    def check(self) -> None:
        """Assert that the book is sorted, linked, summed and not crossed."""
        seen = 0
        for side in Side:
            book_side = self.sides[side]
            book_side.check()
            for level in book_side.levels.values():
                seen += self._check_level(level, side)
        assert seen == len(self.orders)
        if self.bids.best and self.asks.best:
            assert self.bids.best.price_ticks < self.asks.best.price_ticks

    def _check_level(self, level: Level, side: Side) -> int:
        orders, total_lots, previous = 0, 0, None
        for order in level:
            assert order.level is level
            assert order.previous is previous
            assert order.terms.side is side
            assert order.price_ticks == level.price_ticks
            assert 0 <= order.hidden_lots < order.remaining_lots <= order.terms.quantity_lots
            assert order.hidden_lots == (0 if order.progress is None else order.progress.hidden_lots)
            assert self.orders.get(order.order_id) is order
            assert order in order.trader.open_orders
            assert previous is None or previous.priority < order.priority
            total_lots += order.remaining_lots - order.hidden_lots
            orders += 1
            previous = order
        assert level.last is previous
        assert level.total_lots == level.told_lots == total_lots
        return orders


def best_of(side: BookSide) -> Best:
    """The best level of the side."""
    level = side.best
    return None if level is None else (level.price_ticks, level.total_lots)


def is_best(known: Best, side: BookSide) -> bool:
    """Whether that is the best of the side. Every command asks this, so it makes no tuple to compare with."""
    level = side.best
    if level is None or known is None:
        return level is None and known is None
    return known[0] == level.price_ticks and known[1] == level.total_lots
