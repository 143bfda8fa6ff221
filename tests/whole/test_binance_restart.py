"""The Binance-compatible dialect across a crash: orders, ids that were used again, and what numbers trades."""

import signal

import aiohttp

from tests.whole import served
from tests.whole.binance import Bot
from tests.whole.conftest import Start

USERS = """
[[users]]
id = "ann"
balances = { USDC = "10000", A0 = "100" }
[[users]]
id = "ben"
balances = { USDC = "10000", A0 = "100" }
"""
CONFIG = served.CONFIG + served.market_text("A0") + USERS
SYMBOL = "A0USDC"


async def test_orders_and_their_ids_survive_a_crash(start: Start) -> None:
    exchange = start(CONFIG)
    one = {"symbol": SYMBOL}
    async with aiohttp.ClientSession() as session:
        ann, ben = (Bot.of_user(session, exchange.url, user_id, SYMBOL) for user_id in ("ann", "ben"))
        await ann.place("SELL 2 @ 100", newClientOrderId="mine")
        await ben.place("BUY 0.5")
        await ann.ok("DELETE", "/api/v3/order", **one, origClientOrderId="mine")
        await ann.place("SELL 1 @ 101", newClientOrderId="mine")
        await ben.place("BUY 0.25")
        stop = {"type": "STOP_LOSS_LIMIT", "stopPrice": "90", "newClientOrderId": "stop"}
        await ben.place("SELL 0.1 @ 80", **stop)
        before = await seen(ann, ben)
    assert exchange.stop(signal.SIGKILL) != 0
    exchange.start()
    async with aiohttp.ClientSession() as session:
        ann, ben = (Bot.of_user(session, exchange.url, user_id, SYMBOL) for user_id in ("ann", "ben"))
        assert await seen(ann, ben) == before
        assert await ann.refused("SELL 1 @ 102", newClientOrderId="mine") == (-2010, "Duplicate order sent.")
        newest = await ann.ok("GET", "/api/v3/order", **one, origClientOrderId="mine")
        assert newest["price"] == "101.00000000"
        await ann.ok("DELETE", "/api/v3/order", **one, origClientOrderId="mine")
        again = await ann.place("SELL 1 @ 103", newClientOrderId="mine")
        assert again["orderId"] > newest["orderId"]
        taken = await ben.place("BUY 1 @ 103")
        assert taken["fills"][0]["tradeId"] == 3


async def seen(*bots: Bot) -> list[object]:
    """What each of them sees of the account and the market."""
    found: list[object] = []
    for bot in bots:
        for path in ("openOrders", "allOrders", "myTrades", "aggTrades", "depth", "trades"):
            found.append(await bot.ok("GET", f"/api/v3/{path}", symbol=bot.symbol))
        found.append((await bot.ok("GET", "/api/v3/account"))["balances"])
        day = await bot.ok("GET", "/api/v3/ticker/24hr", symbol=bot.symbol)
        found.append([day[name] for name in ("lastPrice", "lastQty", "volume", "firstId", "lastId", "count")])
    return found
