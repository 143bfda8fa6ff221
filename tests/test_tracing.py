"""Traces: one command in so many, from the time it was taken to the time its result was shown; nothing without them."""

import asyncio
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from exchange.config import Config, TracingConfig, load
from exchange.core.commands import AddUser
from exchange.core.events import Rejected, RejectReason, UserAdded
from exchange.failure import Failure
from exchange.pipeline.commits import Applied
from exchange.pipeline.outcomes import Outcome
from exchange.pipeline.projector import Projector
from exchange.pipeline.writer import Entry, Waiter, Writer
from exchange.runtime.tracing import Tracing, tracing_of
from tests.fake_store import FakeStore, FakeTables
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import Api

S = 1_000_000_000


class Machine:
    """The time of commands is that of the machine, but for an offset."""

    clock_offset_ns = 0


class Stage:
    """Tracing into memory."""

    def __init__(self, every: int = 1) -> None:
        self._memory = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self.tracing = Tracing(provider.get_tracer("test"), provider, every)

    def spans(self) -> list[Any]:
        return list(self._memory.get_finished_spans())


def entry(outcome: Outcome, since: float) -> Entry:
    return Waiter(asyncio.get_running_loop().create_future(), 1, since), 0, outcome


def applied(sequence: int, time_ns: int = 0) -> Applied:
    name = f"user-{sequence}"
    return Applied(sequence, time_ns, AddUser(name), [UserAdded(name)])


async def test_a_trace_says_what_a_command_waited_for() -> None:
    stage, now_s, now_ns = Stage(), asyncio.get_running_loop().time(), time.time_ns()
    entries = [entry(applied(7, now_ns - 3 * S), now_s - 4.0)]
    stage.tracing.released(entries, (now_s - 2.0, now_s - 1.0), Machine())
    *below, whole = stage.spans()
    assert whole.name == "AddUser"
    assert whole.attributes == {"exchange.sequence": 7, "exchange.released": 1}
    assert [span.name for span in below] == ["queue", "batch", "commit", "release"]
    assert {span.parent.span_id for span in below} == {whole.context.span_id}
    assert whole.start_time == below[0].start_time
    assert whole.end_time == below[-1].end_time
    for span, after in pairwise(below):
        assert span.start_time <= span.end_time == after.start_time
    assert below[2].end_time - below[2].start_time == pytest.approx(S, abs=1000)


async def test_a_clock_that_jumped_makes_no_span_negative() -> None:
    now_s, now_ns = asyncio.get_running_loop().time(), time.time_ns()
    for offset_s in (-3600, 0, 3600):
        stage = Stage()
        entries = [entry(applied(1, now_ns + offset_s * S), now_s - 0.01)]
        stage.tracing.released(entries, (now_s - 0.008, now_s - 0.001), Machine())
        assert all(span.start_time <= span.end_time for span in stage.spans())


async def test_one_in_so_many_is_traced_and_only_what_a_caller_waits_for() -> None:
    stage, now_s = Stage(every=3), asyncio.get_running_loop().time()
    entries = [entry(applied(sequence), now_s) for sequence in range(1, 10)]
    entries.append(entry(Rejected(RejectReason.MIN_NOTIONAL), now_s))
    entries.append(entry(applied(12), math.inf))
    stage.tracing.released(entries, (now_s, now_s), Machine())
    assert [span.attributes["exchange.sequence"] for span in stage.spans() if span.parent is None] == [3, 6, 9]


async def test_the_writer_says_when_its_commit_began_and_ended() -> None:
    loop = asyncio.get_running_loop()
    seen: list[tuple[float, float]] = []
    store = FakeStore(0)
    writer = Writer(store, Projector(FakeTables(0), 0), 0, released=lambda entries: seen.append(writer.committed_s))
    task = asyncio.create_task(writer.run())
    before = loop.time()
    for sequence in (1, 2):
        ticket, index, outcome = entry(applied(sequence), before)
        writer.add(ticket, index, outcome)
        assert isinstance(ticket, Waiter)
        await ticket.future
    task.cancel()
    assert len(seen) == 2
    for begin, end in seen:
        assert before <= begin <= end <= loop.time()
    assert seen[0][1] <= seen[1][0]


# --- the whole way, to a collector


class Collector:
    """Takes what is exported; `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.names: list[str] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.services |= {
                        item.value.string_value for item in resource.resource.attributes if item.key == "service.name"
                    }
                    collector.names += [span.name for scope in resource.scope_spans for span in scope.spans]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is printed."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


async def test_orders_are_traced_to_a_collector(collector: Collector) -> None:
    with served.directory() as place:
        text = served.CONFIG + served.market_text("SOL")
        text += f'\n[tracing]\nendpoint = "{collector.url}"\nevery = 1\n'
        exchange = served.Served(place, text, ephemeral=True)
        try:
            exchange.start()
            async with aiohttp.ClientSession() as session:
                api = Api(session, exchange.url)
                user = await api.user(SOL="5")
                await api.order(user, "SOL_USDC", "sell 1 @ 100")
            assert exchange.stop() == 0
        finally:
            exchange.end()
    assert collector.services == {"exchange"}
    assert collector.names.count("PlaceOrder") == 1
    assert collector.names.count("commit") == collector.names.count("release") == 2  # and a deposit


async def test_a_collector_that_is_not_there_is_no_error() -> None:
    tracing = tracing_of(TracingConfig(endpoint="http://127.0.0.1:9/v1/traces", every=1))
    assert tracing is not None
    now_s = asyncio.get_running_loop().time()
    tracing.released([entry(applied(1), now_s)], (now_s, now_s), Machine())
    await tracing.close()


class Stuck:
    """A provider whose last traces are never sent."""

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def shutdown(self) -> None:
        """Wait until the test is over."""
        self.given_up.wait()


def test_a_collector_that_does_not_answer_keeps_no_process_from_ending() -> None:
    stuck = Stuck()
    guard = threading.Timer(PATIENCE_S, stuck.given_up.set)
    guard.start()
    asyncio.run(Tracing(None, stuck, 1).close())
    assert not stuck.given_up.is_set()
    stuck.given_up.set()
    guard.cancel()


# --- the configuration


def test_by_default_nothing_is_traced_and_nothing_imported() -> None:
    assert tracing_of(TracingConfig()) is None
    program = (
        "import sys, exchange.runtime.serve as s; from exchange.config import TracingConfig as c; "
        "assert s.tracing.tracing_of(c()) is None; assert 'opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_without_its_packages_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(Failure, match=r"local-spot-exchange\[otel\]") as failed:
        tracing_of(TracingConfig(endpoint="http://127.0.0.1:4318/v1/traces"))
    assert failed.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        'endpoint = "127.0.0.1:4318"',
        'endpoint = "grpc://127.0.0.1:4317"',
        'endpoint = "http://"',
        'endpoint = "http://a b/v1/traces"',
        "every = 0",
        "every = -1",
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[tracing]\n{text}\n")
    with pytest.raises(Failure, match=r"^\[tracing\] "):
        load(path, {}, {})


def test_settings_that_make_sense_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[tracing]\nendpoint = "https://collector.example/v1/traces"\nevery = 10\n')
    config: Config = load(path, {}, {})
    assert (config.tracing.endpoint, config.tracing.every) == ("https://collector.example/v1/traces", 10)
