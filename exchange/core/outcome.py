"""What `Venue.apply` answers: the command was carried out, or it was refused or seen before, or it changed nothing."""

from dataclasses import dataclass

from mypy_extensions import mypyc_attr

from exchange.core.commands import Command
from exchange.core.events import Duplicate, Event, OrderUpdated, Rejected


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Applied:
    """A command that was carried out: its sequence and time, and its events, of which there is at least one.

    `order` is the primary order of the command (the one that was placed or canceled), as the command leaves it; None
    where a command has none, or several of equal rank (`CancelAll`).
    """

    sequence: int
    time_ns: int
    command: Command
    events: list[Event]
    order: OrderUpdated | None

    def __init__(
        self, sequence: int, time_ns: int, command: Command, events: list[Event], order: OrderUpdated | None = None
    ) -> None:
        self.sequence = sequence
        self.time_ns = time_ns
        self.command = command
        self.events = events
        self.order = order


@mypyc_attr(acyclic=True)
class Replaced(Applied):
    """A replacement that was carried out: what became of the cancel, and of the order; at least one of them happened.

    Each is the order as the command leaves it, or why it was refused. The primary order is the one that was placed, or
    else the one that was canceled.
    """

    def __init__(self, done: Applied, canceled: OrderUpdated | Rejected, placed: OrderUpdated | Rejected) -> None:
        primary = placed if isinstance(placed, OrderUpdated) else canceled
        assert isinstance(primary, OrderUpdated)
        Applied.__init__(self, done.sequence, done.time_ns, done.command, done.events, primary)
        self.canceled = canceled
        self.placed = placed


Outcome = Applied | Rejected | Duplicate | None
"""None: the command asks for what is so already, and changes nothing."""
