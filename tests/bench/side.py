"""One server under load, and what was prepared on it: the exchange, a limit, or the exchange of another revision."""

import asyncio
import http.client
import random
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import psutil  # type: ignore[import-untyped]

from tests.bench import flow
from tests.bench.figure import UnmeasuredError
from tests.bench.load import Call, Job, Slice
from tests.bench.pace import Pace
from tests.bench.processes import DEEP, SWEPT, run_load

SETUP_CONNECTIONS = 16
CLIENT_TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 10.0
SETTLE_POLL_S = 0.25
SETTLED_SHARE = 0.1  # of a core: below it a server is idle
CLOSED_PAIRS = 60
READERS = tuple(flow.TAKERS[:2])  # who closed the orders, and has the fills
FAR_TICKS = 20_000  # 200.00: the first price of the markets where nothing else trades
SWEPT_LEVELS = 1_000
JSON_HEADERS = {"Content-Type": "application/json"}


def post(encoded: flow.Encoded) -> Call:
    """A request of `flow` as a call of a job."""
    path, body = encoded
    return Call("POST", path, body.decode())


def cpu_seconds(pid: int | None) -> float:
    """CPU time of a process and all that it started: an exchange and its PostgreSQL. Those that ended count too."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            # The last two are of children that have ended and been waited for.
            total += sum(process.cpu_times()[:4])
    return total


def refuse_errors(measured: Slice, kind: str) -> None:
    """A server that refuses is not fast: one reply that is not a 200 and the figure does not count."""
    if measured.errors:
        counts = ", ".join(f"{count:,} {code}" for code, count in sorted(measured.errors.items()))
        raise UnmeasuredError(f"{kind}: {counts} among {measured.answered:,} replies")


@dataclass(slots=True)
class Side:
    """A server. `seed` is of the round: both sides of a round send the same flow."""

    url: str
    ws_url: str
    pace: Pace
    seed: int = 0
    pid: int | None = None  # of a server whose CPU time is counted, and waited for to become idle
    cpu_us_a_reply: float = 0.0  # of the last load, with its database, until both were idle again
    generator_share_max: float = 0.0
    compiled_generator: bool | None = None
    _closed: list[tuple[str, str]] = field(default_factory=list)
    _deep_levels: int = 0
    _funded_apart: bool = False

    async def prepare(self) -> None:
        """Fund the users, and lay the depth that the takers live on."""
        for kind in ("deposits", "prime"):
            refuse_errors(await run_load(Job(self.url, kind, SETUP_CONNECTIONS)), kind)

    async def load(self, kind: str, connections: int, **options: Any) -> Slice:
        """A slice of load, every reply of which is a 200."""
        measured = await self.any_load(kind, connections, **options)
        refuse_errors(measured, kind or "calls")
        return measured

    async def any_load(self, kind: str, connections: int, *, socket: bool = False, **options: Any) -> Slice:
        """A slice of load, whatever its replies are."""
        usual = {"seed": self.seed, "warmup_s": self.pace.warmup_s, "duration_s": self.pace.slice_s}
        counted = self.pid is not None and "rate" not in options
        if counted:
            await self.settle()
        before_s = cpu_seconds(self.pid) if counted else 0.0
        measured = await run_load(Job(self.ws_url if socket else self.url, kind, connections, **(usual | options)))
        if counted:
            await self.settle()
            self.cpu_us_a_reply = (cpu_seconds(self.pid) - before_s) * 1e6 / max(1, measured.answered)
        if not measured.replies:
            raise UnmeasuredError(f"no reply to {kind or 'calls'} within {self.pace.slice_s} s")
        self.generator_share_max = max(self.generator_share_max, measured.cpu_share)
        if not socket and "rate" not in options:
            self.compiled_generator = measured.compiled
        return measured

    async def settle(self) -> None:
        """Wait until the server has done what it still had to do: the tables follow the journal.

        A server that is never idle is measured all the same.
        """
        if self.pid is None:
            return
        give_up_at = time.monotonic() + SETTLE_TIMEOUT_S
        before_s = cpu_seconds(self.pid)
        while time.monotonic() < give_up_at:
            await asyncio.sleep(SETTLE_POLL_S)
            now_s = cpu_seconds(self.pid)
            if now_s - before_s < SETTLED_SHARE * SETTLE_POLL_S:
                return
            before_s = now_s

    async def once(self, requests: Iterable[flow.Encoded], connections: int = SETUP_CONNECTIONS) -> Slice:
        """Send each request once, as fast as it goes."""
        measured = await run_load(Job(self.url, "", connections, calls=tuple(map(post, requests))))
        refuse_errors(measured, "preparing")
        return measured

    async def closed_orders(self) -> list[tuple[str, str]]:
        """User and id of some thousand orders that were filled; made when first asked for."""
        if not self._closed:
            requests = flow.batches(random.Random(self.seed), CLOSED_PAIRS, READERS)
            for replied in await asyncio.to_thread(self._replies, requests):
                orders = [order for order in replied["results"] if order.get("status") == "filled"]
                self._closed += [(order["user_id"], order["order_id"]) for order in orders]
        return self._closed

    def _replies(self, requests: Iterable[flow.Encoded]) -> list[Any]:
        with Client(self.url) as client:
            return [client.ask("POST", path, body) for path, body in requests]

    async def lay_swept(self, makers: int) -> None:
        """So many makers of many users on a thousand levels of their own market."""
        await self._fund_apart()
        prices = [FAR_TICKS + number % SWEPT_LEVELS for number in range(makers)]
        each = -(-makers // len(flow.MAKERS))
        requests = [
            request
            for number, user in enumerate(flow.MAKERS)
            for request in flow.laid(SWEPT, user, "sell", prices[number * each : (number + 1) * each])
        ]
        await self.once(requests)

    async def lay_deep(self, levels: int) -> None:
        """A book of so many levels in its own market, unless it is there."""
        if self._deep_levels < levels:
            await self._fund_apart()
            await self.once(flow.laid(DEEP, flow.MAKERS[0], "sell", range(FAR_TICKS, FAR_TICKS + levels)))
            self._deep_levels = levels

    async def _fund_apart(self) -> None:
        if not self._funded_apart:
            for market in (SWEPT, DEEP):
                asset = market.partition("_")[0]
                await self.once(flow.deposit(user, asset, "1000000", f"{user}-{asset}") for user in flow.MAKERS)
            self._funded_apart = True


class Client:
    """`http.client`, which sends the head of a request and its body in two writes. It blocks: use it in a thread."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=CLIENT_TIMEOUT_S)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def ask(self, method: str, target: str, body: bytes | None = None) -> Any:
        """The reply to a request, which must be a 200."""
        self._connection.request(method, target, body, JSON_HEADERS if body else {})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.HTTPStatus.OK:
            raise UnmeasuredError(f"{method} {target.partition('?')[0]}: {response.status} {content[:200]!r}")
        return orjson.loads(content)

    def latencies_ns(self, requests: Iterable[flow.Encoded], seconds: float) -> list[int]:
        """How long each order took, one after the other, ascending."""
        latencies = []
        stop_ns = time.perf_counter_ns() + int(seconds * 1e9)
        for path, body in requests:
            if (sent_ns := time.perf_counter_ns()) >= stop_ns:
                break
            self.ask("POST", path, body)
            latencies.append(time.perf_counter_ns() - sent_ns)
        return sorted(latencies)
