"""A database in memory that is as slow or faulty as a test needs, and the pipeline on it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto

from exchange.core.market_data import MarketData
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, Batch, CommitInDoubt
from exchange.pipeline.engine import Engine
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.projector import Projector
from exchange.pipeline.writer import Entry, Writer

GUARD_S = 60.0  # a story that hangs fails instead; none comes anywhere near it


class Fate(Enum):
    """What becomes of one commit."""

    STORED = auto()
    LOST_BEFORE = auto()  # the connection broke, and nothing was stored
    LOST_AFTER = auto()  # the connection broke, although everything was stored
    REFUSED = auto()


class FakeTables:
    """Takes in all that comes."""

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence

    async def commit(self, changes: Changes) -> None:
        """Store the changes."""
        assert changes.from_sequence == self.sequence
        await asyncio.sleep(0)
        self.sequence = changes.to_sequence

    async def settle(self) -> int:
        """Nothing breaks."""
        raise AssertionError("nothing breaks here")

    def connected(self) -> bool:
        """It always is."""
        return True


class FakeStore:
    """Keeps what is committed. `fates` are those of the next commits; `slow` and `unreachable` last until `go_on`."""

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.applied: list[Applied] = []
        self.asked: list[tuple[int, int]] = []  # every commit that was tried, as (from, to)
        self.settled = 0
        self.fates: deque[Fate] = deque()
        self.there = True
        self._open, self._reachable = asyncio.Event(), asyncio.Event()
        self.go_on()

    def slow(self) -> None:
        """Let commits wait."""
        self._open.clear()

    def unreachable(self) -> None:
        """Let nobody connect anew."""
        self._reachable.clear()

    def go_on(self) -> None:
        """Let everything come to its end."""
        self._open.set()
        self._reachable.set()

    async def commit(self, batch: Batch) -> None:
        """Store the batch, if that is its fate."""
        assert self.there
        self.asked.append((batch.from_sequence, batch.to_sequence))
        await asyncio.sleep(0)
        await self._open.wait()
        fate = self.fates.popleft() if self.fates else Fate.STORED
        if fate is Fate.REFUSED or batch.from_sequence != self.sequence:
            raise Failure("The database refused a commit.")
        if fate is not Fate.LOST_BEFORE:
            self.applied += batch.applied
            self.sequence = batch.to_sequence
        if fate is not Fate.STORED:
            self.there = False
            raise CommitInDoubt("the connection broke")

    async def settle(self) -> int:
        """Connect anew."""
        await asyncio.sleep(0)
        await self._reachable.wait()
        self.settled += 1
        self.there = True
        return self.sequence

    def connected(self) -> bool:
        """Whether it is there."""
        return self.there


async def turns(count: int = 30) -> None:
    """Let everybody do what they can do by themselves."""
    for _ in range(count):
        await asyncio.sleep(0)


class Flow:
    """Engine, writer and store, as the composition root puts them together."""

    def __init__(self, venue: Venue, store: FakeStore, writer: Writer, engine: Engine) -> None:
        self.venue = venue
        self.store = store
        self.writer = writer
        self.engine = engine


@asynccontextmanager
async def flow_of(
    venue: Venue,
    *,
    market_queue_max: int = 100,
    backlog_max: int = 200,
    batch_max: int = 100,
    reply_timeout_s: float = 1000.0,
    now_ns: Callable[[], int] = lambda: 1_000_000_000,
    released: Callable[[list[Entry]], None] = lambda entries: None,
) -> AsyncIterator[Flow]:
    """The flow on this venue, running; stopped in good order when the story ends."""
    store = FakeStore(venue.sequence)
    projector = Projector(FakeTables(venue.sequence), venue.sequence)
    writer = Writer(
        store, projector, venue.sequence, reply_timeout_s=reply_timeout_s, batch_max=batch_max, released=released
    )
    feeds = Feeds(MarketData(venue.sequence))
    engine = Engine(venue, writer, now_ns, feeds, market_queue_max=market_queue_max, backlog_max=backlog_max)
    async with asyncio.timeout(GUARD_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(task) for task in (writer.run(), writer.expire(), projector.run())]
        engine.start(group)
        await turns()
        yield Flow(venue, store, writer, engine)
        store.go_on()
        await engine.stop()
        for task in (*tasks, *engine.tasks):
            task.cancel()


@asynccontextmanager
async def doomed_flow_of(venue: Venue, reason: type[Exception], *, batch_max: int = 100) -> AsyncIterator[Flow]:
    """A flow that does not survive its story, for this reason."""
    try:
        async with flow_of(venue, batch_max=batch_max) as flow:
            yield flow
            await turns(1000)
    except* reason:
        pass
    else:
        raise AssertionError("it survived")
