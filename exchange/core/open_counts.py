"""How many open orders and lists a user has, by kind: in a market, and in all markets together.

Every order of a market counts where it is kept open, so a count costs nothing to read. Plain orders are counted by the
market's own record of a user's open orders, so that they cost nothing more.
"""

from collections.abc import Sized
from typing import Final

from exchange.core.commands import OrderType, PlaceOrder
from exchange.core.filters import NO_FILTERS, Filters
from exchange.core.venue_filters import NO_VENUE_FILTERS, VenueFilters

LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET


class OpenCounts:
    """A user's open orders and lists in one market, by kind and by id. `orders` is the record of all of them."""

    __slots__ = ("everywhere", "icebergs", "lists", "orders", "stops")

    def __init__(self, everywhere: "Everywhere", orders: Sized) -> None:
        self.everywhere = everywhere
        self.orders = orders
        self.stops: dict[int, None] = {}  # that wait
        self.icebergs: dict[int, None] = {}
        self.lists: dict[int, None] = {}

    def opened(self, order_id: int, terms: PlaceOrder, *, waits: bool) -> None:
        """The order is open, in the book or waiting. To say so again changes nothing."""
        if waits and is_stop(terms):
            self.stops[order_id] = None
        if is_iceberg(terms):
            self.icebergs[order_id] = None

    def left(self, order_id: int) -> None:
        """The order is not where it was any more."""
        self.stops.pop(order_id, None)
        self.icebergs.pop(order_id, None)


class Everywhere:
    """The filters of the venue, and what they count. `by_call`: see VenueFiltersSet.

    `of_market` are the filters of a market that has none of its own: None while the venue has none either, so that
    its orders are held to nothing.
    """

    __slots__ = ("_counts", "by_call", "filters", "of_market")

    def __init__(self) -> None:
        self.filters: VenueFilters = NO_VENUE_FILTERS
        self.of_market: Filters | None = None
        self.by_call = False
        self._counts: dict[str, list[OpenCounts]] = {}  # by user, one for each market that they came to

    def set(self, filters: VenueFilters, *, by_call: bool) -> None:
        """The filters from now on. Open orders and lists stay."""
        self.filters, self.by_call = filters, by_call
        self.of_market = None if filters == NO_VENUE_FILTERS else NO_FILTERS

    def counts(self, user_id: str, orders: Sized) -> OpenCounts:
        """New counts of a user in a market."""
        made = OpenCounts(self, orders)
        self._counts.setdefault(user_id, []).append(made)
        return made

    def of(self, user_id: str) -> list[OpenCounts]:
        """A user's counts, market by market."""
        return self._counts.get(user_id, [])


def is_stop(terms: PlaceOrder) -> bool:
    """Whether the order begins by waiting for a price."""
    return terms.order_type is not LIMIT and terms.order_type is not MARKET


def is_iceberg(terms: PlaceOrder) -> bool:
    """Whether the book shows a part of the order at a time."""
    return terms.conditions is not None and terms.conditions.visible_lots is not None
