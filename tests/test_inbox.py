"""A socket's messages reach its session in order, at once or from the queue."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketReader

from exchange.api.http.ws import INBOX_BYTES, MESSAGE_MAX, Inbox
from tests.whole.wire import masked

PING = b"\x89\x80" + bytes(4)


class Protocol:
    """A connection that may be told to read on or not."""

    def __init__(self) -> None:
        self._reading_paused = False

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False


class Conversation:
    """An inbox with aiohttp's reader before it, and a session that notes what it gets."""

    def __init__(self) -> None:
        protocol: Any = Protocol()
        self.inbox = Inbox(protocol, INBOX_BYTES, loop=asyncio.get_running_loop())
        self.reader = WebSocketReader(self.inbox, MESSAGE_MAX, compress=False, decode_text=True)
        self.heard: list[str] = []
        session: Any = SimpleNamespace(full=False, overloaded=False, handle=self._handle)
        self.session = session
        self.inbox.attend(session)

    def _handle(self, text: str) -> None:
        self.heard.append(text.strip())
        if text.startswith("fail"):
            raise ZeroDivisionError

    def say(self, *texts: str, first: bytes = b"") -> None:
        """All in one breath."""
        self.reader.feed_data(first + b"".join(masked(text.encode()) for text in texts))

    async def take(self) -> None:
        """What the socket's task does with the next message that waits."""
        message = await self.inbox.read()
        if message.type is WSMsgType.TEXT:
            self.session.handle(message.data)
            self.inbox.attend(self.session)


async def test_what_is_said_is_heard_at_once() -> None:
    talk = Conversation()
    talk.say("1", "2")
    assert talk.heard == ["1", "2"]


async def test_nothing_overtakes_what_waits() -> None:
    talk = Conversation()
    talk.session.full = True
    talk.say("1", "2")
    talk.session.full = False
    talk.say("3")
    assert talk.heard == []
    for _ in range(3):
        await talk.take()
    talk.say("4")
    assert talk.heard == ["1", "2", "3", "4"]


@pytest.mark.parametrize("first", [b"", PING])
@pytest.mark.parametrize("length", [10, 2 * INBOX_BYTES + 1, 5 * INBOX_BYTES])
async def test_nothing_overtakes_a_message_that_fills_the_line(first: bytes, length: int) -> None:
    """aiohttp's reader goes on with what is behind it while it is taken out of the line."""
    talk = Conversation()
    talk.say("1" + " " * length, "2", "3", first=first)
    async with asyncio.timeout(5):
        while len(talk.heard) < 3:
            await talk.take()
    assert talk.heard == ["1", "2", "3"]


async def test_after_a_failure_nothing_more_is_taken() -> None:
    talk = Conversation()
    talk.say("1", "fail", "2")
    assert talk.heard == ["1", "fail"]
    assert isinstance(talk.inbox.failure, ZeroDivisionError)
    await talk.inbox.read()  # what was said before it failed waits, and then it ends
    with pytest.raises(ZeroDivisionError):
        await talk.inbox.read()
