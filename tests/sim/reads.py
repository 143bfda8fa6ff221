"""What the calls for history answer when all is over: orders and fills of each user, tapes, balances and rules.

Guests are users who never trade.
"""

from collections import Counter
from dataclasses import dataclass

from exchange.core.commands import Side
from exchange.core.events import OrderStatus, OrderUpdated, Trade
from exchange.core.instrument import Instrument
from exchange.core.ledger import HOUSE
from tests.sim.disk import Tables
from tests.sim.world import MARKETS, USERS


@dataclass(frozen=True)
class Print:
    """A trade on the tape, as everybody may see it."""

    trade_id: int
    price_ticks: int
    quantity_lots: int
    quote_minor: int
    taker_side: Side
    time_ns: int
    market_trade_id: int
    aggregate_id: int

    @classmethod
    def of(cls, trade: Trade) -> "Print":
        """What the public is told of a trade."""
        money = (trade.price_ticks, trade.quantity_lots, trade.quote_minor)
        return cls(trade.trade_id, *money, trade.taker_side, trade.time_ns, trade.market_trade_id, trade.aggregate_id)


@dataclass(frozen=True)
class Fill:
    """One user's side of a trade."""

    trade_id: int
    order_id: int
    market: str
    side: Side
    price_ticks: int
    quantity_lots: int
    quote_minor: int
    fee_minor: int
    is_taker: bool


@dataclass(frozen=True)
class Reads:
    """All of it; orders and tapes oldest first."""

    orders: dict[str, list[OrderUpdated]]
    fills: dict[str, list[Fill]]
    tapes: dict[str, list[Print]]
    balances: dict[tuple[str, str], tuple[int, int]]  # available, locked
    rules: dict[str, Instrument]
    guests: dict[str, tuple[int, int, int]]  # what they have of CASH, available and locked, and their open orders
    keys: set[str]  # that are not revoked
    disabled: set[str]


def read_all(tables: Tables) -> Reads:
    """Read everything that some client may."""
    orders: dict[str, list[OrderUpdated]] = {user: [] for user in USERS}
    waiting: Counter[str] = Counter()
    for _, order in sorted(tables.orders.items()):
        if order.terms.user_id in USERS:
            orders[order.terms.user_id].append(order)
        else:
            waiting[order.terms.user_id] += order.status is OrderStatus.PENDING
    return Reads(
        orders,
        {user: [fill for trade in tables.trades for fill in _fills(trade, user)] for user in USERS},
        {market: [Print.of(trade) for trade in tables.trades if trade.market == market] for market in MARKETS},
        {
            (user, asset): (account.available_minor, account.locked_minor)
            for (user, asset), account in tables.accounts.items()
            if user in USERS
        },
        {symbol: market.instrument for symbol, market in tables.markets.items()},
        {
            user: (account.available_minor, account.locked_minor, waiting[user])
            for (user, asset), account in tables.accounts.items()
            if user not in (*USERS, *HOUSE) and asset == "CASH"
        },
        {api_key for api_key, (_, revoked_ns) in tables.keys.items() if revoked_ns is None},
        {user for user, is_disabled in tables.users.items() if is_disabled},
    )


def _fills(trade: Trade, user: str) -> list[Fill]:
    money = (trade.price_ticks, trade.quantity_lots, trade.quote_minor)
    maker_side = Side.SELL if trade.taker_side is Side.BUY else Side.BUY
    sides = (
        (trade.maker_user_id, trade.maker_order_id, maker_side, trade.maker_fee_minor, False),
        (trade.taker_user_id, trade.taker_order_id, trade.taker_side, trade.taker_fee_minor, True),
    )
    return [
        Fill(trade.trade_id, order_id, trade.market, side, *money, fee_minor, is_taker)
        for owner, order_id, side, fee_minor, is_taker in sides
        if owner == user
    ]
