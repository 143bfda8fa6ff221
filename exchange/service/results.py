"""What commands come to, as data. With `Refused` and the exceptions of the pipeline, these are all there is."""

from dataclasses import dataclass
from typing import Protocol

from exchange.core.events import OrderUpdated, Trade
from exchange.core.instrument import Instrument
from exchange.core.outcome import Applied
from exchange.service.history import OrderRead


class Placed:
    """An order was placed; as its command left it."""

    __slots__ = ("applied", "rules")

    def __init__(self, applied: Applied, rules: Instrument) -> None:
        self.applied = applied
        self.rules = rules

    @property
    def order(self) -> OrderUpdated:
        """The order."""
        order = self.applied.order
        assert order is not None
        return order

    def trades(self) -> list[Trade]:
        """What the order took."""
        order_id, found = self.order.order_id, []
        for event in self.applied.events:
            if isinstance(event, Trade):
                if event.taker_order_id == order_id:
                    found.append(event)
            elif not isinstance(event, OrderUpdated):
                break  # levels and accounts come after all orders
        return found


class Canceled:
    """An order was canceled."""

    __slots__ = ("order", "rules")

    def __init__(self, order: OrderUpdated, rules: Instrument) -> None:
        self.order = order
        self.rules = rules


class Changed:
    """An order was amended, or its amendment was sent again; as it is after that."""

    __slots__ = ("order", "rules")

    def __init__(self, order: OrderUpdated, rules: Instrument) -> None:
        self.order = order
        self.rules = rules


class Known:
    """The order was placed before: a retry has found it, as it is now."""

    __slots__ = ("read", "rules")

    def __init__(self, read: OrderRead, rules: Instrument) -> None:
        self.read = read
        self.rules = rules


class Replaced:
    """One order was canceled and another placed, or one of both: each is the order, why it failed, or None.

    None is an order that a replacement of before has canceled, and that is not there any more.
    """

    __slots__ = ("canceled", "placed", "rules")

    def __init__(
        self, canceled: OrderUpdated | BaseException | None, placed: Placed | Known | BaseException, rules: Instrument
    ) -> None:
        self.canceled = canceled
        self.placed = placed
        self.rules = rules


Single = Placed | Canceled | Changed | Known
Result = Single | Replaced
BatchResult = Placed | Canceled | Changed | Known | BaseException


@dataclass(slots=True)
class CanceledAll:
    """The orders that were canceled, in all the markets that were asked for."""

    orders: list[OrderUpdated]


class Listener(Protocol):
    """The sender of one order, cancel, amendment or replacement. It gets one result, in the step that releases the
    command or later."""

    def done(self, result: Result) -> None:
        """Take the result."""

    def failed(self, error: BaseException) -> None:
        """Take the reason why there is none: Refused, or an exception that `code_of` knows."""

    def looks_up(self) -> None:
        """The command is done; its result needs a query of the database, which may take a while."""
