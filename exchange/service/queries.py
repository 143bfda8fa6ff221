"""Queries of live memory: each is data, and is answered with values that share nothing with it."""

from dataclasses import dataclass

from exchange.core.commands import PlaceOrder
from exchange.core.effects import as_read
from exchange.core.events import BalanceChanged, OrderUpdated, Rejected
from exchange.core.instrument import Instrument
from exchange.core.venue import Venue
from exchange.core.venue_filters import VenueFilters
from exchange.service.history import Page

Levels = list[tuple[int, int]]  # (price_ticks, total_lots), best first


@dataclass(slots=True)
class DepthResult:
    """A book, best first on both sides; `last_sequence` counts its changes."""

    last_sequence: int
    bids: Levels
    asks: Levels


@dataclass(slots=True)
class Depth:
    """The best `levels` of each side of a known market."""

    market: str
    levels: int

    def answer(self, venue: Venue) -> DepthResult:
        """Copy the levels."""
        book = venue.markets[self.market].book
        bids, asks = (side.depth(self.levels) for side in book.sides)
        return DepthResult(book.sequence, bids, asks)


@dataclass(slots=True)
class Markets:
    """The rules of all markets, by name."""

    def answer(self, venue: Venue) -> list[Instrument]:
        """Instruments never change; a market gets another."""
        return [market.instrument for _, market in sorted(venue.markets.items())]


@dataclass(slots=True)
class Filters:
    """The filters of the whole exchange."""

    def answer(self, venue: Venue) -> VenueFilters:
        """They never change; the exchange gets others."""
        return venue.everywhere.filters


@dataclass(slots=True)
class Balances:
    """All accounts of a known user."""

    user_id: str

    def answer(self, venue: Venue) -> list[BalanceChanged]:
        """Copy them."""
        return [account.as_read() for account in venue.ledger.accounts_of(self.user_id)]


@dataclass(slots=True)
class WouldRefuse:
    """Why an order would be refused at that time, or None."""

    command: PlaceOrder
    now_ns: int

    def answer(self, venue: Venue) -> Rejected | None:
        """Ask, and change nothing."""
        return venue.would_refuse(self.command, self.now_ns)


@dataclass(slots=True)
class OpenOrders:
    """A user's open orders, of one known market or of all, oldest first."""

    user_id: str
    market: str | None

    def answer(self, venue: Venue) -> list[OrderUpdated]:
        """Copy them."""
        markets = [venue.markets[self.market]] if self.market is not None else venue.markets.values()
        found = [as_read(order) for market in markets for order in market.open_orders(self.user_id)]
        return sorted(found, key=lambda order: order.order_id)


@dataclass(slots=True)
class OpenOrdersPage:
    """Those of a user's open orders that a page of orders may have."""

    user_id: str
    market: str | None
    page: Page

    def answer(self, venue: Venue) -> list[OrderUpdated]:
        """Copy them, and no more than a page has."""
        page, markets = self.page, [venue.markets[self.market]] if self.market is not None else venue.markets.values()
        within = [
            order
            for market in markets
            for order in market.open_orders(self.user_id)
            if page.has(order.order_id, order.created_ns)
        ]
        within.sort(key=lambda order: order.order_id, reverse=not page.oldest_first)
        return [as_read(order) for order in within[: page.limit]]


@dataclass(slots=True)
class OpenOrderResult:
    """An order if it is open, and the last trade there was then: the order's later trades are not in it."""

    order: OrderUpdated | None
    last_trade_id: int


@dataclass(slots=True)
class OpenOrder:
    """A user's open order in a known market, by one of its ids."""

    user_id: str
    market: str
    order_id: int | None
    client_order_id: str | None

    def answer(self, venue: Venue) -> OpenOrderResult:
        """Copy it."""
        order = venue.find_open(venue.markets[self.market], self.user_id, self.order_id, self.client_order_id)
        return OpenOrderResult(as_read(order) if order is not None else None, venue.counts.last_trade_id)
