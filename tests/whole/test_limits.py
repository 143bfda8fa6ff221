"""Rate limits, where they are turned on."""

import asyncio
import contextlib
import time
import urllib.request

import aiohttp
import psutil  # type: ignore[import-untyped]
import pytest
import websockets

from tests.whole import served
from tests.whole.binance import bot_of_key
from tests.whole.binance_wire import ApiSocket, Socket
from tests.whole.conftest import Start
from tests.whole.process import until
from tests.whole.signed import Keyring, keys_exchange, socket

COUNT = 900  # requests, enough for the clock of a process
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


SLOW = """
[limits]
enabled = true
requests_per_s = 0.01
requests_burst = 4
channels_per_socket = 2
"""


async def test_replies_say_what_is_left_and_placements_do_not_starve_cancels(start: Start) -> None:
    exchange = start(served.CONFIG + SLOW + served.market_text("LIM") + served.USER)
    named = {"user_id": "seeded", "market": "LIM_USDC", "client_order_id": "nobodys"}
    async with aiohttp.ClientSession(exchange.url) as session:
        left = []
        for _ in range(5):
            async with session.get("/time") as reply:
                left.append((reply.status, reply.headers.get("X-RateLimit-Remaining")))
        assert left == [(200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, None)]
        async with session.delete("/order", json=named) as reply:
            assert (reply.status, reply.headers["X-RateLimit-Remaining"]) == (404, "3")
        async with session.post("/order/cancel_all", json={"user_id": "seeded"}) as reply:
            assert reply.status == 200


async def test_a_refusal_costs_the_exchange_much_less_than_an_order(start: Start) -> None:
    """In time of the exchange's process, however busy the machine is."""
    limits = f"[limits]\nenabled = true\nrequests_per_s = 0.01\nrequests_burst = {COUNT}\n"
    more = "orders_burst = 100000\nuser_requests_burst = 100000\n"
    exchange = start(served.CONFIG + limits + more + served.market_text("LIM") + served.USER)
    terms = {"side": "buy", "order_type": "limit", "price": "1", "quantity": "0.1"}
    order = {"user_id": "seeded", "market": "LIM_USDC"} | terms
    process, costs_s = psutil.Process(exchange.pid()), []
    async with aiohttp.ClientSession() as session:
        for expected in (200, 429):
            before = process.cpu_times()
            for _ in range(COUNT):
                async with session.post(f"{exchange.url}/order", json=order) as reply:
                    assert reply.status == expected
            after = process.cpu_times()
            costs_s.append(after.user + after.system - before.user - before.system)
    taken_s, refused_s = costs_s
    assert refused_s < taken_s / 2


async def test_a_socket_has_so_many_channels_and_messages(start: Start) -> None:
    limits = "[limits]\nenabled = true\nframes_per_s = 2.1\nchannels_per_socket = 2\n"  # and three at once
    exchange = start(served.CONFIG + limits + served.market_text("LIM") + served.USER)
    channels = [f"{kind}@LIM_USDC" for kind in ("trade", "depth", "ticker")]
    cancel = {"message_type": "CANCEL_ALL", "user_id": "seeded"}
    async with aiohttp.ClientSession() as session, session.ws_connect(exchange.ws_url) as socket:
        messages = [{"message_type": "SUBSCRIBE", "channels": channels}, *[{"message_type": "PING"}] * 3, cancel]
        for message in messages:  # all of them at once, so that no time passes between
            await socket.send_json(message)
        answers = [await socket.receive_json() for _ in messages]
        told = [answer.get("code", answer["message_type"]) for answer in answers]
        assert told == ["INVALID_FIELD", "PONG", "PONG", "RATE_LIMITED", "RESULT"]


def test_in_keys_mode_they_are_always_on(start: Start) -> None:
    exchange = start(served.CONFIG + '[auth]\nmode = "keys"\n' + served.market_text("LIM"))
    with urllib.request.urlopen(f"{exchange.url}/time") as reply:
        assert reply.headers["X-RateLimit-Remaining"] == "499"


