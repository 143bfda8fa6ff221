"""A query for tests: whatever a function copies from the venue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exchange.core.venue import Venue

CopyT = TypeVar("CopyT")


@dataclass
class Copy(Generic[CopyT]):
    """Answered by a function."""

    copy: Callable[[Venue], CopyT]

    def answer(self, venue: Venue) -> CopyT:
        """Call it."""
        return self.copy(venue)
