"""The exchange's clock: it follows the machine's, but no jump ahead; and says how far they are apart."""

import pytest
from structlog.testing import capture_logs

from exchange.failure import Failure
from exchange.runtime.clock import Clock

S = 1_000_000_000
HOUR, DAY, YEAR = 3600, 24 * 3600, 365 * 24 * 3600
NOW = 1_700_000_000


class Machine:
    """A machine on which time passes by `wait`, and whose clock can be set."""

    def __init__(self, wall_s: int = NOW) -> None:
        self.wall = wall_s * S
        self.steady = 5 * S
        self.time_ns = 0  # as an engine counts it: it never goes back

    def start(self, last_s: int = 0) -> Clock:
        self.time_ns = last_s * S
        return Clock(lambda: self.wall, lambda: self.steady, last_ns=last_s * S, jump_max_s=HOUR)

    def wait(self, seconds: float) -> None:
        self.wall += int(seconds * S)
        self.steady += int(seconds * S)

    def set(self, seconds: float) -> None:
        self.wall += int(seconds * S)

    def seconds(self, clock: Clock) -> float:
        """What a command gets, since NOW."""
        self.time_ns = max(self.time_ns, clock.now_ns())
        return self.time_ns / S - NOW


@pytest.mark.parametrize("jump_s", [3 * DAY, 10 * YEAR, HOUR + 1])
def test_a_jump_beyond_the_bound_is_not_followed_and_a_clock_that_comes_back_is(jump_s: int) -> None:
    machine = Machine()
    clock = machine.start()
    assert machine.seconds(clock) == 0
    machine.wait(10)
    machine.set(jump_s)
    assert machine.seconds(clock) == 10
    assert clock.offset_ns(machine.time_ns) == -jump_s * S
    machine.wait(5)
    assert machine.seconds(clock) == 15
    machine.set(-jump_s)
    machine.wait(5)
    assert machine.seconds(clock) == 20
    assert clock.offset_ns(machine.time_ns) == 0


def test_a_jump_within_the_bound_is_followed() -> None:
    machine = Machine()
    clock = machine.start()
    machine.seconds(clock)
    machine.set(HOUR)
    assert machine.seconds(clock) == HOUR
    assert clock.offset_ns(machine.time_ns) == 0


def test_the_steady_clock_is_asked_about_once_a_second() -> None:
    machine, asked = Machine(), 0

    def steady_ns() -> int:
        nonlocal asked
        asked += 1
        return machine.steady

    clock = Clock(lambda: machine.wall, steady_ns, last_ns=0, jump_max_s=HOUR)
    for number in range(4_001):
        assert clock.now_ns() == (NOW * 1000 + number) * S // 1000
        machine.wait(0.001)
    assert asked == 5


@pytest.mark.parametrize("jump_max_s", [0.1, 0.5, 3.0])
def test_a_small_bound_is_kept_too(jump_max_s: float) -> None:
    machine = Machine()
    clock = Clock(lambda: machine.wall, lambda: machine.steady, last_ns=0, jump_max_s=jump_max_s)
    machine.seconds(clock)
    machine.set(jump_max_s + 0.01)
    assert machine.seconds(clock) == 0


@pytest.mark.parametrize("back_s", [2, 3 * DAY])
def test_a_clock_that_was_set_back_and_comes_back_has_not_jumped(back_s: int) -> None:
    machine = Machine()
    clock = machine.start()
    machine.seconds(clock)
    machine.set(-back_s)
    assert machine.seconds(clock) == 0
    assert clock.offset_ns(machine.time_ns) == back_s * S
    machine.wait(5)
    machine.seconds(clock)
    machine.set(back_s)
    assert machine.seconds(clock) == 5


def test_a_restart_follows_a_jump_that_turned_out_to_be_right() -> None:
    machine = Machine()
    machine.seconds(machine.start())
    machine.set(3 * DAY)
    assert machine.seconds(machine.start(NOW)) == 3 * DAY


def test_after_a_start_with_a_clock_older_than_the_journal_time_stands_until_it_is_set_right() -> None:
    """A machine without a battery: its clock begins in the past, and is set a moment later."""
    machine = Machine(NOW - 20 * YEAR)
    clock = machine.start(NOW)
    assert machine.seconds(clock) == 0
    assert clock.offset_ns(machine.time_ns) == 20 * YEAR * S
    machine.wait(3)
    machine.set(20 * YEAR + 3 * DAY)
    assert machine.seconds(clock) == 3 * DAY + 3
    assert clock.offset_ns(machine.time_ns) == 0


def test_it_is_said_at_once_then_every_minute_and_when_it_is_over() -> None:
    machine = Machine(NOW - DAY)
    clock = machine.start(NOW)
    with capture_logs() as logs:
        for _ in range(1500):  # 75 seconds
            clock.offset_ns(max(machine.time_ns, clock.now_ns()))
            machine.wait(0.05)
        machine.set(DAY)
        clock.offset_ns(max(machine.time_ns, clock.now_ns()))
    assert [line["log_level"] for line in logs] == ["warning", "warning", "info"]
    assert logs[0]["offset_s"] == DAY


def test_a_start_more_than_a_year_later_is_refused_and_says_how_to_insist() -> None:
    machine = Machine()
    with pytest.raises(Failure, match=r"\[engine\] clock_jump_max_s to (\d+)") as refusal:
        machine.start(NOW - 10 * YEAR)
    enough = int(str(refusal.value).rpartition(" to ")[2].partition(" ")[0])
    Clock(lambda: machine.wall, lambda: machine.steady, last_ns=(NOW - 10 * YEAR) * S, jump_max_s=enough)
    machine.start(NOW - YEAR)
    machine.start()
