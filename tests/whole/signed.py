"""An exchange in keys mode, and clients of it that sign, well or badly."""

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from yarl import URL

from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import fresh, order_body
from tests.whole.made_once import copy, data_directory, place_for_all
from tests.whole.served import EXCHANGE, Served, directory

UNHURRIED = """
[limits]
requests_per_s = 1000000.0
requests_burst = 1000000
user_requests_per_s = 1000000.0
user_requests_burst = 1000000
orders_per_s = 1000000.0
orders_burst = 1000000
frames_per_s = 1000000.0
sockets_per_user = 1000000
connections_per_address = 1000000
channels_per_socket = 1000000
"""
AUTH = '\n[auth]\nmode = "keys"\nwindow_s = 60.0\n'  # a machine that is busy may be longer than five seconds at it
CONFIG = served.CONFIG + served.market_text("A0") + served.market_text("A1") + AUTH + UNHURRIED
MARKET = "A0_USDC"
Sign = Callable[[bytes], str]


@dataclass(frozen=True)
class Key:
    """A key with its way to sign."""

    api_key: str
    sign: Sign

    @classmethod
    def hmac(cls, made: Any) -> "Key":
        """Of the reply of POST /admin/keys."""
        secret = made["secret"].encode()
        return cls(made["api_key"], lambda message: hmac.new(secret, message, hashlib.sha256).hexdigest())


@dataclass(frozen=True)
class Parts:
    """What of a request is signed, so that each can differ from what is sent."""

    method: str
    target: str
    body: bytes
    timestamp: str
    nonce: str = ""

    def message(self) -> bytes:
        """The signed bytes."""
        return f"{self.timestamp}{self.nonce}{self.method}{self.target}".encode() + self.body


def now(shift_s: float = 0.0) -> str:
    """A timestamp in microseconds."""
    return str(int((time.time() + shift_s) * 1_000_000))


