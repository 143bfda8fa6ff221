"""A soak: `python -m tests.bench.soak --minutes 18` trades at half load for a long time, and shows what grows.

It starts an exchange of its own. Twenty sockets listen to every channel of the market, and to two users each. Orders
come at half of the rate that the exchange has reached with them, or at `--rate`. A tenth of the commands are cancels of
closed orders. Each line of the report is a part of the time: how fast orders were answered, the private memory of the
exchange with its PostgreSQL, and the open files of the exchange. It exits with 1 if the p99 of an order has reached
50 ms in one part, if memory or open files have grown from the second quarter of the time to the last, or if an order
was refused.
"""

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlsplit

import click
import orjson
import psutil  # type: ignore[import-untyped]
import uvloop
from rich.console import Console

from exchange.api.native.names import PRIVATE, PUBLIC
from tests.bench import flow
from tests.bench.figure import UnmeasuredError
from tests.bench.load import Call, Job, Slice
from tests.bench.pace import USUAL
from tests.bench.processes import exchange_command, raise_open_files, run_load, scratch_dir, serving
from tests.bench.side import Side, refuse_errors
from tests.bench.socket_load import Frames, masked, upgrade

SOCKETS = 20
CONNECTIONS = 64
CANCELING_CONNECTIONS = 8
CANCELS_SHARE = 0.1  # of all commands
FULL_SPEED_S = 5.0
PING_S = 3.0
PART_S = 20.0  # the load generator keeps the replies of a part
P99_MAX_MS = 50.0
GROWTH_MAX = 1.10  # of memory, from the second quarter to the last
FILES_MORE_MAX = 8
CLOSED = "422 ORDER_CLOSED"


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured in one part of the time."""

    orders_a_second: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    memory_mib: float
    files: int
    received_mib: float


class Listener(Frames):
    """A socket that counts what it receives and throws it away: to read every frame would take more than a core."""

    received_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Bytes of frames, once it is open."""
        if self.opened.is_set():
            self.received_bytes += len(data)
        else:
            super().data_received(data)


@dataclass(slots=True)
class Soak:
    """The parts so far."""

    side: Side
    pid: int
    parts: list[Part] = field(default_factory=list)
    sockets: list[Listener] = field(default_factory=list)
    lost: int = 0

    def gone(self) -> None:
        """One of the sockets has been closed."""
        self.lost += 1

    async def listen(self) -> None:
        """Open the sockets."""
        address = urlsplit(self.side.ws_url)
        request = upgrade(address.netloc, address.path)
        assert address.hostname is not None
        assert address.port is not None
        for number in range(SOCKETS):
            users = flow.MAKERS[number], flow.TAKERS[number]
            channels = [f"{kind}@{flow.MARKET}" for kind in PUBLIC]
            channels += [f"{kind}@{user}" for kind in PRIVATE for user in users]
            _, socket = await asyncio.get_running_loop().create_connection(
                lambda: Listener(request, lambda _: None, self.gone), address.hostname, address.port
            )
            await socket.opened.wait()
            socket.transport.write(masked(orjson.dumps({"message_type": "SUBSCRIBE", "channels": channels})))
            self.sockets.append(socket)

    async def ping(self) -> None:
        """Let the exchange hear from the sockets, which do not answer its pings, until canceled."""
        while True:
            await asyncio.sleep(PING_S)
            for socket in self.sockets:
                socket.transport.write(masked(b'{"message_type":"PING"}'))

    def received_mib(self) -> float:
        """What all sockets have received."""
        return sum(socket.received_bytes for socket in self.sockets) / (1 << 20)

    async def part(self, seconds: float, rate: float, cancels: tuple[Call, ...]) -> Part:
        """Trade for so long."""
        received_mib, number = self.received_mib(), len(self.parts)
        orders = Job(self.side.url, "orders", CONNECTIONS, number, 0.5, seconds, rate=rate * (1 - CANCELS_SHARE))
        canceling = Job(
            self.side.url, "", CANCELING_CONNECTIONS, duration_s=seconds + 0.5, rate=rate * CANCELS_SHARE,
            calls=cancels, keep=False,
        )  # fmt: skip
        measured, refused = await asyncio.gather(run_load(orders), run_load(canceling))
        refuse_errors(measured, "orders")
        if set(refused.errors) != {CLOSED}:
            refuse_errors(refused, "cancels of closed orders")
        if self.lost:
            raise UnmeasuredError(f"{self.lost} sockets were closed by the exchange")
        memory_mib, files = resources(self.pid)
        made = part_of(measured, memory_mib, files, self.received_mib() - received_mib)
        self.parts.append(made)
        return made


