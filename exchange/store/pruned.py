"""What was dropped of history, as far as an audit has to know it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Pruned:
    """How far history is dropped, and what the dropped trades came to.

    All trades up to `trade_id` are gone; the last of them was at `trades_ns`. Of the closed orders up to `order_id`
    only those are there that closed later, or whose client order id is remembered. `postings` has the sums of the
    trades by user and asset, `markets` the last market_trade_id and aggregate_id of each market.
    """

    trade_id: int = 0
    trades_ns: int = 0
    order_id: int = 0
    minutes_s: int = 0
    postings: dict[tuple[str, str], int] = field(default_factory=dict)
    markets: dict[str, tuple[int, int]] = field(default_factory=dict)

    def of_market(self, symbol: str) -> tuple[int, int]:
        """The last market_trade_id and aggregate_id of a market among the dropped trades."""
        return self.markets.get(symbol, (0, 0))


async def load(connection: Any) -> Pruned:
    """As it is now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow("SELECT trade_id, trades_ns, order_id, minutes_s FROM pruned")
        postings = await connection.fetch("SELECT user_id, asset, amount_minor::text FROM pruned_postings")
        markets = await connection.fetch("SELECT market, market_trade_id, aggregate_id FROM pruned_markets")
    return Pruned(
        trade_id=row["trade_id"],
        trades_ns=row["trades_ns"],
        order_id=row["order_id"],
        minutes_s=row["minutes_s"],
        postings={(user_id, asset): int(amount) for user_id, asset, amount in postings},
        markets={market: (market_trade_id, aggregate_id) for market, market_trade_id, aggregate_id in markets},
    )
