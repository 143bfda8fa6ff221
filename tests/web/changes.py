"""Changes of a book at a rate, for programs that measure the page."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

from exchange.client import Socket

BATCH = 10
RESTING_MAX = 200


@dataclass(frozen=True, slots=True)
class Flow:
    """Orders that rest on random levels, `near` to `far` ticks of size `tick` away from `middle`, and their cancels."""

    market: str
    middle: float
    tick: float
    near: int
    far: int
    quantity: str

    def order(self, chance: random.Random) -> dict[str, Any]:
        """The next order. It never trades."""
        side = chance.choice(["buy", "sell"])
        away = chance.randint(self.near, self.far) * self.tick
        price = self.middle + (away if side == "sell" else -away)
        return {
            "market": self.market,
            "side": side,
            "order_type": "limit",
            "price": f"{round(price / self.tick) * self.tick:.8f}",
            "quantity": self.quantity,
            "post_only": True,
        }


async def change(url: str, user: str, flow: Flow, *, rate: float, seconds: float) -> float:
    """Place and cancel so many times a second; the rate that was reached. What rests at the end is canceled."""
    chance = random.Random(1)
    done = 0
    resting: list[str] = []
    begun = time.monotonic()
    async with Socket(url, user) as socket:
        while time.monotonic() < begun + seconds:
            items: list[dict[str, Any]] = []
            for _ in range(BATCH):
                if len(resting) > RESTING_MAX or (resting and chance.random() < 0.5):
                    gone = resting.pop(chance.randrange(len(resting)))
                    items.append({"cancel": {"market": flow.market, "order_id": gone}})
                else:
                    items.append(flow.order(chance))
            results: list[Any] = list(await socket.orders(items))
            resting += [result["order_id"] for result in results if result.get("status") == "open"]
            done += BATCH
            await asyncio.sleep(max(0.0, begun + done / rate - time.monotonic()))
        reached = done / (time.monotonic() - begun)
        await socket.cancel_all()
    return reached
