"""The soak judges what it has measured."""

from dataclasses import replace

from tests.bench.soak import Part, findings

GOOD = Part(5000.0, 3.0, 9.0, 30.0, 400.0, 80, 1000)


def test_a_flat_soak_has_no_findings() -> None:
    assert findings([replace(GOOD, memory_mib=200.0), *([GOOD] * 7)]) == []


def test_slow_orders_and_growth_are_found() -> None:
    slow = [*([GOOD] * 6), replace(GOOD, p99_ms=51.0, memory_mib=500.0, files=200), replace(GOOD, memory_mib=500.0)]
    assert findings(slow) == [
        "the p99 of an order has reached 51.0 ms, and must be below 50 ms",
        "memory has grown from 400 to 500 MiB",
        "open files have grown from 80 to 140",
    ]
