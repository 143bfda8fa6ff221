"""Traces for OpenTelemetry: what a command waited for, from the time it was taken to the time its result was shown.

One command in so many is traced, after its commit, from times that are known by then: nothing is done for a command
while it is on its way, and nothing at all where no traces are wanted. A trace is a span of the whole way, named like
the command, with four spans below it: `queue` until the market applied the command, `batch` until its commit began,
`commit`, and `release` until subscribers had been told. The client is told next.

What the collector does not take is dropped. Leaves out: refusals, which have no time of their own, commands that the
exchange gives itself, and names of users.
"""

import asyncio
import contextlib
import importlib
import math
import threading
import time
from typing import Any, Protocol

import structlog

from exchange import __version__
from exchange.config import TracingConfig
from exchange.failure import Failure
from exchange.pipeline.commits import Applied
from exchange.pipeline.writer import Entry

log = structlog.get_logger(__name__)

FLUSH_S = 2.0  # how long a stop waits until the last traces are sent
EXPORT_S = 5.0  # how long one attempt to send traces may take
WAITING_MAX = 4096  # spans that may wait to be sent
PACKAGES = (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.resources",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)
NS = 1_000_000_000


class Clock(Protocol):
    """What is known of the time of commands."""

    @property
    def clock_offset_ns(self) -> int:
        """The time of commands less that of the machine."""


class Tracing:
    """Traces commands when they are released."""

    def __init__(self, tracer: Any, provider: Any, every: int) -> None:
        self._tracer, self._provider, self._every = tracer, provider, every

    def released(self, entries: list[Entry], committed_s: tuple[float, float], clock: Clock) -> None:
        """Trace what was committed from the one to the other of the loop's times, and is shown now."""
        now_s, now_ns, every = asyncio.get_running_loop().time(), time.time_ns(), self._every
        for ticket, _, outcome in entries:
            if isinstance(outcome, Applied) and outcome.sequence % every == 0 and ticket.since < math.inf:
                taken, began, ended = (now_ns - int((now_s - then_s) * NS) for then_s in (ticket.since, *committed_s))
                applied = min(max(outcome.time_ns - clock.clock_offset_ns, taken), began)
                self._trace(outcome, (taken, applied, began, ended, now_ns), len(entries))

    def _trace(self, outcome: Applied, times_ns: tuple[int, ...], released: int) -> None:
        from opentelemetry import trace

        command = outcome.command
        attributes: dict[str, Any] = {"exchange.sequence": outcome.sequence, "exchange.released": released}
        if market := getattr(command, "market", None):
            attributes["exchange.market"] = market
        if outcome.order is not None:
            attributes["exchange.order_id"] = outcome.order.order_id
        whole = self._tracer.start_span(type(command).__name__, start_time=times_ns[0], attributes=attributes)
        below = trace.set_span_in_context(whole)
        for name, begins, ends in zip(("queue", "batch", "commit", "release"), times_ns, times_ns[1:], strict=False):
            self._tracer.start_span(name, context=below, start_time=begins).end(ends)
        whole.end(times_ns[-1])

    async def close(self) -> None:
        """Send what waits, if that is soon done."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def flush() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(done.set)

        # No thread of the loop's own, whose end the process would wait for.
        threading.Thread(target=flush, name="last traces", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await done.wait()


def refuse_early(config: TracingConfig) -> None:
    """Raise Failure if traces are wanted, and what makes them is not installed."""
    if config.endpoint:
        _packages()


def tracing_of(config: TracingConfig) -> Tracing | None:
    """What the configuration wants; None for no traces. Raises Failure."""
    if not config.endpoint:
        return None
    trace, export, resources, exporter = _packages()
    described = resources.Resource({"service.name": "exchange", "service.version": __version__})
    provider = trace.TracerProvider(
        resource=described.merge(resources.OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    sender = exporter.OTLPSpanExporter(endpoint=config.endpoint, timeout=EXPORT_S)
    provider.add_span_processor(export.BatchSpanProcessor(sender, max_queue_size=WAITING_MAX))
    log.info("commands are traced", endpoint=config.endpoint, every=config.every)
    return Tracing(provider.get_tracer("exchange", __version__), provider, config.every)


def _packages() -> tuple[Any, ...]:
    try:
        return tuple(importlib.import_module(name) for name in PACKAGES)
    except ImportError as error:
        missing = f"{error.name} is not installed"
        raise Failure(f"[tracing] endpoint needs local-spot-exchange[otel], with its extra: {missing}.", 2) from None
