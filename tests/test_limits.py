"""Rate limits: token buckets that fill with time."""

import pytest

from exchange.config import LimitsConfig
from exchange.service import limits
from exchange.service.codes import Code, Refused
from exchange.service.limits import Buckets, RateLimits


class Clock:
    """Time that the story moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_is_taken_at_once_and_what_follows_waits() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3, clock)
    assert [buckets.take("ann", 1) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    clock.now_s = 0.5
    assert buckets.take("ann", 1) == 0.0


def test_one_does_not_empty_anothers_bucket() -> None:
    buckets = Buckets(1.0, 1, Clock())
    assert buckets.take("ann", 1) == 0.0
    assert buckets.take("bob", 1) == 0.0


def test_a_refusal_takes_nothing() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 4, clock)
    assert buckets.take("ann", 3) == 0.0
    assert buckets.take("ann", 3) == 2.0
    assert buckets.take("ann", 1) == 0.0


def test_more_than_a_bucket_holds_leaves_a_debt() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 2, clock)
    assert buckets.take("ann", 10) == 0.0
    assert buckets.take("ann", 1) == 9.0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 2, clock)
    buckets.take("ann", 2)
    clock.now_s = 1000.0
    assert [buckets.take("ann", 1) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_the_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 2)
    buckets = Buckets(1.0, 1, Clock())
    for name in ("ann", "bob", "cyd"):
        buckets.take(name, 1)
    assert buckets.take("cyd", 1) == 1.0
    assert buckets.take("ann", 1) == 0.0


def test_the_refusal_says_how_long_to_wait() -> None:
    limited = RateLimits(LimitsConfig(enabled=True, orders_per_s=0.4, orders_burst=1), Clock())
    limited.orders("ann", 1)
    with pytest.raises(Refused) as refused:
        limited.orders("ann", 1)
    error = refused.value
    assert (error.code, error.message, error.retry_after_s) == (Code.RATE_LIMITED, "Too many orders; wait.", 3)


def test_nothing_is_limited_when_they_are_off() -> None:
    limited = RateLimits(LimitsConfig(requests_per_s=1.0, requests_burst=1), Clock())
    for _ in range(100):
        limited.request("127.0.0.1")
        limited.orders("ann", 100)
