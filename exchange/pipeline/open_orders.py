"""Very many open orders of a user, copied a piece at a time: each piece is a short step of the loop, and in between
others have their turns. What is answered is how all of them are at one moment, that of the answer: an order that a
command touches meanwhile is looked at again then.
"""

from collections.abc import Callable, Sequence

from exchange.core.book import Order
from exchange.core.effects import as_read
from exchange.core.events import OrderUpdated
from exchange.core.outcome import Applied
from exchange.core.venue import Venue

PIECE_ORDERS = 1_000  # are copied in one turn of the loop


class OpenOrdersCopy:
    """Takes pieces until none is left, and sees each command meanwhile; then it is a query of the engine."""

    __slots__ = ("_at", "_found", "_last_id", "_left", "_market", "_piece", "_sorted", "_touched", "_user_id")

    def __init__(self, venue: Venue, user_id: str, market: str | None, piece: int = PIECE_ORDERS) -> None:
        self._user_id = user_id
        self._market = market
        self._piece = piece
        self._left: list[Order] = []
        for running in [venue.markets[market]] if market is not None else list(venue.markets.values()):
            self._left += running.open_orders(user_id)
        self._at = 0
        self._found: dict[int, OrderUpdated] = {}
        self._last_id = 0
        self._sorted = True  # to sort very many in the end is a long step
        self._touched: dict[int, str] = {}  # by the commands since: the market of each

    @property
    def is_long(self) -> bool:
        """Whether it is more than a piece."""
        return len(self._left) > self._piece

    def step(self, venue: Venue) -> bool:
        """Copy the next piece. Whether there is another."""
        self._look_again(venue)
        end = self._at + self._piece
        for order in self._left[self._at : end]:
            if order in order.trader.open_orders:
                self.take(order)
        self._at = end
        return end < len(self._left)

    def take(self, order: Order) -> None:
        """It is open."""
        order_id = order.order_id
        if order_id > self._last_id:
            self._last_id = order_id
        elif order_id not in self._found:
            self._sorted = False
        self._found[order_id] = as_read(order)

    def drop(self, order_id: int) -> None:
        """It is open no more."""
        self._found.pop(order_id, None)

    def see(self, outcome: Applied) -> None:
        """A command was applied."""
        for event in outcome.events:
            if isinstance(event, OrderUpdated) and event.terms.user_id == self._user_id:
                self._touched[event.order_id] = event.terms.market

    def answer(self, venue: Venue) -> list[OrderUpdated]:
        """All of them as they are now, oldest first."""
        self._look_again(venue)
        found = self._found
        return list(found.values()) if self._sorted else [found[order_id] for order_id in sorted(found)]

    def _look_again(self, venue: Venue) -> None:
        """Take what was touched since the last step."""
        for order_id, market in self._touched.items():
            order = venue.markets[market].find(order_id)
            if order is None:
                self.drop(order_id)
            elif self._market is None or self._market == market:
                self.take(order)
        self._touched.clear()


class OpenOrdersPageCopy(OpenOrdersCopy):
    """The same for a page: `within` says which ids and times it has, and it has no more than `limit` of them."""

    __slots__ = ("_limit", "_newest_first", "_page", "_within")

    def __init__(
        self,
        venue: Venue,
        user_id: str,
        market: str | None,
        within: Callable[[int, int], bool],
        limit: int,
        newest_first: bool,
        piece: int = PIECE_ORDERS,
    ) -> None:
        super().__init__(venue, user_id, market, piece)
        self._within = within
        self._limit = limit
        self._newest_first = newest_first
        self._page: dict[int, Order] = {}

    def take(self, order: Order) -> None:
        """It is open."""
        if self._within(order.order_id, order.created_ns):
            self._page[order.order_id] = order

    def drop(self, order_id: int) -> None:
        """It is open no more."""
        self._page.pop(order_id, None)

    def answer(self, venue: Venue) -> list[OrderUpdated]:
        """Those of the page as they are now, in its order."""
        self._look_again(venue)
        ids = sorted(self._page, reverse=self._newest_first)[: self._limit]
        return [as_read(self._page[order_id]) for order_id in ids]


def see_all(copies: Sequence[OpenOrdersCopy], outcome: object) -> None:
    """Tell the copies in progress of a command."""
    if isinstance(outcome, Applied):
        for copy in copies:
            copy.see(outcome)
