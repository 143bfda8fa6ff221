"""A store on a disk, through a connection that is slow, breaks before, in or after a commit, or stalls."""

import asyncio
from collections.abc import Callable
from random import Random

from exchange.app import StoredCandle
from exchange.core.state import VenueState
from exchange.writer import Batch, CommitInDoubt
from tests.sim.disk import Disk

FATES = ("stored",) * 12 + ("slow",) * 4 + ("broken before", "broken after", "cut", "stalled")


class FaultyStore:
    """One process's way to the disk. `calm` ends all faults."""

    def __init__(self, disk: Disk, chance: Random, trace: Callable[[str], None]) -> None:
        self.calm = False
        self.dead = False
        self._disk = disk
        self._chance = chance
        self._trace = trace
        self._epoch = 0
        self._there = False
        self._lost: Callable[[], None] | None = None
        self._in_flight: Batch | None = None  # sent, and perhaps still to be stored by the other end

    async def open(self) -> VenueState:
        """Become the one writer."""
        await asyncio.sleep(self._chance.uniform(0.0, 0.5))
        self._disk.epoch += 1
        self._epoch = self._disk.epoch
        self._there = True
        return self._disk.state()

    async def close(self) -> None:
        """Let go."""
        self._there = False

    async def candles(self, since_s: int) -> list[StoredCandle]:
        """See Disk."""
        await asyncio.sleep(0.01)
        return self._disk.candles(since_s)

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Whom to tell that the connection is gone."""
        self._lost = lost

    def connected(self) -> bool:
        """Whether it is there."""
        return self._there

    def break_idle(self) -> None:
        """The connection ends by itself, if nothing is on its way."""
        if self._there and self._in_flight is None and self._lost is not None and not self.calm:
            self._trace("the idle connection breaks")
            self._there = False
            self._lost()

    async def commit(self, batch: Batch) -> None:
        """Store the batch, if that is its fate."""
        await self._alive()
        fate = "stored" if self.calm else self._chance.choice(FATES)
        self._trace(f"commit {batch.from_sequence} to {batch.to_sequence}: {fate}")
        if not self._there:
            raise CommitInDoubt("there was no connection")
        self._in_flight = batch
        waits = {"slow": 0.7, "stalled": 9.0}.get(fate, 0.002)
        await asyncio.sleep(self._chance.uniform(0.5, 1.5) * waits)
        if fate == "cut":
            self._there = False
            raise CommitInDoubt("cut: the other end may still store it")
        if fate != "broken before":
            self._land()
        self._in_flight = None
        if fate.startswith("broken"):
            self._there = False
            raise CommitInDoubt(fate)
        await asyncio.sleep(self._chance.choice((0.0, 0.001)))

    async def _alive(self) -> None:
        """What a dead process still does before it is swept away does not happen."""
        if self.dead:
            await asyncio.Event().wait()

    def _land(self) -> None:
        """The batch in flight arrives; the fence lets it in once, and only for the writer of this epoch."""
        batch, self._in_flight = self._in_flight, None
        if batch is not None and self._epoch == self._disk.epoch and batch.from_sequence == self._disk.sequence:
            self._disk.store(batch)

    async def settle(self) -> int:
        """Connect anew; what was in flight is stored or not by then, and nothing of it comes later."""
        await self._alive()
        for _ in range(0 if self.calm else self._chance.randrange(4)):
            await asyncio.sleep(self._chance.uniform(0.05, 2.0))
        self._end_in_flight()
        await asyncio.sleep(0.01)
        self._there = True
        return self._disk.sequence

    def die(self) -> None:
        """The process is gone; what it had sent may have arrived."""
        self.dead = True
        self._end_in_flight()

    def _end_in_flight(self) -> None:
        if self._in_flight is not None and self._chance.random() < 0.5:
            self._trace("what was in flight arrived")
            self._land()
        self._in_flight = None
