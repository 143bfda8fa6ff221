"""The engine: bounded queues into the markets, one task a market, and one for what concerns the whole venue.

A task takes what is in its queue, stamps sequence and time, applies, and hands the outcome to the writer, without
waiting in between: so the ledger that all markets share needs no locks, and `sequence` is a total order.

What is submitted but not yet released is bounded here, so that nothing behind this point ever meets a full queue.
Cancels have room of their own above the bound.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from exchange.core.commands import CancelAll, CancelOrder, Command, PassTime, PlaceOrder, SetMarket
from exchange.core.venue import Outcome, Venue
from exchange.pipeline.commits import Applied
from exchange.pipeline.writer import Ticket, Waiter, Writer

Read = TypeVar("Read")

YIELD_EVERY = 512  # commands; then the loop gets a turn


class Overloaded(Exception):
    """The queues are full. Nothing was done; try again later."""


class Stopping(Exception):
    """The exchange is ending, and takes nothing more."""


OVERLOADED = object()  # the outcome of a batch's later commands when their market's queue is full


class _Run:
    """Commands of one ticket for one queue, and the runs that follow when these are applied."""

    __slots__ = ("after", "commands", "first", "ticket")

    def __init__(self, ticket: Ticket, first: int, commands: Sequence[Command], after: "_Run | None") -> None:
        self.ticket = ticket
        self.first = first  # the place of the first of them in the ticket
        self.commands = commands
        self.after = after


class _Line:
    """The runs that wait for one task, in the order they came.

    What has come since the task's last turn is one entry of its queue, and grows until it is taken: so a queue is
    asked, and a task woken, once for all of it and not once an order.
    """

    __slots__ = ("_coming", "_queue", "waiting")

    def __init__(self) -> None:
        self.waiting = 0  # runs that are not applied
        self._queue: asyncio.Queue[list[_Run]] = asyncio.Queue(maxsize=1)
        self._coming: list[_Run] | None = None  # what is in the queue

    def put(self, run: _Run) -> None:
        """Get in line."""
        self.waiting += 1
        if self._coming is not None:
            self._coming.append(run)
            return
        self._coming = [run]
        self._queue.put_nowait(self._coming)

    async def take(self) -> list[_Run]:
        """All that wait, once there are any; `taken` is to say when they are dealt with."""
        runs = await self._queue.get()
        self._coming = None
        return runs

    def taken(self) -> None:
        """What was taken is dealt with."""
        self._queue.task_done()

    async def empty(self) -> None:
        """Return once everything is dealt with."""
        await self._queue.join()

    def left(self) -> list[_Run]:
        """What nobody takes any more."""
        return self._coming or []


class Engine:
    """Takes commands, answers with futures. `run` is its tasks."""

    def __init__(
        self,
        venue: Venue,
        writer: Writer,
        now_ns: Callable[[], int],
        *,
        market_queue_max: int = 10_000,
        backlog_max: int = 20_000,
    ) -> None:
        self.venue = venue
        self.now_ns = now_ns
        self.clock_offset_ns = 0  # the time of commands less the machine's clock, when they differ
        self._writer = writer
        self._time_ns = venue.time_ns
        self._market_queue_max = market_queue_max
        self._backlog_max = backlog_max
        self._lines: dict[str | None, _Line] = {}
        self._queued = 0  # commands taken and not yet applied
        self._group: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.stopping = False
        self._ended = False

    @property
    def durable_sequence(self) -> int:
        """The last sequence that is stored, and so may be seen."""
        return self._writer.durable_sequence

    def queued(self) -> tuple[int, int]:
        """Requests that wait to be applied: of all queues, and of the longest one."""
        waiting = [line.waiting for line in self._lines.values()]
        return sum(waiting), max(waiting, default=0)

    # --- asking

    async def submit(self, command: Command) -> Any:
        """One command: Applied, Rejected or Duplicate, once it is durable.

        Raises Overloaded, Stopping or OutcomeUnknown.
        """
        return (await self.submit_all((command,)))[0]

    async def carry_out(self, command: Command) -> Any:
        """One command of the exchange itself, which waits for its outcome however long the database takes.

        Raises Overloaded or Stopping, and OutcomeUnknown only when the exchange ends.
        """
        return (await self._submit((command,), math.inf))[0]

    def submit_all(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """Several commands of one client, applied in the order given; a list of outcomes, one each.

        They are cut into runs of one market; a run is queued when the one before it is applied, so nothing overtakes.
        Raises Overloaded or Stopping at once, with nothing done; the outcome of a later run whose queue is full is
        OVERLOADED.
        """
        return self._submit(commands, self.loop_time())

    def _submit(self, commands: Sequence[Command], since: float) -> "asyncio.Future[list[Any]]":
        """`since` is what the reply timeout counts from."""
        waiter = Waiter(asyncio.get_running_loop().create_future(), len(commands), since)
        self.enter(waiter, commands)
        return waiter.future

    def enter(self, ticket: Ticket, commands: Sequence[Command]) -> None:
        """Get the commands in line as `submit_all` does, for a ticket that is told of each as it is released."""
        if self.stopping:
            raise Stopping
        waiting = self._queued + self._writer.backlog + len(commands)
        if waiting > self._backlog_max and not (
            waiting <= self._backlog_max + self._market_queue_max and _only_cancels(commands)
        ):
            raise Overloaded
        if not self._enqueue(_runs(ticket, commands)):
            raise Overloaded
        self._queued += len(commands)

    def read(self, copy: Callable[[Venue], Read]) -> "asyncio.Future[list[Read]]":
        """What `copy` takes from memory now, once everything it can have seen is durable; a list of that one value.

        Raises Overloaded when too much is waiting already, or Stopping.
        """
        if self._ended:
            raise Stopping
        loop = asyncio.get_running_loop()
        if self._writer.backlog > self._backlog_max:
            raise Overloaded
        waiter = Waiter(loop.create_future(), 1, loop.time())
        self._writer.add(waiter, 0, copy(self.venue))
        return waiter.future

    def loop_time(self) -> float:
        """The loop's time, which reply timeouts count from. To ask for the running loop is a system call each time."""
        assert self._loop is not None
        return self._loop.time()

    def pass_time(self) -> bool:
        """Have the time written down; whether there was room for that."""
        try:
            self.enter(_NOBODY, (PassTime(),))
        except (Overloaded, Stopping):
            return False
        return True

    def time_ns(self) -> int:
        """The time as commands get it: when the clock goes back, it stands."""
        self._time_ns = max(self.now_ns(), self._time_ns)
        return self._time_ns

    # --- running

    def start(self, group: asyncio.TaskGroup) -> None:
        """Start a task a market, and the venue's, in the group; they run until they are cancelled."""
        self._group, self._loop = group, asyncio.get_running_loop()
        self._open_line(None)
        for symbol in self.venue.markets:
            self._open_line(symbol)

    async def stop(self) -> None:
        """Take nothing more, and return once everything taken is released."""
        self.stopping = True
        while self._queued:  # a run may be followed by one for a queue that was already empty
            for line in list(self._lines.values()):
                await line.empty()
        await self._writer.drained()

    def _open_line(self, symbol: str | None) -> None:
        assert self._group is not None
        line = self._lines[symbol] = _Line()
        self.tasks.append(self._group.create_task(self._serve(line), name=f"market {symbol}" if symbol else "venue"))

    def _enqueue(self, run: _Run) -> bool:
        command = run.commands[0]
        # A market that is not there has no line; the venue's task will say so.
        line = self._lines.get(_market_of(command)) or self._lines[None]
        waiting, bound = line.waiting, self._market_queue_max
        if waiting >= bound and (waiting >= 2 * bound or not _only_cancels(run.commands)):
            return False
        line.put(run)
        return True

    async def _serve(self, line: _Line) -> None:
        applied, done = 0, 0
        runs: list[_Run] = []
        try:
            while True:
                runs, done = await line.take(), 0
                for run in runs:
                    if self._ended:
                        return
                    for index, command in enumerate(run.commands, run.first):
                        self._writer.add(run.ticket, index, self._apply(command))
                    self._queued -= len(run.commands)
                    line.waiting -= 1
                    if run.after is not None:
                        self._follow(run.after)
                    done += 1
                    applied += len(run.commands)
                    if applied >= YIELD_EVERY:
                        applied = 0
                        await asyncio.sleep(0)
                line.taken()
        finally:
            self._end([*runs[done:], *line.left()])

    def _end(self, left: Sequence[_Run]) -> None:
        """A task ends. If that is a bug of the core, what the venue holds may be wrong: from this moment on nothing is
        done on top of it, nobody reads it, and nobody is left waiting."""
        self._ended = self.stopping = True
        for run in left:
            run.ticket.give_up()

    def _follow(self, run: _Run | None) -> None:
        while run is not None and not self._enqueue(run):
            self._queued -= len(run.commands)
            for index in range(run.first, run.first + len(run.commands)):
                self._writer.add(run.ticket, index, OVERLOADED)
            run = run.after

    def _apply(self, command: Command) -> Any:
        venue = self.venue
        sequence, time_ns = venue.sequence + 1, self.time_ns()
        outcome: Outcome = venue.apply(command, sequence, time_ns)
        if not isinstance(outcome, list):
            return outcome
        if isinstance(command, SetMarket) and command.instrument.symbol not in self._lines:
            self._open_line(command.instrument.symbol)
        return Applied(sequence, time_ns, command, outcome) if outcome else outcome


