"""The state of a venue as plain records: what recovery reads, and what an audit compares.

Two venues are the same when their states are equal.
"""

from dataclasses import dataclass, field

from exchange.core.administration import ApiKey
from exchange.core.amendments import Amended
from exchange.core.average import NO_PRICE
from exchange.core.commands import PlaceList, PlaceOrder
from exchange.core.conditions import Progress
from exchange.core.events import INTERVALS_S, BalanceChanged
from exchange.core.fees import Rates
from exchange.core.instrument import Asset, Instrument
from exchange.core.list_events import Leg, ListEnd
from exchange.core.money import Withdrawal
from exchange.core.timers import Timer
from exchange.core.treasury import Keyed
from exchange.core.venue_filters import NO_VENUE_FILTERS, VenueFilters


@dataclass(slots=True)
class OpenOrder:
    """An order in a book, or one that waits; `priority` is its place among the orders of its price, the smallest first.

    `rates` are its fees: see `book.Order`.
    """

    order_id: int
    terms: PlaceOrder
    executed_lots: int
    executed_quote_minor: int
    priority: int
    created_ns: int
    updated_ns: int
    rates: Rates | None = None
    progress: Progress | None = None


@dataclass(slots=True)
class ListState:
    """A list of which an order is open: see ListUpdated."""

    list_id: int
    placed: PlaceList
    legs: tuple[Leg, ...]
    end: ListEnd | None
    created_ns: int
    updated_ns: int


@dataclass(slots=True)
class MarketState:
    """A market's rules, and how far its channels have counted: see MarketChanged.

    `by_call`: somebody has set its rules while the venue ran, so those of a configuration count no more.
    """

    instrument: Instrument
    book_sequence: int = 0
    depth_sequence: int = 0
    best_sequence: int = 0
    trade_sequence: int = 0
    last_aggregate_id: int = 0
    last_trade_ns: int = 0
    candles: tuple[int, ...] = (0,) * len(INTERVALS_S)
    average: tuple[int, ...] = NO_PRICE
    last_match_id: int = 0
    by_call: bool = False
    tracks: tuple[int, ...] = ()


@dataclass(slots=True)
class VenueState:
    """Everything that the next command can depend on.

    The `last_…` fields are the last ids and the last priority that were given. `orders` are in priority order;
    `recent_client_orders`, `recent_keys` and `recent_reductions` are oldest first and bounded, but for the deposits of
    a configuration, which come first and are all there. `withdrawals` are those that are pending, or among
    `recent_keys`. `lists` are those that are open, `recent_client_lists` are oldest first and bounded, and
    `list_counts` are the counts of lists of those users who ever had one. `timers` are by time. `filters` are those of
    the venue; `filters_by_call`: see VenueFiltersSet.
    """

    sequence: int = 0
    time_ns: int = 0
    last_order_id: int = 0
    last_priority: int = 0
    last_trade_id: int = 0
    last_match_id: int = 0
    last_amendment_id: int = 0
    last_list_id: int = 0
    assets: list[Asset] = field(default_factory=list)
    markets: list[MarketState] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    disabled_users: list[str] = field(default_factory=list)
    user_tiers: list[tuple[str, str]] = field(default_factory=list)
    keys: list[ApiKey] = field(default_factory=list)
    accounts: list[BalanceChanged] = field(default_factory=list)
    orders: list[OpenOrder] = field(default_factory=list)
    recent_client_orders: list[tuple[int, PlaceOrder]] = field(default_factory=list)
    recent_keys: list[Keyed] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    recent_reductions: list[Amended] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    lists: list[ListState] = field(default_factory=list)
    recent_client_lists: list[tuple[int, PlaceList]] = field(default_factory=list)
    list_counts: list[tuple[str, int]] = field(default_factory=list)
    filters: VenueFilters = NO_VENUE_FILTERS
    filters_by_call: bool = False
