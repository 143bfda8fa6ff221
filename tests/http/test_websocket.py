"""A WebSocket on the transport: the upgrade, messages to a session that may be busy, and every way it ends."""

import asyncio
from typing import Any

import orjson
import pytest

from exchange.api.http.frames import text_frame
from exchange.api.http.ws_frames import CLOSE, PING, PONG, TEXT, control_frame
from tests.http.stage import Echo, Shop, Wire, connected, replies, settle, site_of
from tests.http.test_ws_frames import frame

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def opened(more: bytes = b"", **server: Any) -> tuple[Wire, Echo, Any]:
    """An upgraded connection, with what follows the upgrade in the same packet."""
    sessions: list[Echo] = []
    site = site_of(Shop(), sessions, **server)
    wire = connected(site)
    wire.protocol.data_received(UPGRADE + b"\r\n" + more)
    await settle()
    assert wire.out.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in wire.out  # of RFC 6455
    wire.out = bytearray(wire.out.partition(b"\r\n\r\n")[2])
    return wire, sessions[0], site


async def test_the_first_message_may_come_with_the_upgrade() -> None:
    wire, session, site = await opened(frame(TEXT, b"one") + frame(TEXT, b"two"))
    assert session.heard == [b"one", b"two"]
    assert list(site.sessions) == [session]
    assert site.counts.requests == {"websocket": 1}
    assert not wire.out


async def test_an_upgrade_waits_for_the_requests_before_it() -> None:
    site = site_of(Shop())
    wire = connected(site)
    order = b"POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    wire.protocol.data_received(order + UPGRADE + b"\r\n" + frame(PING, b"x"))
    await settle()
    first, second = wire.out.index(b"HTTP/1.1 200"), wire.out.index(b"HTTP/1.1 101")
    assert first < second
    assert wire.out.endswith(control_frame(PONG, b"x"))


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8", 400),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZQ==", 400),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"###", 400),
        (b"Host: localhost", b"Host: evil", 421),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13\r\nOrigin: http://evil", 403),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13\r\nContent-Length: 2", 400),
        (b"GET /ws", b"GET /nowhere", 404),
        (b"GET /ws", b"POST /ws", 404),
    ],
)
async def test_a_bad_upgrade_is_refused(old: bytes, new: bytes, status: int) -> None:
    wire = connected(site_of(Shop()))
    body = b"{}" if b"Content-Length" in new else b""
    wire.protocol.data_received(UPGRADE.replace(old, new) + b"\r\n" + body)
    await settle()
    [(found, _, error)] = replies(wire.out)
    assert (found, orjson.loads(error).keys()) == (status, {"code", "message"})


async def test_nothing_overtakes_what_waits_for_a_session() -> None:
    wire, session, _ = await opened()
    wire.protocol.data_received(frame(TEXT, b"1"))
    session.full = True
    wire.protocol.data_received(frame(TEXT, b"2") + frame(TEXT, b"3") + frame(PING, b"p"))
    await settle()
    assert (session.heard, bytes(wire.out)) == ([b"1"], control_frame(PONG, b"p"))
    session.full = False
    wire.protocol.data_received(frame(TEXT, b"4"))
    session.free.set()
    await settle()
    assert session.heard == [b"1", b"2", b"3", b"4"]


async def test_a_client_of_a_busy_session_is_not_read_beyond_a_bound() -> None:
    wire, session, _ = await opened()
    session.full = True
    for _ in range(3):
        wire.protocol.data_received(frame(TEXT, b"x" * 30_000))
    await settle()
    assert not wire.reading
    session.full = False
    session.free.set()
    await settle()
    assert wire.reading
    assert len(session.heard) == 3


async def test_what_waits_is_dropped_with_its_connection() -> None:
    wire, session, site = await opened()
    session.full = True
    wire.protocol.data_received(frame(TEXT, b"never"))
    wire.abort()
    await settle()
    session.full = False
    session.free.set()
    await settle()
    assert (session.heard, session.ended, dict(site.sessions), dict(site.connections)) == ([], True, {}, {})


async def test_a_clients_close_is_answered_with_its_code() -> None:
    wire, session, _ = await opened()
    wire.protocol.data_received(frame(CLOSE, (3000).to_bytes(2, "big") + b"bye") + frame(TEXT, b"late"))
    await settle()
    assert bytes(wire.out) == control_frame(CLOSE, (3000).to_bytes(2, "big"))
    assert (wire.closing, session.ended, session.heard) == (True, True, [])


async def test_a_frame_without_a_mask_is_closed_with_1002() -> None:
    wire, session, _ = await opened()
    wire.protocol.data_received(frame(TEXT, b"a", masked=False))
    assert wire.out[2:4] == (1002).to_bytes(2, "big")
    await settle()
    assert session.heard == []


async def test_who_sends_what_is_no_frame_is_heard_out_for_a_while_so_that_it_sees_why_it_is_closed() -> None:
    wire, session, site = await opened(ping_s=20.0)
    began = site.now
    wire.protocol.data_received(frame(TEXT, b"a", masked=False))
    for _ in range(19):
        site.now += 0.1
        wire.protocol.data_received(frame(TEXT, b"more"))
        wire.protocol.sweep(site.now + 0.05)
        assert not wire.aborted
    wire.protocol.sweep(began + 2.1)
    await settle()
    assert (wire.aborted, session.heard) == (True, [])


async def test_a_bug_in_a_session_closes_its_socket_alone() -> None:
    wire, _, _ = await opened()
    wire.protocol.data_received(frame(TEXT, b"boom"))
    assert wire.out[2:4] == (1011).to_bytes(2, "big")


async def test_a_silent_client_is_pinged_and_then_cut_off() -> None:
    wire, _, site = await opened(ping_s=20.0)
    wire.protocol.sweep(site.now + 19)
    assert not wire.out
    wire.protocol.sweep(site.now + 21)
    assert bytes(wire.out) == control_frame(PING)
    site.now += 22
    wire.protocol.data_received(frame(PONG))
    wire.protocol.sweep(site.now + 1)
    assert not wire.aborted
    wire.protocol.sweep(site.now + 21)
    wire.protocol.sweep(site.now + 32)
    assert wire.aborted
    assert site.counts.timeouts["ping"] == 1


async def test_nothing_follows_a_close() -> None:
    wire, session, site = await opened()
    session.peer.write([text_frame(b"a"), text_frame(b"b")])
    session.peer.close(1013, "fell too far behind")
    session.peer.write([text_frame(b"c")])
    session.peer.close(1001, "again")
    assert bytes(wire.out) == text_frame(b"a") + text_frame(b"b") + control_frame(
        CLOSE, (1013).to_bytes(2, "big") + b"fell too far behind"
    )
    wire.protocol.sweep(site.now + 21)
    assert wire.aborted


async def test_the_end_of_the_exchange_closes_with_1001_and_waits_a_while() -> None:
    wire, session, site = await opened()
    ending = asyncio.create_task(site.say_goodbye())
    await settle()
    assert wire.out[2:4] == (1001).to_bytes(2, "big")
    wire.protocol.data_received(frame(CLOSE, (1001).to_bytes(2, "big")))
    await ending
    assert session.ended
