"""The records of the model, and its results of a command; see `tests/model.py`."""

from dataclasses import dataclass, field, replace

from exchange.core.commands import PlaceList, PlaceOrder, Side
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, RejectReason, UpdateReason

FEES = "@fees"  # the account that fees go to
CANDLES_S = (60, 5 * 60, 15 * 60, 60 * 60, 4 * 60 * 60, 24 * 60 * 60)  # 1m 5m 15m 1h 4h 1d
Account = tuple[str, str]  # user, asset
Level = tuple[str, Side, int]  # market, side, price


@dataclass(eq=False)
class ListOf:
    """A list of the model; `number` counts the lists that were taken."""

    number: int
    asked: PlaceList
    legs: list["Order"] = field(default_factory=list)
    told: list[OrderStatus] = field(default_factory=list)  # how its orders stood when it was last told
    end: str | None = None  # of the last of its orders that ended by itself

    @property
    def is_open(self) -> bool:
        """Whether one of its orders is."""
        return any(order.is_open for order in self.legs)


@dataclass(eq=False)
class Order:
    """An order of the model; `number` counts the orders that were taken."""

    number: int
    terms: PlaceOrder
    created_ns: int
    updated_ns: int
    executed_lots: int = 0
    executed_quote: int = 0
    status: OrderStatus = OrderStatus.OPEN
    expire_reason: ExpireReason | None = None
    maker_ppm: int = 0  # its rates, as its market had them when it was taken
    taker_ppm: int = 0
    priority: int = 0  # counts the orders that may come to rest; 0 in one that may not
    prevented_lots: int = 0  # what it lost to orders of its own user
    asked_lots: int = 0  # of one by its sum of the quote: what the book made of it
    mode: SelfTrade = SelfTrade.EXPIRE_TAKER  # of self-trade prevention, as it was taken with
    best: int | None = None  # of one that follows the price: the best since it began, at tracking_ns
    tracking_ns: int = 0
    triggered_ns: int = 0
    triggered_at: int = 0  # by which of all trades that were judged
    trigger_price: int = 0
    working_ns: int = 0  # when one that waited entered
    refused: set[RejectReason] = field(default_factory=set)  # why it could not enter
    followed: int | None = None  # of one that follows the book: the price that it followed last
    pegged: int = 0  # the price that a pegged one took from the book
    hidden: int = 0  # of what remains, what the book does not show
    first: PlaceOrder | None = None  # its terms before it was amended, if it was
    amendments: int = 0
    of: ListOf | None = None  # its list
    for_list: bool = False  # it waits for the working order of that

    @property
    def user(self) -> str:
        """Whose it is."""
        return self.terms.user_id

    @property
    def remaining(self) -> int:
        """What is left to fill."""
        return (self.terms.quantity_lots or self.asked_lots) - self.executed_lots - self.prevented_lots

    @property
    def visible(self) -> int:
        """How much of it the book may show at a time."""
        asked = self.terms.conditions
        return self.terms.quantity_lots if asked is None or asked.visible_lots is None else asked.visible_lots

    @property
    def socket(self) -> int | None:
        """The socket that it ends with."""
        return None if self.terms.conditions is None else self.terms.conditions.socket

    @property
    def shown(self) -> int:
        """What the book shows of it."""
        return self.remaining - self.hidden

    def asked_as(self, name: str | None) -> PlaceOrder:
        """What was first asked, under one of its names."""
        return replace(self.first or self.terms, client_order_id=name)

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status in (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)

    @property
    def became(self) -> tuple[int, ...]:
        """When it began to follow the price, when and at which price it was triggered, when it entered, and what it was
        pegged at."""
        return self.tracking_ns, self.triggered_ns, self.trigger_price, self.working_ns, self.pegged

    @property
    def follows(self) -> bool:
        """Whether it follows the book."""
        return self.terms.conditions is not None and self.terms.conditions.peg_follows is not None

    @property
    def locking(self) -> int:
        """The price that it locks by."""
        return (self.terms.price_ticks or 0) if self.follows else self.limit

    @property
    def limit(self) -> int:
        """The price of an order that has one."""
        if self.pegged:
            return self.pegged
        assert self.terms.price_ticks is not None
        return self.terms.price_ticks


def asks_the_same(one: PlaceOrder, other: PlaceOrder) -> bool:
    """Whether both ask the same, whichever way they came."""
    nothing = Conditions()
    plain = [replace(terms, conditions=terms.conditions or nothing) for terms in (one, other)]
    return plain[0] == plain[1]


@dataclass(frozen=True)
class Update:
    """An order after one step of its life."""

    reason: UpdateReason
    status: OrderStatus
    executed_lots: int
    executed_quote: int
    expire_reason: ExpireReason | None
    trade: int | None  # the number of the trade that was the step
    became: tuple[int, ...] = (0, 0, 0, 0, 0)
    priority: int = 0


@dataclass(frozen=True)
class Match:
    """A trade between two orders, by their numbers."""

    market: str
    price: int
    lots: int
    quote: int
    taker_side: Side
    maker: int
    taker: int
    maker_fee: int
    taker_fee: int
    market_trade_id: int
    aggregate_id: int


@dataclass(frozen=True)
class Prevented:
    """Two orders of one user, by their numbers, that would have traded, and what each lost by it."""

    taker: int
    maker: int
    mode: SelfTrade
    price: int
    taker_lots: int
    maker_lots: int
    market_match_id: int


@dataclass
class Move:
    """What moved: who gave, who got, of what, how much. None is the outside."""

    giver: str | None
    getter: str | None
    asset: str
    amount: int


@dataclass
class Told:
    """What one command came to. Exactly one of three: refused, done before, or done."""

    refusals: set[RejectReason] = field(default_factory=set)
    duplicate: bool = False
    duplicate_of: int | None = None
    primary: int | None = None  # the order that it is about, by number
    trades: list[Match] = field(default_factory=list)
    prevented: list[Prevented] = field(default_factory=list)
    amended: PlaceOrder | None = None  # the terms of the primary order before it was amended
    beside: tuple[Order, PlaceOrder] | None = None  # another one that had to change with it, and its terms before
    duplicate_list: int | None = None  # the list of a retry, by number
    lists: dict[int, tuple[str, list[OrderStatus], str | None]] = field(default_factory=dict)  # what is told of them
    updates: dict[int, list[Update]] = field(default_factory=dict)  # of each order, in order
    levels: dict[Level, int] = field(default_factory=dict)  # the new totals of those that changed
    balances: dict[Account, tuple[int, int]] = field(default_factory=dict)  # available, locked, where they changed
    touched: set[Level] = field(default_factory=set)  # levels that lost an order, and may have got another
    not_canceled: set[RejectReason] = field(default_factory=set)  # of a replacement of which only the order was placed
    not_placed: set[RejectReason] = field(default_factory=set)  # of one of which only the cancel happened
    rounds: set[str] = field(default_factory=set)  # markets where orders were priced again, or not all is told yet
    triggers: int = 0  # how many orders trades made follow the price, or triggered
    new_status: str | None = None  # the market whose status changed
    moves: list[Move] = field(default_factory=list)  # of money, but for trades
    new_user: bool = False  # of somebody who is created


@dataclass
class Public:
    """How far the public channels of a market have counted."""

    depth: int = 0
    best: int = 0
    trades: int = 0
    prevented: int = 0
    aggregates: int = 0  # runs of trades of one taker at one price in one command
    last_trade_ns: int = 0
    candles: list[int] = field(default_factory=lambda: [0] * len(CANDLES_S))
