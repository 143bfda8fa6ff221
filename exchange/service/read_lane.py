"""The lane of reads: while orders wait for their commit, reads get no more than a share of the event loop's time.

Reads are the queries of memory and of the database, and the look-ups of refused cancels. Without a limit, 64
connections that ask for pages of fills take nearly all of the loop, because each connection gets as many turns as one
that trades. When no order waits, a read is done at once, unless others have just used up the loop's turn.

Time is measured, not guessed, where it can be: the steps of a read's task are. What a read costs elsewhere (its bytes
are received and parsed, its rows are decoded, its reply is sent) is added as a constant and a factor. Each step of a
task waits for its turn, not only the first: many reads may begin while no order waits, and be at work when one comes.
A client waits for its reply before it asks again, or until it has as many requests unanswered as its connection may
have. So a read that waits here also slows down the client that sends it, and what is waiting has a limit.
"""

import asyncio
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from exchange.pipeline.outcomes import Overloaded

MEMORY: Final = "memory"  # what memory answers
HISTORY: Final = "history"  # what the database answers
LANES: Final = (MEMORY, HISTORY)

WAITING_MAX = 4_000  # reads of one lane
WAIT_MAX_S = 5.0  # then a read that waits is refused
SHARE = 0.25  # of the loop's time, for both lanes together
CREDIT_MAX_S = 0.002  # of time that was not used, which reads may use up at once
DEBT_MAX_S = 0.05  # of time that reads used while no order waited, which they do without when one comes
LINGER_S = 0.0005  # orders count as waiting for so long after the last one's release: its client sends the next
LINGER_TURNS = 3  # and for so many turns of the loop: it receives the next, wakes the market's task, and applies it
STEP_S = 0.0005  # while no order waits, reads get so much of one turn of the loop: the next may bring an order
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
    __slots__ = ("counts", "resuming", "step_s", "used_s", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.resuming: deque[asyncio.Future[None]] = deque()  # tasks that have begun: they go first
        self.counts = Counts()
        self.used_s = 0.0  # of the loop's time
        self.step_s = 0.0  # what a step of a task costs, by those before


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
        self._turn_s = 0.0  # what reads have used of this turn of the loop
        self._turn_ends = False  # a callback will see its end

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
        if not self._scheduled and self._turn_s < STEP_S and not self._pass(now):
            try:
                work()
            finally:
                self._charge(own, self._clock() - now + price_s)
            return True
        if len(own.waiting) >= self._waiting_max:
            own.counts.refused += 1
            raise Overloaded
        own.counts.delayed += 1
        self._come(own)
        own.waiting.append(_Waiting(work, refuse, now, price_s))
        return False

    def _come(self, own: _Lane) -> None:
        """Something will wait in the lane."""
        if not own.waiting and not own.resuming:
            # A lane that was empty has saved nothing: else it would have all turns until it has caught up.
            own.used_s = max(own.used_s, min((other.used_s for other in self._busy_lanes()), default=own.used_s))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._serve)

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
        """The same coroutine, its steps charged to the lane, each in its turn."""
        return self._measured(self._lanes[lane], work, UNMEASURED if lane == HISTORY else 1.0)

    async def _measured(self, lane: _Lane, work: Coroutine[Any, Any, None], factor: float) -> None:
        await self._steps(lane, work, factor)

    @types.coroutine
    def _steps(self, lane: _Lane, work: Coroutine[Any, Any, None], factor: float) -> Generator[Any, Any, None]:
        """Do a coroutine's steps as a task would, with a turn before each but the first, which has had one."""
        thrown: BaseException | None = None
        while True:
            began = self._clock()
            try:
                awaited = work.send(None) if thrown is None else work.throw(thrown)
            except StopIteration:
                return
            finally:
                spent_s = (self._clock() - began) * factor
                lane.step_s += (spent_s - lane.step_s) / 8
                self._charge(lane, spent_s)
            thrown = None
            try:
                yield awaited
                if self._must_wait():
                    yield from self._resumption(lane)
            except GeneratorExit:
                work.close()  # here alone: a compiled coroutine that has ended cannot be closed
                raise
            except BaseException as error:  # a cancellation, such as one by a time limit, is the work's to handle
                thrown = error

    def _must_wait(self) -> bool:
        """Whether a task that has begun waits for its next step."""
        if self._scheduled or self._turn_s >= STEP_S:
            return True
        return self._pass(self._clock()) and self._credit_s <= 0

    def _resumption(self, lane: _Lane) -> "asyncio.Future[None]":
        """What is done when it is a task's turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._come(lane)
        lane.resuming.append(turn)
        return turn

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
        self._turn_s += spent_s
        if not self._turn_ends:
            self._turn_ends = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_ends, self._turn_s = False, 0.0

    def _pass(self, now: float) -> bool:
        """Credit the time that has passed: all of it if no order waits, else the share. Whether orders wait."""
        passed_s, self._credited = now - self._credited, now
        if self._orders_wait(now):
            self._credit_s = min(self._credit_s + self._share * passed_s, CREDIT_MAX_S)
            return True
        self._credit_s = min(max(self._credit_s + passed_s, -DEBT_MAX_S), CREDIT_MAX_S)
        return False

    # --- turns

    def _busy_lanes(self) -> list[_Lane]:
        return [lane for lane in self._lanes.values() if lane.waiting or lane.resuming]

    def _serve(self) -> None:
        """Begin or resume what waits, for a short time or until the share is used up."""
        began = now = self._clock()
        self._quiet_turns += 1
        promised_s = 0.0  # to tasks, which have their step later in this turn of the loop
        while lanes := self._busy_lanes():
            orders_wait = self._pass(now)
            if orders_wait and self._credit_s <= promised_s:
                delay_s = min((promised_s - self._credit_s) / self._share, LINGER_S)
                asyncio.get_running_loop().call_later(max(delay_s, 0.001), self._serve)
                return
            if now - began + promised_s >= (CREDIT_MAX_S if orders_wait else STEP_S):
                asyncio.get_running_loop().call_soon(self._serve)
                return
            lane = min(lanes, key=lambda lane: lane.used_s)
            if lane.resuming:
                turn = lane.resuming.popleft()
                if not turn.done():  # its task has not been canceled
                    turn.set_result(None)
                    promised_s += lane.step_s
            else:
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
