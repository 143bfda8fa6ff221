"""Limits of what one address, one user and one socket may do, and how often.

A rate has a bucket of tokens that fills steadily: a burst is what the bucket holds, the rate what flows in. Cancels
have buckets of their own, so that placements never starve them.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from exchange.service.addresses import client_of
from exchange.service.codes import Code, Refused

BUCKETS_MAX = 100_000  # who has not asked for long is forgotten, and starts with a full bucket again


class Bucket:
    """Tokens, as of a time."""

    __slots__ = ("since_s", "tokens")

    def __init__(self, tokens: float, since_s: float) -> None:
        self.tokens = tokens
        self.since_s = since_s


class Buckets:
    """A bucket a name: `take` empties, time fills.

    Who has asked lately is among the young. When they are half of what is kept, they are the old ones, and those who
    were old are forgotten.
    """

    def __init__(self, per_s: float, burst: int, now_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._now_s = now_s
        self._young: dict[str, Bucket] = {}
        self._old: dict[str, Bucket] = {}
        self._last = Bucket(0.0, 0.0)  # of the last `take`

    def take(self, name: str, tokens: int) -> float:
        """Take the tokens: 0.0, or how many seconds it takes until they are there, with nothing taken.

        More tokens than a bucket holds are never there: they are taken from a full one, which is then in debt.
        """
        now_s, burst, asked = self._now_s(), self._burst, float(tokens)
        bucket = self._young.get(name)
        if bucket is None:
            bucket = self._of(name, now_s)
        self._last = bucket
        level = bucket.tokens + (now_s - bucket.since_s) * self._per_s
        if level > burst:
            level = burst
        bucket.since_s = now_s
        needed = burst if asked > burst else asked
        if level < needed:
            bucket.tokens = level
            return (needed - level) / self._per_s
        bucket.tokens = level - asked
        return 0.0

    def _of(self, name: str, now_s: float) -> Bucket:
        """The bucket of who is not among the young."""
        bucket = self._old.pop(name, None) or Bucket(self._burst, now_s)
        if 2 * len(self._young) >= BUCKETS_MAX:
            self._old, self._young = self._young, {}
        self._young[name] = bucket
        return bucket

    def left(self) -> int:
        """How many tokens the last `take` has left."""
        return max(0, int(self._last.tokens))


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
        return buckets.left()

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
