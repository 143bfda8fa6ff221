"""Commands: what may be asked of the venue, in its own integers.

A command has passed the codec: its texts are well formed and its numbers are whole ticks, lots and minor units. Whether
it may happen is for `Venue.apply` to say. Records are mutable only because frozen ones cost several times as much to
make; nobody changes one. Those that every order makes, here and among the events, have their `__init__` written out:
the one that dataclass makes stays interpreted when the core is compiled.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.administration import AdminCommand, Origin
from exchange.core.amendments import AmendOrder
from exchange.core.conditions import Conditions
from exchange.core.instrument import Asset, Instrument, MarketStatus
from exchange.core.money import MoneyCommand
from exchange.core.timers import CancelAllAfter, RunTimer
from exchange.core.venue_filters import SetVenueFilters


class Side(IntEnum):
    """Which side of the book an order belongs to."""

    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    """A limit order has a price of its own; a market order takes the book's. The others wait for a price, and are then
    one of the two."""

    LIMIT = 0
    MARKET = 1
    STOP_LOSS = 2
    STOP_LOSS_LIMIT = 3
    TAKE_PROFIT = 4
    TAKE_PROFIT_LIMIT = 5


class TimeInForce(IntEnum):
    """What becomes of the part that does not fill at once."""

    GTC = 0  # rests
    IOC = 1  # expires
    FOK = 2  # the order expires whole unless it fills whole
    GTD = 3  # rests until a time


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class PlaceOrder:
    """Enter an order. `price_ticks` is the limit, or a market order's worst price, or None for any.

    What a stop waits for, and the time of a gtd order, are in the conditions.

    `quantity_lots` is 0 where the conditions say it in the quote.
    """

    user_id: str
    market: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    price_ticks: int | None
    quantity_lots: int
    client_order_id: str | None
    conditions: Conditions | None

    def __init__(
        self,
        user_id: str,
        market: str,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce,
        post_only: bool,
        price_ticks: int | None,
        quantity_lots: int,
        client_order_id: str | None,
        conditions: Conditions | None = None,
    ) -> None:
        self.user_id = user_id
        self.market = market
        self.side = side
        self.order_type = order_type
        self.time_in_force = time_in_force
        self.post_only = post_only
        self.price_ticks = price_ticks
        self.quantity_lots = quantity_lots
        self.client_order_id = client_order_id
        self.conditions = conditions


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class CancelOrder:
    """Take one open order out of the book, by one of its ids, or by both: then they must be of one order.

    With `only_if_filled` it happens only if the order has filled in part (True), or has not (False). `cancel_id` is a
    name for the cancel itself, which the event of the order carries.
    """

    user_id: str
    market: str
    order_id: int | None
    client_order_id: str | None
    only_if_filled: bool | None
    cancel_id: str | None

    def __init__(
        self,
        user_id: str,
        market: str,
        order_id: int | None,
        client_order_id: str | None,
        only_if_filled: bool | None = None,
        cancel_id: str | None = None,
    ) -> None:
        self.user_id = user_id
        self.market = market
        self.order_id = order_id
        self.client_order_id = client_order_id
        self.only_if_filled = only_if_filled
        self.cancel_id = cancel_id


class ReplaceMode(IntEnum):
    """What happens when a part of a replacement fails."""

    ATOMIC = 0  # nothing
    STOP_ON_FAILURE = 1  # the order is placed only if the other one was canceled
    ALLOW_FAILURE = 2  # the order is placed in any case


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class ReplaceOrder:
    """Cancel one order and place another, of the same user in the same market, in one step."""

    cancel: CancelOrder
    place: PlaceOrder
    mode: ReplaceMode

    @property
    def user_id(self) -> str:
        """Whose orders."""
        return self.place.user_id

    @property
    def market(self) -> str:
        """Where they are."""
        return self.place.market


class ListType(IntEnum):
    """How the orders of a list depend on each other."""

    OCO = 0  # two legs, of which one ends the other
    OTO = 1  # a pending order enters once the working one is filled
    OTOCO = 2  # two pending orders enter so, as the legs of an OCO


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class PlaceList:
    """Enter a list of orders, of one user in one market: of an OCO its legs, else the working order first.

    With `refuse_while_open` the same `client_list_id` is refused while a list of that id is open, and is otherwise a
    new list; without it the same id is a retry.
    """

    user_id: str
    market: str
    list_type: ListType
    orders: tuple[PlaceOrder, ...]
    client_list_id: str | None = None
    refuse_while_open: bool = False


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class CancelList:
    """Cancel the orders of an open list that have not ended, by one of its ids, or by both."""

    user_id: str
    market: str
    list_id: int | None
    client_list_id: str | None


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class CancelAll:
    """Take all open orders of a user out of one market's book."""

    user_id: str
    market: str


@dataclass(slots=True)
class RunTriggered:
    """Enter what was triggered in a market, at most so many orders, in the order in which they were triggered. When
    nothing is left of it, price again so many orders that follow the book."""

    market: str
    orders_max: int


@dataclass(slots=True)
class ExpireDue:
    """End the orders of a market whose time is over, at most so many, the earliest time first."""

    market: str
    orders_max: int


@dataclass(slots=True)
class EndSocket:
    """Cancel the orders of a market that are bound to a socket that has ended, or to any (None); at most so many."""

    market: str
    socket: int | None
    orders_max: int


@dataclass(slots=True)
class SetMarketStatus:
    """Change what a market takes. `origin` is who asked for it, None in a journal of an earlier version."""

    market: str
    status: MarketStatus
    origin: Origin | None = None


@dataclass(slots=True)
class Deposit:
    """Credit a user from outside, and add the user if need be. The same `key` with the same content credits once.

    `origin` is who asked for it, None for the configuration; it is not part of the content.
    """

    user_id: str
    asset: str
    amount_minor: int
    key: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(slots=True)
class AddUser:
    """Add a user, with no balance."""

    user_id: str


@dataclass(slots=True)
class AddAsset:
    """Add an asset. `origin` is who asked for it, None for the configuration."""

    asset: Asset
    origin: Origin | None = None


@dataclass(slots=True)
class SetMarket:
    """Open a market, or change the rules of one; the scale of an open market's prices and quantities never changes.

    `origin` is who asked for it, None for the configuration. Somebody who asks changes no status: the market keeps it.
    """

    instrument: Instrument
    origin: Origin | None = None


@dataclass(slots=True)
class PassTime:
    """Journal the current time: what ends by the clock then stays ended, also when the clock is set back."""


MarketCommand = (
    PlaceOrder
    | CancelOrder
    | CancelAll
    | AmendOrder
    | ReplaceOrder
    | PlaceList
    | CancelList
    | RunTriggered
    | ExpireDue
    | EndSocket
    | SetMarketStatus
)
MARKET_COMMANDS: Final = (
    *(PlaceOrder, CancelOrder, CancelAll, AmendOrder, ReplaceOrder, RunTriggered, ExpireDue, EndSocket),
    *(SetMarketStatus, PlaceList, CancelList),
)
VenueCommand = (
    Deposit
    | AddUser
    | AddAsset
    | SetMarket
    | SetVenueFilters
    | PassTime
    | CancelAllAfter
    | RunTimer
    | AdminCommand
    | MoneyCommand
)
Command = MarketCommand | VenueCommand
