"""A bot's user stream in the Binance-compatible dialect, taken down: execution reports and balances.

Older bots ask for a listen key and open `/ws/KEY`; today's subscribe on the WebSocket API. What happens while the
stream is broken is not told later, as on Binance.
"""

import asyncio
import contextlib
import sys
from typing import Any, Final

import aiohttp
import orjson

from exchange.client import ApiKey
from exchange.torture.bot_calls import LOST, signed
from exchange.torture.bot_words import STATUSES, shortest
from exchange.torture.intents import MARKETS
from exchange.torture.record import History, Report, Told

BACK_S: Final = 0.05
HEARTBEAT_S: Final = 20.0
OF_SYMBOL: Final = {market.replace("_", ""): market for market in MARKETS}
END: Final = "end"

Json = dict[str, Any]


class BotStream:
    """Listens until it is canceled. `url` is that of REST; with `by_listen_key` as older bots do."""

    def __init__(self, user_id: str, url: str, key: ApiKey, history: History, *, by_listen_key: bool) -> None:
        self._user_id = user_id
        self._url = url
        self._ws_url = url.replace("http", "ws", 1)
        self._key = key
        self._history = history
        self._by_listen_key = by_listen_key
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._end = asyncio.Event()
        self.connections = 0

    async def follow(self) -> None:
        """Listen, and listen again after every break."""
        headers = {"X-MBX-APIKEY": self._key.api_key}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                with contextlib.suppress(*LOST, orjson.JSONDecodeError):
                    await (self._by_key(session) if self._by_listen_key else self._subscribed(session))
                self._socket = None
                await asyncio.sleep(BACK_S)

    async def caught_up(self) -> None:
        """Return when everything sent so far has arrived."""
        asks = {"id": END, "method": "LIST_SUBSCRIPTIONS" if self._by_listen_key else "ping"}
        while not self._end.is_set():
            if self._socket is not None:
                with contextlib.suppress(*LOST):
                    await self._socket.send_str(orjson.dumps(asks).decode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), 0.5)

    async def _by_key(self, session: aiohttp.ClientSession) -> None:
        async with session.post(f"{self._url}/api/v3/userDataStream") as response:
            if response.status != 200:
                return
            listen_key = orjson.loads(await response.read())["listenKey"]
        async with session.ws_connect(f"{self._ws_url}/ws/{listen_key}", heartbeat=HEARTBEAT_S) as socket:
            self._begin(socket)
            async for message in socket:
                self._hear(orjson.loads(message.data))

    async def _subscribed(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(f"{self._ws_url}/ws-api/v3", heartbeat=HEARTBEAT_S) as socket:
            request = {"id": 1, "method": "userDataStream.subscribe.signature", "params": signed({}, self._key)}
            await socket.send_str(orjson.dumps(request).decode())
            async for message in socket:
                text = orjson.loads(message.data)
                if text.get("id") == 1:
                    if text["status"] != 200:
                        return
                    self._begin(socket)
                else:
                    self._hear(text.get("event", text))

    def _begin(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.connections += 1
        self._history.told.append(
            Told(self._user_id, self.connections, {})
        )  # nothing yet: the judge knows the last one
        self._socket = socket

    def _hear(self, event: Json) -> None:
        if event.get("id") == END:
            self._end.set()
        kind = event.get("e")
        if kind == "executionReport":
            self._history.reports.append(self._report(event))
        elif kind == "outboundAccountPosition":
            balances = {one["a"]: (shortest(one["f"]), shortest(one["l"])) for one in event["B"]}
            self._history.told.append(Told(self._user_id, self.connections, balances))

    def _report(self, event: Json) -> Report:
        return Report(
            self._user_id,
            self.connections,
            event["I"],
            str(event["i"]),
            OF_SYMBOL[event["s"]],
            sys.intern(STATUSES[event["X"]]),
            shortest(event["z"]),
            str(event["t"]) if event["x"] == "TRADE" else None,
            shortest(event["L"]),
            shortest(event["l"]),
        )
