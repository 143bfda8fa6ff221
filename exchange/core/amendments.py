"""Amendments of open orders: the command, the event, and the keys of reductions that were carried out."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mypy_extensions import mypyc_attr

REDUCTIONS_MAX: Final = 100_000  # keys that are remembered, to carry each reduction out once


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class AmendOrder:
    """Change an open order, named as in CancelOrder; each of the four is None where it stays as it is.

    `quantity_lots` is the new total, `reduce_lots` what it loses of its total. The same `key` with the same content
    reduces once; it is there exactly where `reduce_lots` is.
    """

    user_id: str
    market: str
    order_id: int | None
    client_order_id: str | None
    quantity_lots: int | None = None
    reduce_lots: int | None = None
    price_ticks: int | None = None
    new_client_order_id: str | None = None
    key: str | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Amended:
    """An order was changed: what it had before, and what it has since, None where that is the same.

    `amendment_id` counts the amendments of the venue from 1 without holes. `after_order_id` is the last order id that
    had been given: it says when a new client order id came among those of the orders that were placed.
    """

    amendment_id: int
    market: str
    user_id: str
    order_id: int
    client_order_id: str | None
    new_client_order_id: str | None
    price_ticks: int | None
    new_price_ticks: int | None
    quantity_lots: int
    new_quantity_lots: int | None
    key: str | None
    after_order_id: int
    time_ns: int

    def is_by(self, command: AmendOrder) -> bool:
        """Whether that command asks for this reduction once more."""
        by_id, name, price = command.order_id, command.client_order_id, command.price_ticks
        return (
            self.market == command.market
            and by_id in (None, self.order_id)
            and (name is None or name in (self.client_order_id, self.new_client_order_id))
            and self.quantity_lots - (self.new_quantity_lots or 0) == command.reduce_lots
            and price in ((None, self.price_ticks) if self.new_price_ticks is None else (self.new_price_ticks,))
            and self._names(command.new_client_order_id)
        )

    def _names(self, new_name: str | None) -> bool:
        if self.new_client_order_id is not None:
            return new_name == self.new_client_order_id
        return new_name is None or new_name == self.client_order_id


class Reductions:
    """The last reductions, by user and key."""

    def __init__(self, reductions_max: int = REDUCTIONS_MAX) -> None:
        self._reductions_max = reductions_max
        self._recent: OrderedDict[tuple[str, str], Amended] = OrderedDict()

    def find(self, user_id: str, key: str) -> Amended | None:
        """The reduction of that key, among those remembered."""
        return self._recent.get((user_id, key))

    def remember(self, amended: Amended) -> None:
        """Remember a reduction, and forget the oldest beyond the limit."""
        assert amended.key is not None
        self._recent[amended.user_id, amended.key] = amended
        if len(self._recent) > self._reductions_max:
            self._recent.popitem(last=False)

    def restore(self, reductions: Iterable[Amended]) -> None:
        """Put back what was stored, oldest first."""
        for amended in reductions:
            self.remember(amended)

    def all(self) -> list[Amended]:
        """Those remembered, oldest first."""
        return list(self._recent.values())