class Caller:
    """Sends requests of one key, and keeps every byte that came back."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: Key | None, heard: list[str]) -> None:
        self.session = session
        self.url = url
        self.key = key
        self.heard = heard
        self.signatures: list[str] = []

    def parts(self, method: str, path: str, body: Any = None, **query: Any) -> Parts:
        """The request, not yet signed."""
        url = URL(self.url + path).extend_query(query)
        return Parts(method, url.raw_path_qs, b"" if body is None else orjson.dumps(body), now())

    def headers(self, parts: Parts) -> dict[str, str]:
        """Its headers, signed."""
        headers = {"Content-Type": "application/json"} if parts.body else {}
        if self.key is not None:
            signature = self.key.sign(parts.message())
            self.signatures.append(signature)
            headers |= {"X-API-Key": self.key.api_key, "X-Timestamp": parts.timestamp, "X-Signature": signature}
        if parts.nonce:
            headers["X-Nonce"] = parts.nonce
        return headers

    async def send(self, parts: Parts, headers: dict[str, str]) -> tuple[int, Any]:
        """The status and the answer."""
        url = URL(self.url + parts.target, encoded=True)
        data = parts.body or None
        async with self.session.request(parts.method, url, data=data, headers=headers) as reply:
            text = await reply.text()
        self.heard.append(text + json.dumps(dict(reply.headers)))
        return reply.status, orjson.loads(text)

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Send a request that is signed as it should be."""
        parts = self.parts(method, path, body, **query)
        return await self.send(parts, self.headers(parts))

    async def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer of a call that must succeed."""
        status, answer = await self.call(method, path, body, **query)
        assert status == 200, answer
        return answer

    async def code(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """The code of a refusal; OK where there is none."""
        status, answer = await self.call(method, path, body, **query)
        return "OK" if status == 200 else str(answer["code"])

    async def sent(self, signed: Parts, **other: Any) -> str:
        """The code of a request that differs from what was signed."""
        status, answer = await self.send(replace(signed, **other), self.headers(signed))
        return "OK" if status == 200 else str(answer["code"])

    def auth(self, **other: str) -> dict[str, str]:
        """The message that signs a socket in."""
        assert self.key is not None
        timestamp = other.get("timestamp", now())
        message = {
            "message_type": "AUTH",
            "api_key": self.key.api_key,
            "timestamp": timestamp,
            "signature": self.key.sign(f"{timestamp}AUTH".encode()),
        }
        return message | other


def base64_of(data: bytes) -> str:
    """As text."""
    return base64.b64encode(data).decode()


Ended = subprocess.CompletedProcess[str]


def run(exchange: Served, *arguments: str, environment: dict[str, str] | None = None) -> Ended:
    """An `exchange` command on the stopped exchange."""
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    return subprocess.run(
        [EXCHANGE, *arguments, *where],
        cwd=exchange.place,
        env=served.plain_environment() | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextlib.contextmanager
def keys_exchange() -> Iterator[tuple[Served, Any]]:
    """A stopped exchange with the user root, and their admin key as it was printed."""
    with directory() as place:
        exchange = Served(place, CONFIG)
        data_dir, root = _with_root()
        copy(data_dir, exchange.data_dir)
        try:
            yield exchange, json.loads(root)
        finally:
            exchange.end()


@functools.cache
def _with_root() -> tuple[Path, str]:
    """A data directory with that user, made once, and the key."""
    exchange = Served(place_for_all(), CONFIG)
    data_directory(exchange.data_dir)
    assert run(exchange, "user", "create", "root").returncode == 0
    made = run(exchange, "key", "create", "root", "--type", "hmac", "--permissions", "admin")
    assert made.returncode == 0, made.stderr
    return exchange.data_dir, made.stdout


class Keyring:
    """The exchange, its administrator, and the keys that they make."""

    def __init__(self, exchange: Served, root: Any) -> None:
        self.exchange = exchange
        self.secrets = [root["secret"]]
        self.heard: list[str] = []
        self.callers: list[Caller] = []
        self._root = Key.hmac(root)
        self.session: aiohttp.ClientSession | None = None

    def caller(self, key: Key | None) -> Caller:
        """A client with that key."""
        assert self.session is not None
        self.callers.append(Caller(self.session, self.exchange.url, key, self.heard))
        return self.callers[-1]

    @property
    def root(self) -> Caller:
        """The administrator."""
        return self.caller(self._root)

    async def user(self, **balances: str) -> str:
        """A new user."""
        user_id = fresh("user")
        await self.root.ok("POST", "/admin/users", {"user_id": user_id, "balances": balances or {"USDC": "1000"}})
        return user_id

    async def key(self, user_id: str, *permissions: str, **more: Any) -> Caller:
        """A client of that user, with a new hmac key."""
        body = {"user_id": user_id, "type": "hmac", "permissions": permissions or ("read", "trade"), **more}
        root = self.root
        root.heard = []  # the one reply that has a secret
        made = await root.ok("POST", "/admin/keys", body)
        self.secrets.append(made["secret"])
        return self.caller(Key.hmac(made))


def buy(price: str = "1") -> Any:
    return order_body(None, MARKET, f"buy 1 @ {price}")


@contextlib.asynccontextmanager
async def socket(ring: Keyring, caller: Caller | None = None) -> AsyncIterator["Talk"]:
    """An open socket, signed in if there is a caller."""
    assert ring.session is not None
    async with ring.session.ws_connect(f"{ring.exchange.url}/ws") as connection:
        talk = Talk(connection, ring)
        if caller is not None:
            assert (await talk.ask(caller.auth()))["message_type"] == "AUTHENTICATED"
        yield talk


class Talk:
    """One socket's conversation."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse, ring: Keyring) -> None:
        self.connection = connection
        self._ring = ring

    async def ask(self, message: dict[str, Any]) -> Any:
        """The next message after this one."""
        await self.connection.send_json(message)
        return await self.next()

    async def next(self) -> Any:
        """The next message."""
        text = await self.connection.receive_str(timeout=PATIENCE_S)
        self._ring.heard.append(text)
        return json.loads(text)

    async def code(self, message_type: str, **fields: Any) -> str:
        """The code of a refusal, or the type of the answer."""
        answer = await self.ask({"message_type": message_type, **fields})
        return str(answer.get("code", answer.get("message_type")))
