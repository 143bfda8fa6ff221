"""The load generator, a process of its own: a `Job` comes in on standard input, a `Slice` goes out on standard output.

It must cost far less than any server that it measures, so it speaks just enough HTTP/1.1: requests are encoded before
the clock starts, a reply is cut by its Content-Length, and bodies are kept and read only when the clock has stopped.
Each connection has one request in flight; connections share one list of requests, so the flow keeps its order.

Where there is a C compiler, `generator.c` sends the requests instead: 8 to 10 µs of CPU a
request, not 10 to 17. A job with a rate is always sent from here, and so is every job where nothing can compile.
"""

import asyncio
import gc
import itertools
import math
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
import orjson
import uvloop

from tests.bench import generator
from tests.bench.flow import requests_of
from tests.bench.stats import percentile

# Longer than the exchange's own reply_timeout_s, so that its OUTCOME_UNKNOWN is heard rather than cut off.
DRAIN_TIMEOUT_S = 10.0
HTTP_OK = 200
PACE_S = 0.002
PACE_MAX_S = 0.1
T = TypeVar("T")
Encoded = tuple[bytes, bytes]  # head and body
SIGNATURE_CHARACTERS = 64  # of a SHA-256 in hexadecimal digits


class Call(msgspec.Struct, frozen=True):
    """One request that a job names itself, instead of one of its kind."""

    method: str
    target: str
    body: str = ""
    headers: dict[str, str] = {}


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
    calls: tuple[Call, ...] = ()  # the requests, instead of those of `kind`
    signed: bool = False  # a header that differs from request to request
    split: bool = False  # the head of a request and its body in two writes
    keep: bool = True  # keep the bodies of status 200, to count what became of the orders
    interpreted: bool = False  # send from Python, even where there is a C compiler


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
    longest_ns: int = 0
    begun_ns: int = 0  # of the machine's monotonic clock: the end of the warm-up
    compiled: bool = False  # `generator.c` sent the requests

    @property
    def replies_a_second(self) -> float:
        return self.replies / self.seconds


class Connection(asyncio.Protocol):
    """A keep-alive connection that sends the next request when it has read the last reply."""

    __slots__ = ("load", "partial", "sent_ns", "transport")

    def __init__(self, load: "Load[Encoded]") -> None:
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
        head, body = request
        if self.load.split and body:
            # Another turn of the loop: uvloop joins what is written within one.
            self.transport.write(head)
            self.load.loop.call_soon(self.transport.write, body)
        else:
            self.transport.write(head + body)

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


class Load(Generic[T]):
    """What the connections of a job share: the requests, the clock, and what came back."""

    def __init__(self, requests: Iterator[T], connections: int, *, split: bool = False) -> None:
        self.requests = requests
        self.split = split
        self.loop = asyncio.get_running_loop()
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

    def next_request(self) -> T | None:
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


def _calls(job: Job) -> Iterator[Call]:
    if job.calls:
        yield from job.calls
    else:
        for path, body in requests_of(job.kind, job.seed):
            yield Call("POST", path, body.decode())


def encoded(job: Job, host: str) -> list[Encoded]:
    """The requests of a job in the order to send, each as its head and its body."""
    chance = random.Random(job.seed)
    result = []
    for call in _calls(job):
        body = call.body.encode()
        lines = [f"{call.method} {call.target} HTTP/1.1", f"Host: {host}"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in call.headers.items()]
        if job.signed:
            lines.append(f"X-Signature: {chance.getrandbits(4 * SIGNATURE_CHARACTERS):0{SIGNATURE_CHARACTERS}x}")
        result.append(("\r\n".join([*lines, "", ""]).encode(), body))
    return result


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
    requests = encoded(job, address.netloc)
    load = Load(
        iter(requests) if job.duration_s is None else itertools.cycle(requests), job.connections, split=job.split
    )
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


def run_compiled(job: Job, program: Path) -> Slice:
    """As `run`, by `generator.c`."""
    address = urlsplit(job.url)
    sent = generator.run(
        program,
        encoded(job, address.netloc),
        host=address.hostname or "",
        port=address.port or 80,
        connections=job.connections,
        warmup_s=job.warmup_s,
        duration_s=job.duration_s,
        keep=job.keep,
        split=job.split,
    )
    bodies = [body for status, body in sent.replies if status == HTTP_OK]
    refusals = [(status, body) for status, body in sent.replies if status != HTTP_OK]
    statuses, fills, errors = tally(bodies)
    errors.update(_code(status, body) for status, body in refusals)
    errors.update(sent.errors)
    return _slice(
        job,
        sorted(sent.latencies_ns),
        wall_s=sent.wall_s,
        cpu_s=sent.cpu_s,
        answered=sent.answered,
        reply_bytes=sent.reply_bytes,
        begun_ns=sent.begun_ns,
        compiled=True,
        statuses=statuses,
        fills=fills,
        errors=errors,
    )


def measured(job: Job, load: Load[Any], wall_s: float, cpu_s: float) -> Slice:
    """The books on a job that is over."""
    statuses, fills, errors = tally(load.bodies if job.keep else [])
    errors.update(_code(status, body) for status, body in load.refusals)
    errors.update(load.errors)
    return _slice(
        job,
        sorted(load.latencies_ns),
        wall_s=wall_s,
        cpu_s=cpu_s,
        answered=len(load.bodies) + len(load.refusals),
        reply_bytes=sum(map(len, load.bodies)) + sum(len(body) for _, body in load.refusals),
        begun_ns=load.warm_ns,
        compiled=False,
        statuses=statuses,
        fills=fills,
        errors=errors,
    )


def _slice(
    job: Job,
    ordered: list[int],
    *,
    wall_s: float,
    cpu_s: float,
    answered: int,
    reply_bytes: int,
    begun_ns: int,
    compiled: bool,
    statuses: Counter[str],
    fills: int,
    errors: Counter[str],
) -> Slice:
    return Slice(
        replies=len(ordered),
        seconds=wall_s if job.duration_s is None else job.duration_s,
        p50_ns=percentile(ordered, 50) if ordered else 0,
        p99_ns=percentile(ordered, 99) if ordered else 0,
        answered=answered,
        reply_bytes_mean=reply_bytes / max(1, answered),
        cpu_us_a_request=cpu_s * 1e6 / max(1, answered),
        cpu_share=cpu_s / wall_s,
        statuses=dict(statuses),
        fills=fills,
        errors=dict(errors),
        longest_ns=ordered[-1] if ordered else 0,
        begun_ns=begun_ns,
        compiled=compiled,
    )


def main() -> None:
    """Run the job on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    program = None if job.interpreted or job.rate is not None else generator.program()
    if program is not None:
        result = run_compiled(job, program)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
