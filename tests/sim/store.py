"""A store on a disk, through a connection that is slow, breaks before, in or after a commit, or stalls."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

from exchange.app import StoredCandle
from exchange.core.state import VenueState
from exchange.writer import Batch, CommitInDoubt
from tests.sim.disk import Disk
from tests.sim.script import Script

FATES = ("stored",) * 12 + ("slow",) * 4 + ("broken before", "broken after", "cut", "stalled")


class FaultyStore:
    """One process's way to the disk. `calm` ends all faults."""

    def __init__(self, disk: Disk, script: Script, life: int = 1) -> None:
        self.calm = False
        self.dead = False
        self._disk = disk
        self._script = script
        self._life = life
        self._commits: Counter[str] = Counter()
        self._settles = 0
        self._epoch = 0
        self._there = False
        self._lost: Callable[[], None] | None = None
        self._in_flight: Batch | None = None  # sent, and perhaps still to be stored by the other end

    async def open(self) -> VenueState:
        """Become the one writer."""
        await asyncio.sleep(self._script.chance(f"open {self._life}").uniform(0.0, 0.5))
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
            self._script.tell("the idle connection breaks")
            self._there = False
            self._lost()

    async def commit(self, batch: Batch) -> None:
        """Store the batch, if that is its fate."""
        await self._alive()
        chance, fate = self._fate()
        self._script.tell(f"commit {batch.from_sequence + 1} to {batch.to_sequence}: {fate}")
        if not self._there:
            raise CommitInDoubt("there was no connection")
        self._in_flight = batch
        waits = {"slow": 0.7, "stalled": 9.0}.get(fate, 0.002)
        await asyncio.sleep(chance.uniform(0.5, 1.5) * waits)
        if fate == "cut":
            self._there = False
            raise CommitInDoubt("cut: the other end may still store it")
        if fate != "broken before":
            self._land()
        self._in_flight = None
        if fate.startswith("broken"):
            self._there = False
            raise CommitInDoubt(fate)
        await asyncio.sleep(chance.choice((0.0, 0.001)))

    def _fate(self) -> tuple[Random, str]:
        # Named by the time, and not by a count of commits: so it stays the same when others are left out.
        at = f"{asyncio.get_running_loop().time():.1f}"
        self._commits[at] += 1
        name = f"commit at {at} number {self._commits[at]} in life {self._life}"
        chance = self._script.chance(name)
        fate = chance.choice(FATES)
        faulty = fate != "stored" and not self.calm and self._script.happens(name, fate)
        return chance, fate if faulty else "stored"

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
        self._settles += 1
        chance = self._script.chance(f"settle {self._life}.{self._settles}")
        for _ in range(0 if self.calm else chance.randrange(4)):
            await asyncio.sleep(chance.uniform(0.05, 2.0))
        self._end_in_flight()
        await asyncio.sleep(0.01)
        self._there = True
        return self._disk.sequence

    def die(self) -> None:
        """The process is gone; what it had sent may have arrived."""
        self.dead = True
        self._end_in_flight()

    def _end_in_flight(self) -> None:
        name = f"in flight {self._life}.{self._settles}"
        if self._in_flight is not None and self._script.chance(name).random() < 0.5:
            self._script.tell("what was in flight arrived")
            self._land()
        self._in_flight = None
