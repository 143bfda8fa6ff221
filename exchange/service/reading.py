"""Reads: named queries in, typed results out, from memory or from the database."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from exchange.core.amendments import Amended
from exchange.core.candles import Candle
from exchange.core.events import BalanceChanged, OrderUpdated, PreventedMatch
from exchange.core.instrument import Instrument, MarketStatus
from exchange.core.market_data import MarketData, MarketView
from exchange.core.money import Withdrawal
from exchange.core.public import Channel, Kind, Ticker
from exchange.core.venue_filters import VenueFilters
from exchange.pipeline.engine import Engine
from exchange.pipeline.open_orders import OpenOrdersCopy, OpenOrdersPageCopy
from exchange.pipeline.subscriber import Subscriber
from exchange.service.codes import Code, Refused
from exchange.service.history import Fill, History, OrderRead, Page, PublicTrade
from exchange.service.order_lookup import OrderLookup, OrderName
from exchange.service.queries import Balances, Depth, DepthResult, Filters, Markets, OpenOrders, OpenOrdersPage

T = TypeVar("T")


@dataclass(slots=True)
class Health:
    """The last durable sequence, how far the exchange's clock is ahead of the machine's, and each market's status."""

    sequence: int
    clock_offset_ns: int
    markets: dict[str, MarketStatus]


class Reading:
    """What can be read. Users and markets are known ones."""

    def __init__(
        self, engine: Engine, history: History, orders: OrderLookup, data: MarketData, ready: Callable[[], bool]
    ) -> None:
        self._engine = engine
        self._history = history
        self._orders = orders
        self._data = data
        self._ready = ready

    # --- at once

    def health(self) -> Health:
        """Whether the exchange can trade. Raises Refused while it cannot."""
        if not self._ready():
            raise Refused(Code.NOT_READY)
        markets = {view.symbol: view.changed.status for view in sorted(self._data, key=lambda view: view.symbol)}
        return Health(self._engine.durable_sequence, self._engine.clock_offset_ns, markets)

    def time_ns(self) -> int:
        """The exchange's clock."""
        return self._engine.time_ns()

    def tickers(self, market: str | None) -> list[Ticker]:
        """One market over the last 24 hours, or all; released values, so durable ones."""
        now_ns = self._engine.now_ns()
        return [view.ticker(now_ns) for view in self._data if market is None or view.symbol == market]

    def view(self, market: str) -> MarketView:
        """A market as its released events have left it. To be read before anything else happens."""
        return self._data.market(market)

    # --- from memory, once it is durable

    async def markets(self) -> list[Instrument]:
        """The rules of all markets."""
        return await self._engine.read(Markets())

    async def filters(self) -> VenueFilters:
        """The filters of the whole exchange."""
        return await self._engine.read(Filters())

    async def depth(self, query: Depth) -> DepthResult:
        """The best levels of a book."""
        return await self._engine.read(query)

    async def balances(self, user_id: str) -> list[BalanceChanged]:
        """All accounts of a user."""
        return await self._engine.read(Balances(user_id))

    async def open_orders(self, query: OpenOrders) -> list[OrderUpdated]:
        """A user's open orders, oldest first."""
        copy = OpenOrdersCopy(self._engine.venue, query.user_id, query.market)
        if not copy.is_long:
            return await self._engine.read(query)
        return await (await self._copied(copy, self._engine.read))

    async def _copied(self, copy: OpenOrdersCopy, use: Callable[[OpenOrdersCopy], T]) -> T:
        """What is made of the copy, in the step in which it is whole."""
        self._engine.begin_copy(copy)
        try:
            while copy.step(self._engine.venue):  # noqa: ASYNC110 (others have their turns between the pieces)
                await asyncio.sleep(0)
            return use(copy)
        finally:
            self._engine.end_copy(copy)

    # --- subscriptions

    async def subscribe(self, subscriber: Subscriber, channel: Channel, tag: object) -> "asyncio.Future[None]":
        """Get the begin of a subscription in line; the result is done when it has begun."""
        engine = self._engine
        copy = OpenOrdersCopy(engine.venue, channel.subject, None) if channel.kind == Kind.ORDERS else None
        if copy is None or not copy.is_long:
            return engine.subscribe(subscriber, channel, tag)
        return await self._copied(copy, lambda copy: engine.subscribe(subscriber, channel, tag, copy))

    async def unsubscribe(self, subscriber: Subscriber, channel: Channel, tag: object) -> "asyncio.Future[None]":
        """Get its end in line."""
        return self._engine.unsubscribe(subscriber, channel, tag)

    # --- from the database

    async def order(self, name: OrderName) -> OrderRead:
        """One order, open or closed, with its fills. Raises Refused."""
        found = await self._orders.find(name)
        if found is None:
            raise Refused(Code.UNKNOWN_ORDER)
        return found

    async def orders(self, user_id: str, market: str | None, page: Page) -> list[OrderUpdated]:
        """A page of a user's orders, open ones included."""
        # The open ones first: an order that closes in between is in the database by then, and that is the newer word.
        open_ones = await self._open_ones(user_id, market, page)
        found = {order.order_id: order for order in open_ones}
        closed = await self._history.closed_orders(user_id, market, page)
        found.update((order.order_id, order) for order in closed)
        within = [order for order in found.values() if page.has(order.order_id, order.created_ns)]
        within.sort(key=lambda order: order.order_id, reverse=not page.oldest_first)
        return within[: page.limit]

    async def _open_ones(self, user_id: str, market: str | None, page: Page) -> list[OrderUpdated]:
        bounds = page.has, page.limit, not page.oldest_first
        copy = OpenOrdersPageCopy(self._engine.venue, user_id, market, *bounds)
        if not copy.is_long:
            return await self._engine.read(OpenOrdersPage(user_id, market, page))
        return await (await self._copied(copy, self._engine.read))

    async def trades(self, market: str | None, page: Page) -> Sequence[PublicTrade]:
        """A page of the trades of one market, or of all."""
        return await self._history.trades(market, page)

    async def fills(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> Sequence[Fill]:
        """A page of a user's fills."""
        return await self._history.fills(user_id, market, order_id, page)

    async def prevented_matches(
        self, user_id: str, market: str | None, order_id: int | None, page: Page
    ) -> Sequence[PreventedMatch]:
        """A page of a user's prevented matches."""
        return await self._history.prevented_matches(user_id, market, order_id, page)

    async def withdrawals(self, user_id: str | None, pending: bool, page: Page) -> Sequence[Withdrawal]:
        """A page of withdrawals: of one user or of all, perhaps only pending ones."""
        return await self._history.withdrawals(user_id, pending, page)

    async def amendments(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> Sequence[Amended]:
        """A page of the amendments of a user's orders."""
        return await self._history.amendments(user_id, market, order_id, page)

    async def candles(
        self, market: str, interval_s: int, start_s: int | None, end_s: int | None, limit: int
    ) -> list[Candle]:
        """Candles that begin in a range of times, oldest first."""
        return await self._history.candles(market, interval_s, start_s, end_s, limit)
