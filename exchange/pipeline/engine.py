"""The engine: bounded queues into the markets, one task a market, and one for commands of the whole venue.

A task takes what is in its queue, assigns sequence and time, applies, and passes the outcome to the writer, without an
`await` in between. So the ledger that all markets share needs no locks, and `sequence` is a total order.

What is submitted but not yet released is bounded here, so that nothing after this point ever meets a full queue.
Cancels, and changes of a status, have room of their own above the bound.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from exchange.core.administration import SetUserStatus
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    EndSocket,
    ExpireDue,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceOrder,
    RunTriggered,
    SetMarket,
    SetMarketStatus,
)
from exchange.core.full_market import FullMarket
from exchange.core.public import Channel
from exchange.core.timers import NEVER_NS, CancelAllAfter, RunTimer
from exchange.core.venue import Venue
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.open_orders import OpenOrdersCopy, see_all
from exchange.pipeline.outcomes import OVERLOADED, SEEN, Outcome, Overloaded, Stopping
from exchange.pipeline.subscriber import Subscriber
from exchange.pipeline.subscriptions import Joining, Leaving
from exchange.pipeline.writer import Reading, Ticket, Waiter, Writer

ResultT = TypeVar("ResultT", covariant=True)

YIELD_EVERY = 512  # commands; then the loop gets a turn
TRIGGERED_MAX = 8  # orders that enter in one go; then the loop gets its turns
CASCADE_TURNS = 3  # an answer to an order of another market takes several
FULL_S = 0.01  # between such goes, while the database is far behind them
DUE_MAX = 256  # orders that end in one go
ALL_OF_A_SOCKET = 2**31 - 1  # they are open orders, which are bounded


class Query(Protocol[ResultT]):
    """A question about live memory, as data. The engine has it answered, and shows the result once it is durable."""

    def answer(self, venue: Venue) -> ResultT:
        """Copy what is asked for; the result shares nothing that changes."""


class _Run:
    """Commands of one ticket for one queue, and the runs that follow when these are applied."""

    __slots__ = ("after", "commands", "first", "ticket")

    def __init__(self, ticket: Ticket, first: int, commands: Sequence[Command], after: "_Run | None") -> None:
        self.ticket = ticket
        self.first = first  # the place of the first of them in the ticket
        self.commands = commands
        self.after = after


class _MarketQueue:
    """The runs that wait for one task, in the order they came.

    What has come since the task's last turn is one entry of its queue, and grows until it is taken: so a queue is
    asked, and a task woken, once for all of it and not once an order.
    """

    __slots__ = ("_coming", "_groups", "waiting")

    def __init__(self) -> None:
        self.waiting = 0  # runs that are not applied
        self._groups: asyncio.Queue[list[_Run]] = asyncio.Queue(maxsize=1)
        self._coming: list[_Run] | None = None  # what is in the queue

    def put(self, run: _Run) -> None:
        """Join the queue."""
        self.waiting += 1
        if self._coming is not None:
            self._coming.append(run)
            return
        self._coming = [run]
        self._groups.put_nowait(self._coming)

    async def take(self) -> list[_Run]:
        """All that wait, once there are any; `taken` is to say when they are dealt with."""
        runs = await self._groups.get()
        self._coming = None
        return runs

    def taken(self) -> None:
        """What was taken is dealt with."""
        self._groups.task_done()

    async def empty(self) -> None:
        """Return once everything is dealt with."""
        await self._groups.join()

    def left(self) -> list[_Run]:
        """What will not be taken any more."""
        return self._coming or []


class Engine:
    """Takes commands, answers with futures. `run` is its tasks."""

    def __init__(
        self,
        venue: Venue,
        writer: Writer,
        now_ns: Callable[[], int],
        feeds: Feeds,
        *,
        market_queue_max: int = 10_000,
        backlog_max: int = 20_000,
    ) -> None:
        self.venue = venue
        self.now_ns = now_ns
        self.clock_offset_ns = 0  # the time of commands less the machine's clock, when they differ
        self._writer = writer
        self._feeds = feeds
        self._time_ns = venue.time_ns
        self._market_queue_max = market_queue_max
        self._backlog_max = backlog_max
        self._queues: dict[str | None, _MarketQueue] = {}
        self._sockets_left: dict[tuple[str, int], None] = {}  # that ended, with the market that was too busy then
        self._queued = 0  # commands taken and not yet applied
        self._copies: list[OpenOrdersCopy] = []  # in progress
        self._group: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.stopping = False
        self._ended = False

    @property
    def durable_sequence(self) -> int:
        """The last sequence that is stored, and so may be seen."""
        return self._writer.durable_sequence

    @property
    def applied_sequence(self) -> int:
        """The last sequence that is applied, durable or not."""
        return self.venue.sequence

    def queued(self) -> tuple[int, int]:
        """Requests that wait to be applied: of all queues, and of the longest one."""
        waiting = [queue.waiting for queue in self._queues.values()]
        return sum(waiting), max(waiting, default=0)

    # --- requests

    async def submit(self, command: Command) -> Outcome:
        """One command: Applied, Rejected or Duplicate, once it is durable.

        Raises Overloaded, Stopping or OutcomeUnknown.
        """
        return (await self.submit_all((command,)))[0]

    async def carry_out(self, command: Command) -> Outcome:
        """One command of the exchange itself, which waits for its outcome however long the database takes.

        Raises Overloaded or Stopping, and OutcomeUnknown only when the exchange ends.
        """
        return (await self._submit((command,), math.inf))[0]

    def submit_all(self, commands: Sequence[Command]) -> "asyncio.Future[list[Outcome]]":
        """Several commands of one client, applied in the order given; a list of outcomes, one each.

        They are cut into runs of one market; a run is queued when the one before it is applied, so nothing overtakes.
        Raises Overloaded or Stopping at once, with nothing done; the outcome of a later run whose queue is full is
        OVERLOADED.
        """
        return self._submit(commands, self.loop_time())

    def _submit(self, commands: Sequence[Command], since: float) -> "asyncio.Future[list[Outcome]]":
        """`since` is what the reply timeout counts from."""
        waiter = Waiter(asyncio.get_running_loop().create_future(), len(commands), since)
        self.enter(waiter, commands)
        return waiter.future

    def enter(self, ticket: Ticket, commands: Sequence[Command]) -> None:
        """Queue the commands as `submit_all` does, for a ticket that gets each outcome as it is released."""
        if self.stopping:
            raise Stopping
        waiting = self._queued + self._writer.backlog + len(commands)
        if waiting > self._backlog_max and not (
            waiting <= self._backlog_max + self._market_queue_max and _have_room(commands)
        ):
            raise Overloaded
        if not self._enqueue(_runs(ticket, commands)):
            raise Overloaded
        self._queued += len(commands)

    def read(self, query: Query[ResultT]) -> "asyncio.Future[ResultT]":
        """What the query finds in memory now, once everything it can have seen is durable.

        Raises Overloaded when too much is waiting already, or Stopping.
        """
        self._admit_passing()
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._writer.add(Reading(future, query.answer(self.venue), self.loop_time()), 0, SEEN)
        return future

    def begin_copy(self, copy: OpenOrdersCopy) -> None:
        """Let it see each command until it is passed to `end_copy`. Raises Overloaded or Stopping."""
        self._admit_passing()
        self._copies.append(copy)

    def end_copy(self, copy: OpenOrdersCopy) -> None:
        """It needs to see no more."""
        self._copies.remove(copy)

    def subscribe(
        self, subscriber: Subscriber, channel: Channel, tag: object, copy: OpenOrdersCopy | None = None
    ) -> "asyncio.Future[None]":
        """Begin a subscription between the commands applied so far and the next; done when it has begun.

        The market or user is known. `tag` is the dialect's, for its answer; `copy` is of the user's open orders, where
        they are many. Raises Overloaded or Stopping.
        """
        self._admit_passing()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        since, now_ns = self.loop_time(), self.now_ns()
        joining = Joining(self._feeds, subscriber, channel, tag, done, since, self.venue, now_ns, copy)
        self._writer.add(joining, 0, joining)
        return done

    def unsubscribe(self, subscriber: Subscriber, channel: Channel, tag: object) -> "asyncio.Future[None]":
        """End a subscription in the same way."""
        self._admit_passing()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        leaving = Leaving(self._feeds, subscriber, channel, tag, done, self.loop_time())
        self._writer.add(leaving, 0, leaving)
        return done

    def _admit_passing(self) -> None:
        """Raise Overloaded or Stopping unless one more may wait in the line without being a command."""
        if self._ended:
            raise Stopping
        if self._writer.backlog > self._backlog_max:
            raise Overloaded

    def loop_time(self) -> float:
        """The loop's time, which reply timeouts count from. To ask for the running loop is a system call each time."""
        assert self._loop is not None
        return self._loop.time()

    def pass_time(self) -> bool:
        """Journal the current time. Returns False if the queue is full."""
        try:
            self.enter(_NOBODY, (PassTime(),))
        except (Overloaded, Stopping):
            return False
        return True

    def expire_due(self) -> None:
        """Have what is due end, also in markets that nobody asks anything of, and what follows the book be priced again
        after a reset. A full queue takes it a moment later."""
        now_ns = self.time_ns()
        left, self._sockets_left = self._sockets_left, {}
        for symbol, socket in left:
            self.end_socket(symbol, socket)
        if self.venue.timers.next_ns <= now_ns:
            with contextlib.suppress(Overloaded, Stopping):
                self.enter(_NOBODY, (RunTimer(),))
        for symbol, market in self.venue.markets.items():
            if market.deadlines.next_ns <= now_ns or market.following.round:
                with contextlib.suppress(Overloaded, Stopping):
                    self.enter(_NOBODY, (ExpireDue(symbol, DUE_MAX),))

    def end_socket(self, market: str, socket: int) -> None:
        """Have the orders of a market end that are bound to a socket which has ended. A full queue takes it later."""
        try:
            self.enter(_NOBODY, (EndSocket(market, socket, ALL_OF_A_SOCKET),))
        except Overloaded:
            self._sockets_left[market, socket] = None
        except Stopping:
            pass  # the next process begins with them

    def time_ns(self) -> int:
        """The time as commands get it: when the clock goes back, it stands."""
        self._time_ns = max(self.now_ns(), self._time_ns)
        return self._time_ns

    # --- running

    def start(self, group: asyncio.TaskGroup) -> None:
        """Start a task a market, and the venue's, in the group; they run until they are cancelled."""
        self._group, self._loop = group, asyncio.get_running_loop()
        self._open_queue(None)
        for symbol in self.venue.markets:
            self._open_queue(symbol)

    async def stop(self) -> None:
        """Take nothing more, and return once everything taken is released."""
        self.stopping = True
        while self._queued:  # a run may be followed by one for a queue that was already empty
            for queue in list(self._queues.values()):
                await queue.empty()
        await self._writer.drained()

    def _open_queue(self, symbol: str | None) -> None:
        assert self._group is not None
        queue = self._queues[symbol] = _MarketQueue()
        market = None if symbol is None else self.venue.markets[symbol]
        name = f"market {symbol}" if symbol else "venue"
        self.tasks.append(self._group.create_task(self._serve(queue, market), name=name))

    def _enqueue(self, run: _Run) -> bool:
        command = run.commands[0]
        # A market that is not there has no queue; the venue's task will say so.
        queue = self._queues.get(_market_of(command)) or self._queues[None]
        waiting, bound = queue.waiting, self._market_queue_max
        if waiting >= bound and (waiting >= 2 * bound or not _have_room(run.commands)):
            return False
        queue.put(run)
        return True

    async def _serve(self, queue: _MarketQueue, market: FullMarket | None) -> None:
        applied, done, timers = 0, 0, self.venue.timers
        runs: list[_Run] = []
        try:
            if self._may_be_due(market):  # what the last process has left
                await self._end_due(market, self.time_ns())
            if market is not None:
                await self._end_bound(market)
                await self._run_triggered(market)
            while True:
                runs, done = await queue.take(), 0
                for run in runs:
                    if self._ended:
                        return
                    for index, command in enumerate(run.commands, run.first):
                        now_ns = self.time_ns()
                        if timers.next_ns <= now_ns or (
                            market is not None and (market.deadlines.orders or market.following.round)
                        ):
                            now_ns = await self._end_due(market, now_ns)
                        self._writer.add(run.ticket, index, self._apply(command, now_ns))
                        if market is not None and market.has_more:
                            await self._run_triggered(market)
                    self._queued -= len(run.commands)
                    queue.waiting -= 1
                    if run.after is not None:
                        self._follow(run.after)
                    done += 1
                    applied += len(run.commands)
                    if applied >= YIELD_EVERY:
                        applied = 0
                        await asyncio.sleep(0)
                queue.taken()
        finally:
            self._end([*runs[done:], *queue.left()])

    async def _run_triggered(self, market: FullMarket) -> None:
        """Enter what was triggered, and price again what follows the book, before the market takes another command; in
        between other markets have their turns.

        What is due meanwhile ends first, so that nothing that enters can trade with it.
        """
        symbol = market.instrument.symbol
        while market.has_more:
            now_ns = self.time_ns()
            command: Command = RunTriggered(symbol, TRIGGERED_MAX)
            if self.venue.timers.next_ns <= now_ns:
                command = RunTimer()
            elif market.deadlines.next_ns <= now_ns:
                command = ExpireDue(symbol, DUE_MAX)
            self._writer.add(_NOBODY, 0, self._apply(command, now_ns))
            if self._writer.backlog >= self._backlog_max:
                await asyncio.sleep(FULL_S)
            for _ in range(CASCADE_TURNS):
                await asyncio.sleep(0)

    async def _end_due(self, market: FullMarket | None, now_ns: int) -> int:
        """End what is due, before another command is taken. Returns the time at which nothing is.

        What follows the book is priced again too, since what was due, or a reset, may have changed that.
        """
        while True:
            if self.venue.timers.next_ns <= now_ns:
                self._writer.add(_NOBODY, 0, self._apply(RunTimer(), now_ns))
            elif market is not None and market.deadlines.next_ns <= now_ns:
                self._writer.add(_NOBODY, 0, self._apply(ExpireDue(market.instrument.symbol, DUE_MAX), now_ns))
            elif market is not None and market.following.round:
                await self._run_triggered(market)
            else:
                return now_ns
            await asyncio.sleep(0)
            now_ns = self.time_ns()

    def _may_be_due(self, market: FullMarket | None) -> bool:
        """Whether it is worth asking the clock."""
        if self.venue.timers.next_ns < NEVER_NS:
            return True
        return market is not None and (market.deadlines.next_ns < NEVER_NS or bool(market.following.round))

    async def _end_bound(self, market: FullMarket) -> None:
        """Cancel what is bound to sockets of the last process, of which none is left."""
        while market.bound.orders:
            self._writer.add(
                _NOBODY, 0, self._apply(EndSocket(market.instrument.symbol, None, DUE_MAX), self.time_ns())
            )
            await asyncio.sleep(0)

    def _end(self, left: Sequence[_Run]) -> None:
        """A task ends. If that is a bug of the core, the state of the venue may be wrong: nothing is applied to it or
        read from it any more, and every waiting caller is answered."""
        self._ended = self.stopping = True
        for run in left:
            run.ticket.give_up()

    def _follow(self, run: _Run | None) -> None:
        while run is not None and not self._enqueue(run):
            self._queued -= len(run.commands)
            for index in range(run.first, run.first + len(run.commands)):
                self._writer.add(run.ticket, index, OVERLOADED)
            run = run.after

    def _apply(self, command: Command, now_ns: int) -> Outcome:
        venue = self.venue
        outcome = venue.apply(command, venue.sequence + 1, now_ns)
        if self._copies:
            see_all(self._copies, outcome)
        if isinstance(command, SetMarket):
            symbol = command.instrument.symbol
            if symbol in venue.markets and symbol not in self._queues:
                self._open_queue(symbol)
        return outcome


def _market_of(command: Command) -> str | None:
    """The market whose queue the command goes through; None is the whole venue's."""
    return command.market if isinstance(command, _OF_A_MARKET) else None


def _have_room(commands: Sequence[Command]) -> bool:
    return all(isinstance(command, _WITH_ROOM) for command in commands)


class _Nobody:
    """The ticket of a command that no caller waits for."""

    since = math.inf

    def resolve(self, index: int, outcome: Outcome) -> None:
        """There is no caller."""

    def give_up(self) -> None:
        """There is no caller."""


_NOBODY = _Nobody()
_OF_A_MARKET = (
    *(PlaceOrder, CancelOrder, CancelAll, AmendOrder, ReplaceOrder, PlaceList, CancelList, ExpireDue, EndSocket),
    SetMarketStatus,
)
# A market can be halted, and a user disabled, also when there is no room for orders.
_WITH_ROOM = (
    *(CancelOrder, CancelList, CancelAll, CancelAllAfter, RunTimer, ExpireDue, EndSocket),
    *(SetMarketStatus, SetUserStatus),
)


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
