"""What an exchange keeps after each way to stop it, and that no process remains."""

import asyncio
import signal
from typing import Any

import aiohttp

from tests.whole import served
from tests.whole.api import Api, order_body
from tests.whole.conftest import Start
from tests.whole.served import one_sentence

MARKET = "SOL_USDC"
CONFIG = served.CONFIG + served.market_text("SOL", maker_fee="0.001", taker_fee="0.002") + served.USER


async def everything(api: Api, *users: str) -> list[Any]:
    """What must outlive a restart; not the sequence, since that time has passed is a command too."""
    health = await api.ok("GET", "/health")
    found: list[Any] = [
        {name: value for name, value in health.items() if name != "sequence"},
        await api.ok("GET", "/markets"),
        await api.ok("GET", "/depth", market=MARKET),
        await api.ok("GET", "/trade/history", market=MARKET),
    ]
    for user in users:
        for path in ("/balance", "/orders/open", "/orders/history", "/fills"):
            found.append(await api.ok("GET", path, user_id=user))
        for order in (await api.ok("GET", "/orders/history", user_id=user))["orders"]:
            found.append(await api.ok("GET", "/order", user_id=user, market=MARKET, order_id=order["order_id"]))
    return found


async def test_a_restart_keeps_everything(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        maker, taker = await api.user(SOL="100", USDC="1000"), await api.user(SOL="100", USDC="1000")
        for text in ("sell 1 @ 10", "sell 2 @ 11", "sell 3 @ 11", "buy 1 @ 9"):
            await api.order(maker, MARKET, text)
        await api.order(taker, MARKET, "buy 2", client_order_id="filled")
        await api.order(taker, MARKET, "buy 1 @ 5", client_order_id="canceled")
        await api.ok("DELETE", "/order", user_id=taker, market=MARKET, client_order_id="canceled")
        await api.order(taker, MARKET, "buy 1 @ 5", client_order_id="open")
        await api.order(taker, MARKET, "buy 9 @ 5", client_order_id="expired", time_in_force="fok")
        await api.deposit(taker, "USDC", "1", "once")
        before = await everything(api, maker, taker)

        assert exchange.stop(signal.SIGTERM) == 0
        assert exchange.postgres() == []
        api = Api(session, exchange.start().url)
        assert await everything(api, maker, taker) == before
        assert (await api.balances("seeded"))["USDC"] == ("1000", "0"), "a seeded balance is credited once"

        # Names that were taken stay taken, and priority stays where it was.
        for name, text, status in (("filled", "buy 2", "filled"), ("open", "buy 1 @ 5", "open")):
            assert (await api.order(taker, MARKET, text, client_order_id=name))["status"] == status
        body = order_body(taker, MARKET, "buy 1 @ 6", client_order_id="canceled")
        assert await api.refused("POST", "/order", body) == (409, "CLIENT_ORDER_ID_CONFLICT")
        await api.deposit(taker, "USDC", "1", "once")
        assert await everything(api, maker, taker) == before
        order = await api.order(taker, MARKET, "buy 1.5")
        older = before[4 + 1]["orders"]  # the maker's open orders
        fills = (await api.ok("GET", "/fills", user_id=maker, limit=2))["fills"]
        assert [fill["order_id"] for fill in fills] == [older[1]["order_id"], older[0]["order_id"]]
        assert int(order["order_id"]) > max(int(taken["order_id"]) for taken in before if "order_id" in taken)
    assert exchange.stop() == 0


async def test_sigint_under_load_answers_or_never_applies(start: Start) -> None:
    exchange = start(CONFIG)
    clients, orders = 40, 15
    answers: dict[str, Any] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, exchange.url)
        users = [await api.user(USDC="1000", SOL="1000") for _ in range(clients)]
        under_way = asyncio.Event()

        async def trade(number: int) -> None:
            for turn in range(orders):
                side = "buy" if (number + turn) % 2 else "sell"
                body = order_body(users[number], MARKET, f"{side} 0.1 @ 10", client_order_id=f"{number}-{turn}")
                try:
                    answers[f"{number}-{turn}"] = await api.call("POST", "/order", body)
                except aiohttp.ClientError as error:
                    answers[f"{number}-{turn}"] = error
                if len(answers) == clients * orders // 4:
                    under_way.set()

        async def interrupt() -> None:
            await under_way.wait()
            exchange.send(signal.SIGINT)

        await asyncio.gather(interrupt(), *(trade(number) for number in range(clients)))
        assert await asyncio.to_thread(exchange.wait) == 0
    assert exchange.postgres() == []
    assert "Traceback" not in exchange.said()

    exchange.start()
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        for name, answer in answers.items():
            user = users[int(name.partition("-")[0])]
            status, kept = await api.call("GET", "/order", user_id=user, market=MARKET, client_order_id=name)
            if isinstance(answer, aiohttp.ClientError):
                # Never connected, or cut off before it was taken.
                assert status == 404, (name, answer, kept)
            elif answer[0] == 200:
                assert (status, kept["order_id"]) == (200, answer[1]["order_id"])
            else:
                assert answer[0] == 503, answer
                assert status == 404, (name, answer, kept)
        assert sum(isinstance(answer, tuple) and answer[0] == 200 for answer in answers.values()) >= len(answers) // 4
    assert exchange.stop() == 0


