"""What a market's participants believe it to be worth: a price that wanders, the same for the same seed."""

import random
from fractions import Fraction
from math import ceil

from exchange.client import Market, Step

START_PRICES = {"SOL_USDC": "150", "JUP_USDC": "0.5", "BONK_USDC": "0.00002"}
START_TICKS = 10_000  # where none is known
NOTIONAL = 100  # about what one order is worth, in quote


class Walk:
    """One market's fair price in ticks, and what a usual order is: so many lots, worth so many units of quote.

    A step is at most two hundredths of a percent, and the further the price is from where it began, the more likely it
    turns back.
    """

    def __init__(self, rules: Market, chance: random.Random, last_price: str | None = None) -> None:
        self.market = rules["market"]
        self.tick, self.lot = Step(rules["tick_size"]), Step(rules["lot_size"])
        start = START_PRICES.get(self.market)
        self._start_ticks = self.tick.count(start) if start is not None else START_TICKS
        self.fair_ticks = self.tick.count(last_price) if last_price is not None else self._start_ticks
        self.unit_ticks = max(self._start_ticks // 5000, 1)
        self._chance = chance
        price = Fraction(self._start_ticks) * Fraction(self.tick.size)
        self.usual_quote = max(NOTIONAL, ceil(20 * Fraction(rules["min_notional"])))
        self.usual_lots = max(round(self.usual_quote / price / Fraction(self.lot.size)), 10)

    def step(self) -> None:
        """Time passes."""
        away = (self.fair_ticks - self._start_ticks) / self._start_ticks
        up = self._chance.random() > 0.5 + max(min(5 * away, 0.4), -0.4)
        moved = self._chance.randint(0, self.unit_ticks) * (1 if up else -1)
        # Far from zero there is always room for the quotes below.
        self.fair_ticks = max(self.fair_ticks + moved, self._start_ticks // 10, 100 * self.unit_ticks)
