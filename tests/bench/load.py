"""The load generator, a process of its own: a `Job` comes in on standard input, a `Slice` goes out on standard output.

It must cost far less than any server that it measures, so it speaks just enough HTTP/1.1: requests are encoded before
the clock starts, a reply is cut by its Content-Length, and bodies are kept and read only when the clock has stopped.
Each connection has one request in flight; connections share one list of requests, so the flow keeps its order.
"""

import asyncio
import gc
import itertools
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

import msgspec
import orjson
import uvloop

from tests.bench.flow import requests_of
from tests.bench.stats import percentile

# Longer than the exchange's own reply_timeout_s, so that its OUTCOME_UNKNOWN is heard rather than cut off.
DRAIN_TIMEOUT_S = 10.0
HTTP_OK = 200
PACE_S = 0.002
PACE_MAX_S = 0.1


class Job(msgspec.Struct, frozen=True):
    """One run of the generator. With `duration_s` requests go round until it is over, without it each is sent once."""

    url: str
    kind: str
    connections: int
    seed: int = 0
    warmup_s: float = 0.0
    duration_s: float | None = None
    in_flight: int = 1  # of each connection; more than one only over a WebSocket
    rate: float | None = None  # requests a second, at most; without it as fast as it goes


class Slice(msgspec.Struct, frozen=True):
    """What one job measured. `replies`, `seconds` and latencies leave out the warm-up; the rest is of every reply."""

    replies: int
    seconds: float
    p50_ns: int
    p99_ns: int
    answered: int
    reply_bytes_mean: float
    cpu_us_a_request: float
    cpu_share: float
    statuses: dict[str, int]
    fills: int
    errors: dict[str, int]

    @property
    def replies_a_second(self) -> float:
        return self.replies / self.seconds


class Connection(asyncio.Protocol):
    """A keep-alive connection that sends the next request when it has read the last reply."""

    __slots__ = ("load", "partial", "sent_ns", "transport")

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.partial = b""
        self.sent_ns = 0  # 0: nothing is in flight

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A transport of uvloop is none of asyncio's classes, though it has all their methods.
        self.transport = cast(asyncio.Transport, transport)

    def send_next(self) -> None:
        if self.load.must_wait(self):
            return
        request = self.load.next_request()
        if request is None:
            self.end()
            return
        self.sent_ns = time.perf_counter_ns()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.partial:
            data = self.partial + data
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            self.partial = data
            return
        body_start = head_end + 4
        head = data[:head_end].lower()
        field = head.find(b"\r\ncontent-length:")
        if field < 0:
            self.break_off("UNREADABLE_REPLY")
            return
        line_end = head.find(b"\r\n", field + 2)
        length = int(head[field + 17 : line_end if line_end > 0 else head_end])
        if len(data) < body_start + length:
            self.partial = data
            return
        self.partial = b""
        self.load.take(int(head[9:12]), data[body_start:], self.sent_ns)
        self.sent_ns = 0
        self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.sent_ns:
            self.break_off("DISCONNECTED")

    def break_off(self, code: str) -> None:
        self.load.errors[code] += 1
        self.end()

    def end(self) -> None:
        self.sent_ns = 0
        self.transport.close()
        self.load.connection_ended()


