"""The history of the exchange as its readers need it: closed orders, trades, fills and candles, page by page.

Declares the History protocol. The store implements it and the service layer asks it, so neither imports the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mypy_extensions import mypyc_attr

from exchange.core.amendments import Amended
from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.core.events import OrderUpdated, PreventedMatch, Trade
from exchange.core.list_events import ListUpdated
from exchange.core.money import Withdrawal

ID_MAX = 2**63 - 1  # ids and times are BIGINT in the database; no order and no trade has this one


@dataclass(slots=True)
class Page:
    """Which rows of a history: at most `limit`, within bounds that are all optional.

    `before` and `after` are ids of the rows, both exclusive. `start_ns` is inclusive and `end_ns` exclusive: the time
    of an order is its creation, the time of a fill is its trade's. Ids grow with time, so the order by id is the order
    by time.

    The rows are the newest ones within the bounds, newest first. With `after`, or with `start_ns` and no `before`, they
    are the oldest ones, oldest first: a reader catches up from there.
    """

    limit: int
    before: int | None = None
    after: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def oldest_first(self) -> bool:
        """The direction of the page."""
        return self.after is not None or (self.start_ns is not None and self.before is None)

    def has(self, row_id: int, time_ns: int) -> bool:
        """Whether a row of that id and time is within the bounds."""
        return (
            (self.before is None or row_id < self.before)
            and (self.after is None or row_id > self.after)
            and (self.start_ns is None or time_ns >= self.start_ns)
            and (self.end_ns is None or time_ns < self.end_ns)
        )


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Fill:
    """One order's private side of a trade."""

    trade_id: int
    order_id: int
    client_order_id: str | None
    market: str
    side: Side
    is_taker: bool
    price_ticks: int
    quantity_lots: int
    quote_minor: int
    fee_minor: int
    time_ns: int

    def __init__(
        self,
        trade_id: int,
        order_id: int,
        client_order_id: str | None,
        market: str,
        side: Side,
        is_taker: bool,
        price_ticks: int,
        quantity_lots: int,
        quote_minor: int,
        fee_minor: int,
        time_ns: int,
    ) -> None:
        self.trade_id = trade_id
        self.order_id = order_id
        self.client_order_id = client_order_id
        self.market = market
        self.side = side
        self.is_taker = is_taker
        self.price_ticks = price_ticks
        self.quantity_lots = quantity_lots
        self.quote_minor = quote_minor
        self.fee_minor = fee_minor
        self.time_ns = time_ns


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class PublicTrade:
    """A trade as everybody sees it."""

    trade_id: int
    market: str
    price_ticks: int
    quantity_lots: int
    quote_minor: int
    taker_side: Side
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
        self.time_ns = time_ns
        self.market_trade_id = market_trade_id
        self.aggregate_id = aggregate_id


@dataclass(slots=True)
class OrderRead:
    """An order as it was read, and the fills that made it what it is, oldest first."""

    order: OrderUpdated
    fills: list[Fill]


def fill_of(trade: Trade, order_id: int, client_order_id: str | None) -> Fill:
    """The side of a trade that belongs to one of its two orders."""
    is_taker = trade.taker_order_id == order_id
    return Fill(
        trade.trade_id,
        order_id,
        client_order_id,
        trade.market,
        trade.taker_side if is_taker else Side(1 - trade.taker_side),
        is_taker,
        trade.price_ticks,
        trade.quantity_lots,
        trade.quote_minor,
        trade.taker_fee_minor if is_taker else trade.maker_fee_minor,
        trade.time_ns,
    )


@dataclass(slots=True)
class AuditedAction:
    """What an administrator did: who, from where, and whom it was about."""

    sequence: int
    time_ns: int
    actor: str
    address: str | None
    action: str
    user_id: str | None
    detail: str | None


@dataclass(slots=True)
class LedgerFill:
    """A user's side of a trade, as far as it moved money."""

    trade_id: int
    market: str
    side: Side
    is_taker: bool
    quantity_lots: int
    quote_minor: int
    fee_minor: int
    time_ns: int


