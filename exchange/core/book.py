"""The book of one market: price levels in order, first in first out within a level.

The orders of a level are a linked list through the orders themselves, so that adding, finding and removing one costs
the same in a book of a thousand orders and of a million. Both halves keep their best level first: the bids are sorted
by the negative price.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from sortedcontainers import SortedDict

from exchange.core.commands import PlaceOrder, Side
from exchange.core.events import OrderStatus
from exchange.core.ledger import Account, User

BUY: Final = Side.BUY


class Order:
    """An order while it can still trade. What was asked is in `terms` and never changes."""

    __slots__ = (
        "behind",
        "created_ns",
        "executed_quote_minor",
        "front",
        "level",
        "order_id",
        "price_ticks",
        "remaining_lots",
        "rested_sequence",
        "terms",
        "trader",
        "updated_ns",
        "user_id",
    )

    def __init__(self, order_id: int, terms: PlaceOrder, trader: "Trader", price_ticks: int, now_ns: int) -> None:
        self.order_id = order_id
        self.terms = terms
        self.user_id = terms.user_id
        self.trader = trader
        self.price_ticks = price_ticks
        self.remaining_lots = terms.quantity_lots
        self.executed_quote_minor = 0
        self.created_ns = now_ns
        self.updated_ns = now_ns
        self.rested_sequence = order_id
        self.level: Level | None = None
        self.front: Order | None = None  # the neighbour with priority over this one
        self.behind: Order | None = None

    @property
    def executed_lots(self) -> int:
        """How much has traded."""
        return self.terms.quantity_lots - self.remaining_lots

    @property
    def status(self) -> OrderStatus:
        """The status of an order that is still in the book."""
        return OrderStatus.OPEN if self.remaining_lots == self.terms.quantity_lots else OrderStatus.PARTIALLY_FILLED


class Trader:
    """A user as one market sees them: the two accounts it moves money on, and their open orders, oldest first."""

    __slots__ = ("base", "open_orders", "quote", "user")

    def __init__(self, user: User, base: Account, quote: Account) -> None:
        self.user = user
        self.base = base
        self.quote = quote
        self.open_orders: dict[int, Order] = {}


class Level:
    """All orders at one price, first in first out."""

    __slots__ = ("first", "last", "price_ticks", "total_lots")

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.total_lots = 0
        self.first: Order | None = None
        self.last: Order | None = None

    def __iter__(self) -> Iterator[Order]:
        order = self.first
        while order is not None:
            yield order
            order = order.behind


class Half:
    """The bids or the asks. `best` is always the first level, without a look into the tree."""

    __slots__ = ("best", "levels", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = -1 if side is Side.BUY else 1
        self.levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None

    def level(self, price_ticks: int) -> Level:
        """The level of that price, made when it is not there."""
        key = price_ticks * self.sign
        level: Level | None = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(price_ticks)
            if self.best is None or key < self.best.price_ticks * self.sign:
                self.best = level
        return level

    def drop(self, level: Level) -> None:
        """Forget a level that has become empty."""
        del self.levels[level.price_ticks * self.sign]
        if level is self.best:
            self.best = self.levels.peekitem(0)[1] if self.levels else None

    def depth(self, levels_max: int) -> list[tuple[int, int]]:
        """The best levels as (price_ticks, total_lots), best first."""
        return [(level.price_ticks, level.total_lots) for level in islice(self, levels_max)]

    def __iter__(self) -> Iterator[Level]:
        return iter(self.levels.values())


class Book:
    """Both halves and every order in them, by id. `sequence` counts the changes of level totals, ever."""

    __slots__ = ("asks", "bids", "halves", "orders", "sequence")

    def __init__(self, sequence: int = 0) -> None:
        self.bids = Half(Side.BUY)
        self.asks = Half(Side.SELL)
        self.halves = (self.bids, self.asks)  # indexed by Side
        self.orders: dict[int, Order] = {}
        self.sequence = sequence

    def add(self, order: Order) -> Level:
        """Rest the order behind all others of its price."""
        level = (self.bids if order.terms.side is BUY else self.asks).level(order.price_ticks)
        last = level.last
        if last is None:
            level.first = order
        else:
            last.behind = order
            order.front = last
        level.last = order
        order.level = level
        level.total_lots += order.remaining_lots
        self.orders[order.order_id] = order
        order.trader.open_orders[order.order_id] = order
        return level

    def remove(self, order: Order) -> Level:
        """Take the order out, with whatever remains of it."""
        level, front, behind = order.level, order.front, order.behind
        assert level is not None
        if front is None:
            level.first = behind
        else:
            front.behind = behind
        if behind is None:
            level.last = front
        else:
            behind.front = front
        order.level = order.front = order.behind = None
        level.total_lots -= order.remaining_lots
        if level.first is None:
            (self.bids if order.terms.side is BUY else self.asks).drop(level)
        del self.orders[order.order_id]
        del order.trader.open_orders[order.order_id]
        return level

    def reduce(self, order: Order, lots: int) -> None:
        """Take a fill off a resting order, and the order out of the book when nothing remains of it."""
        level = order.level
        assert level is not None
        order.remaining_lots -= lots
        level.total_lots -= lots
        if order.remaining_lots == 0:
            self.remove(order)

    def check(self) -> None:
        """Assert that the book is what it says: sorted, linked, summed and not crossed."""
        seen = 0
        for side in Side:
            half = self.halves[side]
            assert half.best is (half.levels.peekitem(0)[1] if half.levels else None)
            for key, level in half.levels.items():
                assert key == level.price_ticks * half.sign
                seen += self._check_level(level, side)
        assert seen == len(self.orders)
        if self.bids.best and self.asks.best:
            assert self.bids.best.price_ticks < self.asks.best.price_ticks

    def _check_level(self, level: Level, side: Side) -> int:
        orders, total_lots, previous = 0, 0, None
        for order in level:
            assert order.level is level
            assert order.front is previous
            assert order.terms.side is side
            assert order.price_ticks == level.price_ticks
            assert 0 < order.remaining_lots <= order.terms.quantity_lots
            assert self.orders[order.order_id] is order
            assert order.trader.open_orders[order.order_id] is order
            assert previous is None or previous.rested_sequence < order.rested_sequence
            total_lots += order.remaining_lots
            orders += 1
            previous = order
        assert orders > 0
        assert level.last is previous
        assert level.total_lots == total_lots
        return orders
