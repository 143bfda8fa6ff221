"""Who sends a request of the Binance-compatible dialect: keys, signatures, and the window of their timestamps."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.whole.api import Api
from tests.whole.binance import Bot, hmac_of, now_ms
from tests.whole.served import Served
from tests.whole.signed import MARKET, Keyring

ACCOUNT = "/api/v3/account"


@pytest_asyncio.fixture
async def bot(shared: Served, api: Api, market: str) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        yield Bot.of_user(session, shared.url, await api.user(), market.replace("_", ""))


async def answer_of(bot: Bot, query: str, method: str = "GET", path: str = ACCOUNT, body: str = "") -> int:
    """The code of a refusal; 0 where there is none."""
    status, answer = await bot.send(method, f"{path}?{query}" if query else path, body)
    return 0 if status == 200 else int(answer["code"])


async def test_a_signature_may_be_used_again_in_its_window(bot: Bot) -> None:
    query = bot.signed()
    assert [await answer_of(bot, query) for _ in range(3)] == [0, 0, 0]


async def test_a_wrong_signature_is_refused(bot: Bot) -> None:
    assert await answer_of(bot, bot.signed() + "0") == -1022
    assert await answer_of(bot, bot.signed().replace("timestamp", "omitZeroBalances=true&timestamp")) == -1022
    assert await answer_of(bot, f"timestamp={now_ms()}") == -1102
    assert (
        await answer_of(bot, bot.signed().upper().replace("TIMESTAMP", "timestamp").replace("SIGNATURE", "signature"))
        == 0
    )
    bot.sign = hmac_of("another")
    assert await answer_of(bot, bot.signed()) == -1022


async def test_a_key_must_be_known(bot: Bot) -> None:
    for api_key, status, code in (("", 401, -2014), ("a b", 401, -2014), ("nobody-key", 401, -2015), ("x", 401, -2015)):
        bot.api_key = api_key
        found, answer = await bot.send("GET", f"{ACCOUNT}?{bot.signed()}")
        assert (found, answer["code"]) == (status, code), api_key


async def test_a_timestamp_must_be_in_the_window(bot: Bot) -> None:
    assert await answer_of(bot, bot.signed(timestamp=now_ms(-6))) == -1021
    assert await answer_of(bot, bot.signed(timestamp=now_ms(-6), recvWindow=50000)) == 0
    assert await answer_of(bot, bot.signed(timestamp=now_ms(-6), recvWindow="50000.123")) == 0
    assert await answer_of(bot, bot.signed(timestamp=now_ms(600))) == -1021
    assert await answer_of(bot, bot.signed(timestamp=now_ms() * 1000)) == 0
    assert await answer_of(bot, bot.signed(timestamp=now_ms() * 1_000_000)) == -1021
    assert await answer_of(bot, bot.signed(timestamp="9" * 21)) == -1100
    assert await answer_of(bot, bot.signed(timestamp="soon")) == -1100
    assert await answer_of(bot, bot.signed(timestamp="")) == -1102
    assert await answer_of(bot, bot.signed(recvWindow=60001)) == -1131
    assert await answer_of(bot, bot.signed(recvWindow="1e3")) == -1130


async def test_parameters_travel_in_the_query_and_in_the_body(bot: Bot) -> None:
    path = "/api/v3/order/test"
    terms = "&".join(f"{name}={value}" for name, value in bot.terms("BUY 1 @ 10").items())
    in_body = f"{terms}&timestamp={now_ms()}"
    signature = bot.sign(in_body.encode())
    assert await answer_of(bot, "", "POST", path, f"{in_body}&signature={signature}") == 0
    assert await answer_of(bot, f"signature={signature}", "POST", path, in_body) == 0
    query, body = terms, f"timestamp={now_ms()}&symbol=NONE"
    mixed = f"{body}&signature={bot.sign((query + body).encode())}"
    assert await answer_of(bot, query, "POST", path, mixed) == 0, "the query wins over the body"
    twice = f"{query}&symbol={bot.symbol}&timestamp={now_ms()}"
    assert await answer_of(bot, f"{twice}&signature={bot.sign(twice.encode())}", "POST", path) == -1101


async def test_times_may_be_microseconds(bot: Bot) -> None:
    _, answer = await bot.send("GET", "/api/v3/time", X_MBX_TIME_UNIT="MICROSECOND")
    assert answer["serverTime"] > 10**15
    assert (await bot.send("GET", "/api/v3/time", X_MBX_TIME_UNIT="HOUR"))[1]["code"] == -1194


async def test_a_path_that_is_not_there_says_so_in_this_dialect(bot: Bot) -> None:
    assert await bot.send("GET", "/api/v3/nothing") == (404, {"code": -1020, "msg": "This operation is not supported."})
    status, answer = await bot.send("PUT", "/api/v3/order")
    assert (status, answer["code"], bot.headers["Allow"]) == (405, -1020, "POST, DELETE, GET, HEAD")
    assert (await bot.send("GET", "/nothing"))[1]["code"] == "NOT_FOUND"


async def bot_with(ring: Keyring, made: Any, sign: Any) -> Bot:
    assert ring.session is not None
    return Bot(ring.session, ring.exchange.url, made["api_key"], sign, MARKET.replace("_", ""))


async def test_keys_of_every_type_sign(ring: Keyring) -> None:
    user_id, root = await ring.user(), ring.root
    spki = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    ed25519, rsa = Ed25519PrivateKey.generate(), generate_private_key(65537, 2048)
    wanted: list[tuple[str, Any, Any]] = [
        ("ed25519", ed25519, lambda message: b64encode(ed25519.sign(message)).decode()),
        ("rsa", rsa, lambda message: b64encode(rsa.sign(message, PKCS1v15(), hashes.SHA256())).decode()),
    ]
    for kind, private, sign in wanted:
        public = private.public_key().public_bytes(*spki).decode()
        body = {"user_id": user_id, "type": kind, "permissions": ["read", "trade"], "public_key": public}
        bot = await bot_with(ring, await root.ok("POST", "/admin/keys", body), sign)
        assert (await bot.place("BUY 1 @ 1"))["status"] == "NEW"
        text = f"timestamp={now_ms()}"
        unescaped = sign(text.encode())
        assert await answer_of(bot, f"{text}&signature={quote(unescaped, safe='+/=')}") == 0, "as it stands"


async def test_a_key_may_do_what_it_has_the_permission_for(ring: Keyring) -> None:
    user_id, root = await ring.user(), ring.root
    root.heard = []
    made = await root.ok("POST", "/admin/keys", {"user_id": user_id, "type": "hmac", "permissions": ["read"]})
    bot = await bot_with(ring, made, hmac_of(made["secret"]))
    assert await answer_of(bot, bot.signed()) == 0
    assert await bot.code("POST", "/api/v3/order", **bot.terms("BUY 1 @ 1")) == -2015
    await root.ok("DELETE", "/admin/keys", {"api_key": made["api_key"]})
    assert await answer_of(bot, bot.signed()) == -2015
    bot.api_key = f"{user_id}-key"
    assert await answer_of(bot, bot.signed()) == -2015, "mode keys knows no keys of dev mode"
