"""The load generator over WebSockets: the same jobs as `load`, one order a frame, with many in flight on a connection.

It speaks just enough of the protocol: whole frames only, and a mask of zeros, which costs the server as much as any.
"""

import asyncio
import gc
import itertools
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import urlsplit

import msgspec
import orjson
import uvloop

from tests.bench.flow import requests_of
from tests.bench.load import DRAIN_TIMEOUT_S, HTTP_OK, Job, Load, Slice, measured

Heard = Callable[[bytes], None]


def upgrade(netloc: str, path: str) -> bytes:
    """The request that opens a WebSocket. Its key is no secret, and nobody here checks the answer to it."""
    return (
        f"GET {path or '/'} HTTP/1.1\r\nHost: {netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def masked(payload: bytes) -> bytes:
    """A whole text frame of a client."""
    length = len(payload)
    head = bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Frames(asyncio.Protocol):
    """A WebSocket that calls `heard` with every text; `opened` is set when it may speak."""

    def __init__(self, request: bytes, heard: Heard, lost: Callable[[], None] = lambda: None) -> None:
        self.opened = asyncio.Event()
        self._request = request
        self._heard = heard
        self._lost = lost
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A transport of uvloop is none of asyncio's classes, though it has all their methods.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
        at = 0
        if not self.opened.is_set():
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._partial = data
                return
            assert data.startswith(b"HTTP/1.1 101"), data[:100]
            self.opened.set()
        size = len(data)
        while size - at >= 2:
            length, begin = data[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                (length,), begin = struct.unpack_from(">H", data, at + 2), at + 4
            elif length == 127:
                if size - at < 10:
                    break
                (length,), begin = struct.unpack_from(">Q", data, at + 2), at + 10
            if size < begin + length:
                break
            if data[at] == 0x81:
                self._heard(data[begin : begin + length])
            at = begin + length
        self._partial = data[at:]

    def connection_lost(self, error: Exception | None) -> None:
        self._lost()


async def connect(url: str, heard: Heard, lost: Callable[[], None] = lambda: None) -> Frames:
    """An open WebSocket."""
    address = urlsplit(url)
    host, port = address.hostname, address.port
    assert host is not None
    assert port is not None
    request = upgrade(address.netloc, address.path)
    loop = asyncio.get_running_loop()
    _, frames = await loop.create_connection(lambda: Frames(request, heard, lost), host, port)
    await frames.opened.wait()
    return frames


class Conversation:
    """One socket of a job: keeps `in_flight` orders on their way, and each is answered once."""

    def __init__(self, load: Load[bytes], in_flight: int) -> None:
        self.load = load
        self.in_flight = in_flight
        self.sent_ns: deque[int] = deque()

    async def open(self, url: str) -> None:
        self.frames = await connect(url, self.heard, self.lost)

    def begin(self) -> None:
        for _ in range(self.in_flight):
            self.send_next()

    def send_next(self) -> None:
        request = self.load.next_request()
        if request is not None:
            self.sent_ns.append(time.perf_counter_ns())
            self.frames.transport.write(request)
        elif not self.sent_ns:
            self.load.connection_ended()

    def heard(self, body: bytes) -> None:
        self.load.take(HTTP_OK, body, self.sent_ns.popleft())
        self.send_next()

    def lost(self) -> None:
        if self.sent_ns:
            self.load.errors["DISCONNECTED"] += 1
            self.load.connection_ended()


def frame_of(body: bytes) -> bytes:
    """The frame of an order as it would go over HTTP."""
    return masked(b'{"message_type":"ORDER",' + body[1:])


def unwrapped(body: bytes) -> bytes:
    """What `load.tally` reads: the order of a RESULT, or the error; nothing of what was echoed."""
    reply = orjson.loads(body)
    if reply["message_type"] == "ORDER":
        return b"{}"
    return orjson.dumps(reply["data"] if reply["message_type"] == "RESULT" else reply)


async def run(job: Job) -> Slice:
    """Open the sockets, run the job, and wait for what is still in flight when its time is over."""
    assert job.duration_s is not None
    requests: Iterator[bytes] = itertools.cycle([frame_of(body) for _, body in requests_of(job.kind, job.seed)])
    load = Load(requests, job.connections)
    conversations = [Conversation(load, job.in_flight) for _ in range(job.connections)]
    for conversation in conversations:
        await conversation.open(job.url)
    gc.collect()
    gc.disable()
    started_ns, started_cpu_s = time.perf_counter_ns(), time.process_time()
    load.start(job)
    for conversation in conversations:
        conversation.begin()
    try:
        async with asyncio.timeout(job.warmup_s + job.duration_s + DRAIN_TIMEOUT_S):
            await load.finished.wait()
    except TimeoutError:
        load.errors["NO_REPLY"] += load.running
    wall_s, cpu_s = (time.perf_counter_ns() - started_ns) / 1e9, time.process_time() - started_cpu_s
    for conversation in conversations:
        conversation.frames.transport.close()
    load.bodies = [unwrapped(body) for body in load.bodies]
    return measured(job, load, wall_s, cpu_s)


def main() -> None:
    """Run the job on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
