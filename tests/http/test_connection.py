"""What a connection does at the edges: what it refuses, what it waits for, and when it ends."""

import asyncio
import gzip
import zlib
from typing import Any

import orjson
import pytest

from tests.http.stage import BIG, Shop, Wire, connected, replies, settle, site_of

HOST = b"Host: localhost\r\n"
GET = b"GET /count HTTP/1.1\r\n" + HOST + b"\r\n"
ORDER = b"POST /order HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}"


def post(*headers: bytes, body: bytes = b"{}") -> bytes:
    return b"POST /order HTTP/1.1\r\n" + HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


REFUSED = {
    "an absolute target": (b"GET http://localhost/count HTTP/1.1\r\n" + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "a star": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "a fragment": (b"GET /count#x HTTP/1.1\r\n" + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "a tunnel": (b"CONNECT localhost:1 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "INVALID_FIELD"),
    "an unknown method": (b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "HTTP 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "INVALID_FIELD"),
    "HTTP 0.9": (b"GET /count HTTP/0.9\r\n" + HOST + b"\r\n", 505, "HTTP_VERSION_NOT_SUPPORTED"),
    "two hosts": (b"GET /count HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "INVALID_FIELD"),
    "two origins": (post(b"Origin: http://localhost", b"Origin: null", b"Content-Length: 2"), 400, "INVALID_FIELD"),
    "two users": (post(b"X-User-Id: a", b"X-User-Id: b", b"Content-Length: 2"), 400, "INVALID_FIELD"),
    "another host": (b"GET /count HTTP/1.1\r\nHost: evil\r\n\r\n", 421, "WRONG_HOST"),
    "no host": (b"GET /count HTTP/1.1\r\n\r\n", 421, "WRONG_HOST"),
    "another origin": (post(b"Origin: http://evil", b"Content-Length: 2"), 403, "FORBIDDEN"),
    "two lengths": (post(b"Content-Length: 2", b"Content-Length: 3"), 400, "INVALID_FIELD"),
    "a negative length": (post(b"Content-Length: -2"), 400, "INVALID_FIELD"),
    "a signed length": (post(b"Content-Length: +2"), 400, "INVALID_FIELD"),
    "a huge length": (post(b"Content-Length: 9999999999999999999999"), 400, "INVALID_FIELD"),
    "a large length": (post(b"Content-Length: 99999999999"), 413, "TOO_LARGE"),
    "a length and chunks": (post(b"Content-Length: 2", b"Transfer-Encoding: chunked"), 400, "INVALID_FIELD"),
    "another coding": (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400, "INVALID_FIELD"),
    "chunks in 1.0": (
        b"POST /order HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "INVALID_FIELD",
    ),
    "a bad chunk": (post(b"Transfer-Encoding: chunked", body=b"zz\r\n"), 400, "MALFORMED_JSON"),
    "a chunk without its end": (post(b"Transfer-Encoding: chunked", body=b"1\r\nab\r\n"), 400, "MALFORMED_JSON"),
    "too large a chunk": (post(b"Transfer-Encoding: chunked", body=b"fffffff\r\n"), 413, "TOO_LARGE"),
    "too many chunks": (post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n" * 9000), 413, "TOO_LARGE"),
    "a long chunk line": (post(b"Transfer-Encoding: chunked", body=b"1;" + b"a" * 2000), 413, "TOO_LARGE"),
    "a long head": (b"GET /count?" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 413, "TOO_LARGE"),
    "an endless head": (b"GET /" + b"a" * 20_000, 413, "TOO_LARGE"),
    "many headers": (b"GET /count HTTP/1.1\r\n" + HOST + b"A: 1\r\n" * 101 + b"\r\n", 413, "TOO_LARGE"),
    "a folded header": (b"GET /count HTTP/1.1\r\n" + HOST + b"A: 1\r\n b\r\n\r\n", 400, "INVALID_FIELD"),
    "a bare line feed": (b"GET /count HTTP/1.1\nHost: localhost\r\n\r\n", 400, "INVALID_FIELD"),
    "blank lines without end": (b"\r\n" * 9 + GET, 400, "INVALID_FIELD"),
    "no gzip": (post(b"Content-Encoding: gzip", b"Content-Length: 2"), 400, "MALFORMED_JSON"),
    "half a gzip": (post(b"Content-Encoding: gzip", b"Content-Length: 9", body=gzip.compress(b"{}")[:9]), 400, None),
    "an unknown content coding": (post(b"Content-Encoding: br", b"Content-Length: 2"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a bomb": (
        post(b"Content-Encoding: deflate", b"Content-Length: 2053", body=zlib.compress(bytes(2 << 20), 9)[:2053]),
        413,
        "TOO_LARGE",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_in_the_one_error_shape_and_places_nothing(name: str) -> None:
    sent, status, code = REFUSED[name]
    shop = Shop()
    wire = connected(site_of(shop))
    wire.protocol.data_received(sent)
    await settle()
    [(found, headers, body)] = replies(wire.out)
    assert (found, headers["content-type"]) == (status, "application/json")
    error = orjson.loads(body)
    assert error.keys() == {"code", "message"}
    assert code is None or error["code"] == code
    assert shop.orders == 0


async def ask(sent: bytes, **server: Any) -> tuple[Wire, Shop]:
    shop = Shop()
    wire = connected(site_of(shop, **server))
    wire.protocol.data_received(sent)
    await settle()
    return wire, shop


async def test_a_head_after_blank_lines_is_no_head_for_another_client() -> None:
    shop = Shop()
    site = site_of(shop)
    first = connected(site)
    first.protocol.data_received(b"\r\n\r\n" + ORDER)
    second = connected(site)
    second.protocol.data_received(b"\r\n\r\n{}")
    await settle()
    assert [status for status, _, _ in replies(first.out)] == [200]
    assert shop.orders == 1
    assert not second.out


async def test_a_method_not_allowed_says_which_are() -> None:
    wire, _ = await ask(b"PUT /order HTTP/1.1\r\n" + HOST + b"\r\n")
    [(status, headers, _)] = replies(wire.out)
    assert (status, headers["allow"]) == (405, "POST, DELETE")
    wire, _ = await ask(b"PUT /count HTTP/1.1\r\n" + HOST + b"\r\n")
    assert replies(wire.out)[0][1]["allow"] == "GET, HEAD"


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    wire, _ = await ask(b"HEAD /big HTTP/1.1\r\n" + HOST + b"\r\n")
    assert wire.out.endswith(b"\r\n\r\n")
    assert f"Content-Length: {len(BIG)}\r\n".encode() in wire.out


async def test_connections_are_kept_or_closed_as_asked() -> None:
    for request, kept in (
        (GET, True),
        (GET.replace(HOST, HOST + b"Connection: close\r\n"), False),
        (GET.replace(b"1.1", b"1.0"), False),
        (GET.replace(b"1.1", b"1.0").replace(HOST, HOST + b"Connection: keep-alive\r\n"), True),
    ):
        wire, _ = await ask(request)
        assert wire.closing is not kept
        assert (b"Connection: close" in wire.out) is not kept
    wire, shop = await ask(GET.replace(HOST, HOST + b"Connection: close\r\n") + ORDER)
    assert (len(replies(wire.out)), shop.orders) == (1, 0)


async def test_a_client_that_waits_for_100_continue_gets_it_in_its_place() -> None:
    head = post(b"Expect: 100-continue", b"Content-Length: 2", body=b"")
    wire, _ = await ask(ORDER + head)
    assert wire.out.index(b"HTTP/1.1 200") < wire.out.index(b"HTTP/1.1 100")
    wire.protocol.data_received(b"{}")
    await settle()
    assert [status for status, _, _ in replies(wire.out)] == [200, 200]
    wire, _ = await ask(post(b"Expect: 100-continue", b"Content-Length: 2"))
    assert b"HTTP/1.1 100" not in wire.out  # the body is there


async def test_a_client_that_stops_sending_gets_its_replies() -> None:
    shop = Shop()
    shop.frozen = True
    wire = connected(site_of(shop))
    wire.protocol.data_received(ORDER + ORDER)
    assert wire.protocol.eof_received()
    await settle()
    assert not wire.closing
    shop.thaw()
    await settle()
    assert [status for status, _, _ in replies(wire.out)] == [200, 200]
    assert wire.closing


async def test_an_idle_client_that_stops_sending_ends_its_connection() -> None:
    wire, _ = await ask(GET)
    assert not wire.protocol.eof_received()


async def test_no_more_than_32_requests_are_under_way_and_what_is_ahead_is_bounded() -> None:
    shop = Shop()
    shop.frozen = True
    wire = connected(site_of(shop))
    for _ in range(100):
        wire.protocol.data_received(ORDER)
    assert shop.orders == 32
    assert wire.reading
    wire.protocol.data_received(ORDER * 3000)
    assert not wire.reading
    shop.frozen = False
    while len(replies(wire.out)) < 3100:
        shop.thaw()
        await settle()
    assert wire.reading
    assert shop.orders == 3100


async def test_a_client_that_does_not_read_is_not_read() -> None:
    wire, shop = await ask(GET)
    wire.protocol.pause_writing()
    wire.protocol.data_received(ORDER)
    await settle()
    assert (shop.orders, wire.reading) == (0, False)
    wire.protocol.resume_writing()
    await settle()
    assert (shop.orders, wire.reading) == (1, True)


@pytest.mark.parametrize(
    ("sent", "deadline", "status"),
    [
        (b"", "idle", None),
        (b"GET /co", "head", 408),
        (b"\r\n", "idle", None),
        (post(b"Content-Length: 20"), "body", 408),
        (post(b"Transfer-Encoding: chunked", body=b"5\r\na"), "body", 408),
    ],
)
async def test_what_does_not_come_in_time_ends_the_connection(sent: bytes, deadline: str, status: int | None) -> None:
    times = {"idle": 75.0, "head": 10.0, "body": 30.0}
    site = site_of(Shop())
    wire = connected(site)
    if sent:
        wire.protocol.data_received(sent)
    for byte in sent[:1] if deadline == "head" else b"":
        wire.protocol.data_received(bytes((byte,)))  # a trickle does not put it off
    wire.protocol.sweep(site.now + times[deadline] - 0.1)
    assert not wire.out
    wire.protocol.sweep(site.now + times[deadline] + 0.1)
    await settle()
    assert site.counts.timeouts == {deadline: 1}
    assert [reply[0] for reply in replies(wire.out)] == ([] if status is None else [status])
    assert wire.closing or wire.ended_sending


async def test_an_order_that_waits_for_its_commit_has_no_deadline_here() -> None:
    shop = Shop()
    shop.frozen = True
    site = site_of(shop)
    wire = connected(site)
    wire.protocol.data_received(ORDER)
    wire.protocol.sweep(site.now + 1000)
    assert not wire.closing


async def test_a_client_that_reads_nothing_of_what_it_is_owed_is_cut_off() -> None:
    site = site_of(Shop())
    wire = connected(site)
    wire.unsent = 1000
    wire.protocol.sweep(1.0)
    wire.unsent = 900
    wire.protocol.sweep(20.0)
    wire.protocol.sweep(49.0)
    assert not wire.aborted
    wire.protocol.sweep(51.0)
    assert wire.aborted
    assert site.counts.timeouts["write"] == 1


async def test_a_refused_client_may_finish_sending_and_is_then_cut_off() -> None:
    site = site_of(Shop())
    wire = connected(site)
    wire.protocol.data_received(post(b"Content-Length: 99999999", body=b"x" * 100))
    assert wire.ended_sending
    wire.protocol.data_received(b"x" * 100_000)
    assert not wire.closing
    wire.protocol.sweep(site.now + 3)
    await settle()
    assert wire.aborted
    assert not site.connections


async def test_more_connections_than_there_may_be_are_told_so() -> None:
    site = site_of(Shop())
    site.connections_max = 2
    kept = [connected(site) for _ in range(2)]
    over = connected(site)
    [(status, headers, body)] = replies(over.out)
    assert (status, orjson.loads(body)["code"], "retry-after" in headers) == (503, "OVERLOADED", True)
    assert site.counts.refused_connections == 1
    assert not any(wire.closing for wire in kept)


async def test_the_clients_that_are_owed_most_are_cut_off_first() -> None:
    site = site_of(Shop(), owed_bytes_max=10_000, ping_s=0.02)
    wires = [connected(site) for _ in range(5)]
    for unsent, wire in zip((1000, 6000, 2000, 5000, 0), wires, strict=True):
        wire.unsent = unsent
    task = asyncio.create_task(site.run())
    await settle()
    task.cancel()
    assert [wire.aborted for wire in wires] == [False, True, False, False, False]
    assert site.counts.slow_closed == 1


async def test_the_end_answers_what_was_promised_and_nothing_else() -> None:
    shop = Shop()
    shop.frozen = True
    site = site_of(shop)
    idle, sending, ordering = connected(site), connected(site), connected(site)
    sending.protocol.data_received(ORDER[:-1])
    ordering.protocol.data_received(ORDER + ORDER)
    site.finish()
    await settle()
    assert (idle.closing, sending.closing, ordering.closing) == (True, True, False)
    shop.thaw()
    await settle()
    assert [status for status, _, _ in replies(ordering.out)] == [200, 200]
    assert ordering.closing
    await site.closed(0.1)


async def test_every_request_is_counted_by_the_path_it_takes() -> None:
    site = site_of(Shop())
    wire = connected(site)
    for number in range(10):  # equal ones, others with a header that changes, others in two parts
        wire.protocol.data_received(ORDER)
        await settle()
        wire.protocol.data_received(post(b"X-Signature: %d" % number, b"Content-Length: 2"))
        await settle()
        wire.protocol.data_received(ORDER[:-2])
        wire.protocol.data_received(ORDER[-2:])
        await settle()
    assert site.counts.requests == {"protocol": 30}


async def test_a_connection_that_is_lost_with_an_order_under_way_is_forgotten() -> None:
    shop = Shop()
    shop.frozen = True
    site = site_of(shop)
    wire = connected(site)
    wire.protocol.data_received(ORDER)
    wire.abort()
    await settle()
    shop.thaw()
    assert not site.connections
    assert not wire.out
