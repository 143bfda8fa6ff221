"""Who may do what in the Binance-compatible dialect, generated from its lists of calls and methods: a new one cannot be
forgotten. Each test comes from an address of its own, because weights are counted by address."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.api.binance.calls import REST, Call
from exchange.api.binance.security import Security, permission_of
from exchange.api.binance.socket_api_methods import METHODS, SESSION
from exchange.service.principal import Permission
from tests.whole.binance import Bot, bot_of_key, hmac_of, now_ms
from tests.whole.binance_wire import ApiSocket, Json, Socket
from tests.whole.signed import MARKET, Keyring, base64_of

SYMBOL = MARKET.replace("_", "")
SIGNED = (Security.USER_DATA, Security.TRADE)
NO_KEY, WRONG_KEY, NO_PERMISSION, NO_PARAMETER, WRONG_SIGNATURE = -2014, -2015, -1002, -1102, -1022
DENIED = {NO_KEY, WRONG_KEY, NO_PERMISSION, WRONG_SIGNATURE}
ADDRESSES = itertools.count(2)
CALLS = [pytest.param(*name, call, id=" ".join(name)) for name, call in REST.items()]
OF_USERS = [pytest.param(*name, call, id=" ".join(name)) for name, call in REST.items() if call.security in SIGNED]
METHODS_OF_USERS = [name for name, call in METHODS.items() if call.security in SIGNED]
LISTEN_KEYS = "/api/v3/userDataStream"


class Bob:
    """Somebody else, with an order, a list and a listen key."""

    def __init__(self, bot: Bot, user_id: str) -> None:
        self.bot = bot
        self.user_id = user_id

    async def begin(self) -> None:
        """Place them."""
        symbol = {"symbol": SYMBOL}
        self.order = await self.bot.place("BUY 1 @ 1", newClientOrderId=f"of-{self.user_id}")
        legs = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "2", "workingQuantity": "1"}
        legs |= {"workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "1"}
        legs |= {"pendingType": "LIMIT_MAKER", "pendingPrice": "30", "listClientOrderId": f"list-{self.user_id}"}
        self.list = await self.bot.ok("POST", "/api/v3/orderList/oto", **symbol, **legs)
        _, made = await self.bot.send("POST", LISTEN_KEYS)
        self.listen_key = made["listenKey"]

    async def has(self) -> list[Any]:
        """All that nobody else may change."""
        open_orders = await self.bot.ok("GET", "/api/v3/openOrders", symbol=SYMBOL)
        account = await self.bot.ok("GET", "/api/v3/account")
        lists = await self.bot.ok("GET", "/api/v3/openOrderList")
        renewed = await self.bot.send("PUT", f"{LISTEN_KEYS}?listenKey={self.listen_key}")
        return [open_orders, account["balances"], lists, renewed]

    def asked_for(self, operation: str) -> Json:
        """The parameters of a request for what is Bob's; or of any, where a request names nothing."""
        symbol, order = {"symbol": SYMBOL}, {"symbol": SYMBOL, "orderId": self.order["orderId"]}
        terms = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1", "quantity": "1"}
        names = {"symbol": SYMBOL, "origClientOrderId": self.order["clientOrderId"]}
        replaced = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": self.order["orderId"]}
        listed = {"orderListId": self.list["orderListId"]}
        found: dict[str, Json] = {
            **dict.fromkeys(("order", "amendments", "all_orders", "own_trades", "prevented_matches"), order),
            **dict.fromkeys(("open_orders", "cancel_all", "allocations", "commission", "filters"), symbol),
            **dict.fromkeys(("place", "test"), symbol | terms),
            "cancel": names,
            "cancel_replace": symbol | terms | replaced,
            "amend": order | {"newQty": "0.5"},
            "order_list": listed,
            "cancel_list": symbol | listed,
            "all_lists": {"fromId": self.list["orderListId"]},
        }
        return found.get(operation, {})

    def is_told(self, answer: Any) -> bool:
        """Whether an answer has anything of Bob's."""
        if isinstance(answer, dict):
            if answer.get("orderId") == self.order["orderId"] or answer.get("orderListId") == self.list["orderListId"]:
                return True
            return any(map(self.is_told, answer.values()))
        if isinstance(answer, list):
            return any(map(self.is_told, answer))
        return answer in (self.user_id, self.order["clientOrderId"], self.list["listClientOrderId"], self.listen_key)


