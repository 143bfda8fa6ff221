"""A market maker: buys a little below the fair price and sells a little above, on several levels, all the time.

The more it holds, the lower it quotes; at its limit it quotes one side from afar only. It leaves an order where it is
as long as its price is still one of those that it wants, so the deeper levels rarely change.
"""

import math
import random

from exchange.demo.kinds.participant import Participant
from exchange.demo.seen import BookSeen, Cancel, Decision, Seen, Side
from exchange.demo.terms import Terms

AWAY = (0, 1, 3, 7, 15, 40, 120, 400)  # the levels, in ticks from the first
DEEP = 3  # the first level that it quotes even at its limit, so that the book is never empty
LEAN_TICKS = 4.0  # so far does it lean at its limit, and further when prices move
POSITION_MAX = 60  # in usual orders
NEAREST_TICKS = 0.8  # from the fair price
OF_MOVE = 0.25  # of the move that is usual within a second
REMEMBERS = 0.9  # the weight of what was, in its estimate of how much prices move


class Maker(Participant):
    """Quotes one market. `width` multiplies its distance from the fair price."""

    every_s = 0.8
    hurries = False

    def __init__(self, user_id: str, terms: Terms, chance: random.Random, *, width: float = 1.0) -> None:
        super().__init__(user_id, [terms.symbol], chance)
        self._terms = terms
        self._width = width
        self._open: dict[str, tuple[Side, int]] = {}  # what is open by its client_order_id: side and price
        self._last: tuple[float, float] | None = None  # when it looked last, and at what fair price
        self._move_ticks = 1.0  # within a second

    def decide(self, seen: Seen) -> list[Decision]:
        """Cancel what is no longer wanted, and place what is missing."""
        book = seen.books[self._terms.symbol]
        self._estimate(seen.now_s, book)
        wanted = self._wanted(seen, book)
        kept: set[tuple[Side, int]] = set()
        canceled: list[str] = []
        for name, quote in self._open.items():
            if quote in wanted and quote not in kept:
                kept.add(quote)
            else:
                canceled.append(name)
        placed = [
            self.place(self._terms.symbol, side, price, lots, rests=True)
            for (side, price), lots in wanted.items()
            if (side, price) not in kept
        ]
        for name in canceled:
            del self._open[name]
        self._open.update({order.client_order_id: (order.side, order.price_ticks) for order in placed})
        return [*(Cancel(self._terms.symbol, name) for name in canceled), *placed]

    def ended(self, client_order_id: str) -> None:
        """A quote is filled, or was refused."""
        self._open.pop(client_order_id, None)

    def forget(self) -> None:
        """Nothing is open."""
        self._open.clear()

    def _estimate(self, now_s: float, book: BookSeen) -> None:
        """How much prices move now."""
        if self._last is not None and now_s > self._last[0]:
            moved = abs(book.fair_ticks - self._last[1]) / math.sqrt(now_s - self._last[0])
            self._move_ticks = REMEMBERS * self._move_ticks + (1 - REMEMBERS) * moved
        self._last = (now_s, book.fair_ticks)

    def _wanted(self, seen: Seen, book: BookSeen) -> dict[tuple[Side, int], int]:
        """The quotes it wants to have: quantities by side and price."""
        terms, scenario = self._terms, seen.scenario
        limit = POSITION_MAX * terms.usual_lots
        held = max(-1.0, min(1.0, self.position[terms.symbol] / limit))
        center = book.fair_ticks - held * (LEAN_TICKS + self._move_ticks)
        away = max(NEAREST_TICKS, OF_MOVE * self._move_ticks) * self._width * scenario.spread
        wanted: dict[tuple[Side, int], int] = {}
        for number, further in enumerate(AWAY):
            grid = max(1, further // 3)
            lots = int(terms.usual_lots * (1 + number) * scenario.depth * self.chance.uniform(0.5, 1.5))
            if held < 1 or number >= DEEP:
                price = math.floor((center - away) - further) // grid * grid
                wanted.setdefault(("buy", max(price, 1)), max(lots, 1))
            if held > -1 or number >= DEEP:
                price = -(math.floor(-(center + away) - further) // grid * grid)
                wanted.setdefault(("sell", max(price, 2)), max(lots, 1))
        return wanted
