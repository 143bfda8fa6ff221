"""How the writer gathers a commit, on virtual time: it waits for clients that were just answered, but not for long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exchange.core.commands import AddUser
from exchange.core.events import UserAdded
from exchange.pipeline.commits import Applied, Batch
from exchange.pipeline.outcomes import SEEN
from exchange.pipeline.projector import Projector
from exchange.pipeline.writer import GATHER_MAX_S, Waiter, Writer
from tests.fake_store import FakeTables
from tests.sim.loop import VirtualLoop

COMMIT_S = 0.004


class Place:
    """A writer over a store that takes `COMMIT_S` a commit, and those who hand outcomes to it."""

    def __init__(self) -> None:
        self.writer = Writer(self, Projector(FakeTables(), 0), 0)
        self.sequence = 0
        self.commits: list[tuple[float, int]] = []  # when each began, and of how many

    async def commit(self, batch: Batch) -> None:
        self.commits.append((asyncio.get_running_loop().time(), len(batch.applied)))
        await asyncio.sleep(COMMIT_S)

    async def settle(self) -> int:
        raise AssertionError("nothing breaks here")

    def connected(self) -> bool:
        return True

    def add(self, count: int) -> "list[asyncio.Future[list[Any]]]":
        """So many commands that were carried out, each of somebody else."""
        loop = asyncio.get_running_loop()
        futures = []
        for _ in range(count):
            self.sequence += 1
            name = f"user-{self.sequence}"
            waiter = Waiter(loop.create_future(), 1, loop.time())
            self.writer.add(waiter, 0, Applied(self.sequence, self.sequence, AddUser(name), [UserAdded(name)]))
            futures.append(waiter.future)
        return futures

    def read(self) -> "asyncio.Future[list[Any]]":
        """Somebody who reads memory."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(loop.create_future(), 1, loop.time())
        self.writer.add(waiter, 0, SEEN)
        return waiter.future


def told(story: Callable[[Place], Awaitable[None]]) -> list[tuple[float, int]]:
    """The commits of a story: (milliseconds since its begin, how many commands)."""

    async def tell() -> Place:
        place = Place()
        task = asyncio.create_task(place.writer.run())
        await story(place)
        await place.writer.drained()
        task.cancel()
        return place

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        place = runner.run(tell())
    return [(round(began_s * 1000, 3), count) for began_s, count in place.commits]


def test_enough_of_those_who_were_answered_make_the_next_commit() -> None:
    async def story(place: Place) -> None:
        await asyncio.gather(*place.add(8))
        for _ in range(8):  # they come back one after the other
            await asyncio.sleep(0.0008)
            place.add(1)

    # The second waits for four. When it ends the other four are there.
    assert told(story) == [(0, 8), (7.2, 4), (11.2, 4)]


def test_a_commit_waits_no_longer_than_the_last_one_took() -> None:
    async def story(place: Place) -> None:
        await asyncio.gather(*place.add(8))
        place.add(1)
        await asyncio.sleep(1)

    assert told(story) == [(0, 8), (4 + COMMIT_S * 1000, 1)]
    assert COMMIT_S < GATHER_MAX_S


def test_who_trades_alone_is_not_made_to_wait() -> None:
    async def story(place: Place) -> None:
        for _ in range(3):
            await asyncio.gather(*place.add(1))

    assert told(story) == [(0, 1), (4, 1), (8, 1)]


def test_what_came_during_the_commit_is_enough() -> None:
    async def story(place: Place) -> None:
        answered = place.add(8)
        await asyncio.sleep(COMMIT_S / 2)
        place.add(4)
        await asyncio.gather(*answered)

    assert told(story) == [(0, 8), (4, 4)]


def test_who_reads_is_answered_at_once_while_nothing_has_come() -> None:
    async def story(place: Place) -> None:
        await asyncio.gather(*place.add(8))
        await asyncio.sleep(0.001)
        assert place.read().done()
        place.add(1)
        assert not place.read().done()
        await asyncio.sleep(1)

    assert told(story) == [(0, 8), (8, 1)]


@pytest.mark.parametrize(
    ("came", "commits", "seen_by_the_first"),
    [(4, [(0, 8), (4, 4)], 2), (3, [(0, 8), (8, 3)], 1)],
)
def test_with_enough_waiting_the_next_commit_is_on_its_way_before_the_last_one_is_answered(
    came: int, commits: list[tuple[float, int]], seen_by_the_first: int
) -> None:
    """So the database is at work while the loop makes the answers; but nobody is made to wait for too few."""

    async def story(place: Place) -> None:
        answered = place.add(8)
        answered[0].add_done_callback(lambda _: seen.append(len(place.commits)))
        await asyncio.sleep(COMMIT_S / 2)
        place.add(came)
        await asyncio.sleep(1)

    seen: list[int] = []
    assert told(story) == commits
    assert seen == [seen_by_the_first]
