"""A store on a disk, through a connection that is slow, breaks before, in or after a commit, or stalls."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Generic

from exchange.core.state import VenueState
from exchange.failure import Failure
from exchange.pipeline.commits import CommitInDoubt, Journaled, SpanT
from exchange.runtime.app import StoredCandle
from tests.sim.disk import Disk, Place
from tests.sim.script import Script

FATES = ("stored",) * 12 + ("slow",) * 4 + ("broken before", "broken after", "cut", "stalled")


class FaultyConnection(Generic[SpanT]):
    """One process's way to the journal, or to the tables. `calm` ends all faults."""

    def __init__(self, place: Place[SpanT], disk: Disk, script: Script, life: int) -> None:
        self.calm = False
        self.dead = False
        self.lost: Callable[[], None] | None = None
        self.name = place.name
        self._place = place
        self._disk = disk
        self._script = script
        self._life = f"{life} of the {place.name}"
        self._commits: Counter[int] = Counter()
        self._settles = 0
        self._epoch = 0
        self._there = False
        self._in_flight: SpanT | None = None  # sent, and perhaps still to be stored by the other end

    def begin(self) -> None:
        """Become the one that may."""
        self._epoch = self._disk.epoch
        self._there = True

    def end(self) -> None:
        """Let go."""
        self._there = False

    def connected(self) -> bool:
        """Whether it is there."""
        return self._there

    def break_idle(self) -> None:
        """The connection ends by itself, if nothing is on its way."""
        if self._there and self._in_flight is None and self.lost is not None and not self.calm:
            self._script.tell(f"the idle connection to the {self._place.name} breaks")
            self._there = False
            self.lost()

    async def commit(self, span: SpanT) -> None:
        """Store it, if that is its fate."""
        await self._alive()
        chance, fate = self._fate()
        self._script.tell(f"{self._place.name}: {span.from_sequence + 1} to {span.to_sequence}: {fate}")
        if not self._there:
            raise CommitInDoubt("there was no connection")
        self._in_flight = span
        waits = {"slow": 0.7, "stalled": 9.0}.get(fate, 0.002)
        await asyncio.sleep(chance.uniform(0.5, 1.5) * waits)
        await self._alive()
        if fate == "cut":
            self._there = False
            raise CommitInDoubt("cut: the other end may still store it")
        if fate != "broken before" and not self._land():
            raise Failure("Another exchange has taken over this database.")
        self._in_flight = None
        if fate.startswith("broken"):
            self._there = False
            raise CommitInDoubt(fate)
        await asyncio.sleep(chance.choice((0.0, 0.001)))

    def _fate(self) -> tuple[Random, str]:
        # Named by where the place is, and neither by the time nor by a count of commits: so it stays the same when
        # faults before it, which only take time, are left out.
        at = self._place.sequence
        self._commits[at] += 1
        name = f"commit after {at} number {self._commits[at]} in life {self._life}"
        chance = self._script.chance(name)
        fate = chance.choice(FATES)
        faulty = fate != "stored" and not self.calm and self._script.happens(name, fate)
        return chance, fate if faulty else "stored"

    async def _alive(self) -> None:
        """What a dead process still does before it is swept away does not happen."""
        if self.dead:
            await asyncio.Event().wait()

    def _land(self) -> bool:
        """What is in flight arrives; the fence lets it in once, and only for the writer of this epoch: if it did."""
        span, self._in_flight = self._in_flight, None
        if span is None or self._epoch != self._disk.epoch or span.from_sequence != self._place.sequence:
            return False
        self._place.store(span)
        assert self._disk.tables.sequence <= self._disk.journal.sequence, "the tables show what is not durable"
        return True

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
        return self._place.sequence

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


class FaultyStore:
    """One process's way to the disk."""

    def __init__(self, disk: Disk, script: Script, life: int = 1) -> None:
        self.journal = FaultyConnection(disk.journal, disk, script, life)
        self.tables = FaultyConnection(disk.tables, disk, script, life)
        self._disk = disk
        self._opening = script.chance(f"open {life}")

    def be_calm(self) -> None:
        """No more faults."""
        self.journal.calm = self.tables.calm = True

    async def open(self) -> VenueState:
        """Become the one exchange."""
        await asyncio.sleep(self._opening.uniform(0.0, 0.5))
        self._disk.epoch += 1
        self.journal.begin()
        self.tables.begin()
        return self._disk.tables.state()

    async def unprojected(self, state: VenueState) -> list[Journaled]:
        """What the journal has beyond that state."""
        await asyncio.sleep(0.01)
        return self._disk.journal.after(state.sequence)

    async def close(self) -> None:
        """Let go."""
        self.journal.end()
        self.tables.end()

    async def candles(self, since_s: int) -> list[StoredCandle]:
        """See Tables."""
        await asyncio.sleep(0.01)
        return self._disk.tables.candles(since_s)

    def break_idle(self) -> None:
        """The connections end by themselves, if nothing is on its way."""
        self.journal.break_idle()
        self.tables.break_idle()

    def die(self) -> None:
        """The process is gone; what it had sent may have arrived."""
        self.journal.die()
        self.tables.die()
