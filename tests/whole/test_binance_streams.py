"""The streams of the Binance-compatible dialect, over the wire."""

import asyncio
import contextlib
import random
from typing import Any

import aiohttp
import orjson
import pytest
import websockets

from tests.binance.documented_streams import differences, documented
from tests.whole import served
from tests.whole.api import Api
from tests.whole.binance import now_ms
from tests.whole.binance_wire import Json, Socket
from tests.whole.conftest import Start
from tests.whole.served import Served

STREAMS = "web-socket-streams.md"
DOCUMENTED = {
    "trade": "Trade Streams",
    "aggTrade": "Aggregate Trade Streams",
    "kline_1m": "Kline/Candlestick Streams for UTC",
    "kline_1M@+08:00": "Kline/Candlestick Streams with timezone offset",
    "miniTicker": "Individual Symbol Mini Ticker Stream",
    "ticker": "Individual Symbol Ticker Streams",
    "ticker_4h": "Individual Symbol Rolling Window Statistics Streams",
    "bookTicker": "Individual Symbol Book Ticker Streams",
    "avgPrice": "Average Price",
    "depth20@100ms": "Partial Book Depth Streams",
    "depth5": "Partial Book Depth Streams",
    "depth@100ms": "Diff. Depth Stream",
    "depth": "Diff. Depth Stream",
}
ALL = {"!miniTicker@arr": "miniTicker", "!ticker@arr": "ticker", "!ticker_4h@arr": "ticker_4h"}


def symbol_of(market: str) -> str:
    return market.replace("_", "")


def stream(market: str, what: str) -> str:
    return f"{symbol_of(market).lower()}@{what}"


async def traders(api: Api, market: str) -> tuple[str, str]:
    """Two users with both assets."""
    base = market.partition("_")[0]
    return tuple([await api.user(**{base: "1000000", "USDC": "1000000000"}) for _ in range(2)])  # type: ignore[return-value]


async def test_every_stream_has_its_documented_fields(shared: Served, api: Api, market: str) -> None:
    maker, taker = await traders(api, market)
    names = {stream(market, what): section for what, section in DOCUMENTED.items()}
    async with Socket(f"{shared.ws_url}/stream?streams={'/'.join([*names, *ALL])}") as socket:
        await api.order(maker, market, "sell 2 @ 101.5")
        await api.order(taker, market, "buy 3 @ 101.5")
        missing = {*names, *ALL}
        while missing:
            said = await socket.next()
            assert set(said) == {"stream", "data"}
            name, data = said["stream"], said["data"]
            if name in ALL:
                mine = [one for one in data if one["s"] == symbol_of(market) and one["c"] != "0.00000000"]
                shape = documented(STREAMS, DOCUMENTED[ALL[name]])
                assert [differences(one, shape) for one in data] == [[] for _ in data]
                if mine:
                    missing.discard(name)
                continue
            assert differences(data, documented(STREAMS, names[name])) == []
            assert set(data) == set(documented(STREAMS, names[name]))
            missing.discard(name)


async def test_trades_and_aggregates_are_those_of_the_market(shared: Served, api: Api, market: str) -> None:
    maker, taker = await traders(api, market)
    names = [stream(market, what) for what in ("trade", "aggTrade")]
    async with Socket(f"{shared.ws_url}/ws/{names[0]}") as trades, Socket(f"{shared.ws_url}/ws/{names[1]}") as sums:
        for text in ("sell 1 @ 100", "sell 2 @ 100", "sell 3 @ 101"):
            await api.order(maker, market, text)
        await api.order(taker, market, "buy 5 @ 102")
        await api.order(taker, market, "sell 1 @ 100")
        await api.order(maker, market, "buy 2 @ 101")
        seen = [await trades.next() for _ in range(4)]
        assert [(one["t"], one["p"], one["q"], one["m"]) for one in seen] == [
            (1, "100.00000000", "1.00000000", False),
            (2, "100.00000000", "2.00000000", False),
            (3, "101.00000000", "2.00000000", False),
            (4, "100.00000000", "1.00000000", False),
        ]
        seen = [await sums.next() for _ in range(3)]
        assert [(one["a"], one["p"], one["q"], one["f"], one["l"]) for one in seen] == [
            (1, "100.00000000", "3.00000000", 1, 2),
            (2, "101.00000000", "2.00000000", 3, 3),
            (3, "100.00000000", "1.00000000", 4, 4),
        ]


