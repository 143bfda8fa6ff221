"""Orders that fill no longer count among a user's new orders, as on Binance.

The first fill of an order that takes counts one order less, that of one that rested counts more.

While no order of a user counts, nothing that is released comes here.
"""

from collections.abc import Sequence
from typing import Final

from exchange.api.binance.limits import BinanceLimits
from exchange.core.events import OrderUpdated
from exchange.core.outcome import Applied
from exchange.core.public import PublicEvent
from exchange.pipeline.feeds import Feeds

OF_TAKER: Final = 1
OF_MAKER: Final = 5


class OrderFills:
    """Tells the limits of first fills."""

    def __init__(self, limits: BinanceLimits, feeds: Feeds) -> None:
        self._limits = limits
        self._feeds = feeds
        self._listening = False
        limits.first_order = self.begin

    def begin(self) -> None:
        """An order counts."""
        if not self._listening:
            self._listening = True
            self._feeds.tap(self)

    def sweep(self) -> None:
        """Stop listening when no order counts any more."""
        if self._listening and not self._limits.counts_orders():
            self._listening = False
            self._feeds.untap(self)

    def take(self, applied: Applied, public: Sequence[PublicEvent]) -> None:
        """See Tap."""
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                trade = event.trade
                if trade is not None and event.executed_lots == trade.quantity_lots:
                    takes = trade.taker_order_id == event.order_id
                    self._limits.filled(event.terms.user_id, OF_TAKER if takes else OF_MAKER)

    def flush(self) -> None:
        """Nothing waits."""
