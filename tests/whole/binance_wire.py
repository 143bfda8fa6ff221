"""A socket of the Binance-compatible dialect, as a client library would open it."""

import asyncio
from typing import Any, Self

import orjson
import websockets

from tests.whole.served import PATIENCE_S

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
