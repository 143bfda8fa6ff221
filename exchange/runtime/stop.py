"""What SIGINT, SIGTERM and the end of its terminal (SIGHUP) do to an exchange.

While it starts, the first signal cancels the start. While it runs, the first one lets it finish what it has accepted.
Another signal ends everything at once, as SIGQUIT does. Other signals that would end the process, and leave its
PostgreSQL, do nothing.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Stop:
    """The request to end. `at_once` is called before a second signal ends the process; it may block for seconds."""

    def __init__(self, at_once: Callable[[], None]) -> None:
        self._at_once = at_once
        self._asked = asyncio.Event()
        self._runs = False
        self._work: asyncio.Task[None] | None = None

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work; return when it is done, or when it was canceled by a signal before it came to `wait`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
                loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGQUIT, self._end_at_once, signal.SIGQUIT)
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM):
            if signal.getsignal(number) is signal.SIG_DFL:
                loop.add_signal_handler(number, _ignore, number)
        self._work = asyncio.create_task(work, name="serve")
        try:
            await self._work
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if not self._asked.is_set() or (this is not None and this.cancelling()):
                raise
            log.info("stopped before the exchange was ready")

    async def wait(self) -> None:
        """Return when a signal has come. From now on a signal cancels nothing."""
        self._runs = True
        await self._asked.wait()

    def _on_signal(self, number: int) -> None:
        if self._asked.is_set():
            self._end_at_once(number)
        self._asked.set()
        if not self._runs and self._work is not None:
            self._work.cancel()

    def _end_at_once(self, number: int) -> None:
        log.warning("ending at once", signal=signal.Signals(number).name)
        self._at_once()
        os._exit(128 + number)


def _ignore(number: int) -> None:
    log.warning("signal ignored", signal=signal.Signals(number).name)
