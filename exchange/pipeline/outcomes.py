"""What becomes of a command, and what else waits with commands until it may be seen."""

from typing import Final

from exchange.core.events import Duplicate, Rejected
from exchange.pipeline.commits import Applied


class Unchanged:
    """The outcome of a command that had nothing to change."""

    __slots__ = ()


class NotTaken:
    """The outcome of a later command of a batch whose market's queue is full: nothing was done."""

    __slots__ = ()


class Passed:
    """What is no command but waits in their line: a read, or the begin or end of a subscription."""

    __slots__ = ()

    def release(self) -> None:
        """Take effect, after the commands before it are published and before the next is."""


UNCHANGED: Final = Unchanged()
OVERLOADED: Final = NotTaken()
SEEN: Final = Passed()
"""The outcome of a read; its ticket has the value."""

Outcome = Applied | Rejected | Duplicate | Unchanged | NotTaken | Passed


class Overloaded(Exception):
    """The queues are full. Nothing was done; try again later."""


class Stopping(Exception):
    """The exchange is ending, and takes nothing more."""


class OutcomeUnknown(Exception):
    """The outcome was not confirmed in time; it may still happen."""
