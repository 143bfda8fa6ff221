"""A local copy of a market's book, built from its depth channel and verified by its counts.

Every diff must follow the one before without a hole, by both counts (`channel_sequence`, and the book's own
`first_sequence`). If one does not, or while there is no connection, the book is not current until a new snapshot
arrives.
"""

import asyncio
from collections.abc import Callable, Sequence

from sortedcontainers import SortedDict

from exchange.client.channel import Event, Gap
from exchange.client.numbers import decimal_key

Level = tuple[str, str]


class Book:
    """One market's price levels, each (price, quantity) as decimal texts.

    `last_sequence` counts the changes of the book, as `GET /depth` does: the same count is the same book. `current` is
    true if the book is complete up to that count; if it is false, the levels are those of the last complete state.
    `gaps` counts the holes in the diffs, new connections not included. `error` is the reason why the book ended, if it
    did.
    """

    def __init__(self, market: str, again: Callable[[], None]) -> None:
        self.market = market
        self.last_sequence = 0
        self.current = False
        self.gaps = 0
        self.error: Exception | None = None
        self._again = again
        self._bids: SortedDict[tuple[int, str], Level] = SortedDict()
        self._asks: SortedDict[tuple[int, str], Level] = SortedDict()
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def best_bid(self) -> Level | None:
        """The highest bid, None if there is none."""
        return self._bids.peekitem(-1)[1] if self._bids else None

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask, None if there is none."""
        return self._asks.peekitem(0)[1] if self._asks else None

    def bids(self, limit: int | None = None) -> list[Level]:
        """The `limit` best, best first; all by default."""
        levels = self._bids.values()
        return [levels[-1 - index] for index in range(len(levels) if limit is None else min(limit, len(levels)))]

    def asks(self, limit: int | None = None) -> list[Level]:
        """The `limit` best, best first; all by default."""
        return list(self._asks.values()[:limit])

    async def changed(self) -> None:
        """Return after the next change of the book or of `current`. There may have been several by then.

        Raises ApiError once the exchange has refused the channel after a reconnection, and RuntimeError once the
        socket is closed.
        """
        if not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self.error is not None:
            raise self.error
        if self._ended:
            raise RuntimeError("the socket of this book is closed")

    async def until(self, last_sequence: int = 0) -> None:
        """Return when the book is current and has reached this count. Raises as `changed` does."""
        while not (self.current and self.last_sequence >= last_sequence):
            await self.changed()

    # Called by the socket

    def take(self, item: Event | Gap) -> None:
        """Take the next event or gap of the channel."""
        if isinstance(item, Gap):
            if item.reason == "lost":
                self._broken()
            return
        data = item.data
        if data["type"] == "snapshot":
            self._bids = SortedDict((decimal_key(price), (price, quantity)) for price, quantity in data["bids"])
            self._asks = SortedDict((decimal_key(price), (price, quantity)) for price, quantity in data["asks"])
            self.last_sequence = data["last_sequence"]
            self.current = True
        elif self.current:
            if data["first_sequence"] != self.last_sequence + 1:
                self._broken()
                return
            _change(self._bids, data["bids"])
            _change(self._asks, data["asks"])
            self.last_sequence = data["last_sequence"]
        self._changed.set()

    def lost(self) -> None:
        """The connection is lost; a new one begins with a snapshot."""
        self.current = False
        self._changed.set()

    def end(self, error: Exception | None) -> None:
        """Nothing more arrives."""
        self._ended, self.current, self.error = True, False, self.error or error
        self._changed.set()

    def _broken(self) -> None:
        """A diff is missing: ask for a new snapshot, once."""
        if self.current:
            self.current = False
            self.gaps += 1
            self._again()
            self._changed.set()


def _change(side: "SortedDict[tuple[int, str], Level]", levels: Sequence[Sequence[str]]) -> None:
    for price, quantity in levels:
        key = decimal_key(price)
        if decimal_key(quantity) == (0, ""):
            side.pop(key, None)
        else:
            side[key] = (price, quantity)
