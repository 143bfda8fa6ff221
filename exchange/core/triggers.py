"""Orders that wait for a price, beside the book of their market: stops, take-profits and trailing stops.

A price to wait for is found in a sorted list, so that a trade looks only at the orders that it concerns. Orders that
follow the price share a track: the best price since they began, and the trade that made it. A better price joins all
tracks that it passes, so that a trade costs no more for many such orders than for few.

What is triggered is in `ready` until the market enters it: by trade, then by order id.
"""

from collections.abc import Iterable
from typing import Final

from sortedcontainers import SortedList

from exchange.core.book import Order
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import Conditions, Pending

BUY: Final = Side.BUY
WHOLE_BPS: Final = 10_000

Key = tuple[int, int]  # a number to sort by, and an order id


def rises(terms: PlaceOrder) -> bool:
    """Whether the price that the order waits for is above: that of a stop-loss to buy, or a take-profit to sell."""
    return (terms.order_type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)) is (terms.side is BUY)


def reached(terms: PlaceOrder, at_ticks: int, last_ticks: int) -> bool:
    """Whether the last price is where the order waits for it to be."""
    return last_ticks >= at_ticks if rises(terms) else last_ticks <= at_ticks


def _conditions(order: Order) -> Conditions:
    conditions = order.terms.conditions
    assert conditions is not None
    return conditions