@contextlib.asynccontextmanager
async def from_elsewhere() -> AsyncIterator[aiohttp.ClientSession]:
    """A session from an address that nothing else has."""
    number = next(ADDRESSES)
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.{number // 250}.{number % 250 + 1}", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def asked(bot: Bot, method: str, path: str, call: Call, **params: Any) -> tuple[int, Any]:
    """The code of a refusal, or 0, and the answer to a request that is signed if the call is."""
    query = bot.signed(**params) if call.security in SIGNED else urlencode(params)
    status, answer = await bot.send(method, f"{path}?{query}")
    return (0 if status == 200 else int(answer["code"])), answer


# --- REST


@pytest.mark.parametrize(("method", "path", "call"), CALLS)
async def test_each_call_needs_its_key_signature_and_permission(
    ring: Keyring, method: str, path: str, call: Call
) -> None:
    user_id = await ring.user()
    async with from_elsewhere() as session:
        nobody = Bot(session, ring.exchange.url, "", hmac_of("nothing"), SYMBOL)
        unknown = Bot(session, ring.exchange.url, "f" * 32, hmac_of("nothing"), SYMBOL)
        if call.security is Security.NONE:
            assert (await asked(nobody, method, path, call))[0] not in DENIED
            return
        assert (await asked(nobody, method, path, call))[0] == NO_KEY
        assert (await asked(unknown, method, path, call))[0] == WRONG_KEY
        for permission in Permission:
            bot = await bot_of_key(ring, session, user_id, permission.value)
            code, _ = await asked(bot, method, path, call)
            assert (code in DENIED) == (permission is not permission_of(call.security)), (permission, code)
            if permission is permission_of(call.security) and call.security in SIGNED:
                status, answer = await bot.send(method, f"{path}?timestamp={now_ms()}")
                assert (status, answer["code"]) == (400, NO_PARAMETER), "without a signature"
                forged = Bot(session, bot.url, bot.api_key, hmac_of("another"), SYMBOL)
                assert (await asked(forged, method, path, call))[0] == WRONG_SIGNATURE
        foreign = await bot_of_key(ring, session, user_id, "read", "trade", allowed_addresses=["10.0.0.0/8"])
        assert (await asked(foreign, method, path, call))[0] == WRONG_KEY
        revoked = await bot_of_key(ring, session, user_id)
        assert (await asked(revoked, method, path, call))[0] not in DENIED
        await ring.root.ok("DELETE", "/admin/keys", {"api_key": revoked.api_key})
        assert (await asked(revoked, method, path, call))[0] == WRONG_KEY


@pytest.mark.parametrize(("method", "path", "call"), OF_USERS)
async def test_no_call_is_about_another_user(ring: Keyring, method: str, path: str, call: Call) -> None:
    bob_id = await ring.user()
    async with from_elsewhere() as session:
        ann, bob = (
            await bot_of_key(ring, session, await ring.user()),
            Bob(await bot_of_key(ring, session, bob_id), bob_id),
        )
        await bob.begin()
        before = await bob.has()
        params = bob.asked_for(call.operation)
        code, answer = await asked(ann, method, path, call, **params)
        assert not bob.is_told(answer)
        assert code not in DENIED
        names = {*params} & {"orderId", "origClientOrderId", "cancelOrderId", "orderListId"}
        assert code == 0 or names or not params or call.operation == "cancel_all"
        assert await bob.has() == before


async def test_a_listen_key_of_another_user_is_not_there(ring: Keyring) -> None:
    bob_id = await ring.user()
    async with from_elsewhere() as session:
        ann, bob = (
            await bot_of_key(ring, session, await ring.user()),
            Bob(await bot_of_key(ring, session, bob_id), bob_id),
        )
        await bob.begin()
        for method in ("PUT", "DELETE"):
            status, answer = await ann.send(method, f"{LISTEN_KEYS}?listenKey={bob.listen_key}")
            assert (status, answer["code"]) == (400, -1125)
        assert not bob.is_told((await ann.send("POST", LISTEN_KEYS))[1])
        assert (await bob.bot.send("PUT", f"{LISTEN_KEYS}?listenKey={bob.listen_key}"))[0] == 200


# --- the WebSocket API


@contextlib.asynccontextmanager
async def socket_of(ring: Keyring, bot: Bot) -> AsyncIterator[ApiSocket]:
    """A socket that signs with the key of a bot, from an address that nothing else has."""
    number = next(ADDRESSES)
    socket = ApiSocket(ring.exchange.url.replace("http", "ws"), bot.api_key, bot.sign)
    address = (f"127.0.{number // 250}.{number % 250 + 1}", 0)
    Socket.__init__(socket, f"{ring.exchange.url.replace('http', 'ws')}/ws-api/v3", local_addr=address)
    async with socket:
        yield socket


def code_of(answer: Json) -> int:
    return 0 if answer["status"] == 200 else int(answer["error"]["code"])


@pytest.mark.parametrize("name", METHODS)
async def test_each_method_needs_its_key_signature_and_permission(ring: Keyring, name: str) -> None:
    call, user_id = METHODS[name], await ring.user()
    assert ring.session is not None
    for permission in Permission:
        bot = await bot_of_key(ring, ring.session, user_id, permission.value)
        async with socket_of(ring, bot) as socket:
            if call.security is Security.NONE:
                assert code_of(await socket.call(name)) not in DENIED
                continue
            may = permission is permission_of(call.security)
            if call.security is Security.API_KEY:
                assert code_of(await socket.call(name)) in {NO_KEY, WRONG_KEY}
                assert (code_of(await socket.call(name, apiKey=bot.api_key)) not in DENIED) == may
                continue
            assert (code_of(await socket.ask(name, socket.signed())) not in DENIED) == may
            assert code_of(await socket.call(name)) == NO_PARAMETER
            assert code_of(await socket.call(name, apiKey=bot.api_key, timestamp=now_ms())) == NO_PARAMETER
            socket.sign = hmac_of("another")
            assert code_of(await socket.ask(name, socket.signed())) == WRONG_SIGNATURE
            await ring.root.ok("DELETE", "/admin/keys", {"api_key": bot.api_key})
            socket.sign = bot.sign
            assert code_of(await socket.ask(name, socket.signed())) == WRONG_KEY


@pytest.mark.parametrize("name", METHODS_OF_USERS)
async def test_no_method_is_about_another_user(ring: Keyring, name: str) -> None:
    call, bob_id = METHODS[name], await ring.user()
    async with from_elsewhere() as session:
        ann, bob = (
            await bot_of_key(ring, session, await ring.user()),
            Bob(await bot_of_key(ring, session, bob_id), bob_id),
        )
        await bob.begin()
        before = await bob.has()
        async with socket_of(ring, ann) as socket:
            answer = await socket.ask(name, socket.signed(**bob.asked_for(call.operation)))
        assert not bob.is_told(answer)
        assert code_of(answer) not in DENIED
        assert await bob.has() == before


async def logging_on(ring: Keyring, user_id: str, *permissions: str) -> Bot:
    """With a new Ed25519 key, the only kind with which a socket logs on."""
    private = Ed25519PrivateKey.generate()
    wanted = {"user_id": user_id, "type": "ed25519", "permissions": permissions}
    wanted["public_key"] = base64_of(private.public_key().public_bytes_raw())
    made = await ring.root.ok("POST", "/admin/keys", wanted)
    assert ring.session is not None
    return Bot(ring.session, ring.exchange.url, made["api_key"], lambda text: base64_of(private.sign(text)), SYMBOL)


def test_each_method_about_the_socket_is_tried() -> None:
    tried = {"session.logon", "session.logout", "session.status", "session.subscriptions"}
    assert {*SESSION} == tried | {
        *("userDataStream.subscribe", "userDataStream.subscribe.signature", "userDataStream.unsubscribe"),
    }


async def test_a_socket_that_has_logged_on_may_do_what_its_key_may(ring: Keyring) -> None:
    user_id = await ring.user()
    bot = await logging_on(ring, user_id, "read")
    async with socket_of(ring, bot) as socket:
        assert code_of(await socket.call("userDataStream.subscribe")) == WRONG_KEY
        await socket.ok("session.logon")
        assert code_of(await socket.call("account.status", timestamp=now_ms())) == 0
        terms = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "1"}
        assert code_of(await socket.call("order.place", timestamp=now_ms(), **terms)) == WRONG_KEY
        assert code_of(await socket.call("openOrders.cancelAll", timestamp=now_ms(), symbol=SYMBOL)) == WRONG_KEY
        await socket.call("session.logout")
        assert code_of(await socket.call("account.status", timestamp=now_ms())) == NO_PARAMETER
    for permission in ("trade", "admin"):
        async with socket_of(ring, await logging_on(ring, user_id, permission)) as socket:
            assert code_of(await socket.ask("session.logon", socket.signed())) == WRONG_KEY
            assert code_of(await socket.ask("userDataStream.subscribe.signature", socket.signed())) == WRONG_KEY
            assert (await socket.call("session.status"))["result"]["apiKey"] is None
            assert (await socket.call("session.subscriptions"))["result"] == []


