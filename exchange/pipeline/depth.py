"""Depth snapshots: a book is encoded once for all who subscribe to it, and never in one long step.

A small book is encoded when a subscription begins, and the frame is shared until the book changes. A deep one is copied
and encoded a piece at a time, with turns of the loop in between; its subscribers get that snapshot, and one diff with
what has changed since. The snapshot serves later subscribers too, for as long as that diff is small.
"""

import asyncio
from collections.abc import Callable, Iterator
from heapq import merge as merge_sorted
from itertools import islice

from exchange.core.market_data import MarketData, MarketView
from exchange.core.public import Channel, DepthDiff
from exchange.pipeline.subscriber import DepthSnapshot, Dialect, Message, Subscriber, merge

SMALL_LEVELS = 100  # a book with so many levels at most is encoded anew whenever it has changed
PIECE_LEVELS = 250  # are encoded in one turn of the loop: half a millisecond
SORTED_PRICES = 5_000  # are sorted in one
PAUSE_S = 0.003  # between two pieces: others get most of the loop
CHANGES_MAX = 1_000  # levels that have changed since a snapshot; with more of them the next subscriber gets a new one


class Snapshot:
    """A book of one dialect as it was, and what has changed since."""

    __slots__ = ("_changes", "_changes_frame", "channel", "channel_sequence", "dialect", "frame", "levels")

    def __init__(self, channel: Channel, channel_sequence: int, levels: int, dialect: Dialect, last: int) -> None:
        self.channel = channel
        self.channel_sequence = channel_sequence
        self.levels = levels
        self.dialect = dialect
        self.frame = b""  # until it is encoded
        nothing = DepthDiff(channel.subject, last + 1, last, {}, {})
        self._changes = Message(channel, 0, channel_sequence, nothing)
        self._changes_frame: bytes | None = None

    def change(self, channel_sequence: int, diff: DepthDiff) -> None:
        """The book has changed."""
        merge(self._changes, Message(self.channel, 0, channel_sequence, diff))
        self._changes_frame = None

    @property
    def stale(self) -> bool:
        """Whether too much has changed since."""
        diff = self._changes.data
        assert isinstance(diff, DepthDiff)
        changed = len(diff.bids) + len(diff.asks)
        return changed > (0 if self.levels <= SMALL_LEVELS else min(self.levels // 4, CHANGES_MAX))

    def frames(self, sequence: int) -> Iterator[bytes]:
        """What a subscription begins with; made once for all who begin before the book changes again."""
        yield self.frame
        if self._changes.first_channel_sequence is None:
            return
        if self._changes_frame is None:
            self._changes.sequence = sequence
            self._changes.first_channel_sequence = self.channel_sequence + 1
            self._changes_frame = self.dialect.encode(self._changes)
        yield self._changes_frame


Joiner = tuple[Subscriber, object, "asyncio.Future[None]"]
Key = tuple[str, Dialect]


class _Copy:
    """A deep book that is being encoded, a piece at a time, for those who wait for it."""

    __slots__ = ("joiners", "message", "pieces", "snapshot")

    def __init__(self, snapshot: Snapshot, view: MarketView, sequence: int) -> None:
        self.snapshot = snapshot
        self.joiners: list[Joiner] = []
        book = DepthSnapshot(view.symbol, view.changed.book_sequence, [], [])
        self.message = Message(snapshot.channel, sequence, snapshot.channel_sequence, book)
        self.pieces = _pieces(book, snapshot.dialect, dict(view.bids), dict(view.asks))


def _pieces(book: DepthSnapshot, dialect: Dialect, bids: dict[int, int], asks: dict[int, int]) -> Iterator[None]:
    """Encode a book into its parts; each step is a short one."""
    for totals, parts, descending in ((bids, book.bids, True), (asks, book.asks, False)):
        prices, runs = list(totals), list[list[int]]()
        for begin in range(0, len(prices), SORTED_PRICES):
            runs.append(sorted(prices[begin : begin + SORTED_PRICES], reverse=descending))
            yield
        ordered = iter(runs[0]) if len(runs) == 1 else merge_sorted(*runs, reverse=descending)
        while piece := list(islice(ordered, PIECE_LEVELS)):
            parts.append(dialect.levels(book.market, [(price, totals[price]) for price in piece]))
            yield


class DepthSnapshots:
    """The snapshots of all books and dialects.

    `begin` is called for each subscription, between two commands; `flush` when several have begun by themselves.
    """

    def __init__(
        self,
        data: MarketData,
        begin: Callable[[Subscriber, Snapshot, object], None],
        flush: Callable[[], None],
    ) -> None:
        self._data = data
        self._begin = begin
        self._flush = flush
        self._ready: dict[Key, Snapshot] = {}
        self._copies: dict[Key, _Copy] = {}
        self.made = 0  # books that were copied and encoded

    def join(self, subscriber: Subscriber, channel: Channel, tag: object, done: "asyncio.Future[None]") -> None:
        """Begin a subscription with the book as it is now, or as it was not long ago and what has changed since."""
        key = (channel.subject, subscriber.dialect)
        copying = self._copies.get(key)
        if copying is not None:
            copying.joiners.append((subscriber, tag, done))
            return
        snapshot = self._ready.get(key)
        if snapshot is not None and snapshot.stale:
            self._drop(key)
            snapshot = None
        if snapshot is None:
            copying = self._copy(key, channel)
            if copying.snapshot.levels > PIECE_LEVELS:
                copying.joiners.append((subscriber, tag, done))
                self._copies[key] = copying
                asyncio.get_running_loop().call_soon(self._go_on, key, copying)
                return
            for _ in copying.pieces:
                pass
            snapshot = self._finished(key, copying)
        self._join(snapshot, subscriber, tag, done)

    def leave(self, subscriber: Subscriber, channel: Channel) -> None:
        """Who waits for a book to be copied does not want it any more."""
        copying = self._copies.get((channel.subject, subscriber.dialect))
        if copying is not None:
            self._dismiss(copying, lambda waiting: waiting is subscriber)

    def _dismiss(self, copying: _Copy, leaves: Callable[[Subscriber], bool]) -> None:
        """Some of those who wait have left."""
        for subscriber, _, done in copying.joiners:
            if leaves(subscriber) and not done.done():
                done.set_result(None)
        copying.joiners = [joiner for joiner in copying.joiners if not leaves(joiner[0])]

    def changed(self, channel_sequence: int, diff: DepthDiff) -> None:
        """A book has changed."""
        for market, dialect in list(self._ready):
            if market == diff.market:
                snapshot = self._ready[market, dialect]
                snapshot.change(channel_sequence, diff)
                if snapshot.stale:
                    self._drop((market, dialect))
        for (market, _), copying in self._copies.items():
            if market == diff.market:
                copying.snapshot.change(channel_sequence, diff)

    def _copy(self, key: Key, channel: Channel) -> _Copy:
        view = self._data.market(channel.subject)
        self.made += 1
        self._data.want(channel, 1)  # to know what changes from here on
        changed, levels = view.changed, len(view.bids) + len(view.asks)
        snapshot = Snapshot(channel, changed.depth_sequence, levels, key[1], changed.book_sequence)
        return _Copy(snapshot, view, self._data.sequence)

    def _drop(self, key: Key) -> None:
        self._data.want(self._ready.pop(key).channel, -1)

    def _go_on(self, key: Key, copying: _Copy) -> None:
        """Encode the next piece of a deep book, or begin the subscriptions that wait for it."""
        self._dismiss(copying, lambda subscriber: subscriber.closed)
        if not copying.joiners:
            del self._copies[key]
            self._data.want(copying.snapshot.channel, -1)
            return
        if next(copying.pieces, _END) is not _END:
            asyncio.get_running_loop().call_later(PAUSE_S, self._go_on, key, copying)
            return
        del self._copies[key]
        snapshot = self._finished(key, copying)
        for subscriber, tag, done in copying.joiners:
            self._join(snapshot, subscriber, tag, done)
        self._flush()
        if snapshot.stale:
            self._drop(key)

    def _finished(self, key: Key, copying: _Copy) -> Snapshot:
        snapshot = self._ready[key] = copying.snapshot
        snapshot.frame = snapshot.dialect.encode(copying.message)
        return snapshot

    def _join(self, snapshot: Snapshot, subscriber: Subscriber, tag: object, done: "asyncio.Future[None]") -> None:
        self._begin(subscriber, snapshot, tag)
        if not done.done():
            done.set_result(None)


_END = object()
