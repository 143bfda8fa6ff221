"""A client of the Binance-compatible dialect, as a test writes its calls; it signs itself, with no client library."""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from tests.whole.signed import MARKET, Keyring

SIGNED = (
    *(
        "/api/v3/order",
        "/api/v3/order/test",
        "/api/v3/order/cancelReplace",
        "/api/v3/order/amend/keepPriority",
        "/api/v3/order/amendments",
        "/api/v3/openOrders",
        "/api/v3/allOrders",
        "/api/v3/account",
    ),
    *("/api/v3/myTrades", "/api/v3/rateLimit/order", "/api/v3/account/commission", "/api/v3/myPreventedMatches"),
    *("/api/v3/myAllocations", "/api/v3/myFilters", "/api/v3/order/oco", "/api/v3/orderList"),
    *("/api/v3/orderList/oco", "/api/v3/orderList/oto", "/api/v3/orderList/otoco"),
    *("/api/v3/allOrderList", "/api/v3/openOrderList"),
)


def now_ms(shift_s: float = 0.0) -> int:
    """A timestamp."""
    return int((time.time() + shift_s) * 1000)


def hmac_of(secret: str) -> Callable[[bytes], str]:
    """Signs with a shared secret."""
    return lambda message: hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Bot:
    """One user's client. `sign` makes a signature of bytes."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, api_key: str, sign: Callable[[bytes], str], symbol: str = ""
    ) -> None:
        self.session = session
        self.url = url
        self.api_key = api_key
        self.sign = sign
        self.symbol = symbol
        self.headers: dict[str, str] = {}  # of the last reply

    @classmethod
    def of_user(cls, session: aiohttp.ClientSession, url: str, user_id: str, symbol: str = "") -> Self:
        """With the key that a user has in dev mode."""
        return cls(session, url, f"{user_id}-key", hmac_of(f"{user_id}-secret"), symbol)

    async def send(self, method: str, target: str, body: str = "", **headers: str) -> tuple[int, Any]:
        """The status and the answer of a request as it stands."""
        given = {"X-MBX-APIKEY": self.api_key} | {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(self.url + target, encoded=True)
        async with self.session.request(method, url, data=body or None, headers=given) as reply:
            assert reply.headers["Content-Type"] == "application/json"
            self.headers = dict(reply.headers)
            return reply.status, orjson.loads(await reply.read())

    def signed(self, **params: Any) -> str:
        """The query of a signed request."""
        text = urlencode({"timestamp": now_ms()} | params)
        return f"{text}&signature={quote(self.sign(text.encode()), safe='')}"

    async def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """A call with its parameters in the query, signed where it needs to be."""
        signs = path in SIGNED or path.startswith("/sapi/")
        query = self.signed(**params) if signs else urlencode(params)
        return await self.send(method, f"{path}?{query}" if query else path)

    async def ok(self, method: str, path: str, **params: Any) -> Any:
        """The answer of a call that must succeed."""
        status, answer = await self.call(method, path, **params)
        assert status == 200, answer
        return answer

    async def code(self, method: str, path: str, **params: Any) -> int:
        """The code of a call that must be refused."""
        status, answer = await self.call(method, path, **params)
        assert status >= 400, answer
        assert set(answer) <= {"code", "msg", "data"}
        return int(answer["code"])

    def terms(self, text: str, **more: Any) -> dict[str, Any]:
        """The parameters of the order that `text` says: "BUY 2 @ 100.5", or "SELL 3" at the market."""
        words = text.split()
        terms = {"symbol": self.symbol, "side": words[0], "type": "MARKET", "quantity": words[1]}
        if len(words) > 2:
            terms |= {"type": "LIMIT", "price": words[3], "timeInForce": "GTC"}
        found = terms | more
        if found["type"] == "LIMIT_MAKER":
            found.pop("timeInForce")
        return found

    async def place(self, text: str, **more: Any) -> Any:
        """The answer of an order that must be taken."""
        return await self.ok("POST", "/api/v3/order", **self.terms(text, **more))

    async def refused(self, text: str, **more: Any) -> tuple[int, str]:
        """The code and message of an order that must be refused."""
        status, answer = await self.call("POST", "/api/v3/order", **self.terms(text, **more))
        assert status == 400, answer
        return answer["code"], answer["msg"]


async def bot_of_key(
    ring: Keyring, session: aiohttp.ClientSession, user_id: str, *permissions: str, **more: Any
) -> Bot:
    """With a new hmac key of that user."""
    root = ring.root
    root.heard = []
    wanted = {"user_id": user_id, "type": "hmac", "permissions": permissions or ("read", "trade"), **more}
    made = await root.ok("POST", "/admin/keys", wanted)
    ring.secrets.append(made["secret"])
    return Bot(session, ring.exchange.url, made["api_key"], hmac_of(made["secret"]), MARKET.replace("_", ""))
