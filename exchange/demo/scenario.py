"""The scenarios of the demo: what happens to prices, to the flow of orders and to the market, from when one begins."""

import math
from bisect import bisect_right
from dataclasses import dataclass

NAMES_MAX = 64


@dataclass(frozen=True, slots=True)
class Scenario:
    """A state of the market.

    `path` is how far prices have moved at so many seconds after the beginning, as a fraction; between two points the
    price moves evenly, after the last one the rest of the move is `drift_per_s`. `volatility`, `depth`, `spread` and
    `activity` multiply what is usual. `bias` is added to the chance that a taker buys. The market is halted for the
    first `halt_s` seconds.
    """

    name: str
    about: str
    path: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    drift_per_s: float = 0.0
    volatility: float = 1.0
    depth: float = 1.0
    spread: float = 1.0
    activity: float = 1.0
    bias: float = 0.0
    halt_s: float = 0.0

    def moved(self, since_s: float) -> float:
        """The logarithm of the move so many seconds after the beginning."""
        times = [at for at, _ in self.path]
        index = bisect_right(times, since_s) - 1
        at, moved = self.path[index]
        if index + 1 < len(self.path):
            next_at, next_moved = self.path[index + 1]
            moved += (next_moved - moved) * (since_s - at) / (next_at - at)
        return math.log1p(moved) + self.drift_per_s * since_s


_ALL = (
    Scenario("calm", "prices wander; now and then an hour is busier than the others"),
    Scenario("trend", "prices rise by about 2 % in ten minutes", drift_per_s=0.02 / 600, activity=1.3, bias=0.15),
    Scenario(
        "crash",
        "prices fall by 8 % within two minutes and stay there",
        path=((0.0, 0.0), (40.0, -0.05), (120.0, -0.08)),
        volatility=3.0,
        depth=0.4,
        activity=2.5,
        bias=-0.25,
    ),
    Scenario(
        "flash-crash",
        "prices fall by 6 % within 15 seconds, and are back within a minute",
        path=((0.0, 0.0), (15.0, -0.06), (25.0, -0.055), (70.0, -0.006)),
        volatility=1.5,
        depth=0.2,
        activity=2.0,
        bias=-0.1,
    ),
    Scenario("thin-book", "market makers quote little, and further from the price", depth=0.1, spread=3.0),
    Scenario("halted-market", "the first market is halted for a minute, then trades again", halt_s=60.0),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
