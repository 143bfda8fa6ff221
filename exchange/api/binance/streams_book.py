"""The streams of the book: its best, its first levels, and its changes.

Update ids count the changes of a book, one a price level and command, and REST's `lastUpdateId` is the same count. So
the `U` of an event is the `u` of the one before, plus one, whatever happens; a reader that is too slow is disconnected.
"""

import asyncio
from typing import Any

from exchange.api.binance.numbers import ZERO, price, quantity
from exchange.api.binance.streams_base import MarketStream, Source, Tick
from exchange.core.events import MarketChanged
from exchange.core.instrument import Instrument
from exchange.core.public import DepthDiff, Kind, PublicData
from exchange.pipeline.outcomes import OutcomeUnknown, Overloaded, Stopping
from exchange.service.queries import Depth, DepthResult, Levels


def best_fields(rules: Instrument, changed: MarketChanged) -> dict[str, str]:
    """The best bid and ask, zero where there is none."""
    bid, ask = changed.best_bid, changed.best_ask
    return {
        "b": ZERO if bid is None else price(rules, bid[0]),
        "B": ZERO if bid is None else quantity(rules, bid[1]),
        "a": ZERO if ask is None else price(rules, ask[0]),
        "A": ZERO if ask is None else quantity(rules, ask[1]),
    }


class BestStream(MarketStream):
    """`<symbol>@bookTicker`: the best of the book after each step that changed it."""

    kind = Kind.BOOK_TICKER

    _changed: MarketChanged | None = None

    def take(self, data: PublicData) -> None:
        """Remember the newest."""
        assert isinstance(data, MarketChanged)
        self._changed = data

    def flush(self) -> None:
        """Send it."""
        changed, self._changed = self._changed, None
        if changed is not None:
            fields = {"u": changed.book_sequence, "s": self.symbol, **best_fields(self.rules, changed)}
            self.publish(lambda _: fields, newest=True)


class DiffStream(MarketStream):
    """`<symbol>@depth`: the changes of a second, or of a tenth of one."""

    kind = Kind.DEPTH

    def __init__(self, source: Source, name: str, rules: Instrument, symbol: str, *, fast: bool) -> None:
        super().__init__(source, name, rules, symbol)
        self._fast = fast
        self._diff: DepthDiff | None = None

    def take(self, data: PublicData) -> None:
        """Add the changes."""
        assert isinstance(data, DepthDiff)
        diff = self._diff
        if diff is None:
            self._diff = DepthDiff(
                data.market, data.first_sequence, data.last_sequence, dict(data.bids), dict(data.asks)
            )
        else:
            diff.last_sequence = data.last_sequence
            diff.bids.update(data.bids)
            diff.asks.update(data.asks)

    def tick(self, tick: Tick) -> None:
        """Send what has changed."""
        if self._diff is None or not (self._fast or tick.every(1)):
            return
        diff, self._diff = self._diff, None
        bids = _texts(self.rules, sorted(diff.bids.items(), reverse=True))
        asks = _texts(self.rules, sorted(diff.asks.items()))

        def payload(unit_ns: int) -> dict[str, Any]:
            return {
                "e": "depthUpdate",
                "E": tick.now_ns // unit_ns,
                "s": self.symbol,
                "U": diff.first_sequence,
                "u": diff.last_sequence,
                "b": bids,
                "a": asks,
            }

        self.publish(payload)


class LevelsStream(MarketStream):
    """`<symbol>@depth<levels>`: the first levels, whenever the book has changed."""

    def __init__(self, source: Source, name: str, rules: Instrument, symbol: str, *, levels: int, fast: bool) -> None:
        super().__init__(source, name, rules, symbol)
        self._levels = levels
        self._fast = fast
        self._told = -1  # the count of changes that was told last
        self._asked: asyncio.Future[DepthResult] | None = None

    def joined(self) -> None:
        """Tell the book as it is to who is new."""
        self._told = -1

    def tick(self, tick: Tick) -> None:
        """Ask for the levels if they may have changed. What was asked for is sent when it is durable."""
        if self._asked is not None or not (self._fast or tick.every(1)):
            return
        if self.view.changed.book_sequence == self._told:
            return
        try:
            self._asked = self.source.engine.read(Depth(self.rules.symbol, self._levels))
        except (Overloaded, Stopping):
            return
        self._asked.add_done_callback(self._answered)

    def _answered(self, asked: "asyncio.Future[DepthResult]") -> None:
        self._asked = None
        if asked.cancelled() or isinstance(asked.exception(), (OutcomeUnknown, Stopping)):
            return
        book = asked.result()
        self._told = book.last_sequence
        fields = {
            "lastUpdateId": book.last_sequence,
            "bids": _texts(self.rules, book.bids),
            "asks": _texts(self.rules, book.asks),
        }
        self.publish(lambda _: fields, newest=True)
        self.source.feeds.flush()


def _texts(rules: Instrument, levels: Levels) -> list[tuple[str, str]]:
    return [(price(rules, ticks), quantity(rules, lots)) for ticks, lots in levels]
