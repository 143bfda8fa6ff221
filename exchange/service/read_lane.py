"""The lane of reads: while orders wait for their commit, reads get no more than a share of the event loop's time.

Reads are the queries of memory and of the database, and the look-ups of refused cancels. Without a limit, 64
connections that ask for pages of fills take nearly all of the loop, because each connection gets as many turns as one
that trades. When no order waits, a read is done at once.

Time is measured, not guessed, where it can be: the steps of a read's task are. What a read costs elsewhere (its bytes
are received and parsed, its rows are decoded, its reply is sent) is added as a constant and a factor. A client waits
for its reply before it asks again, or until it has as many requests unanswered as its connection may have. So a read
that waits here also slows down the client that sends it, and what is waiting has a limit.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol

from exchange.pipeline.outcomes import Overloaded

MEMORY: Final = "memory"  # what memory answers
HISTORY: Final = "history"  # what the database answers
LANES: Final = (MEMORY, HISTORY)

WAITING_MAX = 4_000  # reads of one lane
WAIT_MAX_S = 5.0  # then a read that waits is refused
SHARE = 0.25  # of the loop's time, for both lanes together
CREDIT_MAX_S = 0.002  # of time that was not used, which reads may use up at once
LINGER_S = 0.0005  # orders count as waiting for so long after the last one's release: its client sends the next
LINGER_TURNS = 3  # and for so many turns of the loop: it receives the next, wakes the market's task, and applies it
STEP_S = 0.0005  # reads that waited begin for so long in one turn of the loop
REQUEST_S = 0.000_06  # what a request costs that is not measured
UNMEASURED = 1.5  # the cost of a read from the database by what its task takes: rows are decoded before


class Commits(Protocol):
    """Where it is seen whether orders wait: the engine."""

    @property
    def applied_sequence(self) -> int:
        """The last command that is applied."""

    @property
    def durable_sequence(self) -> int:
        """The last command that is durable."""


@dataclass(slots=True)
class Counts:
    """Reads of one lane since the start: all of them, those of them that waited, and those that were refused."""

    reads: int = 0
    delayed: int = 0
    refused: int = 0


class _Waiting:
    """A read that waits for its turn."""

    __slots__ = ("price_s", "refuse", "since", "work")

    def __init__(
        self, work: Callable[[], None], refuse: Callable[[BaseException], None], since: float, price_s: float
    ) -> None:
        self.work = work
        self.refuse = refuse
        self.since = since
        self.price_s = price_s


class _Lane:
    __slots__ = ("counts", "estimate_s", "used_s", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.counts = Counts()
        self.used_s = 0.0  # of the loop's time
        self.estimate_s = 0.0  # what a task takes, by those before


class ReadLane:
    """Has reads done at once, or in turn. The lane that has used less of the time goes first."""

    def __init__(
        self,
        commits: Commits,
        *,
        share: float = SHARE,
        waiting_max: int = WAITING_MAX,
        wait_max_s: float = WAIT_MAX_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        assert 0 < share < 1
        self._commits = commits
        self._share = share
        self._waiting_max = waiting_max
        self._wait_max_s = wait_max_s
        self._clock = clock
        self._lanes = {name: _Lane() for name in LANES}
        self._credit_s = CREDIT_MAX_S
        self._credited = clock()  # up to this time
        self._sequence = commits.applied_sequence
        self._busy_until = 0.0
        self._quiet_turns = LINGER_TURNS  # of the loop, without a command that was applied
        self._scheduled = False

    def counts(self, lane: str) -> Counts:
        """What a lane has counted."""
        return self._lanes[lane].counts

    def waiting(self, lane: str) -> int:
        """How many reads wait in a lane."""
        return len(self._lanes[lane].waiting)

    # --- asking for a turn

    def do(
        self, lane: str, work: Callable[[], None], refuse: Callable[[BaseException], None], price_s: float = REQUEST_S
    ) -> bool:
        """Do the work now, or in turn; whether it was done now.

        Raises Overloaded when too many wait, and what the work raises when it is done now. Work that is done later and
        fails, or has waited for too long, has its `refuse` called. `price_s` is what it costs beside the work itself.
        """
        own, now = self._lanes[lane], self._clock()
        own.counts.reads += 1
        if not self._scheduled and not self._orders_wait(now):
            try:
                work()
            finally:
                self._charge(own, self._clock() - now + price_s)
            return True
        if len(own.waiting) >= self._waiting_max:
            own.counts.refused += 1
            raise Overloaded
        own.counts.delayed += 1
        if not own.waiting:
            # A lane that was empty has saved nothing: else it would have all turns until it has caught up.
            own.used_s = max(own.used_s, min((other.used_s for other in self._busy_lanes()), default=own.used_s))
        own.waiting.append(_Waiting(work, refuse, now, price_s))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._serve)
        return False

    async def turn(self, lane: str, price_s: float = REQUEST_S) -> None:
        """Return in turn, having paid the price. Raises Overloaded."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin() -> None:
            if not turn.done():
                turn.set_result(None)

        def refuse(error: BaseException) -> None:
            if not turn.done():
                turn.set_exception(error)

        self.do(lane, begin, refuse, price_s)
        await turn

    def measured(self, lane: str, work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        """The same coroutine, its steps charged to the lane; an estimate of it is charged now."""
        own = self._lanes[lane]
        estimate_s = own.estimate_s
        self._charge(own, estimate_s)
        return self._measured(own, work, estimate_s)

    async def _measured(self, lane: _Lane, work: Coroutine[Any, Any, None], estimate_s: float) -> None:
        steps = _Steps(work, self._clock)
        try:
            await steps
        finally:
            took_s = steps.took_s * (UNMEASURED if lane is self._lanes[HISTORY] else 1.0)
            lane.estimate_s += (took_s - lane.estimate_s) / 8
            self._charge(lane, took_s - estimate_s)

    def charge(self, lane: str, spent_s: float) -> None:
        """Take from the share what a read costs that it only knew when it was done."""
        self._charge(self._lanes[lane], spent_s)

    # --- time

    def _orders_wait(self, now: float) -> bool:
        """Whether commands are applied and not yet durable, or were a moment ago."""
        applied = self._commits.applied_sequence
        if applied != self._sequence or self._commits.durable_sequence < applied:
            self._sequence = applied
            self._busy_until, self._quiet_turns = now + LINGER_S, 0
            return True
        return self._quiet_turns < LINGER_TURNS or now < self._busy_until

    def _charge(self, lane: _Lane, spent_s: float) -> None:
        lane.used_s += spent_s
        self._credit_s -= spent_s

    def _may_begin(self, now: float) -> bool:
        """Whether there is time for a read: no order waits, or the share is not used up."""
        if not self._orders_wait(now):
            self._credit_s, self._credited = CREDIT_MAX_S, now
            return True
        self._credit_s = min(self._credit_s + self._share * (now - self._credited), CREDIT_MAX_S)
        self._credited = now
        return self._credit_s > 0

    # --- turns

    def _busy_lanes(self) -> list[_Lane]:
        return [lane for lane in self._lanes.values() if lane.waiting]

    def _serve(self) -> None:
        """Begin what waits, for a short time or until the share is used up."""
        began = now = self._clock()
        self._quiet_turns += 1
        while lanes := self._busy_lanes():
            if not self._may_begin(now):
                delay_s = min(-self._credit_s / self._share, LINGER_S)
                asyncio.get_running_loop().call_later(max(delay_s, 0.001), self._serve)
                return
            if now - began >= STEP_S:
                asyncio.get_running_loop().call_soon(self._serve)
                return
            lane = min(lanes, key=lambda lane: lane.used_s)
            self._begin(lane, lane.waiting.popleft(), now)
            now = self._clock()
        self._scheduled = False

    def _begin(self, lane: _Lane, waiting: _Waiting, now: float) -> None:
        try:
            if now - waiting.since > self._wait_max_s:
                lane.counts.refused += 1
                raise Overloaded
            waiting.work()
        except Exception as error:  # one read's failure, and the others go on
            waiting.refuse(error)
        self._charge(lane, self._clock() - now + waiting.price_s)


class _Steps:
    """Awaits a coroutine, and measures how long its own steps take."""

    __slots__ = ("_clock", "_work", "took_s")

    def __init__(self, work: Coroutine[Any, Any, None], clock: Callable[[], float]) -> None:
        self._work = work
        self._clock = clock
        self.took_s = 0.0

    def __await__(self) -> Generator[Any, Any, None]:
        return self  # type: ignore[return-value]  # it has all that a generator is asked for

    def __iter__(self) -> "_Steps":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """One step."""
        began = self._clock()
        try:
            return self._work.send(value)
        finally:
            self.took_s += self._clock() - began

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """An exception, such as a cancellation."""
        error = kind if isinstance(kind, BaseException) else value if value is not None else kind()
        return self._work.throw(error)

    def close(self) -> None:
        """Nobody awaits it any more."""
        self._work.close()
