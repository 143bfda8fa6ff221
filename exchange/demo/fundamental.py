"""What assets are worth: prices that wander, the same for the same seed, and that participants believe in.

The volatility comes in clusters: bursts, about one an hour, that fade over a quarter of an hour. All assets share a
part of each move. Time goes by steps of a fixed length, so the path does not depend on when somebody looks.
"""

import math
import random
from collections.abc import Iterable, Mapping

from exchange.demo.scenario import SCENARIOS, Scenario

STEP_S = 0.25
QUIET = 0.00003  # of one asset within one second, while nothing happens: the standard deviation of the move
BURST = 9.0  # so many times QUIET does a burst add
BURSTS_PER_S = 1 / 3600
FADES_S = 900.0
HEAT_MAX = 3 * BURST
SHARED = 0.7  # the part of each move that all assets have in common
BACK_PER_S = 1 / 20_000  # how fast a price returns to where it began
ACCOUNT = "USDC"  # the unit of account, which is always worth the same


class Fundamental:
    """What the assets are worth in units of account, at `now_s` seconds since the beginning."""

    def __init__(
        self, worth: Mapping[str, float], fixed: Iterable[str], chance: random.Random, *, step_s: float = STEP_S
    ) -> None:
        self.worth = dict(worth)
        self.heat = 0.0  # how busy it is, in multiples of QUIET beyond it
        self.now_s = 0.0
        self.scenario = SCENARIOS["calm"]
        self.since_s = 0.0
        self._steps = 0
        self._step_s = step_s
        self._chance = chance
        self._moving = [asset for asset in self.worth if asset not in set(fixed)]
        self._start = dict(self.worth)
        self._fading = math.exp(-step_s / FADES_S)
        self._root = math.sqrt(step_s)

    def begin(self, scenario: Scenario) -> None:
        """Let a scenario begin now. Where prices are by then is where they go on from."""
        self.scenario, self.since_s = scenario, self.now_s

    def advance(self, now_s: float) -> None:
        """Let time pass until the last step that is not after `now_s`."""
        while (self._steps + 1) * self._step_s <= now_s:
            self._steps += 1
            self._step()

    def _step(self) -> None:
        chance, scenario, step_s = self._chance, self.scenario, self._step_s
        before_s, self.now_s = self.now_s, self._steps * step_s
        moved = scenario.moved(self.now_s - self.since_s) - scenario.moved(before_s - self.since_s)
        self.heat *= self._fading
        if chance.random() < BURSTS_PER_S * step_s:
            self.heat = min(self.heat + BURST * chance.uniform(0.7, 1.3), HEAT_MAX)
        deviation = QUIET * (1 + self.heat) * scenario.volatility * self._root
        shared = chance.gauss(0, 1) * SHARED
        for asset in self._moving:
            worth = self.worth[asset]
            own = chance.gauss(0, 1) * (1 - SHARED)
            back = math.log(self._start[asset] / worth) * BACK_PER_S * step_s
            self.worth[asset] = worth * math.exp((shared + own) * deviation + back + moved)

    @property
    def activity(self) -> float:
        """How often takers act, in multiples of what is usual: more when prices move."""
        return (0.7 + min(self.heat, BURST) / BURST) * self.scenario.activity
