"""The writer: what the engine has applied becomes durable, and only then visible.

Entries arrive and leave in sequence order. A batch is what waits when the last commit is done. It becomes one row of
the journal. Then `durable_sequence` moves, and everything in the batch is released in one synchronous step, while the
next batch is already sent. Refusals and reads of memory wait in the same queue, so they too never show what a crash
could take back.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from exchange.core.commands import Command
from exchange.pipeline.commits import Applied, Batch, Store, commit_once, settle
from exchange.pipeline.histogram import Histogram
from exchange.pipeline.outcomes import Outcome, OutcomeUnknown
from exchange.pipeline.projector import Projector

ValueT = TypeVar("ValueT")

BATCH_MAX = 4096
GATHER_MAX_S = 0.01  # the longest that a commit waits for more commands


class Ticket(Protocol):
    """A request in the line: it gets the outcome of each of its commands, or may show the value it read."""

    @property
    def since(self) -> float:
        """What the reply timeout counts from, in the loop's time; infinity if no caller waits."""

    def resolve(self, index: int, outcome: Outcome) -> None:
        """Take the outcome of one command, now that it may be known. Never raises."""

    def give_up(self) -> None:
        """Report OutcomeUnknown for every command that is still unanswered. Never raises."""


class Waiter:
    """The ticket of a caller that waits for a future: a list of outcomes, one for each command."""

    __slots__ = ("future", "missing", "outcomes", "since")

    def __init__(self, future: "asyncio.Future[list[Outcome]]", commands: int, since: float) -> None:
        self.future = future
        self.outcomes: list[Outcome] = [None] * commands
        self.missing = commands
        self.since = since

    def resolve(self, index: int, outcome: Outcome) -> None:
        """Fill one place; the last one wakes the waiter, unless it has given up."""
        self.outcomes[index] = outcome
        self.missing -= 1
        if not self.missing and not self.future.done():
            self.future.set_result(self.outcomes)

    def give_up(self) -> None:
        """Fail the future with OutcomeUnknown, unless it is done already."""
        if not self.future.done():
            self.future.set_exception(OutcomeUnknown())


class Reading(Generic[ValueT]):
    """The ticket of a read: the value it found, for a caller that waits for a future."""

    __slots__ = ("_value", "future", "since")

    def __init__(self, future: "asyncio.Future[ValueT]", value: ValueT, since: float) -> None:
        self.future = future
        self._value = value
        self.since = since

    def resolve(self, index: int, outcome: Outcome) -> None:
        """Everything that the value can show is durable."""
        if not self.future.done():
            self.future.set_result(self._value)

    def give_up(self) -> None:
        """It is not known whether what the value shows is durable."""
        if not self.future.done():
            self.future.set_exception(OutcomeUnknown())


Entry = tuple[Ticket, int, Outcome]


