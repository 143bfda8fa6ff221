"""Lists of orders as they are told: the event, and what became of a list."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.commands import PlaceList

ENDED: Final = 2  # the status of an order from which on it has ended: see events.OrderStatus


class ListChange(IntEnum):
    """Why a list is told of."""

    PLACED = 0
    UPDATED = 1  # an order of it has another status
    DONE = 2  # all orders of it have ended
    READ = 3  # it did not change: this is a copy of the list as it is


class ListEnd(IntEnum):
    """How a list ended: as the last order of it did that did not end because another one had."""

    FILLED = 0
    CANCELED = 1
    EXPIRED = 2
    WORKING_ORDER_ENDED = 3  # the working order was not filled
    REFUSED_AT_TRIGGER = 4  # an order could not enter when its time had come


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Leg:
    """An order of a list, as it was last told; the name is the one that it was placed under. `status` is a number of
    events.OrderStatus."""

    order_id: int
    client_order_id: str | None
    status: int


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class ListUpdated:
    """A list after a command. `placed` is what was asked, and never changes; `legs` are its orders, as there.

    `end` is how the list ended, or would end if the orders that are open were not there: None where none has ended.
    `lists_sequence` counts the events of its user's lists without holes; 0 where nothing changed.
    """

    change: ListChange
    list_id: int
    placed: PlaceList
    legs: tuple[Leg, ...]
    end: ListEnd | None
    created_ns: int
    updated_ns: int
    lists_sequence: int

    @property
    def done(self) -> bool:
        """Whether all its orders have ended."""
        return all(leg.status >= ENDED for leg in self.legs)
