"""An arbitrageur between three markets that share assets, such as BTC_USDC, ETH_USDC and ETH_BTC.

When an asset costs less by the way around than directly, it buys on one way and sells on the other, all three at once.
It bears the risk that a price has gone by the time its orders arrive, as they do.
"""

import random

from exchange.demo.kinds.participant import Participant
from exchange.demo.seen import Decision, Seen, Side
from exchange.demo.terms import Terms

EDGE = 0.00005  # what must be left of the price
OF_LEVEL = 0.8  # of what is best is what it takes at most
Leg = tuple[Terms, Side]


class Arbitrageur(Participant):
    """`first` is A/Q, `second` B/Q and `cross` B/A."""

    every_s = 0.7

    def __init__(self, user_id: str, first: Terms, second: Terms, cross: Terms, chance: random.Random) -> None:
        super().__init__(user_id, [first.symbol, second.symbol, cross.symbol], chance)
        self._ways: tuple[tuple[Leg, Leg, Leg], ...] = (
            ((second, "buy"), (cross, "sell"), (first, "sell")),
            ((first, "buy"), (cross, "buy"), (second, "sell")),
        )

    def decide(self, seen: Seen) -> list[Decision]:
        """Go round where that pays."""
        for way in self._ways:
            found = self._round(seen, way)
            if found:
                return found
        return []

    def _round(self, seen: Seen, way: tuple[Leg, Leg, Leg]) -> list[Decision]:
        """The three orders; none where it does not pay, or not for a whole lot of each."""
        had, most = 1.0, float("inf")  # of what it begins with: what one unit becomes, and how much there is of it
        for terms, side in way:
            best = seen.books[terms.symbol].best(side)
            if best is None:
                return []
            price, there = best[0] * terms.tick_size, best[1] * terms.lot_size * OF_LEVEL
            if side == "buy":
                most = min(most, there * price / had)
                had /= price
            else:
                most = min(most, there / had)
                had *= price
        if had < 1 + EDGE:
            return []
        return self._orders(seen, way, most)

    def _orders(self, seen: Seen, way: tuple[Leg, Leg, Leg], amount: float) -> list[Decision]:
        orders: list[Decision] = []
        for terms, side in way:
            best = seen.books[terms.symbol].best(side)
            assert best is not None
            price = best[0] * terms.tick_size
            base = amount / price if side == "buy" else amount
            lots = int(base / terms.lot_size + 1e-9)
            if lots < max(terms.usual_lots // 50, 1):
                return []
            orders.append(self.place(terms.symbol, side, best[0], lots))
            amount = base if side == "buy" else base * price
        return orders
