"""The trades of one market as its own counts number them, with the aggregates and seconds that they make.

Declares the Tape protocol, which the store implements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.service.history import Fill, Page, PublicTrade


@dataclass(slots=True)
class Aggregate:
    """The consecutive trades of one taker order at one price."""

    aggregate_id: int
    price_ticks: int
    quantity_lots: int
    first_market_trade_id: int
    last_market_trade_id: int
    taker_side: Side
    time_ns: int


@dataclass(slots=True)
class OwnTrade:
    """One order's private side of a trade, and the trade's number in its market."""

    fill: Fill
    market_trade_id: int


class Tape(Protocol):
    """What the database answers. It raises what History raises."""

    async def trades_from(self, market: str, market_trade_id: int, limit: int) -> Sequence[PublicTrade]:
        """The trades of that number and later, oldest first."""

    async def aggregates(
        self, market: str, first_id: int | None, start_ns: int | None, end_ns: int | None, limit: int
    ) -> Sequence[Aggregate]:
        """Aggregates in order: from an id or a time on, else the last ones before the end. Maybe fewer than `limit`."""

    async def seconds(self, market: str, start_s: int, end_s: int) -> Sequence[Candle]:
        """The seconds that had trades, oldest first."""

    async def own_trades(
        self, user_id: str, market: str, order_id: int | None, first_id: int | None, page: Page
    ) -> Sequence[OwnTrade]:
        """A user's fills in a market, of one order or of all; with `first_id` the trades of that number and later."""
