"""Rate limits, where they are turned on."""

import aiohttp

from tests.whole import served
from tests.whole.conftest import Start

LIMITED = """
[limits]
enabled = true
orders_per_s = 0.01
orders_burst = 2
"""


async def test_orders_past_the_burst_are_told_to_wait_and_cancels_are_not(start: Start) -> None:
    exchange = start(served.CONFIG + LIMITED + served.market_text("LIM") + served.USER)
    order = {
        "user_id": "seeded", "market": "LIM_USDC", "side": "buy", "order_type": "limit", "price": "1", "quantity": "1",
    }  # fmt: skip
    async with aiohttp.ClientSession(exchange.url) as session:
        for _ in range(2):
            async with session.post("/order", json=order) as reply:
                assert reply.status == 200
        async with session.post("/order", json=order) as reply:
            assert reply.status == 429
            assert int(reply.headers["Retry-After"]) > 1
            assert (await reply.json())["code"] == "RATE_LIMITED"
        async with session.get("/orders/open", params={"user_id": "seeded"}) as reply:
            first = (await reply.json())["orders"][0]["order_id"]
        nowhere = {"market": "NO_WHERE", "order_id": first}
        items = [order, {"cancel": {"market": "LIM_USDC", "order_id": first}}, {"cancel": nowhere}, order]
        async with session.post("/orders", json={"user_id": "seeded", "orders": items}) as reply:
            results = (await reply.json())["results"]
            told = [result.get("status", result.get("code")) for result in results]
            assert told == ["RATE_LIMITED", "canceled", "UNKNOWN_MARKET", "RATE_LIMITED"]
        async with session.post("/orders", json={"user_id": "seeded", "orders": [order]}) as reply:
            assert reply.status == 429
        async with session.post("/order/cancel_all", json={"user_id": "seeded"}) as reply:
            assert len((await reply.json())["canceled"]) == 1
