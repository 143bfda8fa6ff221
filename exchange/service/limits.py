"""Limits of what one address, one user and one socket may do, and how often.

A rate has a bucket of tokens that fills steadily: a burst is what the bucket holds, the rate what flows in. Cancels
have buckets of their own, so that placements never starve them.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol

from exchange.service.addresses import client_of
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

    def left(self, name: str) -> int:
        """How many tokens were there after the last `take`."""
        return max(0, int(self._levels[name][0]))


class Limits(Protocol):
    """The configuration of the limits. Rates are by the second; a burst is how many may come at once."""

    @property
    def requests_per_s(self) -> float:
        """Of one address."""

    @property
    def requests_burst(self) -> int:
        """Of one address."""

    @property
    def user_requests_per_s(self) -> float:
        """Of one user, cancels left out."""

    @property
    def user_requests_burst(self) -> int:
        """Of one user, cancels left out."""

    @property
    def orders_per_s(self) -> float:
        """Of one user."""

    @property
    def orders_burst(self) -> int:
        """Of one user."""

    @property
    def frames_per_s(self) -> float:
        """Messages of one socket; as many may come at once."""

    @property
    def sockets_per_user(self) -> int:
        """At a time, of those that have signed in."""

    @property
    def channels_per_socket(self) -> int:
        """At a time."""


class RateLimits:
    """The limits of the configuration; nothing is limited unless they are `enabled`."""

    def __init__(self, config: Limits, now_s: Callable[[], float], *, enabled: bool) -> None:
        self.enabled = enabled
        self._config = config
        self._requests = Buckets(config.requests_per_s, config.requests_burst, now_s)
        self._cancels = Buckets(config.requests_per_s, config.requests_burst, now_s)
        self._users = Buckets(config.user_requests_per_s, config.user_requests_burst, now_s)
        self._orders = Buckets(config.orders_per_s, config.orders_burst, now_s)
        self._frames = Buckets(config.frames_per_s, math.ceil(config.frames_per_s), now_s)
        self._sockets: Counter[str] = Counter()

    def request(self, address: str | None, *, cancels: bool = False) -> int | None:
        """Count a request, or a message of a socket, against its address; how many more may come at once.

        None if nothing is limited. Raises Refused.
        """
        if not self.enabled:
            return None
        buckets, client = self._cancels if cancels else self._requests, client_of(address or "")
        _refuse_after(buckets.take(client, 1), "requests of this address")
        return buckets.left(client)

    def of_user(self, user_id: str) -> None:
        """Count a request other than a cancel against its user. Raises Refused."""
        if self.enabled:
            _refuse_after(self._users.take(user_id, 1), "requests of this user")

    def orders(self, user_id: str, count: int) -> None:
        """Count orders to place against their user; cancels are free. Raises Refused."""
        if self.enabled and count:
            _refuse_after(self._orders.take(user_id, count), "orders of this user")

    def frame(self, socket: str) -> None:
        """Count a message of a socket. Raises Refused."""
        if self.enabled:
            _refuse_after(self._frames.take(socket, 1), "messages of this socket")

    def channels_max(self, most: int) -> int:
        """How many channels a socket may have, at most `most`."""
        return min(most, self._config.channels_per_socket) if self.enabled else most

    def enter_socket(self, user_id: str) -> None:
        """A socket signs in as the user. Raises Refused."""
        if self.enabled and self._sockets[user_id] >= self._config.sockets_per_user:
            most = self._config.sockets_per_user
            raise Refused(Code.RATE_LIMITED, f"A user may have {most} sockets; close one.", retry_after_s=1)
        self._sockets[user_id] += 1

    def leave_socket(self, user_id: str) -> None:
        """A socket that has signed in is gone."""
        self._sockets[user_id] -= 1
        if not self._sockets[user_id]:
            del self._sockets[user_id]


def _refuse_after(wait_s: float, what: str) -> None:
    if wait_s:
        raise Refused(Code.RATE_LIMITED, f"Too many {what}; wait.", retry_after_s=math.ceil(wait_s))
