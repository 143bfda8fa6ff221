"""A market maker: buys a little below the fair price and sells a little above, on several levels, all the time."""

import random
from typing import Any

from exchange.client import Order, Refusal, Socket
from exchange.demo.walk import Walk

LEVELS = 3
EVERY_S = 1.5
SIDES = ("buy", "sell")


class Maker:
    """Quotes one market. `step` replaces the quotes of before: the new ones first, so that the book is never empty."""

    every_s = EVERY_S

    def __init__(self, socket: Socket, walk: Walk, chance: random.Random) -> None:
        self._socket = socket
        self._walk = walk
        self._chance = chance
        self._open: dict[str, list[str]] = {side: [] for side in SIDES}

    async def begin(self) -> None:
        """Know what is open: nothing. For the start, and for when an answer was lost."""
        await self._socket.cancel_all(self._walk.market)
        self._open = {side: [] for side in SIDES}

    async def step(self) -> None:
        """Quote around the fair price as it is now."""
        items = [self._quote(side, level) for side in SIDES for level in range(1, LEVELS + 1)]
        placed = await self._socket.orders(items)
        replaced: list[str] = []
        for side in SIDES:
            fresh = [order_id(result) for item, result in zip(items, placed, strict=True) if item["side"] == side]
            # A quote that would take is refused. A side where all were keeps what it has, and tries again.
            if resting := [name for name in fresh if name is not None]:
                replaced += self._open[side]
                self._open[side] = resting
        if replaced:
            # Some are filled by now: they are refused as ORDER_CLOSED, and that is as well.
            cancels = [{"cancel": {"market": self._walk.market, "order_id": name}} for name in replaced]
            await self._socket.orders(cancels)

    def _quote(self, side: str, level: int) -> dict[str, Any]:
        walk = self._walk
        # One unit is what the price moves at most in a step: the quotes stay out of each other's way for a while.
        away_ticks = walk.unit_ticks * (2 * level + self._chance.randint(1, 2))
        quantity_lots = walk.usual_lots * level * self._chance.randint(50, 150) // 100
        return {
            "market": walk.market,
            "side": side,
            "order_type": "limit",
            "price": walk.tick.text(walk.fair_ticks + (away_ticks if side == "sell" else -away_ticks)),
            "quantity": walk.lot.text(max(quantity_lots, 1)),
            "post_only": True,
        }


def order_id(result: Order | Refusal) -> str | None:
    """The id of what was accepted; None for what was refused."""
    return None if "code" in result else result["order_id"]
