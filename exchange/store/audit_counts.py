"""What `exchange check` says about counts: ids and priorities of orders, and the numbers of trades in their market."""

from array import array
from collections.abc import Iterator
from typing import Any

from exchange.core.state import MarketState, VenueState


def orders(state: VenueState) -> list[str]:
    """No open order has an id or a priority that was not given, or that another one has."""
    findings: list[str] = []
    for name, last in (("order_id", state.last_order_id), ("priority", state.last_priority)):
        seen: set[int] = set()
        for order in state.orders:
            number = getattr(order, name)
            if not 0 < number <= last:
                findings.append(f"order {order.order_id} has {name} {number}, and the last one given is {last}")
            if number in seen:
                findings.append(f"order {order.order_id} has {name} {number}, which another open order has")
            seen.add(number)
    return findings


class Tape:
    """The numbers of one market's trades: 32 bytes each, whatever the trades say."""

    def __init__(self, market_trade_id: int = 0, aggregate_id: int = 0) -> None:
        """The trades up to these numbers are dropped."""
        self._dropped = market_trade_id
        self._last_aggregate_id = aggregate_id
        self._trade_ids = array("q")
        self._market_trade_ids = array("q")
        self._aggregate_ids = array("q")
        self._takers = array("q")  # a hash of taker and price: equal within an aggregate

    def add(self, row: Any) -> None:
        """A trade, in whatever order."""
        self._trade_ids.append(row["trade_id"])
        self._market_trade_ids.append(row["market_trade_id"])
        self._aggregate_ids.append(row["aggregate_id"])
        self._takers.append(hash((row["taker_order_id"], row["price_ticks"])))

    def findings(self, market: MarketState) -> Iterator[str]:
        """The first number of each kind that is wrong; the trades must be numbered as their ids grow."""
        yield from self._market_trade_id(market)
        yield from self._aggregate_id(market)

    def _in_order(self) -> list[int]:
        return sorted(range(len(self._trade_ids)), key=self._trade_ids.__getitem__)

    def _market_trade_id(self, market: MarketState) -> Iterator[str]:
        symbol = market.instrument.symbol
        for expected, index in enumerate(self._in_order(), self._dropped + 1):
            if self._market_trade_ids[index] != expected:
                trade_id, found = self._trade_ids[index], self._market_trade_ids[index]
                yield f"trade {trade_id} has market_trade_id {found} of {symbol}, and should have {expected}"
                return
        trades = self._dropped + len(self._trade_ids)
        if trades != market.trade_sequence:
            yield f"{symbol} has {trades} trades, and counts {market.trade_sequence}"

    def _aggregate_id(self, market: MarketState) -> Iterator[str]:
        symbol, last, taker = market.instrument.symbol, self._last_aggregate_id, None
        for index in self._in_order():
            found = self._aggregate_ids[index]
            # A taker's next command at the same price is another aggregate, so the same taker may begin one.
            begins = found == last + 1 or (
                taker is None and found == last
            )  # an aggregate may be cut by what is dropped
            if not begins and (found != last or self._takers[index] != taker):
                yield f"trade {self._trade_ids[index]} has aggregate_id {found} of {symbol}, after {last}"
                return
            last, taker = found, self._takers[index]
        if last != market.last_aggregate_id:
            yield f"the last aggregate of {symbol} is {last}, and it counts {market.last_aggregate_id}"
