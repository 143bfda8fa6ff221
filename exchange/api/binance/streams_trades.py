"""The streams of trades: each trade, and the aggregates, which are one taker order's trades at one price."""

from typing import Any

from exchange.api.binance.numbers import price, quantity
from exchange.api.binance.streams_base import MarketStream
from exchange.core.commands import Side
from exchange.core.events import Trade
from exchange.core.public import Kind, PublicData


class TradeStream(MarketStream):
    """`<symbol>@trade`."""

    kind = Kind.TRADE

    def take(self, data: PublicData) -> None:
        """Send the trade."""
        assert isinstance(data, Trade)
        trade, rules, now_ns = data, self.rules, self.source.engine.now_ns()

        def payload(unit_ns: int) -> dict[str, Any]:
            return {
                "e": "trade",
                "E": now_ns // unit_ns,
                "s": self.symbol,
                "t": trade.market_trade_id,
                "p": price(rules, trade.price_ticks),
                "q": quantity(rules, trade.quantity_lots),
                "T": trade.time_ns // unit_ns,
                "m": trade.taker_side == Side.SELL,
                "M": True,
            }

        self.publish(payload)


class AggregateStream(MarketStream):
    """`<symbol>@aggTrade`. An aggregate is whole when another begins, or when the step ends that released it."""

    kind = Kind.TRADE

    _first: Trade | None = None
    _last_id = 0
    _lots = 0

    def take(self, data: PublicData) -> None:
        """Add the trade to its aggregate."""
        assert isinstance(data, Trade)
        if self._first is not None and self._first.aggregate_id != data.aggregate_id:
            self.flush()
        if self._first is None:
            self._first, self._lots = data, 0
        self._lots += data.quantity_lots
        self._last_id = data.market_trade_id

    def flush(self) -> None:
        """Send the aggregate."""
        trade, self._first = self._first, None
        if trade is None:
            return
        rules, lots, last_id, now_ns = self.rules, self._lots, self._last_id, self.source.engine.now_ns()

        def payload(unit_ns: int) -> dict[str, Any]:
            return {
                "e": "aggTrade",
                "E": now_ns // unit_ns,
                "s": self.symbol,
                "a": trade.aggregate_id,
                "p": price(rules, trade.price_ticks),
                "q": quantity(rules, lots),
                "f": trade.market_trade_id,
                "l": last_id,
                "T": trade.time_ns // unit_ns,
                "m": trade.taker_side == Side.SELL,
                "M": True,
            }

        self.publish(payload)
