"""When a command is due: as fast as its recording was, or some times as fast, or at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from exchange.replay.recording import Command


class Pace:
    """Holds commands back until their time; those that are late go at once.

    `speed` 1 is the time of the recording, 10 ten times as fast, None as fast as the exchange takes them.
    """

    def __init__(
        self,
        speed: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._recorded_ms = 0
        self._begun_s = 0.0

    def begin(self, first: Command) -> None:
        """The time of `first` is now."""
        self._recorded_ms, self._begun_s = first.recorded_ms, self._clock()

    async def due(self, commands: Sequence[Command], position: int, items_max: int) -> int:
        """Return when the command at `position` is due: how many are from there on, 1 to `items_max`."""
        if self._speed is None:
            return items_max
        wait_s = self._due_s(commands[position]) - self._clock()
        if wait_s > 0:
            await self._sleep(wait_s)
        now_s = self._clock()
        end = position + 1
        while end < min(len(commands), position + items_max) and self._due_s(commands[end]) <= now_s:
            end += 1
        return end - position

    def _due_s(self, command: Command) -> float:
        assert self._speed is not None
        return self._begun_s + (command.recorded_ms - self._recorded_ms) / 1000 / self._speed