def part_of(measured: Slice, memory_mib: float, files: int, received_mib: float) -> Part:
    """One line of the report."""
    p50_ms, p99_ms, longest_ms = (ns / 1e6 for ns in (measured.p50_ns, measured.p99_ns, measured.longest_ns))
    return Part(measured.replies_a_second, p50_ms, p99_ms, longest_ms, memory_mib, files, received_mib)


def resources(pid: int) -> tuple[float, int]:
    """Private memory in MiB of a process and of all that it started, and the process's own open files.

    PostgreSQL keeps files open as it likes, up to a limit of its own.
    """
    root = psutil.Process(pid)
    private_bytes, files = 0, root.num_fds()
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            private_bytes += process.memory_full_info().uss  # PostgreSQL's processes share most of theirs
    return private_bytes / (1 << 20), files


def findings(parts: list[Part]) -> list[str]:
    """What is wrong; growth is judged with four parts or more."""
    found = []
    worst = max(part.p99_ms for part in parts)
    if worst >= P99_MAX_MS:
        found.append(f"the p99 of an order has reached {worst:.1f} ms, and must be below {P99_MAX_MS:.0f} ms")
    quarter = len(parts) // 4
    if quarter:
        before, after = parts[quarter : 2 * quarter], parts[-quarter:]
        was, is_now = (median(part.memory_mib for part in several) for several in (before, after))
        if is_now > was * GROWTH_MAX:
            found.append(f"memory has grown from {was:.0f} to {is_now:.0f} MiB")
        were, are = (median(part.files for part in several) for several in (before, after))
        if are > were + FILES_MORE_MAX:
            found.append(f"open files have grown from {were:.0f} to {are:.0f}")
    return found


async def run(minutes: float, rate: float | None, console: Console) -> list[str]:
    """Start an exchange, trade, and judge."""
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_dir())
        served = await stack.enter_async_context(serving(exchange_command(scratch), "exchange", scratch))
        side = Side(served.url, served.ws_url, USUAL, pid=served.pid)
        await side.prepare()
        closed = await side.closed_orders()
        bodies = [orjson.dumps({"user_id": user, "market": flow.MARKET, "order_id": name}) for user, name in closed]
        cancels = tuple(Call("DELETE", "/order", body.decode()) for body in bodies)
        soak = Soak(side, served.pid)
        await soak.listen()
        pinging = asyncio.create_task(soak.ping())
        if rate is None:
            full = await side.load("orders", CONNECTIONS, duration_s=FULL_SPEED_S)
            rate = full.replies_a_second / 2
        console.print(f"{rate:,.0f} commands/s, {SOCKETS} sockets, {minutes:g} minutes", highlight=False)
        console.print(
            "    time   orders/s  p50 ms  p99 ms  longest ms  memory MiB  files  sockets MiB/s", highlight=False
        )
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while (passed := loop.time() - begun) < 60 * minutes:
            part = await soak.part(min(PART_S, 60 * minutes), rate, cancels)
            console.print(
                f"{passed:6.0f} s {part.orders_a_second:10,.0f} {part.p50_ms:7.1f} {part.p99_ms:7.1f} "
                f"{part.longest_ms:11.1f} {part.memory_mib:11.0f} {part.files:6} {part.received_mib / PART_S:14.1f}",
                highlight=False,
            )
        pinging.cancel()
        return findings(soak.parts)


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.1, max=1440.0), default=18.0, show_default=True)
@click.option("--rate", type=click.FloatRange(min=10.0), help="Commands a second, instead of half of what goes.")
def main(minutes: float, rate: float | None) -> None:
    """Trade at half load for a long time; exits 1 if orders become slow, or memory or open files grow."""
    raise_open_files()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(run(minutes, rate, console))
    except UnmeasuredError as error:
        found = [str(error)]
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    for finding in found:
        console.print(f"soak: {finding}", style="red", markup=False, highlight=False)
    console.print("soak: all is flat" if not found else "soak: failed", markup=False)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
