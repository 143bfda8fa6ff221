"""The orders that closed last, in memory, with their fills: most questions about a closed order come soon after.

They are taken in as they are released, so what is here is durable. What was closed before the start of the process, or
has made room for later ones, is in the database; `covers` says of an id whether that may be so. The cost of an order is
one entry when it closes, and none before that unless it fills in parts.
"""

from collections import OrderedDict, deque
from typing import Final

from exchange.core.big_map import BigMap
from exchange.core.events import OrderStatus, OrderUpdated, Trade
from exchange.pipeline.commits import Applied
from exchange.pipeline.writer import Entry

FILLS_MAX = 16  # kept of one order; an order with more has its fills in the database only
FILLED: Final = OrderStatus.FILLED


class ClosedOrders:
    """The last `orders_max` orders that closed, by id.

    `last_order_id` and `sequence` are those of the venue at the start: nothing up to there is known here.
    """

    __slots__ = (
        "_age",
        "_closed",
        "_closed_at",
        "_fills",
        "_fills_max",
        "_orders_max",
        "_partial",
        "forgotten_id",
        "forgotten_sequence",
    )

    def __init__(self, orders_max: int, last_order_id: int, sequence: int, *, fills_max: int = FILLS_MAX) -> None:
        assert orders_max > 0
        self._fills_max = fills_max
        self._orders_max = orders_max
        self._closed: BigMap[int, OrderUpdated] = BigMap()
        self._fills: BigMap[int, list[Trade]] = BigMap()  # of those of them that have several, or none in their update
        self._age: deque[OrderUpdated] = deque()  # in the order they closed
        self._closed_at: deque[int] = deque()  # the sequences at which they did
        self._partial: OrderedDict[int, list[Trade]] = OrderedDict()  # the fills of orders that are not closed yet
        self.forgotten_id = last_order_id  # the highest id of an order that is closed and not here
        self.forgotten_sequence = sequence  # the last sequence at which one of those closed

    def __len__(self) -> int:
        return len(self._age)

    def released(self, entries: list[Entry]) -> None:
        """Take in what has become durable, in order."""
        for _, _, outcome in entries:
            if isinstance(outcome, Applied):
                self.add(outcome)

    def add(self, applied: Applied) -> None:
        """Take in what a command did, now that it is durable."""
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                if event.status >= FILLED:
                    self._close(event, applied.sequence)
                elif event.trade is not None:
                    self._fill_in_part(event.order_id, event.trade)
            elif not isinstance(event, Trade):
                return  # of levels and accounts, which come behind all orders

    def _fill_in_part(self, order_id: int, trade: Trade) -> None:
        fills = self._partial.get(order_id)
        if fills is None:
            if len(self._partial) >= self._orders_max:
                self._partial.popitem(last=False)
            self._partial[order_id] = [trade]
        elif len(fills) < self._fills_max:
            fills.append(trade)

    def _close(self, order: OrderUpdated, sequence: int) -> None:
        order_id = order.order_id
        if _in_parts(order):
            fills = self._partial.pop(order_id, None)
            if fills is not None:
                if order.trade is not None and len(fills) < self._fills_max:
                    fills.append(order.trade)
                self._fills.put(order_id, fills)
        if len(self._age) >= self._orders_max:
            self._forget()
        self._closed.put(order_id, order)
        self._age.append(order)
        self._closed_at.append(sequence)

    def _forget(self) -> None:
        order = self._age.popleft()
        order_id = order.order_id
        self._closed.remove(order_id)
        if _in_parts(order) and self._fills.get(order_id) is not None:
            self._fills.remove(order_id)
        if order_id > self.forgotten_id:
            self.forgotten_id = order_id
        self.forgotten_sequence = self._closed_at.popleft()

    def find(self, order_id: int) -> OrderUpdated | None:
        """The closed order of that id, if it is here."""
        return self._closed.get(order_id)

    def covers(self, order_id: int) -> bool:
        """Whether an order of that id, if it has closed, must be here."""
        return order_id > self.forgotten_id

    def trades_of(self, order: OrderUpdated, last_trade_id: int) -> list[Trade] | None:
        """The trades of an order, oldest first, up to a trade id; None if not all of them are here.

        The order may also be an open one, as it was when that trade was the last.
        """
        if not order.executed_lots:
            return []
        trades = self._fills.get(order.order_id)
        if trades is None:
            trades = self._partial.get(order.order_id)
        if trades is None:
            trades = [order.trade] if order.trade is not None else []
        found = [trade for trade in trades if trade.trade_id <= last_trade_id]
        return found if _make(found, order) else None

    def check(self) -> None:
        """Assert what must hold between commands."""
        assert len(self._age) == len(self._closed_at) == len(self._closed) <= self._orders_max
        assert len(self._partial) <= self._orders_max
        for order in self._age:
            assert self._closed.get(order.order_id) is order
            assert order.status >= FILLED
            assert order.order_id not in self._partial
        assert len(self._fills) <= len(self._closed)


def _in_parts(order: OrderUpdated) -> bool:
    """Whether a closed order has other fills than the one in its last update."""
    trade = order.trade
    return order.executed_lots > 0 and (trade is None or trade.quantity_lots != order.executed_lots)


def _make(trades: list[Trade], order: OrderUpdated) -> bool:
    """Whether these trades are all that the order has."""
    return sum([trade.quantity_lots for trade in trades]) == order.executed_lots