class Track:
    """Orders that have the same best price since they began: that of the trade `since` of their market."""

    __slots__ = ("amounts", "best_ticks", "by_bps", "since")

    def __init__(self, since: int, best_ticks: int) -> None:
        self.since = since
        self.best_ticks = best_ticks
        self.by_bps: SortedList[Key] = SortedList()
        self.amounts: SortedList[Key] = SortedList()

    def put(self, order: Order) -> None:
        """The order follows the price on this track."""
        self._list_of(order).add(_distance(order))

    def take(self, order: Order) -> None:
        """It does not any more."""
        self._list_of(order).remove(_distance(order))

    def _list_of(self, order: Order) -> "SortedList[Key]":
        return self.amounts if _conditions(order).trailing_bps is None else self.by_bps

    def join(self, other: "Track") -> None:
        """Take over the orders of another track."""
        self.by_bps.update(other.by_bps)
        self.amounts.update(other.amounts)

    @property
    def empty(self) -> bool:
        """Whether no order is on it."""
        return not self.by_bps and not self.amounts

    def nearest(self, sign: int) -> int:
        """The first price, times the sign, at which one of its orders is triggered."""
        best = sign * self.best_ticks
        prices: list[int] = []
        if self.by_bps:
            prices.append(best * (WHOLE_BPS - sign * self.by_bps[0][0]) // WHOLE_BPS)
        if self.amounts:
            prices.append(best - self.amounts[0][0])
        return max(prices)

    def pop_triggered(self, sign: int, signed_ticks: int) -> list[int]:
        """The ids of the orders that this price, times the sign, triggers; they are taken off the track."""
        best, found = sign * self.best_ticks, list[int]()
        while self.by_bps and WHOLE_BPS * signed_ticks <= best * (WHOLE_BPS - sign * self.by_bps[0][0]):
            found.append(self.by_bps.pop(0)[1])
        while self.amounts and signed_ticks <= best - self.amounts[0][0]:
            found.append(self.amounts.pop(0)[1])
        return found


def _distance(order: Order) -> Key:
    conditions = _conditions(order)
    distance = conditions.trailing_ticks if conditions.trailing_bps is None else conditions.trailing_bps
    assert distance is not None
    return distance, order.order_id


class Trail:
    """The orders of one side that follow the price. The tracks are by age; the best prices get worse along them.

    The sign makes the best price of a sell the highest and that of a buy the lowest.
    """

    __slots__ = ("_nearest", "sign", "tracks", "waiting")

    def __init__(self, side: Side, numbers: Iterable[int]) -> None:
        self.sign = -1 if side is BUY else 1
        pairs = iter(numbers)
        self.tracks = [Track(since, best) for since, best in zip(pairs, pairs, strict=True)]
        self.waiting: dict[int, Order] = {}  # for the first trade of the market
        self._nearest: int | None = None

    def begin(self, order: Order, last_ticks: int) -> None:
        """The order follows the price from the trade on that its progress names; or from the next, if that is none."""
        assert order.progress is not None
        since = order.progress.tracking_trade
        if not since:
            self.waiting[order.order_id] = order
            return
        track = next((track for track in self.tracks if track.since >= since), None)
        if track is None:
            track = Track(since, last_ticks)
            self.tracks.append(track)
        track.put(order)
        self._find_nearest()

    def remove(self, order: Order) -> None:
        """The order waits no more."""
        if self.waiting.pop(order.order_id, None) is not None:
            return
        assert order.progress is not None
        since = order.progress.tracking_trade
        track = next(track for track in self.tracks if track.since >= since)
        track.take(order)
        self._look()

    def traded(self, price_ticks: int, trade: int, beginning: list[Order]) -> list[int]:
        """A trade, with the orders that it makes follow the price. Returns the ids of those that it triggers."""
        signed, tracks, changed = self.sign * price_ticks, self.tracks, False
        new = Track(trade, price_ticks)
        while tracks and self.sign * tracks[-1].best_ticks <= signed:
            new.join(tracks.pop())
        for order in beginning:
            new.put(order)
        if not new.empty:
            tracks.append(new)
            changed = True
        found: list[int] = []
        if self._nearest is not None and signed <= self._nearest:
            for track in tracks:
                found += track.pop_triggered(self.sign, signed)
        if changed or found:
            self._look()
        return found

    def _look(self) -> None:
        """Something has changed: drop the tracks that no order is on, and find the nearest price again."""
        self.tracks = [track for track in self.tracks if not track.empty]
        self._find_nearest()

    def _find_nearest(self) -> None:
        # While orders are put back, the tracks of those that are not there yet are empty.
        self._nearest = max((track.nearest(self.sign) for track in self.tracks if not track.empty), default=None)

    def numbers(self) -> tuple[int, ...]:
        """The tracks as they are stored."""
        return tuple([number for track in self.tracks for number in (track.since, track.best_ticks)])

    def ids(self) -> list[int]:
        """The orders of this trail."""
        return [*self.waiting, *(key[1] for track in self.tracks for key in (*track.by_bps, *track.amounts))]

    def check(self) -> None:
        """Assert that tracks are by age and that none is passed by a later one."""
        for track, later in zip(self.tracks, self.tracks[1:], strict=False):
            assert track.since < later.since
            assert track.best_ticks * self.sign > later.best_ticks * self.sign
        assert not any(track.empty for track in self.tracks)
        assert self._nearest == max((track.nearest(self.sign) for track in self.tracks), default=None)


class Triggers:
    """The orders of a market that wait: for a price, for another order, or to be entered.

    `tracks` is what is stored beside the orders: how many numbers are of the sells, then those of both sides.
    """

    __slots__ = ("_falling", "_rising", "_trails", "orders", "ready", "tracks")

    def __init__(self, tracks: tuple[int, ...]) -> None:
        self.orders: dict[int, Order] = {}
        self.ready: dict[int, Order] = {}
        self._rising: SortedList[Key] = SortedList()
        self._falling: SortedList[Key] = SortedList()
        sells = 1 + tracks[0] if tracks else 0
        self._trails = (Trail(Side.BUY, tracks[sells:]), Trail(Side.SELL, tracks[1:sells]))  # by Side
        self.tracks = tracks

    def add(self, order: Order, last_ticks: int) -> None:
        """The order waits for what its progress and its conditions say."""
        progress = order.progress
        assert progress is not None
        self.orders[order.order_id] = order
        if progress.triggered_ns:
            self.ready[order.order_id] = order
        elif progress.pending is Pending.TRIGGER:
            conditions = _conditions(order)
            if not conditions.trails:
                assert conditions.stop_ticks is not None
                self._await(order, conditions.stop_ticks)
            elif conditions.activation_ticks is not None and not progress.tracking_trade:
                self._await(order, conditions.activation_ticks)
            else:
                self._trails[order.terms.side].begin(order, last_ticks)
                self._retell()

    def _await(self, order: Order, at_ticks: int) -> None:
        if rises(order.terms):
            self._rising.add((at_ticks, order.order_id))
        else:
            self._falling.add((-at_ticks, order.order_id))

    def remove(self, order: Order) -> None:
        """The order waits no more."""
        progress = order.progress
        assert progress is not None
        del self.orders[order.order_id]
        if self.ready.pop(order.order_id, None) is not None or progress.pending is not Pending.TRIGGER:
            return
        conditions = _conditions(order)
        if conditions.trails and (conditions.activation_ticks is None or progress.tracking_trade):
            self._trails[order.terms.side].remove(order)
            self._retell()
            return
        at_ticks = conditions.activation_ticks if conditions.trails else conditions.stop_ticks
        assert at_ticks is not None
        if rises(order.terms):
            self._rising.remove((at_ticks, order.order_id))
        else:
            self._falling.remove((-at_ticks, order.order_id))

    def traded(self, price_ticks: int, trade: int) -> tuple[list[Order], list[Order]]:
        """The orders that a trade makes follow the price, and those that it triggers, which then are nowhere but in
        `orders`: each in the order of their ids."""
        met: list[Order] = []
        while self._rising and self._rising[0][0] <= price_ticks:
            met.append(self.orders[self._rising.pop(0)[1]])
        while self._falling and -self._falling[0][0] >= price_ticks:
            met.append(self.orders[self._falling.pop(0)[1]])
        beginning = [order for order in met if _conditions(order).trails]
        triggered = [order for order in met if not _conditions(order).trails]
        for trail in self._trails:
            if trail.waiting:
                beginning += trail.waiting.values()
                trail.waiting = {}
            of_side = [order for order in beginning if (order.terms.side is BUY) is (trail.sign < 0)]
            if of_side or trail.tracks:
                triggered += [self.orders[order_id] for order_id in trail.traded(price_ticks, trade, of_side)]
        self._retell()
        return sorted(beginning, key=_by_id), sorted(triggered, key=_by_id)

    def take(self) -> Order:
        """The next order to enter."""
        order_id = next(iter(self.ready))
        del self.orders[order_id]
        return self.ready.pop(order_id)

    def restored(self) -> None:
        """All orders are back: those to enter are put in the order in which they were triggered."""
        self.ready = {order.order_id: order for order in sorted(self.ready.values(), key=_by_trigger)}

    def _retell(self) -> None:
        buys, sells = self._trails[0].numbers(), self._trails[1].numbers()
        tracks = (len(sells), *sells, *buys) if sells or buys else ()
        if tracks != self.tracks:
            self.tracks = tracks

    def check(self) -> None:
        """Assert that each order waits in one place."""
        waiting = [key[1] for key in (*self._rising, *self._falling)] + list(self.ready)
        for trail in self._trails:
            trail.check()
            waiting += trail.ids()
        of_lists = [
            order.order_id
            for order in self.orders.values()
            if order.progress is not None
            and order.progress.pending is Pending.LIST
            and order.order_id not in self.ready
        ]
        assert sorted(waiting + of_lists) == sorted(self.orders)
        for order in self.orders.values():
            assert order.level is None
            assert not order.hidden_lots
            assert order.progress is not None
            assert order.progress.pending is not Pending.NOTHING
            assert bool(order.progress.triggered_ns) == (order.order_id in self.ready)
        assert list(self.ready.values()) == sorted(self.ready.values(), key=_by_trigger)


def _by_id(order: Order) -> int:
    return order.order_id


def _by_trigger(order: Order) -> Key:
    assert order.progress is not None
    return order.progress.triggered_trade, order.order_id
