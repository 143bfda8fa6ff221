"""The calls of a bot: signed requests of the Binance-compatible dialect, over REST and over the WebSocket API.

Both keep a connection while it holds, and open another after it broke.
"""

import contextlib
import time
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import aiohttp
import orjson

from exchange.client import ApiKey

WINDOW_MS: Final = 60_000
TIMEOUT_S: Final = 60.0
LOST: Final = (aiohttp.ClientError, OSError, TimeoutError)
BUSY: Final = (-1003, -1008, -1015)  # nothing was done
UNSETTLED: Final = (-1000, -1001, -1006, -1007)  # it may have been done

# The calls: method of HTTP, path, method of the WebSocket API.
PLACE: Final = ("POST", "/api/v3/order", "order.place")
CANCEL: Final = ("DELETE", "/api/v3/order", "order.cancel")
QUERY: Final = ("GET", "/api/v3/order", "order.status")
REPLACE: Final = ("POST", "/api/v3/order/cancelReplace", "order.cancelReplace")
AMEND: Final = ("PUT", "/api/v3/order/amend/keepPriority", "order.amend.keepPriority")
CANCEL_ALL: Final = ("DELETE", "/api/v3/openOrders", "openOrders.cancelAll")

CallName = tuple[str, str, str]
Params = Mapping[str, Any]


class Refused(Exception):
    """An answer that says no, for good: `body` is the error."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body
        self.code: int = body["code"]


class Busy(Exception):
    """Nothing was done, and it may be tried again later."""


class Unknown(Exception):
    """No answer, or one that does not say whether it was done."""


class BotCalls(Protocol):
    """A bot's connection."""

    async def ask(self, call: CallName, params: Params) -> Any:
        """The answer to a signed request. Raises Refused, Busy or Unknown."""

    async def close(self) -> None:
        """End the connection."""


def bot_key(user_id: str, key: ApiKey | None) -> ApiKey:
    """The key of a user; one that each user has in dev mode, if there is no other."""
    return key or ApiKey.hmac(f"{user_id}-key", f"{user_id}-secret")


def judged(status: int, body: Any) -> Any:
    """An answer with this status. Raises Refused, Busy or Unknown."""
    if status == 200:
        return body
    if not isinstance(body, dict) or body.get("code") in (None, *UNSETTLED):
        raise Unknown
    if body["code"] in BUSY:
        raise Busy
    raise Refused(body)


class RestCalls:
    """Over REST: the parameters of a POST in a form, all others in the query."""

    def __init__(self, url: str, key: ApiKey) -> None:
        self._url = url
        self._key = key
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, headers={"X-MBX-APIKEY": key.api_key})

    async def ask(self, call: CallName, params: Params) -> Any:
        """The answer to a signed request. Raises Refused, Busy or Unknown."""
        method, path, _ = call
        text = urlencode({**params, "recvWindow": WINDOW_MS, "timestamp": now_ms()})
        text += "&signature=" + self._key.signature(text.encode())
        url, form = self._url + path, None
        if method == "POST":
            form = text
        else:
            url += "?" + text
        headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._session.request(method, url, data=form, headers=headers) as response:
                status, body = response.status, await response.read()
        except LOST:
            raise Unknown from None
        return judged(status, _json(body))

    async def close(self) -> None:
        """End the connection."""
        await self._session.close()


class SocketCalls:
    """Over the WebSocket API, one request at a time."""

    def __init__(self, url: str, key: ApiKey) -> None:
        self._url = url
        self._key = key
        self._session = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._asked = 0

    async def ask(self, call: CallName, params: Params) -> Any:
        """The answer to a signed request. Raises Refused, Busy or Unknown."""
        self._asked += 1
        request = {"id": self._asked, "method": call[2], "params": signed(params, self._key)}
        try:
            if self._socket is None:
                self._socket = await self._session.ws_connect(self._url)
            await self._socket.send_str(orjson.dumps(request).decode())
            while True:
                message = await self._socket.receive(TIMEOUT_S)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise ConnectionResetError
                answer = orjson.loads(message.data)
                if answer.get("id") == self._asked:
                    return judged(answer["status"], answer.get("result", answer.get("error")))
        except LOST:
            await self._hang_up()
            raise Unknown from None

    async def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(*LOST):
                await self._socket.close()
            self._socket = None

    async def close(self) -> None:
        """End the connection."""
        await self._hang_up()
        await self._session.close()


def now_ms() -> int:
    """The time that a request is sent with."""
    return time.time_ns() // 1_000_000


def signed(params: Params, key: ApiKey) -> dict[str, Any]:
    """The parameters of a request of the WebSocket API, with who has signed them."""
    asked = {**params, "apiKey": key.api_key, "recvWindow": WINDOW_MS, "timestamp": now_ms()}
    text = "&".join(f"{name}={value}" for name, value in sorted(asked.items()))
    return {**asked, "signature": key.signature(text.encode())}


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
