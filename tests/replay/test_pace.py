"""Commands wait for their recorded time; the time is the test's own."""

import pytest

from exchange.replay.pace import Pace
from exchange.replay.recording import Command

RECORDED_MS = [5000, 5000, 5400, 6000, 9000]
COMMANDS = [
    Command(number, "add", str(number), True, "limit", 1, 1, recorded_ms)
    for number, recorded_ms in enumerate(RECORDED_MS)
]


class Clock:
    """Stands still but for sleeping."""

    def __init__(self) -> None:
        self.now_s = 70.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now_s += seconds


async def batches(speed: float | None, items_max: int = 100, *, each_takes_s: float = 0.0) -> tuple[list[int], Clock]:
    clock = Clock()
    pace = Pace(speed, clock.read, clock.sleep)
    pace.begin(COMMANDS[0])
    sizes: list[int] = []
    while (position := sum(sizes)) < len(COMMANDS):
        sizes.append(min(await pace.due(COMMANDS, position, items_max), len(COMMANDS) - position))
        clock.now_s += each_takes_s
    return sizes, clock


@pytest.mark.parametrize(("speed", "slept"), [(1, [0.4, 0.6, 3.0]), (10, [0.04, 0.06, 0.3]), (0.5, [0.8, 1.2, 6.0])])
async def test_each_goes_at_its_recorded_time(speed: float, slept: list[float]) -> None:
    sizes, clock = await batches(speed)
    assert sizes == [2, 1, 1, 1]
    assert clock.slept == slept


async def test_those_that_are_late_go_at_once_and_together() -> None:
    sizes, clock = await batches(1, each_takes_s=1.5)
    assert sizes == [2, 2, 1]
    assert clock.slept == [1.0]


async def test_no_more_are_due_than_go_into_a_batch() -> None:
    assert (await batches(1, items_max=1))[0] == [1, 1, 1, 1, 1]


async def test_without_a_speed_nothing_waits() -> None:
    sizes, clock = await batches(None, items_max=3)
    assert sizes == [3, 2]
    assert clock.slept == []
