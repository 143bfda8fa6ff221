"""Rate limits: how much one address may ask, and one user may place, in a second.

Each has a bucket of tokens that fills steadily: a burst is what the bucket holds, the rate what flows in.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from exchange.service.codes import Code, Refused

BUCKETS_MAX = 100_000  # who has not asked for longest is forgotten first, and starts with a full bucket again


class Buckets:
    """A bucket a name: `take` empties, time fills."""

    def __init__(self, per_s: float, burst: int, now_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now_s = now_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (tokens, as of)

    def take(self, name: str, tokens: int) -> float:
        """Take the tokens: 0.0, or how many seconds it takes until they are there, with nothing taken.

        More tokens than a bucket holds are never there: they are taken from a full one, which is then in debt.
        """
        now_s = self._now_s()
        level, since_s = self._levels.pop(name, (float(self._burst), now_s))
        level = min(level + (now_s - since_s) * self._per_s, self._burst)
        needed = min(tokens, self._burst)
        enough = level >= needed
        self._levels[name] = (level - tokens if enough else level, now_s)
        if len(self._levels) > BUCKETS_MAX:
            self._levels.popitem(last=False)
        return 0.0 if enough else (needed - level) / self._per_s


class Limits(Protocol):
    """The configuration of the limits."""

    @property
    def enabled(self) -> bool:
        """Whether anything is limited."""

    @property
    def requests_per_s(self) -> float:
        """Of one address."""

    @property
    def requests_burst(self) -> int:
        """Of one address."""

    @property
    def orders_per_s(self) -> float:
        """Of one user."""

    @property
    def orders_burst(self) -> int:
        """Of one user."""


class RateLimits:
    """The limits of the configuration; nothing is limited when they are off."""

    def __init__(self, config: Limits, now_s: Callable[[], float]) -> None:
        self._enabled = config.enabled
        self._requests = Buckets(config.requests_per_s, config.requests_burst, now_s)
        self._orders = Buckets(config.orders_per_s, config.orders_burst, now_s)

    def request(self, address: str | None) -> None:
        """Count a request, or a message of a socket, against its address. Raises Refused."""
        if self._enabled:
            _refuse_after(self._requests.take(address or "", 1), "requests")

    def orders(self, user_id: str, count: int) -> None:
        """Count orders to place against their user; cancels are free. Raises Refused."""
        if self._enabled and count:
            _refuse_after(self._orders.take(user_id, count), "orders")


def _refuse_after(wait_s: float, what: str) -> None:
    if wait_s:
        raise Refused(Code.RATE_LIMITED, f"Too many {what}; wait.", retry_after_s=math.ceil(wait_s))
