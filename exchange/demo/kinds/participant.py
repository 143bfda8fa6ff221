"""What all participants have in common: a name, chance of their own, and a record of what they hold.

A participant decides by what it has seen, the time and its seed, and by nothing else.
"""

import random
from collections.abc import Sequence

from exchange.demo.seen import Decision, Place, Seen, Side

ID_DIGITS = 36


class Participant:
    """A user who acts at intervals of about `every_s` seconds. Quantities that it holds are in lots, by market."""

    every_s = 1.0
    hurries = True  # acts more often when prices move

    def __init__(self, user_id: str, markets: Sequence[str], chance: random.Random) -> None:
        self.user_id = user_id
        self.markets = markets
        self.chance = chance
        self.position: dict[str, int] = dict.fromkeys(markets, 0)
        self.prefix = ""  # of the ids of its orders: one that no earlier run has used
        self._ids = 0

    def decide(self, seen: Seen) -> list[Decision]:
        """What to do now."""
        raise NotImplementedError

    def wait_s(self, activity: float) -> float:
        """How long until it acts again."""
        often = activity if self.hurries else 1.0
        return self.every_s * self.chance.uniform(0.5, 1.5) / often

    # What became of its orders

    def filled(self, market: str, side: Side, quantity_lots: int) -> None:
        """An order of its own has traded."""
        self.position[market] += quantity_lots if side == "buy" else -quantity_lots

    def ended(self, client_order_id: str) -> None:
        """An order of its own is no longer open, or was refused."""

    def forget(self) -> None:
        """No order of its own is open: all were canceled."""

    # For the kinds

    def place(self, market: str, side: Side, price_ticks: int, quantity_lots: int, *, rests: bool = False) -> Place:
        """An order with an id of its own."""
        self._ids += 1
        return Place(market, side, max(price_ticks, 1), max(quantity_lots, 1), rests, f"{self.prefix}{self._ids}")

    def take(self, seen: Seen, market: str, side: Side, quantity_lots: int, slip_ticks: int = 0) -> list[Decision]:
        """Take from the book, at most `slip_ticks` beyond the best price; nothing where there is nothing to take."""
        best = seen.books[market].best(side)
        if best is None or quantity_lots < 1:
            return []
        slip = slip_ticks if side == "buy" else -slip_ticks
        return [self.place(market, side, best[0] + slip, quantity_lots)]
