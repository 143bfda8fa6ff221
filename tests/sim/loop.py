"""An event loop on virtual time: when no callback is ready, the time jumps to the next timer. Nothing sleeps."""

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

Arguments = TypeVarTuple("Arguments")


TURNS_MAX = 1_000_000  # of the loop; a day takes some ten thousand


class Deadlock(Exception):
    """Everybody waits for somebody, and no timer will ever wake them; or they go round in circles."""


class _Clock(selectors.SelectSelector):
    """Instead of waiting for files, moves the time on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns += 1
        if timeout is None or self._turns > TURNS_MAX:
            raise Deadlock
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs the same callbacks in the same order whenever it is given the same work.

    `after_steps` has something called after so many more steps of anybody: between any two of them, wherever a task
    waits.
    """

    def __init__(self) -> None:
        self._clock = _Clock()
        self._steps_left = 0
        self._interruption: Callable[[], None] | None = None
        self.steps = 0
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s

    def after_steps(self, steps: int, interruption: Callable[[], None]) -> None:
        """Call `interruption` between two steps, once, so many steps from now."""
        self._steps_left, self._interruption = steps, interruption

    def no_interruption(self) -> None:
        """Call nothing after all."""
        self._interruption = None

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        self.steps += 1
        if self._interruption is not None:
            self._steps_left -= 1
            if self._steps_left <= 0:
                interruption, self._interruption = self._interruption, None
                super().call_soon(interruption)
        return super().call_soon(callback, *args, context=context)
