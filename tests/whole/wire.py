"""A socket for tests: sends, receives, and passes every event to a Reader that judges it."""

import asyncio
import base64
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from tests.patience import PATIENCE_S
from tests.reader import Json, Reader

SMALL_BUFFER = 4096


class Closed(Exception):
    """The socket has ended, with this code (1006 when it was just cut) and reason."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class Wire:
    """One socket. `reader` may be passed on to the next one, which then goes on where this one stopped."""

    def __init__(self, url: str, reader: Reader | None = None, *, small_buffer: bool = False, **options: Any) -> None:
        self.reader = reader or Reader()
        connector = aiohttp.TCPConnector(socket_factory=_narrow) if small_buffer else None
        self.session = aiohttp.ClientSession(connector=connector)
        self._url = url
        self._options: dict[str, Any] = {"max_msg_size": 0} | options
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        try:
            self.ws = await self.session.ws_connect(self._url, **self._options)
        except BaseException:
            await self.session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.ws.close()
        await self.session.close()

    async def send(self, text: bytes | str) -> None:
        """Any text as a frame."""
        await self.ws.send_str(text if isinstance(text, str) else text.decode())

    async def say(self, message_type: str, **fields: Any) -> None:
        """A message, without waiting."""
        await self.send(orjson.dumps({"message_type": message_type, **fields}))

    async def hear(self) -> Json:
        """The next message. Raises Closed."""
        async with asyncio.timeout(PATIENCE_S):
            frame = await self.ws.receive()
        if frame.type is aiohttp.WSMsgType.CLOSE:
            raise Closed(frame.data, frame.extra or "")
        if frame.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(self.ws.close_code, "")
        message: Json = orjson.loads(frame.data)
        self.reader.hear(message)
        return message

    async def until(self, wanted: Callable[[Json], object]) -> Json:
        """Hear until this comes."""
        while True:
            message = await self.hear()
            if wanted(message):
                return message

    async def ask(self, message_type: str, **fields: Any) -> Json:
        """Say it under an id of its own, and hear until it is answered."""
        request_id = next(self._ids)
        await self.say(message_type, id=request_id, **fields)
        return await self.until(lambda message: message.get("id") == request_id)

    async def ok(self, message_type: str, **fields: Any) -> Any:
        """What a message that must succeed is answered with."""
        answer = await self.ask(message_type, **fields)
        assert answer["message_type"] == "RESULT", answer
        assert answer.keys() == {"message_type", "id", "data"}
        return answer["data"]

    async def refused(self, message_type: str, **fields: Any) -> str:
        """The code of a message that must be refused."""
        answer = await self.ask(message_type, **fields)
        assert answer["message_type"] == "ERROR", answer
        assert isinstance(answer["message"], str)
        code: str = answer["code"]
        return code

    async def listen(self, *channels: str) -> None:
        """Subscribe, and hear until each has begun with all that it begins with."""
        request_id = next(self._ids)
        await self.say("SUBSCRIBE", id=request_id, channels=list(channels))
        for channel in channels:
            answer = await self.until(lambda message: message.get("id") == request_id)
            assert (answer["message_type"], answer["channel"]) == ("SUBSCRIBED", channel)
        await self.ask("PING")

    async def end(self) -> Closed:
        """Hear until the socket ends."""
        try:
            while True:
                await self.hear()
        except Closed as closed:
            return closed


def _narrow(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket with little room for what has not been read: what stays unread is felt at the other end."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    return made


@contextlib.asynccontextmanager
async def deaf(ws_url: str, *channels: str) -> AsyncIterator[socket.socket]:
    """A bare socket that has subscribed, with as little room for what comes as there can be, and does not read."""
    address = urlsplit(ws_url)
    assert address.hostname is not None
    assert address.port is not None
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        plain.settimeout(PATIENCE_S)
        await asyncio.to_thread(plain.connect, (address.hostname, address.port))
        plain.sendall(upgrade(address.netloc))
        plain.sendall(masked(orjson.dumps({"message_type": "SUBSCRIBE", "channels": channels})))
        heard = b""
        while heard.count(b"SUBSCRIBED") < len(channels):
            heard += await asyncio.to_thread(plain.recv, SMALL_BUFFER)
        yield plain


def upgrade(netloc: str) -> bytes:
    """The request that opens a socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: {netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def masked(payload: bytes) -> bytes:
    """A text frame as clients send it; a mask of zeros changes nothing."""
    if len(payload) < 126:
        length = bytes((0x80 | len(payload),))
    elif len(payload) < 1 << 16:
        length = b"\xfe" + len(payload).to_bytes(2, "big")
    else:
        length = b"\xff" + len(payload).to_bytes(8, "big")
    return b"\x81" + length + bytes(4) + payload


def end_of(plain: socket.socket) -> tuple[int, str] | None:
    """Read a bare socket to its end; the code and reason of the close frame, if the last bytes are one."""
    tail = b""
    with contextlib.suppress(ConnectionError):
        while chunk := plain.recv(1 << 16):
            tail = (tail + chunk)[-200:]
    at = tail.rfind(b"\x88")
    if at < 0 or len(tail) != at + 2 + tail[at + 1]:
        return None
    return int.from_bytes(tail[at + 2 : at + 4], "big"), tail[at + 4 :].decode()
