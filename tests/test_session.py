"""When a socket is read: the messages of one client must not keep others from their turn."""

import asyncio
from types import SimpleNamespace
from typing import Any

from exchange.api.http.request import Request
from exchange.api.native.errors import ApiError, Refusals
from exchange.api.native.session import IN_FLIGHT_MAX, Session
from exchange.service.principal import DevAuthenticator


class Lane:
    """A lane of reads that counts who has waited for a turn in it."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    async def turn(self, lane: str) -> None:
        """Now."""
        self.turns.append(lane)


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
