"""Rate limits: token buckets that fill with time."""

from collections.abc import Callable

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


def test_who_asks_again_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 8)
    buckets = Buckets(1.0, 1, Clock())
    assert buckets.take("ann", 1) == 0.0
    for number in range(100):
        assert buckets.take(f"other {number}", 1) == 0.0
        assert buckets.take("ann", 1) == 1.0
        assert len(buckets._young) + len(buckets._old) <= 8


def test_what_is_left_is_of_the_last_who_asked() -> None:
    buckets = Buckets(1.0, 3, Clock())
    buckets.take("ann", 1)
    assert buckets.left() == 2
    buckets.take("bob", 5)
    assert buckets.left() == 0
    buckets.take("ann", 0)
    assert buckets.left() == 2


def test_the_refusal_says_how_long_to_wait() -> None:
    limited = RateLimits(LimitsConfig(orders_per_s=0.4, orders_burst=1), Clock(), enabled=True)
    limited.orders("ann", 1)
    with pytest.raises(Refused) as refused:
        limited.orders("ann", 1)
    error = refused.value
    assert (error.code, error.message, error.retry_after_s) == (
        Code.RATE_LIMITED,
        "Too many orders of this user; wait.",
        3,
    )


def test_nothing_is_limited_when_they_are_off() -> None:
    limited = RateLimits(LimitsConfig(requests_per_s=1.0, requests_burst=1), Clock(), enabled=False)
    for _ in range(100):
        assert limited.request("127.0.0.1") is None
        limited.orders("ann", 100)
        limited.of_user("ann")
        limited.frame("socket")
        limited.enter_socket("ann")
    assert limited.channels_max(5000) == 5000


def limited_to(**limits: float) -> tuple[RateLimits, Clock]:
    clock = Clock()
    return RateLimits(LimitsConfig(**limits), clock, enabled=True), clock  # type: ignore[arg-type]


def refused(ask: Callable[[], object]) -> str | None:
    """Why it was refused."""
    with pytest.raises(Refused) as found:
        ask()
    assert found.value.code is Code.RATE_LIMITED
    assert found.value.retry_after_s
    return found.value.message


def test_placements_do_not_starve_cancels() -> None:
    limited, _ = limited_to(requests_per_s=1.0, requests_burst=2)
    assert [limited.request("here") for _ in range(2)] == [1, 0]
    assert refused(lambda: limited.request("here")) == "Too many requests of this address; wait."
    assert [limited.request("here", cancels=True) for _ in range(2)] == [1, 0]
    assert refused(lambda: limited.request("here", cancels=True)) is not None
    assert limited.request("elsewhere") == 1


def test_requests_and_orders_of_a_user_and_messages_of_a_socket_have_buckets_each() -> None:
    limited, clock = limited_to(
        user_requests_per_s=1.0, user_requests_burst=1, orders_per_s=1.0, orders_burst=2, frames_per_s=1.0
    )
    limited.of_user("ann")
    limited.orders("ann", 2)
    limited.frame("a")
    assert refused(lambda: limited.of_user("ann")) == "Too many requests of this user; wait."
    assert refused(lambda: limited.orders("ann", 1)) == "Too many orders of this user; wait."
    assert refused(lambda: limited.frame("a")) == "Too many messages of this socket; wait."
    limited.of_user("bob")
    limited.frame("b")
    clock.now_s = 1.0
    limited.of_user("ann")
    limited.orders("ann", 1)


def test_a_user_has_so_many_sockets_at_a_time() -> None:
    limited, _ = limited_to(sockets_per_user=2, channels_per_socket=3)
    limited.enter_socket("ann")
    limited.enter_socket("ann")
    assert refused(lambda: limited.enter_socket("ann")) == "A user may have 2 sockets; close one."
    limited.enter_socket("bob")
    limited.leave_socket("ann")
    limited.enter_socket("ann")
    assert limited.channels_max(5000) == 3