def _market_of(command: Command) -> str | None:
    """The market whose line the command goes through; None is the whole venue's."""
    if isinstance(command, (PlaceOrder, CancelOrder, CancelAll)):
        return command.market
    return None


def _only_cancels(commands: Sequence[Command]) -> bool:
    return all(isinstance(command, _CANCELS) for command in commands)


class _Nobody:
    """The ticket of what nobody waits for."""

    since = math.inf

    def resolve(self, index: int, outcome: Any) -> None:
        """Nobody is told."""

    def give_up(self) -> None:
        """Nobody misses it."""


_NOBODY = _Nobody()
_CANCELS = (CancelOrder, CancelAll)


def _runs(ticket: Ticket, commands: Sequence[Command]) -> _Run:
    """The commands cut where the market changes, as a chain."""
    if len(commands) == 1:
        return _Run(ticket, 0, commands, None)
    runs: list[list[Command]] = []
    symbols: list[str | None] = []
    for command in commands:
        symbol = _market_of(command)
        if not symbols or symbols[-1] != symbol:
            symbols.append(symbol)
            runs.append([])
        runs[-1].append(command)
    following: _Run | None = None
    first = len(commands)
    for run in reversed(runs):
        first -= len(run)
        following = _Run(ticket, first, run, following)
    assert following is not None
    return following
