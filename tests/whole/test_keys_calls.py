"""Keys mode, generated from the lists of calls, messages and channels: a new one cannot be forgotten."""

import asyncio
import gzip
import json
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from exchange.api.native.calls import CALLS, Call
from exchange.api.native.messages import TAGS
from exchange.api.native.names import PRIVATE, PUBLIC
from exchange.service.principal import Permission
from tests.patience import PATIENCE_S
from tests.whole.signed import MARKET, Caller, Keyring, Parts, Talk, buy, now, socket

SIGNED = [call for call in CALLS if call.permission is not None]
OPEN = [call for call in CALLS if call.permission is None]
CLIENTS = [call for call in SIGNED if not call.path.startswith("/admin/")]


EXAMPLES: dict[str, dict[str, Any]] = {
    "place": {"market": MARKET, "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"},
    "test": {"market": MARKET, "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"},
    "cancel": {"market": MARKET, "order_id": "1"},
    "order": {"market": MARKET, "order_id": "1"},
    "amend": {"market": MARKET, "order_id": "1", "quantity": "1"},
    "replace": {"cancel": {"market": MARKET, "order_id": "1"}, "place": buy()},
    "place_list": {"type": "oto", "orders": [buy(), buy()]},
    "cancel_list": {"market": MARKET, "list_id": "1"},
    "order_list": {"market": MARKET, "list_id": "1"},
    "batch": {"orders": [buy()]},
    "cancel_all_after": {"timeout_ms": 60_000},
    "depth": {"market": MARKET},
    "candles": {"market": MARKET, "interval": "1m"},
    "revoke_own_key": {"api_key": "f" * 32},
    "faucet": {"asset": "USDC"},
}


def anything(call: Call, named: str | None = None) -> tuple[str, str, Any, dict[str, str]]:
    """A request of that call; authentication comes before anything is read of it."""
    user = {} if named is None else {"user_id": named}
    if call.in_body:
        return call.method, call.path, user | EXAMPLES.get(call.operation, {}), {}
    return call.method, call.path, None, user | EXAMPLES.get(call.operation, {})


# --- generated from the list of calls


@pytest.mark.parametrize("call", SIGNED, ids=lambda call: f"{call.method} {call.path}")
async def test_each_call_needs_a_signature_and_its_permission(ring: Keyring, call: Call) -> None:
    method, path, body, query = anything(call)
    assert await ring.caller(None).code(method, path, body, **query) == "UNAUTHENTICATED"
    user_id = await ring.user()
    for permission in Permission:
        caller = await ring.key(user_id, permission.value)
        code = await caller.code(method, path, body, **query)
        assert (code == "FORBIDDEN") == (permission is not call.permission), (permission, code)
        assert code not in ("UNAUTHENTICATED", "INTERNAL")


@pytest.mark.parametrize("call", CLIENTS, ids=lambda call: f"{call.method} {call.path}")
async def test_no_call_is_about_another_user(ring: Keyring, ann: Caller, call: Call) -> None:
    bob = await ring.key(await ring.user())
    order = await bob.ok("POST", "/order", buy())
    before = [await bob.ok("GET", path) for path in ("/balance", "/orders/open")]
    method, path, body, query = anything(call, order["user_id"])
    for asked in (body, query):
        if asked and "order_id" in asked:
            asked["order_id"] = order["order_id"]
    assert await ann.code(method, path, body, **query) == "FORBIDDEN"
    named, asked = ann.parts(*anything(call)[:3], **anything(call)[3]), order["user_id"]
    assert (await ann.send(named, ann.headers(named) | {"X-User-Id": asked}))[1]["code"] == "FORBIDDEN"
    # Without a name the call is about the caller: another user's order is not there.
    own = {key: value for key, value in (body or query).items() if key != "user_id"}
    status, answer = await ann.call(method, path, own if call.in_body else None, **({} if call.in_body else own))
    assert order["user_id"] not in json.dumps(answer)
    if "order_id" in own:
        assert (status, answer["code"]) == (404, "UNKNOWN_ORDER")
    assert [await bob.ok("GET", path) for path in ("/balance", "/orders/open")] == before


@pytest.mark.parametrize("call", OPEN, ids=lambda call: f"{call.method} {call.path}")
async def test_public_calls_need_no_signature(ring: Keyring, call: Call) -> None:
    method, path, body, query = anything(call)
    assert await ring.caller(None).code(method, path, body, **query) == "OK"


def test_public_calls_name_no_user() -> None:
    assert not any("user_id" in call.request.__struct_fields__ for call in OPEN)
    assert {call.permission for call in CALLS if call.path.startswith("/admin/")} == {Permission.ADMIN}


