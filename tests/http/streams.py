"""Streams of pipelined requests, cut anywhere: each reply must be the right one, whole and in its place.

`fuzz` is run by a test in ordinary size, and in full by `make prove`.
"""

import asyncio
import gzip
import random
import re
from dataclasses import dataclass

import orjson

from tests.http.stage import Shop, connected, replies, settle, site_of

HOST = "Host: localhost\r\n"


@dataclass
class Asked:
    """One request of a stream, and what its reply must be. `ends`: nothing behind it is answered."""

    sent: bytes
    status: int
    head_only: bool = False
    order: bytes | None = None  # the body of an order that takes effect
    ends: bool = False


def asked(chance: random.Random, number: int) -> Asked:
    """A request of some kind, under its own id."""
    own = f"{HOST}X-Request-Id: r-{number}\r\n"
    body = orjson.dumps({"n": number, "pad": "y" * chance.choice((0, 3, 200))})
    blank = b"\r\n" * chance.choice((0, 0, 0, 1, 2))
    match chance.randrange(12):
        case 0 | 1 | 2:
            return Asked(blank + _post(own, body), 200, order=body)
        case 3:
            return Asked(_chunked(own, body, chance), 200, order=body)
        case 4:
            packed = gzip.compress(body)
            return Asked(_post(own + "Content-Encoding: gzip\r\n", packed), 200, order=body)
        case 5:
            return Asked(_post(own + "Expect: 100-continue\r\n", body), 200, order=body)
        case 6:
            return Asked(blank + f"GET /count?n={number} HTTP/1.1\r\n{own}\r\n".encode(), 200)
        case 7:
            return Asked(f"HEAD /count HTTP/1.1\r\n{own}\r\n".encode(), 200, head_only=True)
        case 8:
            return Asked(f"GET /nowhere HTTP/1.1\r\n{own}\r\n".encode(), 404)
        case 9:
            upgrade = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
            return Asked(f"PUT /order HTTP/1.1\r\n{own}{upgrade}\r\n".encode(), 405)
        case 10:
            return Asked(f"DELETE /order HTTP/1.1\r\n{own}Content-Length: 2\r\n\r\n{{}}".encode(), 200)
    return Asked(f"GET /page HTTP/1.1\r\n{own}\r\n".encode(), 200)


def _post(own: str, body: bytes) -> bytes:
    return f"POST /order HTTP/1.1\r\n{own}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _chunked(own: str, body: bytes, chance: random.Random) -> bytes:
    head = f"POST /order HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\n".encode()
    at, chunks = 0, b""
    while at < len(body):
        piece = body[at : at + chance.randint(1, 60)]
        chunks += f"{len(piece):x}{chance.choice(('', ';a=b'))}\r\n".encode() + piece + b"\r\n"
        at += len(piece)
    return head + chunks + b"0\r\n" + chance.choice((b"", b"Trailer: x\r\n")) + b"\r\n"


async def check(stream: list[Asked], cuts: list[int], *, frozen: bool) -> int:
    """Send the stream cut at these places; the number of replies, all of them right."""
    shop = Shop()
    shop.frozen = frozen
    wire = connected(site_of(shop))
    whole = b"".join(each.sent for each in stream)
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        if begin < end:
            wire.protocol.data_received(whole[begin:end])
            if len(cuts) < 50:
                await asyncio.sleep(0)
    if frozen:
        shop.frozen = False
        shop.thaw()
    while shop.waiting or shop.tasks or len(replies_so_far(wire.out)) < len(stream):
        before = bytes(wire.out), len(shop.waiting), len(shop.tasks)
        await settle()
        assert before != (bytes(wire.out), len(shop.waiting), len(shop.tasks)), "it stands still"
    heads = frozenset(place for place, each in enumerate(stream) if each.head_only)
    orders = 0
    for each, (status, headers, body) in zip(stream, replies(wire.out, heads), strict=True):
        assert status == each.status, (each.sent, status, body)
        assert f"X-Request-Id: {headers['x-request-id']}\r\n".encode() in each.sent
        if each.order is not None:
            orders += 1
            assert orjson.loads(body)["body"].encode("latin-1") == each.order
        elif each.sent.strip().startswith(b"DELETE"):
            orders -= 1
            assert orjson.loads(body)["left"] == orders
        elif each.sent.strip().startswith(b"GET /count"):
            assert orjson.loads(body)["count"] == orders, "a read overtook an order, or an order a read"
    return len(stream)


def replies_so_far(out: bytearray) -> list[int]:
    """The places of what looks like a final reply."""
    return [found.start() for found in re.finditer(rb"HTTP/1\.1 (?!100)", out)]


async def fuzz(seed: int, whole_cuts: int, random_streams: int) -> int:
    """Streams of three requests cut at every byte, and longer ones cut anywhere; the number of replies checked."""
    chance = random.Random(seed)
    checked = 0
    for number in range(whole_cuts):
        stream = [asked(chance, 3 * number + each) for each in range(3)]
        size = sum(len(each.sent) for each in stream)
        for cut in range(1, size):
            checked += await check(stream, [cut], frozen=cut % 3 == 0)
        checked += await check(stream, list(range(1, size)), frozen=False)
    for number in range(random_streams):
        stream = [asked(chance, number * 100 + each) for each in range(chance.randint(1, 45))]
        size = sum(len(each.sent) for each in stream)
        cuts = sorted(chance.sample(range(1, size), min(size - 1, chance.randint(0, 12))))
        checked += await check(stream, cuts, frozen=chance.random() < 0.3)
    return checked
