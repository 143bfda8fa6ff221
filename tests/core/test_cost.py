"""What a command costs does not depend on how much rests: counted in steps of the interpreter, not in time."""

import gc
import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from exchange.core.commands import CancelOrder, Command
from exchange.core.instrument import COUNT_MAX
from exchange.core.matching import plan
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.runtime import compiled
from tests.core.stories import SOL_USDC, order_of, venue_of

pytestmark = pytest.mark.skipif(compiled.in_use(), reason="what is compiled has no steps to count")

SMALL, LARGE = 1_000, 100_000
LEVELS = 100


def apply(venue: Venue, command: Command) -> None:
    """Carry it out, without the checks after each step, which do look at everything."""
    outcome = venue.apply(command, venue.sequence + 1, venue.time_ns)
    assert isinstance(outcome, Applied)


def crowded(orders: int) -> tuple[Venue, list[int]]:
    """A venue with so many resting asks over a hundred levels, and their ids, oldest first."""
    venue = venue_of(replace(SOL_USDC, max_open_orders=LARGE))
    asks = [order_of(venue, f"maker sell 0.001 @ {200 + level}") for level in range(LEVELS)]
    ids = []
    for count in range(orders):
        apply(venue, replace(asks[count % LEVELS], client_order_id=f"id-{count}"))
        ids.append(venue.counts.last_order_id)
    return venue, ids


def steps_of(venue: Venue, command: Command) -> int:
    """How many instructions the interpreter carries out for the command, and how many calls into C."""
    steps = 0

    def on_step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        steps += event == "opcode"
        return on_step

    def on_call(_: FrameType, event: str, __: Any) -> None:
        nonlocal steps
        steps += event == "c_call"

    tracing, profiling = sys.gettrace(), sys.getprofile()
    gc.disable()  # who has a callback there would be counted, whenever that happens
    sys.setprofile(on_call)
    sys.settrace(on_step)
    try:
        apply(venue, command)
    finally:
        sys.settrace(tracing)
        sys.setprofile(profiling)
        gc.enable()
    return steps


@pytest.fixture(scope="module")
def venues() -> list[tuple[Venue, list[int]]]:
    """The same market with few and with many resting orders."""
    return [crowded(SMALL), crowded(LARGE)]


def assert_equal_steps(venues: list[tuple[Venue, list[int]]], commands: list[Command]) -> None:
    few, many = (steps_of(venue, command) for (venue, _), command in zip(venues, commands, strict=True))
    assert 100 < many <= few * 1.05  # a neighbour more or less in the level is a branch or two


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_a_cancel_costs_the_same_in_a_crowd(venues: list[tuple[Venue, list[int]]], at: float) -> None:
    """The first of the best level, one in its middle, and the last of the last level."""
    assert_equal_steps(
        venues, [CancelOrder("maker", "SOL_USDC", ids[int(at * (len(ids) - at))], None) for _, ids in venues]
    )


def test_a_cancel_by_client_order_id_costs_the_same_in_a_crowd(venues: list[tuple[Venue, list[int]]]) -> None:
    assert_equal_steps(venues, [CancelOrder("maker", "SOL_USDC", None, f"id-{len(ids) // 3}") for _, ids in venues])


@pytest.mark.parametrize(
    "order",
    [
        "alice sell 1 @ 250",
        "alice buy 1 @ 100",
        "bob buy 0.001 @ 200",
        "bob buy 0.003 at market",
        "bob buy 0.002 @ 200 FOK",
        "bob buy 1 @ 50 IOC",
    ],
)
def test_an_order_costs_the_same_in_a_crowd(venues: list[tuple[Venue, list[int]]], order: str) -> None:
    assert_equal_steps(venues, [order_of(venue, order) for venue, _ in venues])


def test_nobody_walks_further_than_they_can_pay_for(venues: list[tuple[Venue, list[int]]]) -> None:
    venue, _ = venues[1]
    order = order_of(venue, "bob buy 100 at market")
    book = venue.markets["SOL_USDC"].book
    assert len(plan(book, order, COUNT_MAX, cost_max=0).fills) == 1
    assert len(plan(book, order, COUNT_MAX, cost_max=20_000 * 10).fills) == 11
    assert len(plan(book, order, COUNT_MAX).fills) > 90_000