async def test_an_address_has_no_more_connections_than_it_may(start: Start) -> None:
    exchange = start(served.CONFIG + "[limits]\nenabled = true\nconnections_per_address = 3\n" + served.USER)
    port = int(exchange.url.rpartition(":")[2])
    request = b"GET /time HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def asked() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        return reader, writer, (await reader.readline()).decode().split(" ", 2)[1]

    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{exchange.url}/ws") as socket:  # what it becomes later counts as well
            async with session.get(f"{exchange.url}/docs") as page:
                assert page.status == 200
            _, writer, status = await asked()
            assert status == "200"
            for _ in range(3):
                refused, wasted, status = await asked()
                rest = await refused.read()
                wasted.close()
                assert (status, b"RATE_LIMITED" in rest, b"Retry-After: 1" in rest) == ("429", True, True)
            await socket.close()
        writer.close()
        await session.close()
        while True:  # each that ends makes room
            _, writer, status = await asked()
            if status == "200":
                break
            writer.close()
        writer.close()
    assert exchange.stop() == 0


async def test_a_user_has_so_many_sockets_of_all_kinds_together() -> None:
    with keys_exchange() as (exchange, root):
        exchange.environment["EXCHANGE_LIMITS_SOCKETS_PER_USER"] = "2"
        exchange.start()
        ring, url = Keyring(exchange, root), exchange.url.replace("http", "ws")
        async with asyncio.timeout(60), aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as sockets:
            ring.session = session
            ann, other = await ring.user(), await ring.key(await ring.user())
            bot, caller = await bot_of_key(ring, session, ann), await ring.key(ann)
            listen_key = (await bot.send("POST", "/api/v3/userDataStream"))[1]["listenKey"]
            first = await sockets.enter_async_context(socket(ring, caller))
            one, two, three = [
                await sockets.enter_async_context(ApiSocket(url, bot.api_key, bot.sign)) for _ in range(3)
            ]
            market = await sockets.enter_async_context(Socket(f"{url}/ws"))
            subscribe = "userDataStream.subscribe.signature"
            assert (await one.ask(subscribe, one.signed()))["status"] == 200
            assert (await two.ask(subscribe, two.signed()))["error"]["code"] == -1003
            assert (await market.ask("SUBSCRIBE", ["ethusdc@trade", listen_key]))["error"]["code"] == -1003
            assert (await market.ask("LIST_SUBSCRIPTIONS"))["result"] == []
            for kind in ("ws", "stream?streams="):
                with pytest.raises(websockets.InvalidStatus, match="429"):
                    await websockets.connect(f"{url}/{kind}{'/' if kind == 'ws' else ''}{listen_key}")
            async with socket(ring) as late:
                assert (await late.ask(caller.auth()))["code"] == "RATE_LIMITED"
            async with socket(ring, other):
                pass
            await one.call("userDataStream.unsubscribe")
            assert (await two.ask(subscribe, two.signed()))["status"] == 200
            await first.connection.close()

            async def has_room() -> bool:
                return bool((await three.ask(subscribe, three.signed()))["status"] == 200)

            await until(has_room)
            assert (await market.ask("SUBSCRIBE", [listen_key]))["error"]["code"] == -1003
            await three.ws.close()
            await two.call("userDataStream.unsubscribe")
            assert (await market.ask("SUBSCRIBE", [listen_key]))["result"] is None


async def test_signatures_cannot_be_tried_faster_than_an_address_may_ask(start: Start) -> None:
    """Also where each is of another key: what is refused counts as what is served."""
    slow = "[limits]\nrequests_per_s = 0.01\nrequests_burst = 20\n"
    exchange = start(served.CONFIG + '[auth]\nmode = "keys"\n' + slow + served.USER)
    codes = []
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        for guess in range(40):
            headers = {"X-API-Key": f"{guess:032x}", "X-Timestamp": str(int(time.time() * 1000))}
            headers["X-Signature"] = f"{guess:064x}"
            async with session.get(f"{exchange.url}/balance", headers=headers) as reply:
                codes.append((await reply.json())["code"])
                assert ("Retry-After" in reply.headers) == (reply.status == 429)
    assert codes == ["UNAUTHENTICATED"] * 20 + ["RATE_LIMITED"] * 20
