"""Orders over the socket: as over REST, many in flight, applied in the order sent; and bad input of every kind."""

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.whole.api import Api, order_body
from tests.whole.bad_input import DEEP, DEEP_OBJECT, Case, cases
from tests.whole.conftest import Markets
from tests.whole.served import Served
from tests.whole.shapes import assert_order
from tests.whole.wire import Wire, masked, upgrade

IN_FLIGHT = 500
TYPES = {
    ("POST", "/order"): "ORDER",
    ("DELETE", "/order"): "CANCEL",
    ("POST", "/order/cancel_all"): "CANCEL_ALL",
    ("POST", "/order/cancel_all_after"): "CANCEL_ALL_AFTER",
    ("POST", "/orders"): "ORDERS",
}
PLAIN_HEADERS = {"Content-Type": "application/json"}


async def test_an_order_and_its_cancel_are_answered_as_over_rest(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with Wire(shared.ws_url) as socket:
        placed = await socket.ok("ORDER", **order_body(user, market, "buy 2 @ 5", client_order_id="mine"))
        assert_order(placed, with_fills=True)
        assert placed == await api.ok("GET", "/order", user_id=user, market=market, client_order_id="mine")
        again = await socket.ok("ORDER", **order_body(user, market, "buy 2.0 @ 5.00", client_order_id="mine"))
        assert again["order_id"] == placed["order_id"]
        canceled = await socket.ok("CANCEL", user_id=user, market=market, client_order_id="mine")
        assert canceled["status"] == "canceled"
        closed = await socket.ask("CANCEL", user_id=user, market=market, order_id=placed["order_id"])
        assert (closed["message_type"], closed["code"]) == ("ERROR", "ORDER_CLOSED")
        assert closed["order"]["order_id"] == placed["order_id"]


async def test_the_user_may_stand_in_the_header_of_the_upgrade(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with Wire(shared.ws_url, headers={"X-User-Id": user}) as socket:
        assert (await socket.ok("ORDER", **order_body(None, market, "buy 2 @ 5")))["user_id"] == user
        assert len((await socket.ok("CANCEL_ALL"))["canceled"]) == 1
    async with Wire(shared.ws_url) as socket:
        assert await socket.refused("CANCEL_ALL") == "UNAUTHENTICATED"


async def test_a_batch_is_answered_item_by_item(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with Wire(shared.ws_url) as socket:
        items = [
            order_body(None, market, "buy 1 @ 5", client_order_id="one"),
            order_body(None, market, "buy 1 @ 5.001"),
            {"cancel": {"market": market, "client_order_id": "one"}},
        ]
        results = (await socket.ok("ORDERS", user_id=user, orders=items))["results"]
        assert [result.get("status", result.get("code")) for result in results] == ["open", "OFF_TICK", "canceled"]
        assert await socket.refused("ORDERS", user_id=user, orders=[]) == "INVALID_FIELD"


async def test_cancel_all_is_of_one_market_or_of_all(shared: Served, api: Api, markets: Markets) -> None:
    one, other = markets.plain(), markets.plain()
    user = await api.user()
    async with Wire(shared.ws_url) as socket:
        for market in (one, one, other):
            await socket.ok("ORDER", **order_body(user, market, "buy 1 @ 5"))
        assert len((await socket.ok("CANCEL_ALL", user_id=user, market=one))["canceled"]) == 2
        assert len((await socket.ok("CANCEL_ALL", user_id=user))["canceled"]) == 1


async def test_hundreds_in_flight_are_each_answered_and_applied_in_the_order_sent(
    shared: Served, api: Api, market: str
) -> None:
    user = await api.user()
    asked: dict[int, tuple[str, str]] = {}
    async with Wire(shared.ws_url) as socket:
        await socket.listen(f"orders@{user}", f"depth@{market}")
        # Each cancel finds its order only if that was applied before it; each price holds only what its turn brings.
        for number in range(0, IN_FLIGHT, 2):
            name = f"order-{number}"
            body = order_body(user, market, f"buy 1 @ {1 + number % 7}", client_order_id=name)
            await socket.say("ORDER", id=number, **body)
            await socket.say("CANCEL", id=number + 1, user_id=user, market=market, client_order_id=name)
            asked[number], asked[number + 1] = (name, "open"), (name, "canceled")
        answers: dict[int, Any] = {}
        while len(answers) < IN_FLIGHT:
            message = await socket.hear()
            if "id" in message and message["id"] not in answers:
                answers[message["id"]] = message
        assert {i: (a["data"]["client_order_id"], a["data"]["status"]) for i, a in answers.items()} == asked
        told = [event["data"]["order"] for event in socket.reader.events(f"orders@{user}")[1:]]
        expected = [f"order-{number}" for number in range(0, IN_FLIGHT, 2) for _ in ("accepted", "canceled")]
        assert [order["client_order_id"] for order in told] == expected
        assert socket.reader.book(market)["bids"] == []


async def test_nothing_overtakes_what_goes_to_several_markets(shared: Served, api: Api, markets: Markets) -> None:
    """Such commands get in line one market after the other, and what is said next comes behind them all."""
    one, other = sorted((markets.plain(), markets.plain()))
    user = await api.user()
    async with Wire(shared.ws_url) as socket:
        for round_number in range(10):
            await socket.say("CANCEL_ALL", user_id=user)
            name = f"quote-{round_number}"
            placed = await socket.ok("ORDER", **order_body(user, other, "buy 1 @ 5", client_order_id=name))
            assert placed["order_id"] in await open_ids(api, user, other)

            items = [
                order_body(None, market, "buy 1 @ 4", client_order_id=f"{market}-{name}") for market in (one, other)
            ]
            await socket.say("ORDERS", user_id=user, orders=items)
            canceled = await socket.ok("CANCEL", user_id=user, market=other, client_order_id=f"{other}-{name}")
            assert canceled["status"] == "canceled"


async def open_ids(api: Api, user: str, market: str) -> set[str]:
    """The user's open orders."""
    found = await api.ok("GET", "/orders/open", user_id=user, market=market)
    return {order["order_id"] for order in found["orders"]}


async def test_long_messages_keep_their_order(shared: Served, api: Api, market: str) -> None:
    """Some are longer than what may wait for the session, and others come in the same breath."""
    user, address = await api.user(), urlsplit(shared.ws_url)
    for padding in (0, 70_000, 140_000, 500_000):
        said = [
            orjson.dumps({"message_type": "ORDER", "id": number, **order_body(user, market, "buy 0.1 @ 1")})
            + b" " * (padding if number % 3 == 0 else 0)
            for number in range(9)
        ]
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(upgrade(address.netloc))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(b'{"message_type":"PING"}') + b"".join(masked(text) for text in said))
        heard = b""
        while heard.count(b'"RESULT"') < len(said):
            heard += await reader.read(1 << 16)
        writer.close()
        found = re.findall(rb'"order_id":"(\d+)".*?"id":(\d+)}', heard)
        assert [int(number) for _, number in sorted(found, key=lambda pair: int(pair[0]))] == list(range(9))


async def test_more_than_may_be_in_flight_waits_its_turn(shared: Served, api: Api, market: str) -> None:
    user, count = await api.user(), 2500
    async with Wire(shared.ws_url) as socket:
        for number in range(count):
            await socket.say("ORDER", id=number, **order_body(user, market, "buy 0.1 @ 1", time_in_force="ioc"))
        answers = [await socket.hear() for _ in range(count)]
        assert sorted(answer["id"] for answer in answers) == list(range(count))
        assert {answer["data"]["status"] for answer in answers} == {"expired"}


async def test_who_hangs_up_has_still_asked(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with Wire(shared.ws_url) as watcher:
        await watcher.listen(f"orders@{user}")
        async with Wire(shared.ws_url) as socket:
            for price in range(1, 51):
                await socket.say("ORDER", **order_body(user, market, f"buy 1 @ {price}"))
        await watcher.until(lambda _: len(watcher.reader.orders[user]) == 50)
    assert Decimal((await api.balances(user))["USDC"][1]) == sum(range(1, 51))


# --- bad input


def _as_messages() -> Iterator[tuple[Case, str]]:
    """The catalogue of the REST calls, as far as a body can be said over a socket."""
    for case in cases():
        kind = TYPES.get((case.method, case.path))
        if kind is None or case.body is None or case.headers != PLAIN_HEADERS or case.expected[1] == "TOO_LARGE":
            continue
        try:
            text = case.body.decode()
        except UnicodeDecodeError:
            continue
        head = f'{{"message_type":"{kind}","id":7'
        if text.startswith("{") and not text.startswith(("{}", '{"a":{')):
            yield case, f"{head},{text[1:]}"
        elif text == "{}":
            yield case, head + "}"


async def test_the_whole_catalogue_gets_the_same_errors(shared: Served, api: Api, market: str) -> None:
    base = market.partition("_")[0]
    user = await api.user(**{"USDC": "1000", base: "1000"})
    await api.order(user, market, "buy 1 @ 9", client_order_id="resting")
    before = await api.ok("GET", "/health")
    wrong, count = [], 0
    async with Wire(shared.ws_url) as socket:
        for case, text in _as_messages():
            count += 1
            for name, value in {"user": user, "market": market, "base": base}.items():
                text = text.replace(f"{{{name}}}", value)
            await socket.send(text)
            answer = await socket.hear()
            # Looking for the type and the id passes over the whole message, so too deep is too deep anywhere.
            code = "MALFORMED_JSON" if "nested" in case.name else case.expected[1]
            fine = answer.get("message_type") == "ERROR" and answer["code"] == code
            named = answer.get("id") == 7 or answer["code"] in ("MALFORMED_JSON", "INVALID_FIELD")
            if not (fine and named and answer.keys() - {"id"} == {"message_type", "code", "message"}):
                wrong.append(f"{case.name}: {str(answer)[:300]}")
        assert (await socket.ask("PING"))["message_type"] == "PONG"
    assert not wrong, "\n".join(wrong)
    assert count > 300
    assert await api.ok("GET", "/health") == before


NOT_MESSAGES = {
    "": "MALFORMED_JSON",
    "not json": "MALFORMED_JSON",
    "{": "MALFORMED_JSON",
    '{"message_type":"PING"} ': None,
    '{"message_type":"PING"}x': "MALFORMED_JSON",
    '{"message_type":"PING","id":"\\ud800"}': "MALFORMED_JSON",
    '{"message_type":"UNSUBSCRIBE","channel":"trade@\\udc00"}': "MALFORMED_JSON",
    DEEP: "INVALID_FIELD",
    DEEP_OBJECT: "MALFORMED_JSON",
    '{"message_type":"PING","id":' + DEEP + "}": "INVALID_FIELD",
    '{"message_type":"ORDERS","orders":' + DEEP + "}": "MALFORMED_JSON",
    '{"message_type":"' + "x" * 1_000_000 + '"}': "INVALID_FIELD",
    "NaN": "MALFORMED_JSON",
    "null": "INVALID_FIELD",
    "[]": "INVALID_FIELD",
    '"PING"': "INVALID_FIELD",
    "{}": "INVALID_FIELD",
    '{"message_type":1}': "INVALID_FIELD",
    '{"message_type":null}': "INVALID_FIELD",
    '{"message_type":"AUTHENTICATE"}': "INVALID_FIELD",
    '{"message_type":"AUTH"}': "INVALID_FIELD",
    '{"message_type":"AUTH","key":"a","signature":"b"}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE"}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channels":[]}': "INVALID_FIELD",
    '{"message_type":"UNSUBSCRIBE","channels":[]}': "INVALID_FIELD",
    '{"message_type":"PING","nonsense":1}': "INVALID_FIELD",
    '{"message_type":"PING","id":1.5}': "INVALID_FIELD",
    '{"message_type":"PING","id":true}': "INVALID_FIELD",
    '{"message_type":"PING","id":[]}': "INVALID_FIELD",
    '{"message_type":"PING","id":123456789012345678901234567890}': "INVALID_FIELD",
    '{"message_type":"PING","id":9223372036854775808}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channel":1}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channel":null}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channels":"trade@A"}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channels":[1]}': "INVALID_FIELD",
    '{"message_type":"SUBSCRIBE","channel":"trade@\\u0000"}': "UNKNOWN_MARKET",
    '{"message_type":"SUBSCRIBE","channel":"trade@' + "x" * 100_000 + '"}': "UNKNOWN_MARKET",
}


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "binary"])
async def test_what_is_no_message_is_an_error_and_the_socket_lives_on(shared: Served, as_text: bool) -> None:
    async with Wire(shared.ws_url) as socket:
        for text, code in NOT_MESSAGES.items():
            await (socket.ws.send_str(text) if as_text else socket.ws.send_bytes(text.encode()))
            answer = await socket.hear()
            assert answer.get("code") == code, (text[:100], answer)
            assert len(orjson.dumps(answer)) < 1000
        for raw in (b"\xff\xfe", b'{"message_type":"PING","id":"\xed\xa0\x80"}', bytes(1000)):
            await socket.ws.send_bytes(raw)
            assert (await socket.hear())["code"] == "MALFORMED_JSON"
        assert (await socket.ask("PING"))["message_type"] == "PONG"


async def test_text_that_is_none_ends_the_socket_as_the_protocol_says(shared: Served) -> None:
    async with Wire(shared.ws_url) as socket:
        await socket.ws.send_frame(b"\xff\xfe", 1)
        assert (await socket.end()).code == 1007
