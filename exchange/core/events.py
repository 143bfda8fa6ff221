"""Events: what happened, with every value captured when it happened.

Whoever reads an event (writer, codec, feeds) needs nothing else: it never looks at a live order, account or book,
because the venue is already ahead of it. The parts of an event that are shared with live state (`terms`) never change.

`acyclic` (here and elsewhere) tells the compiler of `make compile` that what an object refers to never refers back to
it: the garbage collector then has nothing to do with it.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.administration import AdminEvent
from exchange.core.amendments import Amended
from exchange.core.commands import PlaceOrder, Side
from exchange.core.conditions import Progress, SelfTrade
from exchange.core.fees import Rates
from exchange.core.instrument import Asset, Instrument, MarketStatus
from exchange.core.list_events import ListUpdated
from exchange.core.money import MoneyEvent
from exchange.core.timers import TimerSet
from exchange.core.venue_filters import VenueFiltersSet

MINUTE_NS: Final = 60_000_000_000
INTERVALS_S = (60, 300, 900, 3600, 14400, 86400)  # of candles, shortest first; each begins when the shortest does


class OrderStatus(IntEnum):
    """Where an order is in its life. From FILLED on it has ended."""

    OPEN = 0
    PARTIALLY_FILLED = 1
    FILLED = 2
    CANCELED = 3
    EXPIRED = 4
    PENDING = -1  # it waits, outside the book; below all others, and the last of a tuple of them


class UpdateReason(IntEnum):
    """Why an order changed."""

    ACCEPTED = 0
    FILLED = 1
    CANCELED = 2
    EXPIRED = 3
    READ = 4  # it did not change: this is a copy of the order as it is
    PREVENTED = 5  # a part of it met an order of its own user
    TRACKING = 6  # it follows the price from now on
    TRIGGERED = 7  # what it waited for has come
    WORKING = 8  # it has entered the book, or is matched
    AMENDED = 9  # its owner changed it
    REFILLED = 10  # what it shows had traded, and it shows more
    WAITING = 11  # the working order of its list is filled, and it waits for its price
    REPRICED = 12  # the book that it follows has changed


class ExpireReason(IntEnum):
    """Why an order ended, unless it filled or its owner canceled it."""

    UNFILLED = 0  # ioc or market: the rest found no counterpart
    FOK_UNFILLABLE = 1
    SELF_TRADE = 2  # it met a resting order of its own user
    MAX_FILLS = 3  # it had as many fills as its market allows an order
    USER_DISABLED = 4  # not expired but canceled, since its user was disabled
    REFUSED_AT_TRIGGER = 5  # it could not enter when its time had come
    EXPIRE_AT = 6  # its time was over
    USER_RESET = 7  # not expired but canceled, since its user was reset
    OTHER_LEG = 8  # the other leg of its list has filled in part, or was triggered
    WORKING_ORDER_ENDED = 9  # the working order of its list was not filled
    LIST = 10  # not expired but canceled, since an order of its list was canceled, or has expired
    CANCEL_ALL_AFTER = 11  # not expired but canceled, by a timer of its user
    DISCONNECT = 12  # not expired but canceled, since the socket that placed it has ended
    PRICE_BAND = 13  # the next fill would have been too far from the best price at entry
    REPLACED = 14  # not expired but canceled, since its owner replaced it


class RejectReason(StrEnum):
    """Why a command was refused. A refusal takes no id and no sequence and changes nothing."""

    UNKNOWN_MARKET = "UNKNOWN_MARKET"
    UNKNOWN_USER = "UNKNOWN_USER"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"  # not open, or someone else's
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_WITHDRAWAL = "UNKNOWN_WITHDRAWAL"
    USER_DISABLED = "USER_DISABLED"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    CLIENT_ORDER_ID_CONFLICT = "CLIENT_ORDER_ID_CONFLICT"
    KEY_CONFLICT = "KEY_CONFLICT"
    MARKET_NAME_TAKEN = "MARKET_NAME_TAKEN"  # by another that differs only in where the `_` is
    RULE_FIXED = "RULE_FIXED"  # it never changes
    WITHDRAWAL_ENDED = "WITHDRAWAL_ENDED"  # in the other way
    TOO_MANY_WITHDRAWALS = "TOO_MANY_WITHDRAWALS"  # that are pending
    TOO_MANY_MARKETS = "TOO_MANY_MARKETS"  # or assets
    CANCEL_CONDITION = "CANCEL_CONDITION"
    MARKET_NOT_TRADING = "MARKET_NOT_TRADING"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    TOO_MANY_OPEN_ORDERS = "TOO_MANY_OPEN_ORDERS"
    WOULD_TAKE = "WOULD_TAKE"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    SELF_TRADE_PREVENTION = "SELF_TRADE_PREVENTION"  # the market does not allow the mode
    WOULD_TRIGGER = "WOULD_TRIGGER"  # the last price is there already
    NO_PRICE_LEVEL = "NO_PRICE_LEVEL"  # the book has no level that the order could be pegged to
    LIST_PRICES = "LIST_PRICES"  # the legs are not on either side of the last price
    UNKNOWN_LIST = "UNKNOWN_LIST"  # not open, or someone else's
    MAX_PRICE = "MAX_PRICE"  # this and all that follow: filters of a market
    MIN_QUANTITY = "MIN_QUANTITY"
    MAX_QUANTITY = "MAX_QUANTITY"
    MARKET_MIN_QUANTITY = "MARKET_MIN_QUANTITY"
    MARKET_MAX_QUANTITY = "MARKET_MAX_QUANTITY"
    MAX_NOTIONAL = "MAX_NOTIONAL"
    PRICE_BAND = "PRICE_BAND"
    TOO_MANY_OPEN_STOPS = "TOO_MANY_OPEN_STOPS"
    TOO_MANY_OPEN_ICEBERGS = "TOO_MANY_OPEN_ICEBERGS"
    TOO_MANY_OPEN_LISTS = "TOO_MANY_OPEN_LISTS"
    ICEBERG_PARTS = "ICEBERG_PARTS"
    TRAILING_RANGE = "TRAILING_RANGE"
    TOO_MANY_AMENDS = "TOO_MANY_AMENDS"
    MAX_POSITION = "MAX_POSITION"
    MAX_ASSET = "MAX_ASSET"
    TOO_MANY_OPEN_ORDERS_EVERYWHERE = "TOO_MANY_OPEN_ORDERS_EVERYWHERE"  # this and all that follow: of the venue
    TOO_MANY_OPEN_STOPS_EVERYWHERE = "TOO_MANY_OPEN_STOPS_EVERYWHERE"
    TOO_MANY_OPEN_ICEBERGS_EVERYWHERE = "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE"
    TOO_MANY_OPEN_LISTS_EVERYWHERE = "TOO_MANY_OPEN_LISTS_EVERYWHERE"


# Why an order that was triggered could not enter, by the number that is stored.
REFUSED: Final = {
    1: RejectReason.INSUFFICIENT_BALANCE,
    2: RejectReason.MIN_NOTIONAL,
    3: RejectReason.OUT_OF_RANGE,
    4: RejectReason.WOULD_TAKE,
    5: RejectReason.TOO_MANY_OPEN_ORDERS,
    6: RejectReason.MARKET_NOT_TRADING,
    7: RejectReason.SELF_TRADE_PREVENTION,
    8: RejectReason.NO_LIQUIDITY,
    9: RejectReason.NO_PRICE_LEVEL,
    10: RejectReason.WOULD_TRIGGER,
    11: RejectReason.LIST_PRICES,
    20: RejectReason.MAX_PRICE,
    21: RejectReason.MIN_QUANTITY,
    22: RejectReason.MAX_QUANTITY,
    23: RejectReason.MARKET_MIN_QUANTITY,
    24: RejectReason.MARKET_MAX_QUANTITY,
    25: RejectReason.MAX_NOTIONAL,
    26: RejectReason.PRICE_BAND,
    27: RejectReason.TOO_MANY_OPEN_ICEBERGS,
    28: RejectReason.ICEBERG_PARTS,
    29: RejectReason.MAX_POSITION,
    30: RejectReason.MAX_ASSET,
    31: RejectReason.TOO_MANY_OPEN_STOPS,
    32: RejectReason.TRAILING_RANGE,
    33: RejectReason.TOO_MANY_OPEN_ORDERS_EVERYWHERE,
    34: RejectReason.TOO_MANY_OPEN_STOPS_EVERYWHERE,
    35: RejectReason.TOO_MANY_OPEN_ICEBERGS_EVERYWHERE,
}
REFUSED_NUMBERS: Final = {reason: number for number, reason in REFUSED.items()}


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Trade:
    """One match. The buyer pays `quote_minor` and gets the base, each side less its own fee: in what it
    receives, or in the quote, as the market's rules say. A maker's fee below zero is a rebate.

    `trade_id` counts the trades of the venue, `market_trade_id` those of this market from 1 without holes.
    `aggregate_id` counts the aggregates of this market from 1: an aggregate is the consecutive trades of one taker
    order at one price in one command.
    """

    trade_id: int
    market: str
    price_ticks: int
    quantity_lots: int
    quote_minor: int
    taker_side: Side
    maker_order_id: int
    taker_order_id: int
    maker_user_id: str
    taker_user_id: str
    maker_fee_minor: int
    taker_fee_minor: int
    time_ns: int
    market_trade_id: int
    aggregate_id: int

    def __init__(
        self,
        trade_id: int,
        market: str,
        price_ticks: int,
        quantity_lots: int,
        quote_minor: int,
        taker_side: Side,
        maker_order_id: int,
        taker_order_id: int,
        maker_user_id: str,
        taker_user_id: str,
        maker_fee_minor: int,
        taker_fee_minor: int,
        time_ns: int,
        market_trade_id: int,
        aggregate_id: int,
    ) -> None:
        self.trade_id = trade_id
        self.market = market
        self.price_ticks = price_ticks
        self.quantity_lots = quantity_lots
        self.quote_minor = quote_minor
        self.taker_side = taker_side
        self.maker_order_id = maker_order_id
        self.taker_order_id = taker_order_id
        self.maker_user_id = maker_user_id
        self.taker_user_id = taker_user_id
        self.maker_fee_minor = maker_fee_minor
        self.taker_fee_minor = taker_fee_minor
        self.time_ns = time_ns
        self.market_trade_id = market_trade_id
        self.aggregate_id = aggregate_id


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class OrderUpdated:
    """An order after one step of its life; `trade` is the match that was the step, if it was one.

    `priority` orders the orders of a price level, the smallest first; 0 in an order that cannot rest, and in a closed
    order that was read back. `orders_sequence` counts the steps of its user's orders without holes; 0 where nothing
    changed. `rates` are the fees fixed in an open order. `progress` is what else became of it, if anything did.
    """

    reason: UpdateReason
    order_id: int
    terms: PlaceOrder
    status: OrderStatus
    executed_lots: int
    executed_quote_minor: int
    expire_reason: ExpireReason | None
    created_ns: int
    updated_ns: int
    priority: int
    trade: Trade | None
    orders_sequence: int
    rates: Rates | None
    progress: Progress | None

    def __init__(
        self,
        reason: UpdateReason,
        order_id: int,
        terms: PlaceOrder,
        status: OrderStatus,
        executed_lots: int,
        executed_quote_minor: int,
        expire_reason: ExpireReason | None,
        created_ns: int,
        updated_ns: int,
        priority: int,
        trade: Trade | None,
        orders_sequence: int,
        rates: Rates | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.reason = reason
        self.order_id = order_id
        self.terms = terms
        self.status = status
        self.executed_lots = executed_lots
        self.executed_quote_minor = executed_quote_minor
        self.expire_reason = expire_reason
        self.created_ns = created_ns
        self.updated_ns = updated_ns
        self.priority = priority
        self.trade = trade
        self.orders_sequence = orders_sequence
        self.rates = rates
        self.progress = progress


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class PreventedMatch:
    """Two orders of one user that would have traded. `match_id` counts these in the venue, `market_match_id` those of
    this market, both from 1 without holes. The lots are what each order lost by it; a trade at `price_ticks` it is not.
    """

    match_id: int
    market_match_id: int
    market: str
    user_id: str
    taker_order_id: int
    maker_order_id: int
    mode: SelfTrade
    price_ticks: int
    taker_prevented_lots: int
    maker_prevented_lots: int
    time_ns: int


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class LevelChanged:
    """The total of a price level after the command. `book_sequence` counts such changes of this book without holes."""

    market: str
    side: Side
    price_ticks: int
    total_lots: int
    book_sequence: int

    def __init__(
        self,
        market: str,
        side: Side,
        price_ticks: int,
        total_lots: int,
        book_sequence: int,
    ) -> None:
        self.market = market
        self.side = side
        self.price_ticks = price_ticks
        self.total_lots = total_lots
        self.book_sequence = book_sequence


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class MarketChanged:
    """A market after a command that changed its book or its status: the best of the book, and how far its public
    channels have counted. `tracks` are what the orders that follow the last price, or the book, need to know of it: see
    triggers, and following.

    `best_bid` and `best_ask` are (price_ticks, total_lots) or None. `depth_sequence` counts the commands that changed
    the book, `best_sequence` those that changed the best of it or the status, `trade_sequence` the trades (it is the
    last `market_trade_id`), `last_aggregate_id` their aggregates; `candles` counts the candles begun, one count for
    each of `INTERVALS_S`. `average` is the average price: see there. `last_match_id` counts the prevented matches.
    """

    market: str
    best_bid: tuple[int, int] | None
    best_ask: tuple[int, int] | None
    book_sequence: int
    depth_sequence: int
    best_sequence: int
    trade_sequence: int
    last_aggregate_id: int
    last_trade_ns: int
    candles: tuple[int, ...]
    status: MarketStatus
    average: tuple[int, ...]
    last_match_id: int
    tracks: tuple[int, ...]

    def __init__(
        self,
        market: str,
        best_bid: tuple[int, int] | None,
        best_ask: tuple[int, int] | None,
        book_sequence: int,
        depth_sequence: int,
        best_sequence: int,
        trade_sequence: int,
        last_aggregate_id: int,
        last_trade_ns: int,
        candles: tuple[int, ...],
        status: MarketStatus,
        average: tuple[int, ...] = (),
        last_match_id: int = 0,
        tracks: tuple[int, ...] = (),
    ) -> None:
        self.market = market
        self.best_bid = best_bid
        self.best_ask = best_ask
        self.book_sequence = book_sequence
        self.depth_sequence = depth_sequence
        self.best_sequence = best_sequence
        self.trade_sequence = trade_sequence
        self.last_aggregate_id = last_aggregate_id
        self.last_trade_ns = last_trade_ns
        self.candles = candles
        self.status = status
        self.average = average
        self.last_match_id = last_match_id
        self.tracks = tracks


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class BalanceChanged:
    """An account after the command.

    `balances_sequence` counts the commands that changed any account of the user, `orders_sequence` the steps of the
    user's orders; both as they were after this command.
    """

    user_id: str
    asset: str
    available_minor: int
    locked_minor: int
    balances_sequence: int
    orders_sequence: int

    def __init__(
        self,
        user_id: str,
        asset: str,
        available_minor: int,
        locked_minor: int,
        balances_sequence: int,
        orders_sequence: int,
    ) -> None:
        self.user_id = user_id
        self.asset = asset
        self.available_minor = available_minor
        self.locked_minor = locked_minor
        self.balances_sequence = balances_sequence
        self.orders_sequence = orders_sequence


@dataclass(slots=True)
class UserAdded:
    """A user was added."""

    user_id: str


@dataclass(slots=True)
class AssetAdded:
    """An asset was added."""

    asset: Asset


@dataclass(slots=True)
class MarketSet:
    """A market was opened, or its rules changed. `by_call`: see MarketState."""

    instrument: Instrument
    by_call: bool = False


@dataclass(slots=True)
class TimePassed:
    """Time has passed: the candles whose time is over have ended."""


Event = (
    OrderUpdated
    | Trade
    | PreventedMatch
    | Amended
    | LevelChanged
    | MarketChanged
    | BalanceChanged
    | MoneyEvent
    | ListUpdated
    | UserAdded
    | AssetAdded
    | MarketSet
    | TimePassed
    | VenueFiltersSet
    | TimerSet
    | AdminEvent
)


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Rejected:
    """The answer to a command that was refused.

    `detail` says more of the reason, in a sentence. `last_order_id` is that of the venue when an order was unknown.
    """

    reason: RejectReason
    detail: str | None = field(default=None, compare=False)
    last_order_id: int = field(default=0, compare=False)


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Duplicate:
    """The answer to a command that was carried out before: a retry. `order_id` is that order's, or that list's id; None
    for a deposit."""

    order_id: int | None
