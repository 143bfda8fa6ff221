"""`/openapi.json` is valid, complete, and says what the exchange does; tests/web has the page that shows it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from exchange.api.native.calls import CALLS
from exchange.api.native.errors import MEANINGS, STATUS
from tests.whole.api import Api, fresh, order_body

NAMES = {(call.method, call.path) for call in CALLS}


@pytest.fixture
async def document(api: Api) -> Any:
    return await api.ok("GET", "/openapi.json")


def operations(document: Any) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


async def test_the_document_is_openapi_31(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()


async def test_it_has_every_call_once(document: Any) -> None:
    described = operations(document)
    assert len(described) == len(set(described))
    pages = ("/openapi.json", "/docs", "/asyncapi.json", "/docs/websocket", "/metrics")
    assert set(described) == {*NAMES, *(("GET", path) for path in pages)}
    named = [document["paths"][path][method.lower()]["operationId"] for method, path in described]
    assert len(named) == len(set(named))


async def test_every_code_is_one_of_some_call(document: Any) -> None:
    given = frozenset[str]().union(*(answers.codes for answers in CALLS))
    assert given | {"NOT_FOUND", "METHOD_NOT_ALLOWED"} == set(STATUS)


async def test_every_example_of_a_request_is_one(document: Any) -> None:
    for call in CALLS:
        if call.in_body:
            operation = document["paths"][call.path][call.method.lower()]
            content = operation["requestBody"]["content"]["application/json"]
            check(document, content["schema"], content["example"])
            msgspec.json.decode(msgspec.json.encode(content["example"]), type=call.request)


async def test_every_code_is_explained(document: Any) -> None:
    for code, status in STATUS.items():
        assert f"| `{code}` | {status} | " in document["info"]["description"]
        assert MEANINGS[code].endswith(".")


async def traffic(api: Api, market: str) -> AsyncIterator[tuple[str, str, Any]]:
    """One reply of every call, each with something in all of its lists."""
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "10"}), await api.user(USDC="1000")
    body = {"user_id": maker, "asset": base, "amount": "1", "key": f"{maker}-once"}
    yield "POST", "/admin/deposit", await api.ok("POST", "/admin/deposit", body)
    status = {"market": market, "status": "trading"}
    yield "POST", "/admin/markets/status", await api.ok("POST", "/admin/markets/status", status)
    await api.order(maker, market, "sell 1 @ 100", client_order_id="first")
    for text in ("buy 1 @ 100", "buy 1", "buy 1 @ 90", "buy 1 @ 91"):
        yield "POST", "/order", await api.order(taker, market, text)
    tested = {"user_id": taker, **order_body(None, market, "buy 1 @ 90")}
    yield "POST", "/order/test", await api.ok("POST", "/order/test", tested)
    name = {"user_id": maker, "market": market, "client_order_id": "first"}
    yield "GET", "/order", await api.ok("GET", "/order", **name)
    items = [order_body(None, market, "buy 1 @ 92", client_order_id="mine"), {"cancel": {**name, "user_id": None}}]
    items[1]["cancel"].pop("user_id")
    items += [{"cancel": {"market": market, "client_order_id": "mine"}}, order_body(None, market, "buy 1 @ 0.001")]
    yield "POST", "/orders", await api.ok("POST", "/orders", {"user_id": taker, "orders": items})
    user, here, page = {"user_id": taker}, {"market": market}, {"limit": "1"}
    for path, query in (
        ("/health", {}), ("/time", {}), ("/markets", {}), ("/ticker", {}), ("/ticker", here), ("/depth", here),
        ("/balance", user), ("/orders/open", user), ("/orders/history", user), ("/orders/history", user | page),
        ("/trade/history", here), ("/trade/history", here | page), ("/fills", user), ("/fills", {"user_id": maker}),
        ("/candles", here | {"interval": "1m"}),
    ):  # fmt: skip
        yield "GET", path, await api.ok("GET", path, **query)
    await api.order(taker, market, "sell 0.1 @ 91", self_trade_prevention="decrement")
    yield "GET", "/prevented_matches", await api.ok("GET", "/prevented_matches", **user)
    (first, *_) = (await api.ok("GET", "/orders/open", **user))["orders"]
    change = {**user, "market": market, "order_id": first["order_id"], "quantity": "0.5", "new_client_order_id": "less"}
    yield "PATCH", "/order", await api.ok("PATCH", "/order", change)
    place = order_body(None, market, "buy 1 @ 89", client_order_id="next")
    swap = {**user, "cancel": {"market": market, "client_order_id": "less"}, "place": place}
    yield "POST", "/order/replace", await api.ok("POST", "/order/replace", swap)
    (first, *_) = (await api.ok("GET", "/orders/open", **user))["orders"]
    async for reply in lists(api, taker, market):
        yield reply
    yield "GET", "/order/amendments", await api.ok("GET", "/order/amendments", **user)
    yield "DELETE", "/order", await api.ok("DELETE", "/order", **user, market=market, order_id=first["order_id"])
    yield "POST", "/order/cancel_all", await api.ok("POST", "/order/cancel_all", user)
    timer = user | {"market": market, "timeout_ms": 60_000}
    yield "POST", "/order/cancel_all_after", await api.ok("POST", "/order/cancel_all_after", timer)
    await api.ok("POST", "/order/cancel_all_after", timer | {"timeout_ms": 0})
    async for reply in administration(api, market):
        yield reply


async def lists(api: Api, user: str, market: str) -> AsyncIterator[tuple[str, str, Any]]:
    """One reply of every call about lists."""
    orders = [order_body(None, market, text) for text in ("buy 1 @ 80", "buy 1 @ 81")]
    asked = {"user_id": user, "type": "oto", "orders": orders, "client_list_id": "both"}
    yield "POST", "/order/list", await api.ok("POST", "/order/list", asked)
    named = {"user_id": user, "market": market, "client_list_id": "both"}
    yield "GET", "/order/list", await api.ok("GET", "/order/list", **named)
    yield "GET", "/order/lists", await api.ok("GET", "/order/lists", user_id=user)
    yield "DELETE", "/order/list", await api.ok("DELETE", "/order/list", named)


async def administration(api: Api, market: str) -> AsyncIterator[tuple[str, str, Any]]:
    """One reply of every call about users, keys, assets, markets and money."""
    async for reply in money(api, market):
        yield reply
    listed = {"asset": fresh("G").replace("-", "")[:16], "decimals": 4}
    yield "POST", "/admin/assets", await api.ok("POST", "/admin/assets", listed)
    rules = {"market": f"{listed['asset']}_USDC", "tick_size": "0.01", "lot_size": "0.1"}
    yield "POST", "/admin/markets", await api.ok("POST", "/admin/markets", rules)
    yield "POST", "/admin/filters", await api.ok("POST", "/admin/filters", {"max_open_orders": 0})
    yield "GET", "/admin/log_level", await api.ok("GET", "/admin/log_level")
    yield "POST", "/admin/log_level", await api.ok("POST", "/admin/log_level", {"level": "info"})
    user = {"user_id": fresh("user")}
    yield "POST", "/admin/users", await api.ok("POST", "/admin/users", user | {"balances": {"USDC": "1000"}})
    await api.order(user["user_id"], market, "buy 1 @ 90")
    for path in ("/admin/users/disable", "/admin/users/enable"):
        yield "POST", path, await api.ok("POST", path, user)
    wanted = user | {"type": "hmac", "permissions": ["read", "trade"], "allowed_addresses": ["::1"]}
    key = await api.ok("POST", "/admin/keys", wanted)
    yield "POST", "/admin/keys", key
    yield "GET", "/keys", await api.ok("GET", "/keys", **user)
    other = await api.ok("POST", "/admin/keys", wanted)
    yield "DELETE", "/keys", await api.ok("DELETE", "/keys", **user, api_key=other["api_key"])
    tier = {"market": market, "fee_tier": fresh("tier")}
    rates = {"maker_fee": "0", "taker_fee": "0"}
    yield "POST", "/admin/fee_tiers", await api.ok("POST", "/admin/fee_tiers", tier | rates)
    yield "GET", "/admin/fee_tiers", await api.ok("GET", "/admin/fee_tiers", market=market)
    given = user | {"fee_tier": tier["fee_tier"]}
    yield "POST", "/admin/users/fee_tier", await api.ok("POST", "/admin/users/fee_tier", given)
    yield "GET", "/fees", await api.ok("GET", "/fees", **user, market=market)
    other_tier = {"market": market, "fee_tier": fresh("tier")}
    await api.ok("POST", "/admin/fee_tiers", other_tier | rates)
    yield "DELETE", "/admin/fee_tiers", await api.ok("DELETE", "/admin/fee_tiers", **tier)
    for path in ("/admin/users", "/admin/keys", "/admin/audit"):
        yield "GET", path, await api.ok("GET", path, limit=1)
    yield "DELETE", "/admin/keys", await api.ok("DELETE", "/admin/keys", api_key=key["api_key"])


async def money(api: Api, market: str) -> AsyncIterator[tuple[str, str, Any]]:
    """One reply of every call about money."""
    user, other = await api.user(USDC="1000"), await api.user(USDC="1")
    yield "GET", "/admin/balance", await api.ok("GET", "/admin/balance", user_id=user)
    yield "POST", "/faucet", await api.ok("POST", "/faucet", {"user_id": user, "asset": "USDC"})
    for end in ("settle", "release"):
        asked = {"user_id": user, "asset": "USDC", "amount": "1", "key": fresh("key")}
        yield "POST", "/admin/withdrawals", await api.ok("POST", "/admin/withdrawals", asked)
        path = f"/admin/withdrawals/{end}"
        yield "POST", path, await api.ok("POST", path, {"key": asked["key"]})
    moved = {"from_user_id": user, "to_user_id": other, "asset": "USDC", "amount": "1", "key": fresh("key")}
    yield "POST", "/admin/transfers", await api.ok("POST", "/admin/transfers", moved)
    await api.order(user, market, "buy 1 @ 10")
    reset = {"user_id": user, "balances": {"USDC": "5"}, "key": fresh("key")}
    yield "POST", "/admin/reset", await api.ok("POST", "/admin/reset", reset)
    yield "GET", "/ledger", await api.ok("GET", "/ledger", user_id=user, limit=2)
    yield "GET", "/admin/ledger", await api.ok("GET", "/admin/ledger", user_id=user, limit=2)
    yield "GET", "/withdrawals", await api.ok("GET", "/withdrawals", user_id=user, limit=1)
    yield "GET", "/admin/withdrawals", await api.ok("GET", "/admin/withdrawals", user_id=user, limit=1)


async def test_real_replies_are_as_described(api: Api, market: str, document: Any) -> None:
    seen = set()
    async for method, path, reply in traffic(api, market):
        described = document["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
        check(document, described, reply)
        assert_all_fields(document, described, reply)
        seen.add((method, path))
    assert seen == NAMES


async def test_real_errors_are_as_described(api: Api, market: str, document: Any) -> None:
    user = await api.user()
    place = order_body(user, market, "buy 1 @ 100")
    for method, path, body, code in (
        ("POST", "/order", place | {"market": "NONE"}, "UNKNOWN_MARKET"),
        ("POST", "/order", place | {"price": 1}, "INVALID_NUMBER"),
        ("POST", "/order", place | {"user_id": "nobody"}, "UNKNOWN_USER"),
        ("POST", "/order", place | {"price": "0.001"}, "OFF_TICK"),
        ("DELETE", "/order", {"user_id": user, "market": market, "order_id": "1"}, "UNKNOWN_ORDER"),
    ):
        status, answer = await api.call(method, path, body)
        assert answer["code"] == code
        responses = document["paths"][path][method.lower()]["responses"]
        check(document, responses[str(status)]["content"]["application/json"]["schema"], answer)


def check(document: Any, schema: Any, value: Any) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def assert_all_fields(document: Any, schema: Any, value: Any) -> None:
    """What is described is there: a validator alone would be content with an optional field that never comes."""
    if "$ref" in schema:
        return assert_all_fields(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value)
    if isinstance(value, list) and "items" in schema and schema["items"] is not False:
        for item in value:
            assert_all_fields(document, schema["items"], item)
    if isinstance(value, dict) and "properties" in schema:
        assert value.keys() == schema["properties"].keys() == set(schema["required"])
        for name, field in schema["properties"].items():
            assert_all_fields(document, field, value[name])
    return None


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/websocket", "/asyncapi.json", "/metrics"])
async def test_pages_are_for_our_hosts_only(api: Api, path: str) -> None:
    assert (await api.call("GET", path, headers={"Host": "evil.example"}))[1]["code"] == "WRONG_HOST"
    assert await api.refused("POST", path) == (405, "METHOD_NOT_ALLOWED")
