"""How sockets end, one by one and all together, and how they continue after a restart."""

import asyncio
import contextlib
import resource
import signal

import aiohttp
import orjson

from tests.reader import Reader
from tests.whole import served
from tests.whole.api import Api, order_body
from tests.whole.conftest import Start
from tests.whole.served import Served
from tests.whole.wire import Closed, Wire, deaf, end_of

MARKET = "SOL_USDC"
CONFIG = served.CONFIG + served.market_text("SOL", max_open_orders=1_000_000)
IMPATIENT = CONFIG.replace("[server]\n", "[server]\nping_s = 4\n")  # and two seconds for the answer
BEYOND_ANY_BUFFER = 10 << 20  # more than the buffers of two kernels' ends and of the exchange hold for one socket


def channels_of(*users: str) -> list[str]:
    public = [f"{kind}@{MARKET}" for kind in ("trade", "depth", "ticker", "book_ticker", "candle_1d")]
    return public + [f"{kind}@{user}" for user in users for kind in ("orders", "balances")]


async def flood(api: Api, user: str, reader: Wire, bytes_min: int) -> None:
    """Place and cancel until that much has been said to somebody who listens to it all."""
    said = 0
    orders = [order_body(None, MARKET, f"buy 0.1 @ {price}") for price in range(1, 101)]
    while said < bytes_min:
        placed = await api.ok("POST", "/orders", {"user_id": user, "orders": orders})
        assert all(result["status"] == "open" for result in placed["results"])
        await api.ok("POST", "/order/cancel_all", {"user_id": user})
        heard = len(reader.reader.heard)
        await reader.ask("PING")
        said += sum(len(orjson.dumps(message)) for message in reader.reader.heard[heard:])
        reader.reader.heard.clear()


async def test_a_shells_low_limit_of_open_files_is_no_limit_of_sockets(start: Start) -> None:
    low, (soft, hard) = 300, resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
    try:
        exchange = start(CONFIG)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(Wire(exchange.ws_url)) for _ in range(low)]
        for socket in sockets:
            assert (await socket.ask("PING"))["message_type"] == "PONG"


async def test_a_silent_peer_is_closed_and_one_that_answers_is_not(start: Start) -> None:
    exchange = start(IMPATIENT)
    async with Wire(exchange.ws_url) as lively, Wire(exchange.ws_url, autoping=False) as silent:
        listening = asyncio.create_task(lively.hear())  # which answers every ping meanwhile
        frames = [await silent.ws.receive()]
        while frames[-1].type is aiohttp.WSMsgType.PING:
            frames.append(await silent.ws.receive())
        assert [frame.type for frame in frames[:-1]] == [aiohttp.WSMsgType.PING]
        assert silent.ws.closed
        await lively.say("PING")
        assert await listening == {"message_type": "PONG"}


async def test_slow_and_dead_subscribers_are_nobody_elses_trouble(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        api = Api(session, exchange.url)
        user = await api.user(USDC="100000000", SOL="1000")
        channels = channels_of(user)
        quick = await stack.enter_async_context(Wire(exchange.ws_url))
        slow = await stack.enter_async_context(Wire(exchange.ws_url))
        dead = await stack.enter_async_context(deaf(exchange.ws_url, *channels))
        await slow.listen(f"depth@{MARKET}", f"book_ticker@{MARKET}")
        await quick.listen(*channels)
        await flood(api, user, quick, BEYOND_ANY_BUFFER)
        await api.order(user, MARKET, "buy 3 @ 7")
        depth = await api.ok("GET", "/depth", market=MARKET)

        await quick.ask("PING")
        assert quick.reader.book(MARKET) == depth
        assert quick.reader.gaps == []
        # The dead one, should it read at last, finds what had been sent, and then why there is no more.
        assert await asyncio.to_thread(end_of, dead) == (1013, "fell too far behind")
        await slow.until(lambda _: slow.reader.book(MARKET)["last_sequence"] == depth["last_sequence"])
        assert slow.reader.book(MARKET) == depth

        # Nor does one that takes nothing any more hold up the end.
        await stack.enter_async_context(deaf(exchange.ws_url, *channels))
        await flood(api, user, quick, BEYOND_ANY_BUFFER // 3)
        assert await asyncio.to_thread(exchange.stop) == 0
        assert (await quick.end()).code == 1001
    assert "Traceback" not in exchange.said()


async def test_the_end_of_the_exchange_closes_each_with_1001_once_it_is_answered(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        user = await Api(session, exchange.url).user(USDC="100000000")
        async with Wire(exchange.ws_url) as idle, Wire(exchange.ws_url) as busy:
            await idle.listen(*channels_of(user))
            for ask in range(200):
                await busy.say("ORDER", id=ask, **order_body(user, MARKET, "buy 0.1 @ 1", client_order_id=f"o{ask}"))
            exchange.send(signal.SIGTERM)
            answers = []
            ended: Closed | None = None
            while ended is None:
                try:
                    answers.append(await busy.hear())
                except Closed as closed:
                    ended = closed
            assert (ended.code, ended.reason) == (1001, "the exchange is stopping")
            assert (await idle.end()).code == 1001
            assert exchange.wait() == 0
        # Whatever was in time was done, told and answered; the rest was refused, or not read any more.
        placed = {answer["data"]["order_id"] for answer in answers if answer["message_type"] == "RESULT"}
        refused = [answer["code"] for answer in answers if answer["message_type"] == "ERROR"]
        assert set(refused) <= {"NOT_READY"}
        told = {event["data"]["order"]["order_id"] for event in idle.reader.events(f"orders@{user}")[1:]}
        assert told == placed
        api = Api(session, exchange.start().url)
        orders = (await api.ok("GET", "/orders/open", user_id=user))["orders"]
        assert {order["order_id"] for order in orders} == placed


async def trade(exchange: Served, session: aiohttp.ClientSession, *users: str) -> None:
    """Something on every channel."""
    api = Api(session, exchange.url)
    await api.order(users[0], MARKET, "sell 2 @ 10")
    await api.order(users[1], MARKET, "buy 1 @ 10")
    await api.order(users[1], MARKET, "buy 1 @ 9")


async def test_every_channel_goes_on_after_a_restart(start: Start) -> None:
    exchange, reader = start(CONFIG), Reader()
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        users = await api.user(SOL="100"), await api.user()
        for trades, number in ((1, signal.SIGTERM), (2, signal.SIGKILL), (3, signal.SIGTERM)):
            async with Wire(exchange.ws_url, reader) as socket:
                await socket.listen(*channels_of(*users))
                api = Api(session, exchange.url)
                await trade(exchange, session, *users)
                await socket.ask("PING")
                [ticker] = (await api.ok("GET", "/ticker", market=MARKET))["tickers"]
                assert {**reader.latest[f"ticker@{MARKET}"], "timestamp": 0} == {**ticker, "timestamp": 0}
                assert ticker["trades"] == len(reader.tape[MARKET]) == trades
                candles = (await api.ok("GET", "/candles", market=MARKET, interval="1d"))["candles"]
                told = list(reader.candles[f"candle_1d@{MARKET}"].values())
                assert [{**candle, "closed": False} for candle in candles] == [{**row, "closed": False} for row in told]
                assert reader.book(MARKET) == await api.ok("GET", "/depth", market=MARKET)
            assert exchange.stop(number) == (0 if number is signal.SIGTERM else -number)
            if trades < 3:
                exchange.start()
    # Nothing is counted while nobody trades; only a day that ended between two of them would be.
    assert {channel for channel, _, _ in reader.gaps} <= {f"candle_1d@{MARKET}"}
