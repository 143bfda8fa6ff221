"""Two who look at how the price has moved: one follows a move, the other bets that it turns back."""

import math
import random

from exchange.demo.kinds.participant import Participant
from exchange.demo.seen import Decision, Seen, Side
from exchange.demo.terms import Terms

FAST_S, SLOW_S = 15.0, 120.0
POSITION_MAX = 20  # in usual orders
SLIP_TICKS = 3


class _Averages(Participant):
    """Keeps a fast and a slow average of the price, and how much it usually moves."""

    every_s = 4.0
    opens_at = 0.5  # so many usual moves must the averages be apart
    sign = 1  # 1 follows the move, -1 goes against it

    def __init__(self, user_id: str, terms: Terms, chance: random.Random) -> None:
        super().__init__(user_id, [terms.symbol], chance)
        self._terms = terms
        self._fast = self._slow = 0.0
        self._usual = 0.0
        self._last_s: float | None = None

    def decide(self, seen: Seen) -> list[Decision]:
        """Take in the direction that the averages tell, up to a limit; go back to nothing when they say nothing."""
        mid = seen.books[self._terms.symbol].mid_ticks
        if self._last_s is None:
            self._fast = self._slow = mid
        else:
            passed_s = seen.now_s - self._last_s
            self._fast += (mid - self._fast) * (1 - math.exp(-passed_s / FAST_S))
            self._slow += (mid - self._slow) * (1 - math.exp(-passed_s / SLOW_S))
        self._last_s = seen.now_s
        apart = self._fast - self._slow
        self._usual += 0.02 * (abs(apart) - self._usual)
        return self._take(seen, apart)

    def _take(self, seen: Seen, apart: float) -> list[Decision]:
        symbol, usual = self._terms.symbol, self._terms.usual_lots
        position = self.position[symbol]
        lots = int(usual * self.chance.uniform(0.3, 1.2))
        if abs(apart) > max(self.opens_at * self._usual, 1.0):
            side: Side = "buy" if apart * self.sign > 0 else "sell"
            if abs(position) < POSITION_MAX * usual or (position > 0) == (side == "sell"):
                return self.take(seen, symbol, side, lots, SLIP_TICKS)
        elif abs(position) > usual and self.chance.random() < 0.3:
            return self.take(seen, symbol, "sell" if position > 0 else "buy", min(lots, abs(position)), SLIP_TICKS)
        return []


class Momentum(_Averages):
    """Buys what rises and sells what falls."""

    opens_at = 1.0


class Reversion(_Averages):
    """Sells what has risen far and buys what has fallen far."""

    every_s = 6.0
    opens_at = 2.0
    sign = -1
