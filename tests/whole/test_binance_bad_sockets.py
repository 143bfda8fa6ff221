"""Bad input to the sockets of the Binance-compatible dialect: an answer of its own shape or an end, and no change."""

import itertools
import random
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import websockets

from exchange.api.binance.socket_api_methods import METHODS, SESSION
from tests.whole.api import Api
from tests.whole.binance_wire import ApiSocket, Json, Socket
from tests.whole.served import Served
from tests.whole.test_binance_bad_input import USUAL

BAD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1_500_000.5,
        1e300,
        2**63,
        -(2**63),
        "",
        " ",
        "abc",
        "-1",
        "1e5",
        "NaN",
        "null",
        "\x00",
        "1\n",
    ),
    *("9" * 400, "0", "1.123456789", [], ["a"], [[]], {}, {"a": 1}, "é" * 50, "[1]", "true", "LIMIT", "💩", "1" * 21),
]
PATHS = [
    *("/ws/", "/ws//", "/ws/%", "/ws/%00", "/ws/%ff", "/ws/@", "/ws/!", "/ws/x@trade/", "/ws/" + "a" * 8000),
    *("/ws/" + "/".join(["x@trade"] * 500), "/ws/x@kline_1m@+08:00", "/ws/..%2f..", "/ws/?x=1", "/ws/x@trade?"),
    *("/ws?a=b", "/stream?", "/stream?streams", "/stream?streams=%ff", "/stream?streams=/////"),
    *("/stream?a=b&streams=x@depth5&streams=y", "/stream?" + "a=1&" * 500, "/ws-api/v3?", "/ws-api/v3/"),
    "/ws-api/v3?timeUnit=MICROSECOND&returnRateLimits=false",
]
REFUSED = [
    *("/stream?timeUnit=", "/ws/x?timeUnit=hour", "/ws-api/v3?timeUnit=x", "/ws-api/v3?returnRateLimits=1"),
    *("/ws-api", "/ws-api/v2", "/ws-api/v3/x", "/streams", "/wsx", "/stream/x@trade"),
]


def requests(symbol: str) -> list[tuple[str, Json]]:
    """Each method with each of its parameters bad in each way."""
    made: list[tuple[str, Json]] = []
    for method, call in METHODS.items():
        usual = USUAL.get(call.operation, {"symbol": "{symbol}"})
        fields = {name: value.replace("{symbol}", symbol) for name, value in usual.items()}
        made += [(method, fields | {name: bad}) for name, bad in itertools.product([*fields, "unheardOf"], BAD)]
    for method in SESSION:
        for name in ("apiKey", "signature", "timestamp", "recvWindow", "subscriptionId", "returnRateLimits", "x"):
            made += [(method, {name: bad}) for bad in BAD]
    return made


async def test_bad_parameters_get_an_error_and_change_nothing(shared: Served, api: Api, names: dict[str, str]) -> None:
    symbol, failed = names["market"].replace("_", ""), []
    async with ApiSocket.of_user(shared.ws_url, names["user"]) as socket:
        asked = requests(symbol)
        for start in range(0, len(asked), 50):
            several = asked[start : start + 50]
            for number, (method, params) in enumerate(several):
                try:
                    given = socket.signed(**params) if number % 3 and method in METHODS else params
                except (ValueError, UnicodeError):
                    given = params
                await socket.ws.send(orjson.dumps({"id": number, "method": method, "params": given}).decode())
            left = set(range(len(several)))
            while left:
                said = await socket.next()
                if said.get("id") is None:
                    assert "event" in said, said
                    continue
                left.discard(said["id"])
                method, params = several[said["id"]]
                if said["status"] >= 500 or ("error" in said) == ("result" in said):
                    failed.append((method, params, said))
                if method.startswith("order") and said["status"] == 200 and method not in READS:
                    failed.append((method, params, said))
    assert failed == []


READS = ("order.status", "order.test", "orderList.status", "order.amendments")


@pytest.mark.parametrize("path", PATHS)
async def test_odd_addresses_open(shared: Served, path: str) -> None:
    async with Socket(shared.ws_url + path) as socket:
        said = await socket.say('{"id": 1, "method": "LIST_SUBSCRIPTIONS"}')
        assert "result" in said or said["error"]["code"] == -1020


@pytest.mark.parametrize("path", REFUSED)
async def test_wrong_addresses_are_refused(shared: Served, path: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with Socket(shared.ws_url + path):
            pass
    assert refused.value.response.status_code in (400, 404, 405, 426)


@pytest.mark.parametrize("path", ["/ws", "/ws/x", "/stream", "/ws-api/v3"])
async def test_random_messages_never_end_the_exchange(shared: Served, api: Api, path: str) -> None:
    chance = random.Random(path)
    whole = [
        b'{"method":"SUBSCRIBE","params":["x@trade","y@depth@100ms"],"id":1}',
        b'{"id":"a","method":"order.place","params":{"symbol":"A1USDC","side":"BUY","price":1.5,"apiKey":"x"}}',
    ]
    for _ in range(60):
        text = bytearray(chance.choice(whole))
        for _ in range(chance.randint(0, 6)):
            text[chance.randrange(len(text))] = chance.choice(b'{}[]",:0aeE-\\\x00\xff u')
        async with Socket(shared.ws_url + path) as socket:
            await socket.ws.send(bytes(text))  # a binary frame: it need not be UTF-8
            said = await socket.next()
            assert isinstance(said, dict)
    assert (await api.ok("GET", "/health"))["status"] == "ok"


async def test_a_listen_key_cannot_be_guessed(shared: Served) -> None:
    for name in ("0" * 64, "a", "@", quote("x@trade/y", safe="")):
        async with Socket(f"{shared.ws_url}/ws/{name}") as socket:
            assert (await socket.ask("LIST_SUBSCRIPTIONS"))["result"] in ([], ["x@trade"])