class Book:
    """A book kept as Binance's documents say: a snapshot, and the events after it. It must never have to begin anew."""

    def __init__(self) -> None:
        self.last = -1
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.events: list[Json] = []

    def begin(self, snapshot: Json) -> None:
        """Take a snapshot, and the events that came before it."""
        self.last = snapshot["lastUpdateId"]
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        kept = [event for event in self.events if event["u"] > self.last]
        assert not kept or kept[0]["U"] <= self.last + 1
        for event in kept:
            self.apply(event)

    def take(self, event: Json) -> None:
        """Take an event."""
        assert event["U"] <= event["u"]
        if self.events:
            assert event["U"] == self.events[-1]["u"] + 1
        self.events.append(event)
        if self.last >= 0:
            self.apply(event)

    def apply(self, event: Json) -> None:
        """Apply an event, unless it is older."""
        if event["u"] < self.last:
            return
        assert event["U"] <= self.last + 1
        for side in ("b", "a"):
            for price, quantity in event[side]:
                if quantity == "0.00000000":
                    self.sides[side].pop(price, None)
                else:
                    self.sides[side][price] = quantity
        self.last = event["u"]


async def snapshot_of(api: Api, market: str) -> Json:
    """The book over REST."""
    query = {"symbol": symbol_of(market), "limit": "1000"}
    async with api.session.get(f"{api.url}/api/v3/depth", params=query) as reply:
        book: Json = await reply.json()
        return book


@pytest.mark.parametrize("speed", ["depth", "depth@100ms"])
async def test_a_textbook_book_never_has_to_begin_anew(shared: Served, api: Api, market: str, speed: str) -> None:
    maker, taker = await traders(api, market)
    chance = random.Random(21)
    stop = asyncio.Event()

    async def trade() -> None:
        while not stop.is_set():
            side, price = chance.choice([("buy", 100), ("sell", 101)])
            away = chance.randint(-20, 60) / 100
            limit = price - away if side == "buy" else price + away
            user = chance.choice([maker, taker])
            await api.order(user, market, f"{side} {chance.randint(1, 9)} @ {limit:.2f}")
            if chance.random() < 0.1:
                await api.ok("POST", "/order/cancel_all", {"user_id": user, "market": market})

    async def keep(wait_s: float) -> None:
        book = Book()
        async with Socket(f"{shared.ws_url}/ws") as socket:
            answer = await socket.ask("SUBSCRIBE", [stream(market, speed)])
            assert answer["result"] is None
            for event in socket.events:
                book.take(event)
            until = asyncio.get_running_loop().time() + wait_s
            while asyncio.get_running_loop().time() < until:
                book.take(await socket.next())
            book.begin(await snapshot_of(api, market))
            while not stop.is_set():
                book.take(await socket.next())
            await trading
            final = await snapshot_of(api, market)
            while book.last < final["lastUpdateId"]:
                book.take(await socket.next())
            assert book.last == final["lastUpdateId"]
            assert book.sides == {"b": dict(final["bids"]), "a": dict(final["asks"])}

    trading = asyncio.create_task(trade())
    keeping = [asyncio.create_task(keep(wait_s)) for wait_s in (0, 0.3, 1.1)]
    await asyncio.sleep(4)
    stop.set()
    await asyncio.gather(trading, *keeping)


