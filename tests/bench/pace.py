"""How long and how often things are measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Each round measures every side once, for `slice_s` after `warmup_s`."""

    name: str
    slice_s: float
    warmup_s: float
    rounds: int
    operations: int  # of a slice of the core
    resting_max: int  # of the figures about many resting orders
    pause_s: float  # how long the loop is listened to


FULL = Pace("full", 2.0, 0.3, 3, operations=100_000, resting_max=1_000_000, pause_s=300.0)
# All of it in seven minutes.
USUAL = Pace("usual", 1.2, 0.3, 2, operations=40_000, resting_max=1_000_000, pause_s=10.0)
QUICK = Pace("quick", 0.4, 0.1, 1, operations=4_000, resting_max=10_000, pause_s=2.0)
PACES = {pace.name: pace for pace in (FULL, USUAL, QUICK)}
