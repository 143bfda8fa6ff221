"""The WebSocket API of the Binance-compatible dialect: the calls of REST by another door, and the session itself."""

import asyncio
from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.api.binance.calls import API
from exchange.api.binance.socket_api_methods import METHODS, OF_REST, SESSION
from tests.binance.documented_streams import EXAMPLES, differences
from tests.whole.api import Api
from tests.whole.binance import Bot, hmac_of
from tests.whole.binance_wire import ApiSocket, Json
from tests.whole.served import Served
from tests.whole.signed import MARKET, Keyring

FILE = "web-socket-api.md"
NOT_OFFERED = (
    *("blockTrades.historical", "executionRules", "referencePrice", "referencePrice.calculation"),
    *("sor.order.place", "sor.order.test", "orderList.place.opo", "orderList.place.opoco"),
)
# Fields that only some orders have, and examples of what comes with order types that are not here.
SOME_HAVE = (
    *("stopPrice", "trailingDelta", "trailingTime", "icebergQty", "strategyId", "strategyType", "preventedMatchId"),
    *("preventedQuantity", "makerPreventedQuantity", "maxNumOrderLists"),
)
LEFT_OUT = {2767, 5916, 6112}  # a part of an answer; two examples with a number for a symbol


@pytest_asyncio.fixture
async def one(shared: Served, api: Api, market: str) -> AsyncIterator[ApiSocket]:
    async with ApiSocket.of_user(shared.ws_url, await api.user(USDC="1000000", **{base_of(market): "10000"})) as socket:
        yield socket


@pytest_asyncio.fixture
async def other(shared: Served, api: Api, market: str) -> AsyncIterator[ApiSocket]:
    async with ApiSocket.of_user(shared.ws_url, await api.user(USDC="1000000", **{base_of(market): "10000"})) as socket:
        yield socket


def base_of(market: str) -> str:
    return market.partition("_")[0]


def terms(market: str, text: str, **more: Any) -> Json:
    """The parameters of an order: "BUY 2 @ 100.5", or "SELL 3" at the market."""
    words = text.split()
    made = {"symbol": market.replace("_", ""), "side": words[0], "type": "MARKET", "quantity": words[1]}
    if len(words) > 2:
        made |= {"type": "LIMIT", "price": words[3], "timeInForce": "GTC"}
    return made | more


def test_every_method_is_a_call_of_rest() -> None:
    documented = {example["endpoint"] for example in EXAMPLES if example["file"] == FILE} - {None}
    assert documented <= {*OF_REST, *SESSION, *NOT_OFFERED}
    assert {method for method in OF_REST if OF_REST[method] in API} == set(METHODS)


async def test_every_answer_has_its_documented_fields(one: ApiSocket, other: ApiSocket, market: str) -> None:
    said: defaultdict[str, list[Json]] = defaultdict(list)

    async def ask(socket: ApiSocket, method: str, *, signs: bool = True, **params: Any) -> Any:
        answer = await socket.ask(method, socket.signed(**params) if signs else params)
        said[method].append(answer | {"id": "text"})
        return answer.get("result")

    symbol: Json = {"symbol": market.replace("_", "")}
    for kind in ("ACK", "RESULT", "FULL"):
        await ask(one, "order.place", **terms(market, "BUY 1 @ 10", newOrderRespType=kind))
    await ask(other, "order.place", **terms(market, "SELL 1.5"))
    await ask(one, "order.place", **terms(market, "SELL 1 @ 10"))
    for compute in (False, True):
        await ask(one, "order.test", **terms(market, "BUY 1 @ 10", computeCommissionRates=compute))
    resting = (await ask(one, "openOrders.status", **symbol))[0]["orderId"]
    await ask(one, "order.status", **symbol, orderId=resting)
    await ask(one, "order.amend.keepPriority", **symbol, orderId=resting, newQty="0.75")
    await ask(one, "order.amendments", **symbol, orderId=resting)
    for method in ("allOrders", "myTrades", "myAllocations", "account.commission", "myFilters"):
        await ask(one, method, **symbol)
    for order in await ask(one, "allOrders", **symbol):
        await ask(one, "myPreventedMatches", **symbol, orderId=order["orderId"])
    for method in ("account.status", "account.rateLimits.orders"):
        await ask(one, method)
    await market_data(ask, one, symbol)
    await ask(one, "order.amend.keepPriority", **symbol, orderId=resting, newQty="0.75")
    await ask(one, "order.amendments", **symbol, orderId=resting)
    for mode, text, canceled in (
        ("STOP_ON_FAILURE", "BUY 1 @ 9", resting),
        ("STOP_ON_FAILURE", "BUY 1 @ 9", resting),
        ("ALLOW_FAILURE", "BUY 1 @ 9", resting),
        ("ALLOW_FAILURE", "BUY 1000000 @ 9", resting),
        ("STOP_ON_FAILURE", "BUY 1000000 @ 9", None),
        ("NO_MODE", "BUY 1 @ 9", resting),
    ):
        if canceled is None:
            canceled = (await one.ok("openOrders.status", **symbol))[0]["orderId"]
        more = {"cancelReplaceMode": mode, "cancelOrderId": canceled, "newOrderRespType": "FULL"}
        await ask(one, "order.cancelReplace", **terms(market, text, **more))
    left = (await one.ok("openOrders.status", **symbol))[0]["orderId"]
    await ask(one, "order.cancel", **symbol, orderId=left)
    said["order.cancel"].append((await one.ask("order.cancel", one.signed(**symbol, orderId=left)))["error"])
    await ask(one, "order.place", **terms(market, "BUY 1 @ 9"))
    await ask(one, "openOrders.cancelAll", **symbol)
    await lists(ask, one, symbol)
    for method in ("session.status", "session.subscriptions", "userDataStream.subscribe.signature"):
        await ask(one, method, signs=method.endswith("signature"))
    await ask(one, "session.subscriptions", signs=False)
    await ask(one, "userDataStream.unsubscribe", signs=False)
    assert not_found(said) == []