async def test_in_a_batch_the_item_with_a_foreign_user_fails_alone(ring: Keyring, ann: Caller) -> None:
    other = await ring.user()
    me = (await ann.ok("GET", "/balance"))["user_id"]
    items = [buy("1"), buy("2") | {"user_id": other}, buy("3") | {"user_id": me}]
    results = (await ann.ok("POST", "/orders", {"orders": items}))["results"]
    assert [result.get("code", "OK") for result in results] == ["OK", "FORBIDDEN", "OK"]


@pytest.mark.parametrize("page", [False, True], ids=["protocol", "application"])
async def test_a_compressed_body_is_signed_as_it_is_sent(ann: Caller, page: bool) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        if page:
            async with session.get(f"{ann.url}/docs") as reply:
                await reply.read()
        caller = Caller(session, ann.url, ann.key, ann.heard)
        parts = replace(caller.parts("POST", "/order", buy()), body=gzip.compress(orjson.dumps(buy())))
        coded = {"Content-Encoding": "gzip"}
        assert (await caller.send(parts, caller.headers(parts) | coded))[0] == 200
        plain = caller.parts("POST", "/order", buy())
        status, answer = await caller.send(
            replace(plain, body=gzip.compress(plain.body)), caller.headers(plain) | coded
        )
        assert (status, answer["code"]) == (401, "UNAUTHENTICATED")


