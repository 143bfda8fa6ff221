"""Pegged orders that follow the book: which there are, what they follow, and which are still to be priced again.

They follow the prices of the other orders. No order that follows is counted, whoever's it is: so to price one again
changes nothing for another, and one round over them is the end of it. After a command that changes what some of them
follow a round begins. It goes by order id, a few orders at a time.
"""

from typing import Final

from sortedcontainers import SortedDict

from exchange.core.book import Book, BookSide, Level, Order
from exchange.core.commands import PlaceOrder, Side
from exchange.core.conditions import PegTo, Progress

BUY: Final = Side.BUY
PRIMARY: Final = PegTo.PRIMARY
FOLLOWING_MAX: Final = 1_000  # orders of a market, since a change of its best may price all of them again
BIDS: Final = 1
ASKS: Final = 2


def follows(terms: PlaceOrder) -> bool:
    """Whether the order is priced again when the book changes."""
    return terms.conditions is not None and terms.conditions.peg_follows is not None


def locking_ticks(terms: PlaceOrder, progress: Progress | None) -> int:
    """The price by which an order locks: its own in the book, or the limit of one that follows or waits."""
    if progress is not None and progress.pegged_ticks and not follows(terms):
        return progress.pegged_ticks
    return terms.price_ticks or 0


def of_bids(terms: PlaceOrder) -> bool:
    """Whether a pegged order is pegged to the bids."""
    assert terms.conditions is not None
    return (terms.side is BUY) is (terms.conditions.peg_to is PRIMARY)


def counted_ticks(side: BookSide, levels: int) -> int | None:
    """The price of the level that is so many behind the best, of those with an order that follows nothing."""
    prices = _counted(side, levels + 1)
    return prices[levels] if len(prices) > levels else None


def _counted(side: BookSide, levels_max: int) -> list[int]:
    """The prices of the best levels that count, at most so many."""
    prices: list[int] = []
    level = side.best
    while level is not None and len(prices) < levels_max:
        if _counts(level):
            prices.append(level.price_ticks)
        level = level.next_best()
    return prices


def _counts(level: Level) -> bool:
    order = level.first
    while order is not None:
        if not follows(order.terms):
            return True
        order = order.following
    return False


class Following:
    """The open orders of a market that follow its book.

    `round` is the part of it that is stored: nothing, or which sides have changed (the bids, the asks or both) and the
    last order id that the round has dealt with.
    """

    __slots__ = ("_counts", "_seen", "orders", "round")

    def __init__(self, round_: tuple[int, ...]) -> None:
        self.orders: SortedDict[int, Order] = SortedDict()
        self.round = round_
        # Of the bids and of the asks: how many orders follow the level so many behind the best, and its price.
        self._counts: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._seen: tuple[dict[int, int | None], dict[int, int | None]] = ({}, {})

    def add(self, order: Order, book: Book) -> None:
        """The order, which has just taken its price, follows the book from now on."""
        index, levels = _key(order.terms)
        now = counted_ticks(book.sides[index], levels)
        if self._seen[index].get(levels, now) != now:  # it changed in the same command
            self._begin(BIDS if index == 0 else ASKS)
        self.put_back(order)
        self._seen[index][levels] = now

    def put_back(self, order: Order) -> None:
        """The order is back from a stored state."""
        self.orders[order.order_id] = order
        index, levels = _key(order.terms)
        self._counts[index][levels] = self._counts[index].get(levels, 0) + 1

    def remove(self, order: Order) -> None:
        """It does not any more, if it did."""
        if self.orders.pop(order.order_id, None) is None:
            return
        index, levels = _key(order.terms)
        counts = self._counts[index]
        counts[levels] -= 1
        if not counts[levels]:
            del counts[levels], self._seen[index][levels]
        if not self.orders:
            self.round = ()

    def look(self, book: Book) -> None:
        """A command has changed the book: if that changes what some follow, a round begins."""
        changed = 0
        for index, side in enumerate(book.sides):
            seen = self._seen[index]
            if not seen:
                continue
            prices = _counted(side, 1 + max(seen))
            for levels, before in seen.items():
                now = prices[levels] if len(prices) > levels else None
                if now != before:
                    seen[levels] = now
                    changed |= BIDS if index == 0 else ASKS
        if changed:
            self._begin(changed)

    def _begin(self, sides: int) -> None:
        """Begin a round, and again with what a round has not dealt with."""
        self.round = (sides | (self.round[0] if self.round else 0), 0)

    def next_due(self, orders_max: int) -> list[Order]:
        """The next orders to price again, at most so many; then they are dealt with."""
        sides, after = self.round
        found: list[Order] = []
        for order_id in self.orders.irange(after + 1):
            order = self.orders[order_id]
            if not sides & (BIDS if of_bids(order.terms) else ASKS):
                continue
            if len(found) == orders_max:
                self.round = (sides, found[-1].order_id)
                return found
            found.append(order)
        self.round = ()
        return found

    def restored(self, book: Book) -> None:
        """All orders are back, and so is the book."""
        for index, side in enumerate(book.sides):
            for levels in self._counts[index]:
                self._seen[index][levels] = counted_ticks(side, levels)

    def check(self, book: Book) -> None:
        """Assert that exactly the orders of the book that follow it are here, and that no change was missed."""
        there = {order.order_id for order in book.orders.values() if follows(order.terms)}
        assert set(self.orders) == there
        assert len(there) <= FOLLOWING_MAX
        counts: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for order in self.orders.values():
            index, levels = _key(order.terms)
            counts[index][levels] = counts[index].get(levels, 0) + 1
        assert counts == self._counts
        for index, side in enumerate(book.sides):
            assert self._seen[index] == {levels: counted_ticks(side, levels) for levels in counts[index]}
        assert not self.round or (self.orders and 0 < self.round[0] <= BIDS | ASKS and self.round[1] >= 0)


def _key(terms: PlaceOrder) -> tuple[int, int]:
    """The side that it is pegged to, 0 the bids and 1 the asks, and how many levels behind the best."""
    assert terms.conditions is not None
    return 0 if of_bids(terms) else 1, terms.conditions.peg_levels or 0
