"""Orders that follow the price: the tracks of one side of a market.

Orders that follow share a track: the best price since they began, and the trade that made it. A better price joins all
tracks that it passes. The tracks are also sorted by the first price at which one of their orders is triggered. So a
trade costs no more for many such orders than for few, but for the tracks that it joins and the orders that it triggers.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import Final

from sortedcontainers import SortedList

from exchange.core.book import Order
from exchange.core.commands import Side
from exchange.core.conditions import Conditions

BUY: Final = Side.BUY
WHOLE_BPS: Final = 10_000

Key = tuple[int, int]  # a number to sort by, and an order id


def conditions_of(order: Order) -> Conditions:
    """What an order that waits asks."""
    conditions = order.terms.conditions
    assert conditions is not None
    return conditions


def pop_below(keys: "SortedList[Key]", number: int) -> list[int]:
    """The order ids of all keys whose number is below that one; they are taken out."""
    end = keys.bisect_left((number, 0))
    if not end:
        return []
    found = [key[1] for key in islice(keys, end)]
    del keys[:end]
    return found


class Track:
    """Orders that have the same best price since they began: that of the trade `since` of their market.

    `nearest` is the first price, times the sign of the trail, at which one of them is triggered; None if there is none.
    """

    __slots__ = ("amounts", "best_ticks", "by_bps", "nearest", "since")

    def __init__(self, since: int, best_ticks: int) -> None:
        self.since = since
        self.best_ticks = best_ticks
        self.by_bps: SortedList[Key] = SortedList()
        self.amounts: SortedList[Key] = SortedList()
        self.nearest: int | None = None

    def put(self, order: Order) -> None:
        """The order follows the price on this track."""
        self._list_of(order).add(_distance(order))

    def take(self, order: Order) -> None:
        """It does not any more."""
        self._list_of(order).remove(_distance(order))

    def _list_of(self, order: Order) -> "SortedList[Key]":
        return self.amounts if conditions_of(order).trailing_bps is None else self.by_bps

    def join(self, other: "Track") -> None:
        """Take over the orders of another track, which is dropped: the fewer go to where the more are."""
        if len(other.by_bps) > len(self.by_bps):
            self.by_bps, other.by_bps = other.by_bps, self.by_bps
        if len(other.amounts) > len(self.amounts):
            self.amounts, other.amounts = other.amounts, self.amounts
        self.by_bps.update(other.by_bps)
        self.amounts.update(other.amounts)

    @property
    def empty(self) -> bool:
        """Whether no order is on it."""
        return not self.by_bps and not self.amounts

    def find_nearest(self, sign: int) -> int | None:
        """The first price, times the sign, at which one of its orders is triggered."""
        best, found = sign * self.best_ticks, None
        if self.by_bps:
            found = best * (WHOLE_BPS - sign * self.by_bps[0][0]) // WHOLE_BPS
        if self.amounts:
            by_amount = best - self.amounts[0][0]
            found = by_amount if found is None else max(found, by_amount)
        return found

    def pop_triggered(self, sign: int, signed_ticks: int) -> list[int]:
        """The ids of the orders that this price, times the sign, triggers; they are taken off the track."""
        turned_ticks = sign * self.best_ticks - signed_ticks
        found = pop_below(self.amounts, turned_ticks + 1)
        if self.by_bps and turned_ticks >= 0:
            bps = WHOLE_BPS * turned_ticks // self.best_ticks if self.best_ticks else WHOLE_BPS
            found += pop_below(self.by_bps, bps + 1)
        return found


def _distance(order: Order) -> Key:
    conditions = conditions_of(order)
    distance = conditions.trailing_ticks if conditions.trailing_bps is None else conditions.trailing_bps
    assert distance is not None
    return distance, order.order_id


class Trail:
    """The orders of one side that follow the price. The tracks are by age; the best prices get no better along them.

    The sign makes the best price of a sell the highest and that of a buy the lowest. A track without orders is dropped
    by `tidy`, and no earlier: the orders that a trade has triggered come from there, until all of them are told.
    """

    __slots__ = ("_emptied", "_nearest", "_numbers", "changed", "side", "sign", "tracks", "waiting")

    def __init__(self, side: Side, numbers: Iterable[int]) -> None:
        self.side = side
        self.sign = -1 if side is BUY else 1
        self._numbers = list(numbers)  # of the tracks: since and best_ticks
        pairs = iter(self._numbers)
        self.tracks = [Track(since, best) for since, best in zip(pairs, pairs, strict=True)]
        self.waiting: dict[int, Order] = {}  # for the first trade of the market
        self._nearest: SortedList[Key] = SortedList()  # of the tracks with orders, and the trade that each is since
        self._emptied: list[Track] = []
        self.changed = False  # the numbers of its tracks

    def begin(self, order: Order, last_ticks: int) -> None:
        """The order follows the price from the trade on that its progress names; or from the next, if that is none."""
        assert order.progress is not None
        since = order.progress.tracking_trade
        if not since:
            self.waiting[order.order_id] = order
            return
        place = self._place(since)
        if place == len(self.tracks):
            self._append(Track(since, last_ticks))
        track = self.tracks[place]
        track.put(order)
        self._file(track)

    def remove(self, order: Order, since: int) -> None:
        """The order, which began with that trade, or waits for the first one, waits no more."""
        if not since:
            del self.waiting[order.order_id]
            return
        track = self.tracks[self._place(since)]
        track.take(order)
        self._file(track)

    def _append(self, track: Track) -> None:
        self.tracks.append(track)
        self._numbers += (track.since, track.best_ticks)
        self.changed = True

    def _place(self, since: int) -> int:
        """Where the first track is that is as young as that trade."""
        return bisect_left(self.tracks, since, key=_since)

    def _file(self, track: Track) -> None:
        """Sort the track by its nearest price again: its orders have changed."""
        self._take_out(track)
        nearest = track.find_nearest(self.sign)
        if nearest is None:
            self._emptied.append(track)
        else:
            track.nearest = nearest
            self._nearest.add((nearest, track.since))

    def _take_out(self, track: Track) -> None:
        if track.nearest is not None:
            self._nearest.remove((track.nearest, track.since))
            track.nearest = None

    def traded(self, price_ticks: int, trade: int, beginning: list[Order]) -> list[int]:
        """A trade, with the orders that it makes follow the price. Returns the ids of those that it triggers."""
        signed, tracks = self.sign * price_ticks, self.tracks
        if beginning or (tracks and self.sign * tracks[-1].best_ticks <= signed):
            new = Track(trade, price_ticks)
            while tracks and self.sign * tracks[-1].best_ticks <= signed:
                passed = tracks.pop()
                del self._numbers[-2:]
                self._take_out(passed)
                new.join(passed)
            for order in beginning:
                new.put(order)
            self._append(new)
            self._file(new)
        found: list[int] = []
        while self._nearest and self._nearest[-1][0] >= signed:
            track = tracks[self._place(self._nearest[-1][1])]
            found += track.pop_triggered(self.sign, signed)
            self._file(track)
        return found

    def tidy(self) -> None:
        """Drop the tracks that no order is on."""
        for track in self._emptied:
            place = self._place(track.since)
            if place < len(self.tracks) and self.tracks[place] is track and track.empty:
                del self.tracks[place]
                del self._numbers[2 * place : 2 * place + 2]
                self.changed = True
        self._emptied.clear()

    def restored(self) -> None:
        """All orders are back."""
        self._emptied = [track for track in self.tracks if track.empty]

    def numbers(self) -> tuple[int, ...]:
        """The tracks as they are stored."""
        return tuple(self._numbers)

    def ids(self) -> list[int]:
        """The orders of this trail."""
        return [*self.waiting, *(key[1] for track in self.tracks for key in (*track.by_bps, *track.amounts))]

    def check(self) -> None:
        """Assert that tracks are by age, that no later one is better, and that their nearest prices are known.

        Two are equally good where an order began after two trades at one price, of which the later one was not judged
        (see `Triggers.later`). The next trade that is no worse joins them.
        """
        for track, later in zip(self.tracks, self.tracks[1:], strict=False):
            assert track.since < later.since
            assert track.best_ticks * self.sign >= later.best_ticks * self.sign
        assert all(track in self._emptied for track in self.tracks if track.empty)
        assert self._numbers == [number for track in self.tracks for number in (track.since, track.best_ticks)]
        nearest: list[Key] = []
        for track in self.tracks:
            assert track.nearest == track.find_nearest(self.sign)
            if track.nearest is not None:
                nearest.append((track.nearest, track.since))
        assert list(self._nearest) == sorted(nearest)


def _since(track: Track) -> int:
    return track.since