async def test_a_connection_that_has_read_a_page_is_held_to_the_same(ring: Keyring, ann: Caller) -> None:
    """The application serves it from then on."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        async with session.get(f"{ann.url}/docs") as page:
            assert page.status == 200
            await page.read()
        caller = Caller(session, ann.url, ann.key, ann.heard)
        parts = caller.parts("POST", "/order", buy())
        assert [await caller.sent(parts) for _ in range(2)] == ["OK", "REPLAYED"]
        assert await caller.sent(caller.parts("POST", "/order", buy()), body=b"{}") == "UNAUTHENTICATED"
        assert await caller.code("GET", "/admin/users") == "FORBIDDEN"
        assert await caller.code("GET", "/balance", user_id="root") == "FORBIDDEN"
        assert await Caller(session, ann.url, None, []).code("GET", "/balance") == "UNAUTHENTICATED"


# --- sockets


EXAMPLE_MESSAGES: dict[str, dict[str, Any]] = {
    "ORDER": EXAMPLES["place"],
    "CANCEL": EXAMPLES["cancel"],
    "AMEND": EXAMPLES["amend"],
    "REPLACE": EXAMPLES["replace"],
    "ORDER_LIST": EXAMPLES["place_list"],
    "CANCEL_LIST": EXAMPLES["cancel_list"],
    "CANCEL_ALL": {},
    "CANCEL_ALL_AFTER": EXAMPLES["cancel_all_after"],
    "ORDERS": EXAMPLES["batch"],
}
WITHOUT_USER = ("SUBSCRIBE", "UNSUBSCRIBE", "PING", "AUTH", "CANCEL_ON_DISCONNECT")


def test_each_message_is_tried() -> None:
    assert set(TAGS) == {*EXAMPLE_MESSAGES, *WITHOUT_USER}


@pytest.mark.parametrize("message_type", EXAMPLE_MESSAGES)
async def test_no_message_is_believed_before_auth_or_about_another_user(
    ring: Keyring, ann: Caller, message_type: str
) -> None:
    other, fields = await ring.user(), EXAMPLE_MESSAGES[message_type]
    async with socket(ring) as talk:
        assert await talk.code(message_type, **fields) == "UNAUTHENTICATED"
        assert await talk.code(message_type, **fields, user_id=other) == "UNAUTHENTICATED"
    async with socket(ring, ann) as talk:
        assert await talk.code(message_type, **fields, user_id=other) == "FORBIDDEN"
        assert await talk.code(message_type, **fields) in ("RESULT", "UNKNOWN_ORDER", "UNKNOWN_LIST")
    reader = await ring.key(other, "read")
    async with socket(ring, reader) as talk:
        assert await talk.code(message_type, **fields) == "FORBIDDEN"


@pytest.mark.parametrize("kind", PRIVATE)
async def test_a_private_channel_is_its_users_alone(ring: Keyring, ann: Caller, kind: str) -> None:
    me, other = (await ann.ok("GET", "/balance"))["user_id"], await ring.user()
    async with socket(ring) as talk:
        assert await talk.code("SUBSCRIBE", channel=f"{kind}@{me}") == "UNAUTHENTICATED"
        assert await talk.code("SUBSCRIBE", channels=[f"trade@{MARKET}", f"{kind}@{me}"]) == "UNAUTHENTICATED"
    async with socket(ring, ann) as talk:
        assert await talk.code("SUBSCRIBE", channel=f"{kind}@{other}") == "FORBIDDEN"
        assert await talk.code("SUBSCRIBE", channel=f"{kind}@{me}") == "SUBSCRIBED"
    trader = await ring.key(me, "trade")
    async with socket(ring, trader) as talk:
        assert await talk.code("SUBSCRIBE", channel=f"{kind}@{me}") == "FORBIDDEN"


@pytest.mark.parametrize("kind", PUBLIC)
async def test_a_public_channel_needs_no_auth(ring: Keyring, kind: str) -> None:
    async with socket(ring) as talk:
        assert await talk.code("SUBSCRIBE", channel=f"{kind}@{MARKET}") == "SUBSCRIBED"


async def test_the_auth_of_a_socket_is_held_to_the_same(ring: Keyring, ann: Caller) -> None:
    assert ann.key is not None
    async with socket(ring) as talk:
        message = ann.auth()
        assert (await talk.ask(message | {"signature": "0" * 64}))["code"] == "UNAUTHENTICATED"
        assert (await talk.ask(ann.auth(timestamp=now(-61))))["code"] == "TIMESTAMP_OUT_OF_WINDOW"
        assert (await talk.ask(message | {"api_key": "nobody"}))["code"] == "UNAUTHENTICATED"
        of_request = Parts("GET", "/balance", b"", now())
        signature = ann.key.sign(of_request.message())
        other = {"timestamp": of_request.timestamp, "signature": signature}
        assert (await talk.ask(message | other))["code"] == "UNAUTHENTICATED"
        answer = await talk.ask(message | {"id": 7})
        assert (answer["message_type"], answer["permissions"], answer["id"]) == ("AUTHENTICATED", ["read", "trade"], 7)
        assert (await talk.ask(message))["code"] == "REPLAYED"
        bob = await ring.key(await ring.user())
        assert (await talk.ask(bob.auth()))["code"] == "FORBIDDEN"


async def listening(
    ring: Keyring, user_id: str, stack: AsyncExitStack, lasts_s: float | None = None
) -> tuple[Talk, Caller]:
    """A socket of a new key, which hears of its user's orders. The key ends after `lasts_s`, or later if that is over
    before the socket listens."""
    while True:
        expires_at = None if lasts_s is None else int((time.time() + lasts_s) * 1000)
        try:
            caller = await ring.key(user_id, **({} if expires_at is None else {"expires_at": expires_at}))
            talk = await stack.enter_async_context(socket(ring, caller))
            assert await talk.code("SUBSCRIBE", channel=f"orders@{user_id}") == "SUBSCRIBED"
            assert (await talk.next())["data"]["type"] == "snapshot"
        except (AssertionError, TypeError):  # refused, or closed
            if lasts_s is None or expires_at is None or time.time() * 1000 < expires_at:
                raise
            lasts_s *= 4
        else:
            return talk, caller


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_the_end_of_a_key_closes_its_sockets(ring: Keyring, end: str) -> None:
    user_id = await ring.user()
    async with AsyncExitStack() as stack:
        other, staying = await listening(ring, user_id, stack)
        talk, ending = await listening(ring, user_id, stack, 5.0 if end == "expired" else None)
        assert ending.key is not None
        if end == "revoked":
            await ring.root.ok("DELETE", "/admin/keys", {"api_key": ending.key.api_key})
            await staying.ok("POST", "/order", buy())
        message = await talk.connection.receive(timeout=PATIENCE_S)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008), "and nothing of the order before it"
        if end == "expired":
            await staying.ok("POST", "/order", buy())
        assert (await other.next())["data"]["reason"] == "accepted"


async def test_of_a_request_and_the_revocation_of_its_key_the_later_one_knows_the_other(ring: Keyring) -> None:
    """Orders flow while the key is revoked: each that was sent after the reply to the revocation is refused."""
    user_id = await ring.user(USDC="100000")
    caller = await ring.key(user_id)
    revoked = asyncio.Event()
    late: list[str] = []

    async def flow() -> None:
        while True:
            known = revoked.is_set()
            code = await caller.code("POST", "/order/cancel_all", {})
            if known:
                late.append(code)
                return

    assert caller.key is not None
    flows = [asyncio.create_task(flow()) for _ in range(8)]
    await asyncio.sleep(0.05)
    await ring.root.ok("DELETE", "/admin/keys", {"api_key": caller.key.api_key})
    revoked.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*flows)
    assert late == ["UNAUTHENTICATED"] * 8
