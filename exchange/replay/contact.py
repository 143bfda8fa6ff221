"""Patience with an exchange that goes away and comes back.

Only what may pass is waited for: a lost connection, `NOT_READY`, `OUTCOME_UNKNOWN`. Every other refusal ends the run
with a sentence. The patience is for one trouble: it starts anew when the run gets ahead again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from exchange.client import UNSETTLED, ApiError, Unreachable
from exchange.failure import Failure

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0

# Answers under which a recording can no longer be applied in its order, item by item.
ENDS_THE_RUN = frozenset({"OVERLOADED", "RATE_LIMITED"})

T = TypeVar("T")


class Contact:
    """Counts the time since the exchange was last of use."""

    def __init__(
        self,
        url: str,
        retry_s: float,
        passing: frozenset[str] = UNSETTLED,
        advice: str = "when it is, continue with --resume",
    ) -> None:
        self.troubles = 0
        self._passing = passing
        self._advice = advice
        self._url = url
        self._retry_s = retry_s
        self._since: float | None = None
        self._wait_s = FIRST_WAIT_S

    def well(self) -> None:
        """The run got ahead: the next trouble is a new one."""
        self._since = None
        self._wait_s = FIRST_WAIT_S

    async def trouble(self, error: Unreachable | ApiError) -> None:
        """Wait a while, longer each time; Failure if `error` will not pass, or has not within `retry_s`."""
        if isinstance(error, ApiError) and error.code not in self._passing:
            self.give_up(error.code, error.message)
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self.troubles += 1
        left_s = self._since + self._retry_s - now
        if left_s <= 0:
            raise Failure(
                f"The exchange at {self._url} did not answer within {self._retry_s:g} s ({error}); {self._advice}."
            ) from error
        wait_s = self._wait_s
        if isinstance(error, ApiError) and error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        await asyncio.sleep(min(wait_s, left_s))
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` returns, asking again while the trouble may pass. It does not call `well`: the caller knows."""
        while True:
            try:
                return await ask()
            except (Unreachable, ApiError) as error:
                await self.trouble(error)

    def give_up(self, code: str, message: str) -> NoReturn:
        """End the run for what the exchange answered. Always raises Failure."""
        if code in ENDS_THE_RUN:
            raise Failure(
                f"The exchange at {self._url} refused commands with {code} ({message}), so the rest cannot be applied "
                "in the recorded order; the run has failed."
            )
        raise Failure(f"The exchange at {self._url} refused the replay: {code}: {message}")