async def test_the_first_levels_are_those_of_the_book(shared: Served, api: Api, market: str) -> None:
    maker, _ = await traders(api, market)
    async with Socket(f"{shared.ws_url}/ws/{stream(market, 'depth5@100ms')}") as socket:
        for cents in range(8):
            await api.order(maker, market, f"buy 1 @ 99.{cents}0")
        book = await socket.until(lambda one: one["lastUpdateId"] == 8)
        assert book["bids"] == [[f"99.{cents}0000000", "1.00000000"] for cents in (7, 6, 5, 4, 3)]
        assert book["asks"] == []
    async with Socket(f"{shared.ws_url}/ws/{stream(market, 'depth5@100ms')}") as socket:
        assert (await socket.next())["lastUpdateId"] == 8  # who comes later gets the book as it is


async def test_klines_end_and_go_on(shared: Served, api: Api, market: str) -> None:
    maker, taker = await traders(api, market)
    await api.order(maker, market, "sell 1 @ 100")
    await api.order(taker, market, "buy 1 @ 100")
    async with Socket(f"{shared.ws_url}/ws/{stream(market, 'kline_1s')}/{stream(market, 'kline_1d')}") as socket:
        ends = [await socket.until(lambda one: one["k"]["x"] and one["k"]["i"] == "1s") for _ in range(3)]
        begins = [one["k"]["t"] for one in ends]
        assert begins == [begins[0] + 1000 * at for at in range(3)]
        assert [one["k"]["T"] - one["k"]["t"] for one in ends] == [999, 999, 999]
        last = ends[-1]["k"]
        assert (last["o"], last["c"], last["n"], last["f"], last["L"]) == ("100.00000000", "100.00000000", 0, -1, -1)
        await api.order(maker, market, "sell 1 @ 101")
        await api.order(taker, market, "buy 1 @ 101")
        day = (await socket.until(lambda one: one["k"]["i"] == "1d" and one["k"]["c"] == "101.00000000"))["k"]
        if day["n"] == 1:
            pytest.skip("a day has ended between the two trades")
        assert (day["o"], day["c"], day["h"], day["l"], day["v"], day["q"], day["x"]) == (
            *("100.00000000", "101.00000000", "101.00000000", "100.00000000", "2.00000000", "201.00000000"),
            False,
        )


async def test_the_conversation_is_as_documented(shared: Served, market: str) -> None:
    names = [stream(market, "trade"), stream(market, "depth")]
    async with Socket(f"{shared.ws_url}/ws") as socket:
        assert await socket.ask("SUBSCRIBE", names) == {"result": None, "id": 1}
        assert await socket.ask("LIST_SUBSCRIPTIONS") == {"result": names, "id": 2}
        assert await socket.ask("UNSUBSCRIBE", names[:1]) == {"result": None, "id": 3}
        assert await socket.ask("LIST_SUBSCRIPTIONS") == {"result": names[1:], "id": 4}
        assert await socket.ask("GET_PROPERTY", ["combined"]) == {"result": False, "id": 5}
    async with Socket(f"{shared.ws_url}/stream?streams=") as socket:
        assert await socket.ask("GET_PROPERTY", ["combined"]) == {"result": True, "id": 1}
        assert await socket.ask("SET_PROPERTY", ["combined", False]) == {"result": None, "id": 2}
        assert await socket.ask("GET_PROPERTY", ["combined"]) == {"result": False, "id": 3}


