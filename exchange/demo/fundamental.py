"""What assets are worth: prices that wander, the same for the same seed, and that participants believe in.

The volatility comes in clusters: quiet and busy times of about half an hour follow each other, and the changes between
them take some minutes. All assets share a part of each move. Time goes by steps of a fixed length, so the path does not
depend on when somebody looks.
"""

import math
import random
from collections.abc import Iterable, Mapping

from exchange.demo.scenario import SCENARIOS, Scenario

STEP_S = 0.25
QUIET = 0.000011  # of one asset within one second, while nothing happens: the standard deviation of the move
BUSY = (14.0, 18.0)  # so many times QUIET do busy times add
BUSY_S, QUIET_S = (1500.0, 1900.0), (1800.0, 2400.0)  # how long the times are
FIRST_QUIET_S = (120.0, 600.0)
RISES_S, FADES_S = 30.0, 240.0
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
        self._busy = 0.0  # what that goes to
        self._changes_s = chance.uniform(*FIRST_QUIET_S)  # when the next time begins
        self.now_s = 0.0
        self.scenario = SCENARIOS["calm"]
        self.since_s = 0.0
        self._steps = 0
        self._step_s = step_s
        self._chance = chance
        self._moving = [asset for asset in self.worth if asset not in set(fixed)]
        self._start = dict(self.worth)
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
        if self.now_s >= self._changes_s:
            self._busy = 0.0 if self._busy else chance.uniform(*BUSY)
            self._changes_s = self.now_s + chance.uniform(*(BUSY_S if self._busy else QUIET_S))
        takes_s = RISES_S if self._busy > self.heat else FADES_S
        self.heat += (self._busy - self.heat) * min(step_s / takes_s, 1.0)
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
        return (0.7 + self.heat / BUSY[1]) * self.scenario.activity
