"""Cancel-all-after: at a time all orders of a user end, in one market or in all, unless the user puts the time off.

The times are journaled and stored, so that they pass whether or not the exchange runs. What is due is carried out by a
command of its own (`RunTimer`), before a market takes any other.
"""

from dataclasses import dataclass
from typing import Final

from sortedcontainers import SortedList

TIMEOUT_MAX_MS: Final = 24 * 60 * 60 * 1000
NS_PER_MS: Final = 1_000_000
NEVER_NS: Final = (1 << 62) - 1  # in the year 2116

Timer = tuple[str, str | None, int]  # the user, the market or None for all, and when it is due


@dataclass(slots=True)
class CancelAllAfter:
    """Cancel all orders of a user after so many milliseconds, in one market or in all (None); 0 takes it back.

    It replaces the user's earlier timer of the same market, or of all.
    """

    user_id: str
    market: str | None
    timeout_ms: int


@dataclass(slots=True)
class RunTimer:
    """Cancel what the first timer that is due says."""


@dataclass(slots=True)
class TimerSet:
    """A timer is due at that time, or is there no more (None)."""

    user_id: str
    market: str | None
    due_ns: int | None


class Timers:
    """The timers that run: at most one for each user and market, and one for all markets. `next_ns` is the earliest
    time."""

    __slots__ = ("_by_time", "_due_ns", "next_ns")

    def __init__(self) -> None:
        self._due_ns: dict[tuple[str, str], int] = {}
        self._by_time: SortedList[tuple[int, str, str]] = SortedList()
        self.next_ns = NEVER_NS

    def due_ns(self, user_id: str, market: str | None) -> int | None:
        """When the timer is due, if it runs."""
        return self._due_ns.get((user_id, market or ""))

    def set(self, user_id: str, market: str | None, due_ns: int | None) -> None:
        """The timer is due at that time from now on, or is there no more."""
        key = (user_id, market or "")
        before_ns = self._due_ns.pop(key, None)
        if before_ns is not None:
            self._by_time.remove((before_ns, *key))
        if due_ns is not None:
            self._due_ns[key] = due_ns
            self._by_time.add((due_ns, *key))
        self.next_ns = self._by_time[0][0] if self._by_time else NEVER_NS

    def due(self, now_ns: int) -> Timer | None:
        """The first timer whose time is over."""
        if self.next_ns > now_ns:
            return None
        due_ns, user_id, market = self._by_time[0]
        return user_id, market or None, due_ns

    def all(self) -> list[Timer]:
        """All of them, by time."""
        return [(user_id, market or None, due_ns) for due_ns, user_id, market in self._by_time]

    def check(self) -> None:
        """Assert that both orders hold the same."""
        assert list(self._by_time) == sorted((due_ns, *key) for key, due_ns in self._due_ns.items())
        assert self.next_ns == (self._by_time[0][0] if self._by_time else NEVER_NS)
