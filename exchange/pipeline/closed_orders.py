"""The orders that closed last, in memory, with their fills: most questions about a closed order come soon after.

They are taken in as they are released, so what is here is durable. What was closed before the start of the process, or
has made room for later ones, is in the database; `covers` says of an id whether that may be so. The cost of an order is
one entry when it closes, and none before that unless it fills in parts. What closed at about the same time is kept
together; room is made in the oldest of these parts, in any order.
"""

from collections import OrderedDict, deque
from typing import Final

from exchange.core.events import OrderStatus, OrderUpdated, Trade
from exchange.pipeline.commits import Applied
from exchange.pipeline.writer import Entry

FILLS_MAX = 16  # kept of one order; an order with more has its fills in the database only
PARTS: Final = 8  # of all orders that are kept
PART_MAX: Final = 1 << 14  # orders; a dict of more pauses when it grows
FILLED: Final = OrderStatus.FILLED


class _Part:
    """Orders that closed one after the other, up to a sequence, with the fills of those that have several, or none in
    their update. `last_id` is the highest id that was ever among them."""

    __slots__ = ("fills", "last_id", "orders", "sequence")

    def __init__(self) -> None:
        self.orders: dict[int, OrderUpdated] = {}
        self.fills: dict[int, list[Trade]] = {}
        self.last_id = 0
        self.sequence = 0


class ClosedOrders:
    """The last `orders_max` orders that closed, by id.

    `last_order_id` and `sequence` are those of the venue at the start: nothing up to there is known here.
    """

    __slots__ = (
        *("_count", "_fills_max", "_orders_max", "_part_max", "_partial", "_parts", "_youngest"),
        *("forgotten_id", "forgotten_sequence"),
    )

    def __init__(self, orders_max: int, last_order_id: int, sequence: int, *, fills_max: int = FILLS_MAX) -> None:
        assert orders_max > 0
        self._fills_max = fills_max
        self._orders_max = orders_max
        self._part_max = max(1, min(orders_max // PARTS, PART_MAX))
        self._count = 0
        self._youngest = _Part()
        self._parts: deque[_Part] = deque([self._youngest])  # the oldest first
        self._partial: OrderedDict[int, list[Trade]] = OrderedDict()  # the fills of orders that are not closed yet
        self.forgotten_id = last_order_id  # no closed order of a higher id is missing here
        self.forgotten_sequence = sequence  # nor one that closed after it

    def __len__(self) -> int:
        return self._count

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
        order_id, part = order.order_id, self._youngest
        if len(part.orders) >= self._part_max:
            part = self._youngest = _Part()
            self._parts.append(part)
        if _in_parts(order):
            fills = self._partial.pop(order_id, None)
            if fills is not None:
                if order.trade is not None and len(fills) < self._fills_max:
                    fills.append(order.trade)
                part.fills[order_id] = fills
        part.orders[order_id] = order
        part.sequence = sequence
        if order_id > part.last_id:
            part.last_id = order_id
        self._count += 1
        if self._count > self._orders_max:
            self._forget()

    def _forget(self) -> None:
        oldest = self._parts[0]
        if oldest.last_id > self.forgotten_id:
            self.forgotten_id = oldest.last_id
        self.forgotten_sequence = oldest.sequence
        order_id, _ = oldest.orders.popitem()
        if oldest.fills:
            oldest.fills.pop(order_id, None)
        self._count -= 1
        if not oldest.orders:
            self._parts.popleft()

    def find(self, order_id: int) -> OrderUpdated | None:
        """The closed order of that id, if it is here."""
        for part in reversed(self._parts):
            order = part.orders.get(order_id)
            if order is not None:
                return order
        return None

    def _fills(self, order_id: int) -> list[Trade] | None:
        for part in reversed(self._parts):
            fills = part.fills.get(order_id)
            if fills is not None:
                return fills
        return None

    def covers(self, order_id: int) -> bool:
        """Whether an order of that id, if it has closed, must be here."""
        return order_id > self.forgotten_id

    def trades_of(self, order: OrderUpdated, last_trade_id: int) -> list[Trade] | None:
        """The trades of an order, oldest first, up to a trade id; None if not all of them are here.

        The order may also be an open one, as it was when that trade was the last.
        """
        if not order.executed_lots:
            return []
        trades = self._fills(order.order_id)
        if trades is None:
            trades = self._partial.get(order.order_id)
        if trades is None:
            trades = [order.trade] if order.trade is not None else []
        found = [trade for trade in trades if trade.trade_id <= last_trade_id]
        return found if _make(found, order) else None

    def check(self) -> None:
        """Assert what must hold between commands."""
        assert self._count == sum(len(part.orders) for part in self._parts) <= self._orders_max
        assert self._parts[-1] is self._youngest
        assert len(self._partial) <= self._orders_max
        for part in self._parts:
            assert len(part.orders) <= self._part_max
            assert part.fills.keys() <= part.orders.keys()
            for order_id, order in part.orders.items():
                assert order_id == order.order_id <= part.last_id
                assert order.status >= FILLED
                assert order_id not in self._partial


def _in_parts(order: OrderUpdated) -> bool:
    """Whether a closed order has other fills than the one in its last update."""
    trade = order.trade
    return order.executed_lots > 0 and (trade is None or trade.quantity_lots != order.executed_lots)


def _make(trades: list[Trade], order: OrderUpdated) -> bool:
    """Whether these trades are all that the order has."""
    return sum([trade.quantity_lots for trade in trades]) == order.executed_lots
