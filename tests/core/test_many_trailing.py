"""Many trailing stops at once."""

import random

from exchange.core.events import UpdateReason
from tests.core.stories import SOL_USDC, cancel, placed, retold, run, venue_of
from tests.core.test_triggers import traded_at, updates


def test_many_that_trail_do_what_each_would_do_alone() -> None:
    """Against the plainest way: every order looks at every price since it began."""
    for seed in range(30):
        chance = random.Random(seed)
        venue = venue_of()
        wanted: dict[int, tuple[str, int, int]] = {}  # side, distance, best
        price = 10_000
        traded_at(venue, "100")
        for _ in range(60):
            if chance.random() < 0.4:
                side, bps = chance.choice(("sell", "buy")), chance.choice((0, 1))
                distance = chance.randrange(10, 300)
                text = f"{distance}bps" if bps else SOL_USDC.price_text(distance)
                order_id = placed(venue, f"bob {side} 0.1 at market stop trail {text}")
                wanted[order_id] = side, distance * (-1 if bps else 1), price
            elif wanted and chance.random() < 0.1:
                order_id = chance.choice(sorted(wanted))
                cancel(venue, "bob", order_id)
                del wanted[order_id]
            price += chance.randrange(-80, 81)
            outcome = traded_at(venue, SOL_USDC.price_text(price))
            found = {update.order_id for update in updates(outcome, UpdateReason.TRIGGERED)}
            expected = set()
            for order_id, (side, distance, best) in list(wanted.items()):
                better = max(best, price) if side == "sell" else min(best, price)
                wanted[order_id] = side, distance, better
                if _reached(side, distance, better, price):
                    expected.add(order_id)
                    del wanted[order_id]
            assert found == expected, seed
            venue = retold(venue)
            while venue.markets["SOL_USDC"].triggers.ready:
                run(venue, 5)
            venue = retold(venue)


def _reached(side: str, distance: int, best: int, price: int) -> bool:
    if distance > 0:
        return price <= best - distance if side == "sell" else price >= best + distance
    if side == "sell":
        return 10_000 * price <= best * (10_000 + distance)
    return 10_000 * price >= best * (10_000 - distance)