class Writer:
    """One task that commits. `add` passes it an outcome, `durable_sequence` is the last sequence that is stored.

    It passes what has become durable to `released`, in order.
    """

    def __init__(
        self,
        store: Store[Batch],
        projector: Projector,
        sequence: int,
        *,
        released: Callable[[list[Entry]], None] = lambda entries: None,
        reply_timeout_s: float = 5.0,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self.durable_sequence = sequence
        self.committed: Counter[type[Command]] = Counter()
        self.batch_sizes = Histogram(powers=12)
        self.commit_us = Histogram(powers=25)  # to half a minute
        self._store = store
        self._projector = projector
        self._released = released
        self._batch_max = batch_max
        self._reply_timeout_s = reply_timeout_s
        self._pending: deque[Entry] = deque()
        self._committing: list[Entry] = []
        self._committed: list[Entry] = []  # durable, and not released yet
        self._durable: list[Applied] = []  # what of them was stored
        self._committed_sequence = sequence
        self.committed_s = (0.0, 0.0)  # when the commit of what is released next began and ended, in the loop's time
        self._commit_s = 0.0  # the duration of the last commit
        self._answered = 0  # how many entries were released last
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._wanted = 0  # how many outcomes the next commit waits for
        self._enough = asyncio.Event()
        self._ended = False

    def add(self, ticket: Ticket, index: int, outcome: Outcome) -> None:
        """Line up an outcome: Applied goes to the database first, anything else waits for those before it."""
        if self._ended:
            ticket.give_up()
            return
        if not self._pending:
            if not isinstance(outcome, Applied) and self._idle.is_set():
                self._released([(ticket, index, outcome)])
                ticket.resolve(index, outcome)
                return
            self._wake.set()
            self._idle.clear()
        self._pending.append((ticket, index, outcome))
        if len(self._pending) == self._wanted:
            self._enough.set()

    @property
    def backlog(self) -> int:
        """How many outcomes are waiting to be released."""
        return len(self._pending) + len(self._committing) + len(self._committed)

    def wake(self) -> None:
        """Check the connection, also if nothing is waiting."""
        self._wake.set()

    async def drained(self) -> None:
        """Return once everything that was added is released."""
        await self._idle.wait()

    async def run(self) -> None:
        """Commit and release until cancelled."""
        try:
            while True:
                await self._wake.wait()
                if self._answered > 1 or len(self._pending) > 1:  # a client that trades alone does not wait for others
                    await asyncio.sleep(0)  # so that what the loop has ready joins this batch
                self._wake.clear()
                if not self._store.connected():
                    await settle(self._store, self.durable_sequence)
                while self._pending or self._committed:
                    if self._enough_for_the_next():
                        await self._commit_next()
                    else:
                        self._release()
                        await self._gather(self._answered // 2)
                        await self._projector.room()
                self._idle.set()
        finally:
            self._give_up()

    def _enough_for_the_next(self) -> bool:
        """Whether to begin the next commit before releasing what the last one made durable.

        Then the database works while the loop answers. This needs half as many entries as will be answered (see
        `_gather`).
        """
        waiting, answered = len(self._pending), len(self._committed)
        return waiting > 0 and waiting >= answered // 2 and self._projector.has_room(answered)

    async def _commit_next(self) -> None:
        """Begin the next commit, release what the last one made durable, and wait for it."""
        self._committing = self._take()
        began_s = asyncio.get_running_loop().time()
        if self._committed:
            commit = asyncio.create_task(self._commit())
            try:
                await asyncio.sleep(0)  # until it is sent
                self._release()
                durable = await commit
            finally:
                commit.cancel()
        else:
            durable = await self._commit()
        self._committed, self._committing, self._durable = self._committing, [], durable
        self.committed_s = (began_s, asyncio.get_running_loop().time())
        self._commit_s = self.committed_s[1] - began_s

    async def _gather(self, wanted: int) -> None:
        """Wait until half as many entries have arrived as were just answered, but no longer than the last commit took.

        Clients that send the next order as soon as the last is answered arrive one after the other. A commit with only
        the first of them would leave the rest to the next commit, and the loop and the database would wait for each
        other in turn. With half of them in each commit both have work. A client that trades alone does not wait.
        """
        if not wanted:
            return
        await asyncio.sleep(0)
        if len(self._pending) >= wanted:
            return
        if not self._pending:
            self._idle.set()
        self._wanted = wanted
        self._enough.clear()
        long_enough = asyncio.get_running_loop().call_later(min(self._commit_s, GATHER_MAX_S), self._enough.set)
        await self._enough.wait()
        long_enough.cancel()
        self._wanted = 0

    def _take(self) -> list[Entry]:
        """The next batch, in the order of arrival."""
        pending = self._pending
        if len(pending) <= self._batch_max:
            self._pending = deque()
            return list(pending)
        return [pending.popleft() for _ in range(self._batch_max)]

    async def _commit(self) -> list[Applied]:
        """Store what of the batch is to be stored; that."""
        applied = [outcome for _, _, outcome in self._committing if isinstance(outcome, Applied)]
        if applied:
            batch = Batch(self._committed_sequence, applied)
            assert applied[0].sequence == batch.from_sequence + 1
            assert batch.to_sequence == batch.from_sequence + len(applied)
            await self._timed_commit(batch)
            self._committed_sequence = batch.to_sequence
        return applied

    def _release(self) -> None:
        """Show what has become durable, and tell those who wait."""
        entries, applied = self._committed, self._durable
        if applied:
            self.durable_sequence = applied[-1].sequence
            self._projector.add(applied)
        self._released(entries)
        self._committed, self._durable, self._answered = [], [], len(entries)
        for ticket, index, outcome in entries:
            ticket.resolve(index, outcome)

    async def _timed_commit(self, batch: Batch) -> None:
        """Commit, and count what became durable and how long it took, doubts included."""
        began_ns = time.monotonic_ns()
        await commit_once(self._store, batch)
        self.commit_us.observe((time.monotonic_ns() - began_ns) // 1000)
        self.batch_sizes.observe(len(batch.applied))
        self.committed.update([entry.command.__class__ for entry in batch.applied])

    async def expire(self) -> None:
        """Tell waiters past the reply timeout that their outcome is unknown, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.25, self._reply_timeout_s / 4))
            expired_before = loop.time() - self._reply_timeout_s
            for entries in (self._committed, self._committing, self._pending):
                for ticket, _, _ in entries:
                    if ticket.since == math.inf:
                        continue  # no caller waits for it, but later entries may have one
                    if ticket.since > expired_before:
                        break
                    ticket.give_up()

    def _give_up(self) -> None:
        """The writer ends: answer every waiting caller, and every later one at once."""
        self._ended = True
        for ticket, _, _ in [*self._committed, *self._committing, *self._pending]:
            ticket.give_up()
