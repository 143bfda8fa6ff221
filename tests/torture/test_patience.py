"""Silence is judged by the time in which the machine gave the processes what they wanted."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from exchange.torture.patience import NS_PER_S, FairClock, Shares, Silence, patiently, shares_of_this_run

HERE = (1, 1)


class Machine:
    """A clock, and what each thread was given."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.shares: Shares = {HERE: (0, 0)}

    def passes(self, seconds: float, *, thread: tuple[int, int] = HERE, used: float = 0, waited: float = 0) -> None:
        before = self.shares.get(thread, (0, 0))
        self.shares = self.shares | {
            thread: (before[0] + int(used * NS_PER_S), before[1] + int(waited * NS_PER_S)),
        }
        self.now_s += seconds

    def clock(self) -> FairClock:
        return FairClock(lambda: self.shares, lambda: self.now_s)


def test_time_without_a_core_does_not_count() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(10, used=2, waited=7)
    assert clock.read() == 3
    machine.passes(5)
    assert clock.read() == 8
    assert clock.elapsed_s == 15
    assert "15 s, of which the processes of the run waited 7 s for a core, and they used 2.0 s" in str(clock)


def test_what_several_threads_wait_for_at_once_counts_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(0, thread=(2, 2), waited=9)
    machine.passes(0, thread=(3, 3), waited=9)
    machine.passes(10)
    assert clock.read() == 0


def test_what_was_before_does_not_matter_and_a_new_process_counts_from_its_start() -> None:
    machine = Machine()
    machine.passes(1, waited=50)
    clock = machine.clock()
    machine.passes(4, thread=(2, 2), waited=1)
    assert clock.read() == 3
    machine.shares = {}  # all have ended
    machine.now_s += 1
    assert clock.read() == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_a_process_that_computes_is_seen_and_what_it_has_started_too() -> None:
    before = shares_of_this_run()
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    mine = (os.getpid(), os.getpid())
    computes = ("import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()",)
    child = subprocess.Popen(
        [sys.executable, "-c", *computes], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        after = shares_of_this_run()
        child.kill()
    assert after[mine][0] - before[mine][0] > 0.015 * NS_PER_S
    assert (child.pid, child.pid) not in before
    assert after[child.pid, child.pid][0] > 0.15 * NS_PER_S


async def test_work_that_ends_is_what_it_comes_to() -> None:
    helped = asyncio.Event()

    async def help_it() -> None:
        helped.set()

    async def work() -> str:
        await helped.wait()
        return "done"

    assert await patiently(work(), 60, meanwhile=help_it) == "done"


async def test_work_that_does_not_end_is_silence_and_is_canceled() -> None:
    working = asyncio.ensure_future(asyncio.Event().wait())
    with pytest.raises(Silence, match="s of processor time"):
        await patiently(working, 0)
    await asyncio.wait({working})
    assert working.cancelled()


async def test_trouble_of_the_work_and_of_the_help_is_told() -> None:
    async def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await patiently(fail(), 60)
    with pytest.raises(ConnectionError):
        await patiently(asyncio.Event().wait(), 60, meanwhile=fail)