REFUSED: list[tuple[str, int, Any]] = [
    ("{", 3, None),
    ("", 3, None),
    ("[1]", 2, None),
    ('"SUBSCRIBE"', 2, None),
    ('{"method": "SUBSCRIBE", "params": []}', 2, None),  # no id
    ('{"method": "SUBSCRIBE", "params": [], "id": 1.5}', 2, None),
    ('{"method": "SUBSCRIBE", "params": [], "id": true}', 2, None),
    ('{"method": "SUBSCRIBE", "params": [], "id": "' + "x" * 37 + '"}', 2, None),
    ('{"method": "SUBSCRIBE", "params": [], "id": 9223372036854775808}', 2, None),
    ('{"id": 7}', 2, 7),
    ('{"method": "subscribe", "id": 7}', 2, 7),
    ('{"method": {"a": 1}, "id": "seven"}', 2, "seven"),
    ('{"method": "SUBSCRIBE", "id": 7}', 2, 7),
    ('{"method": "SUBSCRIBE", "params": "x@trade", "id": 7}', 2, 7),
    ('{"method": "SUBSCRIBE", "params": [1], "id": 7}', 2, 7),
    ('{"method": "SUBSCRIBE", "params": ["nonsense"], "id": 7}', 2, 7),
    ('{"method": "SUBSCRIBE", "params": ["x@trade", "x@Trade"], "id": 7}', 2, 7),
    ('{"method": "LIST_SUBSCRIPTIONS", "params": ["x@trade"], "id": 7}', 2, 7),
    ('{"method": "GET_PROPERTY", "params": [], "id": 7}', 2, 7),
    ('{"method": "GET_PROPERTY", "params": ["combined", true], "id": 7}', 2, 7),
    ('{"method": "GET_PROPERTY", "params": ["speed"], "id": 7}', 0, 7),
    ('{"method": "SET_PROPERTY", "params": ["combined"], "id": 7}', 1, 7),
    ('{"method": "SET_PROPERTY", "params": ["combined", 1], "id": 7}', 1, 7),
    ('{"method": "SET_PROPERTY", "params": ["combined", true, 1], "id": null}', 2, None),
    ("[" * 2000, 3, None),
]