async def market_data(ask: Any, one: ApiSocket, symbol: Json) -> None:
    """Ask for all of it."""
    for method in ("ping", "time"):
        await ask(one, method, signs=False)
        await ask(one, method, signs=False, returnRateLimits=False)
    for method in ("exchangeInfo", "depth", "trades.recent", "trades.historical", "trades.aggregate", "avgPrice"):
        await ask(one, method, signs=False, **symbol)
    for method in ("klines", "uiKlines"):
        await ask(one, method, signs=False, **symbol, interval="1m")
    for method in ("ticker.24hr", "ticker.tradingDay", "ticker"):
        for query in (symbol, {"symbols": [symbol["symbol"]]}):
            for kind in ("FULL", "MINI"):
                await ask(one, method, signs=False, **query, type=kind)
    for method in ("ticker.price", "ticker.book"):
        await ask(one, method, signs=False, **symbol)
        await ask(one, method, signs=False)


async def lists(ask: Any, one: ApiSocket, symbol: Json) -> None:
    """Lists of orders, of which some are canceled or amended by one of their orders."""
    sell = symbol | {"side": "SELL", "quantity": "1"}
    await ask(one, "orderList.place", **sell, price="30", stopPrice="2")
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "30", "belowType": "STOP_LOSS", "belowStopPrice": "2"}
    placed = await ask(one, "orderList.place.oco", **sell, **legs)
    working = symbol | {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "3", "workingQuantity": "1"}
    working |= {"workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "1"}
    waiting = await ask(one, "orderList.place.oto", **working, pendingType="LIMIT_MAKER", pendingPrice="31")
    legs = {f"pending{name[0].upper()}{name[1:]}": value for name, value in legs.items()}
    both = await ask(one, "orderList.place.otoco", **working, **legs)
    first = waiting["orders"][0]["orderId"]
    await ask(one, "order.amend.keepPriority", **symbol, orderId=first, newQty="0.5")
    await ask(one, "orderList.status", orderListId=placed["orderListId"])
    for method in ("openOrderLists.status", "allOrderLists"):
        await ask(one, method)
    await ask(one, "orderList.cancel", **symbol, orderListId=both["orderListId"])
    await ask(one, "order.cancel", **symbol, orderId=placed["orders"][1]["orderId"])
    await ask(one, "openOrders.cancelAll", **symbol)


def not_found(said: dict[str, list[Json]]) -> list[Any]:
    """The documented examples that no answer is like, and how the answer that comes closest differs."""
    missing: list[Any] = []
    for example in EXAMPLES:
        method = example["endpoint"]
        if example["file"] != FILE or method is None or example["line"] in LEFT_OUT:
            continue
        if method not in METHODS and method not in said:
            assert method in {*NOT_OFFERED, *OF_REST, *SESSION}
            continue
        found = [unlike(answer, example["shape"]) for answer in said[method]]
        if [] not in found:
            missing.append((method, example["line"], min(found, key=len, default=["never asked"])))
    return missing


def unlike(answer: Any, shape: Any) -> list[str]:
    """How an answer differs from what is documented, but for what only some answers have."""
    shape = {**shape, "id": "string"} if "status" in shape else shape
    if isinstance(shape.get("result"), dict) and "apiKey" in shape["result"] and answer["result"]["apiKey"] is None:
        shape = {**shape, "result": {**shape["result"], "apiKey": "null", "authorizedSince": "null"}}
    found = differences(answer, shape)
    some = (".filters[].", *(f".{name} is missing" for name in SOME_HAVE))  # each filter has fields of its own
    return [one for one in found if not any(text in one for text in some)]


async def test_what_is_not_offered_says_so(one: ApiSocket) -> None:
    for method in (*NOT_OFFERED, "", "ORDER.PLACE", "order", "v3/v3/ping", "sor.order.place", "x" * 5000):
        answer = await one.call(method)
        assert (answer["status"], answer["error"]["code"]) == (400, -1020)
    assert (await one.call("v3/ping"))["result"] == {}


async def test_an_order_is_the_same_by_both_doors(one: ApiSocket, shared: Served, api: Api, market: str) -> None:
    user = one.api_key.removesuffix("-key")
    bot = Bot.of_user(api.session, shared.url, user, market.replace("_", ""))
    placed = await one.ok("order.place", **terms(market, "BUY 1.5 @ 10", newClientOrderId="mine"))
    read = await bot.ok("GET", "/api/v3/order", symbol=bot.symbol, origClientOrderId="mine")
    assert (read["orderId"], read["origQty"]) == (placed["orderId"], "1.50000000")
    resent = await one.ask("order.place", one.signed(**terms(market, "BUY 1.5 @ 10", newClientOrderId="mine")))
    assert (resent["status"], resent["error"]) == (400, {"code": -2010, "msg": "Duplicate order sent."})
    assert [limit["rateLimitType"] for limit in resent["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]


async def test_orders_of_one_socket_keep_their_order(one: ApiSocket, market: str) -> None:
    for number in range(50):
        asked = one.signed(**terms(market, f"BUY 1 @ 1{number:02d}", newOrderRespType="ACK"))
        await one.ws.send(orjson.dumps({"id": number, "method": "order.place", "params": asked}).decode())
    answers = [await one.next() for _ in range(50)]
    assert sorted(answer["id"] for answer in answers) == list(range(50))
    ids = [answer["result"]["orderId"] for answer in sorted(answers, key=lambda answer: answer["id"])]
    assert ids == sorted(ids)


async def test_a_request_must_be_signed_by_a_key_that_may(one: ApiSocket, market: str) -> None:
    order = terms(market, "BUY 1 @ 10")
    signed = one.signed(**order)
    for wrong, code, status in (
        (order, -1102, 400),
        ({**signed, "quantity": "2"}, -1022, 400),
        ({**signed, "signature": ""}, -1102, 400),
        ({**signed, "signature": 7}, -1022, 400),
        ({**signed, "apiKey": "nobody-key"}, -2015, 401),
        ({**signed, "apiKey": "not a key"}, -2014, 401),
        (one.signed(**order, timestamp=1_000_000_000_000), -1021, 400),
        (one.signed(**order, recvWindow=60001), -1131, 400),
        (one.signed(**order, unheardOf=1), -1104, 400),
        (one.signed(**order | {"quantity": "1e-05"}), -1100, 400),
    ):
        answer = await one.ask("order.place", wrong)
        assert (answer["error"]["code"], answer["status"]) == (code, status), wrong
    assert await one.ok("openOrders.status", symbol=market.replace("_", "")) == []
    assert (await one.ask("order.place", signed))["status"] == 200


async def test_numbers_are_signed_as_they_are_sent(one: ApiSocket, market: str) -> None:
    order = terms(market, "BUY 1 @ 10") | {"quantity": 1.25, "price": 10}
    assert (await one.ok("order.place", **order))["origQty"] == "1.25000000"


UNREADABLE: list[tuple[str, int, Any]] = [
    ("", -1135, None),
    ("{", -1135, None),
    ("[]", -1135, None),
    ("7", -1135, None),
    ("[" * 3000, -1135, None),
    ('{"id": 1', -1135, None),
    ('{"method": "ping"}', -1102, None),
    ('{"id": {}, "method": "ping"}', -1102, None),
    ('{"id": 1.5, "method": "ping"}', -1102, None),
    ('{"id": "' + "x" * 200 + '", "method": "ping"}', -1102, None),
    ('{"id": 1}', -1102, 1),
    ('{"id": 1, "method": 7}', -1102, 1),
    ('{"id": "a", "method": "ping", "params": []}', -1135, "a"),
    ('{"id": "a", "method": "ping", "params": {"x": {}}}', -1135, "a"),
    ('{"id": "a", "method": "depth", "params": {"symbol": null}}', -1102, "a"),
    ('{"id": "a", "method": "depth", "params": {"symbol": ["A"]}}', -1100, "a"),
    ('{"id": "a", "method": "depth", "params": {"symbol": "\\ud800"}}', -1135, None),
    ('{"id": "a", "method": "ping", "params": {"x": ' + "[" * 2000 + "]" * 2000 + "}}", -1135, None),
    ('{"id": "a", "method": "time", "params": {"returnRateLimits": "perhaps"}}', -1130, "a"),
    ('{"id": "a", "method": "time", "params": {"returnRateLimits": 1}}', -1130, "a"),
    ('{"id": "a", "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 9}}', -1130, "a"),
    ('{"id": "a", "method": "userDataStream.unsubscribe", "params": {"subscriptionId": "-1"}}', -1100, "a"),
    ('{"id": "a", "method": "userDataStream.subscribe"}', -2015, "a"),
    ('{"id": "a", "method": "userDataStream.subscribe.signature"}', -1102, "a"),
    ('{"id": "a", "method": "session.logon"}', -1102, "a"),
]


@pytest.mark.parametrize(("text", "code", "request_id"), UNREADABLE)
async def test_what_is_wrong_is_said(one: ApiSocket, text: str, code: int, request_id: Any) -> None:
    answer = await one.say(text)
    assert (answer["error"]["code"], answer["id"]) == (code, request_id)
    assert answer["status"] in (400, 401)
    assert (await one.call("ping"))["result"] == {}


@pytest.mark.parametrize("request_id", ["1", "-7", "9007199254740993", '"a b"', '"é"', "null", '""'])
async def test_the_id_comes_back_as_it_was(one: ApiSocket, request_id: str) -> None:
    await one.ws.send(f'{{"method": "ping", "id": {request_id}}}')
    answer = await asyncio.wait_for(one.ws.recv(), 60)
    assert orjson.loads(answer)["id"] == orjson.loads(request_id)


async def ed25519_key(ring: Keyring, user_id: str, *permissions: str) -> ApiSocket:
    """A socket with a new key of the user."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = {"user_id": user_id, "type": "ed25519", "permissions": permissions, "public_key": public.decode()}
    made = await ring.root.ok("POST", "/admin/keys", body)
    url = ring.exchange.url.replace("http", "ws")
    return ApiSocket(url, made["api_key"], lambda message: b64encode(private.sign(message)).decode())


async def test_a_session_logs_on_with_an_ed25519_key(ring: Keyring) -> None:
    user_id = await ring.user()
    async with await ed25519_key(ring, user_id, "read", "trade") as socket:
        before = await socket.call("session.status")
        assert (before["result"]["apiKey"], before["result"]["userDataStream"]) == (None, False)
        logged_on = await socket.ok("session.logon")
        assert logged_on["apiKey"] == socket.api_key
        assert logged_on["authorizedSince"] >= logged_on["connectedSince"]
        assert (await socket.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await socket.call("userDataStream.subscribe"))["error"]["code"] == -1130
        order = terms(MARKET, "BUY 1 @ 1")
        assert (await socket.call("order.place", **order))["error"]["code"] == -1102  # without a timestamp
        stamped = {name: value for name, value in socket.signed(**order).items() if name not in ("apiKey", "signature")}
        assert (await socket.call("order.place", **stamped))["result"]["status"] == "NEW"
        report = await socket.until(lambda one: one["event"]["e"] == "executionReport")
        assert (report["subscriptionId"], report["event"]["x"]) == (0, "NEW")
        after = (await socket.call("session.logout"))["result"]
        assert (after["apiKey"], after["authorizedSince"], after["userDataStream"]) == (None, None, False)
        assert await socket.until(lambda one: "event" in one and one["event"]["e"] == "eventStreamTerminated")
        assert (await socket.call("order.place", **stamped))["error"]["code"] == -1102  # nobody's


async def test_only_ed25519_keys_log_on(ring: Keyring) -> None:
    user_id, root = await ring.user(), ring.root
    root.heard = []
    made = await root.ok("POST", "/admin/keys", {"user_id": user_id, "type": "hmac", "permissions": ["read", "trade"]})
    url = ring.exchange.url.replace("http", "ws")
    async with ApiSocket(url, made["api_key"], hmac_of(made["secret"])) as socket:
        assert (await socket.ask("session.logon", socket.signed()))["error"]["code"] == -4056
        assert (await socket.ok("userDataStream.subscribe.signature")) == {"subscriptionId": 0}


async def test_a_revoked_key_ends_its_session_and_its_streams(ring: Keyring) -> None:
    user_id = await ring.user()
    async with await ed25519_key(ring, user_id, "read") as socket:
        await socket.ok("session.logon")
        stamped = {"timestamp": socket.signed()["timestamp"]}
        refused = await socket.call("order.place", **terms(MARKET, "BUY 1 @ 1"), **stamped)
        assert (refused["status"], refused["error"]["code"]) == (401, -2015)  # it may only read
        await socket.call("userDataStream.subscribe")
        await ring.root.ok("DELETE", "/admin/keys", {"api_key": socket.api_key})
        await socket.until(lambda one: "event" in one and one["event"]["e"] == "eventStreamTerminated")
        assert (await socket.call("session.status"))["result"]["apiKey"] is None
        assert (await socket.call("account.status", **stamped))["error"]["code"] == -1102
