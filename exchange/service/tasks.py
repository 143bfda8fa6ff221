"""The owner of the tasks of calls that wait: bounded, named, and reachable when the exchange stops."""

import asyncio
from collections.abc import Callable, Coroutine

from exchange.pipeline.outcomes import Overloaded

TASKS_MAX = 10_000  # calls that wait at a time, over all connections


class Tasks:
    """Runs coroutines as tasks until they are done. A coroutine handles its own errors."""

    def __init__(self, tasks_max: int = TASKS_MAX) -> None:
        self._max = tasks_max
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def full(self) -> bool:
        """Whether no more may run."""
        return len(self._running) >= self._max

    def start(self, work: Callable[[], Coroutine[None, None, None]], name: str) -> asyncio.Task[None]:
        """Start one. Raises Overloaded when too many run already."""
        if self.full:
            raise Overloaded
        task = asyncio.get_running_loop().create_task(work(), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task