@dataclass(slots=True)
class LedgerTransfer:
    """What moved in an account of a user without a trade; below zero it has left. `kind` is a TransferKind."""

    sequence: int
    asset: str
    amount_minor: int
    kind: int
    key: str
    time_ns: int


@dataclass(slots=True)
class ListRead:
    """A list as it was read, and its orders in their order, but for those that were dropped long ago.

    `trades`: what the orders took when the list was placed, where that is known.
    """

    told: ListUpdated
    orders: list[OrderUpdated]
    trades: Sequence[Trade] = ()


@dataclass(slots=True)
class LedgerFees:
    """What the trades of a range of ids paid to the fee account, newest first. `low`: all above it were looked at.

    `more`: there are trades from `low` on downwards. A fill is one side of a trade.
    """

    fills: list[LedgerFill]
    low: int
    more: bool


class History(Protocol):
    """What the database answers. Ids and times are up to ID_MAX.

    Every call shows at least what was durable when it was made; with a `sequence`, at least what was durable at that
    one, which takes less waiting. It raises HistoryUnavailable when the database does not answer, and Overloaded at
    once when too many calls wait already.
    """

    async def order(
        self,
        user_id: str,
        market: str | None,
        order_id: int | None,
        client_order_id: str | None,
        sequence: int | None = None,
    ) -> OrderRead | None:
        """The user's closed order of that id, or the newest one of that client order id, with all its fills."""

    async def fills_of_order(
        self, order: OrderUpdated, last_trade_id: int = ID_MAX, sequence: int | None = None
    ) -> list[Fill]:
        """The fills of an order, open or closed, up to a trade id; oldest first."""

    async def closed_orders(self, user_id: str, market: str | None, page: Page) -> list[OrderUpdated]:
        """The user's closed orders, in one market or in all; the ids of the page are order ids."""

    async def trades(self, market: str | None, page: Page) -> list[PublicTrade]:
        """The trades of one market, or of all; the ids of the page are trade ids."""

    async def fills(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> list[Fill]:
        """The user's fills, in one market or in all, of one order or of all; the ids of the page are trade ids."""

    async def prevented_matches(
        self, user_id: str, market: str | None, order_id: int | None, page: Page
    ) -> list[PreventedMatch]:
        """What self-trade prevention kept a user's orders from; the ids of the page are match ids."""

    async def amendments(self, user_id: str, market: str | None, order_id: int | None, page: Page) -> list[Amended]:
        """The amendments of a user's orders, of one order or of all; the ids of the page are amendment ids."""

    async def order_list(
        self, user_id: str, market: str, list_id: int | None, client_list_id: str | None
    ) -> ListRead | None:
        """The user's list of that id, and of that client list id; without an id the newest of the other."""

    async def lists(self, user_id: str, market: str | None, is_open: bool | None, page: Page) -> list[ListRead]:
        """The user's lists, in one market or in all, the open ones, the others or all; ids are list ids."""

    async def ledger_fills(self, user_id: str, markets: list[str] | None, upto: int, limit: int) -> list[LedgerFill]:
        """The user's newest fills up to a trade id, in some markets or in all; newest first."""

    async def ledger_fees(self, upto: int, trades: int) -> LedgerFees:
        """The fees of so many trades up to a trade id."""

    async def withdrawals(self, user_id: str | None, pending: bool, page: Page) -> list[Withdrawal]:
        """Withdrawals of one user or of all, perhaps only pending ones; the ids of the page are sequences."""

    async def ledger_transfers(
        self, user_id: str, asset: str | None, sequence: int, before: str, limit: int
    ) -> list[LedgerTransfer]:
        """The user's newest transfers before a sequence and asset, of one asset or of all; newest first."""

    async def candles(
        self, market: str, interval_s: int, start_s: int | None, end_s: int | None, limit: int
    ) -> list[Candle]:
        """Candles that begin in a range of times, oldest first: the first ones of it, or the last without a start."""

    async def audit(self, page: Page) -> list[AuditedAction]:
        """What administrators did; the ids of the page are sequences."""