class Load:
    """What the connections of a job share: the requests, the clock, and what came back."""

    def __init__(self, requests: Iterator[bytes], connections: int) -> None:
        self.requests = requests
        self.running = connections
        self.finished = asyncio.Event()
        self.warm_ns = 0
        self.stop_ns = 0
        self.last_ns = 0
        self.latencies_ns: list[int] = []
        self.bodies: list[bytes] = []
        self.refusals: list[tuple[int, bytes]] = []
        self.errors: Counter[str] = Counter()
        self.allowed = math.inf  # requests that the rate still lets go
        self.waiting: deque[Connection] = deque()

    def must_wait(self, connection: "Connection") -> bool:
        """Whether the rate makes this connection wait; it is called when its turn has come."""
        if self.allowed < 1 and self.last_ns < self.stop_ns:
            self.waiting.append(connection)
            return True
        self.allowed -= 1
        return False

    async def pace(self, rate: float) -> None:
        """Let so many requests go each second, evenly, until all connections have ended."""
        self.allowed = 0.0
        before = time.perf_counter()
        while not self.finished.is_set():
            await asyncio.sleep(PACE_S)
            now = time.perf_counter()
            # What could not be sent while the server was slow is not sent in a rush afterwards.
            self.allowed, before = min(self.allowed + rate * (now - before), rate * PACE_MAX_S), now
            if time.perf_counter_ns() >= self.stop_ns:
                self.last_ns, self.allowed = self.stop_ns, math.inf
            while self.waiting and self.allowed >= 1:
                self.waiting.popleft().send_next()

    def start(self, job: Job) -> None:
        now_ns = time.perf_counter_ns()
        self.warm_ns = now_ns + int(job.warmup_s * 1e9)
        # A job that sends everything once ends by itself; its clock is never over.
        self.stop_ns = sys.maxsize if job.duration_s is None else self.warm_ns + int(job.duration_s * 1e9)

    def next_request(self) -> bytes | None:
        return next(self.requests, None) if self.last_ns < self.stop_ns else None

    def take(self, status: int, body: bytes, sent_ns: int) -> None:
        self.last_ns = now_ns = time.perf_counter_ns()
        # A reply belongs to the slice in which it arrives, so the first ones may be of requests of the warm-up.
        if self.warm_ns <= now_ns < self.stop_ns:
            self.latencies_ns.append(now_ns - sent_ns)
        if status == HTTP_OK:
            self.bodies.append(body)
        else:
            self.refusals.append((status, body))

    def connection_ended(self) -> None:
        self.running -= 1
        if not self.running:
            self.finished.set()


def _http(host: str, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _code(status: int, body: bytes) -> str:
    try:
        return f"{status} {orjson.loads(body)['code']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"{status} without a code"


def tally(bodies: list[bytes]) -> tuple[Counter[str], int, Counter[str]]:
    """Order statuses, fills and error codes in replies of status 200; an order of a batch may fail by itself."""
    statuses: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    fills = 0
    for body in bodies:
        reply = orjson.loads(body)
        for result in reply.get("results", [reply]):
            if "code" in result:
                errors[f"200 with {result['code']}"] += 1
            elif "status" in result:
                statuses[result["status"]] += 1
                fills += len(result.get("fills", ()))
    return statuses, fills, errors


async def run(job: Job) -> Slice:
    """Open the connections, run the job, and wait for the replies still in flight when its time is over."""
    address = urlsplit(job.url)
    host, port = address.hostname, address.port
    assert host is not None
    assert port is not None
    encoded = [_http(address.netloc, path, body) for path, body in requests_of(job.kind, job.seed)]
    load = Load(iter(encoded) if job.duration_s is None else itertools.cycle(encoded), job.connections)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: Connection(load), host, port))[1] for _ in range(job.connections)
    ]
    # Nothing here makes cycles, and a collection in mid-slice would be charged to the server.
    gc.collect()
    gc.disable()
    started_ns, started_cpu_s = time.perf_counter_ns(), time.process_time()
    load.start(job)
    pace = asyncio.create_task(load.pace(job.rate)) if job.rate is not None else None
    for connection in connections:
        connection.send_next()
    allowed_s = None if job.duration_s is None else job.warmup_s + job.duration_s + DRAIN_TIMEOUT_S
    try:
        async with asyncio.timeout(allowed_s):
            await load.finished.wait()
    except TimeoutError:
        load.errors["NO_REPLY"] += load.running
    wall_s, cpu_s = (time.perf_counter_ns() - started_ns) / 1e9, time.process_time() - started_cpu_s
    if pace is not None:
        pace.cancel()
    return measured(job, load, wall_s, cpu_s)


def measured(job: Job, load: Load, wall_s: float, cpu_s: float) -> Slice:
    """The books on a job that is over."""
    statuses, fills, errors = tally(load.bodies)
    errors.update(_code(status, body) for status, body in load.refusals)
    errors.update(load.errors)
    ordered = sorted(load.latencies_ns)
    answered = len(load.bodies) + len(load.refusals)
    return Slice(
        replies=len(ordered),
        seconds=wall_s if job.duration_s is None else job.duration_s,
        p50_ns=percentile(ordered, 50) if ordered else 0,
        p99_ns=percentile(ordered, 99) if ordered else 0,
        answered=answered,
        reply_bytes_mean=sum(map(len, load.bodies)) / max(1, len(load.bodies)),
        cpu_us_a_request=cpu_s * 1e6 / max(1, answered),
        cpu_share=cpu_s / wall_s,
        statuses=dict(statuses),
        fills=fills,
        errors=dict(errors),
    )


def main() -> None:
    """Run the job on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
