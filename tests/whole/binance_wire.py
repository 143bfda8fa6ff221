"""A socket of the Binance-compatible dialect, as a client library would open it."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import orjson
import websockets

from tests.patience import PATIENCE_S
from tests.whole.binance import hmac_of, now_ms

Json = dict[str, Any]


class Socket:
    """One socket, with the events it has got so far."""

    def __init__(self, url: str, **options: Any) -> None:
        self._connecting = websockets.connect(url, **({"max_size": None} | options))
        self.events: list[Any] = []
        self._ids = 0

    async def __aenter__(self) -> Self:
        self.ws = await self._connecting.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._connecting.__aexit__(*error)

    async def next(self) -> Any:
        """The next message, whatever it is."""
        return orjson.loads(await asyncio.wait_for(self.ws.recv(), PATIENCE_S))

    async def ask(self, method: str, params: Any = None) -> Json:
        """The answer to a request; events that come before it are kept."""
        self._ids += 1
        asked = {"method": method, "id": self._ids} | ({} if params is None else {"params": params})
        await self.ws.send(orjson.dumps(asked).decode())
        while True:
            said = await self.next()
            if isinstance(said, dict) and "id" in said:
                assert said["id"] == self._ids, said
                return said
            self.events.append(said)

    async def say(self, text: str) -> Json:
        """The answer to any text."""
        await self.ws.send(text)
        answer: Json = await self.next()
        return answer

    async def until(self, wanted: Any) -> Any:
        """The first event, kept or new, for which `wanted` is true; those before it are dropped."""
        while True:
            event = self.events.pop(0) if self.events else await self.next()
            if wanted(event):
                return event

    async def end(self) -> tuple[int | None, str]:
        """How the server closes it."""
        try:
            while True:
                await self.next()
        except websockets.ConnectionClosed as closed:
            frame = closed.rcvd
            return (None, "") if frame is None else (frame.code, frame.reason)


class ApiSocket(Socket):
    """A socket of the WebSocket API. It signs with the key of a user in dev mode, or with another."""

    def __init__(self, url: str, api_key: str, sign: Callable[[bytes], str]) -> None:
        super().__init__(f"{url}/ws-api/v3")
        self.api_key = api_key
        self.sign = sign

    @classmethod
    def of_user(cls, url: str, user_id: str) -> "ApiSocket":
        """With the key that a user has in dev mode."""
        return cls(url, f"{user_id}-key", hmac_of(f"{user_id}-secret"))

    async def call(self, method: str, **params: Any) -> Json:
        """The answer to a request without a signature."""
        return await self.ask(method, params)

    def signed(self, **params: Any) -> dict[str, Any]:
        """The parameters of a signed request."""
        given = {"apiKey": self.api_key, "timestamp": now_ms()} | params
        text = "&".join(f"{name}={_text(value)}" for name, value in sorted(given.items()))
        return given | {"signature": self.sign(text.encode())}

    async def ok(self, method: str, **params: Any) -> Any:
        """The result of a signed request."""
        answer = await self.ask(method, self.signed(**params))
        assert answer["status"] == 200, answer
        return answer["result"]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
