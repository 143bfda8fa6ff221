"""A taker without a reason: buys or sells now and then, often what it did last."""

import random

from exchange.demo.kinds.participant import Participant
from exchange.demo.seen import Decision, Seen, Side, other
from exchange.demo.terms import Terms

SAME_AGAIN = 0.62  # the chance that it does what it did last
SLIP_TICKS = 8
TIMES_MAX = 12.0  # the largest order, in usual ones


class Noise(Participant):
    """Takes from one market. Its sizes have a long tail, as sizes have."""

    every_s = 1.5

    def __init__(self, user_id: str, terms: Terms, chance: random.Random) -> None:
        super().__init__(user_id, [terms.symbol], chance)
        self._terms = terms
        self._side: Side = "buy"

    def decide(self, seen: Seen) -> list[Decision]:
        """Take."""
        if self.chance.random() > SAME_AGAIN:
            self._side = other(self._side)
        if self.chance.random() < abs(seen.scenario.bias):
            self._side = "buy" if seen.scenario.bias > 0 else "sell"
        times = min(self.chance.lognormvariate(-0.9, 1.0), TIMES_MAX)
        return self.take(seen, self._terms.symbol, self._side, int(self._terms.usual_lots * times), SLIP_TICKS)

    def wait_s(self, activity: float) -> float:
        """At random, not at intervals."""
        return max(self.chance.expovariate(activity / self.every_s), 0.02)
