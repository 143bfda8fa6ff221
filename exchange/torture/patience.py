"""How long a run waits for an answer before it calls the silence a finding.

A machine with too much to do starves every process on it, and that is no fault of the exchange. So the time does not
count in which this process and its children were ready to run and had no core. Only Linux tells; elsewhere all of it
counts.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

LOOK_S = 0.25
LONGEST = 10  # times the limit: so long at most, however little the machine gives
NS_PER_S = 1_000_000_000

ResultT = TypeVar("ResultT")
Shares = dict[tuple[int, int], tuple[int, int]]  # of each thread: nanoseconds on a core, and ready without one


class Silence(Exception):
    """It took too long; `said` is how much of that time the machine gave."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class FairClock:
    """The seconds since it was made in which the processes of a run had what they wanted of the machine."""

    def __init__(self, shares: Callable[[], Shares] | None = None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._shares = shares or shares_of_this_run
        self._now_s = now_s
        self._began_s = self._looked_s = now_s()
        self._known = self._shares()
        self._starved_s = self._used_s = 0.0

    def read(self) -> float:
        """Look again. What several threads waited for at once counts once."""
        now_s, shares = self._now_s(), self._shares()
        used_ns = waited_ns = 0
        for thread, (used, waited) in shares.items():
            used_before, waited_before = self._known.get(thread, (0, 0))
            used_ns += max(0, used - used_before)
            waited_ns += max(0, waited - waited_before)
        self._used_s += used_ns / NS_PER_S
        self._starved_s += min(waited_ns / NS_PER_S, now_s - self._looked_s)
        self._known, self._looked_s = shares, now_s
        return self.elapsed_s - self._starved_s

    @property
    def elapsed_s(self) -> float:
        """All seconds, up to the last look."""
        return self._looked_s - self._began_s

    def __str__(self) -> str:
        load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
        return (
            f"{self.elapsed_s:.0f} s, of which the processes of the run waited {self._starved_s:.0f} s for a core, and "
            f"they used {self._used_s:.1f} s of processor time; load averages {load} on {os.cpu_count()} cores"
        )


async def patiently(
    work: Awaitable[ResultT], limit_s: float, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> ResultT:
    """What comes of the work; the other thing is done now and then. Raises Silence after so many fair seconds."""
    clock, waiting = FairClock(), asyncio.ensure_future(work)
    helping: asyncio.Future[None] | None = None
    try:
        while not waiting.done():
            if clock.read() > limit_s or clock.elapsed_s > LONGEST * limit_s:
                raise Silence(str(clock))
            if helping is not None and helping.done():
                helping.result()
                helping = None
            if meanwhile is not None and helping is None:
                helping = asyncio.ensure_future(meanwhile())
            await asyncio.wait({waiting}, timeout=LOOK_S)
        if helping is not None:
            await helping
        return waiting.result()
    finally:
        for task in (waiting, helping):
            if task is not None:
                task.cancel()


def shares_of_this_run() -> Shares:
    """Of the threads of this process and of all that it has started; empty where the system does not tell."""
    found: Shares = {}
    pids = [os.getpid()]
    for pid in pids:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                used, waited, *_ = (thread / "schedstat").read_text().split()
                found[pid, int(thread.name)] = int(used), int(waited)
                pids += [int(child) for child in (thread / "children").read_text().split()]
        except (OSError, ValueError):  # it has ended meanwhile, or this is another system
            continue
    return found
