"""What has passed, as its readers need it: closed orders, trades and fills, page by page, newest first.

Declares the History protocol, which the store fulfils and the API asks; so neither has to know the other.
"""

from dataclasses import dataclass
from typing import Protocol

from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.core.events import OrderUpdated, Trade

ID_MAX = 2**63 - 1  # ids are BIGINT in the database; no order and no trade has this one


@dataclass(slots=True)
class Fill:
    """One order's private side of a trade."""

    trade: Trade
    order_id: int
    client_order_id: str | None
    side: Side
    is_taker: bool
    fee_minor: int


def fill_of(trade: Trade, is_taker: bool) -> Fill:
    """One side of a trade; its client order id is for the caller to fill in."""
    if is_taker:
        return Fill(trade, trade.taker_order_id, None, trade.taker_side, True, trade.taker_fee_minor)
    return Fill(trade, trade.maker_order_id, None, Side(1 - trade.taker_side), False, trade.maker_fee_minor)


class History(Protocol):
    """What the API asks. Ids are up to ID_MAX; every call may raise HistoryUnavailable."""

    async def order(
        self, user_id: str, market: str | None, order_id: int | None, client_order_id: str | None
    ) -> OrderUpdated | None:
        """The user's closed order of that id, the newest one of that client order id."""

    async def closed_orders(
        self, user_id: str, market: str | None, limit: int, before: int = ID_MAX
    ) -> list[OrderUpdated]:
        """The user's closed orders with a smaller id."""

    async def trades(self, market: str, limit: int, before: int = ID_MAX) -> list[Trade]:
        """The market's trades with a smaller id."""

    async def trades_of_order(self, order_id: int, last_trade_id: int = ID_MAX) -> list[Trade]:
        """The trades of one order, oldest first, up to a trade id."""

    async def fills(
        self, user_id: str, market: str | None, order_id: int | None, limit: int, before: int = ID_MAX
    ) -> list[Fill]:
        """The user's fills of trades with a smaller id."""

    async def candles(
        self, market: str, interval_s: int, start_s: int | None, end_s: int | None, limit: int
    ) -> list[Candle]:
        """Candles that begin in a range of times, oldest first: the first of it, or the last when it has no start."""
