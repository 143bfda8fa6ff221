"""What becomes of a command, and what else waits with commands until it may be seen."""

from typing import Final

from exchange.core.events import Duplicate, Rejected
from exchange.core.outcome import Applied


class NotTaken:
    """The outcome of a later command of a batch whose market's queue is full: nothing was done."""

    __slots__ = ()


class Passed:
    """What is no command but waits in their line: a read, or the begin or end of a subscription."""

    __slots__ = ()

    def release(self) -> None:
        """Take effect, after the commands before it are published and before the next is."""


OVERLOADED: Final = NotTaken()
SEEN: Final = Passed()
"""The outcome of a read; its ticket has the value."""

Outcome = Applied | Rejected | Duplicate | NotTaken | Passed | None
"""None: the command asks for what is so already, and changes nothing."""


class Overloaded(Exception):
    """The queues are full. Nothing was done; try again later."""


class Stopping(Exception):
    """The exchange is ending, and takes nothing more."""


class OutcomeUnknown(Exception):
    """The outcome was not confirmed in time; it may still happen."""