async def test_a_killed_exchange_keeps_what_it_has_answered(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        user = await api.user(USDC="1000")
        placed = [await api.order(user, MARKET, "buy 1 @ 10") for _ in range(5)]
        exchange.stop(signal.SIGKILL)
        api = Api(session, exchange.start().url)
        found = (await api.ok("GET", "/orders/open", user_id=user))["orders"]
        assert [order["order_id"] for order in found] == [order["order_id"] for order in placed]
        assert await api.balances(user) == {"USDC": ("950", "50")}
    assert exchange.stop() == 0


async def test_a_market_is_halted_and_opened_by_the_configuration(start: Start) -> None:
    """And stays halted while the configuration says nothing about it."""
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        user = await Api(session, exchange.url).user(USDC="1000")
        await Api(session, exchange.url).order(user, MARKET, "buy 1 @ 10", client_order_id="before")
        for status, takes_orders in (("halted", False), ("", False), ("trading", True)):
            assert exchange.stop() == 0
            line = f'tick_size = "0.01"\nstatus = "{status}"'
            exchange.config.write_text(CONFIG.replace('tick_size = "0.01"', line), encoding="utf-8")
            api = Api(session, exchange.start().url)
            assert (await api.ok("GET", "/health"))["markets"][MARKET] == ("trading" if takes_orders else "halted")
            if not takes_orders:
                refused = await api.refused("POST", "/order", order_body(user, MARKET, "buy 1 @ 10"))
                assert refused == (422, "MARKET_NOT_TRADING")
        await api.order(user, MARKET, "buy 1 @ 10")
        exchange.stop()
        halted = CONFIG.replace('tick_size = "0.01"', 'tick_size = "0.01"\nstatus = "halted"')
        exchange.config.write_text(halted, encoding="utf-8")
        api = Api(session, exchange.start().url)
        body = {"user_id": user, "market": MARKET, "client_order_id": "before"}
        assert (await api.ok("DELETE", "/order", body))["status"] == "canceled"
    assert exchange.stop() == 0


async def test_rules_may_change_between_starts_but_not_the_scale(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        maker, taker = await api.user(SOL="10"), await api.user(USDC="1000")
        await api.order(maker, MARKET, "sell 5 @ 100")
        assert exchange.stop() == 0

        text = served.CONFIG + served.market_text("SOL", maker_fee="0.01", taker_fee="0.02", min_notional="50")
        exchange.config.write_text(text, encoding="utf-8")
        api = Api(session, exchange.start().url)
        (rules,) = (await api.ok("GET", "/markets"))["markets"]
        assert (rules["maker_fee"], rules["taker_fee"], rules["min_notional"]) == ("0.01", "0.02", "50")
        order = await api.order(taker, MARKET, "buy 1 @ 100")
        assert order["fills"][0]["fee"] == "0.02"
        assert await api.refused("POST", "/order", order_body(taker, MARKET, "buy 0.4 @ 100")) == (422, "MIN_NOTIONAL")
        assert exchange.stop() == 0

    for old, new in (('tick_size = "0.01"', 'tick_size = "0.1"'), ('lot_size = "0.0001"', 'lot_size = "0.01"')):
        exchange.config.write_text(text.replace(old, new), encoding="utf-8")
        refused = served.command(*exchange.arguments())
        assert refused.returncode == 2
        assert one_sentence(refused)
        assert "SOL_USDC" in refused.stderr
    assert exchange.postgres() == []
