"""Orders that wait for a price, beside the book of their market: stops, take-profits and trailing stops.

A price to wait for is found in a sorted list, so that a trade looks only at the orders that it concerns. Orders that
follow the price are on the tracks of their side: see `trailing`.

A trade is judged at once, whatever it triggers; but what it triggers is told one order after the other, and only so
many in one command. The trades behind it wait for that in `trades`. What is told is in `ready` until the market enters
it: by trade, then by order id.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from sortedcontainers import SortedList

from exchange.core.book import Order
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import Pending
from exchange.core.trailing import WHOLE_BPS as WHOLE_BPS
from exchange.core.trailing import Key, Trail, conditions_of, pop_below

BUY: Final = Side.BUY
TRADES: Final = -4  # before the trades that are not done with, as they are stored; no other number there is this


def rises(terms: PlaceOrder) -> bool:
    """Whether the price that the order waits for is above: that of a stop-loss to buy, or a take-profit to sell."""
    return (terms.order_type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)) is (terms.side is BUY)


def reached(terms: PlaceOrder, at_ticks: int, last_ticks: int) -> bool:
    """Whether the last price is where the order waits for it to be."""
    return last_ticks >= at_ticks if rises(terms) else last_ticks <= at_ticks


class _Line:
    """Order ids that have their turn one after the other, the lowest first; some leave before it."""

    __slots__ = ("_ids", "_left")

    def __init__(self, ids: Iterable[int]) -> None:
        self._ids = sorted(ids, reverse=True)
        self._left = set(self._ids)

    def pop(self) -> int | None:
        """The next; None if there is none."""
        while self._ids:
            order_id = self._ids.pop()
            if order_id in self._left:
                self._left.remove(order_id)
                return order_id
        return None

    def leave(self, order_id: int) -> bool:
        """Take it out of the line; whether it was there."""
        if order_id not in self._left:
            return False
        self._left.remove(order_id)
        return True

    def ids(self) -> list[int]:
        """All that are left."""
        return [order_id for order_id in self._ids if order_id in self._left]


class Triggers:
    """The orders of a market that wait: for a price, for another order, or to be entered.

    `trades` are those that are not done with, as price and count: some of what the first of them triggers is not told,
    and the others are not judged. `stored` is all that must be stored beside the orders: those trades, then how many
    numbers are of the tracks of the sells, then the tracks of both sides.
    """

    __slots__ = (
        *("_begun", "_changed", "_early", "_falling", "_met", "_rising", "_stored", "_trails", "orders", "ready"),
        "trades",
    )

    def __init__(self, stored: tuple[int, ...]) -> None:
        self.orders: dict[int, Order] = {}
        self.ready: OrderedDict[int, Order] = OrderedDict()
        self.trades: deque[tuple[int, int]] = deque()
        self._rising: SortedList[Key] = SortedList()
        self._falling: SortedList[Key] = SortedList()
        self._begun = _Line(())  # that the first of the trades makes follow the price, and that are not told
        self._met = _Line(())  # that it triggers; they are nowhere else but in `orders`
        self._early = False  # something of a later trade was told before all of an earlier one
        tracks = stored
        if stored and stored[0] == TRADES:
            end = 2 + 2 * stored[1]
            self.trades.extend([(stored[at], stored[at + 1]) for at in range(2, end, 2)])
            tracks = stored[end:]
        sells = 1 + tracks[0] if tracks else 0
        self._trails = (Trail(Side.BUY, tracks[sells:]), Trail(Side.SELL, tracks[1:sells]))  # by Side
        self._stored = stored
        self._changed = False  # something of what is stored

    @property
    def stored(self) -> tuple[int, ...]:
        """What is stored beside the orders; the same object while it does not change."""
        if self._changed or self._trails[0].changed or self._trails[1].changed:
            self._changed = self._trails[0].changed = self._trails[1].changed = False
            buys, sells = self._trails[0].numbers(), self._trails[1].numbers()
            tracks = (len(sells), *sells, *buys) if sells or buys else ()
            if self.trades:
                tracks = (TRADES, len(self.trades), *[number for trade in self.trades for number in trade], *tracks)
            if tracks != self._stored:
                self._stored = tracks
        return self._stored

    def add(self, order: Order, last_ticks: int) -> None:
        """The order waits for what its progress and its conditions say."""
        progress = order.progress
        assert progress is not None
        self.orders[order.order_id] = order
        if progress.triggered_ns:
            self.ready[order.order_id] = order
        elif progress.pending is Pending.TRIGGER:
            conditions = conditions_of(order)
            if not conditions.trails:
                assert conditions.stop_ticks is not None
                self._await(order, conditions.stop_ticks)
            elif conditions.activation_ticks is not None and not progress.tracking_trade:
                self._await(order, conditions.activation_ticks)
            else:
                self._trails[order.terms.side].begin(order, last_ticks)

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
        if self.ready.pop(order.order_id, None) is not None:
            return
        if self._met.leave(order.order_id) or progress.pending is not Pending.TRIGGER:
            return
        since = self.trades[0][1] if self._begun.leave(order.order_id) else progress.tracking_trade
        conditions = conditions_of(order)
        if conditions.trails and (conditions.activation_ticks is None or since):
            trail = self._trails[order.terms.side]
            trail.remove(order, since)
            if not self.trades:
                trail.tidy()
            return
        at_ticks = conditions.activation_ticks if conditions.trails else conditions.stop_ticks
        assert at_ticks is not None
        if rises(order.terms):
            self._rising.remove((at_ticks, order.order_id))
        else:
            self._falling.remove((-at_ticks, order.order_id))

    # --- trades

    def judge(self, price_ticks: int, trade: int, released: list[Order] | None) -> bool:
        """Judge a trade, which also releases those orders. If something begins to follow the price, or is triggered,
        the trade is the first of `trades` from now on, until `done`."""
        assert not self.trades
        met: list[int] = []
        if self._rising and self._rising[0][0] <= price_ticks:
            met += pop_below(self._rising, price_ticks + 1)
        if self._falling and -self._falling[0][0] >= price_ticks:
            met += pop_below(self._falling, 1 - price_ticks)
        activated = [self.orders[order_id] for order_id in met]
        activated = [order for order in activated if conditions_of(order).trails]
        triggered = met if not activated else [i for i in met if not conditions_of(self.orders[i]).trails]
        begun = [order.order_id for order in activated]
        for trail in self._trails:
            beginning = [order for order in activated if order.terms.side is trail.side]
            if trail.waiting:
                begun += trail.waiting
                beginning += trail.waiting.values()
                trail.waiting = {}
            if beginning or trail.tracks:
                triggered += trail.traded(price_ticks, trade, beginning)
        if released:
            triggered += [order.order_id for order in released]
        if not begun and not triggered:
            return False
        self._begun, self._met = _Line(begun), _Line(triggered)
        self.trades.append((price_ticks, trade))
        self._changed = True
        return True

    def later(self, price_ticks: int, trade: int) -> None:
        """Judge that trade when those before it are done with. Another one at the same price would change nothing."""
        if self.trades[-1][0] != price_ticks:
            self.trades.append((price_ticks, trade))
            self._changed = True

    def next_begun(self) -> Order | None:
        """The next order that the first of the trades makes follow the price, which is to be told now."""
        order_id = self._begun.pop()
        return None if order_id is None else self.orders[order_id]

    def next_met(self) -> Order | None:
        """The next order that it triggers."""
        order_id = self._met.pop()
        return None if order_id is None else self.orders[order_id]

    def tell_early(self, order: Order) -> None:
        """Tell an order before its turn."""
        self._met.leave(order.order_id)
        self._early = True

    def done(self) -> None:
        """All that the first of the trades triggers is told: judge the next ones, until one triggers something."""
        waiting, self.trades = self.trades, deque()
        self._changed = True
        for trail in self._trails:
            trail.tidy()
        waiting.popleft()
        while waiting:
            price_ticks, trade = waiting.popleft()
            if self.judge(price_ticks, trade, None):
                self.trades.extend(waiting)
                return
            for trail in self._trails:
                trail.tidy()
        if self._early:
            self._early = False
            self._sort()

    def take(self) -> Order:
        """The next order to enter."""
        order_id, order = self.ready.popitem(last=False)
        del self.orders[order_id]
        return order

    # --- the state as a whole

    def restored(self) -> None:
        """All orders are back: those to enter are put in the order in which they were triggered."""
        self._sort()
        for trail in self._trails:
            trail.restored()
        if self.trades:
            waiting, self.trades = self.trades, deque()
            price_ticks, trade = waiting.popleft()
            if not self.judge(price_ticks, trade, None):  # what was left of it has been canceled since
                self.trades.append((price_ticks, trade))
            self.trades.extend(waiting)
            self._early = True
        self._changed = True

    def _sort(self) -> None:
        self.ready = OrderedDict([(order.order_id, order) for order in sorted(self.ready.values(), key=_by_trigger)])

    def check(self) -> None:
        """Assert that each order waits in one place."""
        waiting = [key[1] for key in (*self._rising, *self._falling)] + list(self.ready) + self._met.ids()
        trailing: list[int] = []
        for trail in self._trails:
            trail.check()
            trailing += trail.ids()
            assert self.trades or not any(track.empty for track in trail.tracks)
        waiting += trailing
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
        assert all(order_id in trailing for order_id in self._begun.ids())
        assert self.trades or not (self._begun.ids() or self._met.ids())
        assert self._early or list(self.ready.values()) == sorted(self.ready.values(), key=_by_trigger)


def _by_trigger(order: Order) -> Key:
    assert order.progress is not None
    return order.progress.triggered_trade, order.order_id
