"""Keys mode over the wire: what is signed is done, and whatever an attacker sends is not."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.until_soon import in_time
from tests.whole.api import fresh
from tests.whole.process import until
from tests.whole.signed import MARKET, Caller, Key, Keyring, base64_of, buy, now, socket

# --- what counts


async def test_a_signed_order_is_its_keys_users(ann: Caller) -> None:
    order = await ann.ok("POST", "/order", buy())
    assert (await ann.ok("GET", "/orders/open"))["orders"] == [{k: v for k, v in order.items() if k != "fills"}]
    named = await ann.ok("GET", "/balance", user_id=order["user_id"])
    assert named["balances"][0]["locked"] == "1"


@pytest.mark.parametrize("form", ["pem", "base64"])
async def test_an_ed25519_key_signs(ring: Keyring, form: str) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    text = base64_of(public.public_bytes_raw())
    if form == "pem":
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        text = public.public_bytes(serialization.Encoding.PEM, spki).decode()
    body = {"user_id": await ring.user(), "type": "ed25519", "permissions": ["read", "trade"], "public_key": text}
    made = await ring.root.ok("POST", "/admin/keys", body)
    assert made["secret"] is None
    signing = ring.caller(Key(made["api_key"], lambda message: base64_of(private.sign(message))))
    await signing.ok("POST", "/order", buy())
    parts = signing.parts("GET", "/balance")
    assert await signing.sent(parts, target="/orders/open") == "UNAUTHENTICATED"


async def test_an_rsa_key_signs(ring: Keyring) -> None:
    private = generate_private_key(65537, 2048)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    text = private.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    body = {"user_id": await ring.user(), "type": "rsa", "permissions": ["read", "trade"], "public_key": text}
    made = await ring.root.ok("POST", "/admin/keys", body)

    def sign(message: bytes) -> str:
        return base64_of(private.sign(message, PKCS1v15(), hashes.SHA256()))

    signing = ring.caller(Key(made["api_key"], sign))
    await signing.ok("POST", "/order", buy())
    assert await signing.sent(signing.parts("POST", "/order", buy()), body=b"{}") == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "ed25519", "public_key": "AAAA"},
        {"type": "ed25519"},
        {"type": "hmac", "public_key": "AAAA"},
        {"type": "dsa"},
        {"permissions": []},
        {"permissions": ["withdraw"]},
        {"allowed_addresses": ["everywhere"]},
        {"allowed_addresses": ["fe80::1%eth0"]},
        {"expires_at": 1},
        {"expires_at": 9_300_000_000_000},
        {"label": 'a label, with "quotes"'},
    ],
    ids=str,
)
async def test_a_key_that_cannot_be_is_refused_and_changes_nothing(ring: Keyring, wrong: Any) -> None:
    user_id = await ring.user()
    body = {"user_id": user_id, "type": "hmac", "permissions": ["read"]} | wrong
    assert await ring.root.code("POST", "/admin/keys", body) == "INVALID_FIELD"
    assert (await ring.root.ok("GET", "/admin/keys", user_id=user_id))["keys"] == []


async def test_requests_within_the_window_may_come_in_any_order(ann: Caller) -> None:
    async def both_count() -> bool:
        later, earlier = (replace(ann.parts("GET", "/balance"), timestamp=now(shift)) for shift in (0, -1))
        return [await ann.sent(later), await ann.sent(earlier)] == ["OK", "OK"]

    await until(both_count)  # the exchange may have started less than a second ago


async def test_equal_requests_at_one_instant_differ_by_their_nonce(ann: Caller) -> None:
    parts = ann.parts("GET", "/balance")
    assert [await ann.sent(replace(parts, nonce=nonce)) for nonce in ("a", "b", "a")] == ["OK", "OK", "REPLAYED"]


async def test_milliseconds_are_a_timestamp_too(ann: Caller) -> None:
    assert await ann.sent(replace(ann.parts("GET", "/balance"), timestamp=now()[:13])) == "OK"


# --- the attacker's list


async def test_a_replayed_request_is_refused_and_changes_nothing(ann: Caller) -> None:
    parts = ann.parts("POST", "/order", buy())
    assert [await ann.sent(parts) for _ in range(3)] == ["OK", "REPLAYED", "REPLAYED"]
    assert len((await ann.ok("GET", "/orders/open"))["orders"]) == 1


async def test_a_replay_with_the_signature_in_other_letters_is_one(ann: Caller) -> None:
    parts = ann.parts("POST", "/order", buy())
    headers = ann.headers(parts)
    assert (await ann.send(parts, headers))[0] == 200
    headers["X-Signature"] = headers["X-Signature"].upper()
    assert (await ann.send(parts, headers))[1]["code"] == "REPLAYED"


@pytest.mark.parametrize("shift_s", [-3600.0, -61.0, 20.0, 3600.0])
async def test_a_late_or_early_request_is_refused(ann: Caller, shift_s: float) -> None:
    parts = replace(ann.parts("POST", "/order", buy()), timestamp=now(shift_s))
    assert await ann.sent(parts) == "TIMESTAMP_OUT_OF_WINDOW"


@pytest.mark.parametrize("timestamp", ["0", "soon", "-1", "1" * 14, "9" * 16, "17000000000000000000", "१७००००००००००००"])
async def test_a_timestamp_that_is_none_is_refused(ann: Caller, timestamp: str) -> None:
    parts = replace(ann.parts("POST", "/order", buy()), timestamp=timestamp)
    assert await ann.sent(parts) == "TIMESTAMP_OUT_OF_WINDOW"


@pytest.mark.parametrize(
    "other",
    [
        {"body": b'{"market":"A0_USDC","side":"buy","order_type":"limit","quantity":"1","price":"2"}'},
        {"body": b""},
        {"target": "/order?user_id=eve"},
        {"target": "//order"},
        {"method": "DELETE"},
        {"target": "/order/cancel_all"},
    ],
    ids=str,
)
async def test_a_tampered_request_is_refused(ann: Caller, other: Any) -> None:
    refused = await ann.sent(ann.parts("POST", "/order", buy()), **other)
    assert refused == ("NOT_FOUND" if other.get("target") == "//order" else "UNAUTHENTICATED")
    assert (await ann.ok("GET", "/orders/open"))["orders"] == []


@pytest.mark.parametrize("header", ["X-Timestamp", "X-Nonce", "X-API-Key", "X-Signature"])
async def test_a_tampered_header_is_refused(ring: Keyring, ann: Caller, header: str) -> None:
    parts = replace(ann.parts("POST", "/order", buy()), nonce="n1")
    headers = ann.headers(parts)
    later = str(int(parts.timestamp) + 1)
    eve = await ring.key(await ring.user())
    assert eve.key is not None
    other = {
        "X-Timestamp": later,
        "X-Nonce": "n2",
        "X-API-Key": eve.key.api_key,
        "X-Signature": eve.key.sign(parts.message()),
    }
    assert (await ann.send(parts, headers | {header: other[header]}))[1]["code"] == "UNAUTHENTICATED"
    del headers[header]
    assert (await ann.send(parts, headers))[1]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "signature", ["", "00", "zz" * 32, "0" * 63, "0" * 64, "0" * 65, "=" * 88, "A" * 88, "\xe9" * 64]
)
async def test_what_is_no_signature_is_refused(ann: Caller, signature: str) -> None:
    parts = ann.parts("POST", "/order", buy())
    code = (await ann.send(parts, ann.headers(parts) | {"X-Signature": signature}))[1]["code"]
    assert code == "UNAUTHENTICATED"


async def test_a_header_that_comes_twice_is_refused(ann: Caller) -> None:
    parts = ann.parts("GET", "/balance")
    headers = ann.headers(parts)
    twice = [*headers.items(), ("X-Signature", headers["X-Signature"])]
    async with ann.session.get(f"{ann.url}/balance", headers=twice) as reply:
        assert (await reply.json())["code"] == "INVALID_FIELD"


async def test_wrong_unknown_revoked_and_expired_keys_get_the_same_answer(ring: Keyring, ann: Caller) -> None:
    user_id = await ring.user()

    async def attempt(at: int) -> Caller | None:
        caller = await ring.key(user_id, expires_at=at)
        return caller if await caller.code("GET", "/balance") == "OK" else None

    expiring = await in_time(attempt)
    revoked = await ring.key(user_id)
    assert expiring.key is not None
    assert revoked.key is not None
    assert ann.key is not None
    await revoked.ok("GET", "/balance")
    await ring.root.ok("DELETE", "/admin/keys", {"api_key": revoked.key.api_key})

    async def expired() -> bool:
        return await expiring.code("GET", "/balance") != "OK"

    await until(expired)
    wrong = ring.caller(Key(ann.key.api_key, revoked.key.sign))
    unknown = ring.caller(Key("f" * 32, ann.key.sign))
    answers = [await caller.call("GET", "/balance") for caller in (wrong, unknown, revoked, expiring)]
    assert {(status, answer["code"]) for status, answer in answers} == {(401, "UNAUTHENTICATED")}
    assert len({answer["message"] for _, answer in answers}) == 1
    assert await ring.root.code("DELETE", "/admin/keys", {"api_key": revoked.key.api_key}) == "UNKNOWN_KEY"


async def test_a_key_counts_from_its_addresses_only(ring: Keyring) -> None:
    user_id = await ring.user()
    for addresses, code in ((["10.0.0.0/8", "::2"], "FORBIDDEN"), (["127.0.0.0/8"], "OK")):
        caller = await ring.key(user_id, allowed_addresses=addresses)
        parts = caller.parts("GET", "/balance")
        headers = caller.headers(parts) | {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
        status, answer = await caller.send(parts, headers)
        assert ("OK" if status == 200 else answer["code"]) == code


async def test_no_request_is_believed_without_a_signature(ring: Keyring, ann: Caller) -> None:
    nobody = ring.caller(None)
    user_id = (await ann.ok("GET", "/balance"))["user_id"]
    parts = nobody.parts("GET", "/balance", user_id=user_id)
    for headers in ({}, {"X-User-Id": user_id}, {"Authorization": "Basic cm9vdDo="}):
        assert (await nobody.send(parts, headers))[1]["code"] == "UNAUTHENTICATED"


# --- administration


async def test_disabling_a_user_cancels_their_orders_and_refuses_new_ones(ring: Keyring, ann: Caller) -> None:
    me = (await ann.ok("GET", "/balance"))["user_id"]
    for market in (MARKET, "A1_USDC"):
        await ann.ok("POST", "/order", buy() | {"market": market})
    async with socket(ring, ann) as talk:
        assert await talk.code("SUBSCRIBE", channel=f"orders@{me}") == "SUBSCRIBED"
        assert len((await talk.next())["data"]["orders"]) == 2
        done = await ring.root.ok("POST", "/admin/users/disable", {"user_id": me})
        told = [(await talk.next())["data"]["order"] for _ in range(2)]
    assert done["status"] == "disabled"
    assert {(order["status"], order["cancel_reason"], order["expire_reason"]) for order in done["canceled"]} == {
        ("canceled", "disabled", None)
    }
    assert told == done["canceled"]
    assert await ann.code("POST", "/order", buy()) == "USER_DISABLED"
    assert (await ann.ok("GET", "/balance"))["balances"][0]["locked"] == "0"
    history = (await ann.ok("GET", "/orders/history"))["orders"]
    assert {order["cancel_reason"] for order in history} == {"disabled"}
    users = (await ring.root.ok("GET", "/admin/users", limit=1000))["users"]
    assert {"user_id": me, "status": "disabled", "fee_tier": None} in users
    assert (await ring.root.ok("POST", "/admin/users/enable", {"user_id": me}))["canceled"] == []
    order = await ann.ok("POST", "/order", buy())
    canceled = await ann.ok("DELETE", "/order", {"market": MARKET, "order_id": order["order_id"]})
    assert canceled["cancel_reason"] == "owner"


async def test_a_user_is_created_once_and_credited_once(ring: Keyring) -> None:
    body = {"user_id": fresh("user"), "balances": {"USDC": "5"}}
    answers = [await ring.root.ok("POST", "/admin/users", body) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["balances"][0]["total"] == "5"
    assert await ring.root.code("POST", "/admin/users", body | {"balances": {"USDC": "6"}}) == "KEY_CONFLICT"
    assert await ring.root.code("POST", "/admin/users", body | {"balances": {"NO": "6"}}) == "INVALID_FIELD"
    more = body | {"balances": {"A0": "1", "USDC": "5"}}
    answer = await ring.root.ok("POST", "/admin/users", more)
    assert [(row["asset"], row["total"]) for row in answer["balances"]] == [("A0", "1"), ("USDC", "5")]


@pytest.mark.parametrize(
    ("balances", "code"),
    [
        ({"A0": "1", "USDC": "9" * 32}, "OUT_OF_RANGE"),
        ({"A0": "1", "USDC": "0"}, "OUT_OF_RANGE"),
        ({"A0": "1", "USDC": "9" * 400}, "INVALID_NUMBER"),
        ({"A0": "1", "NO": "1"}, "INVALID_FIELD"),
    ],
)
async def test_a_user_with_a_balance_that_cannot_be_is_not_created(
    ring: Keyring, balances: dict[str, str], code: str
) -> None:
    body = {"user_id": fresh("user"), "balances": balances}
    assert await ring.root.code("POST", "/admin/users", body) == code
    assert await ring.root.code("GET", "/admin/balance", user_id=body["user_id"]) == "NOT_FOUND"


async def test_a_conflict_credits_a_known_user_nothing(ring: Keyring) -> None:
    user_id = await ring.user(USDC="5")
    wrong = {"user_id": user_id, "balances": {"A0": "1", "USDC": "6"}}
    assert await ring.root.code("POST", "/admin/users", wrong) == "KEY_CONFLICT"
    answer = await ring.root.ok("GET", "/admin/balance", user_id=user_id)
    assert [(row["asset"], row["total"]) for row in answer["balances"]] == [("USDC", "5")]


async def test_users_and_keys_come_by_page(ring: Keyring) -> None:
    user_id = await ring.user()
    made = [await ring.key(user_id) for _ in range(3)]
    expected = sorted(caller.key.api_key for caller in made if caller.key is not None)
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await ring.root.ok("GET", "/admin/keys", user_id=user_id, limit=2, **after)
        found += [key["api_key"] for key in page["keys"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == expected
    first = await ring.root.ok("GET", "/admin/users", limit=1)
    second = await ring.root.ok("GET", "/admin/users", limit=1, after=first["next"])
    assert first["users"][0]["user_id"] < second["users"][0]["user_id"]


async def test_the_audit_says_who_did_what_from_where(ring: Keyring) -> None:
    user_id = await ring.user()
    caller = await ring.key(user_id, "read")
    assert caller.key is not None
    await ring.root.ok("DELETE", "/admin/keys", {"api_key": caller.key.api_key})
    actions = (await ring.root.ok("GET", "/admin/audit", limit=3))["actions"]
    assert {(action["actor"], action["address"], action["user_id"]) for action in actions} == {
        ("root", "127.0.0.1", user_id)
    }
    assert [(action["action"], action["detail"]) for action in actions] == [
        ("revoke_key", caller.key.api_key),
        ("create_key", f"{caller.key.api_key} hmac read"),
        ("create_user", "1000000000 minor units of USDC"),
    ]
    page = await ring.root.ok("GET", "/admin/audit", limit=2)
    following = await ring.root.ok("GET", "/admin/audit", limit=1, before=page["next"])
    assert page["actions"] + following["actions"] == actions
    oldest = (await ring.root.ok("GET", "/admin/audit", after=0, limit=1))["actions"][0]
    assert (oldest["actor"], oldest["address"], oldest["action"]) == ("@console", None, "create_user")


async def test_an_unknown_user_is_not_found(ring: Keyring) -> None:
    for path in ("/admin/users/disable", "/admin/users/enable"):
        assert await ring.root.code("POST", path, {"user_id": "nobody"}) == "NOT_FOUND"
    body = {"user_id": "nobody", "type": "hmac", "permissions": ["read"]}
    assert await ring.root.code("POST", "/admin/keys", body) == "NOT_FOUND"
