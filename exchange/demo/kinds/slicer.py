"""Somebody with a large order, who works it in slices so that the book has time to fill up again."""

import random

from exchange.demo.kinds.participant import Participant
from exchange.demo.seen import Decision, Seen, Side
from exchange.demo.terms import Terms

SLICES = (20, 60)
PAUSE_S = 400.0  # between two large orders, on the average
SLIP_TICKS = 2


class Slicer(Participant):
    """Works one large order after another in one market, and waits a while between them."""

    every_s = 2.0

    def __init__(self, user_id: str, terms: Terms, chance: random.Random) -> None:
        super().__init__(user_id, [terms.symbol], chance)
        self._terms = terms
        self._side: Side = "buy"
        self._left = 0  # slices
        self._begins_s = chance.expovariate(1 / PAUSE_S)

    def decide(self, seen: Seen) -> list[Decision]:
        """Take the next slice, if there is one."""
        if seen.now_s < self._begins_s:
            return []
        if not self._left:
            # What it holds it wants to get rid of again.
            position = self.position[self._terms.symbol]
            self._side = self.chance.choice(("buy", "sell")) if not position else "sell" if position > 0 else "buy"
            self._left = self.chance.randint(*SLICES)
        self._left -= 1
        if not self._left:
            self._begins_s = seen.now_s + self.chance.expovariate(1 / PAUSE_S)
        lots = int(self._terms.usual_lots * self.chance.uniform(0.5, 1.5))
        return self.take(seen, self._terms.symbol, self._side, lots, SLIP_TICKS)