async def test_a_revocation_ends_what_a_key_listens_to(ring: Keyring) -> None:
    user_id = await ring.user()
    bot, other = await logging_on(ring, user_id, "read"), await logging_on(ring, user_id, "read", "trade")
    _, made = await bot.send("POST", LISTEN_KEYS)
    url = f"{ring.exchange.url.replace('http', 'ws')}/ws/{made['listenKey']}"
    async with socket_of(ring, bot) as socket, Socket(url) as stream:
        await socket.ok("session.logon")
        assert code_of(await socket.call("userDataStream.subscribe")) == 0
        await other.place("BUY 1 @ 1")
        assert (await stream.until(lambda event: event["e"] == "executionReport"))["x"] == "NEW"
        await socket.until(lambda event: event["event"]["e"] == "outboundAccountPosition")
        await ring.root.ok("DELETE", "/admin/keys", {"api_key": bot.api_key})
        await other.place("BUY 1 @ 1")
        assert (await socket.until(lambda event: "event" in event))["event"]["e"] == "eventStreamTerminated"
        assert (await stream.until(lambda event: event["e"] != "outboundAccountPosition"))["e"] == "listenKeyExpired"
        assert code_of(await socket.call("account.status", timestamp=now_ms())) != 0
    async with Socket(url.rpartition("/")[0]) as late:
        assert (await late.ask("SUBSCRIBE", [made["listenKey"]]))["error"]["code"] == 2
