"""Request weights and order counts, in fixed windows."""

import pytest

from exchange.api.binance.calls import API
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.limits import (
    BAN_S,
    NAMES_MAX,
    ORDERS_10S_MAX,
    REFUSED_MAX,
    WEIGHT_MAX,
    BinanceLimits,
    Window,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def refusal(limits: BinanceLimits, weight: int) -> tuple[int, int, int]:
    with pytest.raises(BinanceError) as refused:
        limits.weigh("there", weight)
    assert refused.value.retry_after_s is not None
    return refused.value.code, refused.value.status, refused.value.retry_after_s


def test_weight_is_counted_by_the_minute() -> None:
    clock = Clock()
    limits = BinanceLimits(clock, enabled=True)
    assert [limits.weigh("there", 10), limits.weigh("there", 5), limits.weigh("elsewhere", 1)] == [10, 15, 1]
    clock.now_s += 60
    assert limits.weigh("there", 3) == 3


def test_who_uses_too_much_weight_waits_for_the_next_minute() -> None:
    clock = Clock()
    limits = BinanceLimits(clock, enabled=True)
    limits.weigh("there", WEIGHT_MAX)
    code, status, wait_s = refusal(limits, 1)
    assert (code, status) == (-1003, 429)
    assert limits.weigh("elsewhere", 1) == 1
    clock.now_s += wait_s
    assert limits.weigh("there", 1) == 1


def test_who_goes_on_is_banned() -> None:
    clock = Clock()
    limits = BinanceLimits(clock, enabled=True)
    limits.weigh("there", WEIGHT_MAX)
    for _ in range(REFUSED_MAX + 1):
        refusal(limits, 1)
    assert refusal(limits, 1)[:2] == (-1003, 418)
    clock.now_s += BAN_S - 1
    assert refusal(limits, 1)[:2] == (-1003, 418)
    clock.now_s += 2
    assert limits.weigh("there", 1) == 1


def test_orders_are_counted_by_user() -> None:
    clock = Clock()
    limits = BinanceLimits(clock, enabled=True)
    assert [limits.order("ann", 1), limits.order("ann", 2), limits.order("bob", 1)] == [(1, 1), (3, 3), (1, 1)]
    with pytest.raises(BinanceError) as refused:
        limits.order("ann", ORDERS_10S_MAX)
    assert (refused.value.code, refused.value.status) == (-1015, 429)
    clock.now_s += 10
    assert limits.order("ann", 1)[0] == 1
    assert [row["count"] for row in limits.orders_of("ann")] == [1, ORDERS_10S_MAX + 4]


def test_orders_that_fill_count_no_longer() -> None:
    clock = Clock()
    limits = BinanceLimits(clock, enabled=True)
    assert not limits.counts_orders()
    limits.order("ann", 3)
    limits.filled("ann", 2)
    limits.filled("bob", 1)
    assert [row["count"] for row in limits.orders_of("ann")] == [1, 1]
    limits.filled("ann", 5)
    assert limits.order("ann", 1) == (1, 1)
    assert limits.counts_orders()
    clock.now_s += 86_400
    assert not limits.counts_orders()


def test_a_request_that_failed_is_charged_even_above_the_limit() -> None:
    limits = BinanceLimits(Clock(), enabled=True)
    limits.weigh("there", WEIGHT_MAX)
    assert limits.weigh("there", 0) == WEIGHT_MAX  # what weighs nothing is not refused
    assert limits.charge("there", 1) == WEIGHT_MAX + 1
    assert refusal(limits, 0)[:2] == (-1003, 429)


def test_nothing_is_refused_where_the_limits_of_the_exchange_do_not_hold() -> None:
    limits = BinanceLimits(Clock(), enabled=False)
    assert limits.weigh("there", WEIGHT_MAX * 2) == WEIGHT_MAX * 2
    assert limits.order("ann", ORDERS_10S_MAX * 2)[0] == ORDERS_10S_MAX * 2


def test_a_window_remembers_no_more_names_than_it_may() -> None:
    clock = Clock()
    window = Window(60, clock)
    for number in range(NAMES_MAX + 10):
        window.add(str(number), 1, clock())
    assert window.count(str(NAMES_MAX + 5)) == 0
    assert window.add("0", 1, clock()) == 2


@pytest.mark.parametrize(
    ("path", "values", "weight"),
    [
        ("/api/v3/depth", {}, 5),
        ("/api/v3/depth", {"limit": "5000"}, 250),
        ("/api/v3/depth", {"limit": "x"}, 5),
        ("/api/v3/ticker/24hr", {}, 80),
        ("/api/v3/ticker/24hr", {"symbol": "A"}, 2),
        ("/api/v3/ticker/24hr", {"symbols": ",".join("a" * 30)}, 40),
        ("/api/v3/ticker", {"symbols": "a,b"}, 8),
        ("/api/v3/openOrders", {}, 80),
        ("/api/v3/openOrders", {"symbol": "A"}, 6),
    ],
)
def test_some_calls_weigh_what_they_ask_for(path: str, values: dict[str, str], weight: int) -> None:
    assert API["GET", path].weight_of(values) == weight
