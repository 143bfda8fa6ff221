"""When a socket is read: the messages of one client must not keep others from their turn."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.api.http.request import Request
from exchange.api.native.errors import ApiError, Refusals
from exchange.api.native.session import CROWDED_S, IN_FLIGHT_MAX, Session
from exchange.core.public import Channel, Kind
from exchange.pipeline.outcomes import Overloaded
from exchange.runtime import compiled
from exchange.service.principal import DevAuthenticator

pytestmark = pytest.mark.skipif(
    compiled.in_use(), reason="a session that is compiled takes nothing but a whole service"
)


class Lane:
    """A lane of reads that counts who has waited for a turn in it."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.prices_s: list[float] = []

    async def turn(self, lane: str, price_s: float = 0.0) -> None:
        """Now."""
        self.turns.append(lane)
        self.prices_s.append(price_s)


def session(lane: Lane | None = None) -> Session:
    """One over nothing, whose answers go nowhere."""
    nowhere: Any = SimpleNamespace(
        service=SimpleNamespace(authenticator=DevAuthenticator(), lane=lane or Lane()),
        refusals=Refusals(),
        frames=None,
        send=lambda subscriber, frame: None,
    )
    peer: Any = None
    return Session(nowhere, peer, Request("GET", b"/ws", "/ws", "", {}, b"", b"", "127.0.0.1", "opened-1"))


async def test_after_an_overload_others_have_a_turn_first() -> None:
    lane = Lane()
    flooding, turns = session(lane), list[str]()
    flooding.fail(ApiError("OFF_TICK"), 1)
    assert not flooding.overloaded
    flooding.fail(ApiError("OVERLOADED"), 2)
    assert flooding.overloaded
    asyncio.get_running_loop().call_soon(turns.append, "somebody else")
    await flooding.room()
    assert turns == ["somebody else"]
    assert lane.turns == ["memory"]
    assert not flooding.overloaded


async def test_when_no_more_reads_may_wait_it_is_read_slowly() -> None:
    class Full(Lane):
        """A lane in which no more may wait."""

        async def turn(self, lane: str, price_s: float = 0.0) -> None:
            """Refuse at once."""
            raise Overloaded

    flooding, loop = session(Full()), asyncio.get_running_loop()
    flooding.fail(ApiError("OVERLOADED"), 1)
    began_s = loop.time()
    await flooding.room()
    assert loop.time() - began_s >= CROWDED_S * 0.9


async def test_with_too_much_in_flight_it_is_not_read_until_there_is_an_answer() -> None:
    busy = session()
    busy.count(IN_FLIGHT_MAX)
    assert busy.full
    reading = asyncio.create_task(busy.room())
    await asyncio.sleep(0)
    assert not reading.done()
    busy.count(-1)
    await reading
    assert not busy.full


async def test_while_it_is_held_it_is_not_read_on() -> None:
    busy, done = session(), asyncio.get_running_loop().create_future()
    busy._hold_until(done)
    busy.count(1)
    busy.count(-1)  # another is answered meanwhile
    reading = asyncio.create_task(busy.room())
    for _ in range(5):
        await asyncio.sleep(0)
    assert busy.full
    assert not reading.done()
    done.set_result(None)
    await reading
    assert not busy.full


async def test_what_a_subscription_begins_with_is_paid_for_as_a_read() -> None:
    lane, begun = Lane(), list[Channel]()
    listening = session(lane)
    listening._service.first_price_s = lambda channel: 0.5 if channel.kind == Kind.ORDERS else 0.25  # type: ignore

    async def begin(subscriber: object, channel: Channel, tag: object) -> "asyncio.Future[None]":
        assert lane.turns == ["memory"]
        begun.append(channel)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    channels = [Channel(Kind.ORDERS, "alice"), Channel(Kind.DEPTH, "A_B")]
    await listening._listen(begin, channels, 1, begins=True)
    assert begun == channels
    assert lane.prices_s == [0.75]
    await listening._listen(begin, channels, 2)
    assert lane.prices_s == [0.75]