@pytest.mark.parametrize(("text", "code", "request_id"), REFUSED)
async def test_what_is_wrong_is_said_and_changes_nothing(shared: Served, text: str, code: int, request_id: Any) -> None:
    async with Socket(f"{shared.ws_url}/ws/0") as socket:
        answer = await socket.say(text)
        assert (answer["error"]["code"], answer["id"]) == (code, request_id)
        assert answer["error"]["msg"]
        assert await socket.ask("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}


async def test_the_first_message_chooses_the_dialect(shared: Served) -> None:
    async with Socket(f"{shared.ws_url}/ws") as socket:
        assert (await socket.say('{"message_type": "PING", "method": "SUBSCRIBE"}'))["message_type"] == "ERROR"
        assert (await socket.say('{"message_type": "PING"}'))["message_type"] == "PONG"
    async with Socket(f"{shared.ws_url}/ws") as socket:
        assert (await socket.say('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')) == {"result": [], "id": 1}
        assert "error" in await socket.say('{"message_type": "PING"}')
    async with Socket(f"{shared.ws_url}/ws") as socket:
        assert (await socket.say("nonsense"))["message_type"] == "ERROR"


async def test_times_are_in_microseconds_if_asked_for(shared: Served, api: Api, market: str) -> None:
    maker, taker = await traders(api, market)
    url = f"{shared.ws_url}/stream?streams={stream(market, 'trade')}&timeUnit=microsecond"
    async with Socket(url) as fine, Socket(url.partition("&")[0]) as coarse:
        await api.order(maker, market, "sell 1 @ 100")
        await api.order(taker, market, "buy 1 @ 100")
        times = [(await socket.next())["data"]["T"] for socket in (fine, coarse)]
        assert times[0] // 1000 == times[1]


async def test_too_many_messages_end_a_socket(shared: Served) -> None:
    async with Socket(f"{shared.ws_url}/ws/x") as socket:
        with contextlib.suppress(websockets.ConnectionClosed):  # it may be closed before the last one is sent
            for number in range(20):
                await socket.ws.send(f'{{"method": "LIST_SUBSCRIPTIONS", "id": {number}}}')
        assert await socket.end() == (1008, "Too many requests")


async def test_a_socket_listens_to_1024_streams_at_most(shared: Served, market: str) -> None:
    names = [f"{symbol_of(market).lower()}{number}@trade" for number in range(1025)]
    async with Socket(f"{shared.ws_url}/ws/x") as socket:
        assert (await socket.ask("SUBSCRIBE", names))["error"]["code"] == 2
        assert (await socket.ask("SUBSCRIBE", names[:1024]))["result"] is None
        assert (await socket.ask("SUBSCRIBE", names[1024:]))["error"]["code"] == 2
        assert len((await socket.ask("LIST_SUBSCRIPTIONS"))["result"]) == 1024


async def test_klines_go_on_after_a_restart(start: Start) -> None:
    exchange = start(served.CONFIG + served.market_text("SOL"))
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        maker, taker = await traders(api, "SOL_USDC")
        begun_ms = now_ms()
        for price in (100, 104, 98):
            await api.order(maker, "SOL_USDC", f"sell 1 @ {price}")
            await api.order(taker, "SOL_USDC", f"buy 1 @ {price}")
        async with (
            Socket(f"{exchange.ws_url}/stream?streams=solusdc@trade") as ending,
            Socket(f"{exchange.ws_url}/ws") as silent,
        ):
            await asyncio.to_thread(exchange.stop)
            shutdown = await ending.next()
            assert differences(shutdown, documented(STREAMS, "Server Shutdown", 1)) == []
            assert (await ending.end())[0] == 1001
            assert (await silent.end())[0] == 1001
        exchange.start()
        api = Api(session, exchange.url)
        names = "/".join(f"solusdc@{what}" for what in ("kline_1M", "kline_1w@+08:00", "kline_3m", "ticker"))
        async with Socket(f"{exchange.ws_url}/ws/{names}") as socket:
            found: Json = {}
            while len(found) < 3:
                one = await socket.next()
                if one["e"] == "kline":
                    found[one["k"]["i"]] = one["k"]
            ticker = await socket.until(lambda one: one["e"] == "24hrTicker" and one["Q"] != "0.00000000")
            assert (ticker["Q"], ticker["F"], ticker["L"], ticker["n"]) == ("1.00000000", 1, 3, 3)
            if max(found["1M"]["t"], found["1w"]["t"]) > begun_ms:
                pytest.skip("a month or a week has begun since the first trade")
            for kline in (found["1M"], found["1w"]):
                assert (kline["o"], kline["h"], kline["l"], kline["c"], kline["n"]) == (
                    *("100.00000000", "104.00000000", "98.00000000", "98.00000000"),
                    3,
                )
            await api.order(maker, "SOL_USDC", "sell 1 @ 110")
            await api.order(taker, "SOL_USDC", "buy 1 @ 110")
            month = (await socket.until(lambda one: one["e"] == "kline" and one["k"]["i"] == "1M"))["k"]
            assert (month["h"], month["n"], month["f"], month["L"], month["v"]) == (
                *("110.00000000", 4, 1, 4),
                "4.00000000",
            )


async def test_a_socket_lives_no_longer_than_it_may(start: Start) -> None:
    exchange = start(served.CONFIG + "[binance]\nsocket_max_s = 1\n" + served.market_text("SOL"))
    async with Socket(f"{exchange.ws_url}/ws/solusdc@trade") as socket:
        assert (await socket.end())[0] == 1001


@pytest.mark.parametrize("query", ["timeUnit=second", "streams=x@trade&timeUnit="])
async def test_an_unknown_unit_of_time_is_refused(shared: Served, query: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with Socket(f"{shared.ws_url}/stream?{query}"):
            pass
    assert refused.value.response.status_code == 400
    assert orjson.loads(refused.value.response.body or b"")["code"] == -1130


async def test_an_exchange_may_be_without_the_dialect(start: Start) -> None:
    exchange = start(served.CONFIG + "[binance]\nenabled = false\n" + served.market_text("SOL"))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{exchange.url}/api/v3/time") as response:
            assert (response.status, (await response.json())["code"]) == (404, "NOT_FOUND")
        async with session.get(f"{exchange.url}/markets") as response:
            assert response.status == 200
        async with session.ws_connect(f"{exchange.url}/ws") as socket:
            await socket.send_str('{"message_type": "SUBSCRIBE", "channel": "trade@SOL_USDC"}')
            assert (await socket.receive_json())["message_type"] == "SUBSCRIBED"
            await socket.send_str('{"method": "SUBSCRIBE", "params": [], "id": 1}')
            assert (await socket.receive_json())["message_type"] == "ERROR"
        for path in ("/ws/solusdc@trade", "/stream", "/ws-api/v3"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{exchange.url}{path}")
