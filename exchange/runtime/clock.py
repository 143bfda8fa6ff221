"""The exchange's clock: the machine's, but it does not follow a jump ahead.

Time that has been written into the journal cannot be taken back. So a wall clock that jumps ahead by more than a bound,
beside a clock that nobody sets, is not followed while the exchange runs; the next start follows it. At a start there is
nothing to compare with but the last command, so only a gap of more than a year is refused.
(That time does not go back either is the engine's rule: there it stands.)
"""

import time
from collections.abc import Callable
from functools import partial

import structlog

from exchange.failure import Failure

NS_PER_S = 1_000_000_000
SHOWN_NS = NS_PER_S  # offsets below this are not worth a word
START_GAP_MAX_NS = 366 * 24 * 3600 * NS_PER_S
REMIND_NS = 60 * NS_PER_S
NEAR_NS = NS_PER_S  # a time so little after one that was believed is no jump

log = structlog.get_logger(__name__)


# A clock that nobody sets, and that goes on while the machine sleeps, where there is one.
steady_ns: Callable[[], int] = (
    partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns
)


class Clock:
    """`wall_ns` is the machine's clock, `last_ns` the time of the last command. Raises Failure at a gap of a year."""

    def __init__(
        self, wall_ns: Callable[[], int], steady_ns: Callable[[], int], *, last_ns: int, jump_max_s: float
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._last_ns = last_ns
        self._jump_max_ns = int(jump_max_s * NS_PER_S)
        self._near_from_ns, self._near_until_ns = (
            0,
            0,
        )  # wall times that are believed at once
        self._anchor: tuple[int, int] | None = None  # wall and steady time when they were last believed
        self._told_ns: int | None = None  # steady time of the last warning
        gap_ns = wall_ns() - last_ns
        if last_ns and gap_ns > max(START_GAP_MAX_NS, self._jump_max_ns):
            raise Failure(
                f"The machine's clock says {_shown(wall_ns())}, and the last command is of {_shown(last_ns)}. Set the "
                f"clock; if it is right, set [engine] clock_jump_max_s to {gap_ns // NS_PER_S + 86400} for this start."
            )

    def now_ns(self) -> int:
        """The time. Every command asks for it, so the steady clock is asked about once a second only."""
        wall = self._wall_ns()
        if self._near_from_ns <= wall < self._near_until_ns:
            return wall
        steady = self._steady_ns()
        if self._anchor is None:
            if wall < self._last_ns:
                return wall  # it has been ahead, or is behind: believed as soon as it has passed the last command
        else:
            expected = self._anchor[0] + steady - self._anchor[1]
            if wall - expected > self._jump_max_ns:
                return expected
            if expected - wall > self._jump_max_ns:
                return wall  # when it comes back, that is no jump
        self._anchor = wall, steady
        self._near_from_ns, self._near_until_ns = wall, wall + min(NEAR_NS, self._jump_max_ns)
        return wall

    def offset_ns(self, time_ns: int) -> int:
        """How far the exchange's time, which is `time_ns` now, is ahead of the machine's clock; 0 within a second.

        Above zero, time stands until the clock has caught up; below zero, the clock has jumped. Logs it now and then.
        """
        wall = self._wall_ns()
        offset = time_ns - wall
        steady = self._steady_ns()
        if abs(offset) < SHOWN_NS:
            if self._told_ns is not None:
                self._told_ns = None
                log.info("the clock agrees with the exchange's time again", time=_shown(time_ns))
            return 0
        if self._told_ns is None or steady - self._told_ns >= REMIND_NS:
            self._told_ns = steady
            what = (
                "the machine's clock is behind the last command; time stands until it has caught up"
                if offset > 0
                else "the machine's clock has jumped ahead and is not followed; a restart follows it"
            )
            log.warning(what, offset_s=round(offset / NS_PER_S, 3), time=_shown(time_ns), clock=_shown(wall))
        return offset


def _shown(time_ns: int) -> str:
    seconds = time_ns // NS_PER_S
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s"
